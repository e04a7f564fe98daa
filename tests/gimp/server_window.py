# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a GIMP with a window: shows the model server's dialog and writes down what it says, until it is closed.

Start with exec(…, {"REPORT": path of a JSON file to write again and again}).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gi.repository import GLib, Gtk

from gimp_saliency.ui import server_dialog


def walk(parent: Gtk.Widget) -> Iterator[Gtk.Widget]:
    yield parent
    if isinstance(parent, Gtk.Container):
        for child in parent.get_children():
            yield from walk(child)


def write(content: dict[str, Any]) -> None:
    file = Path(globals()["REPORT"])
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content))
    part.replace(file)


def report() -> bool:
    """All that the window shows: the texts by their labels, the buttons with whether they can be pressed."""
    shown = [w for window in Gtk.Window.list_toplevels() for w in walk(window) if w.get_mapped()]
    labels = [w for w in shown if isinstance(w, Gtk.Label)]
    named = {label.get_mnemonic_widget(): label for label in labels}
    buttons = [w for w in shown if isinstance(w, Gtk.Button) and w.get_label()]
    write(
        {
            "values": {named[w].get_text(): w.get_text() for w in labels if w in named},
            "texts": [w.get_text() for w in labels if w.get_selectable()],
            "buttons": {button.get_label(): button.get_sensitive() for button in buttons},
            "mnemonics": [w.get_label() for w in labels if w.get_use_underline() and "_" in w.get_label()],
            "focus": [w.get_label() for w in buttons if w.is_focus()],
        }
    )
    return True


GLib.timeout_add(100, report)
server_dialog.show()
write({"closed": True})
