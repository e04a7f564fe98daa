# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of the dialog runs and says what it should."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT, GimpForTests
from tests.gimp import gui


@pytest.mark.thorough
@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_one_round(gimp32: GimpForTests) -> None:
    command = [sys.executable, "-m", "tests.gimp.benchmark", "--rounds", "1", "--width", "1200"]
    root = {"GIMP_SALIENCY_TEST_GIMP_32": str(gimp32.gimp.location)}
    env = {**os.environ, **root, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    waits = ("menu → preview, warm server", "menu → preview, cold server", "slider → redraw, zoomed in")
    for wait in (
        *waits,
        "pan → sharp picture",
        "slider → redraw, with background",
        "Adjust",
        "Harmonize Layer: menu → preview",
    ):
        assert f"| {wait}" in done.stdout
    assert "GIMP 3.2" in done.stdout and "MB in GIMP, with one edit" in done.stdout
