# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency check`: what of an installation works, and what to do about the rest."""

from __future__ import annotations

import json
import os
import platform
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from gimp_saliency.shared import places, version
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.client import program as server_program
from gimp_saliency.shared.errors import ServerError
from gimp_saliency.shared.request import EditRequest
from model_server.gimp import plugin_copy, start_command
from model_server.gimp.find import find_gimp
from model_server.gimp.running import Gimp, GimpError
from model_server.installer import flatpak

PACKAGES = ("numpy", "onnxruntime", "pillow", "tqdm")
_SIDE = 64  # pixels of the picture that is tried
_LIMIT = 30.0  # seconds for a program that should answer at once

Line = tuple[str, bool, str]


class Problem(Exception):
    """Something does not work: one sentence that says what to do."""


def run_checks() -> Iterator[Line]:
    """Check one thing after the other: what it is, whether it works, and the details or what to do.

    What cannot be tried since something before it is missing is left out.
    """
    yield _try_check("Python packages", _list_packages)
    yield _try_check("networks", _try_networks)
    yield _try_check("size", _describe_size)
    answers = _try_check("model server", _try_server)
    yield answers
    if answers[1]:
        yield _try_check("socket", _check_socket)
    try:
        found = find_gimp()
    except GimpError as error:
        yield "GIMP", False, str(error)
        return
    yield "GIMP", True, found.describe()
    moved = os.environ.get("GIMP3_DIRECTORY")
    own = plugin_copy.plugin_folder(Path(moved) if moved else found.profile())
    if not (own / "saliency.py").is_file():
        yield "plug-in", False, f"It is not in {own}; run install.sh again."
        return
    others = (plugin_copy.plugin_folder(profile) for profile in plugin_copy.find_profiles())
    copies = [own, *(folder for folder in others if folder.is_dir() and folder != own)]
    yield _try_check("versions", lambda: _compare_versions(found, copies))
    yield _try_check("plug-in", lambda: _compare_files(copies))
    yield _try_check("executable bit", lambda: _check_executable_bit(copies))
    yield _try_check("start command", lambda: _try_start_commands(copies))
    if found.kind == "flatpak":
        yield _try_check("permissions", _check_permissions)
    yield _try_check("procedures", lambda: _check_procedures(found))


def measure_size() -> tuple[int, int]:
    """Bytes of the installed plug-in and server without Python's packages, and of the networks among them."""
    package = Path(__file__).resolve().parents[1]
    skipped = {"training"}  # which is there in a source tree alone
    total = sum(path.stat().st_size for path in plugin_copy.list_files().values())
    for folder, names, files in os.walk(package):
        names[:] = [name for name in names if name not in skipped and not name.startswith(".")]
        total += sum(Path(folder, name).stat().st_size for name in files)
    return total, sum(path.stat().st_size for path in (package / "networks").iterdir())


def _try_check(name: str, check: Callable[[], str]) -> Line:
    try:
        return name, True, check()
    except (Problem, ServerError, GimpError) as error:
        return name, False, str(error)


def _list_packages() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            raise Problem(f"{package} is missing from {sys.prefix}; run install.sh again.") from None
    return f"Python {platform.python_version()}, {', '.join(found)}"


def _try_networks() -> str:
    try:
        import numpy as np

        from model_server.predict.errors import NetworkError
        from model_server.predict.predictor import Predictor
    except ImportError as error:
        raise Problem(f"They cannot be tried ({error}); run install.sh again.") from None
    try:
        predictor = Predictor()
        predictor.load()
    except NetworkError as error:
        raise Problem(str(error)) from None
    picture = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 4), np.uint8)
    before = time.monotonic()
    predictor.attention.predict_edits(picture, EditRequest("attenuate"))
    return f"{predictor.model}, intact; a prediction takes {time.monotonic() - before:.2f} s"


def _describe_size() -> str:
    total, networks = measure_size()
    return f"plug-in and server {total / 1e6:.1f} MB, of which the networks {networks / 1e6:.1f} MB"


def _try_server() -> str:
    lifecycle.start_command = start_command.own_command()
    before = time.monotonic()
    try:
        running = lifecycle.ask_health()
        questions.ask_saliency(bytes(_SIDE * _SIDE * 3), _SIDE, _SIDE)
        seconds = time.monotonic() - before
        state = lifecycle.ask_health() or {}
    except ServerError as error:
        raise Problem(_find_cause(error)) from None
    how = "was started for this"
    if running:
        same = running.get("version") == state.get("version")
        how = "runs already" if same else f"took the place of version {running.get('version')}"
    return f"{how}, process {state.get('pid')}, answered within {seconds:.2f} s"


def _find_cause(error: ServerError) -> str:
    """The error's sentence; where that would lead here again, what the server itself says when it starts."""
    if "gimp-saliency check" not in str(error):
        return str(error)
    try:
        command = [*start_command.own_command(), "--idle", "0"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT)
        said = done.stderr.strip().splitlines()
    except (OSError, subprocess.TimeoutExpired):
        said = []
    if said:
        return f"It does not start: {said[-1].replace('gimp-saliency: ', '', 1)}"
    log = places.state_folder() / "server.log"
    return f"It does not answer; run `gimp-saliency stop` and try again, or read the end of {log}."


def _check_socket() -> str:
    folder = Path(places.runtime_folder())
    if not transport.has_unix_sockets():
        facts = folder / "server.json"
        _check_mode(facts)
        return f"127.0.0.1:{json.loads(facts.read_text(encoding='utf-8'))['port']}, with a secret in {facts}"
    path = Path(places.socket_path())
    _check_mode(path)
    return f"{path}, which only you can open"


def _check_mode(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise Problem(f"{path} is missing ({error.strerror}); run `gimp-saliency stop` and try again.") from None
    if os.name == "posix" and mode & 0o077:
        raise Problem(f"{path} is open to others (mode {mode:o}); run `gimp-saliency stop`: the next server closes it.")


def _compare_versions(found: Gimp, copies: list[Path]) -> str:
    for copy in copies:
        try:
            theirs = plugin_copy.read_version(copy)
        except (OSError, ValueError):
            raise Problem(f"The plug-in in {copy} is damaged; {_RENEW}.") from None
        if theirs != version.VERSION:
            raise Problem(f"The plug-in in {copy} is version {theirs}, not {version.VERSION}; {_RENEW}.")
    return f"plug-in and model server {version.VERSION}, GIMP {'.'.join(map(str, found.version))}"


_RENEW = "run install.sh again, or unpack this version's zip there"


def _compare_files(copies: list[Path]) -> str:
    for copy in copies:
        for name, source in plugin_copy.list_files().items():
            try:
                same = (copy / name).read_bytes() == source.read_bytes()
            except OSError as error:
                raise Problem(f"{copy / name} cannot be read ({error.strerror}); {_RENEW}.") from None
            if not same:
                raise Problem(f"{copy / name} is not what this version has; {_RENEW}.")
    return ", ".join(map(str, copies))


def _check_executable_bit(copies: list[Path]) -> str:
    for copy in copies:
        program = copy / "saliency.py"
        if not os.access(program, os.X_OK):
            raise Problem(f"{program} is not executable, so GIMP passes over it; run `chmod +x '{program}'`.")
    return "set"


def _try_start_commands(copies: list[Path]) -> str:
    """Run what the plug-in runs, but let it say its version."""
    for copy in copies:
        command = _read_start_command(copy)
        try:
            done = subprocess.run(
                [*command[:-1], "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_LIMIT,
                cwd=Path(__file__).anchor,
            )
            failure = f"code {done.returncode}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            failure = type(error).__name__
        if failure:
            raise Problem(f"What the plug-in in {copy} starts the server with does not run ({failure}); {_REINSTALL}.")
        if done.stdout.split()[-1:] != [version.VERSION]:
            said = done.stdout.strip() or "nothing"
            raise Problem(
                f"The plug-in in {copy} starts a server that says {said}, not {version.VERSION}; {_REINSTALL}."
            )
    return "runs this version"


_REINSTALL = "run install.sh again, or set the line `program` in the settings"


def _read_start_command(copy: Path) -> list[str]:
    path = copy / "server-command.json"
    try:
        command = json.loads(path.read_text(encoding="utf-8"))["command"]
        if isinstance(command, list) and command and all(isinstance(part, str) for part in command):
            return command
    except FileNotFoundError:
        command = server_program.find_command()
        if command:
            return command
        raise Problem(f"The plug-in in {copy} finds no server; {_REINSTALL}.") from None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise Problem(f"{path} is damaged; run install.sh again.")


def _check_permissions() -> str:
    missing = flatpak.missing()
    if missing:
        raise Problem(f"The Flatpak GIMP lacks {' and '.join(missing)}; run install.sh again.")
    return "the Flatpak GIMP may start the server and reach its socket"


def _check_procedures(found: Gimp) -> str:
    missing = plugin_copy.find_missing_procedures(found)
    if missing:
        raise Problem(
            f"{found.describe()} does not know {' and '.join(missing)}; check that its Python has the gi module "
            "(on Debian: python3-gi and gir1.2-gimp-3.0)."
        )
    return f"this GIMP knows all {len(plugin_copy.PROCEDURES)}"
