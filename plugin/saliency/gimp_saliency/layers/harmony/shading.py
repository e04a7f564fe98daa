# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw a shading map, a few values, into a mask of many pixels, by GIMP's own scaling."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gi.repository import Gegl, Gimp

from ...image.geometry import Box
from ...image.pixels import ROWS, copy_pixels, scale_layer
from .steps import Rows

_FORMAT = "Y float"  # linear light


def draw_map(target: Gimp.Drawable, corner: tuple[int, int], values: Rows, place: Box) -> None:
    """Fill a layer mask or channel with values, enlarged to their place on the canvas; around it the nearest ones.

    Linear between the values, which lie in the middle of equal parts of their place.  corner: of the target, on the
    canvas.
    """
    work = _make_work(target)
    try:
        enlarged, (x, y) = _enlarge(work, values, place)
        _copy_extended(enlarged, target, (corner[0] - x, corner[1] - y))
    finally:
        work.delete()


def multiply_by_map(target: Gimp.Drawable, corner: tuple[int, int], values: Rows, place: Box) -> None:
    """The same, times what the target holds."""
    whole = 0, 0, target.get_width(), target.get_height()
    work = _make_work(target)
    try:
        paper = _add_layer(work, *whole[2:]).get_buffer()
        paper.clear(paper.get_extent())  # to black
        paper.flush()
        drawing = _add_layer(work, *whole[2:])
        draw_map(drawing, corner, values, place)
        mask = drawing.create_mask(Gimp.AddMaskType.BLACK)
        drawing.add_mask(mask)
        copy_pixels(target, mask, [whole])
        copy_pixels(work.merge_down(drawing, Gimp.MergeType.CLIP_TO_BOTTOM_LAYER), target, [whole])
    finally:
        work.delete()


def _make_work(target: Gimp.Drawable) -> Gimp.Image:
    """An empty image as large as a drawable, gray and in linear light; the caller deletes it."""
    size = target.get_width(), target.get_height()
    work = Gimp.Image.new_with_precision(*size, Gimp.ImageBaseType.GRAY, Gimp.Precision.FLOAT_LINEAR)
    work.undo_disable()
    return work


def _add_layer(work: Gimp.Image, width: int, height: int) -> Gimp.Layer:
    """A layer on top, not yet filled."""
    layer = Gimp.Layer.new(work, "", width, height, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
    work.insert_layer(layer, None, 0)
    return layer


def _enlarge(work: Gimp.Image, values: Rows, place: Box) -> tuple[Gimp.Layer, tuple[int, int]]:
    """A layer of the work image with the values as large as their place, and its corner on the canvas."""
    x, y, width, height = place
    rows = values
    # To a smaller size GIMP scales in another way.
    if width < len(values[0]):
        rows = [_resample(row, width) for row in values]
        x, width = x - 1, width + 2
    if height < len(values):
        rows = list(zip(*(_resample(column, height) for column in zip(*rows))))
        y, height = y - 1, height + 2
    layer = _add_layer(work, len(rows[0]), len(rows))
    buffer = layer.get_buffer()
    numbers = [value for row in rows for value in row]
    buffer.set(buffer.get_extent(), _FORMAT, struct.pack(f"{len(numbers)}f", *numbers))
    buffer.flush()
    layer.update(0, 0, len(rows[0]), len(rows))
    scale_layer(layer, width, height, Gimp.InterpolationType.LINEAR)
    return layer, (x, y)


def _resample(values: Sequence[float], count: int) -> list[float]:
    """The values in the middle of so many equal parts of a line, linear between those in the middle of its own.

    They come with one more at each end, the nearest value to what lies there.
    """
    last = len(values) - 1
    found: list[float] = []
    for part in range(-1, count + 1):
        place = min(float(last), max(0.0, (part + 0.5) * len(values) / count - 0.5))
        first = min(int(place), last - 1)
        found.append(values[first] + (place - first) * (values[first + 1] - values[first]))
    return found


def _copy_extended(source: Gimp.Drawable, target: Gimp.Drawable, shift: tuple[int, int]) -> None:
    """Fill the target with what lies at a place of the source, whose border goes on beyond it for ever."""
    width, height = target.get_width(), target.get_height()
    seen, drawn = source.get_buffer(), target.get_buffer()
    for row in range(0, height, ROWS):
        rows = min(ROWS, height - row)
        strip = Gegl.Rectangle.new(shift[0], row + shift[1], width, rows)
        pixels = bytes(seen.get(strip, 1.0, _FORMAT, Gegl.AbyssPolicy.CLAMP))
        drawn.set(Gegl.Rectangle.new(0, row, width, rows), _FORMAT, pixels)
    drawn.flush()
    target.update(0, 0, width, height)
