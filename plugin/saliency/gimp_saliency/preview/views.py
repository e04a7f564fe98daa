# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of a picture: all of it as the networks see it, and what of it is on the screen."""

from __future__ import annotations

from gi.repository import Gimp

from ..image.geometry import Box
from ..image.part import read_channel, read_part, shrink_part
from ..image.shape import Shape
from ..image.thumbnail import Thumbnail
from ..layers.before import MadeChannels
from ..layers.record import edits_above
from .kept_views import KeptViews
from .view import MadeMasks, View


class Views(KeptViews[View]):
    """The views of one layer, each made when it is wanted the first time."""

    def __init__(
        self, image: Gimp.Image, layer: Gimp.Layer, thumbnail: Thumbnail, made: MadeChannels | None = None
    ) -> None:
        """thumbnail: of the whole canvas; made: what an edit that is there is for, None: it is still to be made."""
        # The grid is that of the parts' cells, too.
        super().__init__((image.get_width(), image.get_height()), (thumbnail.width, thumbnail.height))
        self.is_gray = bool(layer.is_gray())
        self._image, self._layer, self._thumbnail = image, layer, thumbnail
        self._channels = made
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

    def frame_region(self) -> Box:
        """The selection's bounds with some surroundings, on the canvas."""
        return self._frame(Gimp.Selection.bounds(self._image)[2:])

    def _make(self, box: Box, longest: int, before: View | None) -> View:
        thumbnail = self._read(box, longest)
        view = View(thumbnail, box, self.canvas, self.is_gray, self._read_made(thumbnail, box))
        if self._cut is not None:
            view.cut_down(*self._cut)
        if before is not None:
            before.pass_on(view)  # closed, it still knows what it has shown
        return view

    def _read(self, box: Box, longest: int) -> Thumbnail:
        """What is to be seen in a box of the canvas, from a larger view of it if there is one."""
        if box == (0, 0, *self.canvas) and longest == max(self.grid):
            return self._thumbnail
        for kept in self._kept.values():
            if kept.box == box and kept.longest >= longest:
                return shrink_part(kept.view.thumbnail, longest)
        return read_part(self._image, self._layer, edits_above(self._image, self._layer), box, longest)

    def _read_made(self, thumbnail: Thumbnail, box: Box) -> MadeMasks | None:
        """What an edit that is there is for, as the thumbnail of a box shows it."""
        if self._channels is None:
            return None
        size = thumbnail.width, thumbnail.height
        region, whole, others = (
            None if channel is None else read_channel(self._image, channel, box, size) for channel in self._channels
        )
        return MadeMasks(thumbnail.mask if region is None else region, whole, others)
