# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's settings, in one file that people can edit: `gimp-saliency/settings.ini` in the configuration folder.

    [server]
    idle-minutes = 10
    program = /home/me/venv/bin/gimp-saliency

    [window]
    width = 1400
    height = 900

The plug-in writes it, the server reads its part when it starts.  Standard library only.
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
_SIDES = range(1, 1 << 15)  # px; of a window


@dataclass(frozen=True)
class Settings:
    """idle_minutes: how long the model server waits for work before it ends, 1 to 1440.

    program: the server's program for a plug-in that was unpacked by hand; empty: it is looked for.

    window: width and height in px that the user gave an edit's window; 0: as large as it needs.
    """

    idle_minutes: int = 10
    program: str = ""
    window: tuple[int, int] = (0, 0)


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
    minutes = _read_number(parser, "server", "idle-minutes")
    size = _read_number(parser, "window", "width"), _read_number(parser, "window", "height")
    return Settings(
        minutes if minutes in IDLE_MINUTES else Settings.idle_minutes,
        parser.get("server", "program", fallback=Settings.program),
        size if all(side in _SIDES for side in size) else Settings.window,
    )


def save(settings: Settings) -> None:
    """Write the settings that are others than before, all or nothing; what else is in the file stays, but for comments.

    Raises UserError if the folder cannot be written.
    """
    parser = _make_parser()
    file = path()
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, OSError, ValueError):
        parser = _make_parser()
    before, values = load(), {}
    if settings.idle_minutes != before.idle_minutes:
        values["server"] = {"idle-minutes": settings.idle_minutes}
    if settings.window != before.window and all(settings.window):
        values["window"] = dict(zip(("width", "height"), settings.window))
    parser.read_dict(values)
    text = io.StringIO()
    parser.write(text)
    try:
        write_whole(file, text.getvalue())
    except OSError as error:
        message = _("The settings cannot be saved in {folder} ({reason}): allow writing there, then try again.")
        raise UserError(message.format(folder=file.parent, reason=error.strerror)) from error


def _read_number(parser: configparser.ConfigParser, section: str, name: str) -> int:
    """A whole number of the file, 0 where there is none."""
    try:
        return parser.getint(section, name, fallback=0)
    except ValueError:
        return 0


def _make_parser() -> configparser.ConfigParser:
    return configparser.ConfigParser(interpolation=None)
