# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmonized layer in real GIMP: exact in every kind of image, nothing else changed, every bad input a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window
from tests.gimp.test_dialog import SELECTION, settled

STEP = 1 / 255


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_harmony\nresult = inside_harmony.{call}", timeout=400)


def allow(name: str) -> float:
    """How far a picture may be from plain Python's, display-encoded."""
    if name.startswith(("float", "gray, float")):
        return 1e-4
    # 8-bit layers and masks are rounded; in 16 bit both are 257 times as fine.
    return (0.02 if name.startswith("16 bit") else 1.01) * STEP


def test_every_scene_is_what_plain_python_says(gimp: GimpForTests) -> None:
    """Also: nothing outside of the cut-out or of the selection changes, no other layer, no alpha, no selection."""
    found = run(gimp, "compare_scenes()")
    assert len(found) == 18 * 3
    wrong = []
    for name, result in found.items():
        limit = allow(name)
        if result["difference"] > limit:
            wrong.append(f"{name}: {result['difference'] / limit:.2f} times as far as it may be")
        if result["changed"] < 3 * STEP:
            wrong.append(f"{name}: nothing happened")
        wrong += [
            f"{name}: {what}" for what in ("unchanged outside", "originals", "alpha", "selection") if not result[what]
        ]
        if result["channels"] or result["saved"]:
            wrong.append(f"{name}: {result['channels']} channels, saved {result['saved']:.2g} off")
        kind = name.rpartition(": ")[2]
        layers = {"both": 3, "shading": 2, "curves": 1}[kind] if gimp.is_32 else 1
        if result["layers"] != layers:
            wrong.append(f"{name}: {result['layers']} layers")
    assert not wrong, "\n".join(wrong)


def test_a_map_with_more_values_than_pixels(gimp: GimpForTests) -> None:
    assert run(gimp, "below_32_pixels()") <= 1e-4


def test_alpha_and_what_is_transparent_stay(gimp: GimpForTests) -> None:
    found = run(gimp, "keep_alpha_and_hidden_colours()")
    assert len(found) == 9
    assert all(found.values()), found


def test_layers_of_live_harmonies(gimp32: GimpForTests) -> None:
    """Curves alone are a filter of the layer; else a group has its place, mode and opacity."""
    found = run(gimp32, "layers_of(masked=True)")
    curves, both, shading = (found[kind] for kind in ("curves", "both", "shading"))
    (layer, photo) = curves["tree"]
    assert layer[:4] == ["Cut-out", True, True, ["gimp:curves"]] and photo[0] == "Photo"
    assert curves["made"] == ["Cut-out"] and curves["active"] == "Cut-out" and curves["top"] == [60, "screen"]
    for result, names in ((both, ["Curves", "Darken", "Lighten"]), (shading, ["Darken", "Lighten"])):
        assert result["made"] == names and result["active"] == "Cut-out copy"
        assert result["top"] == [60, "screen"]
        holder, original, photo = result["tree"]
        assert holder[:3] == ["Cut-out harmonized", True, True] and original[:3] == ["Cut-out", False, True]
        *groups, copy = holder[5]
        assert copy[:4] == ["Cut-out copy", True, False, []]
        assert [group[0] for group in groups] == names[::-1]
        for name, is_visible, has_mask, filters, parasites, _extent in groups:
            assert is_visible and parasites == ["saliency-edit"]
            assert (has_mask, filters) == ((False, ["gimp:curves"]) if name == "Curves" else (True, ["gegl:exposure"]))


def test_layers_of_baked_harmonies(gimp30: GimpForTests) -> None:
    for result in run(gimp30, "layers_of(masked=True)").values():
        copy, original, _photo = result["tree"]
        assert copy == ["Cut-out harmonized", True, True, [], ["saliency-edit"], []]
        assert original[:2] == ["Cut-out", False]
        assert result["made"] == ["Cut-out harmonized"] and result["active"] == "Cut-out harmonized"
        assert result["top"] == [60, "screen"]


def test_strengths(gimp: GimpForTests) -> None:
    """What changes nothing makes no layer and no undo step; the record says what was asked."""
    found = run(gimp, "strengths()")
    curves, shades = (["curves"], ["darken", "lighten"]) if gimp.is_32 else ([""], [""])
    for name, steps in {"nothing": [], "both off": [], "no shading": curves, "no colour": shades}.items():
        assert found[name]["steps"] == steps, name
        assert found[name]["dirty"] == bool(steps), name
    texts, style = ["test", 32, True, False], [0.5, -4, *[0] * 8]
    assert found["record"] == {"base": True, "strengths": [140, 50, 100], "texts": texts, "style": style}


def test_damaged_records_are_refused(gimp: GimpForTests) -> None:
    found = run(gimp, "damaged()")
    assert found.pop("good") == "True"
    assert "«relight»" in found.pop("another tool")
    assert len(found) == 8
    for name, sentence in found.items():
        assert "damaged" in sentence and sentence.endswith("."), name


def test_a_harmony_is_not_for_adjusting(gimp: GimpForTests) -> None:
    for kind, sentences in run(gimp, "adjusting()").items():
        (sentence,) = sentences
        assert "harmonize again" in sentence and "update" not in sentence and sentence.endswith("."), kind


def test_edits_go_above_a_harmony(gimp: GimpForTests) -> None:
    for kind, result in run(gimp, "edit_afterwards()").items():
        assert result == {"darker": True, "base": ["exposure"]}, kind


def test_the_server_sees_what_gimp_shows(gimp: GimpForTests) -> None:
    """Coverage with the layer mask and without the opacity; all at and below the layer, and nothing above it."""
    found = run(gimp, "seen()")
    assert found.pop("covered")
    assert len(found) == 9
    for name, (coverage, colours) in found.items():
        assert coverage <= 0.005, name
        assert colours <= 0.005, name


def test_what_a_selection_means(gimp: GimpForTests) -> None:
    found = run(gimp, "selections()")
    left, right, part = found["beside"]
    assert left > 250 and right < 5 and not part
    assert {name: found[name] for name in ("none", "all", "around", "touching", "inside")} == {
        "none": [False],
        "all": [False],
        "around": [False],
        "touching": [True],
        "inside": [True],
    }


SENTENCES = {
    "several": "exactly one layer",
    "none": "exactly one layer",
    "channel": "mask or channel",
    "group": "group is active",
    "hidden": "is hidden",
    "hidden group": "is hidden",
    "locked": "locked",
    "locked as visible": "visibility is locked: unlock it",
    "floating": "anchor",
    "indexed": "Image → Mode → RGB",
    "opaque": "covers the whole picture",
    "photo": "covers the whole picture",
    "all masked": "nothing to see",
    "empty": "nothing to see",
    "beside the canvas": "nothing to see",
    "nothing below": "Nothing is visible below",
    "photo hidden": "Nothing is visible below",
    "photo empty": "Nothing is visible below",
    "harmonized": "harmonized already",
    "with curves": "harmonized already",
    "edited": "has an edit",
    "tiny": "smaller than 16",
    "narrow": "too narrow",
}


def test_bad_input_is_a_sentence(gimp: GimpForTests) -> None:
    found = run(gimp, "sentences()")
    assert found.keys() == SENTENCES.keys()
    for name, (sentence, untouched) in found.items():
        wanted = SENTENCES["harmonized"] if name == "edited" and not gimp.is_32 else SENTENCES[name]
        assert wanted in sentence and sentence.endswith("."), (name, sentence)
        assert untouched, name


def test_a_mask_stands_for_its_layer(gimp: GimpForTests) -> None:
    assert run(gimp, "by_mask()")


def test_the_tool(gimp: GimpForTests) -> None:
    """A script's call: what the server is asked, strengths, reference and part, and the selection stays."""
    found = run(gimp, "by_tool()")
    pixels = 64 * 48
    for name, reference, part, bounds in (
        ("whole", False, False, [26, 12, 56, 42]),
        ("beside", pixels, False, [26, 12, 56, 42]),
        ("part", False, True, [30, 20, 42, 29]),
    ):
        result = found[name]
        assert result["asked"] == [4 * pixels, 64, 48, reference], name
        assert result["strengths"] == [80, 100, 50] and result["record"] == ["stand-in", part], name
        assert result["changed"] == bounds and result["selection"], name


def test_the_tool_with_a_saved_style(gimp: GimpForTests) -> None:
    """The layers note its numbers, not its name, which may mean another one by and by."""
    found = run(gimp, "by_tool_in_style()")
    style = [0.5, -4, *[0] * 8]
    assert found["asked"] == style and found["noted"] == ["", style]
    assert found["refused"] == "There is no style «Pale»: choose one of «Faded»."


def test_without_its_filter_a_layer_can_be_harmonized_again(gimp32: GimpForTests) -> None:
    assert run(gimp32, "find_again()")


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_undo_and_redo(gimp: GimpForTests, window: Window) -> None:
    """One step takes all of it back, and redo brings the same picture, whatever the layer has of its own."""
    scenes: dict[str, tuple[dict[str, bool], dict[str, Any]]] = {
        "curves": ({}, {"kind": "curves"}),
        "curves beside a mask": ({"masked": True}, {"kind": "curves"}),
        "both": ({}, {}),
        "both beside a mask": ({"masked": True}, {}),
        "part": ({}, {"part": True}),
        "curves after filters": ({"filters": True}, {"kind": "curves"}),
        "both after filters": ({"filters": True}, {}),
    }
    for name, (scene, settings) in scenes.items():
        window.ask("show({})")
        window.ask(f"__import__('inside_harmony').add_cutout(image, **{scene!r})")
        before, selected = window.ask("state(image)"), window.selection()
        assert window.ask(f"__import__('inside_harmony').harmonize_active(image, **{settings!r})"), name
        after = settled(window)
        assert after["pixels"] != before["pixels"] and after["channels"] == before["channels"], name
        assert (window.selection() == selected).all(), name
        gui.undo_and_redo(window, before, after, selected, SELECTION if gimp.is_32 else 0)
