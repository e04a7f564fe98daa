# SPDX-License-Identifier: GPL-3.0-or-later
"""A gimp-console that runs one script of the tests after the other, since each start of GIMP takes seconds."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from model_server.gimp.running import Gimp, GimpError

START = 60.0  # seconds that GIMP may take to start
INSIDE = Path(__file__).with_name("inside_console.py")


class Console:
    """Starts with the first script, and again after one that GIMP did not survive or did not finish in time.

    No script sees what another one left: images are deleted, and the modules of the `folders` imported anew.
    """

    def __init__(self, gimp: Gimp, env: dict[str, str], folders: list[str]) -> None:
        self._gimp, self._env, self._folders = gimp, env, folders
        self._running = ExitStack()
        self._connection: Connection | None = None
        self._log = Path()

    def run(self, code: str, timeout: float) -> Any:
        """What Python code leaves in the variable `result`, within `timeout` seconds; GimpError if it fails."""
        connection = self._connection or self._start()
        try:
            connection.send(code)
            if not connection.poll(timeout):
                raise self._failure(f"did not finish a script in {timeout:g} s")
            result, error = connection.recv()
        except (OSError, EOFError):
            raise self._failure("ended during a script") from None
        if error:
            raise GimpError(f"A script failed in {self._gimp.describe()}: {error}")
        return json.loads(result)

    def close(self) -> None:
        """End GIMP, if it runs."""
        self._connection = None
        self._running.close()

    def _start(self) -> Connection:
        # Short, as a socket's path must be.  GIMP's own temporary files go with it.
        folder = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="gs-")))
        address, self._log = str(folder / "socket"), folder / "log"
        code = f"exec(open({str(INSIDE)!r}).read(), {{'ADDRESS': {address!r}, 'FOLDERS': {self._folders!r}}})"
        arguments = ("-i", "-d", "-f", "--batch-interpreter", "python-fu-eval", "-b", code, "--quit")
        log = self._running.enter_context(self._log.open("wb"))
        process = self._running.enter_context(
            self._gimp.start(
                *arguments,
                env={**self._env, "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        )
        self._running.callback(_wait, process)
        end = time.monotonic() + START
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                self._connection = self._running.enter_context(Client(address, "AF_UNIX"))
                return self._connection
            time.sleep(0.05)
        raise self._failure("does not start")

    def _failure(self, what: str) -> GimpError:
        """End GIMP; the error to raise, with GIMP's last words."""
        said = self._log.read_text(errors="replace").strip()
        self.close()
        return GimpError(f"{self._gimp.describe()} {what}; it said: {said[-500:]}")


def _wait(process: subprocess.Popen[Any]) -> None:
    """Let GIMP quit by itself, as it does when the connection is closed."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
