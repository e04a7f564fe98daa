# SPDX-License-Identifier: GPL-3.0-or-later
"""One GIMP without a window that does jobs, one at a time, and what may happen to it.

Orders go in and answers come out as lines of JSON over a Unix socket; the other side is the plug-in's `batch.job`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gimp_saliency.shared import places
from gimp_saliency.shared.edits import EditError
from model_server.batch.answer import Answer
from model_server.batch.failures import BatchError, JobError, unwritten
from model_server.batch.jobs import Order, Request
from model_server.batch.metadata import carry_over
from model_server.gimp import start_command
from model_server.gimp.plugin_copy import PACKAGE
from model_server.gimp.running import Gimp

_DAMAGE = re.compile(
    rb"Premature end of JPEG file|Corrupt JPEG data[^\n]*|Reading (?:scanline|tile) failed[^\n]*|Error reading data"
)
# The later of two lines counts.
_SETTINGS = """\
(metadata-rotation-policy rotate)
(color-profile-policy keep)
(import-promote-float no)
(import-promote-dither no)
(import-add-alpha no)
(layer-new-fill-type transparent)
(default-threshold 0.058824)
(interpolation-type cubic)
"""
_START_LIMIT = 120.0  # seconds; GIMP's first start looks at all its plug-ins
_QUIT_LIMIT = 2.0  # seconds for GIMP to end by itself


@dataclass(frozen=True)
class Outcome:
    """The edits of an order's steps, and what is to be said of it, in sentences."""

    answers: tuple[Answer, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Console:
    """A GIMP that runs."""

    resources: ExitStack  # all of it: closing this ends GIMP
    process: subprocess.Popen[bytes]
    socket: socket.socket
    stream: IO[str]
    log: IO[bytes]  # what it says


class GimpWorker:
    """Starts a GIMP with its first order; after a crash the next order gets a new one.

    One thread at a time may give it orders; any other may close it meanwhile.
    """

    def __init__(self, gimp: Gimp, request: Request, limit: float) -> None:
        """limit: seconds for an order."""
        self._gimp = gimp
        self._request = request
        self._limit = limit
        self._console: _Console | None = None
        self._is_busy = False
        self._is_closed = False
        self._lock = threading.Lock()

    def do(self, order: Order) -> Outcome:
        """Carry out an order, the result included.

        Raises JobError; BatchError or GimpError if there is no GIMP to be had.
        """
        if self._is_closed:
            raise JobError("The run was stopped.")
        console = self._console or self._start()
        self._is_busy = True
        try:
            answer = self._ask(console, order)
            if "error" in answer:
                raise JobError(answer["error"])
            if damage := _find_damage(console):
                raise JobError(f"It is damaged ({damage}): replace it with a good copy.")
            answers = tuple(Answer.from_json(each) for each in answer.get("edits", []))
            notes = tuple(map(str, answer.get("notes", [])))
            if order.part:
                notes += carry_over(order.picture, order.part)
                order.output.parent.mkdir(parents=True, exist_ok=True)
                order.part.replace(order.output)
            return Outcome(answers, notes)
        except socket.timeout:
            self._end()
            raise JobError(f"GIMP took longer than {self._limit:.0f} s: raise --time-limit.") from None
        except (ConnectionError, ValueError, EditError):
            self._end()
            raise JobError("GIMP crashed on it: try to open it in GIMP.") from None
        except OSError as error:
            raise unwritten(error) from None
        finally:
            self._is_busy = False
            if order.part:
                order.part.unlink(missing_ok=True)

    def close(self) -> None:
        """End GIMP, for good; an order that is being carried out fails."""
        self._is_closed = True
        self._end()

    def _ask(self, console: _Console, order: Order) -> dict[str, Any]:
        console.socket.settimeout(self._limit)
        console.log.truncate(0)  # GIMP says something about many pictures
        console.stream.write(json.dumps(order.to_json(self._request)) + "\n")
        console.stream.flush()
        return _receive(console.stream)

    def _start(self) -> _Console:
        """Start GIMP and wait until it is ready for an order.  Raises BatchError or GimpError."""
        try:
            # The folder goes once GIMP is connected, so that nothing stays behind however this process ends.
            temporary = tempfile.TemporaryDirectory(prefix="b-", dir=places.runtime_folder())
            with ExitStack() as stack, temporary as folder, socket.socket(socket.AF_UNIX) as listener:
                address = str(Path(folder, "s"))
                listener.bind(address)
                listener.listen(1)
                log = stack.enter_context(Path(folder, "log").open("a+b"))
                settings = _write_settings(self._gimp, Path(folder))
                started = stack.enter_context(self._gimp.start(*_arguments(address, settings), **_surroundings(log)))
                try:
                    client = stack.enter_context(self._accept(listener, started))
                    stream = stack.enter_context(client.makefile("rw", encoding="utf-8"))
                    _receive(stream)
                except (ConnectionError, socket.timeout, ValueError):
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip().rpartition("\n")[2]
                    raise BatchError(f"GIMP does not start ({said}); run «gimp-saliency check».") from None
                with self._lock:
                    self._console = console = _Console(stack.pop_all(), started, client, stream, log)
        except OSError as error:
            raise BatchError(f"GIMP cannot be reached ({error}); run «gimp-saliency check».") from error
        if self._is_closed:
            self._end()
        return console

    def _accept(self, listener: socket.socket, started: subprocess.Popen[bytes]) -> socket.socket:
        """The connection from the starting GIMP.  Raises ConnectionError if it ends first, socket.timeout."""
        deadline = time.monotonic() + _START_LIMIT
        listener.settimeout(0.1)
        while True:
            try:
                client = listener.accept()[0]
                client.settimeout(_START_LIMIT)
                return client
            except socket.timeout:
                if time.monotonic() > deadline:
                    raise
                if self._is_closed or started.poll() is not None:
                    raise ConnectionError from None

    def _end(self) -> None:
        """End GIMP: it does so itself when the connection ends, unless it is at work."""
        with self._lock:
            console, self._console = self._console, None
        if console is None:
            return
        with suppress(OSError):
            console.socket.shutdown(socket.SHUT_RDWR)  # also wakes a thread that reads
        if not self._is_busy:
            with suppress(subprocess.TimeoutExpired):
                console.process.wait(_QUIT_LIMIT)
        with suppress(OSError):  # the stream may hold a line that GIMP will never read
            console.resources.close()


def _write_settings(gimp: Gimp, folder: Path) -> Path:
    """The user's preferences, with what pictures are read and written by as GIMP has it from the first; the file.

    What a folder's results are must not depend on what somebody chose for GIMP's window.
    """
    own = Path(os.environ.get("GIMP3_DIRECTORY") or gimp.profile(), "gimprc")
    settings = folder / "gimprc"
    with suppress(OSError):
        shutil.copyfile(own, settings)
    with settings.open("a", encoding="utf-8") as file:
        file.write("\n" + _SETTINGS)
    return settings


def _arguments(address: str, settings: Path) -> list[str]:
    """Of gimp-console: run the plug-in's side of the work, connected to a Unix socket, and quit."""
    starts_server = start_command.plugin_command(start_command.own_command()[:-1])
    code = (
        f"import sys; sys.path.append({str(PACKAGE.parent)!r}); from gimp_saliency.batch import job; "
        f"job.main({address!r}, {starts_server!r})"
    )
    return ["-i", "-d", "-f", "--gimprc", str(settings), "--batch-interpreter", "python-fu-eval", "-b", code, "--quit"]


def _surroundings(log: IO[bytes]) -> dict[str, Any]:
    """Of GIMP's process: no input, all that it says into the log."""
    english = {**os.environ, "LANGUAGE": "C"}  # as this command is, and what _DAMAGE knows
    return {"env": english, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}


def _receive(stream: IO[str]) -> dict[str, Any]:
    """GIMP's next answer.  Raises ConnectionError, socket.timeout, or ValueError where it is no JSON."""
    line = stream.readline()
    if not line:
        raise ConnectionResetError
    answer: dict[str, Any] = json.loads(line)
    return answer


def _find_damage(console: _Console) -> str:
    """What is missing from a JPEG, TIFF or GIF: GIMP fills it up and says so to nobody but its console."""
    console.log.seek(0)
    found = _DAMAGE.search(console.log.read(1 << 20))
    return found[0].decode("ascii", "replace").rstrip(".") if found else ""
