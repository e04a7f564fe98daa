# SPDX-License-Identifier: GPL-3.0-or-later
"""The last edit or harmony that was made by hand, kept in GIMP, and made again on another layer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gi.repository import Gimp

from ..image.cutout import read_cutout
from ..image.thumbnail import read_thumbnail
from ..predict.outline_finder import OutlineFinder
from ..predict.plan import Planned
from ..shared.choices import Ranking
from ..shared.edits import Edit
from ..shared.errors import UserError
from ..shared.harmony import Harmony, HarmonyRequest
from ..shared.request import EditRequest
from ..shared.words import _
from .apply import apply_plan
from .harmony.again import repeat_harmony
from .harmony.record import HarmonyRecord
from .highlights import spare_highlights
from .record import HARMONIZE, EditRecord, RecordError, UnknownWordError, edits_above
from .target import editable_layer, find_cutout

_LAST = "saliency-last-edit"  # a parasite of GIMP itself, which keeps it from one start to the next
_PERSISTENT = 1


def remember_edit(edits: Sequence[Edit], request: EditRequest, background: Sequence[Edit]) -> None:
    """Keep an edit's and its background's values at 100 % and its settings for `repeat_edit`."""
    record = EditRecord(
        id="",
        direction=request.direction,
        strength=request.strength,
        kinds=request.kinds,
        base=tuple(edits),
        background=tuple(background),
        background_strength=request.background_strength,
        edge=request.edge,
        feather=request.feather,
        grow=request.grow,
        tool=request.tool,
    )
    _remember({**record.to_json(), "refine": request.refine, "background-on": request.background})


def remember_harmony(base: Harmony, request: HarmonyRequest, model: str) -> None:
    """Keep a harmony's values at 100 % and its strengths for `repeat_edit`.  model: what predicted it."""
    _remember(HarmonyRecord("", base, request, model).to_json())


def repeat_edit(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> list[Gimp.Layer]:
    """Apply the remembered values, of an edit to the selection on the one drawable, of a harmony to the drawable.

    Returns the created layers.  Raises UserError, where none is remembered or the layer or selection is of no use.
    """
    content = _recall()
    if content.get("tool") == HARMONIZE:
        return _repeat_harmony(image, drawables, content)
    record, request = _read_edit(content)
    layer = editable_layer(image, drawables, request.tool)
    edits = edits_above(image, layer)
    request = spare_highlights(layer, request)
    finder = OutlineFinder(image, layer, edits, read_thumbnail(image, layer, edits))
    finder.look(request)
    order = request.ranking.value
    planned = Planned(record.base, background=record.background, predicted=record.base, order=order)
    return apply_plan(image, layer, [planned], request, (1, 1), outline=finder.enlarge(request))


def _repeat_harmony(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable], content: Mapping[str, Any]
) -> list[Gimp.Layer]:
    """Apply a remembered harmony.  Raises UserError."""
    try:
        record = HarmonyRecord.from_json(content)
    except (OverflowError, RecursionError, TypeError, ValueError) as error:
        raise UserError(_say_nothing_yet()) from error
    layer = find_cutout(image, drawables)
    cutout = read_cutout(image, layer)
    return repeat_harmony(image, layer, cutout, record.base, record.request, record.model)


def _remember(content: Mapping[str, Any]) -> None:
    Gimp.attach_parasite(Gimp.Parasite.new(_LAST, _PERSISTENT, json.dumps(content).encode()))


def _recall() -> dict[str, Any]:
    """What is remembered.  Raises UserError where that is nothing."""
    parasite = Gimp.get_parasite(_LAST)
    try:
        content = json.loads(bytes(parasite.get_data()).rstrip(b"\0")) if parasite else None
    except (RecursionError, TypeError, ValueError) as error:
        raise UserError(_say_nothing_yet()) from error
    if not isinstance(content, dict):
        raise UserError(_say_nothing_yet())
    return content


def _say_nothing_yet() -> str:
    """What is said where nothing can be repeated."""
    return _("There is no edit to repeat yet: make one with Attenuate or Emphasize Selection first.")


def _read_edit(content: Mapping[str, Any]) -> tuple[EditRecord, EditRequest]:
    """The remembered edit, and what was asked of it.  Raises UserError."""
    try:
        record = EditRecord.from_json(content)
        return record, _read_request(record, content)
    except UnknownWordError as error:
        message = _(
            "The last edit says «{word}», which is unknown here: make one with Attenuate or Emphasize Selection first."
        )
        raise UserError(message.format(word=error.word)) from error
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise UserError(_say_nothing_yet()) from error


def _read_request(record: EditRecord, content: Mapping[str, Any]) -> EditRequest:
    """What was asked of the remembered edit.  Raises KeyError, OverflowError, TypeError or ValueError."""
    if "kinds" not in content:
        raise RecordError("It does not say which edits are on.")
    return EditRequest(
        record.direction,
        record.strength,
        Ranking.RANDOM,
        record.kinds,
        record.feather,
        bool(content["refine"]),
        background=bool(content.get("background-on")),
        background_strength=record.background_strength,
        tool=record.tool,
        edge=record.edge,
        grow=record.grow,
    )
