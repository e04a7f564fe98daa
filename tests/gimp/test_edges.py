# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that a selection gets in real GIMP, whatever the kind of image: never a pixel more than was selected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import GimpForTests

RUN = "import inside_edges\nresult = inside_edges."


def test_a_shape_cuts_the_selection_down(gimp: GimpForTests) -> None:
    results = gimp.run(f"{RUN}cut_each_type()")
    assert len(results) == 18 * 2
    for name, result in results.items():
        assert result["most more"] <= 1e-6, name
        assert result["inside"] <= 0.004, name
        assert result["outside"] == 0, name
        assert result["active"] and result["channels"] == 0, name


def test_a_shape_goes_beyond_the_selection_where_it_may(gimp: GimpForTests) -> None:
    results = gimp.run(f"{RUN}grow_each_type()")
    assert len(results) == 18
    for name, result in results.items():
        assert result["inside"] >= 0.995 and min(result["grown"]) >= 0.995, name
        assert max(result["beyond"]) == 0 and result["cut"] == 0, name
        assert result["active"] and result["channels"] == 0, name


def test_shapes_of_several_parts_are_joined(gimp: GimpForTests) -> None:
    canvas_edge, first, between, second, right, outside = gimp.run(f"{RUN}cut_by_several()")
    assert (canvas_edge, first, second) == pytest.approx((1, 1, 1)), "a shape fades at the picture's edge"
    assert (between, right, outside) == (0, 0, 0)


def test_soft_selections_are_told_from_hard_ones(gimp: GimpForTests) -> None:
    found = gimp.run(f"{RUN}tell_soft()")
    assert found == {name: name.endswith(" 20") for name in found} and len(found) == 12


@pytest.mark.parametrize("options", [{}, {"base": "GRAY"}, {"size": (80, 60), "offset": (5, -3)}], ids=str)
def test_an_edit_keeps_to_the_fitted_part(gimp: GimpForTests, options: dict[str, Any]) -> None:
    result = gimp.run(f"{RUN}edit_fitted('automatic', **{options!r})")
    assert result["asked"] == [[60, 52, "automatic", 0.0, 0.0]]
    # What is seen reaches from column 14 to 74, so its left half to 44.  Selected are columns 24 to 64, rows 16 to 48.
    assert result["columns"][0] == 24 and result["columns"][-1] in (43, 44)
    assert (result["rows"][0], result["rows"][-1]) == (16, 47)
    assert result["seen"] == 20 * 32
    assert result["selection kept"] and result["channels"] == 0


def test_a_radius_goes_with_it(gimp32: GimpForTests) -> None:
    result = gimp32.run(f"{RUN}edit_fitted('soft', 6.0)")
    assert result["asked"] == [[60, 52, "soft", 6.0, 0.0]]
    assert result["columns"][-1] in (43, 44)


def test_an_edit_grows_as_far_as_it_may(gimp: GimpForTests) -> None:
    result = gimp.run(f"{RUN}edit_fitted('object', grow=5.0)")
    assert result["asked"] == [[84, 64, "object", 0.0, 5.0]]
    assert result["columns"][0] == 19 and result["columns"][-1] in (43, 44)
    assert (result["rows"][0], result["rows"][-1]) == (11, 52)
    assert result["selection kept"] and result["channels"] == 0


@pytest.mark.parametrize("settings", ["'selected'", "'automatic', 4.0"])
def test_nobody_is_asked_for_the_selection_as_it_is(gimp32: GimpForTests, settings: str) -> None:
    result = gimp32.run(f"{RUN}edit_fitted({settings})")
    assert result["asked"] == []
    assert result["columns"][-1] >= 63


def test_each_part_gets_the_edge_that_suits_it(gimp32: GimpForTests) -> None:
    result = gimp32.run(f"{RUN}fit_parts()")
    assert [asked[2] for asked in result["asked"]] == ["automatic", "automatic"]
    line = result["line"]
    assert line[8] == pytest.approx(1) and line[40] == 0, "the first part is cut down to its left"
    assert line[57:75] == pytest.approx([1] * 18), "the second stays"
    assert line[50] == 0


def test_only_the_part_that_is_fitted_grows(gimp32: GimpForTests) -> None:
    line = gimp32.run(f"{RUN}fit_parts(3.0)")["line"]
    assert line[2:20] == pytest.approx([1] * 18), "from column 4 it may grow to column 1"
    assert line[0] == 0 and line[40] == 0
    assert line[57:75] == pytest.approx([1] * 18)
    assert line[54] == 0 and line[77] == 0, "the second has grown"


def test_the_selection_is_fitted_by_the_menu_entry(gimp: GimpForTests) -> None:
    result = gimp.run(f"{RUN}fit_selection(24, 12, 40, 40)")
    assert (result["status"], result["message"]) == ("success", None)
    assert result["most more"] <= 1e-6
    assert 0.2 < result["selected"][1] / result["selected"][0] < 0.7, "the disc covers four tenths of the square"
    assert result["middle"] == pytest.approx(1)


def test_the_menu_entry_lets_the_selection_grow(gimp32: GimpForTests) -> None:
    # The disc ends at column 58, the selection at 50.
    small = gimp32.run(f"{RUN}fit_selection(24, 12, 26, 40)")
    grown = gimp32.run(f"{RUN}fit_selection(24, 12, 26, 40, grow=8)")
    assert (grown["status"], grown["message"]) == ("success", None)
    assert small["most more"] <= 1e-6 and grown["most more"] > 0.9
    assert grown["selected"][1] > 1.1 * small["selected"][1]
