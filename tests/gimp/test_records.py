# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit's layers say of it: files of every version open, and what is not known is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GimpForTests

# Written by the plug-in as it was with version 1, 2 and 3 of the networks, live in GIMP 3.2 and baked in 3.0.
SAMPLES = Path(__file__).with_name("samples")
TWO = [{"name": "exposure", "ev": -0.5}, {"name": "saturation", "scale": 0.7}]
KEYS = (
    "base direction edge edits feather grow id kinds model name order predicted role side strength title tool version"
)


def run(gimp: GimpForTests, call: str) -> dict[str, Any]:
    found: dict[str, Any] = gimp.run(f"import inside_records\nresult = inside_records.{call}")
    return found


def opened(gimp: GimpForTests, name: str) -> dict[str, Any]:
    return run(gimp, f"opened({str(SAMPLES / name)!r})")


def test_version_1(gimp: GimpForTests) -> None:
    """It could not be adjusted then, and kept what was predicted."""
    found = opened(gimp, "version-1.xcf")
    if not gimp.is_32:
        assert "GIMP 3.2" in found["sentence"] and found["untouched"]
        return
    assert (found["direction"], found["strength"], found["base"]) == ("attenuate", 80.0, TWO)
    assert (found["background"], found["model"], found["kinds"]) == ([], "edit-1", ["exposure", "saturation"])
    assert found["half"] == [40.0, True] and found["changed"] > 0.01
    assert found["names"] == ["Exposure −0.20 EV", "Saturation 0.87"]


@pytest.mark.parametrize("name", ["version-2.xcf", "version-2-baked.xcf"])
def test_version_2(gimp: GimpForTests, name: str) -> None:
    found = opened(gimp, name)
    if not gimp.is_32 and "baked" not in name:
        assert "GIMP 3.2" in found["sentence"] and found["untouched"]
        return
    assert (found["direction"], found["strength"], found["base"]) == ("attenuate", 80.0, TWO)
    assert (found["background"], found["background strength"], found["model"]) == ([], None, "edit-2")
    assert found["kinds"] == ["exposure", "saturation"]  # those with a layer; nothing more was noted
    assert found["half"] == [40.0, True] and found["changed"] > 0.01


@pytest.mark.parametrize("name", ["version-3.xcf", "version-3-baked.xcf"])
def test_version_3(gimp: GimpForTests, name: str) -> None:
    found = opened(gimp, name)
    if not gimp.is_32 and "baked" not in name:
        assert "GIMP 3.2" in found["sentence"] and found["untouched"]
        return
    assert (found["direction"], found["strength"]) == ("emphasize", 80.0)
    assert found["base"] == [{"name": "sharpening", "amount": 0.05}, *TWO]
    assert (found["background"], found["background strength"]) == ([{"name": "exposure", "ev": 0.25}], 60.0)
    assert len(found["kinds"]) == 7 and found["model"] == "edit-3"
    assert found["half"] == [40.0, True] and found["changed"] > 0.01


def test_layers_are_named_and_marked_by_their_edit(gimp: GimpForTests) -> None:
    found = run(gimp, "named()")
    labels = "Exposure −0.20 EV", "Saturation 0.80"
    for title, direction, tag in (
        ("Attenuate", "first", "blue"),
        ("Attenuate 2", "second", "blue"),
        ("Emphasize", "third", "orange"),
        ("Attenuate", "after the first is gone", "blue"),
    ):
        each = [f"{title}: {label}" for label in labels] if gimp.is_32 else [f"{title}: {', '.join(labels)}"]
        assert found[direction] == [each, [tag] * len(each)], direction


def test_a_record_survives_being_written(gimp: GimpForTests) -> None:
    found = run(gimp, "written()")
    assert found["same"] and " ".join(found["keys"]) == KEYS
    assert found["side"] == 64 and len(found["kinds"]) == 7


def test_what_is_not_known_is_a_sentence(gimp: GimpForTests) -> None:
    found = run(gimp, "unknown()")
    damaged = found.pop("no direction")
    for name, word in (
        ("direction", "sideways"),
        ("tool", "teleport"),
        ("edge", "wavy"),
        *((name, "vibrato") for name in list(found)[3:]),
    ):
        status, message, untouched = found[name]
        assert status == "execution-error" and untouched, name
        assert message.startswith(f"This edit says «{word}», which is unknown here: update the plug-in"), message
    assert damaged[0] == "execution-error" and "are damaged: delete its layers" in damaged[1] and damaged[2]


def test_what_is_not_known_of_the_last_edit_is_a_sentence(gimp: GimpForTests) -> None:
    found = run(gimp, "unknown_of_the_last()")
    assert found.pop("older") == ["success", None, False]
    for status, message, untouched in found.values():
        assert status == "execution-error" and untouched, message
        assert message.endswith("make one with Attenuate or Emphasize Selection first."), message
    words = [message.partition("«")[2].partition("»")[0] for _status, message, _untouched in found.values()]
    assert words == ["sideways", "teleport", "wavy", "vibrato", "vibrato", "vibrato", ""]
