# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the edit dialog that can be seen: pictures, meters, alternatives, values.

They show what they are given and tell what the user does; what that means is dialog.py's business.
"""

from __future__ import annotations

import locale
from collections.abc import Callable, Collection, Iterable
from typing import Any

from choices import ORDERS
from edits import Edit
from gi.repository import GLib, GObject, Gtk
from words import _

PICTURE = (400, 264)  # px; the bounds of each large picture
SMALL = (72, 48)  # px; of each alternative
_BUTTON = 66  # px; the height of an alternative, so that nothing moves when its picture comes
_UNLIKELY, _POSSIBLE = -0.1, -0.3  # loss of realism

# The orders that are offered, with labels whose mnemonics are theirs alone in the dialog.
_OFFERED = {
    "best-realism": _("Most real_istic"),
    "best-saliency": _("Stron_gest"),
    "variant-1": _("Variant _1"),
    "variant-2": _("Variant _2"),
}
# Of each edit the fields that have a slider: name, label, identity, lowest and highest value, step.
_SLIDERS: dict[str, tuple[tuple[str, str, float, float, float, float], ...]] = {
    "exposure": (("ev", _("Exposure in EV"), 0, -4, 4, 0.05),),
    "saturation": (("scale", _("Factor of saturation"), 1, 0, 3, 0.02),),
    "white-balance": (("red", _("Red"), 1, 0.5, 1.85, 0.01), ("blue", _("Blue"), 1, 0.5, 1.85, 0.01)),
    "curves": (),
}


class Pictures:
    """Before and after side by side, as photographs or as attention, whole or the region alone."""

    def __init__(self, changed: Callable[[], None], zoomed: Callable[[], None]) -> None:
        """changed: another kind of picture is wanted; zoomed: another part of it."""
        switches = Gtk.Box(spacing=12)
        picture = Gtk.RadioButton.new_with_mnemonic_from_widget(None, _("Pictur_e"))
        self._attention = Gtk.RadioButton.new_with_mnemonic_from_widget(picture, _("_Attention"))
        self._attention.set_tooltip_text(_("Where viewers are likely to look: the brighter, the more"))
        linked = Gtk.Box()
        linked.get_style_context().add_class("linked")
        for button in (picture, self._attention):
            button.set_mode(False)
            linked.pack_start(button, False, False, 0)
        self._zoomed = Gtk.CheckButton.new_with_mnemonic(_("_Zoom to region"))
        self._attention.connect("toggled", lambda *_arguments: changed())
        self._zoomed.connect("toggled", lambda *_arguments: zoomed())
        switches.pack_start(linked, False, False, 0)
        switches.pack_start(self._zoomed, False, False, 0)
        self._spinner = Gtk.Spinner()
        switches.pack_end(self._spinner, False, False, 0)
        grid = Gtk.Grid(column_spacing=12, row_spacing=6, column_homogeneous=True)
        self.before, self.after = Gtk.Image(), Gtk.Image()
        for column, (name, shown) in enumerate(((_("Before"), self.before), (_("After"), self.after))):
            shown.set_size_request(*PICTURE)
            shown.get_accessible().set_name(name)
            grid.attach(Gtk.Label(label=name), column, 0, 1, 1)
            grid.attach(shown, column, 1, 1, 1)
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        self.widget.pack_start(switches, False, False, 0)
        self.widget.pack_start(grid, True, True, 0)

    def attention(self) -> bool:
        """Whether attention is to be shown."""
        return bool(self._attention.get_active())

    def zoomed(self) -> bool:
        """Whether the region alone is to be shown."""
        return bool(self._zoomed.get_active())

    def spin(self, busy: bool) -> None:
        """Show that something is still to come, or not."""
        self._spinner.set_property("active", busy)


class Meters:
    """What the networks say of what is shown, in words and numbers."""

    def __init__(self) -> None:
        self.widget = Gtk.Box(spacing=24, homogeneous=True)
        self._draws, self._looks_edited = (Gtk.Label(xalign=0, selectable=True, can_focus=False) for _meter in "12")
        names = (_("Attention the region draws:"), _("Looks edited:"))
        for name, value in zip(names, (self._draws, self._looks_edited)):
            half = Gtk.Box(spacing=8)
            half.pack_start(Gtk.Label(label=name, xalign=0), False, False, 0)
            half.pack_start(value, True, True, 0)
            self.widget.pack_start(half, True, True, 0)

    def show(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Show two looks of the server, each with "saliency" (the region's share of attention) and "realism"."""
        shares = (GLib.markup_escape_text(_percent(look["saliency"])) for look in (before, after))
        leftwards = self._draws.get_direction() == Gtk.TextDirection.RTL
        self._draws.set_markup("<b>{} {} {}</b>".format(next(shares), "←" if leftwards else "→", next(shares)))
        loss = after["realism"] - before["realism"]
        word = _("unlikely") if loss >= _UNLIKELY else _("possible") if loss >= _POSSIBLE else _("likely")
        numbers = _("realism {after}, before {before}")
        numbers = numbers.format(after=_decimal(after["realism"], 2), before=_decimal(before["realism"], 2))
        word, numbers = GLib.markup_escape_text(word), GLib.markup_escape_text(numbers)
        self._looks_edited.set_markup(f"<b>{word}</b> ({numbers})")


class Alternatives:
    """Up to four orders of the edits as small pictures, one of them chosen."""

    def __init__(self, picked: Callable[[str], None]) -> None:
        """picked: the user has clicked one, be it the one that was chosen before."""
        self.widget = Gtk.Box(spacing=8, homogeneous=True)
        self._buttons: dict[str, Any] = {}
        self._pictures: dict[str, Any] = {}
        self._marking = False
        self._picked = picked
        first = None
        for order, label in _OFFERED.items():
            button = Gtk.RadioButton.new_from_widget(first)
            first = first or button
            button.set_mode(False)
            button.set_size_request(-1, _BUTTON)
            inside = Gtk.Box(spacing=8)
            picture, caption = Gtk.Image(), Gtk.Label.new_with_mnemonic(label)
            picture.set_size_request(*SMALL)
            caption.set_mnemonic_widget(button)
            inside.pack_start(picture, False, False, 0)
            inside.pack_start(caption, False, False, 0)
            button.add(inside)
            button.set_tooltip_text(ORDERS[order][1])
            button.set_sensitive(False)
            button.connect("clicked", self._clicked, order)
            self.widget.pack_start(button, True, True, 0)
            self._buttons[order], self._pictures[order] = button, picture

    def offer(self, orders: Collection[str]) -> None:
        """Offer these orders and no others; if there are none, all are seen but none can be clicked."""
        for order, button in self._buttons.items():
            button.set_sensitive(order in orders)
            button.set_visible(order in orders or not orders)

    def show(self, order: str, picture: Any) -> None:
        """Show an order's picture, a pixbuf."""
        self._pictures[order].set_from_pixbuf(picture)

    def mark(self, order: str) -> None:
        """Show that an order is chosen, without telling."""
        if order in self._buttons:
            self._marking = True
            self._buttons[order].set_active(True)
            self._marking = False

    def _clicked(self, button: Any, order: str) -> None:
        if button.get_active() and not self._marking:
            self._picked(order)


class Values:
    """A check box for each edit, and sliders for its values."""

    def __init__(self, check_box: Callable[[str], Any], dialled: Callable[[str, str, float], None]) -> None:
        """check_box: makes the one of an edit's name; dialled: edit, field and new value of a moved slider."""
        self.widget = Gtk.Grid(column_spacing=8, row_spacing=4)
        self._adjustments: dict[tuple[str, str], Any] = {}
        self._rows: dict[str, Any] = {}
        self._showing = False
        self._dialled = dialled
        for line, (name, fields) in enumerate(_SLIDERS.items()):
            self.widget.attach(check_box(name), 0, line, 1, 1)
            row = Gtk.Box(spacing=6, hexpand=True)
            for field, label, identity, low, high, step in fields:
                adjustment = Gtk.Adjustment(
                    value=identity, lower=low, upper=high, step_increment=step, page_increment=5 * step
                )
                adjustment.connect("value-changed", self._moved, name, field)
                number = Gtk.SpinButton(adjustment=adjustment, digits=2, width_chars=5)
                number.get_accessible().set_name(label)
                number.set_direction(Gtk.TextDirection.LTR)  # else a minus would stand behind the number
                if len(fields) == 1:
                    row.pack_start(Gtk.Scale(adjustment=adjustment, draw_value=False), True, True, 0)
                else:
                    row.pack_start(Gtk.Label(label=label), False, False, 0)
                row.pack_start(number, len(fields) > 1, len(fields) > 1, 0)
                self._adjustments[name, field] = adjustment
            self._rows[name] = row
            self.widget.attach(row, 1, line, 1, 1)

    def show(self, edits: Iterable[Edit], usable: Callable[[str], bool]) -> None:
        """Let the sliders say the edits' values; those whose edit's name is not usable cannot be moved."""
        shown = {edit.name: edit for edit in edits}
        self._showing = True
        for name, row in self._rows.items():
            row.set_sensitive(usable(name))
        for (name, field), adjustment in self._adjustments.items():
            if name in shown:
                adjustment.set_value(getattr(shown[name], field))
        self._showing = False

    def explain(self, name: str, text: str) -> None:
        """Say why an edit's values cannot be set."""
        row = self._rows[name]
        if not row.get_children():
            row.pack_start(Gtk.Label(label=text, xalign=0), False, False, 0)
            row.show_all()
        row.set_tooltip_text(text)

    def _moved(self, adjustment: Any, name: str, field: str) -> None:
        if not self._showing:
            self._dialled(name, field, adjustment.get_value())


class Status:
    """A sentence about what went wrong, with a button to try again; hidden while there is none."""

    def __init__(self, again: Callable[[], None] | None) -> None:
        self.widget = Gtk.Box(spacing=8, no_show_all=True)
        self._sentence = Gtk.Label(xalign=0, wrap=True, selectable=True, max_width_chars=90, visible=True)
        self.widget.pack_start(self._sentence, True, True, 0)
        if again:
            button = Gtk.Button.new_with_mnemonic(_("Tr_y again"))
            button.connect("clicked", lambda *_arguments: again())
            button.show()
            self.widget.pack_end(button, False, False, 0)

    def say(self, sentence: str) -> None:
        """Show a sentence; "" hides it."""
        self._sentence.set_text(sentence)
        self.widget.set_visible(bool(sentence))


def settings(dialog: Any, scales: Iterable[str], check_boxes: Iterable[str]) -> Any:
    """GIMP's own widgets for some arguments of the dialog's procedure, one below the other."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    for name in scales:
        box.pack_start(dialog.get_scale_entry(name, 1.0), False, False, 0)
    for name in check_boxes:
        box.pack_start(dialog.get_widget(name, GObject.TYPE_NONE), False, False, 0)
    return box


def _percent(share: float) -> str:
    return _("{number} %").format(number=_decimal(100 * share, 1 if share < 0.1 else 0))


def _decimal(number: float, digits: int) -> str:
    """A number as the sliders write theirs, maybe with a comma."""
    return locale.format_string(f"%.{digits}f", number)
