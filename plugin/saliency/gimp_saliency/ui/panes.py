# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the edit dialog that can be seen: pictures, meters, values.  Others: alternatives.py, style_list.py.

They show what they are given and tell what the user does; what that means is dialog.py's business.
"""

from __future__ import annotations

import locale
from collections.abc import Callable, Iterable
from typing import Any

from gi.repository import GLib, GObject, Gtk, Pango

from ..shared.edits import KINDS, Edit
from ..shared.words import _

PICTURE = (400, 244)  # px; the bounds of each large picture
_UNLIKELY, _POSSIBLE = -0.1, -0.3  # loss of realism

_SCALES = ("strength", "feather")  # arguments that are set by a slider
_LINES = 2  # of a sentence about what went wrong


class Pictures:
    """Before and after side by side, as photographs or as attention, whole or the region alone."""

    def __init__(self, changed: Callable[[], None], zoomed: Callable[[], None]) -> None:
        """changed: another kind of picture is wanted; zoomed: another part of it."""
        self.switches = switches = Gtk.Box(spacing=12)  # with room at its end
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


class Values:
    """A check box for each edit, and sliders for its values."""

    def __init__(self, check_box: Callable[[str], Any], dialled: Callable[[str, str, float], None]) -> None:
        """check_box: makes the one of an edit's name; dialled: edit, field and new value of a moved slider."""
        self.widget = Gtk.Grid(column_spacing=8, row_spacing=3)
        self._adjustments: dict[tuple[str, str], Any] = {}
        self._rows: dict[str, Any] = {}
        self._showing = False
        self._dialled = dialled
        with_sliders = [kind for kind in KINDS.values() if kind.sliders]
        for line, kind in enumerate(with_sliders):
            name, neutral = kind.name, kind.neutral()
            self.widget.attach(check_box(name), 0, line, 1, 1)
            row = Gtk.Box(spacing=6, hexpand=True)
            for slider in kind.sliders:
                adjustment = Gtk.Adjustment(
                    value=getattr(neutral, slider.field),
                    lower=slider.low,
                    upper=slider.high,
                    step_increment=slider.step,
                    page_increment=5 * slider.step,
                )
                adjustment.connect("value-changed", self._moved, name, slider.field)
                number = Gtk.SpinButton(adjustment=adjustment, digits=2, width_chars=5)
                number.get_accessible().set_name(slider.label)
                number.set_direction(Gtk.TextDirection.LTR)  # else a minus would stand behind the number
                if len(kind.sliders) == 1:
                    row.pack_start(Gtk.Scale(adjustment=adjustment, draw_value=False), True, True, 0)
                else:
                    row.pack_start(Gtk.Label(label=slider.label), False, False, 0)
                row.pack_start(number, len(kind.sliders) > 1, len(kind.sliders) > 1, 0)
                self._adjustments[name, slider.field] = adjustment
            self._rows[name] = row
            self.widget.attach(row, 1, line, 1, 1)
        together = Gtk.Box(spacing=8)
        for name in (kind.name for kind in KINDS.values() if not kind.sliders):
            self._rows[name] = row = Gtk.Box()
            together.pack_start(check_box(name), False, False, 0)
            together.pack_start(row, False, False, 0)
        self.widget.attach(together, 0, len(with_sliders), 2, 1)

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

    def __init__(self, again: Callable[[], None] | None, other: Any) -> None:
        """other: the widget in whose place the sentence is shown, as a screen of 1280 x 800 has no room for both."""
        self.widget, self._other = Gtk.Box(spacing=8, no_show_all=True), other
        self._sentence = Gtk.Label(xalign=0, wrap=True, selectable=True, max_width_chars=90, visible=True)
        self._sentence.set_properties(
            wrap_mode=Pango.WrapMode.WORD_CHAR, ellipsize=Pango.EllipsizeMode.END, lines=_LINES
        )
        self.widget.pack_start(self._sentence, True, True, 0)
        if again:
            button = Gtk.Button.new_with_mnemonic(_("Tr_y again"))
            button.connect("clicked", lambda *_arguments: again())
            button.show()
            self.widget.pack_end(button, False, False, 0)

    def say(self, sentence: str) -> None:
        """Show a sentence, of an overlong one the beginning, all of it as tooltip; "" hides it."""
        self._sentence.set_text(sentence)
        self._sentence.set_tooltip_text(sentence)
        self.widget.set_visible(bool(sentence))
        self._other.set_visible(not sentence)


def settings(dialog: Any, names: Iterable[str]) -> Any:
    """GIMP's own widgets for some arguments of the dialog's procedure, one below the other.

    The background's strength is beside its check box, and of use only while that is on.
    """
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    for name in names:
        widget = dialog.get_scale_entry(name, 1.0) if name in _SCALES else dialog.get_widget(name, GObject.TYPE_NONE)
        if name == "background":
            strength = dialog.get_scale_entry("background-strength", 1.0)
            label = strength.get_label()  # which a screen reader still says
            label.set_no_show_all(True)
            label.hide()
            widget.bind_property("active", strength, "sensitive", GObject.BindingFlags.SYNC_CREATE)
            line = Gtk.Box(spacing=8)
            line.pack_start(widget, False, False, 0)
            line.pack_start(strength, True, True, 0)
            widget = line
        box.pack_start(widget, False, False, 0)
    return box


def _percent(share: float) -> str:
    return _("{number} %").format(number=_decimal(100 * share, 1 if share < 0.1 else 0))


def _decimal(number: float, digits: int) -> str:
    """A number as the sliders write theirs, maybe with a comma."""
    return locale.format_string(f"%.{digits}f", number)
