# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a stranger's file holds, or a damaged profile, is data: a sentence, the picture untouched, GIMP alive."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import GimpForTests

pytestmark = pytest.mark.thorough


def run(gimp: GimpForTests, call: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = gimp.run(f"import inside_hostile\nresult = inside_hostile.{call}", 400)
    return found


def check(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    """That each was either done or refused with a sentence, the picture untouched; the sentences."""
    for name, result in results.items():
        message = result["message"]
        if result["status"] == "success":
            assert message is None, name
        else:
            assert result["status"] == "execution-error" and result["untouched"], f"{name}: {result}"
            assert "fault of the plug-in" not in message and "\n" not in message and message[-1] == ".", (
                f"{name}: {result}"
            )
    refused = {name: result["message"] for name, result in results.items() if result["status"] != "success"}
    print(f"{len(results)} contents, {len(refused)} refused: {sorted(set(refused.values()))}")
    return refused


@pytest.mark.parametrize("photo", ["opaque", "partial"])
def test_adjusting_a_strangers_edit(gimp: GimpForTests, photo: str) -> None:
    """Each starts the plug-in anew, which takes a second; all of them in one GIMP and on one kind of photo will do."""
    step = 5 if photo == "partial" else 3 if gimp.is_32 else 1  # GIMP 3.0, where more can be said of each
    results = run(gimp, f"adjusted({photo!r}, {step})")
    refused = check(results)
    assert len(results) > 170 / step
    if not gimp.is_32:  # there the one layer is the whole edit
        good = {"another version", "code for an id", "id of an object", "name of a number"}
        assert not good & set(refused)
        assert "«sideways», which is unknown here" in refused["unknown direction"]
        harmless = {"strength true", "base with -1"}
        assert {name for name in results if name.startswith(("base ", "strength "))} - harmless <= set(refused)
    assert not Path("hacked").exists()


def test_adjusting_where_all_layers_claim_a_role(gimp: GimpForTests) -> None:
    check(run(gimp, "adjusted_everywhere()"))


def test_adjusting_by_a_strangers_selection(gimp: GimpForTests) -> None:
    results = run(gimp, "selections()")
    refused = check(results)
    assert set(refused) == set(results)
    assert all("no longer known" in message for message in refused.values())


def test_repeating_what_nobody_did(gimp32: GimpForTests) -> None:
    """Both GIMPs keep the last edit alike."""
    refused = check(run(gimp32, "repeated()"))
    assert len(refused) > 60


def test_new_maps_and_edits_beside_hostile_layers(gimp: GimpForTests) -> None:
    assert not check(run(gimp, "mapped_and_edited()"))


def test_more_by_hand_than_an_edit_can_be(gimp32: GimpForTests) -> None:
    result: dict[str, Any] = run(gimp32, "far_by_hand()")
    assert result == {"status": "success", "message": None, "kept": True}


def pixels(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.float64)


@pytest.mark.parametrize("background", [False, True])
def test_edit_of_gimp_30_is_adjusted_in_32(
    gimp30: GimpForTests, gimp32: GimpForTests, tmp_path: Path, background: bool
) -> None:
    path = str(tmp_path / "edited.xcf")
    seen = gimp30.run(f"import inside_hostile\nresult = inside_hostile.save_edited({path!r}, {background})")
    for strength in (100.0, 40.0):
        settings = f"strength={strength}, **{{'background': {background}, 'background-strength': {strength}}}"
        call = f"from_the_other_version({path!r}, 'plug-in-saliency-adjust', {settings})"
        result = run(gimp32, call)
        assert result["status"] == "success", result["message"]
        again = gimp30.run(f"import inside_hostile\nresult = inside_hostile.{call}")
        assert np.abs(pixels(result["before"]) - pixels(seen)).max() <= 1.01 / 255
        assert np.abs(pixels(result["after"]) - pixels(again["after"])).max() <= 2.01 / 255, strength


@pytest.mark.parametrize("procedure", ["adjust", "attenuate"])
def test_edit_of_gimp_32_in_30(gimp30: GimpForTests, gimp32: GimpForTests, tmp_path: Path, procedure: str) -> None:
    """Live curves, which GIMP 3.0 shows and cannot handle."""
    path = str(tmp_path / "edited.xcf")
    seen = gimp32.run(f"import inside_hostile\nresult = inside_hostile.save_edited({path!r})")
    result = run(gimp30, f"from_the_other_version({path!r}, 'plug-in-saliency-{procedure}')")
    assert np.abs(pixels(result["before"]) - pixels(seen)).max() <= 1.01 / 255
    assert result["untouched"] and "GIMP 3.2" in result["message"], result["message"]
