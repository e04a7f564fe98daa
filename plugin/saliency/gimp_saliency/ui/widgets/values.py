# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of the edits: whatever kinds there are, each by its own sliders."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from gi.repository import Gtk

from ...shared.edits import KINDS, Edit, Slider


class Values:
    """A check box for each kind of edit, and sliders for its values."""

    def __init__(self, make_switch: Callable[[str], Gtk.Widget], on_dialled: Callable[[str, str, float], None]) -> None:
        """make_switch: the check box of a kind, by name; on_dialled: kind, field and new value of a moved slider."""
        self.widget = Gtk.Grid(column_spacing=8, row_spacing=3)
        self._adjustments: dict[tuple[str, str], Gtk.Adjustment] = {}
        self._rows: dict[str, Gtk.Box] = {}
        self._showing = False
        self._on_dialled = on_dialled
        with_sliders = [kind for kind in KINDS.values() if kind.sliders]
        for line, kind in enumerate(with_sliders):
            self.widget.attach(make_switch(kind.name), 0, line, 1, 1)
            self._rows[kind.name] = row = self._make_sliders(kind)
            self.widget.attach(row, 1, line, 1, 1)
        together = Gtk.Box(spacing=8)
        for kind in KINDS.values():
            if not kind.sliders:
                self._rows[kind.name] = row = Gtk.Box()
                together.pack_start(make_switch(kind.name), False, False, 0)
                together.pack_start(row, False, False, 0)
        self.widget.attach(together, 0, len(with_sliders), 2, 1)

    def show(self, edits: Iterable[Edit], usable: Container[str]) -> None:
        """Let the sliders say the edits' values; those of kinds that are not usable cannot be moved."""
        shown = {edit.name: edit for edit in edits}
        self._showing = True
        for name, row in self._rows.items():
            row.set_sensitive(name in usable)
        for (name, field), adjustment in self._adjustments.items():
            if name in shown:
                adjustment.set_value(getattr(shown[name], field))
        self._showing = False

    def explain(self, name: str, text: str) -> None:
        """Say why the values of a kind cannot be set."""
        row = self._rows[name]
        if not row.get_children():
            row.pack_start(Gtk.Label(label=text, xalign=0), False, False, 0)
            row.show_all()
        row.set_tooltip_text(text)

    def _make_sliders(self, kind: type[Edit]) -> Gtk.Box:
        """A slider with a number for one value; of several values the numbers alone, with their names."""
        row = Gtk.Box(spacing=6, hexpand=True)
        neutral = kind.neutral()
        several = len(kind.sliders) > 1
        for slider in kind.sliders:
            adjustment = _make_adjustment(slider, getattr(neutral, slider.field))
            adjustment.connect("value-changed", self._tell, kind.name, slider.field)
            number = Gtk.SpinButton(adjustment=adjustment, digits=2, width_chars=5)
            number.get_accessible().set_name(slider.label)
            number.set_direction(Gtk.TextDirection.LTR)  # else a minus would stand behind the number
            if several:
                row.pack_start(Gtk.Label(label=slider.label), False, False, 0)
            else:
                row.pack_start(Gtk.Scale(adjustment=adjustment, draw_value=False), True, True, 0)
            row.pack_start(number, several, several, 0)
            self._adjustments[kind.name, slider.field] = adjustment
        return row

    def _tell(self, adjustment: Gtk.Adjustment, name: str, field: str) -> None:
        if not self._showing:
            self._on_dialled(name, field, adjustment.get_value())


def _make_adjustment(slider: Slider, value: float) -> Gtk.Adjustment:
    return Gtk.Adjustment(
        value=value,
        lower=slider.low,
        upper=slider.high,
        step_increment=slider.step,
        page_increment=5 * slider.step,
    )
