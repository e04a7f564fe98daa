# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, watch and end the model server; every wait has a limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..errors import NoServer, ServerError, ServerLate
from ..places import runtime_folder
from ..words import _
from . import transport

START_LIMIT = 15.0  # seconds until a started server answers

STOP_LIMIT = 5.0  # seconds until a server asked to stop is gone

# Beside the plug-in's program; the installation writes it.
COMMAND_FILE = Path(__file__).resolve().parents[3] / "server-command.json"

# The command that starts the server.  Empty: the one in COMMAND_FILE.
start_command: list[str] = []


def ask_health(timeout: float = 2.0) -> dict[str, Any] | None:
    """What the running server says of itself, None if none is running.  Raises ServerLate, or another ServerError."""
    try:
        return transport.parse_object(transport.request("GET", "/v1/health", timeout=timeout)[1])
    except NoServer:
        return None


def stop(version: str = "", kill: bool = False) -> bool:
    """Ask the running server to stop and wait until it is gone; False if there was none.

    version: stop it only if it has this version.  kill: end it by its process id if it does not obey.
    Raises ServerError if it is still there after STOP_LIMIT.
    """
    deadline = time.monotonic() + STOP_LIMIT
    was_there = False
    try:
        before = ask_health()
        if before is None:
            return False
        was_there = True
        transport.request("POST", "/v1/stop" + (f"?{urlencode({'version': version})}" if version else ""), timeout=2.0)
        while time.monotonic() < deadline:
            after = ask_health()
            if after is None or after.get("pid") != before.get("pid"):
                return True
            if version and after.get("version") != version:
                return True  # replaced by somebody else before our request
            time.sleep(0.02)
    except NoServer:
        return was_there
    except ServerError:
        pass  # frozen, or not in its right mind
    if kill and _kill():
        return True
    raise ServerError(_("The model server does not stop; run «gimp-saliency stop» in a terminal."))


def start() -> None:
    """Start the installed server as a process of its own and wait until it answers.

    Raises ServerError after START_LIMIT, or as soon as the command fails.
    """
    deadline = time.monotonic() + START_LIMIT
    # What GIMP's bundle sets for its own Python would mislead the server's.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH")}
    environment["GIMP_SALIENCY_RUNTIME"] = runtime_folder()
    try:
        process = subprocess.Popen(
            _read_command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,  # it outlives GIMP
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows: no window of its own
            cwd=Path(__file__).anchor,
            env=environment,
        )
    except OSError as error:
        message = _("The model server cannot be started ({reason}); run install.sh again.")
        raise ServerError(message.format(reason=error.strerror)) from error
    while time.monotonic() < deadline:
        try:
            if ask_health(timeout=max(0.1, deadline - time.monotonic())):
                return
        except ServerLate:
            break
        code = process.poll()
        if code:  # 0 is fine: another one was faster, or the command asked somebody else to start it
            message = _(
                "The model server failed to start (code {code}); run «gimp-saliency check» in a terminal to see why."
            )
            raise ServerError(message.format(code=code))
        time.sleep(0.02)
    message = _(
        "The model server did not start within {seconds} s; run «gimp-saliency check» in a terminal to see why."
    )
    raise ServerError(message.format(seconds=round(START_LIMIT)))


def restart() -> None:
    """Start the server anew, so that it reads its settings again.  Raises ServerError like `stop` and `start`."""
    stop(kill=True)
    start()


def _read_command() -> list[str]:
    """The command that starts the server.  Raises ServerError."""
    if start_command:
        return start_command
    path = COMMAND_FILE
    try:
        command = json.loads(path.read_text(encoding="utf-8"))["command"]
    except FileNotFoundError:
        from . import program  # here: the start of the server must not wait for it

        found = program.find_command()  # unpacked by hand
        if found:
            return found
        raise ServerError(
            _("The model server is not installed; run install.sh, or do what INSTALL.txt says.")
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        command = None
    if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
        raise ServerError(_("{file} is damaged; run install.sh again.").format(file=path))
    return command


def end_silent(pid: int) -> bool:
    """End the server of that process if it does not even say how it is, which it does while it predicts.

    Whether there is room for another: it was ended, or somebody else was faster.
    """
    try:
        ask_health()
    except ServerLate:
        return _kill(pid)
    except ServerError:
        pass
    return _find_listener() not in (0, pid)


def _kill(pid: int = 0) -> bool:
    """End the server that listens on the socket, for good; False if the system does not tell which process it is.

    pid: only this one.  Another that listens meanwhile is somebody's new one.
    """
    found = _find_listener()
    if found < 0 or (pid and found != pid):
        return True  # gone meanwhile
    try:
        if found:
            os.kill(found, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except OSError:
        return False
    return found > 0


def _find_listener() -> int:
    """The process behind the socket, a server of the user's own; -1 if there is none, 0 if the system does not say."""
    if not transport.has_unix_sockets():
        return 0
    try:
        with transport.connect(None, 1.0) as client:
            return transport.find_peer(client)
    except (ConnectionError, FileNotFoundError):
        return -1
    except OSError:
        return 0
