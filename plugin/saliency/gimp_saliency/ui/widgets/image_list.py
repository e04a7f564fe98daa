# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of the other open images, one of which can be matched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gi.repository import Gimp, Gtk

from ...shared.words import _


class ImageList:
    """One of some images, or none."""

    def __init__(self, images: Sequence[Gimp.Image], on_chosen: Callable[[Gimp.Image | None], None]) -> None:
        """on_chosen: the user has taken this one; None: none."""
        self.widget = Gtk.Box(spacing=8)
        label = Gtk.Label.new_with_mnemonic(_("_Match the look of:"))
        self._list = Gtk.ComboBoxText(hexpand=True)
        label.set_mnemonic_widget(self._list)
        self._list.append(None, _("no other image"))
        for image in images:
            self._list.append(None, str(image.get_name()))
        self._list.set_active(0)
        self._list.set_sensitive(bool(images))
        self._list.set_tooltip_text(
            _("Gives the photo the light and colours of another open image")
            if images
            else _("Open the image to match in GIMP first")
        )
        self._images, self._on_chosen = [None, *images], on_chosen
        self._is_setting = False
        self._list.connect("changed", self._tell)
        self.widget.pack_start(label, False, False, 0)
        self.widget.pack_start(self._list, True, True, 0)

    def choose_none(self) -> None:
        """Show that no other image is matched, without telling."""
        self._is_setting = True
        self._list.set_active(0)
        self._is_setting = False

    def _tell(self, _list: Gtk.ComboBoxText) -> None:
        if not self._is_setting:
            self._on_chosen(self._images[self._list.get_active()])
