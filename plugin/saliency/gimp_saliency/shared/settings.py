# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's settings, in one file that people can edit: `gimp-saliency/settings.ini` in the configuration folder.

    [server]
    idle-minutes = 10
    program = /home/me/venv/bin/gimp-saliency

The plug-in writes it, the server reads it when it starts.  Standard library only.
"""

from __future__ import annotations

import configparser
import io
from dataclasses import dataclass
from pathlib import Path

from . import places
from .errors import UserError
from .files import write_whole
from .words import _

IDLE_MINUTES = range(1, 1441)


@dataclass(frozen=True)
class Settings:
    """idle_minutes: how long the model server waits for work before it ends, 1 to 1440.

    program: the server's program for a plug-in that was unpacked by hand; empty: it is looked for.
    """

    idle_minutes: int = 10
    program: str = ""


def path() -> Path:
    """The file."""
    return places.settings_folder() / "settings.ini"


def load() -> Settings:
    """The settings; the default where the file or a value is missing or makes no sense.  Never raises."""
    parser = _make_parser()
    try:
        parser.read(path(), encoding="utf-8")
    except (configparser.Error, OSError, ValueError):
        return Settings()
    program = parser.get("server", "program", fallback="")
    try:
        minutes = parser.getint("server", "idle-minutes")
    except (configparser.Error, ValueError):
        return Settings(program=program)
    return Settings(minutes, program) if minutes in IDLE_MINUTES else Settings(program=program)


def save(settings: Settings) -> None:
    """Write the settings, all or nothing; what else is in the file stays, but for comments.

    Raises UserError if the folder cannot be written.
    """
    parser = _make_parser()
    file = path()
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, OSError, ValueError):
        parser = _make_parser()
    if not parser.has_section("server"):
        parser.add_section("server")
    parser.set("server", "idle-minutes", str(settings.idle_minutes))
    text = io.StringIO()
    parser.write(text)
    try:
        write_whole(file, text.getvalue())
    except OSError as error:
        message = _("The settings cannot be saved in {folder} ({reason}): allow writing there, then try again.")
        raise UserError(message.format(folder=file.parent, reason=error.strerror)) from error


def _make_parser() -> configparser.ConfigParser:
    return configparser.ConfigParser(interpolation=None)
