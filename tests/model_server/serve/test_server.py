# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server answers: good requests, and a proper status with advice for everything else."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gimp_saliency.shared import places
from gimp_saliency.shared.choices import LOOKS, Edge, Ranking
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.edits import Curves, Saturation, Tone, WhiteBalance
from gimp_saliency.shared.errors import ServerError
from gimp_saliency.shared.harmony import INPUTS
from gimp_saliency.shared.request import PLAIN, EditRequest
from gimp_saliency.shared.retouch import MATCH
from model_server.predict.edge import refine_mask
from tests.model_server.processes import StartServer, memory, threads, wait_for
from tests.model_server.serve.wire import (
    EDGE,
    EDITS,
    HARMONIZE,
    LOOK,
    PICTURE,
    PROPOSALS,
    REFINE,
    RETOUCH,
    SIDE,
    exchange,
    post,
    status,
)

BUG = b"\0\0\0\1" * (SIDE * SIDE)  # see the fake server


@pytest.fixture
def server(start_server: StartServer) -> Iterator[int]:
    """A fake server's process id; at the end it must still be well."""
    process = start_server()
    yield process.pid
    assert transport.request("POST", EDITS, PICTURE)[0] == 200


def test_edits(server: int) -> None:
    answer = questions.ask_edits(PICTURE, SIDE, SIDE, EditRequest("attenuate", 50.0))
    assert answer["edits"][0]["name"] == "exposure" and answer["edits"][0]["ev"] < 0
    assert "saliency" not in answer and "realism" not in answer
    assert answer["border"] == 0.25
    assert answer["model"] == "fake-1 (00000000)" and answer["milliseconds"] >= 0


def test_edits_with_figures(server: int) -> None:
    answer = json.loads(transport.request("POST", f"{EDITS}&strength=0.5", PICTURE)[1])
    assert answer["saliency"] == {"before": 0.5, "after": 0.4}
    assert answer["realism"] == {"before": 0.9, "after": 0.25}


def test_saliency(server: int) -> None:
    assert questions.ask_saliency(PICTURE[: SIDE * SIDE * 3], SIDE, SIDE) == PICTURE[: SIDE * SIDE * 3 : 3]


def test_proposals(server: int) -> None:
    answer = questions.ask_proposals(PICTURE, SIDE, SIDE, EditRequest("attenuate", 50.0))
    first, second = answer["proposals"]
    assert (first["order"], second["order"]) == ("best-realism", "variant-1")
    edits = json.loads(transport.request("POST", f"{EDITS}&strength=0.5", PICTURE)[1])
    same = {name: edits[name] for name in ("edits", "saliency", "realism", "border")}
    assert first == {"order": "best-realism", **same, "style": [0] * 10}
    assert answer["model"] == "fake-1 (00000000)" and answer["milliseconds"] >= 0


STYLE = [0.5, -1.25, 3, 4, -4, 0, 1e-3, 0, 0, -0.0]


def test_background_and_style(server: int) -> None:
    plain = questions.ask_edits(PICTURE, SIDE, SIDE, EditRequest("attenuate", ranking=Ranking.RANDOM))
    assert "background" not in plain and "style" not in plain
    more: dict[str, Any] = {"background": True, "background_strength": 50.0, "style_numbers": tuple(STYLE)}
    answer = questions.ask_edits(PICTURE, SIDE, SIDE, EditRequest("attenuate", ranking=Ranking.RANDOM, **more))
    assert answer["edits"] == plain["edits"]
    # The fake server's, which says back what it was asked.
    exposure, saturation = answer["background"]
    assert exposure["ev"] == pytest.approx(-0.5 * plain["edits"][0]["ev"])
    assert saturation["scale"] == pytest.approx(1 + sum(STYLE) / 40)
    found = questions.ask_proposals(PICTURE, SIDE, SIDE, EditRequest("attenuate", **more))["proposals"]
    assert [each["style"] for each in found] == [STYLE, STYLE]
    assert [each["background"] for each in found] == [answer["background"]] * 2
    found = questions.ask_proposals(PICTURE, SIDE, SIDE, EditRequest("attenuate", **more), seed=2**30)["proposals"]
    assert [each["style"] for each in found] == [STYLE, [0.5, *STYLE[1:]]]
    assert not any(
        "background" in each
        for each in questions.ask_proposals(PICTURE, SIDE, SIDE, EditRequest("attenuate"))["proposals"]
    )


def test_look(server: int) -> None:
    answer = questions.ask_look(PICTURE, SIDE, SIDE)
    assert answer["map"] == PICTURE[::4]
    assert (answer["saliency"], answer["realism"], answer["peak"]) == (0.5, 0.9, 0.01)
    assert answer["viewers"] == [0.4, 0.6]
    assert answer["model"] == "fake-1 (00000000)" and answer["milliseconds"] >= 0


def test_look_beside_the_original(server: int) -> None:
    original = bytes(range(256)) * 3
    answer = questions.ask_look(PICTURE, SIDE, SIDE, original)
    assert (answer["border"], answer["map"]) == (0.25, PICTURE[::4])
    assert "border" not in questions.ask_look(PICTURE, SIDE, SIDE)
    for body in (PICTURE, PICTURE + original[:-1], PICTURE + original + b"\0"):
        code, refusal = transport.request("POST", LOOK + "&original=1", body)
        assert (code, "need 1792" in json.loads(refusal)["error"]) == (400, True)


@pytest.mark.parametrize("edge", list(Edge))
def test_edge(server: int, edge: Edge) -> None:
    found = questions.ask_edge(PICTURE, SIDE, SIDE, edge, 2.5, 3.0)
    assert found.mask == PICTURE[3::4]
    assert found.edge == (Edge.AS_SELECTED if edge == Edge.AUTOMATIC else edge)


def test_harmony(server: int) -> None:
    answer = questions.ask_harmony(PICTURE, SIDE, SIDE)
    assert answer["model"] == "harmonize-fake-1 (11111111)" and answer["milliseconds"] >= 0
    level = hashlib.sha256(PICTURE).digest()[0] / 255
    assert answer["curves"] == [[round(level * each, 5) for each in INPUTS], *[[round(each, 5) for each in INPUTS]] * 2]
    assert answer["shading"] == {"box": [0, 0.25, 0.5, 1], "ev": [[0.5] * 32] * 32}


def test_harmony_with_a_part_of_the_photo(server: int) -> None:
    """Which follows the picture, a byte a pixel; its last one counts, too."""
    part = bytes(range(256))
    answer = questions.ask_harmony(PICTURE, SIDE, SIDE, part)
    assert answer["curves"][0][-1] == round(hashlib.sha256(PICTURE + part).digest()[0] / 255, 5)
    for body in (PICTURE, PICTURE + part[:-1], PICTURE + part + b"\0"):
        code, refusal = transport.request("POST", HARMONIZE + "&reference=1", body)
        assert (code, "need 1280" in json.loads(refusal)["error"]) == (400, True)
    code, refusal = transport.request("POST", HARMONIZE + "&reference=0", PICTURE + part)
    assert (code, "need 1024" in json.loads(refusal)["error"]) == (400, True)


def test_harmony_in_a_style(server: int) -> None:
    plain = questions.ask_harmony(PICTURE, SIDE, SIDE)
    styled = questions.ask_harmony(PICTURE, SIDE, SIDE, None, tuple(STYLE))
    assert styled["curves"] == [*plain["curves"][:2], [round(0.9 * each, 5) for each in INPUTS]]
    assert questions.ask_harmony(PICTURE, SIDE, SIDE, None, PLAIN)["curves"] == plain["curves"]


def test_harmonies_to_choose_from(server: int) -> None:
    """The first is what is predicted in the style; all have the one shading."""
    part = bytes(range(256))
    alone = questions.ask_harmony(PICTURE, SIDE, SIDE, part, tuple(STYLE))
    answer = questions.ask_harmonies(PICTURE, SIDE, SIDE, part, tuple(STYLE), 2**30)
    assert answer["model"] == alone["model"] and answer["milliseconds"] >= 0
    first, *others = answer["proposals"]
    assert first == {"curves": alone["curves"], "shading": alone["shading"], "style": STYLE}
    assert [each["style"] for each in others] == [[number, *PLAIN[1:]] for number in (1.5, 2.5, 3.5)]
    for each in others:
        same = questions.ask_harmony(PICTURE, SIDE, SIDE, part, tuple(each["style"]))
        assert each["curves"] == same["curves"] and each["shading"] == same["shading"]
    assert questions.ask_harmonies(PICTURE, SIDE, SIDE, None, (), 0)["proposals"][0]["style"] == list(PLAIN)
    code, content = transport.request("POST", HARMONIZE + "&styles=0", PICTURE)
    assert code == 200 and all("shading" not in each for each in json.loads(content)["proposals"])


def test_retouch(server: int) -> None:
    """Each of the fake server's looks is darker by a stop than the one before."""
    found = questions.ask_retouch(PICTURE, SIDE, SIDE, True)
    assert found.model == "retouch-fake-1 (22222222)" and tuple(found.edits) == LOOKS
    ev = hashlib.sha256(PICTURE).digest()[0] / 255
    plain = [WhiteBalance(1, 1), Saturation(1), Tone.neutral(), Curves.neutral()]
    for number, edits in enumerate(found.edits.values()):
        assert edits[0].to_vector() == pytest.approx([ev - number]) and edits[1:] == plain
    code, content = transport.request("POST", RETOUCH, PICTURE)
    assert (
        code == 200 and json.loads(content)["milliseconds"] >= 0 and list(json.loads(content)["looks"]) == list(LOOKS)
    )


def test_retouch_without_regard_to_people(server: int) -> None:
    """Which is not the usual: it must be asked for."""
    blue = {"name": "white-balance", "red": 1, "blue": 1.5}
    for query, is_blue in (("", False), ("&people=1", False), ("&people=0", True)):
        looks = json.loads(transport.request("POST", RETOUCH + query, PICTURE)[1])["looks"]
        assert [blue in edits for edits in looks.values()] == [is_blue] * len(LOOKS)


def test_retouch_to_the_look_of_another_photograph(server: int) -> None:
    """Which follows the picture, three bytes a pixel, in a size of its own."""
    other = bytes(3 * 19) + bytes([51]) + bytes(3 * 20 * 17 - 3 * 19 - 1)  # light in its upper right corner
    found = questions.ask_retouch(PICTURE, SIDE, SIDE, True, (other, 20, 17))
    assert tuple(found.edits) == (*LOOKS, MATCH)
    assert found.edits[MATCH][0].to_vector() == pytest.approx([51 / 255 - 3])
    address = RETOUCH + "&reference_width=20&reference_height=17"
    for body in (PICTURE, PICTURE + other[:-1], PICTURE + other + b"\0"):
        code, refusal = transport.request("POST", address, body)
        sentence = f"The body has {len(body)} bytes; 16 × 16 pixels and 1020 bytes of the reference need 2044."
        assert (code, json.loads(refusal)["error"]) == (400, sentence)
    code, refusal = transport.request("POST", RETOUCH, PICTURE + other)
    sentence = "The body has 2044 bytes; 16 × 16 pixels need 1024."
    assert (code, json.loads(refusal)["error"]) == (400, sentence)


def test_photographs_to_retouch_may_be_of_the_largest_size(server: int) -> None:
    large = b"\x80" * (384 * 384 * 4)
    found = questions.ask_retouch(large, 384, 384, True, (large[: 384 * 384 * 3], 384, 384))
    assert found.edits[MATCH][0].to_vector() == pytest.approx([128 / 255 - 3])


@pytest.mark.parametrize(
    ("coverage", "reference", "sentence"),
    [
        (bytes(256), None, "Nothing of the layer is in the picture; move it onto the photo, or"),
        (bytes(256), b"\xff" * 256, "Nothing of the layer is in the picture; move it onto the photo, or"),
        (b"\xff" * 256, None, "The layer covers the whole photo, so that nothing is left to match; erase or mask"),
        (b"\xff" * 256, b"\xff" * 256, "The layer covers the whole photo"),
        (b"\x01" * 256, bytes(256), "The selection holds nothing of the photo to match; select a part of it beside"),
        (b"\xff" * 128 + bytes(128), b"\xff" * 128 + bytes(128), "The selection holds nothing of the photo to match;"),
    ],
)
def test_a_harmony_needs_a_cut_out_and_a_photo(
    server: int, coverage: bytes, reference: bytes | None, sentence: str
) -> None:
    picture = b"".join(b"\x40\x80\xc0" + coverage[at : at + 1] for at in range(256))
    with pytest.raises(ServerError, match=f"^{sentence}.*[a-z]\\.$"):
        questions.ask_harmony(picture, SIDE, SIDE, reference)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 1), (70, 130)])
def test_refine(server: int, width: int, height: int) -> None:
    picture = (PICTURE * 40)[: width * height * 4]
    expected = refine_mask(np.frombuffer(picture, np.uint8).reshape(height, width, 4), 4.5)
    assert questions.ask_refined(picture, width, height, 4.5) == expected.astype("<u2").tobytes()


def test_refine_needs_no_selection(server: int) -> None:
    assert questions.ask_refined(bytes(40), 2, 5, 1) == bytes(20)


def test_largest_pictures(server: int) -> None:
    picture = b"\1" * (384 * 384 * 4)
    assert questions.ask_edits(picture, 384, 384, EditRequest("emphasize", ranking=Ranking.RANDOM))["edits"]
    assert questions.ask_proposals(picture, 384, 384, EditRequest("emphasize"))["proposals"]
    assert questions.ask_look(picture, 384, 384)["map"] == b"\1" * 384**2
    assert questions.ask_edge(b"\1" * (1024**2 * 4), 1024, 1024, Edge.SOFT, 0.0).mask == b"\1" * 1024**2
    assert questions.ask_harmony(picture, 384, 384)["curves"]
    assert questions.ask_harmony(picture, 384, 384, b"\1" * 384**2)["curves"]
    assert questions.ask_refined(b"\xff" * (2048 * 2048 * 4), 2048, 2048, 32) == b"\xff" * (2048 * 2048 * 2)


@pytest.mark.alone
def test_many_large_tiles_at_once_are_refused_not_kept(server: int) -> None:
    """Each takes 16 MB while it is sent."""
    head = post(REFINE.replace("=16", "=2048"), bytes(100_000), f"Content-Length: {2048 * 2048 * 4}")
    large, tile = REFINE.replace("=16", "=385"), bytes(385 * 385 * 4)
    clients = []
    try:
        for _ in range(4):
            clients.append(socket.socket(socket.AF_UNIX))
            clients[-1].connect(places.socket_path())
            clients[-1].sendall(head)
        time.sleep(0.2)
        code, answer = transport.request("POST", large, tile)
        assert code == 503 and "busy; try again" in json.loads(answer)["error"]
        assert transport.request("POST", REFINE, PICTURE)[0] == 200
        assert transport.request("POST", LOOK, PICTURE)[0] == 200
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: transport.request("POST", large, tile)[0] == 200)


def test_health(server: int) -> None:
    wait_for(lambda: (lifecycle.ask_health() or {}).get("state") == "ready")
    found = lifecycle.ask_health() or {}
    assert found["idle_minutes"] == 1  # the fake server's default
    assert abs(found["memory"] / 1e6 - memory(server)) < 10
    assert found["networks"] == {"fake.onnx": {"bytes": 7, "sha256": "00000000"}}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/health", 200),
        ("GET", "/", 404),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/v1/health", 405),
        ("GET", EDITS, 405),
        ("BREW", EDITS, 405),
        ("POST", "/v1/edits", 400),
        ("POST", EDITS + "&width=17", 400),
        ("POST", EDITS + "&path=/etc/passwd", 400),
        ("POST", EDITS + "&strength=nan", 400),
        ("POST", EDITS + "&strength=1.6", 400),
        ("POST", EDITS.replace("attenuate", "remove"), 400),
        ("POST", EDITS.replace("width=16", "width=-16"), 400),
        ("POST", EDITS.replace("width=16", "width=15"), 400),
        ("POST", EDITS.replace("width=16", "width=385"), 400),
        ("POST", EDITS.replace("width=16", "width=१६"), 400),
        ("POST", EDITS.replace("width=16", "width=17"), 400),
        ("POST", EDITS.replace("random", "variant-2"), 200),
        ("POST", EDITS + "&background=2", 400),
        ("POST", EDITS + "&background=true", 400),
        ("POST", EDITS + "&background_strength=1.6", 400),
        ("POST", EDITS + "&boldness=subtle", 200),
        ("POST", EDITS + "&boldness=rude", 400),
        ("POST", EDITS + "&background_strength=-1", 400),
        ("POST", EDITS + "&background=1&background_strength=1.5&style=" + ",".join(["-4", "4"] * 5), 200),
        ("POST", EDITS + "&style=", 400),
        ("POST", EDITS + "&style=0", 400),
        ("POST", EDITS + "&style=" + ",".join("0" * 9), 400),
        ("POST", EDITS + "&style=" + ",".join("0" * 11), 400),
        ("POST", EDITS + "&style=" + ",".join(["0"] * 9 + ["4.1"]), 400),
        ("POST", EDITS + "&style=" + ",".join(["0"] * 9 + ["nan"]), 400),
        ("POST", EDITS + "&style=" + ",".join(["0"] * 9 + [""]), 400),
        ("POST", EDITS + "&style=" + ",".join("0" * 30000), 400),
        ("POST", EDITS + "&styles=1", 400),
        ("POST", PROPOSALS + "&styles=0", 200),
        ("POST", PROPOSALS + "&styles=2147483647", 200),
        ("POST", PROPOSALS + "&styles=2147483648", 400),
        ("POST", PROPOSALS + "&styles=-1", 400),
        ("POST", PROPOSALS + "&styles=1.0", 400),
        ("POST", PROPOSALS + "&styles=", 400),
        ("POST", PROPOSALS + "&styles=" + "9" * 5000, 400),
        ("POST", PROPOSALS + "&background=", 400),
        ("POST", PROPOSALS + "&style=plain", 400),
        ("GET", PROPOSALS, 405),
        ("POST", "/v1/proposals", 400),
        ("POST", PROPOSALS + "&order=random", 400),
        ("POST", PROPOSALS + "&strength=2", 400),
        ("POST", PROPOSALS.replace("attenuate", "remove"), 400),
        ("POST", PROPOSALS.replace("width=16", "width=15"), 400),
        ("POST", PROPOSALS.replace("width=16", "width=17"), 400),
        ("GET", LOOK, 405),
        ("POST", LOOK + "&direction=attenuate", 400),
        ("POST", LOOK.replace("height=16", "height=385"), 400),
        ("POST", LOOK.replace("height=16", "height=17"), 400),
        ("POST", LOOK + "&original=2", 400),
        ("POST", LOOK + "&original=1", 400),
        ("GET", EDGE, 405),
        ("POST", EDGE, 200),
        ("POST", EDGE + "&radius=500", 200),
        ("POST", EDGE + "&radius=500.1", 400),
        ("POST", EDGE + "&radius=-1", 400),
        ("POST", EDGE + "&radius=nan", 400),
        ("POST", EDGE + "&grow=500", 200),
        ("POST", EDGE + "&grow=500.1", 400),
        ("POST", EDGE + "&grow=", 400),
        ("POST", EDGE + "&direction=attenuate", 400),
        ("POST", EDGE.replace("=automatic", "=sharp"), 400),
        ("POST", EDGE.replace("&edge=automatic", ""), 400),
        ("POST", EDGE.replace("width=16", "width=15"), 400),
        ("POST", EDGE.replace("width=16", "width=1025"), 400),
        ("POST", EDGE.replace("width=16", "width=17"), 400),
        ("GET", HARMONIZE, 405),
        ("POST", HARMONIZE, 200),
        ("POST", HARMONIZE + "&reference=0", 200),
        ("POST", HARMONIZE + "&reference=1", 400),
        ("POST", HARMONIZE + "&reference=2", 400),
        ("POST", HARMONIZE + "&reference=", 400),
        ("POST", HARMONIZE + "&reference=0&reference=0", 400),
        ("POST", HARMONIZE + "&direction=attenuate", 400),
        ("POST", HARMONIZE + "&style=" + ",".join(["4", "-4"] * 5), 200),
        ("POST", HARMONIZE + "&style=" + ",".join(["4.1"] * 10), 400),
        ("POST", HARMONIZE + "&style=" + ",".join(["0"] * 9), 400),
        ("POST", HARMONIZE + "&style=plain", 400),
        ("POST", HARMONIZE + "&style=", 400),
        ("POST", HARMONIZE + "&styles=0", 200),
        ("POST", HARMONIZE + "&styles=2147483647&style=" + ",".join("0" * 10), 200),
        ("POST", HARMONIZE + "&styles=2147483648", 400),
        ("POST", HARMONIZE + "&styles=-1", 400),
        ("POST", HARMONIZE + "&styles=", 400),
        ("POST", HARMONIZE + "&styles=1&styles=1", 400),
        ("POST", "/v1/harmonize?width=16", 400),
        ("POST", HARMONIZE.replace("width=16", "width=15"), 400),
        ("POST", HARMONIZE.replace("height=16", "height=385"), 400),
        ("POST", HARMONIZE.replace("height=16", "height=17"), 400),
        ("GET", RETOUCH, 405),
        ("POST", RETOUCH, 200),
        ("POST", RETOUCH + "&people=0", 200),
        ("POST", RETOUCH + "&people=2", 400),
        ("POST", RETOUCH + "&people=", 400),
        ("POST", RETOUCH + "&people=1&people=1", 400),
        ("POST", RETOUCH + "&look=film", 400),
        ("POST", RETOUCH + "&reference=1", 400),
        ("POST", RETOUCH + "&reference_width=&reference_height=", 200),
        ("POST", RETOUCH + "&reference_width=16", 400),
        ("POST", RETOUCH + "&reference_height=16", 400),
        ("POST", RETOUCH + "&reference_width=15&reference_height=16", 400),
        ("POST", RETOUCH + "&reference_width=16&reference_height=385", 400),
        ("POST", RETOUCH + "&reference_width=16&reference_height=16", 400),
        ("POST", "/v1/retouch?width=16", 400),
        ("POST", RETOUCH.replace("width=16", "width=15"), 400),
        ("POST", RETOUCH.replace("height=16", "height=385"), 400),
        ("POST", RETOUCH.replace("height=16", "height=17"), 400),
        ("GET", REFINE, 405),
        ("POST", REFINE.replace("&radius=4", ""), 400),
        ("POST", REFINE.replace("=4", "=0.9"), 400),
        ("POST", REFINE.replace("=4", "=256.1"), 400),
        ("POST", REFINE.replace("=4", "=nan"), 400),
        ("POST", REFINE.replace("=4", "=wide"), 400),
        ("POST", REFINE.replace("=4", "=1_6"), 400),
        ("POST", REFINE.replace("=4", "=%D9%A1%D9%A6"), 400),
        ("POST", REFINE.replace("width=16", "width=0"), 400),
        ("POST", REFINE.replace("width=16", "width=2049"), 400),
        ("POST", REFINE.replace("width=16", "width=17"), 400),
        ("POST", "/v1/stop?version=0.0.1", 409),
    ],
)
def test_refusals(server: int, method: str, path: str, expected: int) -> None:
    code, answer = transport.request(method, path.replace("१६", "%E0%A5%A7%E0%A5%AC"), PICTURE)
    assert code == expected
    if code != 200:
        assert re.fullmatch(r"[A-Z/].*[;,] .*\.|.*(must|missing|takes|goes on).*\.", json.loads(answer)["error"])


@pytest.mark.parametrize("path", [EDITS, PROPOSALS, LOOK, EDGE, RETOUCH])
def test_an_empty_mask_is_refused(server: int, path: str) -> None:
    code, answer = transport.request("POST", path, b"\1\1\1\0" * (SIDE * SIDE))
    assert (code, json.loads(answer)["error"]) == (400, "The mask is empty; select the region to edit.")


def test_an_empty_mask_is_refused_beside_another_photograph(server: int) -> None:
    address = RETOUCH + "&reference_width=16&reference_height=16"
    code, answer = transport.request("POST", address, b"\1\1\1\0" * (SIDE * SIDE) + b"\xff" * 768)
    assert (code, json.loads(answer)["error"]) == (400, "The mask is empty; select the region to edit.")


@pytest.mark.parametrize("path", [EDITS, PROPOSALS, LOOK, HARMONIZE, RETOUCH])
def test_a_bug_in_the_prediction_is_a_sentence(server: int, path: str) -> None:
    code, answer = transport.request("POST", path, BUG)
    assert code == 500
    assert "ZeroDivisionError" in json.loads(answer)["error"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\r\n\r\n", 400),
        (b"ping", 400),
        (b"GET /v1/health", 200),  # two words are HTTP/0.9, which had no status line; we send one
        (b"GET /v1/health HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /v1/health HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /v1/health HTTP/1.1\r\na: " + b"b" * 70000 + b"\r\n\r\n", 431),
        (post(EDITS), 411),
        (post(EDITS, PICTURE, "Transfer-Encoding: chunked"), 411),
        (post(EDITS, PICTURE, "Content-Length: -1"), 400),
        (post(EDITS, PICTURE, "Content-Length: 1024", "Content-Length: 1024"), 400),
        (post(EDITS, PICTURE, "Content-Length: 1e3"), 400),
        (post(EDITS, PICTURE, "Content-Length: 999999999999"), 413),
        (post(EDITS, PICTURE, "Content-Length: 600000"), 413),
        (post(EDITS, PICTURE, "Content-Length: 1023"), 400),
        (post(PROPOSALS, PICTURE, "Content-Length: 600000"), 413),
        (post(LOOK, PICTURE, "Content-Length: 600000"), 413),
        (post(LOOK + "&original=1", PICTURE, "Content-Length: 1032193"), 413),
        (post(EDGE, PICTURE, "Content-Length: 4194305"), 413),
        (post(HARMONIZE, PICTURE), 411),
        (post(HARMONIZE, PICTURE, "Content-Length: 589825"), 413),
        (post(HARMONIZE + "&reference=1", PICTURE, "Content-Length: 589825"), 400),
        (post(HARMONIZE + "&reference=1", PICTURE, "Content-Length: 737281"), 413),
        (post(HARMONIZE, PICTURE[:-1], "Content-Length: 1024"), 400),
        (post(HARMONIZE, PICTURE, "Content-Length: 1024", "X-Gimp-Saliency-Version: 9.9"), 409),
        (post(RETOUCH, PICTURE), 411),
        (post(RETOUCH, PICTURE, "Content-Length: 589825"), 413),
        (post(RETOUCH + "&reference_width=16&reference_height=16", PICTURE, "Content-Length: 590592"), 400),
        (post(RETOUCH + "&reference_width=16&reference_height=16", PICTURE, "Content-Length: 590593"), 413),
        (post(RETOUCH, PICTURE, "Content-Length: 1024", "X-Gimp-Saliency-Version: 9.9"), 409),
        (post(REFINE, PICTURE, "Content-Length: 600000"), 400),
        (post(REFINE, PICTURE, "Content-Length: 16777217"), 413),
        (post(REFINE, PICTURE), 411),
        (post(LOOK, PICTURE, "Content-Length: 1024", "X-Gimp-Saliency-Version: 9.9"), 409),
        (post(REFINE, PICTURE, "Content-Length: 1024", "X-Gimp-Saliency-Version: 9.9"), 409),
        (post(PROPOSALS, PICTURE, "Content-Length: 1024", "X-Gimp-Saliency-Version: 9.9"), 409),
        (post(EDITS, PICTURE[:-1], "Content-Length: 1024"), 400),
        (post(EDITS, PICTURE, "Content-Length: 102\x1d\ri"), 400),  # a separator of groups is space to Python
        (post(EDITS, PICTURE, "Content-Length: 1024", "X-Gimp-Saliency-Version: 9.9"), 409),
        (post(EDITS, PICTURE * 2, "Content-Length: 1024"), 200),  # pipelining: the first one counts
    ],
)
def test_malformed_requests(server: int, data: bytes, expected: int) -> None:
    assert status(exchange(data)) == expected


@pytest.mark.alone
def test_a_slow_sender_is_cut_off(server: int) -> None:
    before = time.monotonic()
    assert status(exchange(post(EDITS, PICTURE[:10], "Content-Length: 1024"), finish=False)) == 408
    assert 3.5 < time.monotonic() - before < 5


@pytest.mark.alone
def test_dripping_bytes_gain_no_time(server: int) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(places.socket_path())
        before = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - before < 10:
                client.send(b"G")
                time.sleep(0.05)
    assert time.monotonic() - before < 5.5


@pytest.mark.alone
def test_health_during_predictions(start_server: StartServer) -> None:
    start_server("--seconds", "0.3")
    clients = [threading.Thread(target=transport.request, args=("POST", EDITS, PICTURE)) for _ in range(4)]
    for client in clients:
        client.start()
    waits = []
    while any(client.is_alive() for client in clients):
        before = time.monotonic()
        assert lifecycle.ask_health()
        waits.append(time.monotonic() - before)
    assert len(waits) > 20 and sorted(waits)[len(waits) // 2] < 0.05


@pytest.mark.alone
def test_idle_connections_do_not_block(server: int) -> None:
    clients = []
    try:
        for _ in range(200):
            clients.append(socket.socket(socket.AF_UNIX))
            clients[-1].connect(places.socket_path())
        assert transport.request("POST", EDITS, PICTURE)[0] == 200
        for _ in range(100):
            clients.append(socket.socket(socket.AF_UNIX))
            clients[-1].connect(places.socket_path())
        code, answer = transport.request("GET", "/v1/health")
        assert code == 503 and "too many connections" in json.loads(answer)["error"]
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: threads(server) < 12)


tokens = st.sampled_from(
    b"GET |POST |/v1/edits?|/v1/proposals?|/v1/look?|/v1/edge?|/v1/harmonize?|/v1/retouch?|/v1/refine?|/v1/saliency?"
    b"|/v1/health|width=16&|height=16|direction=attenuate&|radius=4&|reference=1&|background=1&|style=0,0,0,0,0,0,0,0,0,0&"
    b"|styles=3&|people=0&|reference_width=16&|reference_height=16&|=|&|%| | HTTP/1.1|//|?|#"
    b"|\r\n|\n|\0|\xff|Content-Length: |1024|-1|999999999999999999999|Transfer-Encoding: chunked|Expect: 100-continue"
    b"|Host: [|Content-Length: 1024\r\n\r\n".split(b"|")
)
requests = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(tokens, st.binary(max_size=5)), max_size=20).map(b"".join),
    st.builds(
        lambda at, new, old: old[: at % len(old)] + new + old[at % len(old) + 1 :],
        st.integers(0, 10000),
        st.binary(max_size=4),
        st.sampled_from(
            [
                post(path, PICTURE, "Content-Length: 1024")
                for path in (EDITS, PROPOSALS, LOOK, REFINE, HARMONIZE, RETOUCH)
            ]
        ),
    ),
)


@pytest.mark.alone
def test_hundreds_of_malformed_requests(server: int) -> None:
    codes: set[int] = set()

    @settings(max_examples=500, deadline=5000, database=None, suppress_health_check=list(HealthCheck))
    @given(requests)
    def check(data: bytes) -> None:
        answer = exchange(data)
        if data:
            codes.add(status(answer.split(b"HTTP/1.1 100 Continue\r\n\r\n")[-1]))

    check()
    before = memory(server)
    check()
    assert memory(server) - before < 5
    assert 400 in codes and 500 not in codes
