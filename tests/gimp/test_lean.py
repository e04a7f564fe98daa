# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups that are only as large as what they edit, in real GIMP: the same pictures as with larger ones."""

from __future__ import annotations

from typing import Any

from gimp_saliency.shared.edits import Sharpening
from tests.conftest import GimpForTests

SIDE = 120  # px: the longer one of the pictures


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_lean\nresult = inside_lean.{call}", timeout=240)


def test_a_group_is_as_large_as_what_it_edits(gimp32: GimpForTests) -> None:
    found = run(gimp32, "sizes()")
    for name, width, height in (("small", 24, 18), ("at the edge", 20, 20)):
        left, top, right, bottom = found[name]["selected"]
        assert (right - left, bottom - top) == (width, height)
        reach = Sharpening(1).reach(SIDE)
        assert reach > 0
        for kind, x, y, group_width, group_height in found[name]["groups"]:
            place = f"{name}, {kind}"
            assert left - reach - 8 < x <= left - reach and top - reach - 8 < y <= top - reach, place
            assert min(SIDE, right + reach) <= x + group_width <= min(SIDE, right + reach + 7), place
            assert min(90, bottom + reach) <= y + group_height <= min(90, bottom + reach + 7), place
        assert found[name]["around"] == [[0, 0, SIDE, 90]]


def test_the_pictures_are_those_of_whole_groups(gimp32: GimpForTests) -> None:
    """In every precision, after a file and after every transformation of the image: scaling rounds the masks."""
    found = run(gimp32, "differences()")
    assert len(found) == 2 * (2 * 9 + 5)
    for name, difference in found.items():
        is_scaled = ", half, " in name or ", twice, " in name
        assert difference <= (2.01 / 255 if is_scaled else 0), f"{name}: {difference}"


def test_groups_grow_and_shrink_with_their_region(gimp32: GimpForTests) -> None:
    found = run(gimp32, "growing()")
    for (name, _x, y, _width, height), grown in zip(found["before"], found["grown"]):
        assert grown[0] == name and grown[2] + grown[4] > y + height
    assert found["after"] == found["before"]
    assert found["difference"] <= 1.01 / 255


def test_adjusting_makes_older_edits_lean(gimp32: GimpForTests) -> None:
    found = run(gimp32, "adjusting_old_ones()")
    assert all(bounds == [0, 0, SIDE, 90] for _name, *bounds in found["before"])
    assert found["after"] == found["new"] and found["difference"] == 0
    (_name, *bounds), same = found["switched off"]
    assert bounds == [0, 0, SIDE, 90] and same, "what the user switched off stays"


def test_what_gives_a_group_its_size_takes_no_colour(gimp32: GimpForTests) -> None:
    """Who misses the mask and fills that layer sees nothing of it; the mask can be filled, and the group moved."""
    found = run(gimp32, "painting()")
    assert found == {"same": True, "mask": True, "moved": [5, 5]}
