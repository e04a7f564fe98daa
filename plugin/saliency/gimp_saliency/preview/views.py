# SPDX-License-Identifier: GPL-3.0-or-later
"""The two views of a picture: all of it, and the region that is selected with some surroundings."""

from __future__ import annotations

from collections.abc import Mapping

from gi.repository import Gimp

from ..image.geometry import Box
from ..image.shape import Shape
from ..image.thumbnail import Thumbnail, read_box, read_channel
from ..layers.record import edits_above
from .view import View

_LONGEST = 400  # px; of the region's view
_AROUND = 0.6  # how much of the region's size is shown around it
_NARROWEST = 48  # px; of what is shown of a tiny region


class Views:
    """The views of one layer, each made when it is wanted the first time."""

    def __init__(
        self,
        image: Gimp.Image,
        layer: Gimp.Layer,
        thumbnail: Thumbnail,
        shape: float,
        not_background: Gimp.Channel | None = None,
    ) -> None:
        """thumbnail: of the whole canvas; shape: width / height that the region's view should have.

        not_background: a channel of the image with all that is not background; None: what is selected.
        """
        self.is_gray = bool(layer.is_gray())
        self.grid = thumbnail.width, thumbnail.height  # of the parts' cells
        self._image, self._layer, self._thumbnail = image, layer, thumbnail
        self._shape, self._not_background = shape, not_background
        self._made: dict[str, View] = {}
        self.shapes: tuple[Shape, ...] = ()  # what the selection is cut down to

    def cut_down(self, shapes: tuple[Shape, ...]) -> None:
        """Let the region be what these shapes leave of what is selected; none: all of it."""
        self.shapes = shapes
        for view in self._made.values():
            view.cut_down(shapes)

    @property
    def whole(self) -> View:
        """The view of all of it."""
        if "whole" not in self._made:
            canvas = 0, 0, self._image.get_width(), self._image.get_height()
            self._made["whole"] = self._make_view(self._thumbnail, canvas)
        return self._made["whole"]

    @property
    def region(self) -> View:
        """The view of the region."""
        if "region" not in self._made:
            box = self._frame_region()
            edits = edits_above(self._image, self._layer)
            self._made["region"] = self._make_view(read_box(self._image, self._layer, edits, box, _LONGEST), box)
        return self._made["region"]

    @property
    def made(self) -> Mapping[str, View]:
        """The views that were wanted so far, by name."""
        return self._made

    def close(self) -> None:
        """Free GIMP's images.  To be called once."""
        for view in self._made.values():
            view.close()

    def _make_view(self, thumbnail: Thumbnail, box: Box) -> View:
        """The view of a box of the canvas, which the thumbnail shows."""
        outer = None
        if self._not_background is not None:
            outer = read_channel(self._image, self._not_background, box, (thumbnail.width, thumbnail.height))
        canvas = self._image.get_width(), self._image.get_height()
        view = View(thumbnail, box, canvas, self.is_gray, outer)
        view.cut_down(self.shapes)
        return view

    def _frame_region(self) -> Box:
        """The selection's bounds with some surroundings, on the canvas."""
        _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(self._image)
        canvas = self._image.get_width(), self._image.get_height()
        side = max(right - left, (bottom - top) * self._shape, _NARROWEST) * (1 + _AROUND)
        width, height = min(canvas[0], round(side)), min(canvas[1], round(side / self._shape))
        x = min(max(0, round((left + right - width) / 2)), canvas[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), canvas[1] - height)
        return x, y, width, height
