# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a tool makes of the picture on the light table: roughly while something moves, sharply once it rests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from gi.repository import GdkPixbuf, GLib

from ..image.geometry import Box
from ..image.heat import measure_change, scale_values
from ..shared import tracing
from .session import Look
from .widgets.light_table import LightTable
from .widgets.pixbufs import add_change, add_heat, add_outline, add_quick_mask, make_pixbuf, scale_box
from .widgets.view_controls import Subject, ViewControls

_REST = 30  # ms without a move until the picture is shown sharply
_PAIR = "before", "after"  # names of looks
_LARGEST = 2048  # px; of a view, whose mask the server refines


class Seen(Protocol):
    """A part of the picture at the size of the screen: R'G'B' bytes before anything is done to it, and a mask."""

    width: int
    height: int
    box: Box
    before: bytes
    mask: bytes

    @property
    def is_true(self) -> bool:
        """Whether each of its pixels is one of the image."""

    def cut_values(self, values: bytes, width: int, height: int) -> bytes:
        """What the view shows of width x height values over the whole canvas: one byte for each of its pixels."""


View = TypeVar("View", bound=Seen)
_View = TypeVar("_View", bound=Seen, contravariant=True)


class Sights(Protocol[View]):
    """The views of a picture, see `preview.views.Views`."""

    canvas: tuple[int, int]
    grid: tuple[int, int]

    @property
    def whole(self) -> View:
        """Of all of it."""

    def find_sharp(self, box: Box, longest: int) -> View:
        """Of a box, as sharp as it can be shown."""

    def find_draft(self, box: Box, longest: int) -> View:
        """Of a box, drawn quickly."""

    def is_sharp(self, view: View, box: Box, longest: int) -> bool:
        """Whether a view is what `find_sharp` gives, or as good."""

    def frame_region(self) -> Box:
        """What of the canvas the region is, with some of its surroundings."""

    def close(self) -> None:
        """Free what belongs to GIMP.  To be called once."""


class Renderer(Protocol[_View]):
    """What is shown of views.  To be asked for nothing but `has_result` before there is one."""

    def has_result(self) -> bool:
        """Whether there is anything to see after the edit."""

    def render(self, view: _View) -> bytes:
        """R'G'B' bytes after the edit."""

    def render_step_by_step(self, view: _View) -> Iterator[bytes | None]:
        """The same, which is the last item, after a None for each of the steps that it takes."""

    def follow_sharp(self) -> None:
        """A sharp picture is shown."""


class Showing(Generic[View]):
    """For GTK's thread.  The sharp picture is rendered step by step, so that no hand waits long for it."""

    def __init__(
        self,
        renderer: Renderer[View],
        views: Sights[View],
        table: LightTable,
        controls: ViewControls,
        looks: Mapping[str, Look],
    ) -> None:
        """looks: "before" and "after", what the networks see, as soon as it is known."""
        self._renderer, self._views, self._table, self._controls = renderer, views, table, controls
        self._looks = looks
        self._waiting = 0  # GLib's id of what is scheduled
        self._shown: tuple[View, bytes] | None = None  # what was shown last, and its picture with the edit
        self._before: tuple[Any, GdkPixbuf.Pixbuf] | None = None  # what was drawn without the edit, and of what
        self._is_sharp = False
        self._since: float | None = None  # when the reason for the picture came up

    def close(self) -> None:
        """Forget what is scheduled."""
        self._stop()

    def show_sketch(self, since: float) -> None:
        """Follow the edit, which changes.  since: when it began to."""
        self._stop()
        self._since = since
        box, longest = self._find_wanted()
        view = self._views.find_draft(box, longest)
        self._is_sharp = self._views.is_sharp(view, box, longest)
        self._show(view, self.render(view))

    def follow_viewport(self) -> None:
        """Show at once what there is of what is to be seen now, and the rest soon."""
        self._stop()
        self._since = None
        self._controls.say_zoom()
        whole, self._is_sharp = self._views.whole, False
        self._show(whole, self.render(whole))
        self._waiting = GLib.timeout_add(_REST, self._begin_to_sharpen)

    def sharpen(self) -> None:
        """Show the picture as sharp as it can be, if it is not."""
        if not self._is_sharp and not self._waiting:
            self._begin_to_sharpen()

    def repaint(self) -> None:
        """Show the same picture with what is to be drawn over it now."""
        if self._shown:
            self._show(*self._shown)

    def render(self, view: View) -> bytes:
        """What the edit makes of a view; without one the view as it is."""
        return self._renderer.render(view) if self._renderer.has_result() else view.before

    def _find_wanted(self) -> tuple[Box, int]:
        """What is to be seen, and how many px its long side has on the screen."""
        viewport = self._table.viewport
        return viewport.box, min(_LARGEST, max(viewport.place[2:]))

    def _stop(self) -> None:
        if self._waiting:
            GLib.source_remove(self._waiting)
        self._waiting = 0

    def _begin_to_sharpen(self) -> bool:
        self._waiting = 0  # whatever happens now
        view = self._views.find_sharp(*self._find_wanted())
        is_edited = self._renderer.has_result()
        steps = self._renderer.render_step_by_step(view) if is_edited else iter([view.before])
        self._waiting = GLib.idle_add(self._sharpen_on, view, steps, priority=GLib.PRIORITY_LOW)
        return False

    def _sharpen_on(self, view: View, steps: Iterator[bytes | None]) -> bool:
        """Take the next step; whether there are more."""
        waiting, self._waiting = self._waiting, 0  # whatever happens now
        sharp = next(steps)
        if sharp is None:
            self._waiting = waiting
            return True
        self._is_sharp = True
        self._show(view, sharp)
        self._renderer.follow_sharp()
        return False

    def _show(self, view: View, after: bytes) -> None:
        """Show a view of at least what is to be seen.  after: its picture with the edit."""
        self._shown = view, after
        drawn = self._draw(view, after, self._looks.get("after"))
        is_alone = self._controls.subject is Subject.CHANGE
        self._table.show(drawn if is_alone else self._draw_before(view), drawn)
        if self._renderer.has_result():
            facts = {"size": (view.width, view.height), "box": view.box, "sharp": self._is_sharp}
            tracing.painted(self._table.image, self._since, after, **facts)

    def _draw_before(self, view: View) -> GdkPixbuf.Pixbuf:
        """What is seen of a view without the edit, which is the same while the edit changes."""
        controls, look = self._controls, self._looks.get("before")
        subject = controls.subject
        drawn_over = controls.shows_mask(), controls.shows_outline(), view.mask
        maps = [(each["map"], each["peak"]) for each in self._looks.values()]
        key = view, self._table.viewport, subject, drawn_over, maps if subject is Subject.ATTENTION else None
        if self._before is None or self._before[0] != key:
            self._before = key, self._draw(view, view.before, look)
        return self._before[1]

    def _draw(self, view: View, picture: bytes, look: Look | None) -> GdkPixbuf.Pixbuf:
        """What is seen of a view's picture, as large as its place on the table, under what is to be drawn over it."""
        pixbuf = make_pixbuf(picture, view.width, view.height)
        if self._controls.subject is not Subject.PICTURE:
            pixbuf = self._draw_attention(pixbuf, view, look)
        if self._controls.shows_mask():
            pixbuf = add_quick_mask(pixbuf, view.mask)
        if self._controls.shows_outline():
            pixbuf = add_outline(pixbuf, view.mask)
        viewport = self._table.viewport
        size = viewport.place[2], viewport.place[3]
        return scale_box(pixbuf, view.box, viewport.box, size, viewport.zoom >= 2 and view.is_true)

    def _draw_attention(self, picture: GdkPixbuf.Pixbuf, view: View, look: Look | None) -> GdkPixbuf.Pixbuf:
        """The picture with its heat map, or with what the edit changes of that, as soon as there is one."""
        looks, is_change = self._looks, self._controls.subject is Subject.CHANGE
        if look is None or (is_change and len(looks) < 2):
            return picture
        most = max(each["peak"] for each in looks.values())
        if is_change:
            change = measure_change(*(scale_values(looks[name]["map"], looks[name]["peak"] / most) for name in _PAIR))
            return add_change(picture, view.cut_values(change, *self._views.grid))
        values = scale_values(look["map"], look["peak"] / most)
        return add_heat(picture, view.cut_values(values, *self._views.grid))
