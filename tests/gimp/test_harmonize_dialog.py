# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of Harmonize Layer in a real GIMP window: it shows what will happen, and what happens is one undo step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window, wait_for

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")

TITLE = "Harmonize Layer"
# A smaller layer of noise with transparent pixels above the picture, the active one; nothing selected.
PASTE = (
    "(lambda layer: (image.insert_layer(layer, None, 0), layer.set_offsets(150, 90), "
    "inside.write(layer, inside.noisy_colours(160, 120, True, 9), \"R'G'B'A u8\"), Gimp.Selection.none(image), "
    "image.set_selected_layers([layer]), image.clean_all(), Gimp.displays_flush(), None)[-1])"
    "(Gimp.Layer.new(image, 'Pasted', 160, 120, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL))"
)


def change(window: Window, *keys: str) -> int:
    """Press keys in the dialog; the checksum of the picture that it shows then."""
    seen = len(window.notes("judged"))
    window.keys(*keys, pause=0.2)
    window.next_note("judged", seen)
    return int(window.sharp_picture()["picture"])


def test_all_of_it(gimp: GimpForTests, tmp_path: Path) -> None:
    """Menu → dialog → strengths → OK → undo → redo."""
    with gui.opened(gimp, tmp_path) as window:
        window.ask(PASTE)
        before, selected = window.ask("state(image)"), window.selection()
        window.menu(TITLE)
        window.activate(TITLE)
        window.next_note("judged", 0)
        shown = int(window.sharp_picture()["picture"])
        window.screenshot(f"harmonize-3.{gimp.gimp.version[1]}")
        weaker = change(window, "alt+n", "5", "0", "Tab")
        assert weaker != shown, "strength changed nothing in the picture"
        none = change(window, "alt+n", "0", "Tab")
        assert none not in (shown, weaker)
        assert not window.notes("judged")[-1]["little"], "nothing is wanted, and the dialog says that it matches"
        assert change(window, "alt+n", "1", "0", "0", "Tab") == shown
        assert change(window, "alt+u", "0", "Tab", "alt+d", "0", "Tab") == none, "colour and shading are not all"
        assert change(window, "alt+u", "1", "0", "0", "Tab", "alt+d", "1", "0", "0", "Tab") == shown
        assert window.ask("state(image)") == before, "the dialog alone changed the image"

        window.keys("alt+o")
        wait_for(lambda: not window.find(TITLE), "the dialog's end")
        wait_for(lambda: window.ask("state(image)")["pixels"] != before["pixels"], "the harmony")
        window.ended()
        after = window.ask("state(image)")
        assert after["channels"] == before["channels"] and after["dirty"]
        assert window.ask("len(Gimp.get_images())") == 1, "a picture of the preview stayed behind"
        gui.undo_and_redo(window, before, after, selected)


def test_cancel_changes_nothing(gimp: GimpForTests, tmp_path: Path) -> None:
    with gui.opened(gimp, tmp_path) as window:
        window.ask(PASTE)
        before = window.ask("state(image)")
        window.menu(TITLE)
        window.activate(TITLE)
        window.next_note("judged", 0)
        window.keys("Escape")
        wait_for(lambda: not window.find(TITLE), "the dialog's end")
        window.ended()
        assert window.ask("state(image)") == before
        assert window.ask("len(Gimp.get_images())") == 1


def test_a_layer_that_is_no_cut_out_is_a_sentence(gimp: GimpForTests, tmp_path: Path) -> None:
    """Before any window of ours opens."""
    with gui.opened(gimp, tmp_path) as window:
        window.menu(TITLE)
        window.activate("GIMP Message")
        assert not window.find(TITLE)
        window.keys("Escape")
        window.ended()
