# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out over its photo at the size of the screen, before and after it is harmonized.

A view is a small image of GIMP's with two layers, the photo and the cut-out, which is harmonized as the user's image
will be: what is shown is what OK makes.
"""

from __future__ import annotations

from gi.repository import Gimp

from ..image.apart import Apart, read_apart, take_apart
from ..image.cutout import Cutout
from ..image.geometry import Box
from ..image.pixels import multiply_planes
from ..image.selection import select_values
from ..image.shape import resample
from ..image.thumbnail import read_selection
from ..image.tree import copy_layers
from ..layers.harmony.record import HarmonyRecord
from ..layers.methods import choose_harmonizer
from ..shared.harmony import Harmony, HarmonyRequest
from .kept_views import KeptViews


class HarmonyView:
    """What a box of the canvas shows, and what becomes of it."""

    def __init__(self, apart: Apart, box: Box, canvas: tuple[int, int], mask: bytes, selected: bytes) -> None:
        """apart: belongs to the view from now on.  box and canvas (width, height): px of the user's image.

        mask: a byte for each pixel of the view, what is to be changed; selected: which part of the cut-out that is for,
        empty: all of it.
        """
        self._apart, self._selected = apart, selected
        self.width, self.height = apart.box[2:]
        self.box, self.canvas, self.mask = box, canvas, mask
        try:
            self.before = self._render(None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Free GIMP's image.  To be called once."""
        self._apart.image.delete()

    @property
    def is_true(self) -> bool:
        """Whether each of its pixels is one of the image."""
        return self.width == self.box[2]

    def cut_values(self, values: bytes, width: int, height: int) -> bytes:
        """What the view shows of width x height values over the whole canvas: one byte for each of its pixels."""
        return resample(values, (width, height), (0, 0, *self.canvas), (self.width, self.height), self.box)

    def render(self, harmony: Harmony) -> bytes:
        """R'G'B' bytes with the cut-out harmonized."""
        return self._render(harmony) if harmony.has_curves() or harmony.has_shading() else self.before

    def _render(self, harmony: Harmony | None) -> bytes:
        """On a copy of the small image."""
        copy = copy_layers(self._apart.image)
        try:
            if harmony is not None:
                if self._selected:
                    select_values(copy, self._selected, "u8", self._apart.box)
                record = HarmonyRecord("", harmony, HarmonyRequest(), is_part=bool(self._selected))
                choose_harmonizer().add(copy, copy.get_layers()[0], harmony, record)
                Gimp.Selection.none(copy)
            return read_apart(copy, self._apart.box)
        finally:
            copy.delete()


class HarmonyViews(KeptViews[HarmonyView]):
    """The views of one cut-out, each made when it is wanted the first time."""

    def __init__(self, image: Gimp.Image, layer: Gimp.Layer, cutout: Cutout) -> None:
        """cutout: the layer's, which is what the server sees."""
        super().__init__((image.get_width(), image.get_height()), (cutout.width, cutout.height))
        self.is_gray, self.is_part = bool(layer.is_gray()), cutout.part
        self._image, self._layer, self._cutout = image, layer, cutout

    def frame_region(self) -> Box:
        """The cut-out's bounds with some surroundings, on the canvas."""
        left, top, right, bottom = self._cutout.find_bounds()
        across, down = (whole / side for whole, side in zip(self.canvas, self.grid))
        return self._frame((round(left * across), round(top * down), round(right * across), round(bottom * down)))

    def _make(self, box: Box, longest: int, before: HarmonyView | None) -> HarmonyView:
        apart = take_apart(self._image, self._layer, box, longest)
        size = apart.box[2], apart.box[3]
        mask = resample(self._cutout.coverage, self.grid, (0, 0, *self.canvas), size, box)
        if not self.is_part:
            return HarmonyView(apart, box, self.canvas, mask, b"")
        selected = read_selection(self._image, size, box)
        return HarmonyView(apart, box, self.canvas, multiply_planes(mask, selected), selected)
