# SPDX-License-Identifier: GPL-3.0-or-later
"""The large picture of an edit's window in a real GIMP window: near and far, before and after, by mouse and key."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import GimpForTests
from tests.gimp import gui, test_looks
from tests.gimp.gui import Window, wait_for
from tests.gimp.test_dialog import closed, open_dialog

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")

ENTRY = "Attenuate Selection"
WIDTH, HEIGHT = 1800, 1200
SCENE = {"enlarged": (WIDTH, HEIGHT), "ellipse": (450, 300, 600, 400), "feather": 20}


def seen(window: Window) -> tuple[int, int, int, int]:
    """What is painted: x, y, width and height in the picture."""
    note = window.sharp_picture()
    x, y, width, height = note["box"]
    return x, y, width, height


def press(window: Window, *keys: str) -> tuple[int, int, int, int]:
    window.keys(*keys)
    window.calm()
    return seen(window)


def grab(window: Window) -> np.ndarray[Any, Any]:
    """The dialog as it is on the screen: rows, columns, colours."""
    command = ["import", "-window", window.find(ENTRY), "png:-"]
    found = subprocess.run(command, env=window.env, capture_output=True, timeout=30, check=True).stdout
    return np.asarray(Image.open(io.BytesIO(found)).convert("RGB")).astype(int)


def changed_from(window: Window, seen: np.ndarray[Any, Any], rows: slice) -> np.ndarray[Any, Any]:
    """The dialog once it shows something else in some rows."""

    wait_for(lambda: (grab(window)[rows] != seen[rows]).any(), "another picture")
    return grab(window)


def find_divider(picture: np.ndarray[Any, Any]) -> int:
    """The column of the white line between before and after."""
    rows = picture[120:400].min(2).min(0)  # which lie in the large picture
    return int(np.flatnonzero(rows == 255)[0])


def test_zoom_and_pan(gimp: GimpForTests, tmp_path: Path) -> None:
    with test_looks.profile(gimp) as own, gui.opened(own, tmp_path, SCENE, size="1600x1000") as window:
        open_dialog(window)
        window.calm()
        assert seen(window) == (0, 0, WIDTH, HEIGHT)
        near = press(window, "alt+e", "1")
        assert window.sharp_picture()["size"] == list(near[2:]), "all pixels of it, and no more"
        assert near[2] < WIDTH
        assert near[0] < 750 < near[0] + near[2], "the region is not in the middle"
        nearer = press(window, "2")
        assert abs(2 * nearer[2] - near[2]) <= 2
        region = press(window, "3")
        assert region[0] <= 450 and region[0] + region[2] >= 1050
        assert press(window, "0") == (0, 0, WIDTH, HEIGHT)

        press(window, "1")
        left, top, _width, _height = window.measure(ENTRY)
        window.xdotool("mousemove", str(left + 200), str(top + 200))
        start = seen(window)
        window.xdotool("mousedown", "1", "mousemove_relative", "--sync", "50", "30", "mouseup", "1")
        window.calm()
        moved = seen(window)
        assert (start[0] - moved[0], start[1] - moved[1]) == (50, 30)
        assert moved[2:] == start[2:]
        window.xdotool("click", "4")
        window.calm()
        wheeled = seen(window)
        assert wheeled[2] < moved[2] and wheeled[0] > moved[0]
        assert wheeled[0] - moved[0] < 100, "what is under the pointer, near the left edge, does not stay there"
        window.xdotool("click", "--repeat", "12", "--delay", "50", "5")
        wait_for(lambda: seen(window) == (0, 0, WIDTH, HEIGHT), "all of the picture")
        window.keys("Escape")
        closed(window, ENTRY)


def test_before_and_after(gimp: GimpForTests, tmp_path: Path) -> None:
    with test_looks.profile(gimp) as own, gui.opened(own, tmp_path, SCENE, size="1600x1000") as window:
        open_dialog(window)
        press(window, "alt+n", "1", "5", "0", "Tab", "alt+e")
        split = grab(window)
        divider = find_divider(split)
        rows = slice(120, 400)
        window.xdotool("keydown", "b")
        before = changed_from(window, split, rows)
        window.xdotool("keyup", "b")
        wait_for(lambda: (grab(window)[rows] == split[rows]).all(), "the edit, once the key is let go")
        changed = (before[rows] != split[rows]).any(2).any(0)
        assert changed[divider + 5 : divider + 200].any(), "the edit is on the right"
        assert not changed[20 : divider - 5].any(), "and not on the left"

        left, top, _width, _height = window.measure(ENTRY)
        window.xdotool("mousemove", str(left + divider), str(top + 300), "mousedown", "1")
        window.xdotool("mousemove_relative", "--sync", "--", "-150", "0", "mouseup", "1")
        wait_for(lambda: abs(find_divider(grab(window)) - (divider - 150)) <= 2, "the divider's move")
        other = grab(window)
        assert (other[rows, divider + 5 :] == split[rows, divider + 5 :]).all()
        assert (other[rows, divider - 140 : divider - 5] != split[rows, divider - 140 : divider - 5]).any()
        window.keys("Escape")
        closed(window, ENTRY)


def test_the_picture_is_as_sharp_as_the_screen(gimp32: GimpForTests, tmp_path: Path) -> None:
    """On a HiDPI screen 100 % is one of its own pixels for each of the picture."""
    env = {"GDK_SCALE": "2"}
    with (
        test_looks.profile(gimp32) as own,
        gui.opened(own, tmp_path, SCENE, size="2560x1600", env=env) as window,
    ):
        open_dialog(window)
        window.calm()
        near = press(window, "alt+e", "1")
        assert near[2] > 1100, "as many pixels as on a plain screen"
        picture = grab(window)
        rows = picture[300:700, 100 : 100 + near[2] // 3]
        assert (rows[::2, ::2] != rows[1::2, 1::2]).any(2).mean() > 0.5, "each pixel four times"
        window.keys("Escape")
        closed(window, ENTRY)
