# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds or starts the model server and asks it, with a limit on every wait.

HTTP/1.1 over a Unix socket in a folder that only its owner can enter.  Where the system has no Unix sockets: TCP on
127.0.0.1 at a port that the server chose, with the secret from its runtime file.  Standard library only; the server
and the command line import this module too, so that all agree on version, places and headers.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

# In GIMP this folder is on the path, in the server it is a package.
_: Callable[[str], str] = import_module(".words" if __package__ else "words", __package__)._

VERSION = "0.1.0"
VERSION_HEADER = "X-Gimp-Saliency-Version"

ANSWER_LIMIT = 15.0  # seconds for one request to a running server
START_LIMIT = 15.0  # seconds until a started server answers
STOP_LIMIT = 5.0  # seconds until a server asked to stop is gone
_ANSWER_BYTES = 1 << 20  # more than any answer but refined masks: 384 x 384 grey values, or some kilobytes of JSON
_SOCKET_PATH_BYTES = 104  # sun_path holds 108 bytes on Linux, 104 on macOS, the final zero included

# The command that starts the server.  Empty: `server-command.json` beside this file, which the installation wrote.
start_command: list[str] = []


class ServerError(Exception):
    """The server could not help: the message is one sentence for the user, with the next action."""


class NoServer(ServerError):
    """Nobody listens, or the server went away in the middle of a request."""


class ServerLate(ServerError):
    """The server took the request but did not answer in time."""


def ask_edits(
    picture: bytes, width: int, height: int, direction: str, order: str, strength: float = 1.0
) -> dict[str, Any]:
    """Ask for the edits of a region; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M (sRGB and mask), rows from the top, sides of 16 to 384 pixels.
    direction: "attenuate" or "emphasize".  order: "best-realism", "best-saliency", "variant-1", "variant-2" or
    "random".  strength: 1 is the prediction; only the figures before and after, and the choice, depend on it.
    Returns the server's JSON answer (`edits` is for `edits.from_json`).  Raises ServerError; takes 30 s at most.
    """
    query = {"direction": direction, "order": order, "width": width, "height": height, "strength": strength}
    result = _parse(_ask("/v1/edits", query, picture))
    if not isinstance(result.get("edits"), list):
        raise _strange()
    return result


def ask_proposals(picture: bytes, width: int, height: int, direction: str, strength: float = 1.0) -> dict[str, Any]:
    """Ask for several edits of a region to choose from; starts the server if none answers.

    Arguments and errors are those of `ask_edits`.  Returns the server's JSON answer: `proposals` is a list, not empty,
    of {"order": …, "edits": …, "saliency": {"before": 0..1, "after": 0..1}, "realism": the same}, "best-realism" first;
    orders that look like one before are not in it.
    """
    query = {"direction": direction, "width": width, "height": height, "strength": strength}
    result = _parse(_ask("/v1/proposals", query, picture))
    proposals = result.get("proposals")
    if not isinstance(proposals, list) or not proposals or not all(_is_proposal(entry) for entry in proposals):
        raise _strange()
    return result


def ask_look(picture: bytes, width: int, height: int) -> dict[str, Any]:
    """Ask what viewers and critic say of a picture as it is; starts the server if none answers.

    picture: as for `ask_edits`, mask included.  Returns the server's JSON answer: `saliency`, the mask's share of the
    attention, and `realism`, both 0..1; `map`, width * height grey bytes, 255 where people look most; `peak`, the share
    of attention that 255 stands for, so that map * peak compares two pictures of one size.  Raises ServerError; takes
    30 s at most.
    """
    result = _parse(_ask("/v1/look", {"width": width, "height": height}, picture))
    try:
        result["map"] = base64.b64decode(result["map"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise _strange() from None
    figures = [result.get(name) for name in ("saliency", "realism", "peak")]
    if len(result["map"]) != width * height or not all(_is_share(figure) for figure in figures):
        raise _strange()
    return result


def ask_refined(picture: bytes, width: int, height: int, radius: float) -> bytes:
    """Ask for the mask moved to the object's edge; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M, sides of 1 to 2048 pixels.  radius: 1 to 256 pixels, larger than the
    mask's error.  Returns width * height 16-bit values, little-endian.  The result in a tile of a larger picture, at
    least 4 * radius from the tile's edges, is the larger picture's if the tile starts at multiples of 64 pixels.
    Raises ServerError; takes 30 s at most.
    """
    size = width * height * 2
    answer = _ask("/v1/refine", {"width": width, "height": height, "radius": radius}, picture, max(size, _ANSWER_BYTES))
    if len(answer) != size:
        raise _strange()
    return answer


def ask_saliency(picture: bytes, width: int, height: int) -> bytes:
    """Ask for the saliency map of width * height * 3 bytes R'G'B'; returns width * height grey bytes.

    Starts the server if none answers.  Raises ServerError; takes 30 s at most.
    """
    answer = _ask("/v1/saliency", {"width": width, "height": height}, picture)
    if len(answer) != width * height:
        raise _strange()
    return answer


def request(method: str, path: str, body: bytes = b"", timeout: float = ANSWER_LIMIT) -> tuple[int, bytes]:
    """One request to a running server, never starting one: its status code and body.

    timeout limits the whole exchange in seconds.  Raises NoServer, ServerLate, or another ServerError.
    """
    response, answer = _exchange(method, path, body, timeout)
    return response.status, answer


def runtime_folder() -> str:
    """The folder of socket, lock and runtime file, made for its owner only where it is missing.

    `$GIMP_SALIENCY_RUNTIME`, else `$XDG_RUNTIME_DIR/gimp-saliency`, else `/tmp/gimp-saliency-<uid>`.
    Raises ServerError if it cannot be made, is not a folder, or belongs to somebody else.
    """
    folder = _runtime_path()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            pass
        found = folder.lstat()  # not stat: a link set by somebody else must not lead us away
        if not stat.S_ISDIR(found.st_mode):
            message = _("{folder} is not a folder; remove it or set GIMP_SALIENCY_RUNTIME to a folder of your own.")
            raise ServerError(message.format(folder=folder))
        if hasattr(os, "getuid"):
            if found.st_uid != os.getuid():
                message = _(
                    "{folder} belongs to another user; remove it or set GIMP_SALIENCY_RUNTIME to a folder of your own."
                )
                raise ServerError(message.format(folder=folder))
            if found.st_mode & 0o077:
                folder.chmod(0o700)
    except OSError as error:
        message = _(
            "{folder} cannot be used ({reason}); remove it or set GIMP_SALIENCY_RUNTIME to a folder of your own."
        )
        raise ServerError(message.format(folder=folder, reason=error.strerror)) from error
    return str(folder)


def socket_path() -> str:
    """Where the server's socket is.  Raises ServerError like `runtime_folder`."""
    return str(Path(runtime_folder(), "server.sock"))


def has_unix_sockets() -> bool:
    """Whether the server is reached over a Unix socket.  GIMP_SALIENCY_TCP=1 says no, for tests of the other way."""
    return hasattr(socket, "AF_UNIX") and os.environ.get("GIMP_SALIENCY_TCP") != "1"


def health(timeout: float = 2.0) -> dict[str, Any] | None:
    """What the running server says of itself, None if none is running.  Raises ServerLate, or another ServerError."""
    try:
        return _parse(request("GET", "/v1/health", timeout=timeout)[1])
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
        before = health()
        if before is None:
            return False
        was_there = True
        request("POST", "/v1/stop" + (f"?{urlencode({'version': version})}" if version else ""), timeout=2.0)
        while time.monotonic() < deadline:
            after = health()
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
            _command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,  # it outlives GIMP
            cwd=Path(__file__).anchor,
            env=environment,
        )
    except OSError as error:
        message = _("The model server cannot be started ({reason}); run install.sh again.")
        raise ServerError(message.format(reason=error.strerror)) from error
    while time.monotonic() < deadline:
        try:
            if health(timeout=max(0.1, deadline - time.monotonic())):
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


def _ask(address: str, query: dict[str, Any], body: bytes, limit: int = _ANSWER_BYTES) -> bytes:
    """POST, starting or replacing the server where needed; the body of a good answer, of limit bytes at most."""
    path = f"{address}?{urlencode(query)}"
    deadline = time.monotonic() + START_LIMIT + ANSWER_LIMIT
    for last in (False, True):
        try:
            timeout = min(ANSWER_LIMIT, max(0.1, deadline - time.monotonic()))
            response, answer = _exchange("POST", path, body, timeout, limit)
        except NoServer:
            if last:
                raise
            start()
            continue
        except ServerLate:
            if last or not _is_frozen() or not _kill():
                raise
            start()
            continue
        if response.status == 409 and not last:  # a server of another version
            stop(version=response.headers.get(VERSION_HEADER, ""))
            start()
            continue
        break
    if response.status == 200:
        return answer
    sentence = _parse(answer).get("error")
    raise ServerError(_(str(sentence))) if sentence else _strange()


def _exchange(
    method: str, path: str, body: bytes, timeout: float, limit: int = _ANSWER_BYTES
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request and its complete answer, of limit bytes at most, within timeout seconds."""
    connection, headers = _connection(timeout)
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _shut(connection.sock)

    # The socket's own time-out starts anew with each byte; this one does not.
    timer = threading.Timer(timeout, give_up)
    timer.daemon = True
    try:
        connection.connect()
        timer.start()
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a busy server answers without reading
        response = connection.getresponse()
        answer = response.read(limit + 1)
        if response.length and len(answer) <= limit:  # the library itself does not mind
            raise http.client.IncompleteRead(answer)
    except (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionError, FileNotFoundError) as error:
        if late.is_set():
            raise _late(timeout) from error
        raise _gone() from error
    except (socket.timeout, BlockingIOError) as error:  # BlockingIOError: its queue is full
        raise _late(timeout) from error
    except http.client.HTTPException as error:
        raise _late(timeout) if late.is_set() else _strange() from error
    except OSError as error:
        message = _(
            "The model server cannot be reached ({reason}); run «gimp-saliency check» in a terminal to see why."
        )
        raise ServerError(message.format(reason=error.strerror)) from error
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():
        raise _late(timeout)
    if len(answer) > limit or VERSION_HEADER not in response.headers:
        raise _strange()
    return response, answer


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the server's Unix socket."""

    def connect(self) -> None:
        self.sock = _unix_socket(self.timeout)


def _unix_socket(timeout: float | None) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(timeout)
        client.connect(socket_path())
    except BaseException:
        client.close()
        raise
    return client


def _connection(timeout: float) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    """A connection, not yet open, and the headers that each request on it carries."""
    headers = {VERSION_HEADER: VERSION, "Content-Type": "application/octet-stream"}
    if has_unix_sockets():
        return _UnixConnection("localhost", timeout=timeout), headers
    try:
        runtime = json.loads(Path(runtime_folder(), "server.json").read_text(encoding="utf-8"))
        headers["Authorization"] = f"Bearer {runtime['token']}"
        return http.client.HTTPConnection("127.0.0.1", int(runtime["port"]), timeout=timeout), headers
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _gone() from error


def _runtime_path() -> Path:
    chosen = os.environ.get("GIMP_SALIENCY_RUNTIME")
    if chosen:
        folder = Path(chosen).absolute()
        if not _has_room(folder):
            raise ServerError(_("GIMP_SALIENCY_RUNTIME is too long a path for a socket; choose a shorter one."))
        return folder
    if not hasattr(os, "getuid"):  # Windows
        return Path(os.environ.get("LOCALAPPDATA") or Path.home(), "gimp-saliency", "run")
    base = os.environ.get("XDG_RUNTIME_DIR")
    # Without a session manager the variable can name a folder that is not there.
    if base and Path(base).is_dir() and _has_room(Path(base, "gimp-saliency")):
        return Path(base, "gimp-saliency")
    return Path(f"/tmp/gimp-saliency-{os.getuid()}")


def _has_room(folder: Path) -> bool:
    return len(os.fsencode(folder / "server.sock")) < _SOCKET_PATH_BYTES


def _command() -> list[str]:
    """The command that starts the server.  Raises ServerError."""
    if start_command:
        return start_command
    path = Path(__file__).with_name("server-command.json")
    try:
        command = json.loads(path.read_text(encoding="utf-8"))["command"]
    except FileNotFoundError:
        message = _("The model server is not installed; run install.sh from the plug-in's source.")
        raise ServerError(message) from None
    except (OSError, ValueError, KeyError, TypeError):
        command = None
    if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
        raise ServerError(_("{file} is damaged; run install.sh again.").format(file=path))
    return command


def _is_frozen() -> bool:
    """Whether the server does not even say how it is (it does while it predicts)."""
    try:
        health()
    except ServerLate:
        return True
    except ServerError:
        pass
    return False


def _kill() -> bool:
    """End the server that listens on the socket, for good; False if the system does not tell which process it is."""
    if not has_unix_sockets() or not hasattr(socket, "SO_PEERCRED"):
        return False
    try:
        with _unix_socket(1.0) as client:
            pid, uid, _gid = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if pid <= 1 or pid == os.getpid() or uid != os.getuid():
            return False
        os.kill(pid, signal.SIGKILL)
    except (ConnectionError, FileNotFoundError, ProcessLookupError):
        return True  # gone meanwhile
    except OSError:
        return False
    return True


def _shut(connected: socket.socket | None) -> None:
    try:
        if connected:
            connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed meanwhile


def _parse(answer: bytes) -> dict[str, Any]:
    """The JSON object in an answer."""
    try:
        result = json.loads(answer)
    except (ValueError, RecursionError):
        result = None
    if not isinstance(result, dict):
        raise _strange()
    return result


def _is_proposal(entry: Any) -> bool:
    """Whether an entry of the server's `proposals` has the form that `ask_proposals` promises."""
    if not isinstance(entry, dict) or not isinstance(entry.get("order"), str):
        return False
    figures = [entry.get(name) for name in ("saliency", "realism")]
    pairs = all(
        isinstance(pair, dict) and _is_share(pair.get("before")) and _is_share(pair.get("after")) for pair in figures
    )
    return pairs and isinstance(entry.get("edits"), list)


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1.01  # sums are rounded


def _late(timeout: float) -> ServerLate:
    message = _(
        "The model server did not answer within {seconds} s; try again, or restart it with «gimp-saliency stop»."
    )
    return ServerLate(message.format(seconds=round(timeout)))


def _gone() -> NoServer:
    return NoServer(
        _("The model server does not answer; try again, or run «gimp-saliency check» in a terminal to see why.")
    )


def _strange() -> ServerError:
    return ServerError(
        _("The model server gave an answer that makes no sense; run «gimp-saliency stop» in a terminal and try again.")
    )
