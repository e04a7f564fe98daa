# SPDX-License-Identifier: GPL-3.0-or-later
"""The small window that saves a style under a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gi.repository import GimpUi, Gtk, Pango

from ..shared import styles
from ..shared.errors import UserError
from ..shared.words import _


def save(parent: Any, numbers: Sequence[float]) -> str:
    """Ask for a name and save a style under it; the name, "" if the user thinks better of it."""
    window = GimpUi.Dialog(title=_("Save Style"), role="saliency-style", transient_for=parent, modal=True)
    window.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    window.add_button(_("_Save"), Gtk.ResponseType.OK)
    window.set_default_response(Gtk.ResponseType.OK)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
    row = Gtk.Box(spacing=8)
    entry = Gtk.Entry(activates_default=True, width_chars=30)
    label = Gtk.Label(label=_("_Name:"), use_underline=True)
    label.set_mnemonic_widget(entry)
    row.pack_start(label, False, False, 0)
    row.pack_start(entry, True, True, 0)
    note = Gtk.Label(xalign=0, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR, max_width_chars=50)
    box.pack_start(row, False, False, 0)
    box.pack_start(note, False, False, 0)
    window.get_content_area().pack_start(box, True, True, 0)

    def typed(*_arguments: Any) -> None:
        name = entry.get_text().strip()
        window.set_response_sensitive(Gtk.ResponseType.OK, bool(name))
        try:
            note.set_text(_("The saved style of this name will be replaced.") if name in styles.saved() else "")
        except UserError as error:
            note.set_text(str(error))

    entry.connect("changed", typed)
    typed()
    window.show_all()
    try:
        while window.run() == Gtk.ResponseType.OK:
            name = entry.get_text().strip()
            try:
                styles.save(name, numbers)
                return name
            except UserError as error:
                note.set_text(str(error))
        return ""
    finally:
        window.destroy()
