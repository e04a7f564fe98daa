# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a selection: complete, disjoint, connected, and each pixel of the picture with the nearest one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gimp_saliency.predict.parts import MOST, cells, parts

Mask = tuple[bytes, int, int]


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """Rectangles and single pixels of any value above 0, a few or many."""
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 30))
    mask = bytearray(width * height)
    sizes = st.integers(1, 8)
    for _ in range(draw(st.integers(0, 14))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        right, bottom = min(width, x + draw(sizes)), min(height, y + draw(sizes))
        for row in range(y, bottom):
            mask[row * width + x : row * width + right] = bytes([draw(st.integers(1, 255))]) * (right - x)
    return bytes(mask), width, height


def _pixels(mask: bytes, width: int) -> set[tuple[int, int]]:
    return {divmod(i, width) for i, value in enumerate(mask) if value}


def _neighbours(pixel: tuple[int, int]) -> set[tuple[int, int]]:
    return {(pixel[0] + y, pixel[1] + x) for y in (-1, 0, 1) for x in (-1, 0, 1)}


def _count(pixels: set[tuple[int, int]]) -> int:
    """The number of connected components."""
    rest, count = set(pixels), 0
    while rest:
        border = {rest.pop()}
        while border:
            border = {near for pixel in border for near in _neighbours(pixel)} & rest
            rest -= border
        count += 1
    return count


@given(masks())
def test_parts_add_up_to_the_selection(case: Mask) -> None:
    mask, width, _ = case
    found = parts(*case)
    assert all(len(part) == len(mask) for part in found)
    assert bytes(sum(values) for values in zip(*found)) == mask or not any(mask)
    assert sum(len(_pixels(part, width)) for part in found) == len(_pixels(mask, width))


@given(masks())
def test_each_part_is_connected_and_apart_from_the_others(case: Mask) -> None:
    mask, width, _ = case
    found = [_pixels(part, width) for part in parts(*case)]
    expected = _count(_pixels(mask, width))
    assert len(found) == min(expected, MOST)
    if expected <= MOST:
        assert all(_count(part) == 1 for part in found)
        assert [len(part) for part in found] == sorted(map(len, found), reverse=True)


@given(masks())
def test_cells_divide_the_picture(case: Mask) -> None:
    found = cells(*case)
    assert all(sorted(values) == [0] * (len(found) - 1) + [255] for values in zip(*found))
    for part, cell in zip(parts(*case), found):
        assert bytes(a & b for a, b in zip(part, cell)) == part


@given(masks())
def test_cells_go_to_the_nearest_part(case: Mask) -> None:
    _, width, _ = case
    found = [_pixels(part, width) for part in parts(*case)]
    for number, cell in enumerate(cells(*case)):
        for pixel in _pixels(cell, width):
            distances = [min(math.dist(pixel, other) for other in part) for part in found]
            # Octagons are not circles, and a distance counts whole steps.
            assert distances[number] <= 1.25 * min(distances) + 2


def test_nothing_selected() -> None:
    assert parts(bytes(12), 4, 3) == cells(bytes(12), 4, 3) == []


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 255))
def test_one_part_is_the_selection(width: int, height: int, value: int) -> None:
    mask = bytes([value]) * (width * height)
    assert parts(mask, width, height) == [mask]
    assert cells(mask, width, height) == [b"\xff" * len(mask)]


def test_row_ends_do_not_touch_row_beginnings() -> None:
    assert len(parts(bytes([0, 0, 0, 1, 1, 0, 0, 0]), 4, 2)) == 2


def test_corners_touch() -> None:
    assert len(parts(bytes([1, 0, 0, 1]), 2, 2)) == 1


def test_small_parts_join_the_nearest() -> None:
    width = 100
    row = bytearray(width)
    for start in range(0, 80, 10):
        row[start : start + 2] = b"\xff\xff"
    row[93] = row[23] = 255
    found = [_pixels(part, width) for part in parts(bytes(row), width, 1)]
    assert len(found) == MOST
    assert {(0, 70), (0, 71), (0, 93)} in found
    assert {(0, 20), (0, 21), (0, 23)} in found


@pytest.mark.parametrize(
    "selected",
    [
        lambda x, y: (x < 3 and y < 3) or (4 <= x < 7 and y < 3),
        lambda x, y: y < 3 and x % 5 < 3 and x < 40,
        lambda x, y: x % 2 == y % 2 == 0,
        lambda x, y: x % 2 == 0,
        lambda x, y: hash((x, y)) % 10 == 0,
    ],
    ids=["two in a corner", "eight in a corner", "dots", "stripes", "noise"],
)
def test_fast(selected: Callable[[int, int], bool]) -> None:
    mask = bytes(255 * selected(x, y) for y in range(256) for x in range(384))
    started = time.process_time()
    parts(mask, 384, 256)
    assert time.process_time() - started < 1  # measured: 0.02 to 0.12 s; far more would be felt
