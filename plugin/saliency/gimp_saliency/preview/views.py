# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of a picture: all of it, and the region that is selected with some surroundings, each at several sizes."""

from __future__ import annotations

from collections.abc import Mapping

from gi.repository import Gimp

from ..image.geometry import Box
from ..image.shape import Shape
from ..image.thumbnail import Thumbnail, read_box, read_channel, read_thumbnail
from ..layers.before import MadeChannels
from ..layers.record import edits_above
from .view import MadeMasks, View

_DRAFT = 400  # px; of the region's view while something is moved
_ENOUGH = 1.1  # how much larger a view can be shown than it is
_ICON = 132  # px; of the region's small view, twice what is shown of it
_LARGEST = 1024  # px; of all views: GIMP composes nothing larger
_AROUND = 0.6  # how much of the region's size is shown around it
_NARROWEST = 48  # px; of what is shown of a tiny region


class Views:
    """The views of one layer, each made when it is wanted the first time."""

    def __init__(
        self,
        image: Gimp.Image,
        layer: Gimp.Layer,
        thumbnail: Thumbnail,
        bounds: tuple[int, int],
        made: MadeChannels | None = None,
    ) -> None:
        """thumbnail: of the whole canvas; bounds: width and height in px that a view is shown in.

        made: what an edit that is there is for; None: it is still to be made.
        """
        self.is_gray = bool(layer.is_gray())
        self.grid = thumbnail.width, thumbnail.height  # of the parts' cells
        self._image, self._layer, self._thumbnail = image, layer, thumbnail
        self._bounds, self._channels = bounds, made
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

    def fit(self, bounds: tuple[int, int]) -> None:
        """Let the views that are shown be as large as these bounds allow."""
        self._bounds = bounds
        for name in ("picture", "region", "draft"):
            if name in self._views:
                self._views.pop(name).close()

    @property
    def whole(self) -> View:
        """The view of all of it that the networks see."""
        if "whole" not in self._views:
            canvas = 0, 0, self._image.get_width(), self._image.get_height()
            self._views["whole"] = self._make_view(self._thumbnail, canvas)
        return self._views["whole"]

    @property
    def picture(self) -> View:
        """The view of all of it that is shown: the networks' own where that is large enough."""
        whole, longest = self.whole, self._find_longest(self.whole.box)
        if longest <= _ENOUGH * max(whole.width, whole.height):
            return whole
        if "picture" not in self._views:
            thumbnail = read_thumbnail(self._image, self._layer, edits_above(self._image, self._layer), longest)
            self._views["picture"] = self._make_view(thumbnail, whole.box)
        return self._views["picture"]

    @property
    def region(self) -> View:
        """The view of the region that is shown."""
        box = self._frame_region()
        return self._find_view("region", box, self._find_longest(box))

    def find_draft(self, view: View) -> View:
        """A view of the same that is drawn quickly enough to follow a hand; the same one where it is small."""
        if view is self._views.get("picture"):
            return self.whole
        if view is self._views.get("region") and max(view.width, view.height) > _ENOUGH * _DRAFT:
            return self._find_view("draft", view.box, _DRAFT)
        return view

    @property
    def icon(self) -> View:
        """A small view of the region."""
        return self._find_view("icon", self._frame_region(), _ICON)

    @property
    def made(self) -> Mapping[str, View]:
        """The views that were wanted so far, by name."""
        return self._views

    def close(self) -> None:
        """Free GIMP's images.  To be called once."""
        for view in self._views.values():
            view.close()

    def _find_longest(self, box: Box) -> int:
        """How long in px the longer side of a box' view is, to be as large as the bounds allow."""
        scale = min(1.0, *(bound / side for bound, side in zip(self._bounds, box[2:])))
        return min(_LARGEST, round(max(box[2:]) * scale))

    def _find_view(self, name: str, box: Box, longest: int) -> View:
        """The view of that name, of a box, made if it is not there."""
        if name not in self._views:
            edits = edits_above(self._image, self._layer)
            self._views[name] = self._make_view(read_box(self._image, self._layer, edits, box, longest), box)
        return self._views[name]

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
        shape = self._bounds[0] / self._bounds[1]
        side = max(right - left, (bottom - top) * shape, _NARROWEST) * (1 + _AROUND)
        width, height = min(canvas[0], round(side)), min(canvas[1], round(side / shape))
        x = min(max(0, round((left + right - width) / 2)), canvas[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), canvas[1] - height)
        return x, y, width, height
