# SPDX-License-Identifier: GPL-3.0-or-later
"""The two large pictures, before and after, with the switches for what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from ...shared.words import _

if TYPE_CHECKING:
    from gi.repository import Gdk

PICTURE = (400, 236)  # px; the bounds of each large picture, at least

_PATIENCE = 100  # ms without a change until a new size counts


class Pictures:
    """Before and after side by side, as photographs or as attention, whole or the region alone."""

    def __init__(
        self, on_changed: Callable[[], None], on_zoomed: Callable[[], None], on_resized: Callable[[], None]
    ) -> None:
        """on_changed: another kind of picture is wanted; on_zoomed: another part of it; on_resized: another size."""
        self.bounds = PICTURE  # px; that each picture may have
        self._on_resized, self._resizing = on_resized, 0
        picture = Gtk.RadioButton.new_with_mnemonic_from_widget(None, _("Pictur_e"))
        self._attention = Gtk.RadioButton.new_with_mnemonic_from_widget(picture, _("_Attention"))
        self._attention.set_tooltip_text(_("Where viewers are likely to look: the brighter, the more"))
        self._attention.connect("toggled", lambda *_arguments: on_changed())
        self._zoom = Gtk.CheckButton.new_with_mnemonic(_("_Zoom to region"))
        self._zoom.connect("toggled", lambda *_arguments: on_zoomed())
        self._mask = Gtk.CheckButton.new_with_mnemonic(_("Show mas_k"))
        self._mask.set_tooltip_text(_("Red over what the edit leaves out"))
        self._mask.connect("toggled", lambda *_arguments: on_changed())
        self._spinner = Gtk.Spinner()
        self.before, self.after = Gtk.Image(), Gtk.Image()
        self.switches = self._lay_out_switches(picture)
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        self.widget.pack_start(self.switches, False, False, 0)
        self.widget.pack_start(self._lay_out_pictures(), True, True, 0)

    def shows_attention(self) -> bool:
        """Whether attention is to be shown."""
        return bool(self._attention.get_active())

    def shows_mask(self) -> bool:
        """Whether the mask is to be shown."""
        return bool(self._mask.get_active())

    def shows_region(self) -> bool:
        """Whether the region alone is to be shown."""
        return bool(self._zoom.get_active())

    def close(self) -> None:
        """Forget what is scheduled."""
        if self._resizing:
            GLib.source_remove(self._resizing)

    def spin(self, busy: bool) -> None:
        """Show that something is still to come, or not."""
        self._spinner.set_property("active", busy)

    def _lay_out_switches(self, picture: Gtk.RadioButton) -> Gtk.Box:
        """A row with room at its end."""
        linked = Gtk.Box()
        linked.get_style_context().add_class("linked")
        for button in (picture, self._attention):
            button.set_mode(False)
            linked.pack_start(button, False, False, 0)
        row = Gtk.Box(spacing=12)
        row.pack_start(linked, False, False, 0)
        row.pack_start(self._zoom, False, False, 0)
        row.pack_start(self._mask, False, False, 0)
        row.pack_end(self._spinner, False, False, 0)
        return row

    def _lay_out_pictures(self) -> Gtk.Grid:
        grid = Gtk.Grid(column_spacing=12, row_spacing=6, column_homogeneous=True)
        for column, (name, shown) in enumerate(((_("Before"), self.before), (_("After"), self.after))):
            shown.get_accessible().set_name(name)
            frame = Gtk.ScrolledWindow(hexpand=True, vexpand=True)
            # A picture as large as its frame would not let the window shrink; this way it is cut for a moment.
            frame.set_policy(Gtk.PolicyType.EXTERNAL, Gtk.PolicyType.EXTERNAL)
            frame.set_size_request(*PICTURE)
            frame.add(shown)
            grid.attach(Gtk.Label(label=name), column, 0, 1, 1)
            grid.attach(frame, column, 1, 1, 1)
        frame.connect("size-allocate", self._follow_size)
        return grid

    def _follow_size(self, _frame: Gtk.Widget, place: Gdk.Rectangle) -> None:
        if self._resizing:
            GLib.source_remove(self._resizing)
        self._resizing = GLib.timeout_add(_PATIENCE, self._take_size, (place.width, place.height))

    def _take_size(self, size: tuple[int, int]) -> bool:
        self._resizing = 0
        if size != self.bounds:
            self.bounds = size
            self._on_resized()
        return False
