# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that says what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gtk, Pango

from ...shared.words import _

_LINES = 2  # of a sentence about what went wrong


class Status:
    """A sentence, maybe with a button to try again; hidden while there is none."""

    def __init__(self, other: Gtk.Widget, try_again: Callable[[], None] | None = None) -> None:
        """other: the widget in whose place the sentence is shown, as a screen of 1280 x 800 has no room for both."""
        self.widget, self._other = Gtk.Box(spacing=8, no_show_all=True), other
        self._sentence = Gtk.Label(xalign=0, wrap=True, selectable=True, max_width_chars=90, visible=True)
        self._sentence.set_properties(
            wrap_mode=Pango.WrapMode.WORD_CHAR, ellipsize=Pango.EllipsizeMode.END, lines=_LINES
        )
        self.widget.pack_start(self._sentence, True, True, 0)
        if try_again:
            button = Gtk.Button.new_with_mnemonic(_("Tr_y again"))
            button.connect("clicked", lambda *_arguments: try_again())
            button.show()
            self.widget.pack_end(button, False, False, 0)

    def say(self, sentence: str) -> None:
        """Show a sentence, of an overlong one the beginning, all of it as tooltip; "" hides it."""
        self._sentence.set_text(sentence)
        self._sentence.set_tooltip_text(sentence)
        self.widget.set_visible(bool(sentence))
        self._other.set_visible(not sentence)
