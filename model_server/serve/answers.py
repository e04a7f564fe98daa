# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model server answers: its HTTP routes, their limits, and a sentence for everything that is wrong."""

from __future__ import annotations

import base64
import hmac
import io
import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from gimp_saliency.shared import edits, version
from gimp_saliency.shared.client import transport
from gimp_saliency.shared.request import DEFAULTS, EditRequest, RequestError, parse_number
from gimp_saliency.shared.words import N_
from model_server.serve.worker import Busy

if TYPE_CHECKING:
    from model_server.serve.process import Server

log = logging.getLogger(__name__)

SIDES = range(16, 385)  # pixels of a picture's width and height
TILE_SIDES = range(1, 2049)  # of what is refined: a tile of the picture at full size
SEEDS = range(2**31)
RADII = (1.0, 256.0)  # pixels
READ_LIMIT = 4.0  # seconds from the connection to the request's last byte
PREDICT_LIMIT = transport.ANSWER_LIMIT - 1.0  # seconds, queue included: the client hears of it before it gives up
_LINE_BYTES = 1 << 16
_SWITCH = ("0", "1")
_LARGE = threading.BoundedSemaphore(4)  # tiles of up to 16 MB that may be in memory at once


class Refusal(Exception):
    """A request that gets no answer: the status code and one sentence that says what to do."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True)
class Picture:
    """The pixels of a request, rows from the top."""

    pixels: bytes
    height: int
    width: int
    channels: int

    def array(self) -> Any:
        """uint8 (height, width, channels)."""
        import numpy as np  # not at the top: the socket is open before numpy is loaded

        return np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.width, self.channels)

    def has_region(self) -> bool:
        """Whether the last of four channels is not 0 everywhere: it is the highest byte of each little-endian pixel."""
        import numpy as np

        return bool(np.frombuffer(self.pixels, "<u4").max() >= 1 << 24)


class Handler(BaseHTTPRequestHandler):
    """One connection: reads one request, answers it, closes."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = f"gimp-saliency/{version.VERSION}"
    sys_version = ""
    wbufsize = 1 << 16  # bytes; head and body of an answer leave together

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_DeadlineReader(self.connection, READ_LIMIT))
        self.started = time.monotonic()
        # What answering needs, should the request not be understood.
        self.command, self.requestline, self.request_version = "", "", self.default_request_version

    def handle(self) -> None:
        try:
            try:
                body, kind = self._answer()
                self._send(200, body, kind)
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

    def _answer(self) -> tuple[bytes, str]:
        """The answer's body and media type.  Raises Refusal."""
        self.raw_requestline = self.rfile.readline(_LINE_BYTES + 1)
        if len(self.raw_requestline) > _LINE_BYTES:
            raise Refusal(414, "The request line is too long; picture data belongs into the body.")
        if not self.raw_requestline.strip():
            raise Refusal(400, "The request is empty; send HTTP.")
        if not self.parse_request():  # it has called send_error
            raise Refusal(400, "The request is not HTTP; send HTTP/1.1.")
        self._check_sender()
        try:
            url = urlsplit(self.path)
            fields = parse_qsl(url.query, keep_blank_values=True, max_num_fields=10)
        except ValueError:
            raise Refusal(400, "The address is malformed; see the README for the requests.") from None
        methods = {method: route for (method, path), route in ROUTES.items() if path == url.path}
        if not methods:
            raise Refusal(404, "There is no such address; see the README for the requests.")
        if self.command not in methods:
            allowed = ", ".join(methods)
            raise Refusal(405, f"{url.path} takes {allowed} only.", {"Allow": allowed})
        query = dict(fields)
        if len(query) != len(fields):
            raise Refusal(400, "A parameter is given twice; give each one once.")
        return methods[self.command](self, query)

    def _check_sender(self) -> None:
        """On TCP everybody on this machine can connect, web pages in a browser included: ask for the secret."""
        if not self.server.token:
            return  # a Unix socket in a folder of the user's own, and the server has checked the sender's user id
        if self.headers.get("Host") != f"127.0.0.1:{self.server.port}":
            raise Refusal(403, "The Host header is another one's; connect to 127.0.0.1 directly.")
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, f"Bearer {self.server.token}".encode()):
            raise Refusal(401, "The secret is wrong; take it from server.json.", {"WWW-Authenticate": "Bearer"})

    def _check_version(self) -> None:
        theirs = self.headers.get(transport.VERSION_HEADER, version.VERSION)
        if theirs != version.VERSION:
            raise Refusal(
                409,
                f"The plug-in has version {theirs:.20}, the model server {version.VERSION}; "
                "run install.sh again and restart GIMP.",
            )

    def edits(self, query: dict[str, str]) -> tuple[bytes, str]:
        """POST /v1/edits: the edits that move attention, and how far."""
        self._check_version()
        query = {"figures": "1", **DEFAULTS, **query}
        _check_names(query, "direction", "order", "width", "height", "figures", *DEFAULTS)
        request = _request(query)
        figures = _choice(query, "figures", _SWITCH) == "1"
        picture = self._region(query)
        return self._judged(lambda predictor: _prediction(predictor.edits(picture.array(), request, figures)))

    def proposals(self, query: dict[str, str]) -> tuple[bytes, str]:
        """POST /v1/proposals: several edits to choose from, the most real one first."""
        self._check_version()
        query = {**DEFAULTS, **query}
        seed = _whole(query, "styles", SEEDS) if "styles" in query else None
        query.pop("styles", None)
        _check_names(query, "direction", "width", "height", *DEFAULTS)
        request = _request(query)
        picture = self._region(query)

        def job(predictor: Any) -> dict[str, Any]:
            found = predictor.proposals(picture.array(), request, seed)
            rows = [
                {"order": order.value, **_prediction(each), "style": list(each.style)} for order, each in found.items()
            ]
            return {"proposals": rows}

        return self._judged(job)

    def look(self, query: dict[str, str]) -> tuple[bytes, str]:
        """POST /v1/look: how much attention a region draws, how real it looks, and where people look."""
        self._check_version()
        _check_names(query, "width", "height")
        picture = self._region(query)

        def job(predictor: Any) -> dict[str, Any]:
            found = predictor.look(picture.array())
            grey = base64.b64encode(found.grey.tobytes()).decode("ascii")
            return {"saliency": found.saliency, "realism": found.realism, "map": grey, "peak": found.peak}

        return self._judged(job)

    def refine(self, query: dict[str, str]) -> tuple[bytes, str]:
        """POST /v1/refine: the mask, moved to the object's edge; 16 bits a pixel, little-endian."""
        self._check_version()
        _check_names(query, "width", "height", "radius")
        radius = _number(query, "radius", *RADII)
        large = _side(query, "width", TILE_SIDES) * _side(query, "height", TILE_SIDES) > SIDES[-1] ** 2
        if large and not _LARGE.acquire(blocking=False):
            raise Refusal(503, N_("The model server is busy; try again in a moment."), {"Retry-After": "5"})
        try:
            picture = self._picture(query, 4, TILE_SIDES)

            def job(predictor: Any) -> bytes:
                from model_server.predict.guided_filter import refine  # numpy: see Picture.array

                return bytes(refine(picture.array(), radius).astype("<u2").tobytes())

            return self._predict(job), "application/octet-stream"
        finally:
            if large:
                _LARGE.release()

    def saliency(self, query: dict[str, str]) -> tuple[bytes, str]:
        """POST /v1/saliency: where people look, 0 to 255."""
        self._check_version()
        _check_names(query, "width", "height")
        picture = self._picture(query, 3)
        return self._predict(
            lambda predictor: predictor.saliency(picture.array()).tobytes()
        ), "application/octet-stream"

    def health(self, query: dict[str, str]) -> tuple[bytes, str]:
        """GET /v1/health: for every version of the client."""
        _check_names(query)
        state = self.server.worker.state()
        seconds = round(time.monotonic() - self.server.started, 1)
        return _json(
            {
                "version": version.VERSION,
                "pid": os.getpid(),
                "seconds": seconds,
                "memory": _memory(),
                "idle_minutes": round(self.server.idle / 60, 2),
                "networks": self.server.networks,
                **state,
            }
        )

    def stop(self, query: dict[str, str]) -> tuple[bytes, str]:
        """POST /v1/stop, for every version of the client; `version`: only if the server has this one."""
        query = {"version": version.VERSION, **query}
        _check_names(query, "version")
        if query["version"] != version.VERSION:
            raise Refusal(409, f"This model server has version {version.VERSION}; it goes on.")
        self.server.stop()
        return _json({"stopping": True})

    def _judged(self, job: Callable[[Any], dict[str, Any]]) -> tuple[bytes, str]:
        """What job(predictor) finds, with what the answers of the networks have in common."""
        started = time.monotonic()
        found = self._predict(job)
        milliseconds = round(1000 * (time.monotonic() - started), 1)
        return _json({**found, "model": self.server.worker.state().get("model", ""), "milliseconds": milliseconds})

    def _predict(self, job: Callable[[Any], Any]) -> Any:
        try:
            return self.server.worker.run(job, PREDICT_LIMIT)
        except Busy:
            raise Refusal(503, N_("The model server is busy; try again in a moment."), {"Retry-After": "5"}) from None
        except Exception as error:
            failed = self.server.worker.state()
            if failed["state"] != "ready":  # the networks: the loader's sentence
                raise Refusal(503, failed.get("error", "")) from error
            log.exception("prediction failed")
            reason = type(error).__name__
            raise Refusal(500, f"The prediction failed ({reason}); see the log, {self.server.log_path}.") from error

    def _region(self, query: dict[str, str]) -> Picture:
        """A picture with a mask that is not empty."""
        picture = self._picture(query, 4)
        if not picture.has_region():
            raise Refusal(400, N_("The mask is empty; select the region to edit."))
        return picture

    def _picture(self, query: dict[str, str], channels: int, sides: range = SIDES) -> Picture:
        width, height = _side(query, "width", sides), _side(query, "height", sides)
        length = self._length(sides[-1] ** 2 * channels)
        if length != width * height * channels:
            raise Refusal(
                400, f"The body has {length} bytes; {width} × {height} pixels need {width * height * channels}."
            )
        body = self.rfile.read(length)
        if len(body) < length:
            raise Refusal(400, f"The body ended after {len(body)} of {length} bytes; send all of it.")
        return Picture(body, height, width, channels)

    def _length(self, limit: int) -> int:
        """The body's length, checked before anything of it is read."""
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or not lengths:
            raise Refusal(411, "The length is missing; send Content-Length, and the body in one piece.")
        text = lengths[0].strip(" \t")
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
            raise Refusal(400, "Content-Length must be one number.")
        length = int(text)
        if length > limit:
            raise Refusal(413, f"The body is too large; send {limit} bytes at most.")
        return length

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.connection.settimeout(READ_LIMIT)
        self.request_version = self.protocol_version  # the library answers HTTP/0.9 without a status
        self.send_response_only(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
            transport.VERSION_HEADER: version.VERSION,
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        milliseconds = 1000 * (time.monotonic() - self.started)
        log.info("%.120r %d %.0f ms", self.requestline, status, milliseconds)

    def _refuse(self, refusal: Refusal) -> None:
        self._send(refusal.status, *_json({"error": str(refusal)}), refusal.headers)

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

    def log_message(self, format: str, *args: Any) -> None:
        log.info(format, *args)


ROUTES: dict[tuple[str, str], Callable[[Handler, dict[str, str]], tuple[bytes, str]]] = {
    ("POST", "/v1/edits"): Handler.edits,
    ("POST", "/v1/proposals"): Handler.proposals,
    ("POST", "/v1/look"): Handler.look,
    ("POST", "/v1/refine"): Handler.refine,
    ("POST", "/v1/saliency"): Handler.saliency,
    ("GET", "/v1/health"): Handler.health,
    ("POST", "/v1/stop"): Handler.stop,
}


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes drip."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._socket = connected
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout
        self._socket.settimeout(remaining)
        return self._socket.recv_into(buffer)


def _json(value: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(value).encode(), "application/json"


def _check_names(query: dict[str, str], *names: str) -> None:
    for name in names:
        if name not in query:
            raise Refusal(400, f"The parameter {name} is missing.")
    for name in query:
        if name not in names:
            raise Refusal(400, f"There is no parameter {name!r:.40}; leave it out.")


def _choice(query: dict[str, str], name: str, choices: Iterable[str]) -> str:
    if query[name] not in choices:
        raise Refusal(400, f"{name} must be one of {', '.join(choices)}.")
    return query[name]


def _side(query: dict[str, str], name: str, sides: range) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", query[name], re.ASCII) or int(query[name]) not in sides:
        raise Refusal(400, f"{name} must be a number of pixels from {sides[0]} to {sides[-1]}.")
    return int(query[name])


def _whole(query: dict[str, str], name: str, numbers: range) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", query[name], re.ASCII) or int(query[name]) not in numbers:
        raise Refusal(400, f"{name} must be a whole number from {numbers[0]} to {numbers[-1]}.")
    return int(query[name])


def _request(query: dict[str, str]) -> EditRequest:
    try:
        return EditRequest.from_query(query)
    except RequestError as error:
        raise Refusal(400, str(error)) from None


def _number(query: dict[str, str], name: str, low: float, high: float) -> float:
    value = parse_number(query[name])
    if not low <= value <= high:
        raise Refusal(400, f"{name} must be a number from {low:g} to {high:g}.")
    return value


def _prediction(found: Any) -> dict[str, Any]:
    result: dict[str, Any] = {"edits": edits.to_json(found.edits)}
    if found.background is not None:
        result["background"] = edits.to_json(found.background)
    if found.figures:
        figures = found.figures
        result["saliency"] = {"before": figures.saliency_before, "after": figures.saliency_after}
        result["realism"] = {"before": figures.realism_before, "after": figures.realism_after}
    return result


def _memory() -> int:
    """Resident bytes of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0
