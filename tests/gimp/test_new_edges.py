# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that get another edge later, in real GIMP: from what was selected, whatever the edit made of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window
from tests.gimp.test_dialog import SELECTION, closed, open_dialog, settled


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_new_edges\nresult = inside_new_edges.{call}", timeout=240)


def test_a_soft_edge_is_taken_back_and_made_again(gimp: GimpForTests) -> None:
    results = run(gimp, "there_and_back()")
    assert len(results) == 16
    for name, result in results.items():
        assert result["changed"], name
        limit = 1.01 / 255 if name.endswith("True") else 0  # of files GIMP keeps selections in other 8 bits than masks
        assert max(result["masks"]) <= limit, f"{name}: {result}"
        assert max(result["difference"]) <= 3 * limit + 1.01 / 255, f"{name}: {result}"
        assert result["selection"] and result["channels"] == 0, f"{name}: {result}"
        assert result["record"] == ["soft", 5.0, True], name


def test_any_edge_after_any_other(gimp: GimpForTests) -> None:
    for name, (same, difference) in run(gimp, "through_all()").items():
        assert same and difference <= 1.01 / 255, name


def test_each_part_has_an_edge_of_its_own(gimp: GimpForTests) -> None:
    results = run(gimp, "of_parts()")
    for shape in ("opaque", "transparent"):
        assert results[f"{shape}, one"] <= 1.01 / 255, "the background has another mask"
        assert results[f"{shape}, selection"]
        if gimp.is_32:
            same, difference = results[f"{shape}, all"]
            assert same and difference <= 1.01 / 255


def test_all_frames_get_it(gimp: GimpForTests) -> None:
    result = run(gimp, "of_frames()")
    assert result["same"] and result["number"] == (36 if gimp.is_32 else 3)


def test_a_painted_mask_stays_as_long_as_the_edge(gimp32: GimpForTests) -> None:
    assert run(gimp32, "painted()") == {"another strength": True, "another edge": True, "still off": True}


def test_of_an_older_version_the_mask_is_what_was_selected(gimp: GimpForTests) -> None:
    result = run(gimp, "of_an_older_version()")
    assert result["edge"] == ["selected", 0.0, ""]
    assert result["keeps"] == [False, False, True]
    assert result["masks"] == [True, True] and result["soft"]
    assert result["difference"] <= 1.01 / 255


def test_what_is_not_known_any_more_is_a_sentence(gimp: GimpForTests) -> None:
    for name, result in run(gimp, "lost()").items():
        assert result["status"] == "execution-error" and result["untouched"], f"{name}: {result}"
        assert result["kept"], name
        assert result["why"] and "edit again" in result["sentence"], f"{name}: {result}"


def test_scripts_leave_the_edge_or_set_it(gimp: GimpForTests) -> None:
    result = run(gimp, "by_a_script()")
    assert result.pop("back")
    assert result.pop("grown") == [["object", 4.0, False], ["object", 4.0, False], ["object", 7.0, False]]
    assert result == {name: ["success", None, True] for name in ("nothing", "width alone", "edge", "both")}


def test_a_silent_server_leaves_the_image(gimp: GimpForTests) -> None:
    assert run(gimp, "after_a_fault()") == {"said": "No.", "untouched": True}


def test_previews_show_the_edge(gimp: GimpForTests) -> None:
    results = run(gimp, "previews()")
    assert len(results) == 10
    assert max(results.values()) <= 4, results  # of parts three edits lie above each other, each rounded


def test_little_is_kept(gimp: GimpForTests) -> None:
    assert run(gimp, "kept_size()") < 4000


def test_masks_are_what_is_selected(gimp32: GimpForTests) -> None:
    results = run(gimp32, "masks_of_files()")
    assert len(results) == 4 and max(results.values()) <= 1.01 / 255, results


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_undo_and_redo(gimp: GimpForTests, window: Window) -> None:
    """Each new edge is one step that undo takes back and redo brings again, whatever is selected meanwhile."""
    tolerance = SELECTION if gimp.is_32 else 0
    ours = "__import__('inside_new_edges')"
    window.ask(f"{ours}.edit(image, edge='soft', feather=20.0)")
    window.ask("inside.select(image, (200, 60, 120, 90), 10)")
    selected, after = window.selection(), settled(window)
    masks = window.ask(f"{ours}.masks(image)")
    for edge in ("selected", "soft"):
        window.ask(f"{ours}.give_edge(image, '{edge}')")
        changed, new_masks = settled(window), window.ask(f"{ours}.masks(image)")
        assert changed["pixels"] != after["pixels"] and changed["channels"] == after["channels"]
        assert abs(window.selection() - selected).max() == 0
        gui.undo_and_redo(window, after, changed, selected, tolerance)
        assert window.ask(f"{ours}.masks(image)") == new_masks != masks
        window.keys("ctrl+z")
        gui.wait_for(lambda: window.ask("state(image)") == after, "undo")  # noqa: B023
        assert window.ask(f"{ours}.masks(image)") == masks
        window.keys("ctrl+y")
        gui.wait_for(lambda: window.ask("state(image)") == changed, "redo")  # noqa: B023
        after, masks = changed, new_masks


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_the_dialog(gimp: GimpForTests, window: Window) -> None:
    """Another edge → the picture and both meters follow → OK → undo → redo; the same edge again shows what was made."""
    ours = "__import__('inside_new_edges')"
    window.ask(f"{ours}.edit(image, edge='selected')")
    window.ask("Gimp.Selection.none(image)")
    selected, after = window.selection(), settled(window)
    first = open_dialog(window, "Adjust Edit")
    window.calm()
    made = painted(window)
    window.screenshot(f"new-edge-3.{gimp.gimp.version[1]}")
    window.keys("alt+d", "Up", pause=0.3)  # from the last edge to the soft one
    window.calm()
    assert painted(window) != made, "another edge shows the same picture"
    assert window.notes("measured")[-1] != first
    window.screenshot(f"new-edge-soft-3.{gimp.gimp.version[1]}")
    window.keys("Down", pause=0.3)
    window.calm()
    assert painted(window) == made, "the edge that was made is shown as another one"
    window.keys("Up", pause=0.3)
    window.calm()
    assert window.ask("state(image)") == after
    _left, _top, width, height = window.measure("Adjust Edit")
    assert width <= 1280 and height <= 770
    window.keys("alt+o")
    closed(window, "Adjust Edit")
    gui.wait_for(lambda: window.ask("state(image)") != after, "the change")
    changed = settled(window)
    assert changed["pixels"] != after["pixels"]
    gui.undo_and_redo(window, after, changed, selected, SELECTION if gimp.is_32 else 0)


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_the_dialog_leaves_an_edge_that_cannot_change(window: Window) -> None:
    ours = "__import__('inside_new_edges')"
    window.ask(f"{ours}.edit(image, edge='soft')")
    for name in ("crop(460, 320, 0, 0)", "clean_all()"):
        window.ask(f"image.{name}")
    open_dialog(window, "Adjust Edit")
    window.calm()
    made = painted(window)
    window.keys("alt+d", "Down", pause=0.3)
    window.calm()
    assert painted(window) == made
    window.keys("Escape")
    closed(window, "Adjust Edit")
    assert not window.ask("image.is_dirty()")


def painted(window: Window) -> int:
    """The checksum of the picture that the dialog shows."""
    return int(window.sharp_picture()["picture"])
