# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cut-out lay when it was harmonized, and so where its shading belongs if it was moved or scaled since."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from gi.repository import Gimp

from ...image.geometry import Box
from ...shared.harmony import SIDE, Harmony, Map, Shading
from ...shared.json_type import Json

_LONGEST = 1 << 19  # px; no side in GIMP is longer


class Place(NamedTuple):
    """Where a layer lies on its canvas, and how large that is: px."""

    x: int
    y: int
    width: int
    height: int
    canvas_width: int
    canvas_height: int

    @classmethod
    def of_layer(cls, image: Gimp.Image, layer: Gimp.Layer) -> Place:
        """Where a layer lies now."""
        _ok, x, y = layer.get_offsets()
        return cls(x, y, layer.get_width(), layer.get_height(), image.get_width(), image.get_height())

    @classmethod
    def from_json(cls, content: Json) -> Place | None:
        """The inverse of `to_json`; of damaged ones, and where an older version noted nothing, None."""
        if not isinstance(content, list) or len(content) != len(cls._fields):
            return None
        if any(type(value) is not int or not -_LONGEST <= value <= _LONGEST for value in content):
            return None
        place = cls(*content)
        return place if min(place[2:]) >= 1 else None

    def to_json(self) -> list[int]:
        """As the parasites have it."""
        return list(self)


def locate_shading(shading: Shading, made: Place | None, now: Place) -> Box:
    """The box that a shading is for in whole pixels of the canvas, at least one each way.

    made: where the layer lay that it was predicted for, None: where it lies now.  It moves and grows along with it.
    """
    made = made or now
    x, y, width, height = _find_box(shading, made)
    if made == now:
        return x, y, width, height
    across, down = now.width / made.width, now.height / made.height
    left, right = (round(now.x + (each - made.x) * across) for each in (x, x + width))
    top, bottom = (round(now.y + (each - made.y) * down) for each in (y, y + height))
    return left, top, max(1, right - left), max(1, bottom - top)


def move_harmony(harmony: Harmony, made: Place | None, now: Place) -> Harmony:
    """The harmony for a layer as it lies now: the same, but for the shading's box in shares of the canvas.

    Of a box that is partly beside the canvas it has what is on it; a shading that is wholly beside it is left out.
    """
    if harmony.shading is None or made is None or made == now:
        return harmony
    box = locate_shading(harmony.shading, made, now)
    canvas = now.canvas_width, now.canvas_height
    sides = [_cut(start, length, whole) for start, length, whole in zip(box[:2], box[2:], canvas)]
    if any(start >= stop for start, stop in sides):
        return replace(harmony, shading=None)
    (left, right), (top, bottom) = sides
    values = _resample(harmony.shading.values, (top - box[1]) / box[3], (bottom - box[1]) / box[3])
    columns = _resample(tuple(zip(*values)), (left - box[0]) / box[2], (right - box[0]) / box[2])
    shares = left / canvas[0], top / canvas[1], right / canvas[0], bottom / canvas[1]
    return replace(harmony, shading=Shading(shares, tuple(zip(*columns))))


def _find_box(shading: Shading, place: Place) -> Box:
    """A shading's box on the canvas that it was predicted for."""
    width, height = place.canvas_width, place.canvas_height
    left, top, right, bottom = shading.box
    x, y = min(round(left * width), width - 1), min(round(top * height), height - 1)
    return x, y, max(1, round(right * width) - x), max(1, round(bottom * height) - y)


def _cut(start: int, length: int, whole: int) -> tuple[int, int]:
    """First and last of what of a line lies on a canvas."""
    return max(0, start), min(whole, start + length)


def _resample(rows: Map, start: float, stop: float) -> Map:
    """As many rows from a part of the map, 0..1 of its height, linear between those that there are."""
    if (start, stop) == (0.0, 1.0):
        return rows
    found = []
    for number in range(SIDE):
        share = start + (number + 0.5) / SIDE * (stop - start)
        place = min(SIDE - 1.0, max(0.0, share * SIDE - 0.5))
        first = min(int(place), SIDE - 2)
        near, far = rows[first], rows[first + 1]
        found.append(tuple(a + (place - first) * (b - a) for a, b in zip(near, far)))
    return tuple(found)
