# SPDX-License-Identifier: GPL-3.0-or-later
"""The small window that saves a style under a name."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import GimpUi, Gtk, Pango

from ...shared.errors import UserError
from ...shared.styles import StyleFile
from ...shared.words import _


def ask_style_name(parent: Gtk.Window, saved: StyleFile, save: Callable[[str], None]) -> None:
    """Ask for a name until `save` takes one, or the user thinks better of it.

    saved: the styles that there are.  save: raises UserError.
    """
    window = StyleNameWindow(parent, saved)
    try:
        while name := window.run():
            try:
                save(name)
                return
            except UserError as error:
                window.say(str(error))
    finally:
        window.close()


class StyleNameWindow:
    """A line for the name, and a note below it."""

    def __init__(self, parent: Gtk.Window, saved: StyleFile) -> None:
        """saved: the styles that there are."""
        self._saved = saved
        self._window = GimpUi.Dialog(title=_("Save Style"), role="saliency-style", transient_for=parent, modal=True)
        self._window.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self._window.add_button(_("_Save"), Gtk.ResponseType.OK)
        self._window.set_default_response(Gtk.ResponseType.OK)
        self._entry = Gtk.Entry(activates_default=True, width_chars=30)
        self._note = Gtk.Label(xalign=0, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR, max_width_chars=50)
        label = Gtk.Label(label=_("_Name:"), use_underline=True)
        label.set_mnemonic_widget(self._entry)
        row = Gtk.Box(spacing=8)
        row.pack_start(label, False, False, 0)
        row.pack_start(self._entry, True, True, 0)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
        box.pack_start(row, False, False, 0)
        box.pack_start(self._note, False, False, 0)
        self._window.get_content_area().pack_start(box, True, True, 0)
        self._entry.connect("changed", self._check)
        self._check()
        self._window.show_all()

    def run(self) -> str:
        """Show the window until it is answered; the name, "" if there is to be none."""
        return self._name() if self._window.run() == Gtk.ResponseType.OK else ""

    def say(self, sentence: str) -> None:
        """Show a sentence until the name is another one."""
        self._note.set_text(sentence)

    def close(self) -> None:
        """To be called once."""
        self._window.destroy()

    def _name(self) -> str:
        return str(self._entry.get_text()).strip()

    def _check(self, *_arguments: object) -> None:
        """Say what saving under the name would do."""
        self._window.set_response_sensitive(Gtk.ResponseType.OK, bool(self._name()))
        try:
            replaces = self._name() in self._saved.load_saved()
        except UserError as error:
            self.say(str(error))
        else:
            self.say(_("The saved style of this name will be replaced.") if replaces else "")
