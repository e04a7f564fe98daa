# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a picture is seen in a room on the screen, and where: zoom and pan, without GTK."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..image.geometry import Box

FIT = 0.0  # the zoom at which all of the picture is seen

_LARGEST = 8.0
_STEP = 1.25  # of the zoom, by one turn of the wheel

Size = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Viewport:
    """picture: its width and height in px; room: in the screen's own px, which HiDPI makes small.

    zoom: px of the screen for a px of the picture, or FIT.  centre: of what is seen, in px of the picture.
    """

    picture: Size
    room: Size
    zoom: float = FIT
    centre: Point = (0.0, 0.0)

    @property
    def scale(self) -> float:
        """Px of the screen for a px of the picture."""
        return self.zoom or self._fitting

    @property
    def box(self) -> Box:
        """What is seen, in whole px of the picture: at least all that the room shows."""
        width, height = (self._measure(axis) for axis in (0, 1))
        x, y = (
            min(max(0, round(middle - side / 2)), whole - side)
            for middle, side, whole in zip(self.centre, (width, height), self.picture)
        )
        return x, y, width, height

    @property
    def place(self) -> Box:
        """Where the box is seen in the room, in px of the screen; it may stand out by less than a px of the picture."""
        width, height = (max(1, round(side * self.scale)) for side in self.box[2:])
        return (self.room[0] - width) // 2, (self.room[1] - height) // 2, width, height

    def move_to(self, room: Size) -> Viewport:
        """In another room, with the same in the middle of it."""
        moved = replace(self, room=room)
        return moved._look(self.zoom, self._middle) if self.zoom else moved

    def fit(self) -> Viewport:
        """With all of the picture in it."""
        return replace(self, zoom=FIT)

    def show_box(self, box: Box) -> Viewport:
        """With a box of the picture in it, as large as it can be."""
        return self.zoom_into(box, min(room / side for room, side in zip(self.room, box[2:])))

    def zoom_into(self, box: Box, zoom: float) -> Viewport:
        """With another zoom, and a box of the picture in the middle."""
        x, y, width, height = box
        return self._look(self._clamp(zoom), (x + width / 2, y + height / 2))

    def zoom_to(self, zoom: float, point: Point | None = None) -> Viewport:
        """With another zoom; what is at a point of the room stays there, else what is in the middle of it."""
        zoom = self._clamp(zoom)
        if point is None:
            return self._look(zoom, self._middle)
        x, y = (there - (where - side / 2) / zoom for there, where, side in zip(self.find(point), point, self.room))
        return self._look(zoom, (x, y))

    def turn(self, steps: float, point: Point) -> Viewport:
        """As the wheel says, turned over a point of the room: nearer if steps are positive."""
        return self.zoom_to(self.scale * _STEP**steps, point)

    def pan(self, right: float, down: float) -> Viewport:
        """With the picture moved by so many px of the screen."""
        x, y = self._middle
        return self._look(self.scale, (x - right / self.scale, y - down / self.scale))

    def find(self, point: Point) -> Point:
        """What px of the picture is at a point of the room."""
        x, y = (start + (where - place) / self.scale for start, where, place in zip(self.box, point, self.place))
        return x, y

    @property
    def _fitting(self) -> float:
        return min(room / side for room, side in zip(self.room, self.picture))

    @property
    def _middle(self) -> Point:
        if self.zoom:
            return self.centre  # not the box', which is rounded: many short moves are as far as a long one
        x, y, width, height = self.box
        return x + width / 2, y + height / 2

    def _look(self, zoom: float, centre: Point) -> Viewport:
        """With that zoom, and the centre that comes next to this one: so the next pan is felt at once."""
        if math.isclose(zoom, self._fitting):
            return self.fit()
        seen = replace(self, zoom=zoom)
        x, y = (
            min(max(middle, side / 2), whole - side / 2)
            for middle, side, whole in zip(centre, seen.box[2:], self.picture)
        )
        return replace(seen, centre=(x, y))

    def _clamp(self, zoom: float) -> float:
        """The zoom that there is next to one: a small picture can be shown smaller than it fits, or larger."""
        return min(max(zoom, min(1.0, self._fitting)), max(_LARGEST, self._fitting))

    def _measure(self, axis: int) -> int:
        """How many px of the picture are seen along an axis."""
        return max(1, min(self.picture[axis], -int(-self.room[axis] // self.scale)))
