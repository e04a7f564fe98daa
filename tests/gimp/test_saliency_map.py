# SPDX-License-Identifier: GPL-3.0-or-later
"""The saliency map as a layer: its look and values in every kind of image, what it leaves alone, undo and redo."""

from __future__ import annotations

from typing import Any

import pytest

from gimp_saliency.shared import version
from tests.conftest import GimpForTests
from tests.gimp.gui import Window, wait_for


@pytest.fixture(scope="module")
def added(gimp: GimpForTests) -> dict[str, Any]:
    answer: dict[str, Any] = gimp.run("import inside_map\nresult = inside_map.add_to_each_type()")
    return answer


def test_a_layer_on_top(added: dict[str, Any]) -> None:
    assert len(added) > 100
    for name, result in added.items():
        assert result["first"], name
        assert result["looks"] == ["Saliency map", 50, True], name
        assert result["place"] == [0, 0, 64, 48], name


def test_hot_where_the_map_is(added: dict[str, Any]) -> None:
    for name, result in added.items():
        coldest = [0, 0, 0] if name.startswith("GRAY") else [20, 0, 56]
        tolerance = 14 if "U8_LINEAR" in name else 2  # such images have few dark values
        assert result["hot"] == pytest.approx([255, 255, 255], abs=tolerance), name
        for cold in result["cold"]:
            assert cold == pytest.approx(coldest, abs=tolerance), name


def test_values_are_in_the_parasite_and_in_the_file(added: dict[str, Any]) -> None:
    for name, result in added.items():
        assert result["same values"], name
        assert result["facts"] == {"version": version.VERSION, "model": "test", "width": 64, "height": 48}, name
        assert result["saved"] == [result["hot"], result["cold"][0]], name


def test_nothing_else_changes(added: dict[str, Any]) -> None:
    for name, result in added.items():
        assert result["selection kept"], name
        assert result["active kept"], name


def test_the_server_sees_the_visible_picture(added: dict[str, Any]) -> None:
    for name, result in added.items():
        assert result["seen"] < 1.5, name


def test_enlarged_smoothly(gimp: GimpForTests) -> None:
    result = gimp.run("import inside_map\nresult = inside_map.enlarged()")
    assert result["size"] == [384, 175]
    steps = [b - a for a, b in zip(result["row"], result["row"][1:])]
    assert (result["row"][0], result["row"][-1]) == (0, 255)
    assert set(steps) == {0, 1}, "blocks, or edges that shine through"


def test_another_map_is_no_part_of_the_picture(gimp: GimpForTests) -> None:
    for result in gimp.run("import inside_map\nresult = inside_map.a_second_one()").values():
        assert result["same"]
        assert result["names"][0] == "Saliency map"
        assert result["visible"] == [True, True, True]


def test_an_active_channel_stays_active(gimp: GimpForTests) -> None:
    assert gimp.run("import inside_map\nresult = inside_map.channel_stays_active()")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("inside_map.to_indexed", "Image → Mode → RGB"),
        ("inside_map.hide", "Nothing is visible"),
        ("inside_map.remove_all", "Nothing is visible"),
        ("inside.float_selection", "anchor it"),
        ("width=15, height=40", "smaller than 16"),
        ("width=500, height=20", "too narrow"),
        ("fail='server'", "No server today."),
        ("fail='layer'", "No layer today."),
    ],
)
def test_failure_leaves_the_image_untouched(gimp: GimpForTests, case: str, words: str) -> None:
    result = gimp.run(f"import inside, inside_map\nresult = inside_map.refusal({case})")
    assert words in str(result["message"])
    assert result["untouched"]
    assert result["asked"] == (1 if "layer" in case and "fail" in case else 0), "the server worked in vain"


def test_real_prediction(gimp: GimpForTests) -> None:
    result = gimp.run(
        "import inside, inside_map\nfrom gimp_saliency.layers import attention_map\n"
        "image, _ = inside.picture(240, 160)\n"
        "result = inside_map.content(attention_map.add_map(image))"
    )
    assert (result["width"], result["height"]) == (240, 160)
    assert result["model"]


def test_one_undo_step(window: Window) -> None:
    before, selected = window.ask("state(image)"), window.selection()
    window.ask("__import__('inside_map').add(image)")
    after = window.ask("state(image)")
    assert len(after["layers"]) == len(before["layers"]) + 1
    assert after["dirty"]
    assert (window.selection() == selected).all()
    window.activate("GIMP$")
    window.keys("ctrl+z")
    wait_for(lambda: window.ask("state(image)") == before, "one undo step")
    assert (window.selection() == selected).all()
    window.keys("ctrl+y")
    wait_for(lambda: window.ask("state(image)") == after, "redo")
    assert (window.selection() == selected).all()
