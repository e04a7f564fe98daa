# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that are changed later, made again, softened, split and previewed, in real GIMP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import GimpForTests


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_adjust\nresult = inside_adjust.{call}")


@pytest.mark.thorough
def test_adjusting_equals_editing(gimp: GimpForTests) -> None:
    results = run(gimp, "adjusting_equals_editing()")
    assert len(results) == 6 * 7
    for name, result in results.items():
        assert result["difference"] <= 1.01 / 255, f"{name}: {result}"
        assert result["changed"] > 2 / 255, f"{name}: {result}"
        assert result["selection"] == 0, f"{name}: {result}"
        assert result["channels"] == 0, f"{name}: {result}"
        assert [result["again"], result["kinds"]] == result["wanted"], f"{name}: {result}"


def test_numbers_are_selected_as_they_are(gimp: GimpForTests) -> None:
    off = run(gimp, "selected_after_loading()")
    assert len(off) == 16
    assert max(off) <= 2, off  # GIMP 3.2 hands the mask out display-encoded, which costs a step or two


def test_an_edit_is_found_from_all_its_layers(gimp: GimpForTests) -> None:
    for name, result in run(gimp, "found_from_everywhere()").items():
        assert result["ids"] == 1, name
        assert result["drawables"] >= (9 if gimp.is_32 else 1), name


def test_values_changed_in_gimp_count(gimp: GimpForTests) -> None:
    if not gimp.is_32:
        pytest.skip("GIMP 3.0 has no live filters of ours")
    result = run(gimp, "changed_in_gimp()")
    assert result["exposure"] == pytest.approx(2.0)  # 1 EV at 50 %
    assert result["saturation"] == pytest.approx(0.0625)
    assert result["sharpening"] == pytest.approx(0.04)
    assert result["by hand"] == ["contrast", "curves", "tone"]  # contrast and tone are one filter
    assert result["kept"] <= 1e-9
    assert result["doubled"] == pytest.approx(2.0)
    assert result["curves still theirs"]
    assert result["another width"] == ["contrast", "curves", "sharpening", "tone"]


def test_contrast_and_tone_in_one_layer(gimp32: GimpForTests) -> None:
    result = run(gimp32, "in_one_layer()")
    rest = [["exposure"], ["saturation"], ["white-balance"], ["curves"]]
    together, apart = (["sharpening"], ["contrast", "tone"]), (["sharpening"], ["contrast"], ["tone"])
    assert result["both off, and on again"] == [[*together, *rest], 0]
    assert result["nothing to change"] == [[["sharpening"], ["tone"], *rest], True]
    kinds, difference = result["of an older version"]
    assert kinds == [*apart, *rest] and difference <= 2 / 255  # blended twice, at a soft edge
    assert result["changed by hand, one more"] == [*apart, *rest]
    assert result["changed by hand, hidden"]
    assert [kind for kind in result["made gray"] if kind[0] in ("contrast", "tone")] == [["contrast"], ["tone"]]


def test_a_strangers_parasite_is_a_sentence(gimp: GimpForTests) -> None:
    results = run(gimp, "hostile()")
    assert len(results) == 9
    for name, sentence in results.items():
        if name == "deep" and gimp.is_32:
            assert sentence
            continue
        assert "delete its layers" in sentence or "belongs to no edit" in sentence, f"{name}: {sentence}"


def test_repeat(gimp: GimpForTests) -> None:
    result = run(gimp, "repeated()")
    assert not result["strangers"]
    assert "no edit to repeat" in result["nothing"]
    assert (result["status"], result["error"]) == ("success", None)
    assert result["difference"] == 0
    assert result["direction"] == "emphasize"
    assert result["adjustable"] == 80


def test_feather_softens_the_mask_alone(gimp: GimpForTests) -> None:
    result = run(gimp, "feathered()")
    assert result["difference"] <= 1.01 / 255
    assert result["selection"] == 0
    assert result["channels"] == 0


@pytest.mark.parametrize(("width", "height", "tiles"), [(300, 200, 1), (2300, 400, 2)])
def test_refining_goes_by_tiles(gimp: GimpForTests, width: int, height: int, tiles: int) -> None:
    result = run(gimp, f"refined({width}, {height})")
    assert len(result["asked"]) == tiles
    assert all(max(size) <= 2048 for size in result["asked"])
    assert result["difference"] <= 1.01 / 255


def test_refining_finds_the_edge(gimp: GimpForTests) -> None:
    result = run(gimp, "really_refined()")
    assert result["square"] > 0.97
    assert result["border"] < 0.5  # selected wholly before


def test_separate_parts_get_edits_of_their_own(gimp: GimpForTests) -> None:
    results = run(gimp, "separate_parts()")
    assert set(results.pop("asked")) == {"left", "right"}
    for name, result in results.items():
        assert result["difference"] <= 1.5 / 255, name
        assert result["edits"] == 2, name
        assert result["selection"] == 0, name


def test_previews_show_what_will_be(gimp: GimpForTests) -> None:
    differences = run(gimp, "previews()")
    assert len(differences) == 6
    assert max(differences) <= 2, differences


def test_preview_of_parts(gimp: GimpForTests) -> None:
    result = run(gimp, "preview_of_parts()")
    assert result["first"] < 0 < result["second"]
    assert result["outside"] == 0
    assert result["disjoint"]
