# SPDX-License-Identifier: GPL-3.0-or-later
"""Where gimp-saliency keeps its files (XDG base directories)."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from .errors import ServerError
from .words import _

NAME = "gimp-saliency"


def _find_base(variable: str, default: str) -> Path:
    # The XDG specification: a relative path in the variable is invalid and to be ignored.
    value = os.environ.get(variable, "")
    return Path(value) if Path(value).is_absolute() else Path(os.path.expanduser("~"), default)  # noqa: PTH111  # an unknown home is no error


def data_folder() -> Path:
    """Virtual environment, private GIMP and the record of what was installed."""
    return _find_base("XDG_DATA_HOME", ".local/share") / NAME


def cache_folder() -> Path:
    """What can be made again: GIMPs built for the tests, downloaded samples."""
    return _find_base("XDG_CACHE_HOME", ".cache") / NAME


def state_folder() -> Path:
    """The server's log."""
    return _find_base("XDG_STATE_HOME", ".local/state") / NAME


def config_folder() -> Path:
    """The user's configuration."""
    return _find_base("XDG_CONFIG_HOME", ".config")


def settings_folder() -> Path:
    """The user's settings and styles.  A Flatpak's plug-in and server share the host's folder.

    In a Flatpak the usual variable names a folder of the Flatpak's own, which the server outside does not know.
    """
    return _find_base("HOST_XDG_CONFIG_HOME" if "FLATPAK_ID" in os.environ else "XDG_CONFIG_HOME", ".config") / NAME


def gimp_folder() -> Path:
    """Where GIMP keeps its profiles, `3.0` and `3.2`."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming") / "GIMP"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/GIMP"
    return config_folder() / "GIMP"


_SOCKET_PATH_BYTES = 104  # sun_path holds 108 bytes on Linux, 104 on macOS, the final zero included


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
