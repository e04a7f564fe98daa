# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit from question to layers: ask the server for each part of the selection, apply its answers in one step."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from typing import Any

from gi.repository import Gimp

from ..image.selection import intersect_cells, preserve_selection
from ..image.tree import GIMP_32, counterpart
from ..predict.edge import Tile, fetch_refined_mask, select_tiles
from ..predict.plan import Planned
from ..shared import version
from ..shared.edits import Edit, to_json
from ..shared.request import EditRequest
from . import frames
from .baked import add_baked_copy
from .live import add_stack, longer_side
from .record import BACKGROUND
from .undo import in_one_step


def apply_plan(
    image: Any,
    layer: Any,
    plan: list[Planned],
    request: EditRequest,
    grid: tuple[int, int],
    side: float | None = None,
) -> list[Any]:
    """Apply a plan to the selection above the layer as one undo step; return the created layers, lowest first.

    The first part's background edits go to all that is not selected, above all parts' edits.  grid: width and height of
    the grid of the parts' cells.  side: as for `adjustments.add_stack`.  With request.frames all frames get the plan,
    each with the layer's refined selection, and the created layers are theirs, too.  At strength 0 nothing is created.
    If anything fails, no layer stays behind.  Raises UserError or connection.ServerError.
    """
    gray = layer.is_gray()
    work = [(each, _effective(request.scale_edits(each.edits, gray))) for each in plan]
    around = _effective(request.scale_background(plan[0].background, gray)) if plan else []
    work = [(each, edits) for each, edits in work if edits] or ([(plan[0], [])] if around else [])
    if not work:
        return []

    photos = frames.photos(image, layer) if request.frames else [layer]
    alone = len(photos) > 1
    side = side or longer_side(image)
    known = plan[0].background  # maybe of strength 0
    in_parts = any(each.cells is not None for each, _ in work)
    # Before the undo step: a server that fails now leaves the image as it is.
    wanted = [each.cells for each, _ in work] + ([None] if known and in_parts else [])  # last the whole selection's
    tiles = [_fetch_part(image, layer, cells, grid, request.feather) if request.refine else None for cells in wanted]

    def select(selected: Any, number: int) -> None:
        if selected is not None:
            image.select_item(Gimp.ChannelOps.REPLACE, selected)
        cells, soft = wanted[number], tiles[number]
        if soft:
            select_tiles(image, soft)
        else:
            if cells is not None:
                intersect_cells(image, cells, *grid)
            if request.feather > 0:
                Gimp.Selection.feather(image, request.feather)

    def add() -> list[Any]:
        layers: list[Any] = []
        common = {"selection": uuid.uuid4().hex} if in_parts else {}
        as_selected = not request.refine and request.feather <= 0 and not in_parts
        with nullcontext() if as_selected else preserve_selection(image) as selected:
            for number, (each, edits) in enumerate(work):
                last = number == len(work) - 1
                facts = {**_facts(each, request, known if last else []), **common, "side": side}
                if alone:
                    facts["frames"] = str(len(photos))
                rest_of_all = last and known and in_parts
                if rest_of_all:
                    select(selected, -1)
                with preserve_selection(image) if rest_of_all else nullcontext() as whole:
                    select(selected, number)
                    for place, photo in enumerate(photos):
                        layers += _add(image, photo, edits, around if last else [], facts, alone, whole)
                        photos[place] = image.get_selected_layers()[0]  # a copy may have taken the layer's place
        image.set_selected_layers(photos[:1])
        return layers

    return in_one_step(image, tuple(photos), add)


def _facts(planned: Planned, request: EditRequest, background: list[Edit]) -> dict[str, Any]:
    """What the parasites of all layers of one part's edit have in common."""
    facts = {
        "id": uuid.uuid4().hex,
        "version": version.VERSION,
        "direction": request.direction,
        "strength": request.strength,
        "kinds": sorted(request.kinds),
        "base": to_json(planned.edits),
        **(planned.facts or {}),
    }
    if background:
        facts["background"] = to_json(background)
        facts["background-strength"] = request.background_strength
    return facts


def _effective(edits: list[Edit]) -> list[Edit]:
    return [edit for edit in edits if not edit.is_identity()]


def _add(
    image: Any, photo: Any, edits: list[Edit], around: list[Edit], facts: dict[str, Any], alone: bool, whole: Any
) -> list[Any]:
    """Put an edit of the selection above a photo and one of the background above that.

    whole: a channel with the inverse of the background; None: the selection.  Returns the new layers, lowest first.
    """
    side = facts["side"]
    if not GIMP_32:
        return add_baked_copy(image, photo, edits, facts, side, alone, around, whole)
    layers = add_stack(image, photo, edits, facts, alone, side=side) if edits else []
    if around:
        photo = image.get_selected_layers()[0] if edits else photo
        with preserve_selection(image):
            if whole is not None:
                image.select_item(Gimp.ChannelOps.REPLACE, whole)
            facts = {**facts, "part": BACKGROUND}
            layers += add_stack(image, photo, around, facts, alone, inverted=True, side=side)
    return layers


def _fetch_part(image: Any, layer: Any, cells: bytes | None, grid: tuple[int, int], feather: float) -> list[Tile]:
    """What `fetch_refined_mask` gives for one part of the selection."""
    if cells is None:
        return fetch_refined_mask(image, layer, feather)
    copy = image.duplicate()
    try:
        copy.undo_disable()
        intersect_cells(copy, cells, *grid)
        return fetch_refined_mask(copy, counterpart(image, copy, layer), feather)
    finally:
        copy.delete()
