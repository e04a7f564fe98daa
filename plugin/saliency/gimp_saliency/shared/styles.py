# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's styles by name, in files beside the settings that people can edit: `styles.json`, `harmony-styles.json`,
`retouch-styles.json`.

    {"Faded": [0.1, -1.2, …ten numbers…]}

A style tells a network which of many good answers is wanted.  What its numbers mean is the network's own, so those of
edits and those of harmonies are kept apart.  Standard library only: the plug-in and the server share this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import places
from .errors import UserError
from .files import write_whole
from .json_type import Json
from .words import N_, _

NUMBERS = 10  # of a style; the networks say the same
FARTHEST = 4.0  # that a number may be from 0
_LONGEST = 60  # characters of a name

Style = tuple[float, ...]


class StyleFile:
    """The saved styles of one network by name; what they are called in one file means nothing in another."""

    def __init__(self, file_name: str, say_none: str) -> None:
        """say_none: the sentence, not yet translated, where one is asked for by {name} and none was saved yet."""
        self._file_name = file_name
        self._say_none = say_none

    @property
    def path(self) -> Path:
        """The file, in the folder of the settings."""
        return places.settings_folder() / self._file_name

    def load_saved(self) -> dict[str, Style]:
        """All saved styles, by name; empty where nothing was saved yet.

        Raises UserError where the file cannot be read or holds anything else.
        """
        import json  # here, as below: GIMP's start needs no styles, only to know what one is

        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            message = _("The saved styles in {file} cannot be read ({reason}): allow reading it, then try again.")
            raise UserError(message.format(file=self.path, reason=error.strerror)) from error
        except (RecursionError, ValueError) as error:
            raise self._make_damaged(str(error)) from error
        if not isinstance(content, dict):
            raise self._make_damaged(_("it is no list of names"))
        found = {}
        for name, values in content.items():
            if not _is_name(name) or not is_style(values):
                shown = "".join(letter for letter in name if letter.isprintable())[:_LONGEST]
                raise self._make_damaged(_("«{name}» is no style").format(name=shown))
            found[name] = tuple(float(value) for value in values)
        return found

    def find_numbers(self, name: str) -> Style:
        """The numbers of a saved style; of "", the plain one, none.  Raises UserError if there is no such style."""
        if not name:
            return ()
        styles = self.load_saved()
        if name not in styles:
            message = _("There is no style «{name}»: choose one of {names}.") if styles else _(self._say_none)
            raise UserError(message.format(name=name, names=", ".join(f"«{each}»" for each in sorted(styles))))
        return styles[name]

    def save(self, name: str, values: Sequence[float]) -> None:
        """Keep a style of ten numbers, -4 to 4, under a name; one of that name is replaced.

        Raises UserError if the name is none, if the file is damaged or if it cannot be written.
        """
        if not _is_name(name):
            message = _("A style's name has 1 to {most} characters of one line: choose another name.")
            raise UserError(message.format(most=_LONGEST))
        if not is_style(list(values)):
            raise ValueError(f"A style is {NUMBERS} numbers from {-FARTHEST:g} to {FARTHEST:g}, not {values!r:.80}.")
        self._write({**self.load_saved(), name: tuple(float(value) for value in values)})

    def delete(self, name: str) -> None:
        """Forget a style; nothing where there is none of that name.  Raises UserError as `save` does."""
        styles = self.load_saved()
        if styles.pop(name, None) is not None:
            self._write(styles)

    def _make_damaged(self, reason: str) -> Exception:
        message = _("The file of saved styles is damaged ({reason}): correct {file}, or move it away to begin anew.")
        return UserError(message.format(reason=reason, file=self.path))

    def _write(self, styles: dict[str, Style]) -> None:
        """All or nothing."""
        import json

        file = self.path
        lines = [
            f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(list(styles[name]))}" for name in sorted(styles)
        ]
        try:
            write_whole(file, "{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n")
        except OSError as error:
            message = _("The style cannot be saved in {folder} ({reason}): allow writing there, then try again.")
            raise UserError(message.format(folder=file.parent, reason=error.strerror)) from error


def _is_name(name: str) -> bool:
    return 1 <= len(name) <= _LONGEST and name == name.strip() and name.isprintable()


def is_style(values: Json) -> bool:
    """Whether a value of JSON is a style's ten numbers."""
    return (
        isinstance(values, list)
        and len(values) == NUMBERS
        and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        and all(-FARTHEST <= value <= FARTHEST for value in values)
    )


EDITS = StyleFile("styles.json", N_("There is no style «{name}»: save one in the dialog of an edit first."))
RETOUCHES = StyleFile("retouch-styles.json", N_("There is no style «{name}»: save one in the dialog of Retouch first."))
HARMONIES = StyleFile(
    "harmony-styles.json", N_("There is no style «{name}»: save one in the dialog of Harmonize Layer first.")
)
