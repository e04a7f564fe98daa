# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency check`: what of an installation works, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata

from model_server import gimp, plugin_copy, server
from plugin.saliency import connection

PACKAGES = ("numpy", "onnxruntime", "pillow", "tqdm")
_SIDE = 64  # pixels of the picture that is tried


class Problem(Exception):
    """Something does not work: one sentence that says what to do."""


def run() -> Iterator[tuple[str, bool, str]]:
    """Check one thing after the other: what it is, whether it works, and the details or what to do."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python packages", _packages),
        ("networks", _networks),
        ("model server", _server),
        ("GIMP", _gimp),
        ("plug-in", _plugin),
    ]
    for name, check in checks:
        try:
            yield name, True, check()
        except (Problem, connection.ServerError, gimp.GimpError) as error:
            yield name, False, str(error)


def _packages() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            raise Problem(f"{package} is missing from {sys.prefix}; run install.sh again.") from None
    return f"Python {platform.python_version()}, {', '.join(found)}"


def _networks() -> str:
    try:
        import numpy as np

        from model_server.predictor import NetworkError, Predictor
    except ImportError as error:
        raise Problem(f"They cannot be tried ({error}); run install.sh again.") from None
    try:
        predictor = Predictor()
    except NetworkError as error:
        raise Problem(str(error)) from None
    picture = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 4), np.uint8)
    before = time.monotonic()
    predictor.edits(picture, "attenuate", "best-realism")
    return f"{predictor.model}, intact; a prediction takes {time.monotonic() - before:.2f} s"


def _server() -> str:
    connection.start_command = server.command()
    before = time.monotonic()
    running = connection.health()
    connection.ask_saliency(bytes(_SIDE * _SIDE * 3), _SIDE, _SIDE)
    seconds = time.monotonic() - before
    state = connection.health() or {}
    how = "runs already" if running else "was started for this"
    return f"{how}, process {state.get('pid')}, answered within {seconds:.2f} s at {connection.runtime_folder()}"


def _gimp() -> str:
    return gimp.find().describe()


def _plugin() -> str:
    found = gimp.find()
    missing = plugin_copy.missing_procedures(found)
    if not missing:
        return f"this GIMP knows {' and '.join(plugin_copy.PROCEDURES)}"
    program = plugin_copy.plugin_folder(found.profile()) / "saliency.py"
    if not program.exists():
        raise Problem(f"It is not in {program.parent}; run install.sh again.")
    if not os.access(program, os.X_OK):
        raise Problem(f"{program} is not executable, so GIMP passes over it; run install.sh again.")
    raise Problem(
        f"{found.describe()} does not know {' and '.join(missing)}; check that its Python has the gi module "
        "(on Debian: python3-gi and gir1.2-gimp-3.0)."
    )
