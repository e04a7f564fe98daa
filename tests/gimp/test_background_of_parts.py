# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of separate parts with one background, in real GIMP: it is what none of all parts has."""

from __future__ import annotations

from typing import Any

from tests.conftest import GimpForTests


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_parts\nresult = inside_parts.{call}", timeout=240)


def test_separate_parts_share_one_background(gimp: GimpForTests) -> None:
    for name, result in run(gimp, "separate_parts()").items():
        assert result["asked"] == [True, False]
        assert result["difference"] <= 2.01 / 255, f"{name}: {result}"
        assert result["edits"] == 2 and result["with background"] == 1, f"{name}: {result}"
        assert result["selection"] == 0 and result["saved"], f"{name}: {result}"
        assert result["changed"] > 4 / 255 and result["on again"] <= 1.01 / 255, f"{name}: {result}"


def test_a_background_that_comes_later_is_the_same(gimp: GimpForTests) -> None:
    results = run(gimp, "background_anew()")
    assert len(results) == (16 if gimp.is_32 else 8)
    assert max(results.values()) <= (1.01 if gimp.is_32 else 2.01) / 255, results  # 3.0 rounds selections once more


def test_previews_show_what_adjusting_makes(gimp: GimpForTests) -> None:
    results = run(gimp, "previews()")
    assert len(results) == 16
    assert max(results.values()) <= 2, results
