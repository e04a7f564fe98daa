# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with a light table: shows what a tool would do, follows every control, changes nothing in the image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Generic

from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk

from ..shared import settings, tracing
from ..shared.errors import UserError
from .asker import Asker
from .asking import Asking
from .help import add_help_button
from .session import Look
from .showing import Showing, Sights, View
from .widgets.light_table import LightTable
from .widgets.settings import get_setting
from .widgets.status import Status
from .widgets.view_controls import ViewControls

_SLACK = 60  # px; by which a window changes its size by itself, as lines of text come and go
_MARGIN = 64  # px; that a window leaves of the screen, for its title and its edges
_USUAL = 0.8  # of the screen that the first window takes


class LightWindow(ABC, Generic[View]):
    """GIMP's own dialog for a procedure's arguments, with the picture before and after.

    All methods are for GTK's thread.  The server is asked in another one, so that nothing ever waits for it.
    """

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        asker: Asker,
        state: Asking,
        views: Sights[View],
        meters: Gtk.Widget,
        looks: dict[str, Look] | None = None,
        try_again: Callable[[], None] | None = None,
    ) -> None:
        """asker, views: belong to the window from now on.  meters: what stands below the picture.

        looks: see `Showing`; None: there are none to be had.  try_again: what to do after a failure; None: there is
        nothing to do.  The subclass lays the window out.
        """
        self._config, self._asker, self._state, self._views = config, asker, state, views
        self._handlers: dict[str, int] = {}  # of the config's settings, by name
        self._redrawing = 0  # GLib's id of what is scheduled
        self._size: tuple[int, int] | None = None  # of the window when it was shown
        self._is_shown = False  # whether the window is there
        self._since = 0.0  # when the reason for the next redrawing came up
        title = str(procedure.get_menu_label()).replace("_", "").rstrip(" …")
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        add_help_button(self._dialog, "use")
        self._table = LightTable(views.canvas, self._follow_view)
        self._controls = ViewControls(self._table, views.frame_region, self._repaint, has_attention=looks is not None)
        self._showing = Showing(self, views, self._table, self._controls, {} if looks is None else looks)
        self._below = meters
        self._status = Status(meters, try_again)
        state.changed.connect(self._schedule_redraw)
        state.sentence_changed.connect(self._status.say)
        state.is_applicable_changed.connect(self._allow_ok)
        state.is_busy_changed.connect(self._spin)

    # What is shown of it, see `Renderer`

    @abstractmethod
    def has_result(self) -> bool:
        """Whether there is anything to see after the edit."""

    @abstractmethod
    def render(self, view: View) -> bytes:
        """R'G'B' bytes of a view after the edit."""

    @abstractmethod
    def render_step_by_step(self, view: View) -> Iterator[bytes | None]:
        """The same, which is the last item, after a None for each of the steps that it takes."""

    @abstractmethod
    def follow_sharp(self) -> None:
        """A sharp picture is shown."""

    @abstractmethod
    def _begin_to_ask(self) -> None:
        """The window is there: ask what is to be asked."""

    @abstractmethod
    def _show_values(self) -> None:
        """Let all beside the picture say what the edit is now."""

    @abstractmethod
    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        """An argument has been set."""

    def run(self) -> bool:
        """Show the window until it is answered; whether by OK."""
        GLib.idle_add(self._begin, priority=GLib.PRIORITY_LOW)
        answer = bool(self._dialog.run())
        self._keep_size()
        return answer

    def close(self) -> None:
        """Free what belongs to the window.  To be called once."""
        self._asker.close()
        self._showing.close()
        self._table.close()
        if self._redrawing:
            GLib.source_remove(self._redrawing)
        self._views.close()
        self._dialog.destroy()

    def _keep_size(self) -> None:
        """Remember the size that the user gave the window."""
        size = self._dialog.get_size()
        if max(abs(now - first) for now, first in zip(size, self._size or size)) > _SLACK:
            with suppress(UserError):  # the next one is as large as this one was, that is all
                settings.save(replace(settings.load(), window=size))

    def _restore_size(self) -> None:
        """Give the window the size that the user gave the last one, as far as the screen has room."""
        display = Gdk.Display.get_default()
        monitor = display.get_primary_monitor() or display.get_monitor(0) if display else None
        if monitor:
            room = monitor.get_workarea()
            most = room.width - _MARGIN, room.height - _MARGIN
            wanted = settings.load().window
            if not all(wanted):
                least = self._dialog.get_preferred_size().natural_size
                wanted = max(least.width, round(_USUAL * room.width)), max(least.height, round(_USUAL * room.height))
            self._dialog.set_default_size(*map(min, wanted, most))

    # For the subclasses

    def _lay_out(self, *rows: Gtk.Widget) -> None:
        """Fill the window.  rows: what stands beside the picture."""
        picture, beside = (Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing) for spacing in (8, 4))
        picture.pack_start(self._controls.above, False, False, 0)
        picture.pack_start(self._table.widget, True, True, 0)
        for row in (self._controls.below, self._below, self._status.widget):
            picture.pack_start(row, False, False, 0)
        for setting in rows:
            beside.pack_start(setting, False, False, 0)
        frame = Gtk.ScrolledWindow(hexpand=False, propagate_natural_height=True, propagate_natural_width=True)
        frame.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        frame.add(beside)
        content = Gtk.Box(spacing=12)
        content.pack_start(picture, True, True, 0)
        content.pack_start(frame, False, False, 0)
        content.show_all()
        self._dialog.get_content_area().pack_start(content, True, True, 0)
        self._dialog.connect("key-press-event", self._controls.follow_key)
        self._dialog.connect("key-release-event", self._controls.follow_key)
        self._dialog.connect("focus-out-event", self._controls.leave)
        self._allow_ok(self._state.is_applicable)
        self._restore_size()

    def _disable(self, name: str, why: str) -> None:
        """Switch an argument off and say why."""
        self._config.set_property(name, False)
        self._fix(name, why)

    def _fix(self, name: str, why: str) -> None:
        """Let an argument keep its value and say why."""
        widget = get_setting(self._dialog, name)
        widget.set_sensitive(False)
        widget.set_tooltip_text(why)

    def _follow(self, names: Iterable[str]) -> None:
        """Tell the session whenever one of these arguments is set."""
        for name in names:
            self._handlers[name] = self._config.connect(f"notify::{name}", self._tell_setting, name)

    def _set_quietly(self, name: str, value: str | float) -> None:
        """Let an argument have a value that the session knows of."""
        with self._config.handler_block(self._handlers[name]):
            self._config.set_property(name, value)

    def _begin(self) -> bool:
        """Show the picture, and begin to ask."""
        tracing.note("shown")
        self._size = self._dialog.get_size()
        self._is_shown = True
        self._showing.follow_viewport()
        self._begin_to_ask()
        return False

    # What is shown

    def _schedule_redraw(self) -> None:
        """Show all changes of this moment at once."""
        if not self._redrawing:
            self._since = tracing.now()
            self._redrawing = GLib.idle_add(self._redraw, priority=GLib.PRIORITY_HIGH_IDLE)

    def _redraw(self) -> bool:
        self._redrawing = 0
        if self.has_result():
            self._show_values()
            self._showing.show_sketch(self._since)
        return False

    def _follow_view(self) -> None:
        """Show what is to be seen now."""
        if self._is_shown:
            self._showing.follow_viewport()

    def _repaint(self) -> None:
        """Show the same with what is to be drawn over it now."""
        if self._is_shown:
            self._showing.repaint()

    def _spin(self, is_busy: bool) -> None:
        self._controls.spin(is_busy)
        tracing.note("spins", still=is_busy)

    def _allow_ok(self, is_possible: bool) -> None:
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, is_possible)
