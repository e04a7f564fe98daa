# SPDX-License-Identifier: GPL-3.0-or-later
"""The model server's life: one per user, a socket of the user's own, an end when nobody needs it.

The lock file decides who serves; the kernel drops the lock with its holder, so what a dead server left behind is
simply replaced.  How a connection is served is in `http.py`, what is answered in `routes.py`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import secrets
import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gimp_saliency.shared import places, version
from gimp_saliency.shared.client import lifecycle, transport
from gimp_saliency.shared.errors import ServerError
from model_server.serve import routes
from model_server.serve.http import Handler, send_busy
from model_server.serve.messages import Answer, Request
from model_server.serve.worker import Worker

if TYPE_CHECKING:
    from model_server.predict.predictor import Predictor

log = logging.getLogger(__name__)

_Connected = Any  # a socket.socket; the types of the library allow a datagram too

CONNECTIONS = 256  # at once; the next one hears that the server is busy
_SWITCH = 0.0005  # seconds; a tenth of Python's own, so that predictions hold up nothing else
_TICK = 0.2  # seconds between looks at what could end the server
_LOCK_LIMIT = 10.0  # seconds for a predecessor to end
_GRACE = 3.0  # seconds for running requests at the end
_LOG_BYTES = 256 * 1024  # a file, of which there are two


class StartError(Exception):
    """The server cannot start: one sentence."""


def serve(load: Callable[[], Predictor], idle: float) -> bool:
    """Serve until stopped or until idle seconds pass without a request; False if another server is there already.

    load makes what predicts, in a thread of its own; what it raises has one sentence.  idle: seconds.
    Raises StartError, ServerError, or OSError if the runtime folder cannot be used.
    """
    sys.setswitchinterval(_SWITCH)
    folder = Path(places.runtime_folder())
    with (folder / "server.lock").open("a") as lock:
        if not _take_lock(lock):
            return False
        log_path = _open_log()
        worker = Worker(load)
        with Server(folder, worker, log_path, idle) as server, _stop_on_signals(server):
            log.info("version %s, process %d, serving at %s", version.VERSION, os.getpid(), server.describe_place())
            server.run()
        worker.close()
        log.info("ended: %s", server.why)
    return True


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens at the socket in folder, a thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS
    timeout = _TICK

    def __init__(self, folder: Path, worker: Worker, log_path: Path, idle: float) -> None:
        """folder: for socket and runtime file, of which we hold the lock.  idle: seconds.  Raises OSError."""
        self.worker = worker
        self.log_path = log_path
        self.idle = idle
        self.started = time.monotonic()
        self.port = 0
        self.token = ""
        self.why = ""
        self._files = [folder / "server.json"]
        self._busy = 0  # open connections
        self._last = self.started  # when the last one was closed
        self._change = threading.Lock()
        if transport.has_unix_sockets():
            self.address_family = socket.AF_UNIX
            self._socket_path = folder / "server.sock"
            self._files.append(self._socket_path)
            self._socket_path.unlink(missing_ok=True)  # we hold the lock, so it is a dead one's
            super().__init__(str(self._socket_path), Handler)  # type: ignore[arg-type]
            self._identity = self._identify()
        else:
            super().__init__(("127.0.0.1", 0), Handler)
            self.port = self.server_address[1]
            self.token = secrets.token_urlsafe(32)
        try:
            self._write_runtime_file(self._files[0])
        except OSError:  # the disk is full
            if self.token:
                raise
            log.exception("no runtime file")  # nobody needs it to find a Unix socket

    def server_bind(self) -> None:
        """Called by the library."""
        # The folder is closed to others already; the mode says so to who looks at the socket.
        mask = os.umask(0o177)
        try:
            super().server_bind()
        finally:
            os.umask(mask)

    def describe_place(self) -> str:
        """Where it listens, for people."""
        return f"127.0.0.1:{self.port}" if self.port else str(self._socket_path)

    def answer(self, request: Request) -> Answer:
        """Called by a connection's handler, in its thread."""
        return routes.find_answer(request, self)

    def run(self) -> None:
        """Answer requests until `stop`, until `idle` seconds pass without one, or until nobody can find the socket."""
        while not self.why:
            self.handle_request()  # returns after one connection, or after `timeout`
            self.worker.tidy()
            with self._change:
                if not self._busy and time.monotonic() - self._last > self.idle:
                    self.why = "idle"
            if self._is_unreachable():
                self.why = "the socket is gone"

    def stop(self, why: str = "asked to") -> None:
        """Make `run` return soon."""
        self.why = why

    def server_close(self) -> None:
        """Take the socket away, then let running requests finish."""
        for path in self._files:
            if not self._is_unreachable():
                path.unlink(missing_ok=True)
        super().server_close()
        deadline = time.monotonic() + _GRACE
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.01)

    def verify_request(self, request: _Connected, client_address: object) -> bool:
        """On a Unix socket the kernel tells who asks: nobody but the user."""
        if self.token or not hasattr(socket, "SO_PEERCRED"):
            return True
        _, uid, _ = struct.unpack("3i", request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return uid == os.getuid()

    def process_request(self, request: _Connected, client_address: object) -> None:
        """Called by the library for a new connection: give it a thread, if there are not too many."""
        with self._change:
            accepted = self._busy < CONNECTIONS
            self._busy += accepted
        if accepted:
            try:
                super().process_request(request, client_address)
            except BaseException:
                self._count_end()
                raise
        else:
            log.warning("%d connections at once", CONNECTIONS)
            with contextlib.suppress(OSError):
                send_busy(request)
            self.shutdown_request(request)

    def process_request_thread(self, request: _Connected, client_address: object) -> None:
        """Called by the library in the connection's thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count_end()

    def handle_error(self, request: _Connected, client_address: object) -> None:
        """Called by the library where the handler itself raised."""
        log.exception("connection failed")

    def _count_end(self) -> None:
        with self._change:
            self._busy -= 1
            self._last = time.monotonic()

    def _is_unreachable(self) -> bool:
        """Whether somebody removed our socket, as logging out does with the whole folder."""
        if self.port:
            return False
        try:
            return self._identify() != self._identity
        except OSError:
            return True

    def _identify(self) -> tuple[int, int]:
        found = self._socket_path.stat()
        return found.st_ino, found.st_mtime_ns  # a file system gives the number of a removed file to the next one

    def _write_runtime_file(self, path: Path) -> None:
        facts = {"pid": os.getpid(), "version": version.VERSION, "started": time.time()}
        if self.token:
            facts.update(port=self.port, token=self.token)
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(facts, file)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def _take_lock(file: IO[str]) -> bool:
    """Take the lock; False if its holder serves.  A holder that is about to end is waited for."""
    deadline = time.monotonic() + _LOCK_LIMIT
    while True:
        try:
            _try_lock(file)
            return True
        except OSError:
            pass
        try:
            if lifecycle.ask_health():
                return False
        except ServerError:
            pass
        if time.monotonic() > deadline:
            raise StartError("Another model server runs but does not answer; end it with «gimp-saliency stop».")
        time.sleep(0.02)


def _try_lock(file: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _open_log() -> Path:
    """Send the log to its file, bounded with its predecessor.  A read-only or full home is no reason not to serve."""
    path = places.state_folder() / "server.log"
    logging.raiseExceptions = False
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=[handler], force=True
    )
    return path


@contextlib.contextmanager
def _stop_on_signals(server: Server) -> Iterator[None]:
    """SIGTERM and SIGINT stop the server instead of killing it."""

    def handle(number: int, _frame: object) -> None:
        server.stop(signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
