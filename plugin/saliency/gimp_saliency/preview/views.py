# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of a picture: all of it as the networks see it, and what of it is on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gi.repository import Gimp

from ..image.geometry import Box
from ..image.part import read_channel, read_part, shrink_part
from ..image.shape import Shape
from ..image.thumbnail import Thumbnail
from ..layers.before import MadeChannels
from ..layers.record import edits_above
from .view import MadeMasks, View

_DRAFT = 320  # px; of a view while something is moved
_ENOUGH = 1.1  # how much larger a view can be shown than it is
_ICON = 132  # px; of the region's small view, twice what is shown of it
_AROUND = 0.3  # how much of the region's size is shown around it, on each side
_NARROWEST = 48  # px; of what is shown of a tiny region


class _Kept(NamedTuple):
    """A view, and what it was wanted for."""

    box: Box
    longest: int
    thumbnail: Thumbnail
    view: View


class Views:
    """The views of one layer, each made when it is wanted the first time."""

    def __init__(
        self, image: Gimp.Image, layer: Gimp.Layer, thumbnail: Thumbnail, made: MadeChannels | None = None
    ) -> None:
        """thumbnail: of the whole canvas; made: what an edit that is there is for, None: it is still to be made."""
        self.is_gray = bool(layer.is_gray())
        self.canvas = image.get_width(), image.get_height()
        self.grid = thumbnail.width, thumbnail.height  # of the parts' cells
        self._image, self._layer, self._thumbnail = image, layer, thumbnail
        self._channels = made
        self._kept: dict[str, _Kept] = {}  # by what they are for
        # What the region is cut down to, and its soft edge; None: it is what the edit is for.
        self._cut: tuple[tuple[Shape, ...], float] | None = None if made else ((), 0.0)

    def show_made(self) -> None:
        """Let the region be what the edit is for."""
        self._cut = None
        for view in self.made.values():
            view.show_made()

    def cut_down(self, shapes: tuple[Shape, ...], feather: float = 0.0) -> bool:
        """Let the region be what these shapes leave of what is selected; none: all of it.  Says if it is another one.

        feather: px of the image; width of the soft edge that it gets then.
        """
        if (shapes, feather) == self._cut:
            return False
        self._cut = shapes, feather
        for view in self.made.values():
            view.cut_down(shapes, feather)
        return True

    @property
    def whole(self) -> View:
        """The view of all of it that the networks see."""
        return self._find("whole", (0, 0, *self.canvas), max(self.grid))

    @property
    def icon(self) -> View:
        """A small view of the region."""
        return self._find("icon", self.frame_region(), _ICON)

    def find_sharp(self, box: Box, longest: int) -> View:
        """A view of a box as it is shown, its long side that long if the picture has so many pixels there."""
        return self.whole if self.is_sharp(self.whole, box, longest) else self._find("sharp", box, longest)

    def find_draft(self, box: Box, longest: int) -> View:
        """The same, drawn quickly enough to follow a hand."""
        if box == (0, 0, *self.canvas):
            return self.whole
        if min(longest, max(box[2:])) <= _ENOUGH * _DRAFT:
            return self.find_sharp(box, longest)
        return self._find("draft", box, _DRAFT)

    @property
    def made(self) -> Mapping[str, View]:
        """The views that there are, by what they are for."""
        return {name: kept.view for name, kept in self._kept.items()}

    def close(self) -> None:
        """Free GIMP's images.  To be called once."""
        for view in self.made.values():
            view.close()

    def frame_region(self) -> Box:
        """The selection's bounds with some surroundings, on the canvas."""
        _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(self._image)
        sides = max(right - left, _NARROWEST), max(bottom - top, _NARROWEST)
        width, height = (min(whole, round(side * (1 + 2 * _AROUND))) for whole, side in zip(self.canvas, sides))
        x = min(max(0, round((left + right - width) / 2)), self.canvas[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), self.canvas[1] - height)
        return x, y, width, height

    def is_sharp(self, view: View, box: Box, longest: int) -> bool:
        """Whether a view is what `find_sharp` gives, or as good."""
        return view.box == box and min(longest, max(box[2:])) <= _ENOUGH * max(view.width, view.height)

    def _find(self, name: str, box: Box, longest: int) -> View:
        """The view that is kept for something, made anew if it is of another box or size."""
        kept = self._kept.get(name)
        if kept is None or (kept.box, kept.longest) != (box, longest):
            if kept is not None:
                self._kept.pop(name).view.close()
            thumbnail = self._read(box, longest)
            view = self._make_view(thumbnail, box)
            if kept is not None:
                kept.view.pass_on(view)  # closed, it still knows what it has shown
            self._kept[name] = kept = _Kept(box, longest, thumbnail, view)
        return kept.view

    def _read(self, box: Box, longest: int) -> Thumbnail:
        """What is to be seen in a box of the canvas, from a larger view of it if there is one."""
        if box == (0, 0, *self.canvas) and longest == max(self.grid):
            return self._thumbnail
        for kept in self._kept.values():
            if kept.box == box and kept.longest >= longest:
                return shrink_part(kept.thumbnail, longest)
        return read_part(self._image, self._layer, edits_above(self._image, self._layer), box, longest)

    def _make_view(self, thumbnail: Thumbnail, box: Box) -> View:
        """The view of a box of the canvas."""
        view = View(thumbnail, box, self.canvas, self.is_gray, self._read_made(thumbnail, box))
        if self._cut is not None:
            view.cut_down(*self._cut)
        return view

    def _read_made(self, thumbnail: Thumbnail, box: Box) -> MadeMasks | None:
        """What an edit that is there is for, as the thumbnail of a box shows it."""
        if self._channels is None:
            return None
        size = thumbnail.width, thumbnail.height
        region, whole, others = (
            None if channel is None else read_channel(self._image, channel, box, size) for channel in self._channels
        )
        return MadeMasks(thumbnail.mask if region is None else region, whole, others)
