# SPDX-License-Identifier: GPL-3.0-or-later
"""Harmonies that get other values, and those that are made again on another layer, in real GIMP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared.harmony import INPUTS
from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window, wait_for
from tests.gimp.test_dialog import SELECTION, closed, settled

STEP = 1 / 255
INSIDE = "__import__('inside_harmony_again')"
WITH_WINDOW = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_harmony_again\nresult = inside_harmony_again.{call}", timeout=500)


def allow(scene: str, change: str, is_32: bool) -> float:
    """How far a changed harmony may be from one that was made so at once: bit for bit the same, with exceptions."""
    if is_32 and change in ("no shading", "nothing"):
        return 1.01 * STEP  # a group stays that would not have been made, and GIMP rounds what groups hold
    if "filters" in scene and change.startswith("nothing"):
        return 1.01 * STEP  # filters stay merged that would have been left alone
    return 1e-3 * STEP if scene == "float, part" else 0.0  # the part is kept in 16 bit


def test_changed_is_as_made_at_once(gimp: GimpForTests) -> None:
    """Also: the selection stays, the harmony is found from the active layer, and a file keeps all of it."""
    found = run(gimp, "compare_changes()")
    assert len(found) == 10 * 9
    wrong = []
    for name, result in found.items():
        limit = allow(*name.split(": "), gimp.is_32)
        if result["difference"] > limit:
            wrong.append(f"{name}: {result['difference'] / STEP:.3g} of 255 off")
        if result["changed"] < 2 * STEP:
            wrong.append(f"{name}: nothing happened")
        wrong += [f"{name}: {what}" for what in ("selection", "same", "active") if not result[what]]
        wrong += [f"{name}: {what}" for what in ("channels", "by hand", "saved") if result[what]]
    assert not wrong, "\n".join(wrong)


def test_groups_come_and_go_with_their_values(gimp32: GimpForTests) -> None:
    found = run(gimp32, "compare_changes()")
    shades = ["darken", "lighten"]
    wanted = {
        "weaker": ["curves", *shades],
        "stronger": ["curves", *shades],
        "no colour": shades,
        "colour comes": ["curves", *shades],
        "no shading": ["curves"],
        "shading comes": ["curves", *shades],
        "other curves": [],
        "nothing": [],
        "nothing of curves": [],
    }
    for name, steps in wanted.items():
        result = found[f"8 bit: {name}"]
        assert result["steps"] == steps, name
        assert result["holder"] == (name not in ("other curves", "nothing of curves")), name
        assert result["layers"] == (1 if name == "other curves" else len(steps)), name


def test_nothing_and_back(gimp: GimpForTests) -> None:
    for kind, difference in run(gimp, "go_and_come_back()").items():
        assert difference == 0, kind


def test_what_the_user_painted_stays(gimp32: GimpForTests) -> None:
    assert run(gimp32, "keep_what_was_painted()") == {
        "same layers": True,
        "painted": True,
        "darker": True,
        "drawn anew": True,
        "names": ["Holder", "Mine"],
        "opacities": [70, 60],
        "same layers again": True,
    }


def test_the_shading_goes_where_the_group_goes(gimp32: GimpForTests) -> None:
    found = run(gimp32, "move_holder()")
    assert found["box"] == [13, 9, 53, 39]
    assert found["box beyond"] == [0, 12, 17, 42]
    assert found["moved"] == 0 and found["there and back"] == 0 and found["cropped"] == 0
    assert max(found["scaled"]) <= 1e-6


def test_what_is_shown_beside_the_canvas(gimp32: GimpForTests) -> None:
    """A map that is cut at the canvas has as many values in less room, between those that there are."""
    difference, changed = run(gimp32, "show_beyond_the_canvas()")
    assert difference <= STEP and changed > 20 * STEP


def test_older_notes(gimp: GimpForTests) -> None:
    assert run(gimp, "read_older_notes()") == {"both": True, "curves": True, "shading": True}


def test_curves_changed_by_hand_stay(gimp32: GimpForTests) -> None:
    """In a group and on the layer itself, also where that gets its group; the shading changes all the same."""
    assert run(gimp32, "keep_curves_by_hand()") == {
        "group": [True, True, True, 3, 3, True],
        "layer": [True, True, True, 3, 3, True],
    }


def test_a_layer_that_gets_its_group_is_as_before(gimp32: GimpForTests) -> None:
    assert run(gimp32, "leave_the_original()") == {"plain": True, "same": True, "original": True}


def test_baked_copies_can_be_changed_in_32(gimp32: GimpForTests) -> None:
    assert run(gimp32, "change_baked_in_32()") == {"False": [True, True, 4], "True": [True, True, 4]}


def test_a_copy_keeps_what_is_the_users(gimp30: GimpForTests) -> None:
    assert run(gimp30, "change_a_copy()") == {
        "new": 4,
        "pixels": True,
        "kept": ["Mine", 40, "screen"],
        "mask": True,
        "on top": True,
        "original": True,
        "by original": True,
    }


SENTENCES = {
    "gone": "is gone",
    "moved": "do not lie at the same place",
    "resized": "do not lie at the same place",
    "edited later": "A later edit above",
    "of 3.2": "GIMP 3.2",
    "empty": "group is empty",
    "other filters": "other filters",
    "filter gone": "curves are gone",
    "part moved": "moved or resized",
    "locked": "locked",
    "damaged": "damaged",
}


def test_what_cannot_be_changed_is_a_sentence(gimp: GimpForTests) -> None:
    found = run(gimp, "say_what_is_wrong()")
    assert len(found) == (6 if gimp.is_32 else 8)
    for name, (sentence, untouched) in found.items():
        assert SENTENCES[name] in sentence and sentence.endswith("."), (name, sentence)
        assert untouched, name


def test_a_harmony_is_found_from_all_its_layers(gimp: GimpForTests) -> None:
    """And from the hidden original; a later edit in its group is that edit."""
    found = run(gimp, "find_from_everywhere()")
    own, groups, layers = found.pop("edit above")
    assert layers == 1
    if gimp.is_32:
        assert own and groups == [True] * 3
    drawables = (
        {"both": 13, "shading": 11, "curves": 2} if gimp.is_32 else dict.fromkeys(("both", "shading", "curves"), 4)
    )
    for kind, result in found.items():
        assert result == {"ids": True, "drawables": drawables[kind], "others": False}, kind


def test_a_step_comes_in_below_an_edit(gimp32: GimpForTests) -> None:
    assert run(gimp32, "change_below_an_edit()") == ["", "curves", "darken", "lighten", "attenuate"]


def test_the_procedure(gimp: GimpForTests) -> None:
    found = run(gimp, "adjust_by_tool()")
    assert found == {"status": ["success", None], "strengths": [80, 50, 30], "style": True, "same": True}


def test_a_new_prediction_takes_the_base_s_place(gimp: GimpForTests) -> None:
    assert run(gimp, "predict_anew()") == {"same": True, "noted": [True, "another"]}


def test_before_is_as_if_there_were_no_harmony(gimp: GimpForTests) -> None:
    found = run(gimp, "show_before()")
    assert len(found) == 7 * 3
    for name, (difference, seen, selected, untouched) in found.items():
        # Filters are merged into the copy of a layer that has several.
        assert difference <= (1.01 * STEP if "filters" in name else 0), name
        assert (seen or "filters" in name) and selected and untouched, name


def test_a_selection_beside_the_layer_names_what_to_match(gimp: GimpForTests) -> None:
    assert run(gimp, "name_a_reference()") == [True, False, False, False]


def test_repeat(gimp: GimpForTests) -> None:
    found = run(gimp, "repeat()")
    sentences = found.pop("sentences")
    assert found.pop("text")
    for kind, result in found.items():
        assert result == [["success", None], True, "model", True], kind
    assert "covers the whole picture" in sentences["photo"]
    assert "is hidden" in sentences["hidden"]
    assert "harmonized already" in sentences["harmonized"]


def test_what_is_remembered(gimp: GimpForTests) -> None:
    found = run(gimp, "remember_by_tool()")
    layers = 3 if gimp.is_32 else 1
    assert found == {"script": True, "strength": 70, "repeated": layers, "edit": "attention"}


@WITH_WINDOW
def test_undo_and_redo(gimp: GimpForTests, window: Window) -> None:
    """One step takes a change back, and redo brings the same picture."""
    scenes: dict[str, tuple[dict[str, Any], list[float], list[float]]] = {
        "weaker": ({}, [100, 100, 100], [50, 100, 100]),
        "fewer groups": ({}, [100, 100, 100], [100, 0, 60]),
        "more groups": ({"masked": True}, [100, 0, 100], [100, 60, 100]),
        "the layer's own curves": ({}, [100, 100, 0], [100, 50, 0]),
        "a group comes": ({}, [100, 100, 0], [100, 50, 70]),
        "part": ({}, [100, 100, 100], [50, 100, 80]),
        "part without curves": ({}, [100, 0, 100], [50, 60, 80]),
    }
    for name, (scene, first, then) in scenes.items():
        window.ask("show({})")
        window.ask(f"__import__('inside_harmony').add_cutout(image, **{scene!r})")
        settings = f"{first!r}, part={name.startswith('part')}"
        window.ask(f"{INSIDE}.harmonize_at(image, image.get_selected_layers()[0], {settings}) and image.clean_all()")
        before, selected = settled(window), window.selection()
        assert window.ask(f"{INSIDE}.change_active(image, *{then!r})"), name
        after = settled(window)
        assert after["pixels"] != before["pixels"] and after["channels"] == before["channels"], name
        assert (window.selection() == selected).all(), name
        gui.undo_and_redo(window, before, after, selected, SELECTION if gimp.is_32 else 0)


@WITH_WINDOW
def test_the_dialog(gimp: GimpForTests, window: Window) -> None:
    """Menu → cancel → menu → another strength → OK → undo → redo; it opens with the harmony's own strengths."""
    window.ask("__import__('inside_harmony').add_cutout(image)")
    window.ask("Gimp.Selection.none(image)")
    window.ask(f"{INSIDE}.harmonize_at(image, image.get_selected_layers()[0], (100, 80, 90)) and image.clean_all()")
    before, selected = settled(window), window.selection()
    open_dialog(window)
    window.sharp_picture()
    window.screenshot(f"adjust-harmony-{gimp.gimp.version[0]}.{gimp.gimp.version[1]}")
    window.keys("Escape")
    closed(window, "Adjust Edit")
    assert settled(window) == before, "Cancel changed the image"

    open_dialog(window)
    judged = len(window.notes("judged"))
    window.keys("alt+n", "4", "0", "Tab", pause=0.2)
    window.next_note("judged", judged)
    window.keys("alt+o")
    closed(window, "Adjust Edit")
    wait_for(lambda: window.ask("state(image)") != before, "the change")
    after = settled(window)
    assert window.ask(f"{INSIDE}.read_active(image)") == [40, 80, 90]
    gui.undo_and_redo(window, before, after, selected, SELECTION if gimp.is_32 else 0)


@WITH_WINDOW
def test_the_dialog_of_curves_changed_by_hand(gimp32: GimpForTests, tmp_path: Path) -> None:
    """*Colour* cannot be set, and the curves stay; the strength of the shading changes."""
    with gui.opened(gimp32, tmp_path) as window:
        window.ask("__import__('inside_harmony').add_cutout(image)")
        window.ask("Gimp.Selection.none(image)")
        window.ask(f"{INSIDE}.harmonize_at(image, image.get_selected_layers()[0], (100, 80, 90)) and True")
        assert window.ask(f"{INSIDE}.bend_active(image)")
        before = settled(window)
        open_dialog(window)
        judged = len(window.notes("judged"))
        window.keys("alt+u", "1", "0", "Tab", "alt+d", "5", "0", "Tab", pause=0.2)
        window.next_note("judged", judged)
        window.keys("alt+o")
        closed(window, "Adjust Edit")
        wait_for(lambda: window.ask("state(image)") != before, "the change")
        settled(window)
        assert window.ask(f"{INSIDE}.read_active(image)") == [100, 80, 50]
        assert window.ask(f"{INSIDE}.find(image).by_hand")


@WITH_WINDOW
def test_predict_again(gimp: GimpForTests, tmp_path: Path, own_folder: Path) -> None:
    """The dialog's button asks the server, and OK applies its answer in place of what there was, in one undo step."""
    env = {"XDG_CONFIG_HOME": str(own_folder), "GIMP_SALIENCY_RUNTIME": str(own_folder)}
    with gui.opened(gimp, tmp_path, env=env) as window:
        window.ask("__import__('inside_harmony').add_cutout(image)")
        window.ask("Gimp.Selection.none(image)")
        window.ask(f"{INSIDE}.harmonize_at(image, image.get_selected_layers()[0], (100, 80, 90)) and image.clean_all()")
        before, selected = settled(window), window.selection()
        base = window.ask(f"{INSIDE}.read_base(image)")
        open_dialog(window)
        judged = len(window.notes("judged"))
        window.keys("alt+p")
        window.next_note("judged", judged)
        assert window.ask("state(image)") == before
        window.keys("alt+o")
        closed(window, "Adjust Edit")
        wait_for(lambda: window.ask("state(image)") != before, "the change")
        after = settled(window)
        model, curves = window.ask(f"{INSIDE}.read_base(image)")
        assert base[0] == "test" and model.startswith("harmonize-fake") and curves != base[1]
        assert curves[1:] == [[round(x, 5) for x in INPUTS]] * 2  # as the server says
        assert window.ask(f"{INSIDE}.read_active(image)") == [100, 80, 90]
        gui.undo_and_redo(window, before, after, selected, SELECTION if gimp.is_32 else 0)


def open_dialog(window: Window) -> None:
    """Choose *Adjust Edit* and wait until its dialog has shown the harmony."""
    judged = len(window.notes("judged"))
    window.menu("Adjust Edit")
    window.activate("Adjust Edit")
    window.next_note("judged", judged)
