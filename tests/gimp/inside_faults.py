# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of faults run inside GIMP: edits while the model server dies, freezes, or talks nonsense."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import inside

from gimp_saliency.layers.record import read_parasite
from gimp_saliency.shared import edits, places, version
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.errors import NoServer, ServerError, UserError

_ACKNOWLEDGED = 30.0  # seconds that a round waits for its fault


def state(image: Any) -> tuple[Any, ...]:
    """Everything of an image that a failed edit must leave as it was; the dirty flag tells of any undo step."""
    active = [layer.get_name() for layer in image.get_selected_layers()]
    seen = inside.tree(image), inside.visible(image), inside.selection(image)
    return (*seen, active, len(image.get_channels()), image.is_dirty())


def attempt(
    direct: bool = False, seed: int = 1, begun: tuple[Path, str] | None = None, **arguments: Any
) -> dict[str, Any]:
    """One edit of a new picture: its status and sentence, whether the image is untouched, and what it is now.

    direct: in this process instead of through GIMP, so that the test's own limits hold.  begun: a file and what is
    written there once the edit itself begins.
    """
    image, layer = inside.picture(seed=seed)
    image.undo_enable()
    inside.select(image)
    image.clean_all()
    before = state(image)
    begin = time.monotonic()
    if begun:
        begun[0].write_text(begun[1])
    if direct:
        try:
            inside.edit(image, [layer], "attenuate", **arguments)
            status, message = "success", None
        except (UserError, ServerError) as error:
            status, message = "execution-error", str(error)
    else:
        status, message = inside.call("plug-in-saliency-attenuate", image, [layer], **arguments)
    end = time.monotonic()
    after = state(image)
    content = read_parasite(image.get_layers()[0]) or {}
    image.delete()
    return {
        "status": status,
        "message": message,
        "untouched": after == before,
        "result": hashlib.sha256(repr(after).encode()).hexdigest(),
        "predicted": content.get("predicted"),
        "times": [begin, end],
    }


def rounds(folder: str, most: int, **arguments: Any) -> list[dict[str, Any]]:
    """An undisturbed edit, then others until the test has had enough; in each it may do something to the server."""
    results = [attempt(**arguments)]
    begin, end = results[0]["times"]
    Path(folder, "seconds").write_text(str(end - begin))
    done, enough = Path(folder, "done"), Path(folder, "enough")
    for number in range(most):
        Path(folder, "round").write_text(str(number))
        time.sleep(random.random() * 0.2)
        results.append(attempt(begun=(Path(folder, "begun"), str(number)), **arguments))
        Path(folder, "made").write_text(str(number))
        deadline = time.monotonic() + _ACKNOWLEDGED
        while not (done.exists() and done.read_text() == str(number)):
            assert time.monotonic() < deadline, "the test does not answer"
            time.sleep(0.01)
        if enough.exists():
            break
    return results


def attempts(count: int) -> list[dict[str, Any]]:
    """Some edits one after the other."""
    return [attempt() for _ in range(count)]


def impatient_rounds(limit: float, folder: str, most: int) -> list[dict[str, Any]]:
    """`rounds` with another limit on the server's answers, in seconds."""
    transport.ANSWER_LIMIT = limit
    return rounds(folder, most, direct=True)


def predictions(seeds: list[int]) -> list[Any]:
    """What is predicted for several pictures."""
    return [attempt(seed=seed, order="best-realism")["predicted"] for seed in seeds]


def _whole(body: bytes, status: str = "200 OK", version: str = version.VERSION) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{transport.VERSION_HEADER}: {version}\r\n\r\n"
    return head.encode() + body


_GOOD = _whole(json.dumps({"edits": edits.to_json(inside.ALL_EDITS), "model": "test"}).encode())
_BAD = {
    "garbage": b"\x00\xff\xfe garbage \r\n\r\n" * 9,
    "nothing": b"",
    "half a head": _GOOD[:30],
    "half a body": _GOOD[:-100],
    "no JSON": _whole(b"hello"),
    "a list": _whole(b"[]"),
    "no edits": _whole(b"{}"),
    "edits that are a number": _whole(b'{"edits": 5}'),
    "an edit that is a number": _whole(b'{"edits": [5]}'),
    "unknown edit": _whole(b'{"edits": [{"name": "__import__", "ev": 1}]}'),
    "unknown parameter": _whole(b'{"edits": [{"name": "exposure", "ev": 1, "op": "gegl:save"}]}'),
    "not a number": _whole(b'{"edits": [{"name": "exposure", "ev": NaN}]}'),
    "infinity": _whole(b'{"edits": [{"name": "exposure", "ev": 1e999}]}'),
    "huge integer": _whole(b'{"edits": [{"name": "exposure", "ev": 1' + b"0" * 400 + b"}]}"),
    "text for a number": _whole(b'{"edits": [{"name": "exposure", "ev": "1"}]}'),
    "not UTF-8": _whole(b'{"edits": "\xff\xfe"}'),
    "nested": _whole(b"[" * 100000),
    "too long": _whole(b" " * (2 << 20)),
    "another program": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "an error without a reason": _whole(b"{}", "500 Internal Server Error"),
    "silence": b"...",
    "a byte now and then": b"....",
}


def strange_answers() -> dict[str, Any]:
    """An edit for each strange answer, and one with a good answer after it."""
    transport.ANSWER_LIMIT = 1.0
    lifecycle.start_command = ["/bin/sh", "-c", "exit 3"]  # nobody comes to help
    expected = ""
    results = {}
    for name, answer in _BAD.items():
        with _listening(answer):
            bad = attempt(direct=True)
        with _listening(_GOOD):
            good = attempt(direct=True)
        expected = expected or good["result"]
        results[name] = {
            **bad,
            "seconds": bad["times"][1] - bad["times"][0],
            "next works": good["status"] == "success" and good["result"] == expected,
        }
    return results


@contextmanager
def _listening(answer: bytes) -> Iterator[None]:
    """A server in the place of ours that gives one answer to everything."""
    path = Path(places.socket_path())
    path.unlink(missing_ok=True)
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        listener.settimeout(0.1)

        def serve() -> None:
            while not ended.is_set():
                try:
                    client = listener.accept()[0]
                except OSError:
                    continue
                threading.Thread(target=_serve, args=(client, answer, ended), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(5)
    path.unlink(missing_ok=True)


def _serve(client: socket.socket, answer: bytes, ended: threading.Event) -> None:
    with client:
        client.settimeout(2)
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(1 << 16)
            head, _, body = request.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                body += client.recv(1 << 16)
            if answer == _BAD["silence"]:
                ended.wait(10)
            elif answer == _BAD["a byte now and then"]:
                for byte in _GOOD:
                    client.sendall(bytes([byte]))
                    if ended.wait(0.3):
                        break
            else:
                client.sendall(answer)
        except OSError:
            pass  # the client gave up


def refining_fails() -> dict[str, Any]:
    """An edit whose server goes away after the prediction, while the selection is refined."""
    inside.answer_with(inside.ALL_EDITS)

    def ask_refined(*_: Any) -> bytes:
        raise NoServer("The model server does not answer; try again.")

    questions.ask_refined = ask_refined
    return attempt(direct=True, refine=True)
