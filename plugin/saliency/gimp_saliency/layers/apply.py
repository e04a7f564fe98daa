# SPDX-License-Identifier: GPL-3.0-or-later
"""From a plan to layers: each part of the selection gets its edits, all in one undo step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

from gi.repository import Gimp

from ..image.selection import Tile, intersect_cells, preserve_selection
from ..image.tree import counterpart, longer_side
from ..predict.edge import fetch_refined_mask
from ..predict.outline import AS_SELECTED, Outline
from ..predict.plan import Planned
from ..shared.edits import Edit
from ..shared.request import EditRequest
from . import frames
from .method import Adder, PartEdit, PartSelection
from .methods import choose_method
from .original import keep_original, pack_original
from .record import EditRecord
from .titles import choose_titles
from .undo import in_one_step


def apply_plan(
    image: Gimp.Image,
    layer: Gimp.Layer,
    plan: Sequence[Planned],
    request: EditRequest,
    grid: tuple[int, int],
    side: float | None = None,
    outline: Outline = AS_SELECTED,
    adder: Adder | None = None,
) -> list[Gimp.Layer]:
    """Apply a plan to the selection above the layer as one undo step; return the created layers, lowest first.

    The first part's background edits go to all that is not selected, above all parts' edits.  grid: width and height of
    the grid of the parts' cells.  side: the longer side in px of the picture that sharpening goes by, by default the
    image's.  outline: the edge that the selection gets.  adder: by default this GIMP's method.  With request.frames all
    frames get the plan, each with the layer's refined selection, and the created layers are theirs, too.  At strength 0
    nothing is created.  If anything fails, no layer stays behind.  Raises UserError or ServerError.
    """
    work = _choose_work(plan, request, layer.is_gray())
    if not work:
        return []
    photos = frames.list_photos(image, layer) if request.frames else [layer]
    preparation = _Preparation(image, layer, request, grid, side or longer_side(image), len(photos), outline)
    # Before the undo step: a server that fails now leaves the image as it is.
    parts = preparation.prepare_parts(work, plan[0].background)
    return in_one_step(image, tuple(photos), partial(_add_parts, image, photos, parts, adder or choose_method()))


def _add_parts(
    image: Gimp.Image, photos: list[Gimp.Layer], parts: Sequence[PartEdit], adder: Adder
) -> list[Gimp.Layer]:
    """Give each photo the edits of each part; where nothing is selected, all of it."""
    if Gimp.Selection.is_empty(image):
        Gimp.Selection.all(image)
        try:
            return _add_parts(image, photos, parts, adder)
        finally:
            Gimp.Selection.none(image)  # with a channel in between no layer would be active after redo
    layers: list[Gimp.Layer] = []
    as_selected = all(part.selection.is_all() and part.whole is None for part in parts)
    with nullcontext() if as_selected else preserve_selection(image) as selected:
        for part in parts:
            original = _pack_original(image, part.selection, selected)
            with _select_part(image, part, selected) as whole:
                for place, photo in enumerate(photos):
                    made = adder.add(image, photo, part, whole)
                    if original:
                        keep_original(image, made[0], photo, original)
                    layers += made
                    photos[place] = image.get_selected_layers()[0]  # a copy may have taken the layer's place
    image.set_selected_layers(photos[:1])
    return layers


def _pack_original(image: Gimp.Image, selection: PartSelection, selected: Gimp.Channel | None) -> bytes:
    """What was selected of a part that gets another edge, packed; of any other part nothing."""
    if not selection.changes_edge():
        return b""
    selection.select_original(image, selected)
    return pack_original(image)


@contextmanager
def _select_part(image: Gimp.Image, part: PartEdit, selected: Gimp.Channel | None) -> Iterator[Gimp.Channel | None]:
    """Select a part; gives a channel with all that is not background, None where that is the part."""
    if part.whole is None:
        part.selection.select(image, selected)
        yield None
        return
    part.whole.select(image, selected)
    with preserve_selection(image) as whole:
        part.selection.select(image, selected)
        yield whole


_Work = tuple[Planned, tuple[Edit, ...], tuple[Edit, ...]]  # a part, its edits and the background's as they are applied


def _choose_work(plan: Sequence[Planned], request: EditRequest, gray: bool) -> list[_Work]:
    """The parts with edits that change something; the background's edits are with the last one."""
    around = _effective(request.scale_background(plan[0].background, gray)) if plan else ()
    work: list[_Work] = [(each, _effective(request.scale_edits(each.edits, gray)), ()) for each in plan]
    work = [each for each in work if each[1]] or ([(plan[0], (), ())] if around else [])
    if work:
        work[-1] = (*work[-1][:2], around)
    return work


def _effective(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    return tuple(edit for edit in edits if not edit.is_identity())


class _Preparation(NamedTuple):
    """What all parts of an edit have in common, before anything in the image is changed.

    number: of photos that get the same edit.
    """

    image: Gimp.Image
    layer: Gimp.Layer
    request: EditRequest
    grid: tuple[int, int]
    side: float
    number: int
    outline: Outline

    def prepare_parts(self, work: Sequence[_Work], background: Sequence[Edit]) -> list[PartEdit]:
        """The parts to edit.  background: what is known of it at 100 %, even if it is off.  Raises ServerError."""
        in_parts = any(each.cells is not None for each, _edits, _around in work)
        common = os.urandom(16).hex() if in_parts else ""
        selections = [self._prepare_selection(each.cells) for each, _edits, _around in work]
        titles = choose_titles(self.image, self.request.direction, len(work))
        parts = [
            PartEdit(edits, selection, self._make_record(each, common, selection, title), around, alone=self.number > 1)
            for (each, edits, around), selection, title in zip(work, selections, titles)
        ]
        if background:
            record = parts[-1].record._replace(
                background=tuple(background),
                background_strength=self.request.background_strength,
            )
            whole = self._prepare_selection(None) if in_parts else None
            parts[-1] = parts[-1]._replace(record=record, whole=whole)
        return parts

    def _prepare_selection(self, cells: bytes | None) -> PartSelection:
        tiles = self._fetch_tiles(cells) if self.request.refine else []
        return PartSelection(cells, self.grid, tuple(tiles), self.request.own_feather, self.outline.shapes)

    def _fetch_tiles(self, cells: bytes | None) -> list[Tile]:
        """The refined mask of one part of the selection."""
        if cells is None:
            return fetch_refined_mask(self.image, self.layer, self.request.feather)
        copy = self.image.duplicate()
        try:
            copy.undo_disable()
            intersect_cells(copy, cells, *self.grid)
            return fetch_refined_mask(copy, counterpart(self.image, copy, self.layer), self.request.feather)
        finally:
            copy.delete()

    def _make_record(self, planned: Planned, common: str, selection: PartSelection, title: str) -> EditRecord:
        return EditRecord(
            id=os.urandom(16).hex(),
            direction=self.request.direction,
            strength=self.request.strength,
            kinds=self.request.kinds,
            base=tuple(planned.edits),
            predicted=tuple(planned.predicted),
            model=planned.model,
            order=planned.order,
            side=self.side,
            selection=common,
            frames=self.number if self.number > 1 else 0,
            edge=self.request.wanted_edge,
            feather=0.0 if self.request.refine else self.request.feather,
            grow=self.request.grow,
            keeps_selection=selection.changes_edge(),
            title=title,
            tool=self.request.tool,
        )
