# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to the model server and its whole answer, within a limit of time.

HTTP/1.1 over a Unix socket in a folder that only its owner can enter.  Where the system has no Unix sockets: TCP on
127.0.0.1 at a port that the server chose, with the secret from its runtime file.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import version
from ..errors import NoServer, ServerError, ServerLate
from ..places import runtime_folder, socket_path
from ..words import _

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

VERSION_HEADER = "X-Gimp-Saliency-Version"

ANSWER_LIMIT = 15.0  # seconds for one request to a running server

ANSWER_BYTES = 1 << 20  # more than any answer but refined masks: 384 x 384 grey values, or some kilobytes of JSON


def request(method: str, path: str, body: bytes = b"", timeout: float = ANSWER_LIMIT) -> tuple[int, bytes]:
    """One request to a running server, never starting one: its status code and body.

    timeout limits the whole exchange in seconds.  Raises NoServer, ServerLate, or another ServerError.
    """
    response, answer = exchange(method, path, body, timeout)
    return response.status, answer


def has_unix_sockets() -> bool:
    """Whether the server is reached over a Unix socket.  GIMP_SALIENCY_TCP=1 says no, for tests of the other way."""
    return hasattr(socket, "AF_UNIX") and os.environ.get("GIMP_SALIENCY_TCP") != "1"


def exchange(
    method: str, path: str, body: bytes, timeout: float, limit: int = ANSWER_BYTES
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request and its complete answer, of limit bytes at most, within timeout seconds.

    Raises NoServer, ServerLate, or another ServerError, StrangeAnswer where the answer is no server's of ours.
    """
    connection, headers = _open_connection(timeout)
    pid = 0
    try:
        connection.connect()
        pid = find_peer(connection.sock)
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a busy server answers without reading
        response = connection.getresponse()
        answer = response.read(limit + 1)
        if response.length and len(answer) <= limit:  # the library itself does not mind
            raise http.client.IncompleteRead(answer)
    except (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionError, FileNotFoundError) as error:
        raise _make_gone() from error
    except (socket.timeout, BlockingIOError) as error:  # BlockingIOError: nobody takes the waiting connections
        raise _make_late(timeout, pid) from error
    except http.client.HTTPException as error:
        raise StrangeAnswer() from error
    except OSError as error:
        message = _(
            "The model server cannot be reached ({reason}); run «gimp-saliency check» in a terminal to see why."
        )
        raise ServerError(message.format(reason=error.strerror)) from error
    finally:
        connection.close()
    if len(answer) > limit or VERSION_HEADER not in response.headers:
        raise StrangeAnswer()
    return response, answer


def parse_object(answer: bytes) -> dict[str, Any]:
    """The JSON object in an answer.  Raises StrangeAnswer."""
    try:
        result = json.loads(answer)
    except (ValueError, RecursionError):
        result = None
    if not isinstance(result, dict):
        raise StrangeAnswer()
    return result


def connect(address: tuple[str, int] | None, timeout: float) -> _Socket:
    """A connection to an address or to the server's Unix socket, of which all waits together take timeout seconds.

    Raises OSError.
    """
    client = _Socket(socket.AF_INET if address else socket.AF_UNIX, socket.SOCK_STREAM)
    client.deadline = time.monotonic() + timeout
    try:
        while True:
            client.limit_wait()
            try:
                client.connect(address or socket_path())
                return client
            except BlockingIOError:  # so many wait that the kernel takes no more
                if time.monotonic() + 0.01 > client.deadline:
                    raise
                time.sleep(0.01)
    except BaseException:
        client.close()
        raise


def find_peer(connected: socket.socket) -> int:
    """The process that listens at the other end, if it is the user's and not this one; else 0."""
    if connected.family != getattr(socket, "AF_UNIX", None) or not hasattr(socket, "SO_PEERCRED"):
        return 0
    pid, uid, _gid = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid) if pid > 1 and pid != os.getpid() and uid == os.getuid() else 0


class _Connection(http.client.HTTPConnection):
    """HTTP over the server's Unix socket, or to a port of this machine, with one limit on the whole exchange."""

    def connect(self) -> None:
        self.sock = connect(("127.0.0.1", self.port) if self.port else None, self.timeout or ANSWER_LIMIT)


class _Socket(socket.socket):
    """A socket whose waits end at one moment: the library's own limit starts anew with each byte."""

    deadline = math.inf  # of time.monotonic

    def limit_wait(self) -> None:
        """To be called before each wait.  Raises socket.timeout after the deadline."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout
        self.settimeout(remaining)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self.limit_wait()
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self.limit_wait()
        super().sendall(data, flags)


def _open_connection(timeout: float) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    """A connection, not yet open, and the headers that each request on it carries."""
    headers = {VERSION_HEADER: version.VERSION, "Content-Type": "application/octet-stream"}
    if has_unix_sockets():
        return _Connection("localhost", 0, timeout=timeout), headers
    try:
        runtime = json.loads(Path(runtime_folder(), "server.json").read_text(encoding="utf-8"))
        headers["Authorization"] = f"Bearer {runtime['token']}"
        return _Connection("127.0.0.1", int(runtime["port"]), timeout=timeout), headers
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _make_gone() from error


def _make_late(timeout: float, pid: int) -> ServerLate:
    message = _(
        "The model server did not answer within {seconds} s; try again, or restart it with «gimp-saliency stop»."
    )
    return ServerLate(message.format(seconds=round(timeout)), pid)


def _make_gone() -> NoServer:
    return NoServer(
        _("The model server does not answer; try again, or run «gimp-saliency check» in a terminal to see why.")
    )


class StrangeAnswer(ServerError):
    """The server's answer is none that this version of it gives."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The model server gave an answer that makes no sense; "
                "run «gimp-saliency stop» in a terminal and try again."
            )
        )
