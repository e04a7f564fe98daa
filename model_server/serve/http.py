# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection: read one request within its limits, answer or refuse it, close.

What there is to ask for is in `routes.py`; a sentence for everything that is wrong with the HTTP is here.
"""

from __future__ import annotations

import hmac
import io
import json
import logging
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Protocol, cast

from gimp_saliency.shared import version
from gimp_saliency.shared.client import transport
from model_server.serve.messages import Answer, Refusal, Request

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

READ_LIMIT = 4.0  # seconds from the connection to the request's last byte
_LINE_BYTES = 1 << 16


class Host(Protocol):
    """What a connection needs of its server."""

    @property
    def port(self) -> int:
        """On 127.0.0.1; 0 on a Unix socket."""

    @property
    def token(self) -> str:
        """The secret that a client must know; empty on a Unix socket."""

    def answer(self, request: Request) -> Answer:
        """The answer to a request.  Raises Refusal, or socket.timeout if the body comes too slowly."""


class Handler(BaseHTTPRequestHandler):
    """One connection to a `Host`: reads one request, answers it, closes."""

    protocol_version = "HTTP/1.1"
    server_version = f"gimp-saliency/{version.VERSION}"
    sys_version = ""
    wbufsize = 1 << 16  # bytes; head and body of an answer leave together

    def setup(self) -> None:
        super().setup()
        self.host = cast(Host, self.server)
        self.rfile = io.BufferedReader(_DeadlineReader(self.connection, READ_LIMIT))
        self.started = time.monotonic()
        # What answering needs, should the request not be understood.
        self.command, self.requestline, self.request_version = "", "", self.default_request_version

    def handle(self) -> None:
        try:
            try:
                self._send(200, self.host.answer(self._read_request()))
            except Refusal as refusal:
                self._refuse(refusal)
            except socket.timeout:
                self._refuse(Refusal(408, f"The request took longer than {READ_LIMIT:.0f} s; send it faster."))
            except OSError:
                raise
            except Exception as error:
                log.exception("a bug")
                reason = type(error).__name__
                self._refuse(Refusal(500, f"The model server has a bug ({reason}); report it with the log file."))
            self._let_go()
        except OSError as error:
            log.info("connection lost: %s", error)

    def _read_request(self) -> Request:
        """The request but for its body.  Raises Refusal."""
        self.raw_requestline = self.rfile.readline(_LINE_BYTES + 1)
        if len(self.raw_requestline) > _LINE_BYTES:
            raise Refusal(414, "The request line is too long; picture data belongs into the body.")
        if not self.raw_requestline.strip():
            raise Refusal(400, "The request is empty; send HTTP.")
        if not self.parse_request():  # it has called send_error
            raise Refusal(400, "The request is not HTTP; send HTTP/1.1.")
        self._check_sender()
        return Request(self.command, self.path, self.headers, self.rfile)

    def _check_sender(self) -> None:
        """On TCP everybody on this machine can connect, web pages in a browser included: ask for the secret."""
        if not self.host.token:
            return  # a Unix socket in a folder of the user's own, and the server has checked the sender's user id
        if self.headers.get("Host") != f"127.0.0.1:{self.host.port}":
            raise Refusal(403, "The Host header is another one's; connect to 127.0.0.1 directly.")
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, f"Bearer {self.host.token}".encode()):
            raise Refusal(401, "The secret is wrong; take it from server.json.", {"WWW-Authenticate": "Bearer"})

    def _send(self, status: int, answer: Answer) -> None:
        self.connection.settimeout(READ_LIMIT)
        self.request_version = self.protocol_version  # the library answers HTTP/0.9 without a status
        self.send_response_only(status)
        for name, value in {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            "Connection": "close",
            transport.VERSION_HEADER: version.VERSION,
            **answer.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()
        milliseconds = 1000 * (time.monotonic() - self.started)
        log.info("%.120r %d %.0f ms", self.requestline, status, milliseconds)

    def _refuse(self, refusal: Refusal) -> None:
        self._send(refusal.status, Answer.from_json({"error": str(refusal)}, refusal.headers))

    def _let_go(self) -> None:
        """End the answer and read what is left: a client that still sends would lose the answer if we just closed."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(0.5)
        deadline = time.monotonic() + 1.0
        try:
            while time.monotonic() < deadline and self.connection.recv(1 << 16):
                pass
        except OSError:
            pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Called by the library for a request that it cannot parse."""
        raise Refusal(int(code), f"{message or 'The request cannot be understood':.100}; send HTTP/1.1.")

    def log_message(self, format: str, *args: object) -> None:
        """Called by the library."""
        log.info(format, *args)


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes drip."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._socket = connected
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout
        self._socket.settimeout(remaining)
        return self._socket.recv_into(buffer)


def send_busy(connected: socket.socket) -> None:
    """Answer a connection for which there is no thread, as far as the kernel takes it at once.  Raises OSError."""
    body = json.dumps({"error": "The model server has too many connections; try again in a moment."}).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n{transport.VERSION_HEADER}: {version.VERSION}\r\n\r\n"
    )
    connected.settimeout(0)
    connected.send(head.encode() + body)
