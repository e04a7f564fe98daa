# SPDX-License-Identifier: GPL-3.0-or-later
"""What the layers of an edit say of themselves: the one codec of their parasites, JSON that every version reads.

Each layer of an edit carries the record of the whole edit and what is its own: its role, its edits, its name.  A file
may be a stranger's, so anything unreadable counts as no note, and a record is checked as a whole before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from gi.repository import Gimp

from ..image.tree import siblings
from ..shared import version
from ..shared.choices import ATTENTION, MOST, TOOLS, WIDEST, Edge
from ..shared.edits import KINDS, NAMES, Edit, EditError, from_json, join_edits, to_json
from ..shared.errors import UserError
from ..shared.json_type import Json
from ..shared.words import _

PARASITE = "saliency-edit"
PERSISTENT_UNDOABLE = 3  # flags of a parasite: saved with the image, taken back by undo
HARMONIZE = "harmonize"  # the tool of layers with a record of their own: see harmony/record.py

_MOST_BYTES = 1 << 16  # an edit's has about 2 kB, a harmony's about 10
_LONGEST = 1 << 19  # px; no side in GIMP is longer
_EDGES = [edge.value for edge in Edge]
_BACKGROUND = "background"  # the "part" of an adjustment that changes what is not selected


class Role(str, Enum):
    """What a layer is in an edit."""

    ADJUSTMENT = "adjustment"  # a pass-through group above the photo with one filter (GIMP 3.2)
    HOLDER = "holder"  # a normal group in the place of a photo that is not opaque, with a copy of it
    BAKED = "baked"  # a masked, edited copy above the photo (GIMP 3.0)
    REPLACEMENT = "replacement"  # an edited copy in the place of a photo that is not opaque (GIMP 3.0)
    FILTERED = "filtered"  # the layer itself, with a live filter (GIMP 3.2)


class RecordError(ValueError):
    """Something that is no record of an edit."""


class UnknownWordError(RecordError):
    """A tool, direction, edge or kind of edit that this version does not know, and so never guesses.

    word: it, printable and not long.
    """

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = "".join(letter for letter in word if letter.isprintable())[:40]


class EditRecord(NamedTuple):
    """The whole of what was made.

    id: common to the layers of the edit.  direction, strength, background_strength (percent) as in EditRequest; kinds:
    names of those that were on.  base, background: the values at 100 %, in order of application; predicted: what the
    network said before anything was dialled.  model, order: where that comes from.  side: the longer side in px of the
    picture that sharpening goes by, 0 where an older version did not say.  selection: common to the edits of the
    separate parts of one selection, "" where it was edited as a whole.  frames: how many frames of a moving picture got
    the same edit, 0: it is none.  edge, feather, grow (px): what was asked for the selection's edge; of older versions:
    as selected.  keeps_selection: whether a layer keeps what was selected, as the masks are not that (see original.py).
    title: what the names of its layers begin with, "" in older versions.
    """

    id: str
    direction: str
    strength: float
    kinds: frozenset[str]
    base: tuple[Edit, ...]
    background: tuple[Edit, ...] = ()
    background_strength: float = 100.0
    predicted: tuple[Edit, ...] = ()
    model: str | None = None
    order: str = ""
    side: float = 0.0
    selection: str = ""
    frames: int = 0
    edge: Edge = Edge.AS_SELECTED
    feather: float = 0.0
    grow: float = 0.0
    keeps_selection: bool = False
    title: str = ""
    version: str = ""
    tool: str = ATTENTION

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EditRecord:
        """The inverse of `to_json`, for every version.  Raises RecordError for what is damaged or unknown.

        Version 1 had neither `base` nor `kinds`: nothing was dialled, so `predicted` is the base.
        """
        is_version_1 = "base" not in content and "kinds" not in content
        try:
            tool = _known(content.get("tool", ATTENTION), TOOLS)
            direction = _known(content.get("direction"), TOOLS[tool])
            base = _read_edits(content["predicted" if is_version_1 else "base"])
            background = _read_edits(content.get("background") or [])
            return cls(
                _text(content, "id"),
                direction,
                _number(content["strength"], MOST),
                frozenset(_known(name, NAMES) for name in _list(content.get("kinds", []))),
                base,
                background,
                _number(content["background-strength"], MOST) if background else 100.0,
                _read_leniently(content.get("predicted")),
                _text(content, "model") or None,
                _text(content, "order"),
                _side(content.get("side")),
                _text(content, "selection"),
                int(_text(content, "frames") or 0),
                Edge(_known(content.get("edge", Edge.AS_SELECTED.value), _EDGES)),
                _number(content.get("feather", 0), WIDEST),
                float(round(_number(content.get("grow", 0), WIDEST))),  # whole ones are all that there is to choose
                content.get("keeps-selection") is True,
                _text(content, "title"),
                _text(content, "version"),
                tool,
            )
        except RecordError:
            raise
        except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise RecordError(f"It is damaged ({type(error).__name__}).") from error

    def to_json(self) -> dict[str, Any]:
        """As the parasites have it."""
        content: dict[str, Any] = {
            "tool": self.tool,
            "id": self.id,
            "version": self.version or version.VERSION,
            "direction": self.direction,
            "strength": self.strength,
            "kinds": sorted(self.kinds),
            "base": to_json(self.base),
            "model": self.model,
            "order": self.order,
            "predicted": to_json(self.predicted),
            "side": self.side,
            "edge": self.edge.value,
            "feather": self.feather,
            "grow": self.grow,
        }
        if self.background:
            content["background"] = to_json(self.background)
            content["background-strength"] = self.background_strength
        if self.selection:
            content["selection"] = self.selection
        if self.frames:
            content["frames"] = str(self.frames)
        if self.title:
            content["title"] = self.title
        if self.keeps_selection:
            content["keeps-selection"] = True
        return content


class LayerNote(NamedTuple):
    """What is one layer's own.

    edits: those that it applies, at the edit's strength.  is_background: it changes what is not selected; around: what
    a baked layer applies there, None if it was not asked to.  name: that the plug-in gave it; the user may have given
    it another.
    """

    role: Role | None
    edits: tuple[Edit, ...] = ()
    is_background: bool = False
    around: tuple[Edit, ...] | None = None
    name: str = ""


def write_note(layer: Gimp.Layer, record: EditRecord, note: LayerNote) -> None:
    """Attach a layer's note with the record of its edit: saved with the image, taken back by undo."""
    content = {**record.to_json(), "role": note.role}
    if note.role != Role.HOLDER:
        content.update(edits=to_json(note.edits), name=note.name)
    if note.is_background:
        content["part"] = _BACKGROUND
    if note.around is not None:
        content["around"] = to_json(note.around)
    write_parasite(layer, content)


def read_record(layer: Gimp.Layer) -> EditRecord:
    """The record of the layer's edit.  Raises UserError where it cannot be used."""
    check_tool(layer)
    try:
        return EditRecord.from_json(read_parasite(layer) or {})
    except UnknownWordError as error:
        message = _(
            "This edit says «{word}», which is unknown here: update the plug-in, or delete its layers and redo it."
        )
        raise UserError(message.format(word=error.word)) from error
    except RecordError as error:
        message = _("The edit's values in this layer are damaged: delete its layers and make the edit again.")
        raise UserError(message) from error


def read_note(layer: Gimp.Layer) -> LayerNote:
    """What is the layer's own; of anything that is none of ours nothing.  An adjustment's edits are one filter's."""
    content = read_parasite(layer) or {}
    role, name, around = read_role(layer), content.get("name"), content.get("around")
    edits = _read_leniently(content.get("edits"))
    return LayerNote(
        role,
        edits if role != Role.ADJUSTMENT or len(join_edits(edits, gray=False)) == 1 else (),
        role == Role.ADJUSTMENT and content.get("part") == _BACKGROUND,
        None if around is None else _read_leniently(around),
        name if isinstance(name, str) else "",
    )


def read_role(layer: Gimp.Item) -> Role | None:
    """The layer's role in an edit, None where it has none."""
    try:
        return Role((read_parasite(layer) or {}).get("role"))
    except ValueError:
        return None


def read_id(layer: Gimp.Layer) -> str:
    """The id of the layer's edit, "" where it says none."""
    return _text(read_parasite(layer) or {}, "id")


def read_tool(layer: Gimp.Item) -> str:
    """The tool that made the layer, or changed it, "" where it says none."""
    return _text(read_parasite(layer) or {}, "tool")


def check_tool(layer: Gimp.Layer) -> None:
    """Raises UserError where the layer is of a tool whose values cannot be changed afterwards."""
    if read_tool(layer) == HARMONIZE:
        message = _(
            "A harmonized layer cannot be adjusted: undo that, or delete what Harmonize made and show the original, "
            "then harmonize again."
        )
        raise UserError(message)


def read_title(layer: Gimp.Layer) -> str:
    """What the names of the layers of the layer's edit begin with, "" where it says nothing."""
    return _text(read_parasite(layer) or {}, "title")


def read_selection_id(layer: Gimp.Layer) -> str:
    """What the edits of the separate parts of one selection have in common, "" for others."""
    return _text(read_parasite(layer) or {}, "selection")


def is_edit(layer: Gimp.Layer) -> bool:
    """Whether a layer changes what lies below it in the name of an edit."""
    return read_role(layer) in (Role.ADJUSTMENT, Role.BAKED)


def edits_above(image: Gimp.Image, layer: Gimp.Layer) -> list[Gimp.Layer]:
    """The layers of earlier edits directly above the photo layer, lowest first."""
    row = siblings(image, layer)
    edits: list[Gimp.Layer] = []
    for item in reversed(row[: row.index(layer)]):
        if not is_edit(item):
            break
        edits.append(item)
    return edits


def read_parasite(layer: Gimp.Item) -> dict[str, Any] | None:
    """The JSON in a layer's parasite, or None.  A file may hold anything, so anything unreadable counts as none."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    data = parasite.get_data()
    try:
        # GIMP's Python hands other bytes than ASCII, which ours are, out as negative numbers: a ValueError too.
        content = json.loads(bytes(data).rstrip(b"\0")) if len(data) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write_parasite(layer: Gimp.Item, content: Mapping[str, Any]) -> None:
    """Attach JSON to a layer: saved with the image, taken back by undo."""
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, PERSISTENT_UNDOABLE, json.dumps(content).encode()))


def _known(word: object, words: Sequence[str] | Mapping[str, Any]) -> str:
    """The word, if it is one of those that there are.  Raises UnknownWordError, or RecordError for no word at all."""
    if not isinstance(word, str):
        raise RecordError("A word is missing.")
    if word not in words:
        raise UnknownWordError(word)
    return word


def _list(value: Json) -> list[Any]:
    """A list.  Raises RecordError for anything else."""
    if not isinstance(value, list):
        raise RecordError("A list is missing.")
    return value


def _read_edits(objects: Json) -> tuple[Edit, ...]:
    """Edits of different kinds.  Raises UnknownWordError for an unknown kind, EditError or RecordError for the rest."""
    for entry in objects if isinstance(objects, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            _known(entry["name"], KINDS)
    edits = from_json(objects)
    if len({edit.name for edit in edits}) != len(edits):
        raise RecordError("There are several edits of one kind.")
    return tuple(edits)


def _read_leniently(objects: Json) -> tuple[Edit, ...]:
    """The edits; of damaged ones none."""
    try:
        return tuple(from_json(objects))
    except (EditError, RecursionError):
        return ()


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""


def _number(value: Json, most: float) -> float:
    """A number from 0 to `most`.  Raises OverflowError, TypeError or ValueError for what is none."""
    value = float(value)
    if not 0 <= value <= most:
        raise ValueError
    return float(value)


def _side(value: Json) -> float:
    return value if isinstance(value, (int, float)) and 1 <= value <= _LONGEST else 0.0
