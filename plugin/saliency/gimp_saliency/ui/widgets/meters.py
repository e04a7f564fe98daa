# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks say of the pictures, in words and numbers."""

from __future__ import annotations

import locale
from typing import Any

from gi.repository import GLib, Gtk

from ...shared.words import _

_UNLIKELY, _POSSIBLE = -0.1, -0.3  # loss of realism
_HIDDEN, _FAINT = 1.5, 3.0  # border; an edit goes by itself no further than the first


class Meters:
    """How much attention the region draws, and how edited it looks."""

    def __init__(self) -> None:
        self.widget = Gtk.Box(spacing=24, homogeneous=True)
        self._attention = self._add(_("Attention the region draws:"))
        self._realism = self._add(_("Looks edited:"))

    def show(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Show two looks of the server: "saliency" (the region's share of attention), "realism"; the latter's "border".

        What is worse of realism and border says how edited the region looks.
        """
        shares = (GLib.markup_escape_text(_format_percent(look["saliency"])) for look in (before, after))
        leftwards = self._attention.get_direction() == Gtk.TextDirection.RTL
        self._attention.set_markup("<b>{} {} {}</b>".format(next(shares), "←" if leftwards else "→", next(shares)))
        verdict, advice = _judge(after["realism"] - before["realism"], after.get("border", 0.0))
        numbers = _("realism {after}, before {before}; border {border}").format(
            after=_format_decimal(after["realism"], 2),
            before=_format_decimal(before["realism"], 2),
            border=_format_decimal(after.get("border", 0.0), 1),
        )
        self._realism.set_markup(f"<b>{GLib.markup_escape_text(verdict)}</b> ({GLib.markup_escape_text(numbers)})")
        self._realism.set_tooltip_text(advice)

    def _add(self, name: str) -> Gtk.Label:
        """A half of the row: what is measured, and a label for its value."""
        value = Gtk.Label(xalign=0, selectable=True, can_focus=False)
        half = Gtk.Box(spacing=8)
        half.pack_start(Gtk.Label(label=name, xalign=0), False, False, 0)
        half.pack_start(value, True, True, 0)
        self.widget.pack_start(half, True, True, 0)
        return value


def _judge(loss: float, border: float) -> tuple[str, str]:
    """How edited the region looks, and what to do; by the change of its realism and the border that the edit shows."""
    of_realism = 0 if loss >= _UNLIKELY else 1 if loss >= _POSSIBLE else 2
    of_border = 0 if border <= _HIDDEN else 1 if border <= _FAINT else 2
    if not max(of_realism, of_border):
        return _("unlikely"), ""
    if of_border >= of_realism:
        advice = _("A step of colour shows where the region ends: choose another edge, or less strength.")
        return (_("possibly: its border shows") if of_border == 1 else _("likely: its border shows")), advice
    advice = _("The critic takes the region's colours for edited: choose less strength, or switch off single edits.")
    return (_("possibly: its colours") if of_realism == 1 else _("likely: its colours")), advice


def _format_percent(share: float) -> str:
    return _("{number} %").format(number=_format_decimal(100 * share, 1 if share < 0.1 else 0))


def _format_decimal(number: float, digits: int) -> str:
    """A number as the sliders write theirs, maybe with a comma."""
    return locale.format_string(f"%.{digits}f", number)
