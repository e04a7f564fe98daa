# SPDX-License-Identifier: GPL-3.0-or-later
"""The window for tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui


@pytest.fixture
def window(gimp: GimpForTests, tmp_path: Path) -> Iterator[gui.Window]:
    """GIMP's window with a small picture in it."""
    if gui.MISSING:
        pytest.skip(f"needs {', '.join(gui.MISSING)}")
    with gui.opened(gimp, tmp_path) as window:
        yield window
