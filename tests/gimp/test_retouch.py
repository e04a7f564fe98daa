# SPDX-License-Identifier: GPL-3.0-or-later
"""Retouch in real GIMP: whole photos of every kind, or what is selected of them, and changed again later."""

from __future__ import annotations

import pytest

from tests.conftest import GimpForTests

ORDER = ["exposure", "white-balance", "saturation", "tone", "curves"]


@pytest.mark.thorough
def test_every_kind_of_image(gimp: GimpForTests) -> None:
    results = gimp.run("import inside_retouch\nresult = inside_retouch.retouch_each_type()", timeout=500)
    # In RGB and in gray: of 8 bits all kinds of layers, all of it or what is selected; of other numbers two kinds.
    assert len(results) == 2 * (6 + 5) + 17 * (2 + 2)
    wrong = []
    for name, result in results.items():
        layers = 1 if not gimp.is_32 else 3 if name.startswith("GRAY") else 5
        wrong += [f"{name}: {what}" for what, is_right in result.items() if what != "layers" and not is_right]
        wrong += [f"{name}: {result['layers']} layers"] if result["layers"] != layers else []
    assert not wrong, "\n".join(wrong)


def test_all_ways_lead_to_the_same(gimp: GimpForTests) -> None:
    """In layers or straight into the pixels, with nothing selected or all."""
    results = gimp.run("import inside_retouch\nresult = inside_retouch.compare_ways()")
    assert len(results) == 12
    for name, difference in results.items():
        step = 1 / 255 if "U8" in name else 1 / 65535
        assert difference <= 1.01 * step, (name, difference / step)


def test_the_preview_shows_it(gimp: GimpForTests) -> None:
    assert gimp.run("import inside_retouch\nresult = inside_retouch.preview_looks_like_it()") <= 1


def test_it_can_be_adjusted(gimp: GimpForTests) -> None:
    results = gimp.run("import inside_retouch\nresult = inside_retouch.adjust_it()")
    for name, result in results.items():
        assert result["difference"] <= 1.5 / 255, name
        assert (result["tool"], result["direction"], result["order"]) == ("retouch", "retouch", ORDER)
        assert result["titles"] == ["Retouch"]
    assert (results["weaker"]["again"], results["one off"]["again"]) == (40, 100)


def test_the_last_one_can_be_repeated(gimp: GimpForTests) -> None:
    result = gimp.run("import inside_retouch\nresult = inside_retouch.repeat_it()")
    assert result == {"asked": 0, "alike": True, "changed": True, "strength": 80, "inside alone": True}


def test_beside_other_edits(gimp: GimpForTests) -> None:
    result = gimp.run("import inside_retouch\nresult = inside_retouch.with_other_edits()")
    assert result == {"above": [True, "retouch"], "below": ["attention", "emphasize"]}


def test_all_frames(gimp: GimpForTests) -> None:
    result = gimp.run("import inside_retouch\nresult = inside_retouch.all_frames()")
    assert (result["frames"], result["alike"]) == (3, True)


def test_bad_input_is_a_sentence(gimp: GimpForTests) -> None:
    said = gimp.run("import inside_retouch\nresult = inside_retouch.refuse()")
    assert "hidden" in said["hidden"] and "outside the active layer" in said["beside"]
    assert "exactly one layer" in said["none"]


def test_the_procedure(gimp: GimpForTests) -> None:
    """With the real server and networks behind."""
    results = gimp.run("import inside_retouch\nresult = inside_retouch.run_procedure()", timeout=200)
    retouched = {name: results[name] for name in ("plain", "film", "half film", "matched")}
    for name, result in retouched.items():
        assert result["status"] == "success", f"{name}: {result['error']}"
        assert result["changed"] and result["selection"], name
        assert [edit["name"] for edit in result["base"]] == ORDER
        assert result["model"].startswith("retouch-1 (")
    values = {
        name: [edit for edit in result["base"] if edit["name"] == "saturation"] for name, result in retouched.items()
    }
    scales = {name: found[0]["scale"] for name, found in values.items()}
    assert len(set(scales.values())) == 4
    assert scales["half film"] == pytest.approx((scales["plain"] * scales["film"]) ** 0.5)  # in their logarithm
    assert retouched["plain"]["base"][0]["ev"] > 0.2, "what is dark became no lighter"
    assert results["nothing"][0] == "success" and results["again"][0] == "success"
    assert results["no style"][0] == "execution-error" and "no style" in results["no style"][1]
