# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks say of the pictures, in words and numbers."""

from __future__ import annotations

import locale
from typing import Any

from gi.repository import GLib, Gtk

from ...shared.words import _
from ..verdict import judge_attention, judge_edit


class Meters:
    """How much attention the region draws, and how edited it looks."""

    def __init__(self) -> None:
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        self._attention = self._add(_("Attention the region draws:"))
        self._realism = self._add(_("Looks edited:"))

    def show(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Show two looks of the server, see `questions.ask_look`; the latter with its "border".

        What is worse of realism and border says how edited the region looks.
        """
        *shares, spread = (GLib.markup_escape_text(_format_percent(each)) for each in judge_attention(before, after))
        leftwards = self._attention.get_direction() == Gtk.TextDirection.RTL
        arrow = "←" if leftwards else "→"
        self._attention.set_markup(f"<b>{shares[0]} {arrow} {shares[1]}</b> (± {spread})")
        self._attention.set_tooltip_text(_("Two networks were asked; ± is how far they disagree on the change."))
        words, advice = judge_edit(before, after)
        numbers = _("realism {after}, before {before}; border {border}").format(
            after=_format_decimal(after["realism"], 2),
            before=_format_decimal(before["realism"], 2),
            border=_format_decimal(after.get("border", 0.0), 1),
        )
        self._realism.set_markup(f"<b>{GLib.markup_escape_text(words)}</b> ({GLib.markup_escape_text(numbers)})")
        self._realism.set_tooltip_text(advice)

    def _add(self, name: str) -> Gtk.Label:
        """A line: what is measured, and a label for its value."""
        value = Gtk.Label(xalign=0, selectable=True, can_focus=False)
        line = Gtk.Box(spacing=8)
        line.pack_start(Gtk.Label(label=name, xalign=0), False, False, 0)
        line.pack_start(value, True, True, 0)
        self.widget.pack_start(line, False, False, 0)
        return value


def _format_percent(share: float) -> str:
    return _("{number} %").format(number=_format_decimal(100 * share, 1 if share < 0.1 else 0))


def _format_decimal(number: float, digits: int) -> str:
    """A number as the sliders write theirs, maybe with a comma."""
    return locale.format_string(f"%.{digits}f", number)
