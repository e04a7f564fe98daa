# SPDX-License-Identifier: GPL-3.0-or-later
"""Small masks of parts of the canvas, sampled for other grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .geometry import Box

Size = tuple[int, int]  # width and height


class Shape(NamedTuple):
    """The mask of a box of the canvas, 0 outside it: width * height bytes, rows from the top, 255 = in.

    reach: px of the canvas that it may go beyond what is selected.
    """

    box: Box
    width: int
    height: int
    mask: bytes
    reach: float = 0.0


def resample(values: bytes, size: Size, box: Box, new_size: Size, new_box: Box) -> bytes:
    """What a grid of values, one byte for each cell of a box, says of another grid over another box; 0 outside.

    Each new cell has the value under its middle.
    """
    if (size, box) == (new_size, new_box):
        return values
    columns = _sample_places(box[0], box[2], size[0], new_box[0], new_box[2], new_size[0])
    rows = _sample_places(box[1], box[3], size[1], new_box[1], new_box[3], new_size[1])
    first = sum(1 for column in columns if column < 0)
    inside = [column for column in columns if 0 <= column < size[0]]
    before, after = bytes(first), bytes(len(columns) - first - len(inside))
    lines = {}
    for row in set(rows):
        line = values[row * size[0] : (row + 1) * size[0]] if 0 <= row < size[1] else b""
        lines[row] = before + bytes(map(line.__getitem__, inside)) + after if line else bytes(len(columns))
    return b"".join(lines[row] for row in rows)


def _sample_places(start: int, length: int, count: int, new_start: int, new_length: int, new_count: int) -> list[int]:
    """Along one axis, in which of `count` cells the middle of each new cell lies; outside it is no cell's number."""
    step, per_pixel = new_length / new_count, count / length
    return [int((new_start - start + (i + 0.5) * step) * per_pixel // 1) for i in range(new_count)]


def cut_mask(shapes: Sequence[Shape], selected: bytes, size: Size, box: Box) -> bytes:
    """What the shapes leave of a selection, one byte for each cell of a grid over a box; where that is nothing, all."""
    if not shapes:
        return selected
    left = bytes(len(selected))
    for shape in shapes:
        mask = resample(shape.mask, (shape.width, shape.height), shape.box, size, box)
        if not shape.reach:
            mask = bytes(map(min, mask, selected))
        left = bytes(map(max, left, mask))
    return left if any(left) else selected


def find_level(shapes: Sequence[Shape], box: Box) -> int | None:
    """What all shapes together have everywhere in a box, 0..255; None where they have several values."""
    total = 0
    for shape in shapes:
        levels = _list_levels(shape, box)
        if len(levels) > 1:
            return None
        total += max(levels)
    return min(255, total)


def _list_levels(shape: Shape, box: Box) -> set[int]:
    """The values that a smoothly enlarged shape goes through in a box; 0 outside of the shape's own."""
    spans, is_inside = [], True
    for axis, count in ((0, shape.width), (1, shape.height)):
        per_pixel = count / shape.box[axis + 2]
        start = (box[axis] - shape.box[axis]) * per_pixel
        stop = start + box[axis + 2] * per_pixel
        is_inside = is_inside and start >= 0 and stop <= count
        # With the neighbour on each side, which smoothing looks at.
        spans.append((max(0, int(start // 1) - 1), min(count, int(stop // 1) + 2)))
    (left, right), (top, bottom) = spans
    if left >= right or top >= bottom:
        return {0}
    values = b"".join(shape.mask[row * shape.width + left : row * shape.width + right] for row in range(top, bottom))
    return set(values) if is_inside else set(values) | {0}
