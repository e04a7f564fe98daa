# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of an edit: shows what will happen, follows every control, changes nothing in the image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import adjusting
import canvas
import connection
import manual
import pictures
import tracing
from asker import Asker
from choices import ORDERS, Choices
from editing import Planned, planned, regions
from edits import Edit, Exposure, Saturation, WhiteBalance
from errors import UserError
from gi.repository import Gimp, GimpUi, GLib, GObject, Gtk
from view import View
from words import _

_SHOWN = ("best-realism", "best-saliency", "variant-1", "variant-2")
_ORDER_LABELS = (_("Most real_istic"), _("Stron_gest"), _("Variant _1"), _("Variant _2"))
_PICTURE = (400, 264)  # px; the bounds of each large picture
_SMALL = (72, 48)  # px; of each alternative
_LONGEST = 400  # px; of what is read to be shown zoomed in
_AROUND = 0.6  # how much of the region's size is shown around it when zoomed in
_PATIENCE = 120  # ms without a change until the meters are asked for anew
_IDENTITY = {"exposure": {"ev": 0.0}, "saturation": {"scale": 1.0}, "white-balance": {"red": 1.0, "blue": 1.0}}
# Of each edit the fields that have a slider: name, label, lowest and highest value, step.
_SLIDERS: dict[str, tuple[tuple[str, str, float, float, float], ...]] = {
    "exposure": (("ev", _("Exposure in EV"), -4, 4, 0.05),),
    "saturation": (("scale", _("Factor of saturation"), 0, 3, 0.02),),
    "white-balance": (("red", _("Red"), 0.5, 1.85, 0.01), ("blue", _("Blue"), 0.5, 1.85, 0.01)),
    "curves": (),
}
_UNLIKELY, _POSSIBLE = -0.1, -0.3  # loss of realism


def choose(
    procedure: Any, config: Any, image: Any, layer: Any, direction: str
) -> tuple[list[Planned], tuple[int, int]] | None:
    """Let the user set an edit of the selection; what to apply and the grid of its parts, None if cancelled."""
    GimpUi.init("saliency")
    dialog = EditDialog(procedure, config, image, layer, direction)
    try:
        return (dialog.plan, dialog.grid) if dialog.run() else None
    finally:
        dialog.close()


def adjust(procedure: Any, config: Any, image: Any, edit: adjusting.MadeEdit) -> list[Edit] | None:
    """Let the user set an edit that is there anew; its values at 100 %, None if cancelled."""
    GimpUi.init("saliency")
    before, photo = adjusting.before(image, edit)
    try:
        dialog = EditDialog(procedure, config, before, photo, edit.choices.direction, edit)
        try:
            return dialog.plan[0].edits if dialog.run() else None
        finally:
            dialog.close()
    finally:
        before.delete()


class EditDialog:
    """GIMP's own dialog for the procedure's arguments, with pictures, alternatives, values and meters."""

    def __init__(self, procedure: Any, config: Any, image: Any, layer: Any, direction: str, made: Any = None) -> None:
        self._config, self._image, self._layer = config, image, layer
        self._direction, self._made = direction, made
        self.plan: list[Planned] = []
        self.grid = (1, 1)
        self._asker = Asker()
        self._views: dict[bool, View] = {}  # by whether it is the region's
        self._alternatives: dict[str, list[Planned]] = {}
        self._looks: dict[str, dict[str, Any]] = {}  # "before" and "after": what the networks see
        self._timer = self._redrawing = 0
        self._syncing = False
        self._build(procedure)

    def run(self) -> bool:
        """Show the dialog until it is answered; whether by OK."""
        GLib.idle_add(self._begin, priority=GLib.PRIORITY_LOW)
        return bool(self._dialog.run())

    def close(self) -> None:
        """Free what belongs to the dialog.  To be called once."""
        self._asker.close()
        for source in (self._timer, self._redrawing):
            if source:
                GLib.source_remove(source)
        for view in self._views.values():
            view.close()
        self._dialog.destroy()

    # What is on the screen

    def _build(self, procedure: Any) -> None:
        title = str(procedure.get_menu_label()).replace("_", "").rstrip("…")
        self._dialog = GimpUi.ProcedureDialog.new(procedure, self._config, title)
        manual.connect(self._dialog, "use")
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8, border_width=12)
        content.pack_start(self._build_pictures(), True, True, 0)
        content.pack_start(self._build_meters(), False, False, 0)
        if not self._made:
            content.pack_start(self._build_alternatives(), False, False, 0)
        content.pack_start(self._build_controls(), False, False, 0)
        content.pack_start(self._build_status(), False, False, 0)
        content.show_all()
        self._say("")
        self._dialog.get_content_area().pack_start(content, True, True, 0)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, bool(self._made))
        names = ["strength", "exposure", "saturation", "white-balance", "curves"]
        for name in names if self._made else [*names, "feather", "refine"]:
            self._config.connect(f"notify::{name}", lambda *_: self._changed())
        if not self._made:
            self._config.connect("notify::separate", lambda *_: self._ask())
            self._config.connect("notify::order", lambda *_: self._ordered())

    def _build_pictures(self) -> Any:
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
        self._attention.connect("toggled", lambda *_: self._show())
        self._zoomed.connect("toggled", lambda *_: self._zoom())
        switches.pack_start(linked, False, False, 0)
        switches.pack_start(self._zoomed, False, False, 0)
        self._spinner = Gtk.Spinner()
        switches.pack_end(self._spinner, False, False, 0)
        grid = Gtk.Grid(column_spacing=12, row_spacing=6, column_homogeneous=True)
        self._before, self._after = Gtk.Image(), Gtk.Image()
        for column, (name, shown) in enumerate(((_("Before"), self._before), (_("After"), self._after))):
            shown.set_size_request(*_PICTURE)
            shown.get_accessible().set_name(name)
            grid.attach(Gtk.Label(label=name), column, 0, 1, 1)
            grid.attach(shown, column, 1, 1, 1)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        box.pack_start(switches, False, False, 0)
        box.pack_start(grid, True, True, 0)
        return box

    def _build_meters(self) -> Any:
        grid = Gtk.Grid(column_spacing=12, row_spacing=4)
        self._draws, self._looks_edited = (Gtk.Label(xalign=0, selectable=True) for _each in range(2))
        for column, (name, value) in enumerate(
            ((_("Attention the region draws:"), self._draws), (_("Looks edited:"), self._looks_edited))
        ):
            grid.attach(Gtk.Label(label=name, xalign=0), 2 * column, 0, 1, 1)
            value.set_hexpand(True)
            grid.attach(value, 2 * column + 1, 0, 1, 1)
        return grid

    def _build_alternatives(self) -> Any:
        row = Gtk.Box(spacing=8, homogeneous=True)
        self._buttons: dict[str, Any] = {}
        first = None
        for order, label in zip(_SHOWN, _ORDER_LABELS):
            button = Gtk.RadioButton.new_from_widget(first)
            first = first or button
            button.set_mode(False)
            inside = Gtk.Box(spacing=8)
            shown, caption = Gtk.Image(), Gtk.Label.new_with_mnemonic(label)
            shown.set_size_request(*_SMALL)
            caption.set_mnemonic_widget(button)
            inside.pack_start(shown, False, False, 0)
            inside.pack_start(caption, False, False, 0)
            button.add(inside)
            button.set_tooltip_text(ORDERS[order][1])
            button.set_sensitive(False)
            button.connect("clicked", self._picked, order)
            row.pack_start(button, True, True, 0)
            self._buttons[order] = button
        return row

    def _build_controls(self) -> Any:
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        left.pack_start(self._dialog.get_scale_entry("strength", 1.0), False, False, 0)
        if not self._made:
            feather = self._dialog.get_scale_entry("feather", 1.0)
            left.pack_start(feather, False, False, 0)
            for name in ("refine", "separate"):
                left.pack_start(self._dialog.get_widget(name, GObject.TYPE_NONE), False, False, 0)
        right = Gtk.Grid(column_spacing=8, row_spacing=4)
        self._values: dict[tuple[str, str], Any] = {}  # adjustments of the sliders, by edit and field
        self._rows: dict[str, Any] = {}  # the sliders' boxes, by edit
        for line, (name, fields) in enumerate(_SLIDERS.items()):
            right.attach(self._dialog.get_widget(name, GObject.TYPE_NONE), 0, line, 1, 1)
            row = Gtk.Box(spacing=6, hexpand=True)
            for field, label, low, high, step in fields:
                adjustment = Gtk.Adjustment(
                    value=_IDENTITY[name][field], lower=low, upper=high, step_increment=step, page_increment=5 * step
                )
                adjustment.connect("value-changed", self._dialled, name, field)
                number = Gtk.SpinButton(adjustment=adjustment, digits=2, width_chars=5)
                number.get_accessible().set_name(label)
                if len(fields) == 1:
                    row.pack_start(Gtk.Scale(adjustment=adjustment, draw_value=False), True, True, 0)
                else:
                    row.pack_start(Gtk.Label(label=label), False, False, 0)
                row.pack_start(number, len(fields) > 1, len(fields) > 1, 0)
                self._values[name, field] = adjustment
            self._rows[name] = row
            right.attach(row, 1, line, 1, 1)
        columns = Gtk.Box(spacing=24, homogeneous=True)
        columns.pack_start(left, True, True, 0)
        columns.pack_start(right, True, True, 0)
        return columns

    def _build_status(self) -> Any:
        row = Gtk.Box(spacing=8)
        self._status = Gtk.Label(xalign=0, wrap=True, selectable=True, max_width_chars=90)
        self._again = Gtk.Button.new_with_mnemonic(_("Tr_y again"))
        self._again.connect("clicked", lambda *_: self._ask())
        row.pack_start(self._status, True, True, 0)
        row.pack_end(self._again, False, False, 0)
        return row

    # What happens

    def _begin(self) -> bool:
        """Read the picture, show it, ask for the edits."""
        tracing.note("shown")
        try:
            thumbnail = canvas.read(self._image, self._layer)
        except UserError as error:
            self._say(str(error))
            return False
        size = self._image.get_width(), self._image.get_height()
        self.grid = (thumbnail.width, thumbnail.height)
        self._thumbnail = thumbnail
        self._views[False] = View(thumbnail, (0, 0, *size), size, self._layer.is_gray())
        self._show()
        if self._made:
            self.plan = [Planned(self._made.base)]
            self._changed()
        else:
            self._ask()
        self._look("before", self._views[False].before)
        return False

    def _ask(self) -> None:
        """Ask for the edits of the region, or of each of its parts."""
        if not self._views:
            return
        self._say("")
        self._alternatives = {}
        for button in self._buttons.values():
            button.set_sensitive(False)
        config, size, direction = self._config, self.grid, self._direction
        order, strength = config.get_property("order"), config.get_property("strength") / 100
        todo = regions(self._thumbnail, config.get_property("separate"))

        def edits() -> list[Planned]:
            return [
                planned(connection.ask_edits(pixels, *size, direction, order, strength=strength), order, cells)
                for pixels, cells in todo
            ]

        def proposals() -> dict[str, list[Planned]]:
            found: dict[str, list[Planned]] = {}
            answers = [connection.ask_proposals(pixels, *size, direction, strength)["proposals"] for pixels, _c in todo]
            for name in _SHOWN:
                if not any(each["order"] == name for each in answers[0]):
                    continue
                found[name] = []
                for answer, (_pixels, cells) in zip(answers, todo):
                    each = next((each for each in answer if each["order"] == name), answer[0])
                    found[name].append(planned(each, name, cells))
            return found

        self._asker.ask("edits", edits, self._answered)
        self._asker.ask("proposals", proposals, self._proposed)
        self._spin()

    def _answered(self, answer: Any) -> None:
        if self._failed(answer):
            return
        self._plan(answer)

    def _proposed(self, answer: Any) -> None:
        if self._failed(answer):
            return
        self._alternatives = answer
        view, choices = self._view_of(True), self._choices()
        current = self._config.get_property("order")
        for order, button in self._buttons.items():
            shown = button.get_child().get_children()[0]
            if order in answer:
                after = pictures.photo(view.after(answer[order], choices, self.grid), view.width, view.height)
                shown.set_from_pixbuf(pictures.fitted(after, *_SMALL))
                button.set_sensitive(True)
            button.set_visible(order in answer)
        self._mark(current if current in answer else next(iter(answer)) if current != "random" else "")
        self._changed()

    def _mark(self, order: str) -> None:
        """Show which alternative is chosen, without choosing it."""
        if order in self._buttons:
            self._syncing = True
            self._buttons[order].set_active(True)
            self._syncing = False

    def _picked(self, button: Any, order: str) -> None:
        """An alternative was clicked: take it with the values that were predicted."""
        if self._syncing or not button.get_active() or order not in self._alternatives:
            return
        self._syncing = True
        self._config.set_property("order", order)
        self._syncing = False
        self._plan(self._alternatives[order])

    def _ordered(self) -> None:
        """The order came from a preset or a reset."""
        order = self._config.get_property("order")
        if not self._syncing and order in self._alternatives:
            self._mark(order)
            self._plan(self._alternatives[order])

    def _plan(self, plan: list[Planned]) -> None:
        self.plan = list(plan)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, True)
        self._changed()

    def _dialled(self, adjustment: Any, name: str, field: str) -> None:
        """A value was set by hand: it counts for 100 %, so that strength still scales it."""
        strength = self._config.get_property("strength") / 100
        if self._syncing or len(self.plan) != 1 or not strength:
            return
        kind = {each.name: each for each in (Exposure, Saturation, WhiteBalance)}[name]
        found = next((edit for edit in self.plan[0].edits if edit.name == name), None)
        shown = found.at_strength(strength) if found else kind(**_IDENTITY[name])
        value = max(1e-3, adjustment.get_value()) if field == "scale" else adjustment.get_value()
        new = replace(shown, **{field: value}).at_strength(1 / strength)
        edits = [new if edit.name == name else edit for edit in self.plan[0].edits]
        self.plan[0] = replace(self.plan[0], edits=edits if found else [*edits, new])
        self._changed()

    def _changed(self) -> None:
        """Something that the picture depends on has changed: show it soon, all changes of this moment at once."""
        if not self._redrawing and not self._syncing:
            self._since = tracing.now()
            self._redrawing = GLib.idle_add(self._redraw, priority=GLib.PRIORITY_HIGH_IDLE)

    def _redraw(self) -> bool:
        self._redrawing = 0
        if self.plan:
            self._sync_values()
            self._show(since=self._since)
            if self._timer:
                GLib.source_remove(self._timer)
            self._timer = GLib.timeout_add(_PATIENCE, self._measure)
        return False

    def _measure(self) -> bool:
        """Ask the networks what they think of what is shown, and for refined masks."""
        self._timer = 0
        view, choices = self._views[False], self._choices()
        self._look("after", view.after(self.plan, choices, self.grid))
        self._refine()
        return False

    def _look(self, name: str, picture: bytes) -> None:
        view = self._views[False]
        pixels, size = view.with_mask(picture, view.mask), (view.width, view.height)
        self._asker.ask(name, lambda: connection.ask_look(pixels, *size), lambda answer: self._looked(name, answer))
        self._spin()

    def _looked(self, name: str, answer: Any) -> None:
        if self._failed(answer):
            return
        self._looks[name] = answer
        if len(self._looks) == 2:
            before, after = self._looks["before"], self._looks["after"]
            shares = (GLib.markup_escape_text(_percent(each["saliency"])) for each in (before, after))
            self._draws.set_markup("<b>{} → {}</b>".format(*shares))
            loss = after["realism"] - before["realism"]
            word = _("unlikely") if loss >= _UNLIKELY else _("possible") if loss >= _POSSIBLE else _("likely")
            numbers = _("realism {after:.2f}, before {before:.2f}")
            numbers = numbers.format(after=after["realism"], before=before["realism"])
            self._looks_edited.set_markup(
                f"<b>{GLib.markup_escape_text(word)}</b> ({GLib.markup_escape_text(numbers)})"
            )
            tracing.note("measured", attention=after["saliency"], realism=after["realism"])
        if self._attention.get_active():
            self._show()

    def _refine(self) -> None:
        """Ask for the refined masks that the shown views lack."""
        choices = self._choices()
        for zoomed, view in self._views.items():
            for number, cells in enumerate(view.missing(self.plan, choices)):
                pixels = view.with_mask(view.before, view.part_mask(cells, self.grid))
                self._ask_refined(f"refined {zoomed} {number}", view, pixels, cells, choices)

    def _ask_refined(self, name: str, view: View, pixels: bytes, cells: bytes | None, choices: Choices) -> None:
        radius = view.radius(choices)

        def refined(answer: Any) -> None:
            if not self._failed(answer):
                view.refined(cells, choices, answer)
                self._changed()

        self._asker.ask(name, lambda: connection.ask_refined(pixels, view.width, view.height, radius), refined)
        self._spin()

    def _zoom(self) -> None:
        if self._views:
            self._view_of(self._zoomed.get_active())
            self._show()
            self._refine()

    def _view_of(self, region: bool) -> View:
        """The view of the whole picture, or of the region and its surroundings."""
        if region not in self._views:
            box = self._region_box()
            size = self._image.get_width(), self._image.get_height()
            thumbnail = canvas.read_box(self._image, self._layer, box, _LONGEST)
            self._views[region] = View(thumbnail, box, size, self._layer.is_gray())
        return self._views[region]

    def _region_box(self) -> tuple[int, int, int, int]:
        """The selection's bounds with some surroundings, in the shape of the screen's pictures, on the canvas."""
        _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(self._image)
        full = self._image.get_width(), self._image.get_height()
        side = max(right - left, (bottom - top) * _PICTURE[0] / _PICTURE[1], 48) * (1 + _AROUND)
        width, height = min(full[0], round(side)), min(full[1], round(side * _PICTURE[1] / _PICTURE[0]))
        x = min(max(0, round((left + right - width) / 2)), full[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), full[1] - height)
        return x, y, width, height

    def _show(self, since: float | None = None) -> None:
        """Draw both pictures."""
        view = self._view_of(self._zoomed.get_active())
        after = view.after(self.plan, self._choices(), self.grid) if self.plan else b""
        for shown, name, picture in ((self._before, "before", view.before), (self._after, "after", after)):
            if not picture:
                continue
            pixbuf = pictures.photo(picture, view.width, view.height)
            if self._attention.get_active():
                pixbuf = self._with_attention(pixbuf, view, name)
            shown.set_from_pixbuf(pictures.fitted(pixbuf, *_PICTURE))
        if after:
            tracing.painted(self._after, since, after)

    def _with_attention(self, picture: Any, view: View, name: str) -> Any:
        look = self._looks.get(name)
        if look:
            whole = self._views[False]
            most = max(each["peak"] for each in self._looks.values())
            values = _cut(look["map"], whole, view)
            picture = pictures.with_heat(picture, values, look["peak"] / most)
        return pictures.with_outline(picture, view.mask)

    def _sync_values(self) -> None:
        """Let the sliders say what the strength makes of the values."""
        choices = self._choices()
        single = len(self.plan) == 1
        shown = {edit.name: edit for edit in choices.applied(self.plan[0].edits, self._layer.is_gray())}
        self._syncing = True
        for name, row in self._rows.items():
            row.set_sensitive(
                single and name in choices.kinds and choices.strength > 0 and not self._is_by_hand(name)
                and not (self._layer.is_gray() and name in ("saturation", "white-balance"))
            )  # fmt: skip
        for (name, field), adjustment in self._values.items():
            if name in shown and single:
                adjustment.set_value(getattr(shown[name], field))
        self._syncing = False

    def _is_by_hand(self, name: str) -> bool:
        return bool(self._made and name in self._made.by_hand)

    def _choices(self) -> Choices:
        if self._made:
            return adjusting.choices(self._made, self._config)
        return Choices.of(self._config, self._direction)

    def _failed(self, answer: Any) -> bool:
        """Say an error's sentence; whether it was one."""
        self._spin()
        if isinstance(answer, (UserError, connection.ServerError)):
            self._say(str(answer))
        elif isinstance(answer, Exception):
            self._say(_("The plug-in has a fault ({error}): please report it.").format(error=repr(answer)))
        return isinstance(answer, Exception)

    def _say(self, sentence: str) -> None:
        self._status.set_text(sentence)
        self._status.get_parent().set_visible(bool(sentence))
        self._again.set_visible(not self._made)

    def _spin(self) -> None:
        self._spinner.set_property("active", self._asker.busy())


def _percent(share: float) -> str:
    return (
        _("{number:.1f} %").format(number=100 * share)
        if share < 0.1
        else _("{number:.0f} %").format(number=100 * share)
    )


def _cut(values: bytes, whole: View, view: View) -> bytes:
    """The part of a map of the whole picture that a view shows, in the view's size."""
    if view is whole:
        return values
    x, y, width, height = view.box
    factor = whole.width / view.canvas[0], whole.height / view.canvas[1]
    columns = [min(whole.width - 1, int((x + (i + 0.5) * width / view.width) * factor[0])) for i in range(view.width)]
    lines = []
    for i in range(view.height):
        row = min(whole.height - 1, int((y + (i + 0.5) * height / view.height) * factor[1])) * whole.width
        lines.append(bytes(values[row + column] for column in columns))
    return b"".join(lines)
