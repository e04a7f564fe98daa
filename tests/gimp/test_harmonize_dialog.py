# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of Harmonize Layer in a real GIMP window: it shows what will happen, and what happens is one undo step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GimpForTests
from tests.gimp import gui, test_looks
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
    seen, painted = len(window.notes("judged")), len(window.notes("painted"))
    window.keys(*keys, pause=0.2)
    window.next_note("judged", seen)
    window.sharp_picture(painted)
    window.calm()  # what is judged is painted soon after, and each key may have had a picture of its own
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


def read_record(window: Window) -> Any:
    """What the harmony at the top of the image notes: its style, and the end of its curve of blue."""
    record = "__import__('inside_harmony').read_harmony(image.get_layers()[0])"
    return window.ask(f"[(list(each.request.style_numbers), each.base.blue[-1]) for each in [{record}]][0]")


def open_harmonize(window: Window) -> int:
    """Open the dialog; the checksum of the picture that it shows once all is there."""
    seen = len(window.notes("judged"))
    window.menu(TITLE)
    window.activate(TITLE)
    window.next_note("judged", seen)
    window.calm()
    return int(window.sharp_picture()["picture"])


def test_styles(gimp: GimpForTests, tmp_path: Path, own_folder: Path) -> None:
    """One of the alternatives → more styles → another one → save it → OK → predict it again → the saved one."""
    env = {"XDG_CONFIG_HOME": str(own_folder), "GIMP_SALIENCY_RUNTIME": str(own_folder)}
    with (
        test_looks.profile(gimp) as own,  # so that other tests' dialogs remember nothing of it
        gui.opened(own, tmp_path, env=env) as window,
    ):
        window.ask(PASTE)
        before, selected = window.ask("state(image)"), window.selection()
        plain = open_harmonize(window)
        assert window.notes("offered")[-1]["orders"] == ["predicted", "style-1", "style-2", "style-3"]
        _left, _top, width, height = window.measure(TITLE)
        assert width <= 1280 and height <= 770  # and the window's own title
        first = change(window, "alt+1")
        assert first != plain, "an alternative changed nothing in the picture"
        offered = len(window.notes("offered"))
        window.keys("alt+m")
        window.next_note("offered", offered)
        window.calm()
        assert int(window.sharp_picture()["picture"]) == first, "more styles changed what was chosen"
        styled = change(window, "alt+3")
        assert styled not in (first, plain)
        window.screenshot(f"harmonize-styles-3.{gimp.gimp.version[1]}")
        window.keys("alt+v")
        window.activate("Save Style")
        window.keys(*"Faded", pause=0.05)
        window.keys("Return")
        wait_for(lambda: not window.find("Save Style"), "the end of saving")
        folder = own_folder / "gimp-saliency"
        saved = json.loads((folder / "harmony-styles.json").read_text())
        assert list(saved) == ["Faded"] and 3 <= saved["Faded"][0] <= 4 and not (folder / "styles.json").exists()
        assert int(window.sharp_picture()["picture"]) == styled, "saving changed the picture"
        assert window.ask("state(image)") == before
        window.keys("alt+o")
        wait_for(lambda: window.ask("state(image)")["pixels"] != before["pixels"], "the harmony")
        window.ended()
        gui.undo_and_redo(window, before, window.ask("state(image)"), selected)
        lowered = pytest.approx(1 - saved["Faded"][0] / 5, abs=1e-4)  # as the server shows it
        assert read_record(window) == (saved["Faded"], lowered)

        window.menu("Adjust Edit")
        window.activate("Adjust Edit")
        window.calm()
        change(window, "alt+p", "alt+n", "9", "0", "Tab")
        window.calm()
        window.keys("alt+o")
        wait_for(lambda: not window.find("Adjust Edit"), "the dialog's end")
        window.ended()
        assert read_record(window) == (saved["Faded"], lowered), "predicted again in another style"

        window.activate("GIMP$")
        window.keys("ctrl+z", "ctrl+z")
        wait_for(lambda: window.ask("state(image)['layers']") == before["layers"], "two undo steps")
        assert open_harmonize(window) == styled, "in the saved style something else is predicted"
        window.keys("Escape")
        window.ended()


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
