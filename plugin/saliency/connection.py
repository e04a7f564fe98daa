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
import math
import os
import signal
import socket
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
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
_STYLE = 10  # numbers of a style
_SOCKET_PATH_BYTES = 104  # sun_path holds 108 bytes on Linux, 104 on macOS, the final zero included

# The command that starts the server.  Empty: `server-command.json` beside this file, which the installation wrote.
start_command: list[str] = []


class ServerError(Exception):
    """The server could not help: the message is one sentence for the user, with the next action."""


class NoServer(ServerError):
    """Nobody listens, or the server went away in the middle of a request."""


class ServerLate(ServerError):
    """The server took the request but did not answer in time.  pid: its process, 0 where the system does not say."""

    def __init__(self, sentence: str, pid: int) -> None:
        super().__init__(sentence)
        self.pid = pid


def ask_edits(
    picture: bytes,
    width: int,
    height: int,
    direction: str,
    order: str,
    strength: float = 1.0,
    *,
    background: bool = False,
    background_strength: float = 1.0,
    style: Sequence[float] = (),
) -> dict[str, Any]:
    """Ask for the edits of a region; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M (sRGB and mask), rows from the top, sides of 16 to 384 pixels.
    direction: "attenuate" or "emphasize".  order: "best-realism", "best-saliency", "variant-1", "variant-2" or
    "random".  strength: 1 is the prediction; only the choice depends on it.  background: whether edits of what
    surrounds the region are wanted, too, and the strength at which they count for the choice.  style: ten numbers from
    -4 to 4; empty: the plain one.
    Returns the server's JSON answer (`edits`, and `background` if it was asked for, are for `edits.from_json`).
    Raises ServerError; takes 30 s at most.
    """
    query = _wish(width, height, direction, strength, background, background_strength, style)
    query["order"] = order
    query["figures"] = 0  # how attention and realism move, for which networks have to run that we can spare
    result = _parse(_ask("/v1/edits", query, picture))
    if not _has_edits(result, background):
        raise _strange()
    return result


def ask_proposals(
    picture: bytes,
    width: int,
    height: int,
    direction: str,
    strength: float = 1.0,
    *,
    background: bool = False,
    background_strength: float = 1.0,
    style: Sequence[float] = (),
    styles: int | None = None,
) -> dict[str, Any]:
    """Ask for several edits of a region to choose from; starts the server if none answers.

    Arguments and errors are those of `ask_edits`.  styles: a whole number from 0 to 2**31 - 1; then all but the first
    have other styles, which are drawn from it.
    Returns the server's JSON answer: `proposals` is a list, not empty, of {"order": …, "edits": …, "background": … if
    it was asked for, "style": ten numbers, "saliency": {"before": 0..1, "after": 0..1}, "realism": the same},
    "best-realism" first, no order twice; what looks like one before is not in it.
    """
    query = _wish(width, height, direction, strength, background, background_strength, style)
    if styles is not None:
        query["styles"] = styles
    result = _parse(_ask("/v1/proposals", query, picture))
    proposals = result.get("proposals")
    if not isinstance(proposals, list) or not proposals:
        raise _strange()
    if not all(_is_proposal(entry, background) for entry in proposals):
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
            if stat.S_IMODE(found.st_mode) != 0o700:
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
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows: no window of its own
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


def _wish(
    width: int,
    height: int,
    direction: str,
    strength: float,
    background: bool,
    background_strength: float,
    style: Sequence[float],
) -> dict[str, Any]:
    """The parameters of a request for edits; what is as usual is left out."""
    query: dict[str, Any] = {"direction": direction, "width": width, "height": height, "strength": strength}
    if background:
        query.update(background=1, background_strength=background_strength)
    if style:
        query["style"] = ",".join(str(number) for number in style)
    return query


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
        except ServerLate as error:
            if last or not error.pid or not _is_replaced(error.pid):
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
    raise ServerError(_(sentence)) if sentence and isinstance(sentence, str) else _strange()


def _exchange(
    method: str, path: str, body: bytes, timeout: float, limit: int = _ANSWER_BYTES
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request and its complete answer, of limit bytes at most, within timeout seconds."""
    connection, headers = _connection(timeout)
    pid = 0
    try:
        connection.connect()
        pid = _process(connection.sock)
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a busy server answers without reading
        response = connection.getresponse()
        answer = response.read(limit + 1)
        if response.length and len(answer) <= limit:  # the library itself does not mind
            raise http.client.IncompleteRead(answer)
    except (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionError, FileNotFoundError) as error:
        raise _gone() from error
    except (socket.timeout, BlockingIOError) as error:  # BlockingIOError: nobody takes the waiting connections
        raise _late(timeout, pid) from error
    except http.client.HTTPException as error:
        raise _strange() from error
    except OSError as error:
        message = _(
            "The model server cannot be reached ({reason}); run «gimp-saliency check» in a terminal to see why."
        )
        raise ServerError(message.format(reason=error.strerror)) from error
    finally:
        connection.close()
    if len(answer) > limit or VERSION_HEADER not in response.headers:
        raise _strange()
    return response, answer


class _Connection(http.client.HTTPConnection):
    """HTTP with one limit on the whole exchange, over the server's Unix socket or to a port of this machine."""

    def connect(self) -> None:
        self.sock = _connected(("127.0.0.1", self.port) if self.port else None, self.timeout or ANSWER_LIMIT)


class _Socket(socket.socket):
    """A socket whose waits end at one moment: the library's own limit starts anew with each byte."""

    deadline = math.inf  # of time.monotonic

    def limit_wait(self) -> None:
        """To be called before each wait.  Raises socket.timeout after the deadline."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout
        self.settimeout(remaining)

    def recv_into(self, *arguments: Any) -> int:
        self.limit_wait()
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self.limit_wait()
        super().sendall(*arguments)


def _connected(address: tuple[str, int] | None, timeout: float) -> _Socket:
    """A connection to an address or to the server's Unix socket, of which all waits together take timeout seconds."""
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


def _connection(timeout: float) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    """A connection, not yet open, and the headers that each request on it carries."""
    headers = {VERSION_HEADER: VERSION, "Content-Type": "application/octet-stream"}
    if has_unix_sockets():
        return _Connection("localhost", 0, timeout=timeout), headers
    try:
        runtime = json.loads(Path(runtime_folder(), "server.json").read_text(encoding="utf-8"))
        headers["Authorization"] = f"Bearer {runtime['token']}"
        return _Connection("127.0.0.1", int(runtime["port"]), timeout=timeout), headers
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
        # Unpacked by hand.  Imported only here, since the server's start must not wait for it.
        found: list[str] = import_module(".server_program" if __package__ else "server_program", __package__).command()
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


def _is_replaced(pid: int) -> bool:
    """Whether the server of that process makes room for another: it does not even say how it is, so it is ended here.

    It does say so while it predicts.
    """
    try:
        health()
    except ServerLate:
        return _kill(pid)
    except ServerError:
        pass
    return _listener() not in (0, pid)  # somebody else was faster


def _kill(pid: int = 0) -> bool:
    """End the server that listens on the socket, for good; False if the system does not tell which process it is.

    pid: only this one.  Another that listens meanwhile is somebody's new one.
    """
    found = _listener()
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


def _listener() -> int:
    """The process behind the socket, a server of the user's own; -1 if there is none, 0 if the system does not say."""
    if not has_unix_sockets():
        return 0
    try:
        with _connected(None, 1.0) as client:
            return _process(client)
    except (ConnectionError, FileNotFoundError):
        return -1
    except OSError:
        return 0


def _process(connected: socket.socket) -> int:
    """The process that listens at the other end, if it is the user's and not this one; else 0."""
    if connected.family != getattr(socket, "AF_UNIX", None) or not hasattr(socket, "SO_PEERCRED"):
        return 0
    pid, uid, _gid = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid) if pid > 1 and pid != os.getpid() and uid == os.getuid() else 0


def _parse(answer: bytes) -> dict[str, Any]:
    """The JSON object in an answer."""
    try:
        result = json.loads(answer)
    except (ValueError, RecursionError):
        result = None
    if not isinstance(result, dict):
        raise _strange()
    return result


def _has_edits(answer: dict[str, Any], background: bool) -> bool:
    return isinstance(answer.get("edits"), list) and (not background or isinstance(answer.get("background"), list))


def _is_proposal(entry: Any, background: bool) -> bool:
    """Whether an entry of the server's `proposals` has the form that `ask_proposals` promises."""
    if not isinstance(entry, dict) or not isinstance(entry.get("order"), str):
        return False
    style = entry.get("style")
    if not isinstance(style, list) or len(style) != _STYLE or not all(_is_number(each, -4, 4) for each in style):
        return False
    figures = [entry.get(name) for name in ("saliency", "realism")]
    pairs = all(
        isinstance(pair, dict) and _is_share(pair.get("before")) and _is_share(pair.get("after")) for pair in figures
    )
    return pairs and _has_edits(entry, background)


def _is_share(value: Any) -> bool:
    return _is_number(value, 0, 1.01)  # sums are rounded


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _late(timeout: float, pid: int) -> ServerLate:
    message = _(
        "The model server did not answer within {seconds} s; try again, or restart it with «gimp-saliency stop»."
    )
    return ServerLate(message.format(seconds=round(timeout)), pid)


def _gone() -> NoServer:
    return NoServer(
        _("The model server does not answer; try again, or run «gimp-saliency check» in a terminal to see why.")
    )


def _strange() -> ServerError:
    return ServerError(
        _("The model server gave an answer that makes no sense; run «gimp-saliency stop» in a terminal and try again.")
    )
