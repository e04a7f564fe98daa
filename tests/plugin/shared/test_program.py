# SPDX-License-Identifier: GPL-3.0-or-later
"""How a plug-in that was unpacked by hand finds the model server's program."""

from __future__ import annotations

from pathlib import Path

import pytest

from gimp_saliency.shared.client import program


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with spaces in its path, and a PATH with nothing on it."""
    path = tmp_path / "h o'me"
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("FLATPAK_ID", raising=False)
    return path


def make_program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def name(home: Path, value: str) -> None:
    settings = home / ".config/gimp-saliency/settings.ini"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"[server]\nprogram = {value}\n")


def test_nowhere(home: Path) -> None:
    assert program.find_command() == []


def test_the_settings_come_before_path_and_path_before_the_usual_place(home: Path, tmp_path: Path) -> None:
    usual = make_program(home / ".local/bin/gimp-saliency")
    assert program.find_command() == [usual, "serve"]
    on_path = make_program(tmp_path / "bin/gimp-saliency")
    assert program.find_command() == [on_path, "serve"]
    named = make_program(home / "my venv/bin/gimp-saliency")
    name(home, named)
    assert program.find_command() == [named, "serve"]
    name(home, "~/my venv/bin/gimp-saliency")
    assert program.find_command() == [named, "serve"]


@pytest.mark.parametrize("value", ["/nonexistent/gimp-saliency", "~/not-executable"])
def test_settings_that_lead_nowhere_are_not_passed_over(home: Path, tmp_path: Path, value: str) -> None:
    make_program(tmp_path / "bin/gimp-saliency")
    home.mkdir()
    (home / "not-executable").touch()
    name(home, value)
    assert program.find_command() == []
