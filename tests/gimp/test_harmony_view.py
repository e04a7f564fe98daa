# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog's views of a cut-out, in real GIMP: what they show is what OK makes."""

from __future__ import annotations

from typing import Any

from tests.conftest import GimpForTests


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_harmony_view\nresult = inside_harmony_view.{call}")


def test_near_views_show_what_is_made(gimp: GimpForTests) -> None:
    """At the picture's own size, whole and in part, with every kind of layer and picture."""
    found = run(gimp, "differences()")
    assert len(found) == 36
    for name, (before, after) in found.items():
        assert before <= 1, f"{name}: before"
        assert after <= 2, f"{name}: after"  # 8 bit, rounded on both ways


def test_far_views_show_it_smaller(gimp: GimpForTests) -> None:
    width, height, before, after, change = run(gimp, "far()")
    assert (width, height) == (600, 450)
    assert before < 2 and after < 2 < change


def test_no_image_stays_behind(gimp: GimpForTests) -> None:
    assert run(gimp, "leftovers()") == [3, 1]


def test_strength_is_seen(gimp: GimpForTests) -> None:
    assert run(gimp, "strengths()") == [True, True]


def test_the_region_is_the_cut_out_with_surroundings(gimp: GimpForTests) -> None:
    x, y, width, height = run(gimp, "region()")
    assert (x, y) == (0, 0) and (width, height) == (64, 48)  # no part of so small a picture is worth less
