# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Flatpak GIMP must be allowed for the plug-in: to start the server on the host and to reach its socket."""

from __future__ import annotations

import configparser
import os
import subprocess
from pathlib import Path

from gimp_saliency.shared import places
from model_server.gimp.running import FLATPAK
from model_server.installer.record import Record
from model_server.installer.system import SetupError

_SPAWN = ("Session Bus Policy", "org.freedesktop.Flatpak")


def allow(record: Record) -> None:
    """Give the two permissions to this user's GIMP and note those that it did not have.  Raises SetupError."""
    shared = _shared()
    record.will_make(_overrides().parent)
    before = _read(_overrides())
    had = before.get("Context", "filesystems", fallback="").split(";")
    command = ["flatpak", "override", "--user", f"--filesystem={shared}", f"--talk-name={_SPAWN[1]}", FLATPAK]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(
            f"Flatpak's permissions could not be set ({error}): run `{' '.join(command)}` by hand."
        ) from error
    if done.returncode:
        raise SetupError(
            f"Flatpak's permissions could not be set ({done.stderr.strip()}): run `{' '.join(command)}` by hand."
        )
    if shared not in had:
        record.flatpak.setdefault("filesystems", []).append(shared)
    if not before.has_option(*_SPAWN):
        record.flatpak.setdefault("talk", []).append(_SPAWN[1])


def withdraw(record: Record) -> None:
    """Take back the permissions that `allow` noted."""
    path = _overrides()
    if not record.flatpak or not path.is_file():
        return
    rules = _read(path)
    if rules.has_option("Context", "filesystems"):
        ours = record.flatpak.get("filesystems", [])
        kept = [value for value in rules.get("Context", "filesystems").split(";") if value and value not in ours]
        rules.set("Context", "filesystems", ";".join(kept) + ";")
        if not kept:
            rules.remove_option("Context", "filesystems")
    if record.flatpak.get("talk"):
        rules.remove_option(*_SPAWN) if rules.has_section(_SPAWN[0]) else None
    for section in rules.sections():
        if not rules.options(section):
            rules.remove_section(section)
    if rules.sections():
        with path.open("w", encoding="utf-8") as file:
            rules.write(file, space_around_delimiters=False)
    else:
        path.unlink()


def missing() -> list[str]:
    """Which of the two permissions this user's GIMP does not have, in words."""
    rules = _read(_overrides())
    lacks = []
    if _shared() not in rules.get("Context", "filesystems", fallback="").split(";"):
        lacks.append(f"access to {_shared()}")
    if rules.get(*_SPAWN, fallback="") != "talk":
        lacks.append("the right to start programs on the host")
    return lacks


def _shared() -> str:
    """The folder of the server's socket, as Flatpak names it.

    Flatpak shares only what is there when GIMP starts, and logging out removes the folder; hence `create`.
    """
    runtime = Path(places.runtime_folder())
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    place = f"xdg-run/{runtime.name}" if session and runtime.parent == Path(session) else str(runtime)
    return f"{place}:create"


def _overrides() -> Path:
    return places.data_folder().parent / "flatpak" / "overrides" / FLATPAK


def _read(path: Path) -> configparser.ConfigParser:
    rules = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    rules.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their capitals
    rules.read(path, encoding="utf-8")
    return rules
