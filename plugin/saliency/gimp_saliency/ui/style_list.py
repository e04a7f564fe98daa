# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of saved styles in the edit dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import Gtk

from ..shared import styles
from ..shared.words import _


class StyleList:
    """One of the saved styles, or the plain one, and a button that saves another."""

    def __init__(self, chosen: Callable[[str], None], save: Callable[[], None]) -> None:
        """chosen: the user has taken the style of this name, "" the plain one; save: wants to save one."""
        self.widget = Gtk.Box(spacing=8)
        label = Gtk.Label(label=_("Style:"))
        self._list = Gtk.ComboBoxText(hexpand=True)
        self._list.set_tooltip_text(_("The style in which edits are predicted; “Save style…” adds to the list"))
        label.set_mnemonic_widget(self._list)  # tells screen readers what the list is
        self._list.connect("changed", self._changed)
        self._save = Gtk.Button.new_with_mnemonic(_("Sa_ve style…"))
        self._save.set_tooltip_text(_("Keep the style of the chosen alternative under a name"))
        self._save.connect("clicked", lambda *_arguments: save())
        self._filling = False
        self._chosen = chosen
        for widget in (label, self._list, self._save):
            self.widget.pack_start(widget, widget is self._list, widget is self._list, 0)
        self.can_save(False)

    def fill(self, chosen: str) -> None:
        """Show all saved styles, one of them chosen, without telling.  Raises UserError if they cannot be read."""
        self._filling = True
        try:
            self._list.remove_all()
            self._list.append("", _("Plain"))
            names: list[str] = []
            try:
                names = sorted(styles.saved())
            finally:
                for name in names if chosen in ("", *names) else [*names, chosen]:  # one that is no more: it says so
                    self._list.append(name, name)
                self._list.set_active_id(chosen)
        finally:
            self._filling = False

    def can_save(self, possible: bool) -> None:
        """Whether there is a style to save."""
        self._save.set_sensitive(possible)

    def _changed(self, _list: Any) -> None:
        if not self._filling:
            self._chosen(self._list.get_active_id() or "")
