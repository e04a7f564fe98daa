# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels a mask shows, as boxes: what is copied by these leaves all others as they are, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gi.repository import Gegl, Gimp

from .geometry import Box
from .pixels import ROWS


def find_boxes(mask: Gimp.Drawable) -> Iterator[Box]:
    """What of a drawable is not black, as boxes that do not overlap."""
    return find_boxes_within((0, 0, mask.get_width(), mask.get_height()), mask)


def find_boxes_within(part: Box, mask: Gimp.Drawable | None, without: Iterable[Box] = ()) -> Iterator[Box]:
    """The same in a part alone.  mask: None: all white.  without: boxes of one row each to leave out."""
    x, y, width, height = part
    holes: dict[int, list[Box]] = {}
    for hole in without:
        holes.setdefault(hole[1], []).append(hole)
    begin, runs = y, list[tuple[int, int]]()  # rows with the same runs
    for row, values in _read_rows(mask, (x, y, width, height)):
        shown = _cut_holes(values, x, holes.get(row, ()))
        found = [(x + run.start(), run.end() - run.start()) for run in re.finditer(rb"[^\0]+", shown)]
        if found != runs:
            yield from _stack(runs, begin, row)
            begin, runs = row, found
    yield from _stack(runs, begin, y + height)


def _cut_holes(values: bytes, x: int, holes: Iterable[Box]) -> bytes:
    """A row of a mask, black in the holes; x: where it begins."""
    for left, _row, length, _height in holes:
        start, stop = max(0, left - x), max(0, left + length - x)
        values = values[:start] + bytes(len(values[start:stop])) + values[stop:]
    return values


def _stack(runs: list[tuple[int, int]], begin: int, end: int) -> Iterator[Box]:
    """Runs that rows from `begin` to before `end` have in common."""
    for left, length in runs:
        if end > begin:
            yield left, begin, length, end - begin


def _read_rows(mask: Gimp.Drawable | None, box: Box) -> Iterator[tuple[int, bytes]]:
    x, y, width, height = box
    if mask is None:
        yield from ((row, b"\xff" * width) for row in range(y, y + height))
        return
    buffer = mask.get_buffer()
    for top in range(y, y + height, ROWS):
        rows = min(ROWS, y + height - top)
        values = bytes(buffer.get(Gegl.Rectangle.new(x, top, width, rows), 1.0, "Y u16", Gegl.AbyssPolicy.NONE))
        # A byte for each value: black is what has no bit in either of its two.
        either = int.from_bytes(values[::2], "little") | int.from_bytes(values[1::2], "little")
        shown = either.to_bytes(rows * width, "little")
        for row in range(rows):
            yield top + row, shown[row * width : (row + 1) * width]
