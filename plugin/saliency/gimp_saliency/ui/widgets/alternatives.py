# SPDX-License-Identifier: GPL-3.0-or-later
"""The small pictures to choose among: what is proposed, in other styles, too, and a button for more of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gi.repository import GdkPixbuf, Gtk

from ...shared.words import _

SMALL = (66, 44)  # px; of each alternative
_COLUMNS, _MANY = 2, 4  # of them, and one more where there are many
_BUTTON = 62  # px; the height of an alternative, so that nothing moves when its picture comes


class Alternatives:
    """A few alternatives by their names, one of them chosen."""

    def __init__(
        self,
        captions: Mapping[str, tuple[str, str]],
        on_picked: Callable[[str], None],
        on_more: Callable[[], None] | None,
    ) -> None:
        """captions: by name, in their order, each with a help, of those that are not offered for a style of their own.

        on_picked: the user has clicked one, be it the one that was chosen before; on_more: wants other styles; None:
        there are no others.
        """
        self._own_captions = captions
        self._buttons: dict[str, Gtk.RadioButton] = {}
        self._pictures: dict[str, Gtk.Image] = {}
        self._captions: dict[str, Gtk.Label] = {}
        self._marking = False
        self._on_picked = on_picked
        self._none = Gtk.RadioButton()  # never shown, for when none of those that are is the chosen one
        for name in captions:
            self._make_button(name)
        self._more = Gtk.Button.new_with_mnemonic(_("_More styles"))
        self._more.set_tooltip_text(_("Propose other ways to the same goal, at each click new ones"))
        self._columns = _COLUMNS + (len(captions) > _MANY)
        self._last = [self._more] if on_more else []
        if on_more:
            self._more.connect("clicked", lambda *_arguments: on_more())
        self.widget = Gtk.Grid(column_spacing=6, row_spacing=6, column_homogeneous=True)
        self.offer({})

    def offer(self, styled: Mapping[str, bool]) -> None:
        """Offer those of these names and no others; if there are none, all are seen but none can be clicked.

        styled: for each name whether it is offered for a style of its own.
        """
        styles = 0
        for name, button in self._buttons.items():
            button.set_sensitive(name in styled)
            caption, why = self._own_captions[name]
            if styled.get(name):
                styles += 1
                # Numbered as the variants are, in whose place it stands: the mnemonic stays unique.
                caption, why = caption_style(styles)
            self._captions[name].set_text_with_mnemonic(caption)
            button.set_tooltip_text(why)
        self._more.set_sensitive(bool(styled))
        self._place([button for name, button in self._buttons.items() if name in styled or not styled])

    def show(self, name: str, picture: GdkPixbuf.Pixbuf) -> None:
        """Show an alternative's picture."""
        self._pictures[name].set_from_pixbuf(picture)

    def mark(self, name: str) -> None:
        """Show that one is chosen, without telling; of any other name, that none is."""
        self._marking = True
        self._buttons.get(name, self._none).set_active(True)
        self._marking = False

    def _place(self, buttons: Sequence[Gtk.Widget]) -> None:
        """In rows, and the one for more of them behind."""
        for button in self.widget.get_children():
            self.widget.remove(button)
        for number, button in enumerate([*buttons, *self._last]):
            self.widget.attach(button, number % self._columns, number // self._columns, 1, 1)
            button.show_all()

    def _make_button(self, name: str) -> None:
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
        button.connect("clicked", self._pick, name)
        self._buttons[name], self._pictures[name], self._captions[name] = button, picture, caption

    def _pick(self, button: Gtk.RadioButton, name: str) -> None:
        if button.get_active() and not self._marking:
            self._on_picked(name)


def caption_style(number: int) -> tuple[str, str]:
    """The caption of what is offered for a style of its own, with a mnemonic, and its help."""
    return _("Style {number}").format(number=f"_{number}"), _("Another way to the same goal")
