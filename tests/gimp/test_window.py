# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu entry in a real GIMP window: dialog, edit, one undo step, exact redo."""

from __future__ import annotations

import time

from tests.conftest import GimpForTests
from tests.gimp.gui import Window, wait_for


def test_menu_edit_undo_redo(gimp: GimpForTests, window: Window) -> None:
    version = f"{gimp.gimp.version[0]}.{gimp.gimp.version[1]}"
    before, selected = window.ask("state(image)"), window.selection()
    assert not before["dirty"]
    window.activate("GIMP$")
    window.keys("alt+r", "Up", "Right", "Down")  # Filters, its last entry Saliency, the second entry there
    window.screenshot(f"menu-{version}")
    window.keys("Return")
    window.activate("Attenuate Selection")
    window.next_note("measured", 0)
    window.screenshot(f"dialog-{version}")
    assert window.ask("state(image)") == before, "the dialog alone changed the image"
    window.keys("Return")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
    time.sleep(1)
    after = window.ask("state(image)")
    window.screenshot(f"edited-{version}")
    assert after["pixels"] != before["pixels"]
    assert after["channels"] == before["channels"]
    assert (window.selection() == selected).all()

    # GIMP 3.2 re-encodes the selection of an 8-bit image whenever it undoes a live filter: half a step of 1/255.
    tolerance = 0.0045 if gimp.is_32 else 0
    window.activate("GIMP$")
    window.keys("ctrl+z")
    wait_for(lambda: window.ask("state(image)['layers']") == before["layers"], "one undo step")
    assert window.ask("state(image)") == before
    assert abs(window.selection() - selected).max() <= tolerance
    window.keys("ctrl+y")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "redo")
    assert window.ask("state(image)") == after
    assert abs(window.selection() - selected).max() <= tolerance


def test_cancel_changes_nothing(window: Window) -> None:
    before = window.ask("state(image)")
    window.menu("Attenuate Selection")
    window.activate("Attenuate Selection")
    window.keys("Escape")
    wait_for(lambda: not window.find("Attenuate Selection"), "the dialog's end")
    assert window.ask("state(image)") == before
