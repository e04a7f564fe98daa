# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of the dialog runs and says what it should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_server import folders
from tests.gimp import gui

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.thorough
@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
@pytest.mark.skipif(not (folders.cache() / "gimp-3.2").is_dir(), reason="no GIMP 3.2 for tests")
def test_one_round() -> None:
    command = [sys.executable, "-m", "tests.gimp.benchmark", "--rounds", "1"]
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    waits = ("menu → preview, warm server", "menu → preview, cold server", "slider → redraw, zoomed in")
    for wait in (*waits, "slider → redraw, with background", "Adjust"):
        assert f"| {wait}" in done.stdout
    assert "GIMP 3.2" in done.stdout
