# SPDX-License-Identifier: GPL-3.0-or-later
"""Find GIMP 3 and run it: the system's, the Flatpak, or the private one that install.sh built.

In a private GIMP the server's virtual environment does not run, and in a Flatpak the host's files are elsewhere.  The
plug-in's start command (`server_command`) handles the three cases; for the private GIMP it leaves a request in the
runtime folder, and `Gimp.start` here, on the host, starts the server when it sees the request.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gimp_saliency.shared import places
from model_server.gimp import private_root

OLDEST = (3, 0, 0)
FLATPAK = "org.gimp.GIMP"

# The name that all GIMP 3 programs share comes first, since `gimp-console` may be another version's.
_NAMES = ("gimp-console-3", "gimp-console", "gimp-console-3.2", "gimp-console-3.0", "gimp-3", "gimp")
_POLL = 0.1  # seconds between two looks for a start request
_SERVE = [sys.executable, "-m", "model_server", "serve"]

Version = tuple[int, int, int]


class GimpError(Exception):
    """No GIMP, or GIMP failed: one sentence that says what to do."""


@dataclass(frozen=True)
class Gimp:
    """A GIMP that can be run."""

    version: Version
    kind: str  # "path" (an executable), "flatpak" or "private" (a root folder)
    location: Path | None  # the console executable, None for Flatpak, the root folder

    def command(self, *arguments: str, console: bool = True) -> list[str]:
        """The full command line for gimp-console, or for GIMP with its window."""
        if self.location is None:
            program = "gimp-console" if console else "gimp"
            runtime = f"--filesystem={places.runtime_folder()}"
            return ["flatpak", "run", runtime, f"--command={program}", FLATPAK, *arguments]
        if self.kind == "private":
            program = "/usr/bin/gimp-console" if console else "/usr/bin/gimp"
            try:
                return private_root.command(self.location, [program, *arguments])
            except private_root.RootError as error:
                raise GimpError(str(error)) from None
        if console:
            return [str(self.location), *arguments]
        window = self.location.with_name(self.location.name.replace("gimp-console", "gimp"))
        return [str(window), *arguments]

    def environment(self, env: dict[str, str] | None = None) -> dict[str, str]:
        """The environment for `command`: `env` (default: this process's), fitted to this kind of GIMP."""
        result = dict(os.environ if env is None else env)
        result.setdefault("GIMP_SALIENCY_RUNTIME", places.runtime_folder())
        if self.kind == "private":
            result = private_root.environment(result)
            result["GIMP_SALIENCY_REQUEST"] = "1"
            # Its libraries' caches and plug-ins must not mix with those of the host's versions.
            result["XDG_CACHE_HOME"] = str(places.cache() / "gimp")
            result["XDG_DATA_HOME"] = str(places.data() / "gimp-data")
            result.setdefault("GIMP3_DIRECTORY", str(self.profile()))
        return result

    def profile(self) -> Path:
        """The profile folder that this GIMP uses when $GIMP3_DIRECTORY names none."""
        name = f"{self.version[0]}.{self.version[1]}"
        if self.kind == "private":
            return places.data() / f"profile-{name}"
        if self.kind == "flatpak" and not places.gimp().is_dir():
            return Path.home() / ".var/app" / FLATPAK / "config/GIMP" / name
        return places.gimp() / name

    @contextmanager
    def start(
        self, *arguments: str, console: bool = True, env: dict[str, str] | None = None, **popen: Any
    ) -> Iterator[subprocess.Popen[Any]]:
        """Run GIMP; on leaving the block it and all that it started is ended.  `popen`: more for subprocess.Popen.

        GIMP gets a process group of its own, so a terminal's Ctrl+C reaches only the caller.
        """
        environment = self.environment(env)
        host = {**(os.environ if env is None else env), "GIMP_SALIENCY_RUNTIME": environment["GIMP_SALIENCY_RUNTIME"]}
        with _start_requests(host) if self.kind == "private" else nullcontext():
            command = self.command(*arguments, console=console)
            try:
                process = subprocess.Popen(command, env=environment, start_new_session=True, **popen)
            except OSError as error:
                raise GimpError(f"{command[0]} cannot be started ({error.strerror}): run install.sh again.") from error
            try:
                yield process
            finally:
                end(process)

    def describe(self) -> str:
        """Version and place, for people."""
        place = "Flatpak" if self.location is None else str(self.location)
        return f"GIMP {'.'.join(map(str, self.version))} ({place})"


def end(process: subprocess.Popen[Any]) -> None:
    """End a process of `Gimp.start` with its whole group: politely, and after five seconds by force."""
    if not hasattr(os, "killpg"):  # Windows, which has no groups
        process.kill()
        process.wait(5)
        return
    for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        except PermissionError:
            break  # only zombies are left, on some systems
        if _group_ends(process, patience):
            break
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        raise GimpError(f"GIMP (process {process.pid}) does not end: end it by hand.") from None


def _group_ends(process: subprocess.Popen[Any], patience: float) -> bool:
    """Wait until no process of the group is left; False after `patience` seconds."""
    pause = threading.Event()
    for _ in range(int(patience / 0.05)):
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return True
        pause.wait(0.05)
    return False


def server_command(executable: list[str] | None = None) -> list[str]:
    """The command for server-command.json.  `executable`: `gimp-saliency` with its arguments up to the verb.

    It works wherever GIMP runs, since a native and a Flatpak GIMP may share a profile folder.  What a Flatpak starts on
    the host gets none of its variables but those that are named.
    """
    script = (
        'if [ -n "${GIMP_SALIENCY_REQUEST:-}" ]; then : > "$GIMP_SALIENCY_RUNTIME/start"; '
        "elif [ -e /.flatpak-info ]; then "
        'exec flatpak-spawn --host "--env=GIMP_SALIENCY_RUNTIME=$GIMP_SALIENCY_RUNTIME" "$@"; else exec "$@"; fi'
    )
    return ["/bin/sh", "-c", script, "gimp-saliency", *(executable or [sys.executable, "-m", "model_server"]), "serve"]


@contextmanager
def _start_requests(env: dict[str, str]) -> Iterator[None]:
    """While GIMP runs, start the server with `env` on the host when the plug-in asks for it."""
    request = Path(env["GIMP_SALIENCY_RUNTIME"]) / "start"
    request.unlink(missing_ok=True)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL):
            try:
                request.unlink()
            except OSError:
                continue  # no request, or another watcher took it
            subprocess.Popen(
                _SERVE,
                cwd=Path(__file__).resolve().parents[2],  # where `-m` finds the package
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    watcher = threading.Thread(target=watch, name="server start requests", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(2)


def find() -> Gimp:
    """The GIMP to use: $GIMP_SALIENCY_GIMP (a root folder or an executable), else PATH, Flatpak, the private one.

    Raises GimpError when there is none.
    """
    chosen = os.environ.get("GIMP_SALIENCY_GIMP")
    if chosen:
        path = Path(chosen)
        found = private(path) if path.is_dir() else _executable(path)
        if found is None:
            raise GimpError(f"GIMP_SALIENCY_GIMP={chosen} is no GIMP 3: name its executable or a root folder with it.")
        return found
    found = on_path() or flatpak() or _built()
    if found is None:
        raise GimpError(
            "No GIMP 3.0 or newer was found: install GIMP 3, or run install.sh, which brings its own; "
            "where GIMP is not on PATH, name its gimp-console in GIMP_SALIENCY_GIMP."
        )
    return found


def on_path() -> Gimp | None:
    """The newest GIMP >= 3.0 on PATH, or None.  A Snap does not count: it cannot run Python plug-ins."""
    paths = {found for name in _NAMES if (found := shutil.which(name)) and not is_snap(Path(found))}
    console = sorted(path for path in paths if "console" in Path(path).name)
    gimps = [gimp for path in console or sorted(paths) if (gimp := _executable(Path(path)))]
    return max(gimps, key=lambda gimp: gimp.version, default=None)


def is_snap(path: Path) -> bool:
    """Whether an executable is a Snap's."""
    return path.is_relative_to("/snap") or path.resolve().name == "snap"


def flatpak() -> Gimp | None:
    """The Flatpak GIMP >= 3.0, or None."""
    if not shutil.which("flatpak"):
        return None
    version = _version(["flatpak", "run", "--command=gimp-console", FLATPAK, "--version"], os.environ.copy())
    return Gimp(version, "flatpak", None) if version and version >= OLDEST else None


def private(root: Path) -> Gimp | None:
    """The GIMP in a root folder, or None when there is none in it.  Raises GimpError when it cannot be run here."""
    if not private_root.is_complete(root):
        return None
    try:
        command = private_root.command(root, ["/usr/bin/gimp-console", "--version"])
    except private_root.RootError as error:
        raise GimpError(str(error)) from None
    version = _version(command, private_root.environment(os.environ.copy()))
    if version is None:
        raise GimpError(
            f"The private GIMP in {root} does not start: "
            "ask the administrator to allow bubblewrap (`bwrap --bind / / true` must work)."
        )
    return Gimp(version, "private", root.absolute()) if version >= OLDEST else None


def _built() -> Gimp | None:
    roots = sorted((root for root in places.data().glob("gimp-3.*") if private_root.is_complete(root)), reverse=True)
    return private(roots[0]) if roots else None


def _executable(path: Path) -> Gimp | None:
    version = _version([str(path), "--version"], os.environ.copy())
    return Gimp(version, "path", path.absolute()) if version and version >= OLDEST else None


def _version(command: list[str], env: dict[str, str]) -> Version | None:
    try:
        answer = subprocess.run(
            command,
            env={**env, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\b(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return (int(number[1]), int(number[2]), int(number[3])) if number and answer.returncode == 0 else None


def script(gimp: Gimp, code: str, timeout: float = 120.0, env: dict[str, str] | None = None) -> Any:
    """Run Python code inside gimp-console and return what it leaves in the variable `result` (as JSON can carry it).

    Raises GimpError with the last line of the code's traceback, or when GIMP crashes or takes more than `timeout` s.
    """
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as folder:
        answer = Path(folder) / "answer.json"
        # GIMP's own temporary files go with the folder, even when it is ended by force.
        environment = {**(os.environ if env is None else env), "TMPDIR": folder}
        wrapped = _WRAPPER.format(code=code, answer=str(answer))
        arguments = (
            "-i",
            "-d",
            "-f",
            "--batch-interpreter",
            "python-fu-eval",
            "-b",
            f"exec({wrapped!r}, {{}})",
            "--quit",
        )
        with (
            (Path(folder) / "log").open("w+b") as log,
            gimp.start(
                *arguments, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            ) as process,
        ):
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                raise GimpError(f"{gimp.describe()} did not finish a script in {timeout:g} s: try again.") from None
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
        try:
            reply = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = said.splitlines()[-1] if said else "it said nothing"
            raise GimpError(
                f"{gimp.describe()} ended with code {process.returncode} before its answer: {last}"
            ) from None
    if "error" in reply:
        raise GimpError(f"A script failed in {gimp.describe()}: {reply['error']}")
    return reply["result"]


_WRAPPER = """
import json, traceback
names = {{"__name__": "__main__"}}
try:
    exec({code!r}, names)
    reply = {{"result": names.get("result")}}
    text = json.dumps(reply)
except BaseException:
    text = json.dumps({{"error": traceback.format_exc().strip().splitlines()[-1]}})
with open({answer!r}, "w", encoding="utf-8") as file:
    file.write(text)
"""
