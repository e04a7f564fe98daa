# SPDX-License-Identifier: GPL-3.0-or-later
"""The large picture: after an edit, or before and after beside each other, near or far, moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

from ...shared.words import _
from ..viewport import Point, Size, Viewport
from .pixbufs import cut_multiple, cut_room, draw_divider, join_pictures

_SMALLEST = (480, 236)  # px; of the room

_PATIENCE = 100  # ms without a change until a new size counts
_GRIP = 8  # px on both sides of the divider, where it can be taken
_GAP = 6  # px between two pictures side by side

_EVENTS = (
    Gdk.EventMask.SCROLL_MASK
    | Gdk.EventMask.SMOOTH_SCROLL_MASK
    | Gdk.EventMask.BUTTON_PRESS_MASK
    | Gdk.EventMask.BUTTON_RELEASE_MASK
    | Gdk.EventMask.POINTER_MOTION_MASK
)


class Layout(Enum):
    """How before and after are laid out; ALONE: what is shown has no before and after."""

    ALONE = "alone"
    AFTER = "after"
    SPLIT = "split"
    BESIDE = "beside"


class LightTable:
    """A room with a picture that is zoomed by the wheel and moved by dragging it.

    HiDPI: all sizes are in the screen's own px, but for those that GTK is asked for.
    """

    def __init__(self, canvas: Size, on_moved: Callable[[], None]) -> None:
        """canvas: of the image, in px; on_moved: another part of it is seen, or it is seen in another size."""
        self._on_moved = on_moved
        self._room: Size = _SMALLEST
        self._layout, self._shows_before = Layout.SPLIT, False
        self._viewport = Viewport(canvas, _SMALLEST)
        self._pair: tuple[GdkPixbuf.Pixbuf, GdkPixbuf.Pixbuf] | None = None
        self._divider = 0.5  # of the room's width
        self._held: Point | None = None  # where a drag is, None: nothing is dragged
        self._drags_divider = False
        self._resizing = 0
        self._ground = Gtk.Layout(hexpand=True, vexpand=True)  # which clips, and asks for no room of its own
        self.image = Gtk.Image()
        self.image.get_accessible().set_name(_("The picture, before and after"))
        self._captions = [_make_caption(_("Before"), Gtk.Align.START), _make_caption(_("After"), Gtk.Align.END)]
        self.widget = self._lay_out()

    @property
    def viewport(self) -> Viewport:
        """What of the picture is seen, in the room that each of the pictures has."""
        return self._viewport

    @viewport.setter
    def viewport(self, viewport: Viewport) -> None:
        if viewport != self._viewport:
            self._viewport = viewport
            self._on_moved()

    @property
    def layout(self) -> Layout:
        """How before and after are laid out."""
        return self._layout

    @layout.setter
    def layout(self, layout: Layout) -> None:
        if layout is not self._layout:
            self._layout = layout
            self._give_room()
            self._on_moved()

    def show(self, before: GdkPixbuf.Pixbuf, after: GdkPixbuf.Pixbuf) -> None:
        """Show two pictures of the viewport's box, of its place's size."""
        place, room = self._viewport.place, self._viewport.room
        self._pair = cut_room(before, place, room), cut_room(after, place, room)
        self._paint()

    def show_before(self, shows_before: bool) -> None:
        """Show the picture without the edit alone, for as long as a key or button is held."""
        if shows_before != self._shows_before:
            self._shows_before = shows_before
            self._paint()

    def close(self) -> None:
        """Forget what is scheduled."""
        if self._resizing:
            GLib.source_remove(self._resizing)

    # The picture

    def _paint(self) -> None:
        if self._pair is None:
            return
        before, after = self._pair
        left, top = self._viewport.place[:2]
        corner = max(0, left), max(0, top)
        step = self._viewport.room[0] + _GAP - before.get_width()  # between two of them side by side
        seen = True, True
        if self._layout is Layout.ALONE:
            picture, seen = after, (False, False)
        elif self._shows_before:
            picture = join_pictures(before, before, step) if self._layout is Layout.BESIDE else before
            seen = True, False
        elif self._layout is Layout.BESIDE:
            picture = join_pictures(before, after, step)
        elif self._layout is Layout.SPLIT:
            picture = draw_divider(before, after, round(self._find_divider()) - corner[0])
        else:
            picture, seen = after, (False, True)
        for caption, is_seen in zip(self._captions, seen):
            caption.set_visible(is_seen)
        # As an icon, whose size GTK takes in its own px: so it is as sharp as the screen.
        picture = cut_multiple(picture, self._scale)
        longest = max(picture.get_width(), picture.get_height())
        self.image.set_from_gicon(picture, Gtk.IconSize.BUTTON)
        self.image.set_pixel_size(max(1, longest // self._scale))
        self._ground.move(self.image, corner[0] // self._scale, corner[1] // self._scale)

    @property
    def _scale(self) -> int:
        """The screen's own px for one of GTK's."""
        return int(self.widget.get_scale_factor())

    # The room

    def _lay_out(self) -> Gtk.Overlay:
        self._ground.set_size_request(*_SMALLEST)
        self._ground.add_events(_EVENTS)
        self._ground.connect("size-allocate", self._follow_size)
        self._ground.connect("scroll-event", self._turn)
        self._ground.connect("button-press-event", self._take)
        self._ground.connect("motion-notify-event", self._drag)
        self._ground.connect("button-release-event", self._let_go)
        self._ground.put(self.image, 0, 0)
        table = Gtk.Overlay()
        table.add(self._ground)
        for caption in self._captions:
            table.add_overlay(caption)
            table.set_overlay_pass_through(caption, True)
        return table

    def _follow_size(self, _widget: Gtk.Widget, place: Gdk.Rectangle) -> None:
        if self._resizing:
            GLib.source_remove(self._resizing)
        self._resizing = GLib.timeout_add(_PATIENCE, self._take_size, (place.width, place.height))

    def _take_size(self, size: Size) -> bool:
        self._resizing = 0
        room = size[0] * self._scale, size[1] * self._scale
        if room != self._room:
            self._room = room
            self._give_room()
            self._on_moved()
        return False

    def _give_room(self) -> None:
        """Give the picture the room that it has in this layout."""
        width, height = self._room
        if self._layout is Layout.BESIDE:
            width = max(1, (width - _GAP) // 2)
        self._viewport = self._viewport.move_to((width, height))

    # The hand

    def _find_point(self, event: Gdk.EventScroll) -> Point:
        """Where in a picture's room an event is, in whichever of the two."""
        x, y = event.x * self._scale, event.y * self._scale
        width = self._viewport.room[0]
        if self._layout is Layout.BESIDE and x > width:
            x -= width + _GAP
        return x, y

    def _turn(self, _widget: Gtk.Widget, event: Gdk.EventScroll) -> bool:
        steps = {Gdk.ScrollDirection.UP: 1.0, Gdk.ScrollDirection.DOWN: -1.0}.get(event.direction, 0.0)
        if event.direction == Gdk.ScrollDirection.SMOOTH:
            steps = -event.delta_y
        self.viewport = self._viewport.turn(steps, self._find_point(event))
        return True

    def _take(self, _widget: Gtk.Widget, event: Gdk.EventButton) -> bool:
        if event.button != Gdk.BUTTON_PRIMARY:
            return False
        self._held = event.x * self._scale, event.y * self._scale
        self._drags_divider = self._is_divider(self._held)
        return True

    def _drag(self, widget: Gtk.Widget, event: Gdk.EventMotion) -> bool:
        point = event.x * self._scale, event.y * self._scale
        if self._held is None:
            name = "col-resize" if self._is_divider(point) else "grab"
            event.window.set_cursor(Gdk.Cursor.new_from_name(widget.get_display(), name))
            return False
        if self._drags_divider:
            self._divider = point[0] / self._viewport.room[0]
            self._divider = self._find_divider() / self._viewport.room[0]
            self._paint()
        else:
            self.viewport = self._viewport.pan(point[0] - self._held[0], point[1] - self._held[1])
        self._held = point
        return True

    def _let_go(self, _widget: Gtk.Widget, event: Gdk.EventButton) -> bool:
        if event.button == Gdk.BUTTON_PRIMARY:
            self._held = None
        return True

    def _find_divider(self) -> float:
        """Where in the room the divider is: on the picture, however narrow that is."""
        left, _top, width, _height = self._viewport.place
        room = self._viewport.room[0]
        return min(max(self._divider * room, left, 0), left + width, room)

    def _is_divider(self, point: Point) -> bool:
        return self._layout is Layout.SPLIT and abs(point[0] - self._find_divider()) <= _GRIP * self._scale


def _make_caption(text: str, side: Gtk.Align) -> Gtk.Label:
    """A word over a corner of the picture, which is not mirrored where people read from right to left."""
    label = Gtk.Label(halign=side, valign=Gtk.Align.START, margin=6, no_show_all=True)
    label.set_direction(Gtk.TextDirection.LTR)
    label.set_markup(
        f'<span foreground="white" background="black" bgalpha="60%"> {GLib.markup_escape_text(text)} </span>'
    )
    return label
