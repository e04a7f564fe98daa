# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a picture is seen in a room on the screen."""

from __future__ import annotations

import itertools

import pytest

from gimp_saliency.ui.viewport import FIT, Viewport

PHOTO = Viewport((6000, 4000), (900, 500))


def test_all_of_the_picture_fits() -> None:
    assert PHOTO.box == (0, 0, 6000, 4000)
    assert PHOTO.place == (75, 0, 750, 500)
    assert Viewport((60, 40), (900, 500)).place == (75, 0, 750, 500), "small pictures are enlarged"


def test_at_100_percent_a_pixel_is_a_pixel() -> None:
    seen = PHOTO.zoom_to(1.0, (450, 250))
    assert seen.box == (2550, 1750, 900, 500)
    assert seen.place == (0, 0, 900, 500)


@pytest.mark.parametrize("zoom", [0.7, 1, 2, 3.7, 8])
@pytest.mark.parametrize("point", [(450, 250), (100, 60), (700, 490)])
def test_what_is_under_the_pointer_stays_there(zoom: float, point: tuple[float, float]) -> None:
    near = PHOTO.zoom_to(1.0, (450, 250))
    there = near.find(point)
    after = near.zoom_to(zoom, point)
    assert all(abs(a - b) <= 1 for a, b in zip(after.find(point), there))


def test_the_wheel_comes_back_to_all_of_the_picture() -> None:
    seen = PHOTO
    for _turn in range(40):
        seen = seen.turn(1, (200, 100))
    assert seen.zoom == 8
    for _turn in range(40):
        seen = seen.turn(-1, (700, 400))
    assert seen.zoom == FIT and seen.box == PHOTO.box


def test_a_pan_stops_at_the_edges_and_is_felt_at_once_on_the_way_back() -> None:
    seen = PHOTO.zoom_to(1.0, (450, 250)).pan(1e6, 1e6)
    assert seen.box == (0, 0, 900, 500)
    assert seen.pan(-30, -20).box == (30, 20, 900, 500)
    assert seen.pan(-1e6, -1e6).box == (5100, 3500, 900, 500)


@pytest.mark.parametrize("zoom", [1.0, 2.0, 8.0])
def test_many_short_moves_are_as_far_as_a_long_one(zoom: float) -> None:
    seen = start = PHOTO.zoom_to(zoom, (450, 250))
    for _motion in range(96):
        seen = seen.pan(1, -1)
    assert seen.box == start.pan(96, -96).box != start.box


def test_a_small_picture_can_be_shown_smaller_than_it_fits() -> None:
    seen = Viewport((720, 400), (900, 500))
    for _turn in range(5):
        seen = seen.turn(-1, (400, 300))
    assert seen.scale == 1
    assert seen.turn(1, (400, 300)).box == (0, 0, 720, 400)
    icon = Viewport((60, 40), (900, 500))
    assert icon.turn(1, (400, 300)) == icon, "it fits at more than the largest zoom"


def test_a_tall_region_at_the_edge_is_found_at_100_percent() -> None:
    x, y, width, height = Viewport((6000, 4000), (900, 500)).zoom_into((0, 1000, 300, 2000), 1.0).box
    assert (x, width) == (0, 900) and y <= 2000 <= y + height


def test_a_region_is_shown_as_large_as_it_can_be() -> None:
    seen = PHOTO.show_box((1000, 900, 600, 300))
    x, y, width, height = seen.box
    assert x <= 1000 and y <= 900 and x + width >= 1600 and y + height >= 1200
    assert seen.scale > 1 and width <= 900


@pytest.mark.parametrize(
    ("picture", "room", "zoom"),
    list(itertools.product([(6000, 4000), (33, 900), (16, 16)], [(900, 500), (41, 700)], [FIT, 0.31, 1, 2, 6.3])),
)
def test_the_room_is_filled_as_far_as_there_is_picture(
    picture: tuple[int, int], room: tuple[int, int], zoom: float
) -> None:
    seen = Viewport(picture, room).zoom_to(zoom or 1e-9, (3, 5)).pan(7, -90)
    x, y, width, height = seen.box
    assert x >= 0 and y >= 0 and x + width <= picture[0] and y + height <= picture[1]
    left, top, wide, high = seen.place
    for start, length, side, shown, whole in zip((left, top), (wide, high), room, (width, height), picture):
        if shown < whole:
            assert start <= 0 and start + length >= side - 1, "a gap"
        assert start > -1.0 * seen.scale - 1, "stands out"
