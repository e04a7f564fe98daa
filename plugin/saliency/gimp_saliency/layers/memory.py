# SPDX-License-Identifier: GPL-3.0-or-later
"""The last edit that was made by hand, kept in GIMP, and made again on another layer."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gi.repository import Gimp

from ..image.thumbnail import read_mask
from ..predict.plan import Planned
from ..shared.edits import NAMES, Edit, from_json, to_json
from ..shared.errors import UserError
from ..shared.request import EditRequest, Ranking
from ..shared.words import _
from .apply import apply_plan
from .record import check_direction
from .target import editable_layer

_LAST = "saliency-last-edit"  # a parasite of GIMP itself, which keeps it from one start to the next
_PERSISTENT = 1


def remember_edit(edits: Sequence[Edit], request: EditRequest, background: Sequence[Edit]) -> None:
    """Keep an edit's and its background's values at 100 % and its settings for `repeat_edit`."""
    content = {
        "base": to_json(edits),
        "direction": request.direction,
        "strength": request.strength,
        "kinds": sorted(request.kinds),
        "feather": request.feather,
        "refine": request.refine,
        "background": to_json(background),
        "background-on": request.background,
        "background-strength": request.background_strength,
    }
    Gimp.attach_parasite(Gimp.Parasite.new(_LAST, _PERSISTENT, json.dumps(content).encode()))


def repeat_edit(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> list[Gimp.Layer]:
    """Apply the remembered values to the selection on the one drawable; return the created layers.

    Raises UserError, where none is remembered or the layer or selection is of no use.
    """
    edits, request, background = _recall()
    layer = editable_layer(image, drawables)
    read_mask(image, layer)  # the same sentences as for any other edit
    planned = Planned(edits, background=background, predicted=edits, order=request.ranking.value)
    return apply_plan(image, layer, [planned], request, (1, 1))


def _recall() -> tuple[list[Edit], EditRequest, list[Edit]]:
    nothing = _("There is no edit to repeat yet: make one with Attenuate or Emphasize Selection first.")
    parasite = Gimp.get_parasite(_LAST)
    if parasite is None:
        raise UserError(nothing)
    try:
        content = json.loads(bytes(parasite.get_data()).rstrip(b"\0"))
        request = EditRequest(
            check_direction(content["direction"]),
            float(content["strength"]),
            Ranking.RANDOM,
            frozenset(content["kinds"]) & frozenset(NAMES),
            float(content["feather"]),
            bool(content["refine"]),
            background=bool(content.get("background-on")),
            background_strength=float(content.get("background-strength", 100)),  # an older version has none
        )
        return from_json(content["base"]), request, from_json(content.get("background", []))
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise UserError(nothing) from error
