# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of saved styles."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gi.repository import Gtk

from ...shared.words import _


class StyleList:
    """One of the saved styles, or the plain one, and a button that saves another."""

    def __init__(self, on_chosen: Callable[[str], None], on_save: Callable[[], None]) -> None:
        """on_chosen: the user has taken the style of this name, "" the plain one; on_save: wants to save one."""
        self.widget = Gtk.Box(spacing=8)
        label = Gtk.Label(label=_("Style:"))
        self._list = Gtk.ComboBoxText(hexpand=True)
        self._list.set_tooltip_text(_("The style in which the network predicts; “Save style…” adds to the list"))
        label.set_mnemonic_widget(self._list)  # tells screen readers what the list is
        self._list.connect("changed", self._tell)
        self._save = Gtk.Button.new_with_mnemonic(_("Sa_ve style…"))
        self._save.set_tooltip_text(_("Keep the style of the chosen alternative under a name"))
        self._save.connect("clicked", lambda *_arguments: on_save())
        self._filling = False
        self._on_chosen = on_chosen
        for widget in (label, self._list, self._save):
            self.widget.pack_start(widget, widget is self._list, widget is self._list, 0)
        self.allow_saving(False)

    def fill(self, names: Iterable[str], chosen: str) -> None:
        """Show these styles and the plain one, one of them chosen, without telling."""
        self._filling = True
        self._list.remove_all()
        self._list.append("", _("Plain"))
        for name in names:
            self._list.append(name, name)
        self._list.set_active_id(chosen)
        self._filling = False

    def allow_saving(self, is_possible: bool) -> None:
        """Say whether there is a style to save."""
        self._save.set_sensitive(is_possible)

    def _tell(self, _list: Gtk.ComboBoxText) -> None:
        if not self._filling:
            self._on_chosen(self._list.get_active_id() or "")
