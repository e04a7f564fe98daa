# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual environment of the model server, and the one for the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gimp_saliency.shared import places
from model_server.installer.system import run

PROJECT = Path(__file__).resolve().parents[2]
_SHIPPED = ("pyproject.toml", "README.md", "LICENSE", "docs/manual.md", "model_server", "plugin")


def make(folder: Path, log: Path, extra: str = "") -> Path:
    """Make or refresh a virtual environment with this project in it; return its Python.  Raises SetupError."""
    python = folder / "bin" / "python"
    if not _works(python):
        advice = "Check that this Python has the venv module (on Debian: apt-get install python3-venv)."
        run([sys.executable, "-m", "venv", "--clear", str(folder)], log, advice)
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as temporary:
        source = sources(Path(temporary))
        wanted = f"{source}[{extra}]" if extra else str(source)
        _pip(python, log, "install", "--upgrade", "--upgrade-strategy", "only-if-needed", wanted)
    return python


def sources(folder: Path) -> Path:
    """A copy of what is installed, in a new folder: building leaves folders in it, and the source must stay clean."""
    copy = folder / "gimp-saliency"
    copy.mkdir()
    for name in _SHIPPED:
        _copy(PROJECT / name, copy / name)
    return copy


def download(python: Path, requirement: str, folder: Path, log: Path) -> None:
    """Fetch one package's wheel without installing it or what it depends on.  Raises SetupError."""
    _pip(python, log, "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement)


def _pip(python: Path, log: Path, verb: str, *arguments: str) -> None:
    # A cache of our own, which --uninstall can remove, and a venv's pip must not look into the user's packages.
    env = {**os.environ, "PIP_CACHE_DIR": str(places.cache_folder() / "pip"), "PYTHONNOUSERSITE": "1"}
    env.pop("PYTHONPATH", None)
    command = [str(python), "-m", "pip", verb, "--disable-pip-version-check", "--no-input", "--quiet", *arguments]
    run(command, log, "Check the network and pip's settings, then run install.sh again.", env=env)


def _works(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info", "runs"))
    elif source.is_file():
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
