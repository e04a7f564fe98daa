# SPDX-License-Identifier: GPL-3.0-or-later
"""A GIMP that can be run: its command line, its environment, its end, and Python code run inside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gimp_saliency.shared import places
from gimp_saliency.shared.json_type import Json
from model_server.gimp import private_root
from model_server.gimp.start_command import REQUEST_VARIABLE, StartRequests

FLATPAK = "org.gimp.GIMP"

Version = tuple[int, int, int]


class GimpError(Exception):
    """No GIMP, or GIMP failed: one sentence that says what to do."""


@dataclass(frozen=True)
class Gimp:
    """A GIMP that can be run."""

    version: Version
    kind: str  # "path" (an executable), "flatpak" or "private" (a root folder)
    location: Path | None  # the console executable, None for Flatpak, the root folder

    def make_command(self, *arguments: str, console: bool = True) -> list[str]:
        """The full command line for gimp-console, or for GIMP with its window."""
        if self.location is None:
            program = "gimp-console" if console else "gimp"
            runtime = f"--filesystem={places.runtime_folder()}"
            return ["flatpak", "run", runtime, f"--command={program}", FLATPAK, *arguments]
        if self.kind == "private":
            program = "/usr/bin/gimp-console" if console else "/usr/bin/gimp"
            try:
                return private_root.wrap_command(self.location, [program, *arguments])
            except private_root.RootError as error:
                raise GimpError(str(error)) from None
        if console:
            return [str(self.location), *arguments]
        window = self.location.with_name(self.location.name.replace("gimp-console", "gimp"))
        return [str(window), *arguments]

    def make_environment(self, env: dict[str, str] | None = None) -> dict[str, str]:
        """The environment for `make_command`: `env` (default: this process's), fitted to this kind of GIMP."""
        result = dict(os.environ if env is None else env)
        result.setdefault("GIMP_SALIENCY_RUNTIME", places.runtime_folder())
        if self.kind == "private":
            result = private_root.adapt_environment(result)
            result[REQUEST_VARIABLE] = "1"
            # Its libraries' caches and plug-ins must not mix with those of the host's versions.
            result["XDG_CACHE_HOME"] = str(places.cache_folder() / "gimp")
            result["XDG_DATA_HOME"] = str(places.data_folder() / "gimp-data")
            result.setdefault("GIMP3_DIRECTORY", str(self.profile()))
        return result

    def profile(self) -> Path:
        """The profile folder that this GIMP uses when $GIMP3_DIRECTORY names none."""
        name = f"{self.version[0]}.{self.version[1]}"
        if self.kind == "private":
            return places.data_folder() / f"profile-{name}"
        if self.kind == "flatpak" and not places.gimp_folder().is_dir():
            return Path.home() / ".var/app" / FLATPAK / "config/GIMP" / name
        return places.gimp_folder() / name

    @contextmanager
    def start(
        self,
        *arguments: str,
        console: bool = True,
        env: dict[str, str] | None = None,
        **popen: Any,  # noqa: ANN401 - whatever Popen takes
    ) -> Iterator[subprocess.Popen[Any]]:
        """Run GIMP; on leaving the block it and all that it started is ended.  `popen`: more for subprocess.Popen.

        GIMP gets a process group of its own, so a terminal's Ctrl+C reaches only the caller.
        """
        environment = self.make_environment(env)
        host = {**(os.environ if env is None else env), "GIMP_SALIENCY_RUNTIME": environment["GIMP_SALIENCY_RUNTIME"]}
        with StartRequests(host) if self.kind == "private" else nullcontext():
            command = self.make_command(*arguments, console=console)
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
        if not _is_running(process.pid):
            return True
        pause.wait(0.05)
    return False


def _is_running(group: int) -> bool:
    """Whether anything of a process group runs.

    What has ended counts no more, even while nobody has asked for its exit code: in a container the first process of
    the system may be slow at that, or never do it.
    """
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    found = list(_read_states())
    return not found or any(state != "Z" for state, of_group in found if of_group == group)


def _read_states() -> Iterator[tuple[str, int]]:
    """State and group of each process, as far as the system tells them in files."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # just gone
            state, _parent, group = path.read_text(errors="replace").rpartition(") ")[2].split()[:3]
            yield state, int(group)


def run_script(gimp: Gimp, code: str, timeout: float = 120.0, env: dict[str, str] | None = None) -> Json:
    """Run Python code inside gimp-console and return what it leaves in the variable `result` (as JSON can carry it).

    timeout: seconds.  Raises GimpError with the last line of the traceback, or when GIMP crashes or takes longer.
    """
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as folder:
        answer = Path(folder) / "answer.json"
        wrapped = _WRAPPER.format(code=code, answer=str(answer))
        # GIMP's own temporary files go with the folder, even when it is ended by force.
        environment = {**(os.environ if env is None else env), "TMPDIR": folder}
        exit_code, said = _run_console(gimp, wrapped, Path(folder) / "log", timeout, environment)
        try:
            reply = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = said.splitlines()[-1] if said else "it said nothing"
            raise GimpError(f"{gimp.describe()} ended with code {exit_code} before its answer: {last}") from None
    if "error" in reply:
        raise GimpError(f"A script failed in {gimp.describe()}: {reply['error']}")
    return reply["result"]


def _run_console(gimp: Gimp, code: str, log: Path, timeout: float, env: dict[str, str]) -> tuple[int | None, str]:
    """Run Python code in gimp-console; its exit code and what it said.  Raises GimpError after timeout seconds."""
    batch = ("--batch-interpreter", "python-fu-eval", "-b", f"exec({code!r}, {{}})", "--quit")
    with log.open("w+b") as file:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
        with gimp.start("-i", "-d", "-f", *batch, env=env, **streams) as process:
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                raise GimpError(f"{gimp.describe()} did not finish a script in {timeout:g} s: try again.") from None
        file.seek(0)
        return process.returncode, file.read().decode(errors="replace").strip()


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
