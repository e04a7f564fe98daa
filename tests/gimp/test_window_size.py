# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of an edit's window, in a real GIMP window: the pictures take all of it, and it is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui, test_looks
from tests.gimp.gui import Window, wait_for
from tests.gimp.test_dialog import closed, open_dialog

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")

ENTRY = "Attenuate Selection"
SIZE = (1500, 900)
SCENE = {"enlarged": (1800, 1200), "ellipse": (450, 300, 600, 400), "feather": 20}


def shown(window: Window) -> tuple[int, int]:
    """Width and height of the picture that was painted last."""
    width, height = window.sharp_picture()["size"]
    return int(width), int(height)


def give_size(window: Window, size: tuple[int, int]) -> None:
    window.xdotool("windowsize", "--sync", window.find(ENTRY), *map(str, size))


def test_the_picture_grows_and_shrinks_with_the_window(gimp: GimpForTests, tmp_path: Path) -> None:
    version = f"{gimp.gimp.version[0]}.{gimp.gimp.version[1]}"
    with test_looks.profile(gimp) as own, gui.opened(own, tmp_path, SCENE, size="1600x1000") as window:
        open_dialog(window)
        window.calm()
        small = shown(window)
        assert small[0] > 550, "it has room on this screen"
        give_size(window, SIZE)
        wait_for(lambda: shown(window)[0] > small[0] + 100, "a larger picture")
        window.calm()
        large = shown(window)
        assert abs(large[0] / large[1] - 1.5) < 0.02, "the picture's aspect"
        window.screenshot(f"large-window-{version}")
        count = len(window.notes("painted"))
        window.keys("alt+n", "Up")
        window.calm()
        sizes = [note["size"][0] for note in window.notes("painted")[count:]]
        assert sizes[0] < 420 and sizes[-1] == large[0], "at first quickly, then sharply"
        window.keys("Escape")
        closed(window, ENTRY)

        open_dialog(window)
        window.calm()
        assert abs(shown(window)[0] - large[0]) < 10, "the window has forgotten its size"
        give_size(window, (1180, 780))
        wait_for(lambda: shown(window)[0] < small[0], "a smaller picture")
        window.keys("Escape")
        closed(window, ENTRY)
