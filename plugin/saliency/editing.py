# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit from question to layers: ask the server for each part of the selection, apply its answers in one step."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import connection
import frames
import styles
from adjustments import add_stack, longer_side
from baking import add_baked_copy
from canvas import GIMP_32, Thumbnail
from choices import Choices
from edits import Edit, EditError, from_json, to_json
from errors import UserError
from gi.repository import Gimp
from parts import cells, within
from selection import Tile, activate, intersect_cells, kept, refined, select_tiles
from target import BACKGROUND, counterpart, siblings
from words import _


@dataclass(frozen=True)
class Planned:
    """The edits of one part of the selection at 100 %, in order of application, and where they come from."""

    edits: list[Edit]
    cells: bytes | None = None  # which cells of the thumbnail's grid are the part's (255); None: all
    facts: dict[str, Any] | None = None  # for the layers' parasites: model, order, predicted
    background: list[Edit] = field(default_factory=list)  # at 100 %, for all that is not selected; empty: none


def planned(answer: dict[str, Any], order: str, part: bytes | None = None) -> Planned:
    """The server's answer as a plan.  Raises UserError if it holds no usable edits."""
    try:
        edits, background = from_json(answer["edits"]), from_json(answer.get("background") or [])
    except (EditError, KeyError) as error:
        message = _("The model server sent no usable edits ({error}): install the plug-in again.")
        raise UserError(message.format(error=error)) from error
    facts = {"model": answer.get("model"), "order": order, "predicted": to_json(edits)}
    return Planned(edits, part, facts, background)


def regions(thumbnail: Thumbnail, separate: bool) -> list[tuple[bytes, bytes | None]]:
    """What to ask the server for: R'G'B'M bytes of each part, and its cells (None for the whole selection)."""
    mask = thumbnail.pixels[3::4]
    found = cells(mask, thumbnail.width, thumbnail.height) if separate else []
    if len(found) < 2:
        return [(thumbnail.pixels, None)]
    result: list[tuple[bytes, bytes | None]] = []
    for part in found:
        pixels = bytearray(thumbnail.pixels)
        pixels[3::4] = within(mask, part)
        result.append((bytes(pixels), part))
    return result


def predict(thumbnail: Thumbnail, choices: Choices) -> list[Planned]:
    """Ask the server for the edits of each part.  Raises UserError or connection.ServerError."""
    size = thumbnail.width, thumbnail.height
    style = styles.numbers(choices.style)
    plan: list[Planned] = []
    for pixels, part in regions(thumbnail, choices.separate):
        answer = connection.ask_edits(
            pixels,
            *size,
            choices.direction,
            choices.order,
            strength=choices.strength / 100,
            background=choices.background and not plan,  # the largest part's, which comes first, is for all
            background_strength=choices.background_strength / 100,
            style=style,
        )
        plan.append(planned(answer, choices.order, part))
    return plan


def apply(
    image: Any,
    layer: Any,
    plan: list[Planned],
    choices: Choices,
    grid: tuple[int, int],
    side: float | None = None,
) -> list[Any]:
    """Apply a plan to the selection above the layer as one undo step; return the created layers, lowest first.

    The first part's background edits go to all that is not selected, above all parts' edits.  grid: width and height of
    the grid of the parts' cells.  side: as for `adjustments.add_stack`.  With choices.frames all frames get the plan,
    each with the layer's refined selection, and the created layers are theirs, too.  At strength 0 nothing is created.
    If anything fails, no layer stays behind.  Raises UserError or connection.ServerError.
    """
    gray = layer.is_gray()
    work = [(each, _effective(choices.applied(each.edits, gray))) for each in plan]
    around = _effective(choices.applied_around(plan[0].background, gray)) if plan else []
    work = [(each, edits) for each, edits in work if edits] or ([(plan[0], [])] if around else [])
    if not work:
        return []

    photos = frames.photos(image, layer) if choices.frames else [layer]
    alone = len(photos) > 1
    side = side or longer_side(image)
    known = plan[0].background  # maybe of strength 0
    in_parts = any(each.cells is not None for each, _ in work)
    # Before the undo step: a server that fails now leaves the image as it is.
    wanted = [each.cells for each, _ in work] + ([None] if known and in_parts else [])  # last the whole selection's
    tiles = [_refined(image, layer, cells, grid, choices.feather) if choices.refine else None for cells in wanted]

    def select(selected: Any, number: int) -> None:
        if selected is not None:
            image.select_item(Gimp.ChannelOps.REPLACE, selected)
        cells, soft = wanted[number], tiles[number]
        if soft:
            select_tiles(image, soft)
        else:
            if cells is not None:
                intersect_cells(image, cells, *grid)
            if choices.feather > 0:
                Gimp.Selection.feather(image, choices.feather)

    def add() -> list[Any]:
        layers: list[Any] = []
        common = {"selection": uuid.uuid4().hex} if in_parts else {}
        as_selected = not choices.refine and choices.feather <= 0 and not in_parts
        with nullcontext() if as_selected else kept(image) as selected:
            for number, (each, edits) in enumerate(work):
                last = number == len(work) - 1
                facts = {**_facts(each, choices, known if last else []), **common, "side": side}
                if alone:
                    facts["frames"] = str(len(photos))
                rest_of_all = last and known and in_parts
                if rest_of_all:
                    select(selected, -1)
                with kept(image) if rest_of_all else nullcontext() as whole:
                    select(selected, number)
                    for place, photo in enumerate(photos):
                        layers += _add(image, photo, edits, around if last else [], facts, alone, whole)
                        photos[place] = image.get_selected_layers()[0]  # a copy may have taken the layer's place
        image.set_selected_layers(photos[:1])
        return layers

    return in_one_step(image, tuple(photos), add)


def _facts(planned: Planned, choices: Choices, background: list[Edit]) -> dict[str, Any]:
    """What the parasites of all layers of one part's edit have in common."""
    facts = {
        "id": uuid.uuid4().hex,
        "version": connection.VERSION,
        "direction": choices.direction,
        "strength": choices.strength,
        "kinds": sorted(choices.kinds),
        "base": to_json(planned.edits),
        **(planned.facts or {}),
    }
    if background:
        facts["background"] = to_json(background)
        facts["background-strength"] = choices.background_strength
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
        with kept(image):
            if whole is not None:
                image.select_item(Gimp.ChannelOps.REPLACE, whole)
            facts = {**facts, "part": BACKGROUND}
            layers += add_stack(image, photo, around, facts, alone, inverted=True, side=side)
    return layers


def _refined(image: Any, layer: Any, cells: bytes | None, grid: tuple[int, int], feather: float) -> list[Tile]:
    """What `selection.refined` gives for one part of the selection."""
    if cells is None:
        return refined(image, layer, feather)
    copy = image.duplicate()
    try:
        copy.undo_disable()
        intersect_cells(copy, cells, *grid)
        return refined(copy, counterpart(image, copy, layer), feather)
    finally:
        copy.delete()


def in_one_step(image: Any, photos: Sequence[Any], change: Callable[[], list[Any]]) -> list[Any]:
    """Run `change`, which adds layers beside each photo, as one undo step; if it fails, none stays behind."""
    before = [item for photo in photos for item in siblings(image, photo)]
    with undo_step(image, photos[0]):
        try:
            return change()
        except BaseException:
            for photo in photos:
                for item in siblings(image, photo):
                    if item not in before:
                        image.remove_layer(item)
                photo.set_visible(True)
            image.set_selected_layers(list(photos[:1]))
            raise


@contextmanager
def undo_step(image: Any, layer: Any) -> Iterator[None]:
    """All changes in this block are one undo step, after whose undo the same layers are active as before.

    layer: any layer of the image.
    """
    image.undo_group_start()
    try:
        # GIMP brings back what was active with the undo of a layer's addition alone, and only if it is the step's
        # first: each channel that comes back after that, even for a moment, makes layers inactive.
        active = image.get_selected_layers()
        marker = Gimp.Layer.new(image, "", 1, 1, layer.type(), 0, Gimp.LayerMode.NORMAL)
        image.insert_layer(marker, None, 0)
        image.remove_layer(marker)
        activate(image, active)
        yield
    finally:
        image.undo_group_end()
