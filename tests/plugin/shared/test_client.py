# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in's side of the socket: every failure is one sentence with the next action, and every wait ends."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gimp_saliency.shared import places
from gimp_saliency.shared.choices import Edge, Ranking
from gimp_saliency.shared.client import lifecycle, program, questions, transport
from gimp_saliency.shared.edits import Exposure, Saturation
from gimp_saliency.shared.errors import NoServer, ServerError, ServerLate
from gimp_saliency.shared.harmony import INPUTS, Harmony
from gimp_saliency.shared.request import EditRequest

PICTURE = bytes(1024)
GOOD = b"HTTP/1.1 200 OK\r\nX-Gimp-Saliency-Version: 0.1.0\r\nContent-Length: "


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gs-") as folder:
        monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", str(Path(folder, "run")))
        monkeypatch.setattr(lifecycle, "start_command", [])
        yield Path(folder, "run")


@pytest.fixture
def answering(runtime: Path) -> Iterator[Callable[[Callable[[socket.socket], None]], None]]:
    """Puts a thread behind the socket that does with each connection what the test says."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(places.socket_path())
    listener.listen()

    def serve(behaviour: Callable[[socket.socket], None]) -> None:
        def loop() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as client:
                        behaviour(client)

        threading.Thread(target=loop, daemon=True).start()

    yield serve
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def saying(data: bytes) -> Callable[[socket.socket], None]:
    def behaviour(client: socket.socket) -> None:
        client.settimeout(0.05)  # everything that it sends: what is left unread would reset the connection
        with contextlib.suppress(socket.timeout):
            while client.recv(65536):
                pass
        client.settimeout(5)
        client.sendall(data)

    return behaviour


def ask() -> dict[str, object]:
    return questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",  # no version: another program
        GOOD + b"2\r\n\r\n{}",
        GOOD + b"2\r\n\r\n[]",
        GOOD + b"4\r\n\r\n\xff\xfe{}",
        GOOD + b"x\r\n\r\n{}",
        GOOD.replace(b"200 OK", b"500 Oops") + b"2\r\n\r\n{}",
        GOOD.replace(b"200 OK", b"500 Oops") + b"12\r\n\r\n" + b'{"error": 7}',
        GOOD.replace(b"200 OK", b"abc") + b"2\r\n\r\n{}",
        GOOD + b"2000000\r\n\r\n" + b"[" * 2_000_000,
        GOOD + b"200000\r\n\r\n" + b"[" * 200_000,
    ],
)
def test_garbage(answering: Callable[..., None], data: bytes) -> None:
    answering(saying(data))
    with pytest.raises(ServerError, match="makes no sense; run «gimp-saliency stop»"):
        ask()


def test_the_servers_sentence_is_passed_on(answering: Callable[..., None]) -> None:
    answering(saying(GOOD.replace(b"200 OK", b"503 X") + b'25\r\n\r\n{"error": "Do this now."}'))
    with pytest.raises(ServerError, match=r"^Do this now\.$"):
        ask()


def test_saliency_of_another_size(answering: Callable[..., None]) -> None:
    answering(saying(GOOD + b"2\r\n\r\n12"))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_saliency(bytes(768), 16, 16)


FIGURES = {"before": 0.5, "after": 0.4}
STYLE = [0.5, -4, 4, *[0] * 7]
PROPOSAL = {"order": "best-realism", "edits": [], "style": STYLE, "saliency": FIGURES, "realism": FIGURES}
LOOK = {
    "saliency": 0.5,
    "viewers": [0.4, 0.6],
    "realism": 0.9,
    "map": base64.b64encode(bytes(256)).decode(),
    "peak": 0.01,
}
HARMONY: dict[str, Any] = {
    "curves": [list(INPUTS)] * 3,
    "shading": {"box": [0.25, 0, 1, 0.5], "ev": [[-1, *[0.5] * 31]] * 32},
    "model": "harmonize-1 (01234567)",
}
HARMONIES: dict[str, Any] = {
    "proposals": [{"curves": [list(INPUTS)] * 3, "style": style} for style in ([0.0] * 10, STYLE)],
    "shading": HARMONY["shading"],
    "model": HARMONY["model"],
}
EDGE = {"edge": "object", "mask": base64.b64encode(bytes(range(256))).decode()}
PLAIN_LOOK = [{"name": "exposure", "ev": 0.5}, {"name": "saturation", "scale": 1.0}]
LOOKS_FOUND: dict[str, Any] = {
    "looks": {
        **dict.fromkeys(("neutral", "warm", "cool", "punchy", "soft"), PLAIN_LOOK),
        "film": [{"name": "exposure", "ev": 0.25}, {"name": "saturation", "scale": 0.8}],
    },
    "model": "retouch-1 (01234567)",
}
MATCHED: dict[str, Any] = {**LOOKS_FOUND, "looks": {**LOOKS_FOUND["looks"], "match": PLAIN_LOOK}}


def answer(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return GOOD + f"{len(body)}\r\n\r\n".encode() + body


def test_proposals_and_look(answering: Callable[..., None]) -> None:
    answers = iter([answer({"proposals": [PROPOSAL]}), answer(LOOK)])
    answering(lambda client: saying(next(answers))(client))
    assert questions.ask_proposals(PICTURE, 16, 16, EditRequest("attenuate"))["proposals"] == [PROPOSAL]
    assert questions.ask_look(PICTURE, 16, 16) == {**LOOK, "map": bytes(256)}


@pytest.mark.parametrize(
    "proposals",
    [
        None,
        [],
        {},
        [1],
        [{**PROPOSAL, "order": 1}],
        [{**PROPOSAL, "edits": {}}],
        [PROPOSAL, {**PROPOSAL, "saliency": 0.5}],
        [{**PROPOSAL, "saliency": {"before": 0.5}}],
        [{**PROPOSAL, "realism": {"before": "0.5", "after": 0.5}}],
        [{**PROPOSAL, "realism": {"before": math.nan, "after": 0.5}}],
        [{**PROPOSAL, "realism": {"before": 10**400, "after": 0.5}}],
        [{**PROPOSAL, "style": None}],
        [{**PROPOSAL, "style": "0" * 10}],
        [{**PROPOSAL, "style": STYLE[:9]}],
        [PROPOSAL, {**PROPOSAL, "style": [*STYLE, 0]}],
        [{**PROPOSAL, "style": [*STYLE[:9], 4.1]}],
        [{**PROPOSAL, "style": [*STYLE[:9], math.nan]}],
        [{**PROPOSAL, "style": [*STYLE[:9], "0"]}],
        [{**PROPOSAL, "style": [*STYLE[:9], True]}],
    ],
)
def test_strange_proposals(answering: Callable[..., None], proposals: Any) -> None:
    answering(saying(answer({"proposals": proposals})))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_proposals(PICTURE, 16, 16, EditRequest("attenuate"))


def test_a_background_that_was_asked_for_must_be_there(answering: Callable[..., None]) -> None:
    said: list[Any] = [None]
    answering(lambda client: saying(answer(said[0]))(client))
    for background in (None, {}, "none"):
        said[0] = {"edits": [], "background": background}
        assert ask()["edits"] == []
        with pytest.raises(ServerError, match="makes no sense"):
            questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM, background=True))
        said[0] = {"proposals": [{**PROPOSAL, "background": background}]}
        assert questions.ask_proposals(PICTURE, 16, 16, EditRequest("attenuate"))["proposals"]
        with pytest.raises(ServerError, match="makes no sense"):
            questions.ask_proposals(PICTURE, 16, 16, EditRequest("attenuate", background=True))
    said[0] = {"edits": [], "background": []}
    assert (
        questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM, background=True))
        == said[0]
    )


def test_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def ask(address: str, query: dict[str, Any], body: bytes) -> bytes:
        asked.append((address, query))
        return json.dumps({"edits": [], "background": [], "proposals": [{**PROPOSAL, "background": []}]}).encode()

    monkeypatch.setattr(questions, "_ask", ask)
    more: dict[str, Any] = {
        "background": True,
        "background_strength": 50.0,
        "style_numbers": (0.5, -4.0, 1e-3, *[0.0] * 7),
    }
    written = {"background": 1, "background_strength": 0.5, "style": "0.5,-4.0,0.001" + ",0.0" * 7}
    questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", 70.0, ranking=Ranking.RANDOM))
    questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM, **more))
    questions.ask_proposals(PICTURE, 16, 16, EditRequest("emphasize", 70.0, background_strength=50.0), seed=0)
    questions.ask_proposals(PICTURE, 16, 16, EditRequest("emphasize", **more), seed=7)
    size = {"width": 16, "height": 16}
    edits = {**size, "direction": "attenuate", "order": "random", "figures": 0}
    proposals = {**size, "direction": "emphasize"}
    assert asked == [
        ("/v1/edits", {**edits, "strength": 0.7}),
        ("/v1/edits", {**edits, "strength": 1.0, **written}),
        ("/v1/proposals", {**proposals, "strength": 0.7, "styles": 0}),
        ("/v1/proposals", {**proposals, "strength": 1.0, **written, "styles": 7}),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"map": None},
        {"map": 7},
        {"map": "AAAA"},
        {"map": "é"},
        {"map": "A" * 343},
        {"peak": None},
        {"viewers": None},
        {"viewers": []},
        {"viewers": [0.4, "much"]},
        {"saliency": "1"},
    ],
)
def test_a_strange_look(answering: Callable[..., None], change: dict[str, Any]) -> None:
    answering(saying(answer({**LOOK, **change})))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_look(PICTURE, 16, 16)


@pytest.mark.parametrize("border", [None, "1", True, -0.1, math.nan, math.inf, 10**400])
def test_a_border_that_was_asked_for_must_be_one(answering: Callable[..., None], border: Any) -> None:
    answering(saying(answer({**LOOK, "border": border})))
    assert questions.ask_look(PICTURE, 16, 16)["map"] == bytes(256)
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_look(PICTURE, 16, 16, bytes(768))


def test_a_border_is_asked_for_with_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any], bytes]] = []

    def ask(address: str, query: dict[str, Any], body: bytes) -> bytes:
        asked.append((address, query, body))
        return json.dumps({**LOOK, "border": 0}).encode()

    monkeypatch.setattr(questions, "_ask", ask)
    assert questions.ask_look(PICTURE, 16, 16, b"rgb" * 256)["border"] == 0
    questions.ask_look(PICTURE, 16, 16)
    size = {"width": 16, "height": 16}
    assert asked == [
        ("/v1/look", {**size, "original": 1}, PICTURE + b"rgb" * 256),
        ("/v1/look", size, PICTURE),
    ]


def test_an_edge(answering: Callable[..., None]) -> None:
    answering(saying(answer(EDGE)))
    assert questions.ask_edge(PICTURE, 16, 16, Edge.AUTOMATIC, 0.0) == (Edge.OBJECT, bytes(range(256)))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_edge(PICTURE, 16, 17, Edge.AUTOMATIC, 0.0)


@pytest.mark.parametrize(
    "change",
    [
        *({"edge": edge} for edge in (None, "automatic", "hard", "", 7, [], {})),
        *({"mask": mask} for mask in (None, 7, "AAAA", "é", "A" * 343, [], LOOK["map"] + "AAAA")),
    ],
)
def test_a_strange_edge(answering: Callable[..., None], change: dict[str, Any]) -> None:
    answering(saying(answer({**EDGE, **change})))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_edge(PICTURE, 16, 16, Edge.AUTOMATIC, 0.0)


def test_edges_may_be_large(answering: Callable[..., None]) -> None:
    large = {**EDGE, "mask": base64.b64encode(bytes(1024**2)).decode()}
    answering(saying(answer(large)))
    assert questions.ask_edge(bytes(4 * 1024**2), 1024, 1024, Edge.OBJECT, 2.5).mask == bytes(1024**2)


def test_a_harmony(answering: Callable[..., None]) -> None:
    answering(saying(answer(HARMONY)))
    found = questions.ask_harmony(PICTURE, 16, 16)
    assert found == HARMONY
    harmony = Harmony.from_json(found)
    assert harmony.red == INPUTS and harmony.shading is not None and harmony.shading.box == (0.25, 0, 1, 0.5)


def test_a_harmony_is_asked_for_with_the_part_to_match(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any], bytes]] = []

    def ask(address: str, query: dict[str, Any], body: bytes) -> bytes:
        asked.append((address, query, body))
        return json.dumps(HARMONIES if "styles" in query else HARMONY).encode()

    monkeypatch.setattr(questions, "_ask", ask)
    part = bytes(range(256))
    questions.ask_harmony(PICTURE, 16, 16)
    questions.ask_harmony(PICTURE, 16, 16, part)
    questions.ask_harmony(PICTURE, 16, 16, None, tuple(STYLE))
    questions.ask_harmonies(PICTURE, 16, 16, part, tuple(STYLE), 0)
    questions.ask_harmonies(PICTURE, 16, 16, None, (), 2**31 - 1)
    size = {"width": 16, "height": 16}
    style = {"style": "0.5,-4,4,0,0,0,0,0,0,0"}
    assert asked == [
        ("/v1/harmonize", size, PICTURE),
        ("/v1/harmonize", {**size, "reference": 1}, PICTURE + part),
        ("/v1/harmonize", {**size, **style}, PICTURE),
        ("/v1/harmonize", {**size, "reference": 1, **style, "styles": 0}, PICTURE + part),
        ("/v1/harmonize", {**size, "styles": 2**31 - 1}, PICTURE),
    ]


@pytest.mark.parametrize(
    "change",
    [
        *({"curves": curves} for curves in (None, {}, [], [INPUTS] * 2, [INPUTS] * 4, "abc", [1, 2, 3])),
        *({"curves": [INPUTS, INPUTS, curve]} for curve in (None, INPUTS[:15], INPUTS[::-1], [*INPUTS[:15], 1.1])),
        *({"curves": [[*INPUTS[:15], end], INPUTS, INPUTS]} for end in (math.nan, math.inf, "1", True, None, 10**400)),
        *({"shading": shading} for shading in (7, [], "none", {}, {"box": [0, 0, 1, 1]})),
        *({"shading": {**HARMONY["shading"], "box": box}} for box in (None, [0, 0, 0, 1], [0, 0, 1], [0, 0, 1, 1.1])),
        *({"shading": {**HARMONY["shading"], "ev": ev}} for ev in (None, [], [[0] * 32] * 31, [[0] * 31] * 32, 0)),
        *({"shading": {**HARMONY["shading"], "ev": [[0] * 32] * 31 + [[0] * 31 + [ev]]}} for ev in (1.1, math.nan)),
        *({"model": model} for model in (None, 7, ["harmonize"])),
    ],
)
def test_a_strange_harmony(answering: Callable[..., None], change: dict[str, Any]) -> None:
    answering(saying(answer({**HARMONY, **change})))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_harmony(PICTURE, 16, 16)


def test_harmonies(answering: Callable[..., None]) -> None:
    """Each gets the shading, which comes once."""
    answering(saying(answer(HARMONIES)))
    found = questions.ask_harmonies(PICTURE, 16, 16, None, (), 1)
    assert [each["style"] for each in found["proposals"]] == [[0.0] * 10, STYLE]
    assert [Harmony.from_json(each) for each in found["proposals"]] == [Harmony.from_json(HARMONY)] * 2


@pytest.mark.parametrize(
    "change",
    [
        *({"proposals": each} for each in (None, [], {}, [7], [[]], "abc")),
        *({"proposals": [{"curves": curves, "style": [0] * 10}]} for curves in (None, [INPUTS] * 2)),
        *(
            {"proposals": [{"curves": [INPUTS] * 3, "style": style}]}
            for style in (None, 3, [0] * 9, [5] * 10, "0" * 10)
        ),
        *({"shading": shading} for shading in (7, {})),
        {"model": None},
    ],
)
def test_strange_harmonies(answering: Callable[..., None], change: dict[str, Any]) -> None:
    answering(saying(answer({**HARMONIES, **change})))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_harmonies(PICTURE, 16, 16, None, (), 1)


def test_looks_of_a_retouch(answering: Callable[..., None]) -> None:
    answering(saying(answer(LOOKS_FOUND)))
    found = questions.ask_retouch(PICTURE, 16, 16, True)
    assert list(found.edits) == ["neutral", "warm", "cool", "film", "punchy", "soft"]
    assert found.edits["film"] == [Exposure(0.25), Saturation(0.8)]
    assert found.edits["soft"] == [Exposure(0.5), Saturation(1.0)] and found.model == "retouch-1 (01234567)"


def test_a_retouch_is_asked_for_with_the_photograph_to_match(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any], bytes]] = []

    def ask(address: str, query: dict[str, Any], body: bytes) -> bytes:
        asked.append((address, query, body))
        return json.dumps(MATCHED).encode()

    monkeypatch.setattr(questions, "_ask", ask)
    other = bytes(range(240)) * 4
    assert "match" not in questions.ask_retouch(PICTURE, 16, 16, True).edits, "it was not asked for"
    found = questions.ask_retouch(PICTURE, 16, 16, False, (other, 20, 16))
    assert found.edits["match"] == [Exposure(0.5), Saturation(1.0)]
    size = {"width": 16, "height": 16}
    assert asked == [
        ("/v1/retouch", {**size, "people": 1}, PICTURE),
        ("/v1/retouch", {**size, "people": 0, "reference_width": 20, "reference_height": 16}, PICTURE + other),
    ]


@pytest.mark.parametrize(
    "change",
    [
        *({"looks": looks} for looks in (None, [], {}, 7, "neutral", {"neutral": PLAIN_LOOK})),
        *(
            {"looks": {**LOOKS_FOUND["looks"], "film": edits}}
            for edits in (None, {}, [], [7], PLAIN_LOOK[:1], PLAIN_LOOK[::-1], [{"name": "vibrato"}], [{"ev": 1}])
        ),
        *(
            {"looks": {**LOOKS_FOUND["looks"], "film": [{"name": "exposure", "ev": ev}, PLAIN_LOOK[1]]}}
            for ev in (math.nan, 11, "1", None, True)
        ),
        *({"model": model} for model in (None, 7, ["retouch"])),
    ],
)
def test_strange_looks(answering: Callable[..., None], change: dict[str, Any]) -> None:
    answering(saying(answer({**LOOKS_FOUND, **change})))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_retouch(PICTURE, 16, 16, True)


def test_the_look_of_another_photograph_must_be_there(answering: Callable[..., None]) -> None:
    answering(saying(answer(LOOKS_FOUND)))
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_retouch(PICTURE, 16, 16, True, (bytes(768), 16, 16))


def test_refined_masks_may_be_large(answering: Callable[..., None]) -> None:
    answering(saying(GOOD + b"2000000\r\n\r\n" + b"ab" * 1_000_000))
    assert questions.ask_refined(bytes(4_000_000), 1000, 1000, 8.5) == b"ab" * 1_000_000
    with pytest.raises(ServerError, match="makes no sense"):
        questions.ask_refined(bytes(4_000_000), 1000, 999, 8.5)


@pytest.mark.parametrize("start", [GOOD[:-16], GOOD[:-16] + b"\r\n"])
def test_an_endless_answer(answering: Callable[..., None], start: bytes) -> None:
    def behaviour(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.sendall(start)
            while True:
                client.sendall(b"X-Y: z\r\n" * 100)

    answering(behaviour)
    with pytest.raises(ServerError, match="makes no sense"):
        ask()


def reading_all(client: socket.socket) -> None:
    """Read a request to its end."""
    client.settimeout(5)
    data = b""
    while not (found := re.search(rb"Content-Length: (\d+)\r\n(?s:.*?)\r\n\r\n", data)):
        data += client.recv(65536)
    while len(data) < found.end() + int(found[1]):
        data += client.recv(65536)


good_answers = st.sampled_from(
    [answer({"edits": []}), answer({"proposals": [PROPOSAL]}), answer(LOOK), answer(LOOK)[:90], answer(HARMONY)]
)
pieces = st.one_of(
    st.binary(max_size=4), st.sampled_from([b"\r\n", b"\0", b'"', b"{}", b"null", b"1e999", b"NaN", b"\xff"])
)
any_answer = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda old, at, cut, new: old[:at] + new + old[at + cut :],
        good_answers,
        st.integers(0, 500),
        st.integers(0, 9),
        pieces,
    ),
)


def test_any_answer(answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes back: what was promised, or a sentence."""
    said = [b""]

    def behaviour(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            reading_all(client)
            client.sendall(said[0])

    answering(behaviour)
    monkeypatch.setattr(lifecycle, "start", lambda: None)
    outcomes: set[str] = set()

    @settings(max_examples=400, deadline=3000, database=None)
    @given(any_answer)
    def check(data: bytes) -> None:
        said[0] = data
        try:
            assert isinstance(ask()["edits"], list)
            outcomes.add("edits")
        except ServerError as error:
            assert re.fullmatch(r"[^\n]{10,}[;,.] [^\n]+\.", str(error)), error
            outcomes.add("ServerError" if isinstance(error, transport.StrangeAnswer) else type(error).__name__)
        try:
            found = questions.ask_look(PICTURE, 16, 16)
            assert len(found["map"]) == 256 and 0 <= found["realism"] <= 1.01
            outcomes.add("look")
        except ServerError:
            pass
        try:
            Harmony.from_json(questions.ask_harmony(PICTURE, 16, 16))
            outcomes.add("harmony")
        except ServerError:
            pass

    check()
    assert outcomes == {"edits", "look", "harmony", "NoServer", "ServerError"}


def test_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(lifecycle, "stop", lambda version="", kill=False: done.append(("stop", kill)))
    monkeypatch.setattr(lifecycle, "start", lambda: done.append("start"))
    lifecycle.restart()
    assert done == [("stop", True), "start"]


def test_half_an_answer_starts_a_server(answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    answering(saying(GOOD + b"20\r\n\r\n{"))
    started: list[bool] = []
    monkeypatch.setattr(lifecycle, "start", lambda: started.append(True))
    with pytest.raises(NoServer, match="does not answer; try again, or run «gimp-saliency check»"):
        ask()
    assert started == [True]


def dripping(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            client.sendall(b"H")
            time.sleep(0.02)


def going_on(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.alone
@pytest.mark.parametrize("behaviour", [dripping, going_on, lambda client: time.sleep(1.5)])
def test_a_late_answer(
    answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch, behaviour: Callable[[socket.socket], None]
) -> None:
    answering(behaviour)
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 0.4)
    before = time.monotonic()
    with pytest.raises(ServerLate, match="did not answer within 0 s; try again, or restart it with"):
        ask()
    assert time.monotonic() - before < 1.4


def test_not_installed(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_command", lambda: [])
    with pytest.raises(ServerError, match=r"not installed; run install\.sh, or do what INSTALL\.txt says"):
        ask()


def test_unpacked_by_hand(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_command", lambda: ["/bin/sh", "-c", "exit 7"])
    with pytest.raises(ServerError, match=r"failed to start \(code 7\)"):
        ask()


@pytest.mark.parametrize("text", ["", "{}", '{"command": "rm"}', '{"command": []}', '{"command": [1]}', "\0"])
def test_damaged_command(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "server-command.json"
    file.write_text(text)
    monkeypatch.setattr(lifecycle, "COMMAND_FILE", file)
    with pytest.raises(ServerError, match=r"server-command.json is damaged; run install\.sh again"):
        ask()


@pytest.mark.alone
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["/nonexistent"], r"cannot be started \(No such file or directory\); run install.sh again"),
        (["/bin/sh", "-c", "exit 7"], r"failed to start \(code 7\); run «gimp-saliency check» in a terminal"),
        (["/bin/true"], r"did not start within 1 s; run «gimp-saliency check» in a terminal to see why"),
        (["/bin/sleep", "3"], r"did not start within 1 s; run «gimp-saliency check» in a terminal to see why"),
    ],
)
def test_failed_start(runtime: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], sentence: str) -> None:
    monkeypatch.setattr(lifecycle, "_read_command", lambda: command)
    monkeypatch.setattr(lifecycle, "START_LIMIT", 0.6)
    before = time.monotonic()
    with pytest.raises(ServerError, match=sentence):
        ask()
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o500, 0o000, 0o2700])
def test_runtime_folder_is_for_its_owner(runtime: Path, mode: int) -> None:
    """Open to nobody else, and not closed to the owner either."""
    runtime.mkdir()
    runtime.chmod(mode)
    assert places.runtime_folder() == str(runtime)
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_runtime_folder_is_no_link(runtime: Path, tmp_path: Path) -> None:
    runtime.symlink_to(tmp_path)
    with pytest.raises(ServerError, match="is not a folder; remove it or set GIMP_SALIENCY_RUNTIME"):
        transport.request("GET", "/v1/health")


def test_runtime_folder_of_another_user(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(ServerError, match="belongs to another user; remove it or set"):
        transport.request("GET", "/v1/health")


def test_runtime_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", "/proc/gimp-saliency")
    with pytest.raises(ServerError, match=r"cannot be used \(.+\); remove it or set"):
        transport.request("GET", "/v1/health")


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIMP_SALIENCY_RUNTIME", raising=False)
    with tempfile.TemporaryDirectory(prefix="gs-") as base:
        monkeypatch.setenv("XDG_RUNTIME_DIR", base)
        assert places.socket_path() == f"{base}/gimp-saliency/server.sock"
    for base in ("", "/nonexistent", str(tmp_path / ("long" * 30))):  # none, gone, too long for a socket
        if "long" in base:
            Path(base).mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", base)
        assert places._runtime_path() == Path(f"/tmp/gimp-saliency-{os.getuid()}")
    monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", "/" + "x" * 100)
    with pytest.raises(ServerError, match="too long a path for a socket; choose a shorter one"):
        places.socket_path()


def test_it_needs_nothing_but_the_standard_library() -> None:
    """GIMP's Python has no other packages, and the server must not load GIMP's."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from gimp_saliency.shared.client import questions; "
        "print(bool({'gi', 'model_server'} & set(sys.modules)))"
    )
    folder = str(Path(places.__file__).parents[2])
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
