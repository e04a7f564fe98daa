# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved styles: kept by name, all or nothing, and a damaged file is told, never written over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared import settings, styles
from gimp_saliency.shared.errors import UserError
from model_server.predict import vector

FADED = tuple(number / 4 for number in range(-5, 5))
WARM = (4.0, -4.0, *([0.0] * 8))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "gimp-saliency"


def test_the_server_means_the_same() -> None:
    assert styles.NUMBERS == vector.STYLE
    assert styles.EDITS.path.parent == settings.path().parent


def test_nothing_is_saved_at_first() -> None:
    assert styles.EDITS.load_saved() == {}
    assert styles.EDITS.find_numbers("") == ()
    styles.EDITS.delete("Faded")
    assert not styles.EDITS.path.exists()


def test_saved_styles_come_back(folder: Path) -> None:
    styles.EDITS.save("Faded", FADED)
    styles.EDITS.save("Wärme «2»", list(WARM))
    assert styles.EDITS.load_saved() == {"Faded": FADED, "Wärme «2»": WARM}
    assert styles.EDITS.find_numbers("Wärme «2»") == WARM
    styles.EDITS.save("Faded", WARM)
    assert styles.EDITS.find_numbers("Faded") == WARM
    styles.EDITS.delete("Faded")
    assert styles.EDITS.load_saved() == {"Wärme «2»": WARM}
    styles.EDITS.delete("Wärme «2»")
    assert styles.EDITS.load_saved() == {}
    assert [file.name for file in folder.iterdir()] == ["styles.json"]


def test_those_of_harmonies_are_others(folder: Path) -> None:
    """Their numbers mean something else, so none is ever found among the other ones."""
    styles.EDITS.save("Faded", FADED)
    styles.HARMONIES.save("Faded", WARM)
    assert styles.EDITS.find_numbers("Faded") == FADED and styles.HARMONIES.find_numbers("Faded") == WARM
    assert styles.EDITS.path.name == "styles.json" and styles.HARMONIES.path.name == "harmony-styles.json"
    assert sorted(folder.iterdir()) == sorted([styles.EDITS.path, styles.HARMONIES.path])
    styles.EDITS.delete("Faded")
    with pytest.raises(UserError, match="in the dialog of an edit first"):
        styles.EDITS.find_numbers("Faded")
    assert styles.HARMONIES.load_saved() == {"Faded": WARM}
    styles.HARMONIES.path.write_text("{")
    assert styles.EDITS.load_saved() == {}
    with pytest.raises(UserError, match=r"correct .*harmony-styles\.json"):
        styles.HARMONIES.load_saved()


def test_an_unknown_name_is_a_sentence_with_those_there_are() -> None:
    with pytest.raises(UserError, match="save one in the dialog"):
        styles.EDITS.find_numbers("Faded")
    styles.EDITS.save("B", WARM)
    styles.EDITS.save("A", WARM)
    with pytest.raises(UserError, match="«Faded»: choose one of «A», «B»"):
        styles.EDITS.find_numbers("Faded")


@pytest.mark.parametrize("name", ["", " ", " Faded", "Faded ", "x" * 61, "two\nlines", "bell\a", "\x7f"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UserError, match="1 to 60 characters"):
        styles.EDITS.save(name, FADED)
    assert not styles.EDITS.path.exists()


@pytest.mark.parametrize("values", [FADED[:9], (*FADED, 0), (4.1, *FADED[1:]), (float("nan"), *FADED[1:])])
def test_numbers_that_are_no_style(values: Any) -> None:
    with pytest.raises(ValueError, match="10 numbers"):
        styles.EDITS.save("Faded", values)
    assert not styles.EDITS.path.exists()


DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"[" * 100000,
    b'{"a": 3}',
    b'{"a": [0, 0, 0, 0, 0, 0, 0, 0, 0]}',
    b'{"a": [0, 0, 0, 0, 0, 0, 0, 0, 0, NaN]}',
    b'{"a": [0, 0, 0, 0, 0, 0, 0, 0, 0, true]}',
    b'{"a": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1e999]}',
    b'{"a\\n": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}',
]


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: repr(content[:20]))
def test_a_damaged_file_is_told_and_stays(folder: Path, content: bytes) -> None:
    folder.mkdir()
    styles.EDITS.path.write_bytes(content)
    for change in (
        styles.EDITS.load_saved,
        lambda: styles.EDITS.find_numbers("a"),
        lambda: styles.EDITS.save("b", WARM),
        lambda: styles.EDITS.delete("a"),
    ):
        with pytest.raises(UserError, match=r"damaged .*: correct .*styles\.json, or move it away to begin anew\.$"):
            change()
    assert styles.EDITS.path.read_bytes() == content


def test_a_folder_in_the_way_is_a_sentence(folder: Path) -> None:
    styles.EDITS.path.mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be read"):
        styles.EDITS.load_saved()


def test_a_failed_save_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    styles.EDITS.save("Faded", FADED)

    def fail(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="No space left"):
        styles.EDITS.save("Warm", WARM)
    assert [file.name for file in folder.iterdir()] == ["styles.json"]
    assert json.loads(styles.EDITS.path.read_text(encoding="utf-8")) == {"Faded": list(FADED)}
