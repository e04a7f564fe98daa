# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the picture at the size of the screen, before and after an edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..image.geometry import Box
from ..image.pixels import drop_mask
from ..image.shape import Shape, cut_mask, resample
from ..image.thumbnail import Thumbnail
from ..predict.edge import refining_radius
from ..predict.parts import within
from ..predict.plan import Planned
from ..shared.edits import Edit, join_edits
from ..shared.request import EditRequest
from .preview import Part, Preview


class MadeMasks(NamedTuple):
    """What an edit that is in the image is for, of a box: a byte for each of its pixels in the view.

    whole: all that is not background, None: the region; others: what other parts of the selection have, None: there are
    none.
    """

    region: bytes
    whole: bytes | None = None
    others: bytes | None = None


class View:
    """What a box of the canvas shows, and what edits of the selection make of it."""

    def __init__(
        self,
        thumbnail: Thumbnail,
        box: Box,
        canvas: tuple[int, int],
        is_gray: bool,
        made: MadeMasks | None = None,
    ) -> None:
        """thumbnail: the box's pixels and selection; box and canvas (width, height): px of the image.

        made: what an edit that is there is for; None: it is still to be made, for what is selected.
        """
        self.width, self.height, self.box, self.canvas = thumbnail.width, thumbnail.height, box, canvas
        self.thumbnail = thumbnail
        self.before = drop_mask(thumbnail.pixels)
        self._selected = thumbnail.mask
        self._made = made or MadeMasks(self._selected)
        self._is_gray = is_gray
        self._preview = Preview(self.before, self.width, self.height, max(canvas) * self._scale())
        self._refined: dict[tuple[bytes | None, float], bytes] = {}
        self.show_made()

    def close(self) -> None:
        """Free GIMP's images.  To be called once."""
        self._preview.close()

    def pass_on(self, other: View) -> None:
        """Let a view of another box begin with what this one has shown, if their pixels are the same."""
        if self.is_true and other.is_true:
            (x, y), (left, top) = other.box[:2], self.box[:2]
            self._preview.pass_on(other._preview, x - left, y - top)

    def show_made(self) -> None:
        """Let the mask be what the edit is for."""
        self._set_masks(self._made.region, self._made.whole)

    def cut_down(self, shapes: Sequence[Shape], feather: float = 0.0) -> None:
        """Let the mask be what these shapes leave of what is selected; none: all of it.

        feather: px of the image; width of the soft edge that it gets then.
        """
        mask = cut_mask(shapes, self._selected, (self.width, self.height), self.box)
        if feather > 0:
            mask = self._preview.feather_mask(mask, feather * self._scale())
        others = self._made.others
        self._set_masks(mask, None if others is None else bytes(map(max, mask, others)))

    def _set_masks(self, mask: bytes, whole: bytes | None) -> None:
        """whole: of all that is not background, where that is not the mask."""
        self.mask, self._whole = mask, whole
        self._masks: dict[bytes, bytes] = {}  # of parts, by their cells

    def render(self, plan: Sequence[Planned], request: EditRequest, grid: tuple[int, int]) -> bytes:
        """R'G'B' bytes with the plan applied; grid: width and height of the grid of the parts' cells.

        Where a refined mask is wanted that `keep_refined_mask` has not got yet, the mask is as selected.
        """
        return self._preview.show(self._make_parts(plan, request, grid))

    def render_step_by_step(
        self, plan: Sequence[Planned], request: EditRequest, grid: tuple[int, int]
    ) -> Iterator[bytes | None]:
        """The same, which is the last item, after a None for each of the steps that it takes: they can be left off."""
        return self._preview.show_step_by_step(self._make_parts(plan, request, grid))

    def _make_parts(self, plan: Sequence[Planned], request: EditRequest, grid: tuple[int, int]) -> list[Part]:
        """What gets edits, and which."""
        parts = [
            self._make_part(each.cells, request.scale_edits(each.edits, self._is_gray), request, grid) for each in plan
        ]
        around = request.scale_background(plan[0].background, self._is_gray) if plan else []
        if around:
            background = self._make_part(None, around, request, grid)._replace(inverted=True)
            parts.append(background if self._whole is None else background._replace(mask=self._whole))
        return parts

    def find_missing_masks(self, plan: Sequence[Planned], request: EditRequest) -> list[bytes | None]:
        """The cells of the parts whose refined mask is wanted and not there yet."""
        if not request.refine:
            return []
        wanted = [each.cells for each in plan]
        if None not in wanted and request.background and plan and plan[0].background:
            wanted.append(None)  # the background's, which begins where the whole selection ends
        return [cells for cells in wanted if (cells, self.measure_radius(request)) not in self._refined]

    def keep_refined_mask(self, cells: bytes | None, request: EditRequest, mask: bytes) -> None:
        """Keep a part's refined mask: 16-bit values."""
        self._refined[cells, self.measure_radius(request)] = mask

    def measure_radius(self, request: EditRequest) -> float:
        """How far edges are sought, in pixels of the view."""
        return max(1.0, refining_radius(*self.canvas, request.feather) * self._scale())

    def select_part(self, cells: bytes | None, grid: tuple[int, int]) -> bytes:
        """The mask of the part that the cells mark; None: of all parts."""
        if cells is None:
            return self.mask
        if cells not in self._masks:
            self._masks[cells] = within(self.mask, self.cut_values(cells, *grid))
        return self._masks[cells]

    def cut_values(self, values: bytes, width: int, height: int) -> bytes:
        """What the view shows of width x height values over the whole canvas: one byte for each of its pixels."""
        return resample(values, (width, height), (0, 0, *self.canvas), (self.width, self.height), self.box)

    def _make_part(
        self, cells: bytes | None, edits: Sequence[Edit], request: EditRequest, grid: tuple[int, int]
    ) -> Part:
        radius = self.measure_radius(request)
        applied = tuple(join_edits((edit for edit in edits if not edit.is_identity()), self._is_gray))
        if request.refine and (cells, radius) in self._refined:
            return Part(self._refined[cells, radius], applied, component="u16")
        feather = 0.0 if request.refine else request.own_feather * self._scale()
        return Part(self.select_part(cells, grid), applied, feather)

    @property
    def is_true(self) -> bool:
        """Whether each of its pixels is one of the image."""
        return self.width == self.box[2]

    def _scale(self) -> float:
        """Pixels of the view per pixel of the image."""
        return self.width / self.box[2]
