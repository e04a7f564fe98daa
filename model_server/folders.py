# SPDX-License-Identifier: GPL-3.0-or-later
"""Where gimp-saliency keeps its files (XDG base directories)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "gimp-saliency"


def _base(variable: str, default: str) -> Path:
    # The XDG specification: a relative path in the variable is invalid and to be ignored.
    value = os.environ.get(variable, "")
    return Path(value) if Path(value).is_absolute() else Path.home() / default


def data() -> Path:
    """Virtual environment, private GIMP and the record of what was installed."""
    return _base("XDG_DATA_HOME", ".local/share") / NAME


def cache() -> Path:
    """What can be made again: GIMPs built for the tests, downloaded samples."""
    return _base("XDG_CACHE_HOME", ".cache") / NAME


def state() -> Path:
    """The server's log."""
    return _base("XDG_STATE_HOME", ".local/state") / NAME


def config() -> Path:
    """The user's configuration."""
    return _base("XDG_CONFIG_HOME", ".config")


def gimp() -> Path:
    """Where GIMP keeps its profiles, `3.0` and `3.2`."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming") / "GIMP"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/GIMP"
    return config() / "GIMP"
