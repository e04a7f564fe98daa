# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP by hand: what a client may send that no library would, and a strict look at what comes back."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass

from gimp_saliency.shared import version
from gimp_saliency.shared.client import transport

SIDE = 16
PICTURE = bytes(range(256)) * (SIDE * SIDE * 4 // 256)
PROPOSALS = f"/v1/proposals?direction=attenuate&width={SIDE}&height={SIDE}"
LOOK = f"/v1/look?width={SIDE}&height={SIDE}"
EDGE = f"/v1/edge?width={SIDE}&height={SIDE}&edge=automatic"
HARMONIZE = f"/v1/harmonize?width={SIDE}&height={SIDE}"
RETOUCH = f"/v1/retouch?width={SIDE}&height={SIDE}"
REFINE = f"/v1/refine?width={SIDE}&height={SIDE}&radius=4"
EDITS = f"/v1/edits?direction=attenuate&order=random&width={SIDE}&height={SIDE}"

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def post(path: str, body: bytes = b"", *headers: str) -> bytes:
    """A POST request as bytes; the headers are all but Host."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def dial(limit: float = 8.0) -> socket.socket:
    """A connection to the server's Unix socket, with a limit on each wait in seconds."""
    return transport.connect(None, limit)


def exchange(data: bytes, finish: bool = True, limit: float = 8.0) -> bytes:
    """Send raw bytes, return all that comes back; finish: say that no more will come."""
    with dial(limit) as client:
        try:
            client.sendall(data)
            if finish:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused while we were sending
        return received(client)


def received(client: socket.socket) -> bytes:
    """All that comes until the server hangs up."""
    answer = b""
    try:
        while part := client.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def status(answer: bytes) -> int:
    """The status code of an answer."""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


@dataclass(frozen=True)
class Answer:
    """One whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def whole(answer: bytes, to: bytes = b"") -> Answer:
    """An answer that is exactly one HTTP message with a sentence where it refuses; to: the request."""
    if answer.startswith(_CONTINUE):
        answer = answer[len(_CONTINUE) :]
    head, gap, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    code = status(answer)
    headers = dict(line.split(": ", 1) for line in lines)
    assert gap and len(headers) == len(lines) and re.fullmatch(r"HTTP/1\.1 \d{3} [A-Z][A-Za-z' -]+", first), head
    assert headers["Connection"] == "close" and headers[transport.VERSION_HEADER] == version.VERSION
    if b"HEAD" in to[:200] and not body:
        return Answer(code, headers, body)
    assert len(body) == int(headers["Content-Length"]), answer[:300]
    if code != 200:
        error = json.loads(body)
        assert list(error) == ["error"] and re.fullmatch(r".{10,250}[.…]", error["error"]), body
    return Answer(code, headers, body)
