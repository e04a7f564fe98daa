# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a GIMP 3: the system's, the Flatpak, or the private one that install.sh built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from gimp_saliency.shared import places
from model_server.gimp import private_root
from model_server.gimp.running import FLATPAK, Gimp, GimpError, Version

OLDEST = (3, 0, 0)

# The name that all GIMP 3 programs share comes first, since `gimp-console` may be another version's.
_NAMES = ("gimp-console-3", "gimp-console", "gimp-console-3.2", "gimp-console-3.0", "gimp-3", "gimp")


def find_gimp() -> Gimp:
    """The GIMP to use: $GIMP_SALIENCY_GIMP (a root folder or an executable), else PATH, Flatpak, the private one.

    Raises GimpError when there is none.
    """
    chosen = os.environ.get("GIMP_SALIENCY_GIMP")
    if chosen:
        path = Path(chosen)
        found = find_private(path) if path.is_dir() else _open_executable(path)
        if found is None:
            raise GimpError(f"GIMP_SALIENCY_GIMP={chosen} is no GIMP 3: name its executable or a root folder with it.")
        return found
    found = find_on_path() or find_flatpak() or _find_built()
    if found is None:
        raise GimpError(
            "No GIMP 3.0 or newer was found: install GIMP 3, or run install.sh, which brings its own; "
            "where GIMP is not on PATH, name its gimp-console in GIMP_SALIENCY_GIMP."
        )
    return found


def find_on_path() -> Gimp | None:
    """The newest GIMP >= 3.0 on PATH, or None.  A Snap does not count: it cannot run Python plug-ins."""
    paths = {found for name in _NAMES if (found := shutil.which(name)) and not is_snap(Path(found))}
    console = sorted(path for path in paths if "console" in Path(path).name)
    gimps = [gimp for path in console or sorted(paths) if (gimp := _open_executable(Path(path)))]
    return max(gimps, key=lambda gimp: gimp.version, default=None)


def is_snap(path: Path) -> bool:
    """Whether an executable is a Snap's."""
    return path.is_relative_to("/snap") or path.resolve().name == "snap"


def find_flatpak() -> Gimp | None:
    """The Flatpak GIMP >= 3.0, or None."""
    if not shutil.which("flatpak"):
        return None
    version = _ask_version(["flatpak", "run", "--command=gimp-console", FLATPAK, "--version"], os.environ.copy())
    return Gimp(version, "flatpak", None) if version and version >= OLDEST else None


def find_private(root: Path) -> Gimp | None:
    """The GIMP in a root folder, or None when there is none in it.  Raises GimpError when it cannot be run here."""
    if not private_root.is_complete(root):
        return None
    try:
        command = private_root.wrap_command(root, ["/usr/bin/gimp-console", "--version"])
    except private_root.RootError as error:
        raise GimpError(str(error)) from None
    version = _ask_version(command, private_root.adapt_environment(os.environ.copy()))
    if version is None:
        raise GimpError(
            f"The private GIMP in {root} does not start: "
            "ask the administrator to allow bubblewrap (`bwrap --bind / / true` must work)."
        )
    return Gimp(version, "private", root.absolute()) if version >= OLDEST else None


def _find_built() -> Gimp | None:
    roots = sorted(
        (root for root in places.data_folder().glob("gimp-3.*") if private_root.is_complete(root)), reverse=True
    )
    return find_private(roots[0]) if roots else None


def _open_executable(path: Path) -> Gimp | None:
    version = _ask_version([str(path), "--version"], os.environ.copy())
    return Gimp(version, "path", path.absolute()) if version and version >= OLDEST else None


def _ask_version(command: list[str], env: dict[str, str]) -> Version | None:
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
