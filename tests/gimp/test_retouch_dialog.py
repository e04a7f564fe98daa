# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of Retouch in a real GIMP window: it shows what will happen, and what happens is one undo step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window, wait_for
from tests.gimp.test_harmonize_dialog import change

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")

TITLE = "Retouch"
# Nothing selected, and so dark that there is something to do.
DARKEN = (
    "(Gimp.Selection.none(image), "
    "image.get_layers()[0].levels(Gimp.HistogramChannel.VALUE, 0, 1, True, 1, 0, 0.4, True), "
    "image.clean_all(), Gimp.displays_flush(), None)[-1]"
)
# Another open image of one colour, with no window.
OTHER = (
    "(lambda other: (other[0].undo_enable(), other[1].fill(Gimp.FillType.WHITE), None)[-1])"
    "(inside.picture(64, 48, seed=5))"
)


def open_dialog(window: Window) -> int:
    """Open the dialog; the checksum of the picture that it shows once all is there."""
    seen = len(window.notes("judged"))
    window.menu(TITLE)
    window.activate(TITLE)
    window.next_note("judged", seen)
    window.calm()
    return int(window.sharp_picture()["picture"])


def test_all_of_it(gimp: GimpForTests, tmp_path: Path) -> None:
    """Menu → looks → how far → another image → OK → undo → redo → Adjust Edit."""
    with gui.opened(gimp, tmp_path) as window:
        window.ask(DARKEN)
        window.ask(OTHER)
        before, selected = window.ask("state(image)"), window.selection()
        neutral = open_dialog(window)
        assert window.notes("offered")[-1]["orders"] == ["neutral", "warm", "cool", "film", "punchy", "soft"]
        _left, _top, width, height = window.measure(TITLE)
        assert width <= 1280 and height <= 770  # and the window's own title
        window.screenshot(f"retouch-3.{gimp.gimp.version[1]}")
        matched = change(window, "alt+m", "Down", "Return")
        assert matched != neutral, "another image's look changed nothing in the picture"
        assert change(window, "alt+m", "Up", "Return") == neutral
        assert change(window, "alt+n", "5", "0", "Tab") not in (neutral, matched)
        assert change(window, "alt+n", "1", "0", "0", "Tab") == neutral
        assert change(window, "alt+x") != neutral, "without exposure all looks the same"
        assert change(window, "alt+x") == neutral
        assert window.ask("state(image)") == before, "the dialog alone changed the image"

        window.keys("alt+o")
        wait_for(lambda: not window.find(TITLE), "the dialog's end")
        wait_for(lambda: window.ask("state(image)")["pixels"] != before["pixels"], "the retouch")
        window.ended()
        after = window.ask("state(image)")
        assert after["channels"] == before["channels"] and after["dirty"]
        assert window.ask("len(Gimp.get_images())") == 2, "a picture of the preview stayed behind"
        gui.undo_and_redo(window, before, after, selected)

        window.menu("Adjust Edit")
        window.activate("Adjust Edit")
        window.calm()
        window.screenshot(f"retouch-adjust-3.{gimp.gimp.version[1]}")
        change(window, "alt+n", "4", "0", "Tab")
        window.keys("alt+o")
        wait_for(lambda: not window.find("Adjust Edit"), "the dialog's end")
        window.ended()
        weaker = window.ask("state(image)")
        assert weaker["pixels"] not in (before["pixels"], after["pixels"])
        gui.undo_and_redo(window, after, weaker, selected)
