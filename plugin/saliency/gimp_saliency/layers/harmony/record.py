# SPDX-License-Identifier: GPL-3.0-or-later
"""What the layers of a harmony say of themselves: JSON in the parasite that edits have, told apart by its tool.

Each layer carries the record of the whole and what is its own: its role, its step, its name.  A file may be a
stranger's, so a record is checked as a whole before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gi.repository import Gimp

from ...shared import version
from ...shared.choices import MOST
from ...shared.errors import UserError
from ...shared.harmony import STRENGTHS, Harmony, HarmonyError, HarmonyRequest
from ...shared.json_type import Json
from ...shared.words import _
from ..record import HARMONIZE, RecordError, Role, UnknownWordError, read_parasite, read_role, write_parasite
from .place import Place

if TYPE_CHECKING:
    from .made import MadeHarmony

_LONGEST = 200  # letters of an id, a model's name or a version


@dataclass(frozen=True)
class HarmonyRecord:
    """The whole of what was made.

    id: common to the layers of the harmony.  base: at 100 %.  request: the strengths at which it was applied, and the
    numbers of the style that it has, whose name may mean another one by now.  model: what predicted it, "" if that is
    not known.  is_part: it is for what was selected of the cut-out alone.  place:
    where the cut-out lay that the base is for, None where an older version did not say.
    """

    id: str
    base: Harmony
    request: HarmonyRequest
    model: str = ""
    is_part: bool = False
    version: str = ""
    place: Place | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> HarmonyRecord:
        """The inverse of `to_json`.  Raises UnknownWordError for another tool, RecordError for what is damaged."""
        tool = content.get("tool")
        if tool != HARMONIZE:
            raise UnknownWordError(tool) if isinstance(tool, str) else RecordError("It does not say what made it.")
        try:
            strength, colour, shading = (_read_strength(content.get(name)) for name in STRENGTHS)
            request = HarmonyRequest(strength, colour, shading, style_numbers=content.get("style", ()))
            base = Harmony.from_json(content.get("base"))
        except HarmonyError as error:
            raise RecordError(str(error)) from error
        return cls(
            _read_text(content.get("id")),
            base,
            request,
            _read_text(content.get("model")),
            content.get("is-part") is True,
            _read_text(content.get("version")),
            Place.from_json(content.get("place")),
        )

    def scale(self, gray: bool) -> Harmony:
        """What is applied.  gray: to a picture without colour."""
        return self.request.scale(self.base, gray)

    def to_json(self) -> dict[str, Any]:
        """As the parasites have it."""
        style = self.request.style_numbers
        return {
            "tool": HARMONIZE,
            "id": self.id,
            "version": self.version or version.VERSION,
            "base": self.base.to_json(),
            **{name: getattr(self.request, name) for name in STRENGTHS},
            **({"style": list(style)} if any(style) else {}),
            "model": self.model,
            "is-part": self.is_part,
            **({"place": self.place.to_json()} if self.place else {}),
        }


class HarmonyNote(NamedTuple):
    """What is one layer's own.

    step: of the harmony, "curves", "darken" or "lighten", "" where the layer has all or none.  name: that the layer,
    or its filter if the layer is the user's, got; the user may have given it another.  original: GIMP's tattoo of the
    hidden layer in whose place it is, 0: of none, or an older version did not say.
    """

    role: Role
    step: str = ""
    name: str = ""
    original: int = 0


class Harmonizer(Protocol):
    """A way to make a harmony."""

    def add(self, image: Gimp.Image, layer: Gimp.Layer, harmony: Harmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """Apply a harmony that is no identity to a layer, a record's part of it; return the layers, lowest first.

        The selection stays.  The layer, or the copy that takes its place, is the active one then.  To be called inside
        an undo group.  Raises UserError.
        """

    def check(self, image: Gimp.Image, made: MadeHarmony, record: HarmonyRecord) -> None:
        """Raises UserError if a harmony cannot be made what another record of it says, before anything has changed."""

    def change(self, image: Gimp.Image, made: MadeHarmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """Make a harmony what another record of it says; return its layers, lowest first.

        What stays the same is left alone, with all that was painted on it.  The selection stays.  To be called inside
        an undo group, after `check`.
        """


def write_note(layer: Gimp.Layer, record: HarmonyRecord, note: HarmonyNote) -> None:
    """Attach a layer's note with the record of its harmony: saved with the image, taken back by undo."""
    content = {**record.to_json(), "role": note.role, "step": note.step, "name": note.name}
    write_parasite(layer, {**content, "original": note.original} if note.original else content)


def read_note(layer: Gimp.Layer) -> HarmonyNote | None:
    """What is the layer's own, None where it is not of a harmony."""
    content, role = read_parasite(layer) or {}, read_role(layer)
    if content.get("tool") != HARMONIZE or role is None:
        return None
    original = content.get("original")
    return HarmonyNote(
        role,
        _read_text(content.get("step")),
        _read_text(content.get("name")),
        original if type(original) is int else 0,
    )


def read_harmony(layer: Gimp.Layer) -> HarmonyRecord:
    """The record of the layer's harmony.  Raises UserError where it cannot be used."""
    try:
        return HarmonyRecord.from_json(read_parasite(layer) or {})
    except UnknownWordError as error:
        message = _("This layer was made by «{word}», which is no harmony: select a layer that Harmonize made.")
        raise UserError(message.format(word=error.word)) from error
    except RecordError as error:
        message = _("The harmony's values in this layer are damaged: delete its layers and harmonize again.")
        raise UserError(message) from error


def _read_strength(value: Json) -> float:
    """Percent.  Raises RecordError for what is no strength."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
        raise RecordError("A strength is missing.")
    return float(value)


def _read_text(value: Json) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""
