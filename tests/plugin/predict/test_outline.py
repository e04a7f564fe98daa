# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes on other grids, and what is said of an outline."""

from __future__ import annotations

import pytest

from gimp_saliency.image.shape import Shape, cut_mask, find_level, resample
from gimp_saliency.predict.outline import AS_SELECTED, Outline, Part
from gimp_saliency.shared.choices import Edge
from gimp_saliency.shared.framing import frame_selection

CANVAS = (0, 0, 8, 4)
LEFT = Shape((0, 0, 4, 4), 2, 2, b"\xff\0\xff\0")  # columns 0 and 1


def test_the_same_grid_is_the_same() -> None:
    assert resample(bytes(range(32)), (8, 4), CANVAS, (8, 4), CANVAS) == bytes(range(32))


def test_a_part_of_the_canvas() -> None:
    assert resample(bytes(range(32)), (8, 4), CANVAS, (2, 2), (3, 1, 2, 2)) == bytes([11, 12, 19, 20])


def test_coarser_and_finer() -> None:
    assert resample(bytes([1, 2, 3, 4]), (2, 2), CANVAS, (4, 2), CANVAS) == bytes([1, 1, 2, 2, 3, 3, 4, 4])
    assert resample(bytes(range(32)), (8, 4), CANVAS, (2, 1), CANVAS) == bytes([18, 22])


def test_outside_is_nothing() -> None:
    found = resample(b"\xff" * 4, (2, 2), (2, 1, 4, 2), (8, 4), CANVAS)
    assert found == bytes(8) + (b"\0\0" + b"\xff" * 4 + b"\0\0") * 2 + bytes(8)


def test_a_mask_is_cut_down() -> None:
    selected = bytes([200] * 8) * 4
    assert cut_mask([LEFT], selected, (8, 4), CANVAS) == (bytes([200] * 2) + bytes(6)) * 4
    right = LEFT._replace(box=(4, 0, 4, 4))
    assert cut_mask([LEFT, right], selected, (8, 4), CANVAS) == (bytes([200] * 2) + bytes(2)) * 8
    assert cut_mask([], selected, (8, 4), CANVAS) == selected


def test_a_shape_that_may_grow_goes_beyond_the_selection() -> None:
    selected = (bytes([200]) + bytes(7)) * 4
    further = LEFT._replace(reach=1.0)
    assert cut_mask([further], selected, (8, 4), CANVAS) == (b"\xff" * 2 + bytes(6)) * 4
    assert cut_mask([LEFT, further._replace(box=(4, 0, 4, 4))], selected, (8, 4), CANVAS) == (
        bytes([200, 0, 0, 0, 255, 255, 0, 0]) * 4
    )


def test_nothing_is_never_left_over() -> None:
    selected = (bytes(6) + bytes([9, 9])) * 4
    assert cut_mask([LEFT], selected, (8, 4), CANVAS) == selected


@pytest.mark.parametrize(
    ("box", "level"),
    [
        ((0, 0, 4, 4), 255),
        ((20, 0, 4, 4), 255),
        ((60, 10, 8, 8), 0),
        ((30, 0, 4, 4), None),
        ((100, 0, 4, 4), 0),  # outside
        ((-2, 0, 4, 4), None),  # half of it
    ],
)
def test_where_no_edge_runs(box: tuple[int, int, int, int], level: int | None) -> None:
    wide = Shape((0, 0, 80, 80), 8, 8, (b"\xff" * 4 + bytes(4)) * 8)
    assert find_level([wide], box) == level
    assert find_level([wide, wide], box) == level
    assert find_level([LEFT], (0, 0, 1, 4)) is None, "smoothing looks at the neighbour"


@pytest.mark.parametrize(
    ("edges", "wanted", "words"),
    [
        ([], Edge.AUTOMATIC, "as selected"),
        ([Edge.OBJECT], Edge.AUTOMATIC, "fitted to the object"),
        ([Edge.SOFT], Edge.SOFT, "softened"),
        ([Edge.SOFT], Edge.AUTOMATIC, "softened: no object is sure"),
        ([Edge.SOFT, Edge.OBJECT], Edge.AUTOMATIC, "as suits each part"),
    ],
)
def test_it_says_what_it_does(edges: list[Edge], wanted: Edge, words: str) -> None:
    outline = Outline(tuple(Part(edge, LEFT) for edge in edges))
    assert outline.describe(wanted) == words
    assert outline.shapes == (LEFT,) * len(edges) and (outline == AS_SELECTED) is (not edges)


@pytest.mark.parametrize(
    ("bounds", "framed"),
    [
        ((100, 100, 200, 140), (75, 75, 225, 165)),  # a quarter of the longer side all round
        ((100, 100, 110, 110), (92, 92, 118, 118)),  # eight pixels at least
        ((100, 100, 300, 110), (50, 30, 350, 180)),  # no more than twice as wide as high
        ((0, 0, 40, 40), (0, 0, 50, 50)),
        ((0, 0, 400, 300), (0, 0, 400, 300)),
    ],
)
def test_what_is_seen_of_a_selection(bounds: tuple[int, ...], framed: tuple[int, ...]) -> None:
    left, top, right, bottom = bounds
    assert frame_selection((left, top, right, bottom), 400, 300) == framed
