# SPDX-License-Identifier: GPL-3.0-or-later
"""The window for tests that need one, a folder of pictures for `batch`, and one for settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gimp_saliency.shared.client import lifecycle
from model_server.gimp import start_command
from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.batch_folder import Folder
from tests.model_server.processes import FAKE_SERVER


@pytest.fixture
def window(gimp: GimpForTests, tmp_path: Path) -> Iterator[gui.Window]:
    """GIMP's window with a small picture in it."""
    if gui.MISSING:
        pytest.skip(f"needs {', '.join(gui.MISSING)}")
    with gui.opened(gimp, tmp_path) as window:
        yield window


@pytest.fixture
def folder(gimp: GimpForTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    for name in ("in", "masks"):
        (tmp_path / name).mkdir()
    with tempfile.TemporaryDirectory(prefix="gs-") as runtime:
        monkeypatch.setenv("GIMP3_DIRECTORY", gimp.env["GIMP3_DIRECTORY"])
        monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", runtime)
        monkeypatch.setenv("XDG_STATE_HOME", runtime)
        monkeypatch.setattr(lifecycle, "start_command", [])  # what `batch` sets is put back after the test
        monkeypatch.setattr(start_command, "own_command", lambda: [*FAKE_SERVER, "serve"])
        yield Folder(gimp, tmp_path)
        lifecycle.stop(kill=True)


@pytest.fixture
def own_folder(gimp: GimpForTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the user's settings that GIMP sees, too, and for a server that knows of backgrounds and styles."""
    with tempfile.TemporaryDirectory(dir=Path(gimp.env["GIMP3_DIRECTORY"]).parent) as folder:
        monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", folder)
        monkeypatch.setattr(start_command, "own_command", lambda: [*FAKE_SERVER, "serve"])
        yield Path(folder)
        lifecycle.stop(kill=True)
