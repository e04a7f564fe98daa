# SPDX-License-Identifier: GPL-3.0-or-later
"""The two views of a picture: all of it, and the region that is selected with some surroundings."""

from __future__ import annotations

from collections.abc import Mapping

from gi.repository import Gimp

from ..image.geometry import Box
from ..image.shape import Shape
from ..image.thumbnail import Thumbnail, read_box, read_channel
from ..layers.before import MadeChannels
from ..layers.record import edits_above
from .view import MadeMasks, View

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
        made: MadeChannels | None = None,
    ) -> None:
        """thumbnail: of the whole canvas; shape: width / height that the region's view should have.

        made: what an edit that is there is for; None: it is still to be made.
        """
        self.is_gray = bool(layer.is_gray())
        self.grid = thumbnail.width, thumbnail.height  # of the parts' cells
        self._image, self._layer, self._thumbnail = image, layer, thumbnail
        self._shape, self._channels = shape, made
        self._views: dict[str, View] = {}
        # What the region is cut down to, and its soft edge; None: it is what the edit is for.
        self._cut: tuple[tuple[Shape, ...], float] | None = None if made else ((), 0.0)

    def show_made(self) -> None:
        """Let the region be what the edit is for."""
        self._cut = None
        for view in self._views.values():
            view.show_made()

    def cut_down(self, shapes: tuple[Shape, ...], feather: float = 0.0) -> bool:
        """Let the region be what these shapes leave of what is selected; none: all of it.  Says if it is another one.

        feather: px of the image; width of the soft edge that it gets then.
        """
        if (shapes, feather) == self._cut:
            return False
        self._cut = shapes, feather
        for view in self._views.values():
            view.cut_down(shapes, feather)
        return True

    @property
    def whole(self) -> View:
        """The view of all of it."""
        if "whole" not in self._views:
            canvas = 0, 0, self._image.get_width(), self._image.get_height()
            self._views["whole"] = self._make_view(self._thumbnail, canvas)
        return self._views["whole"]

    @property
    def region(self) -> View:
        """The view of the region."""
        if "region" not in self._views:
            box = self._frame_region()
            edits = edits_above(self._image, self._layer)
            self._views["region"] = self._make_view(read_box(self._image, self._layer, edits, box, _LONGEST), box)
        return self._views["region"]

    @property
    def made(self) -> Mapping[str, View]:
        """The views that were wanted so far, by name."""
        return self._views

    def close(self) -> None:
        """Free GIMP's images.  To be called once."""
        for view in self._views.values():
            view.close()

    def _make_view(self, thumbnail: Thumbnail, box: Box) -> View:
        """The view of a box of the canvas, which the thumbnail shows."""
        canvas = self._image.get_width(), self._image.get_height()
        view = View(thumbnail, box, canvas, self.is_gray, self._read_made(thumbnail, box))
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

    def _frame_region(self) -> Box:
        """The selection's bounds with some surroundings, on the canvas."""
        _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(self._image)
        canvas = self._image.get_width(), self._image.get_height()
        side = max(right - left, (bottom - top) * self._shape, _NARROWEST) * (1 + _AROUND)
        width, height = min(canvas[0], round(side)), min(canvas[1], round(side / self._shape))
        x = min(max(0, round((left + right - width) / 2)), canvas[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), canvas[1] - height)
        return x, y, width, height
