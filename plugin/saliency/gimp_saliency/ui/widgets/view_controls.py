# SPDX-License-Identifier: GPL-3.0-or-later
"""What the light table shows: picture or attention, before and after, how near, with mask or outline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial

from gi.repository import Gdk, Gtk

from ...image.geometry import Box
from ...shared.words import _
from .light_table import Layout, LightTable


class Subject(Enum):
    """What is to be seen."""

    PICTURE = "picture"
    ATTENTION = "attention"
    CHANGE = "change"


class ViewControls:
    """Two rows of switches for a light table."""

    def __init__(
        self,
        table: LightTable,
        frame_region: Callable[[], Box],
        on_changed: Callable[[], None],
        has_attention: bool = True,
    ) -> None:
        """frame_region: what of the picture the region is; on_changed: the same is to be drawn otherwise.

        has_attention: whether it can be seen instead of the picture.
        """
        self._table, self._frame_region, self._on_changed = table, frame_region, on_changed
        self._subject, self._layout = Subject.PICTURE, Layout.SPLIT
        self._mask = self._make_check(_("Show mas_k"), _("Red over what the edit leaves out"))
        self._outline = self._make_check(_("Outline"), _("A line around the region"))
        self._spinner = Gtk.Spinner()
        self._zoom = Gtk.Label(width_chars=6, xalign=0)
        self.above = Gtk.Box(spacing=6)
        self.below = Gtk.Box(spacing=6)
        self._of_pairs = self._make_layouts(), self._make_before()
        above = (self._make_subjects(), *self._of_pairs) if has_attention else self._of_pairs
        below = self._make_zooms(), self._zoom, self._mask, self._outline
        for row, widgets in ((self.above, above), (self.below, below)):
            for widget in widgets:
                row.pack_start(widget, False, False, 0)
        self.above.pack_end(self._spinner, False, False, 0)

    @property
    def subject(self) -> Subject:
        """What is to be seen."""
        return self._subject

    def shows_mask(self) -> bool:
        """Whether the mask is to be shown."""
        return bool(self._mask.get_active())

    def shows_outline(self) -> bool:
        """Whether the region's outline is to be shown."""
        return bool(self._outline.get_active()) or self._subject is not Subject.PICTURE

    def spin(self, busy: bool) -> None:
        """Show that something is still to come, or not."""
        self._spinner.set_property("active", busy)

    def say_zoom(self) -> None:
        """Say how near the picture is."""
        self._zoom.set_text(_("{number} %").format(number=round(100 * self._table.viewport.scale)))

    def follow_key(self, window: Gtk.Window, event: Gdk.EventKey) -> bool:
        """What a key means for the picture, pressed or let go where no text is typed; whether it is used up."""
        is_pressed = event.type == Gdk.EventType.KEY_PRESS
        name = (Gdk.keyval_name(Gdk.keyval_to_lower(event.keyval)) or "").removeprefix("KP_")
        if name == "b" and not is_pressed:  # wherever it ends
            self._table.show_before(False)
        focus, modifiers = window.get_focus(), Gtk.accelerator_get_default_mod_mask() & ~Gdk.ModifierType.SHIFT_MASK
        if isinstance(focus, Gtk.Entry) or event.state & modifiers or not is_pressed:
            return False
        zooms: dict[str, Callable[[], None]] = {
            "0": self._fit,
            "1": partial(self._zoom_to, 1.0),
            "2": partial(self._zoom_to, 2.0),
            "3": self._zoom_to_region,
        }
        steps = {"plus": 1.0, "Add": 1.0, "equal": 1.0, "minus": -1.0, "Subtract": -1.0}
        if name == "b":
            self._table.show_before(True)
        elif name in zooms:
            zooms[name]()
        elif name in steps and not isinstance(focus, Gtk.Range):  # which has a use of its own for them
            viewport = self._table.viewport
            self._table.viewport = viewport.turn(steps[name], (viewport.room[0] / 2, viewport.room[1] / 2))
        else:
            return False
        return True

    def leave(self, _window: Gtk.Window, _event: Gdk.EventFocus) -> bool:
        """The window is left: no key is held any more."""
        self._table.show_before(False)
        return False

    # Above the picture

    def _make_subjects(self) -> Gtk.Box:
        choices = (
            (Subject.PICTURE, _("Pictur_e"), ""),
            (Subject.ATTENTION, _("_Attention"), _("Where viewers are likely to look: the brighter, the more")),
            (Subject.CHANGE, _("Change"), _("Where attention comes to, orange, and where it goes from, blue")),
        )
        return _make_choice([(partial(self._take_subject, each), caption, text) for each, caption, text in choices])

    def _make_layouts(self) -> Gtk.Box:
        choices = (
            (Layout.SPLIT, _("Split"), _("Before and after, with a line between them that can be moved")),
            (Layout.AFTER, _("After"), _("The whole picture with the edit")),
            (Layout.BESIDE, _("Both"), _("The whole picture before and after, side by side")),
        )
        return _make_choice([(partial(self._take_layout, each), caption, text) for each, caption, text in choices])

    def _make_before(self) -> Gtk.Button:
        button = Gtk.Button(label=_("Before"))
        button.set_tooltip_text(_("Shows the picture without the edit for as long as this, or the key B, is held"))
        button.connect("pressed", lambda *_arguments: self._table.show_before(True))
        button.connect("released", lambda *_arguments: self._table.show_before(False))
        return button

    def _take_subject(self, subject: Subject) -> None:
        self._subject = subject
        is_pair = subject is not Subject.CHANGE
        for widget in self._of_pairs:
            widget.set_sensitive(is_pair)
        self._table.layout = self._layout if is_pair else Layout.ALONE
        self._on_changed()

    def _take_layout(self, layout: Layout) -> None:
        self._table.layout = self._layout = layout

    # Below it

    def _make_zooms(self) -> Gtk.Box:
        zooms: tuple[tuple[Callable[[], None], str, str], ...] = (
            (self._fit, _("Fit"), _("All of the picture: key 0")),
            (partial(self._zoom_to, 1.0), _("100 %"), _("A pixel of the screen for each of the picture: key 1")),
            (partial(self._zoom_to, 2.0), _("200 %"), _("Four pixels of the screen for each of the picture: key 2")),
            (self._zoom_to_region, _("Region"), _("The region with some of what is around it: key 3")),
        )
        buttons = []
        for act, caption, text in zooms:
            button = Gtk.Button.new_with_mnemonic(caption)
            button.set_tooltip_text(text)
            button.connect("clicked", _call, act)
            buttons.append(button)
        return _link(buttons)

    def _fit(self) -> None:
        self._table.viewport = self._table.viewport.fit()

    def _zoom_to(self, zoom: float) -> None:
        """To the region's middle, where all of the picture is seen."""
        viewport = self._table.viewport
        is_near = viewport.zoom > 0
        self._table.viewport = viewport.zoom_to(zoom) if is_near else viewport.zoom_into(self._frame_region(), zoom)

    def _zoom_to_region(self) -> None:
        self._table.viewport = self._table.viewport.show_box(self._frame_region())

    def _make_check(self, caption: str, text: str) -> Gtk.CheckButton:
        button = Gtk.CheckButton.new_with_mnemonic(caption)
        button.set_tooltip_text(text)
        button.connect("toggled", lambda *_arguments: self._on_changed())
        return button


def _make_choice(choices: Iterable[tuple[Callable[[], None], str, str]]) -> Gtk.Box:
    """Buttons in one piece, of which one is in, the first at the beginning: what it does then, caption and help."""
    buttons: list[Gtk.RadioButton] = []
    for act, caption, text in choices:
        button = Gtk.RadioButton.new_with_mnemonic_from_widget(buttons[0] if buttons else None, caption)
        button.set_mode(False)
        button.set_tooltip_text(text)
        button.connect("toggled", _call_active, act)
        buttons.append(button)
    return _link(buttons)


def _call(_button: Gtk.Button, act: Callable[[], None]) -> None:
    act()


def _call_active(button: Gtk.RadioButton, act: Callable[[], None]) -> None:
    if button.get_active():
        act()


def _link(buttons: Iterable[Gtk.Widget]) -> Gtk.Box:
    """Buttons in one piece."""
    linked = Gtk.Box()
    linked.get_style_context().add_class("linked")
    for button in buttons:
        linked.pack_start(button, False, False, 0)
    return linked
