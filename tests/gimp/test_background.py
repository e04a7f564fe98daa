# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of what is not selected, in real GIMP: the selection's edits through m, then theirs through exactly 1 - m."""

from __future__ import annotations

from typing import Any

import pytest

from gimp_saliency.shared import edits
from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window, wait_for
from tests.gimp.test_dialog import SELECTION, settled

ACTIVE = "[item.get_name() for item in image.get_selected_layers()]"

# Two ways to one picture.
TOLERANCE = {"U8": 1.5 / 255, "U1": 1e-4, "FL": 1e-4}


def run(gimp: GimpForTests, call: str, timeout: float = 240) -> Any:
    return gimp.run(f"import inside_background\nresult = inside_background.{call}", timeout=timeout)


def check_types(gimp: GimpForTests, precisions: list[str], shapes: list[str] | None = None) -> None:
    results = run(gimp, f"edit_each_type({precisions!r}, {shapes!r})", timeout=500)
    assert len(results) == len(precisions) * (6 + 5 if shapes is None else 2 * len(shapes))
    for name, result in results.items():
        tolerance = TOLERANCE.get(name.split()[1][:2], 1.5e-3)
        if gimp.is_32 or "FLOAT_LINEAR" in name:  # of others GIMP 3.0 rounds and clips what is between two edits
            assert result["difference"] <= tolerance, f"{name}: {result}"
        assert result["region"] <= (1e-6 if "FLOAT" in name else tolerance), f"{name}: {result}"
        assert result["changed"] > 4 / 255, f"{name}: {result}"
        # Set aside three times, not once as for the selection alone: see `inside._selection_rounding`.
        # Measured in twelve starts of GIMP: up to three steps of 2^-23, elsewhere none.
        assert result["selection"] <= (2**-21 if "DOUBLE" in name else 0), f"{name}: {result}"
        assert result["channels"] == 0 and result["saved"] and len(result["active"]) == 1, f"{name}: {result}"
        gray = name.startswith("GRAY")
        assert result["layers"] == (1 if not gimp.is_32 else 10 if gray else 12), f"{name}: {result}"


def test_is_a_second_edit_of_the_rest(gimp: GimpForTests) -> None:
    check_types(gimp, ["U8_NON_LINEAR", "FLOAT_LINEAR"])


@pytest.mark.thorough
def test_is_a_second_edit_of_the_rest_in_other_precisions(gimp: GimpForTests) -> None:
    others = ["U8_LINEAR", "U16_NON_LINEAR", "U32_PERCEPTUAL", "HALF_LINEAR", "FLOAT_NON_LINEAR", "DOUBLE_LINEAR"]
    check_types(gimp, others, ["opaque", "partly transparent"])


@pytest.mark.parametrize("load", [False, True])
def test_masks_add_up_to_one(gimp: GimpForTests, load: bool) -> None:
    if not gimp.is_32:
        pytest.skip("GIMP 3.0 has one copy without such masks")
    sums = run(gimp, f"masks_are_exact({load})")
    assert len(sums) == 18
    assert max(sums) <= 2**-11, sums  # half floats have no more digits
    assert sorted(sums)[15 - 1] <= 2**-22, sums  # all but those three


def test_adjusting_equals_editing(gimp: GimpForTests) -> None:
    results = run(gimp, "adjusting_equals_editing()", timeout=500)
    assert len(results) == 11 * 5
    for name, result in results.items():
        assert result["difference"] <= 1.5 / 255, f"{name}: {result}"
        assert result["changed"] > 2 / 255, f"{name}: {result}"
        assert result["selection"] == 0 and result["channels"] == 0, f"{name}: {result}"
        assert result["found"] == 1 and result["choices"] == result["wanted"], f"{name}: {result}"
        assert result["known"], f"{name}: {result}"


def test_is_found_from_all_layers(gimp: GimpForTests) -> None:
    for name, result in run(gimp, "found_from_everywhere()").items():
        assert result["ids"] == 1, name
        assert result["layers"] == ([[6, 6]] if gimp.is_32 else [[1, 0]]), name
        assert result["before"] <= 1e-6 and result["photo"], name
        assert result["region"] <= 1 / 255, name  # GIMP 3.0's copy keeps 16 bits of it


def test_values_changed_in_gimp_count(gimp: GimpForTests) -> None:
    if not gimp.is_32:
        pytest.skip("GIMP 3.0 has no live filters of ours")
    result = run(gimp, "changed_in_gimp()")
    assert result["exposure"] == pytest.approx(0.8)  # 0.4 EV at 50 %
    assert result["doubled"] == pytest.approx(0.8)
    assert result["sharpening"] == pytest.approx(3.0)
    assert result["by hand"] == [["sharpening"], ["sharpening"]]
    assert result["region"] == pytest.approx([-0.61]) and result["region by hand"] == []
    assert result["named"].startswith("Attenuate: Background: Exposure +0.80 EV")


def test_repeat(gimp: GimpForTests) -> None:
    result = run(gimp, "repeated()")
    assert (result["status"], result["error"]) == ("success", None)
    assert result["difference"] == 0
    assert result["adjustable"] == [True, 70]


def test_strength_zero_makes_no_layers(gimp: GimpForTests) -> None:
    results = run(gimp, "strengths()")
    assert results["both"]["parts"] == results["off"]["parts"] == []
    assert results["background"]["parts"] == ["region"] * (6 if gimp.is_32 else 1)
    assert results["region"]["parts"] == (["background"] * 6 if gimp.is_32 else ["region"])
    assert results["background"]["inside"] > 4 / 255 and results["background"]["outside"] == 0
    assert results["region"]["outside"] > 4 / 255 and results["region"]["inside"] == 0


def test_where_everything_is_selected_there_is_no_background(gimp: GimpForTests) -> None:
    assert run(gimp, "everything_selected()") == 0


def test_refined_masks_have_an_inverse_too(gimp: GimpForTests) -> None:
    assert run(gimp, "refined()")["difference"] <= 1.5 / 255


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_undo_and_redo(gimp: GimpForTests, window: Window) -> None:
    """Edit → undo → redo → adjust → undo, each one step that brings everything back."""
    tolerance = SELECTION if gimp.is_32 else 0
    before, selected, active = window.ask("state(image)"), window.selection(), window.ask(ACTIVE)
    window.ask("inside.answer_with(inside.ALL_EDITS)")
    window.ask("bool(inside.edit(image, image.get_selected_layers(), 'attenuate', background=True))")
    after = settled(window)
    assert len(after["layers"]) == (13 if gimp.is_32 else 2)
    assert after["pixels"] != before["pixels"] and after["channels"] == before["channels"]
    assert (window.selection() == selected).all()

    gui.undo_and_redo(window, before, after, selected, tolerance)
    for change in ("background=False", "background=True, background_strength=50.0, strength=130.0"):
        window.ask(f"bool(__import__('inside_background').readjusted(image, {change}))")
        changed = settled(window)
        assert changed["pixels"] != after["pixels"] and changed["channels"] == after["channels"]
        gui.undo_and_redo(window, after, changed, selected, tolerance)
        after = changed
    for _ in range(3):
        assert window.ask("image.is_dirty()")
        window.keys("ctrl+z")
    wait_for(lambda: window.ask("state(image)") == before, "all of it undone")
    assert window.ask(ACTIVE) == active


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_a_soft_edge_goes_with_it(window: Window) -> None:
    """In a window, where a channel that goes away may make another one active."""
    active, selected = window.ask(ACTIVE), window.selection()
    window.ask("inside.answer_with(inside.ALL_EDITS)")
    window.ask("bool(inside.edit(image, image.get_selected_layers(), 'attenuate', background=True, feather=9.0))")
    after = settled(window)
    assert len(after["layers"]) > 1 and after["channels"] == 0
    assert window.ask(ACTIVE) == active
    assert (window.selection() == selected).all()


def test_the_numbers_are_kept_in_the_layers(gimp: GimpForTests) -> None:
    contents = gimp.run(
        "import inside_background\nfrom gimp_saliency.layers.record import read_parasite\n"
        "image = inside_background.edited(background_strength=50.0)\n"
        "result = [read_parasite(item) for item in image.get_layers()[:-1]]\nimage.delete()"
    )
    assert len({content["id"] for content in contents}) == 1
    for content in contents:
        assert [edit.name for edit in edits.from_json(content["background"])][3:5] == ["curves", "white-balance"]
        assert content["background-strength"] == 50
    assert [content.get("part") for content in contents].count("background") == (6 if gimp.is_32 else 0)
