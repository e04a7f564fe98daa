# SPDX-License-Identifier: GPL-3.0-or-later
"""The small pictures to choose among: other orders of the edits, other styles, a button for more of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gi.repository import GdkPixbuf, Gtk

from ...shared.choices import PROPOSED, Ranking
from ...shared.words import _

SMALL = (66, 44)  # px; of each alternative
_COLUMNS = 2
_BUTTON = 62  # px; the height of an alternative, so that nothing moves when its picture comes


class Alternatives:
    """Up to four alternatives by the names of their orders, one of them chosen."""

    def __init__(self, on_picked: Callable[[str], None], on_more: Callable[[], None]) -> None:
        """on_picked: the user has clicked one, be it the one that was chosen before; on_more: wants other styles."""
        self._buttons: dict[str, Gtk.RadioButton] = {}
        self._pictures: dict[str, Gtk.Image] = {}
        self._captions: dict[str, Gtk.Label] = {}
        self._marking = False
        self._on_picked = on_picked
        self._none = Gtk.RadioButton()  # never shown, for when none of those that are is the chosen one
        for ranking in PROPOSED:
            self._make_button(ranking.value)
        self._more = Gtk.Button.new_with_mnemonic(_("_More styles"))
        self._more.set_tooltip_text(_("Propose other ways to the same goal, at each click new ones"))
        self._more.connect("clicked", lambda *_arguments: on_more())
        self.widget = Gtk.Grid(column_spacing=6, row_spacing=6, column_homogeneous=True)
        self.offer({})

    def offer(self, styled: Mapping[str, bool]) -> None:
        """Offer these orders and no others; if there are none, all are seen but none can be clicked.

        styled: for each order whether it is offered for a style of its own.
        """
        styles = 0
        for order, button in self._buttons.items():
            button.set_sensitive(order in styled)
            caption, why = Ranking(order).caption, Ranking(order).help
            if styled.get(order):
                styles += 1
                # Numbered as the variants are, in whose place it stands: the mnemonic stays unique.
                caption, why = _("Style {number}").format(number=f"_{styles}"), _("Another way to the same goal")
            self._captions[order].set_text_with_mnemonic(caption)
            button.set_tooltip_text(why)
        self._more.set_sensitive(bool(styled))
        self._place([button for order, button in self._buttons.items() if order in styled or not styled])

    def show(self, order: str, picture: GdkPixbuf.Pixbuf) -> None:
        """Show an order's picture."""
        self._pictures[order].set_from_pixbuf(picture)

    def mark(self, order: str) -> None:
        """Show that an order is chosen, without telling; of any other name, that none is."""
        self._marking = True
        self._buttons.get(order, self._none).set_active(True)
        self._marking = False

    def _place(self, buttons: Sequence[Gtk.Widget]) -> None:
        """Two in a row, and the one for more of them behind."""
        for button in self.widget.get_children():
            self.widget.remove(button)
        for number, button in enumerate([*buttons, self._more]):
            self.widget.attach(button, number % _COLUMNS, number // _COLUMNS, 1, 1)
            button.show_all()

    def _make_button(self, order: str) -> None:
        button = Gtk.RadioButton.new_from_widget(self._none)
        button.set_mode(False)
        button.set_size_request(-1, _BUTTON)
        picture, caption = Gtk.Image(), Gtk.Label(use_underline=True)
        picture.set_size_request(*SMALL)
        caption.set_mnemonic_widget(button)
        inside = Gtk.Box(spacing=8)
        inside.pack_start(picture, False, False, 0)
        inside.pack_start(caption, False, False, 0)
        button.add(inside)
        button.connect("clicked", self._pick, order)
        self._buttons[order], self._pictures[order], self._captions[order] = button, picture, caption

    def _pick(self, button: Gtk.RadioButton, order: str) -> None:
        if button.get_active() and not self._marking:
            self._on_picked(order)
