# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of an edit in a real GIMP window: it shows what will happen, and what happens is what it showed."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared import places
from gimp_saliency.shared.client import lifecycle
from tests.conftest import GimpForTests
from tests.gimp import gui, test_looks
from tests.gimp.gui import Window, wait_for

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")

# GIMP 3.2 re-encodes the selection of an 8-bit image whenever it undoes a live filter: half a step of 1/255.
SELECTION = 0.0045


def open_dialog(window: Window, entry: str = "Attenuate Selection") -> dict[str, Any]:
    """Choose the entry and wait until its dialog has shown an edit and measured it; the measurement."""
    seen = len(window.notes("measured"))
    window.menu(entry)
    window.activate(entry)
    return window.next_note("measured", seen)


def change(window: Window, *keys: str) -> int:
    """Press keys in the dialog; the checksum of the picture that it shows then."""
    seen = len(window.notes("measured"))
    window.keys(*keys, pause=0.2)
    window.next_note("measured", seen)
    return int(window.sharp_picture()["picture"])


def settled(window: Window) -> dict[str, Any]:
    """The image's state once it does not change any more: plug-in and GIMP work step by step."""
    window.ended()
    last = None
    while (state := (window.ask("state(image)"), window.selection().tobytes())) != last:
        last = state
        time.sleep(0.5)
    return dict(state[0])


def closed(window: Window, entry: str) -> None:
    wait_for(lambda: not window.find(entry), "the dialog's end")


def test_all_of_it(gimp: GimpForTests, window: Window) -> None:
    """Menu → dialog → strength → alternative → OK → undo → redo → adjust → cancel → adjust → undo."""
    version = f"{gimp.gimp.version[0]}.{gimp.gimp.version[1]}"
    tolerance = SELECTION if gimp.is_32 else 0
    before, selected = window.ask("state(image)"), window.selection()
    assert not before["dirty"]
    first = open_dialog(window)
    shown = int(window.sharp_picture()["picture"])
    assert 0 <= first["attention"] <= 1
    assert 0 <= first["realism"] <= 1
    window.screenshot(f"dialog-{version}")
    assert window.ask("state(image)") == before, "the dialog alone changed the image"

    stronger = change(window, "alt+n", "1", "4", "0", "Tab")
    assert stronger != shown, "strength changed nothing in the picture"
    other = stronger
    if "variant-1" in window.notes("offered")[-1]["orders"]:  # else nobody could tell it from what is chosen
        other = change(window, "alt+1")
        assert other != stronger, "the alternative shows the same picture"
    without = change(window, "alt+x")
    assert without != other, "without exposure the picture is the same"
    again = change(window, "alt+x")
    assert again == other
    assert window.ask("state(image)") == before
    window.keys("alt+o")
    closed(window, "Attenuate Selection")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
    after = settled(window)
    assert after["pixels"] != before["pixels"] and after["channels"] == before["channels"]
    assert (window.selection() == selected).all()
    window.screenshot(f"edited-{version}")

    gui.undo_and_redo(window, before, after, selected, tolerance)

    measured = open_dialog(window, "Adjust Edit")
    assert window.ask("state(image)") == after
    window.screenshot(f"adjust-{version}")
    window.keys("Escape")
    closed(window, "Adjust Edit")
    assert window.ask("state(image)") == after, "Cancel changed the image"
    assert measured["attention"] == pytest.approx(window.notes("measured")[-2]["attention"], abs=0.02)

    open_dialog(window, "Adjust Edit")
    change(window, "alt+n", "4", "0", "Tab")
    window.keys("alt+o")
    closed(window, "Adjust Edit")
    wait_for(lambda: window.ask("state(image)") != after, "the change")
    weaker = settled(window)
    assert len(weaker["layers"]) == len(after["layers"])
    window.activate("GIMP$")
    window.keys("ctrl+z")
    wait_for(lambda: window.ask("state(image)") == after, "one undo step back from the change")
    window.keys("ctrl+y")
    wait_for(lambda: window.ask("state(image)") == weaker, "redo of the change")


def test_background_and_styles(gimp: GimpForTests, tmp_path: Path, own_folder: Path) -> None:
    """Background on → more styles → one of them → save it → OK → undo, redo → the saved one → background off again."""
    tolerance = SELECTION if gimp.is_32 else 0
    env = {"XDG_CONFIG_HOME": str(own_folder), "GIMP_SALIENCY_RUNTIME": str(own_folder)}
    with (
        test_looks.profile(gimp) as own,  # so that other tests' dialogs remember nothing of it
        gui.opened(own, tmp_path, env=env) as window,
    ):
        before, selected = window.ask("state(image)"), window.selection()
        open_dialog(window)
        window.calm()
        alone = int(window.sharp_picture()["picture"])
        both = change(window, "alt+b")
        assert both != alone, "the background changed nothing in the picture"
        window.calm()
        styled = both
        for _attempt in range(5):  # a style can be so plain that nobody sees it
            if styled == both:
                window.keys("alt+m")
                window.calm(2.0)
                styled = change(window, "alt+1")
        assert styled != both, "the styles show the same picture"
        window.screenshot(f"styles-3.{gimp.gimp.version[1]}")
        window.keys("alt+v")
        window.activate("Save Style")
        window.keys(*"Faded", pause=0.05)
        window.screenshot(f"save-style-3.{gimp.gimp.version[1]}")
        window.keys("Return")
        closed(window, "Save Style")
        (numbers,) = json.loads((own_folder / "gimp-saliency" / "styles.json").read_text()).values()
        assert len(numbers) == 10 and any(numbers)
        window.calm()
        assert int(window.sharp_picture()["picture"]) == styled, "saving changed the picture"
        assert change(window, "alt+b") == alone
        window.calm()
        assert change(window, "alt+b") == styled, "in the saved style something else is predicted"
        assert window.ask("state(image)") == before
        window.keys("alt+o")
        closed(window, "Attenuate Selection")
        wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
        after = settled(window)
        gui.undo_and_redo(window, before, after, selected, tolerance)

        window.activate("GIMP$")
        window.keys("ctrl+z")
        wait_for(lambda: window.ask("state(image)['layers']") == before["layers"], "one undo step")
        open_dialog(window)  # remembers background and style
        window.keys("alt+o")
        closed(window, "Attenuate Selection")
        wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
        again = settled(window)
        (style,) = set(re.findall(r"Saturation [\d.]+", str(after["layers"])))  # by which the server shows it
        assert style in str(again["layers"])

        open_dialog(window, "Adjust Edit")
        assert window.ask("state(image)") == again
        change(window, "alt+b")
        window.keys("alt+o")
        closed(window, "Adjust Edit")
        wait_for(lambda: window.ask("state(image)")["pixels"] != again["pixels"], "the change")
        gui.undo_and_redo(window, again, settled(window), selected, tolerance)


def test_keys_alone_from_menu_to_edit(gimp: GimpForTests, window: Window) -> None:
    """And Escape, before the dialog has shown anything."""
    before = window.ask("state(image)")
    window.menu("Attenuate Selection")
    window.activate("Attenuate Selection")
    window.keys("Escape")
    closed(window, "Attenuate Selection")
    assert window.ask("state(image)") == before
    window.activate("GIMP$")
    seen = len(window.notes("measured"))
    window.keys("alt+r", "Up", "Right")  # Filters, its last entry Saliency, the first entry there
    window.screenshot(f"menu-{gimp.gimp.version[0]}.{gimp.gimp.version[1]}")
    window.keys("Return")
    window.activate("Attenuate Selection")
    window.next_note("measured", seen)
    window.keys("Return")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")


@pytest.mark.thorough
def test_cancel_and_close_leave_everything(gimp: GimpForTests, window: Window) -> None:
    before, selected = window.ask("state(image)"), window.selection()
    for how in ("Escape", "alt+F4"):
        open_dialog(window)
        change(window, "alt+n", "Up", "alt+j")
        window.keys("alt+a", "3")
        window.screenshot(f"attention-{gimp.gimp.version[1]}")
        window.keys(how)
        closed(window, "Attenuate Selection")
        assert window.ask("state(image)") == before
        assert (window.selection() == selected).all()
        assert window.ask("len(Gimp.get_images())") == 1, "an image stayed behind"


@pytest.mark.thorough
def test_cancel_while_the_server_is_silent(gimp: GimpForTests, window: Window, silent_server: None) -> None:
    before = window.ask("state(image)")
    window.menu("Emphasize Selection")
    window.activate("Emphasize Selection")
    window.next_note("shown", 0)
    time.sleep(0.5)
    start = time.monotonic()
    window.keys("Escape", pause=0)
    closed(window, "Emphasize Selection")
    assert time.monotonic() - start < 3
    assert window.ask("state(image)") == before


@pytest.fixture
def silent_server(gimp: GimpForTests, monkeypatch: pytest.MonkeyPatch) -> Any:
    """In the server's place a socket that takes everything and never answers."""
    import socket

    monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", gimp.env["GIMP_SALIENCY_RUNTIME"])
    lifecycle.stop(kill=True)
    path = Path(places.socket_path())
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        yield
    path.unlink(missing_ok=True)


@pytest.mark.thorough
def test_repeat_last_filter_and_on_another_selection(window: Window) -> None:
    open_dialog(window)
    window.keys("alt+o")
    closed(window, "Attenuate Selection")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
    layers = len(settled(window)["layers"])
    window.ask("inside.select(image, (300, 60, 120, 90), 10)")
    window.activate("GIMP$")
    window.keys("ctrl+f")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > layers, "the repeated filter")
    layers = len(settled(window)["layers"])
    window.keys("ctrl+shift+f")
    window.activate("Attenuate Selection")
    window.keys("Escape")
    closed(window, "Attenuate Selection")
    window.ask("inside.select(image, (20, 200, 120, 90), 10)")
    window.menu("Repeat Edit on Layer")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > layers, "the repeated edit")


@pytest.mark.thorough
def test_map_and_server_from_the_menu(window: Window) -> None:
    before = window.ask("state(image)")
    window.menu("Saliency Map")
    wait_for(lambda: len(window.ask("state(image)['layers']")) == 2, "the map")
    window.activate("GIMP$")
    window.keys("ctrl+z")
    wait_for(lambda: window.ask("state(image)") == before, "one undo step")
    window.menu("Model Server")
    window.activate("Model Server")
    window.screenshot("model-server")
    window.keys("Escape")
    closed(window, "Model Server")
