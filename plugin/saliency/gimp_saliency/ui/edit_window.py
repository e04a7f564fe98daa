# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of an edit that is being set: shows a session, follows every control, changes nothing in the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk

from ..image.pixels import interleave_mask
from ..preview.views import Views
from ..shared import settings, tracing
from ..shared.errors import UserError
from ..shared.request import EditRequest
from .asker import Asker
from .help import add_help_button
from .session import Session
from .showing import Showing
from .widgets.light_table import LightTable
from .widgets.meters import Meters
from .widgets.settings import get_setting, get_switch, make_settings
from .widgets.status import Status
from .widgets.values import Values
from .widgets.view_controls import Subject, ViewControls

_SLACK = 60  # px; by which a window changes its size by itself, as lines of text come and go
_MARGIN = 64  # px; that a window leaves of the screen, for its title and its edges
_USUAL = 0.8  # of the screen that the first window takes
_PATIENCE = 120  # ms without a change until the meters are asked for anew


class EditWindow:
    """GIMP's own dialog for a procedure's arguments, with pictures, values and meters.

    All methods are for GTK's thread.  The server is asked in another one, so that nothing ever waits for it.
    """

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        asker: Asker,
        session: Session,
        views: Views,
        read_request: Callable[[], EditRequest],
        try_again: Callable[[], None] | None = None,
    ) -> None:
        """asker, views: belong to the window from now on.  read_request: what the controls say, from the config.

        try_again: what to do after a failure; None: there is nothing to do.  The subclass lays the window out.
        """
        self._config, self._read_request = config, read_request
        self._asker, self._session, self._views = asker, session, views
        self._handlers: dict[str, int] = {}  # of the config's settings, by name
        self._measuring = self._redrawing = 0  # GLib's ids of what is scheduled
        self._size: tuple[int, int] | None = None  # of the window when it was shown
        self._is_shown = False  # whether the window is there
        self._since = 0.0  # when the reason for the next redrawing came up
        title = str(procedure.get_menu_label()).replace("_", "").rstrip(" …")
        self._notes: dict[str, Gtk.Widget] = {}  # beside the widgets of arguments
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        add_help_button(self._dialog, "use")
        self._table = LightTable(views.canvas, self._follow_view)
        self._controls = ViewControls(self._table, views.frame_region, self._repaint)
        self._showing = Showing(session, views, self._table, self._controls, self._find_request, self._refine_masks)
        self._meters = Meters()
        self._values = Values(partial(get_switch, self._dialog), session.dial)
        self._status = Status(self._meters.widget, try_again)
        session.changed.connect(self._schedule_redraw)
        session.look_changed.connect(self._show_look)
        session.sentence_changed.connect(self._status.say)
        session.is_applicable_changed.connect(self._allow_ok)
        session.is_busy_changed.connect(self._spin)

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
        for source in (self._measuring, self._redrawing):
            if source:
                GLib.source_remove(source)
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

    def _lay_out(self, arguments: Iterable[Sequence[str]], *rows: Gtk.Widget) -> None:
        """Fill the window.  arguments: those that have widgets, row by row; rows: what stands above these."""
        picture, beside = (Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing) for spacing in (8, 4))
        picture.pack_start(self._controls.above, False, False, 0)
        picture.pack_start(self._table.widget, True, True, 0)
        for row in (self._controls.below, self._meters.widget, self._status.widget):
            picture.pack_start(row, False, False, 0)
        for setting in (*rows, make_settings(self._dialog, arguments, self._notes), self._values.widget):
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
        self._allow_ok(self._session.is_applicable)
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

    def _tell_setting(self, _config: Gimp.ProcedureConfig, _property: object, name: str) -> None:
        self._session.change_setting(name, self._read_request())

    def _begin(self) -> bool:
        """Show the picture, and let the session begin."""
        tracing.note("shown")
        self._size = self._dialog.get_size()
        whole = self._views.whole
        self._is_shown = True
        self._showing.follow_viewport()
        self._session.begin()
        self._ask_look("before", whole.before)
        return False

    # What is shown

    def _schedule_redraw(self) -> None:
        """Show all changes of this moment at once."""
        if not self._redrawing:
            self._since = tracing.now()
            self._redrawing = GLib.idle_add(self._redraw, priority=GLib.PRIORITY_HIGH_IDLE)

    def _redraw(self) -> bool:
        self._redrawing = 0
        if self._session.plan:
            self._values.show(self._session.shown_edits(), self._session.usable_kinds())
            self._showing.show_sketch(self._since)
            if self._measuring:
                GLib.source_remove(self._measuring)
            self._measuring = GLib.timeout_add(_PATIENCE, self._measure)
        return False

    def _show_look(self, name: str) -> None:
        looks = self._session.looks
        if len(looks) == 2:
            self._meters.show(looks["before"], looks["after"])
            tracing.note("measured", attention=looks[name]["saliency"], realism=looks[name]["realism"])
        if self._controls.subject is not Subject.PICTURE:
            self._showing.repaint()

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

    # What the networks are asked

    def _find_request(self) -> EditRequest:
        """What the views are rendered by."""
        return self._session.request

    def _measure(self) -> bool:
        """Ask the networks what they think of what is shown, and for refined masks."""
        self._measuring = 0
        self._showing.sharpen()
        whole = self._views.whole
        self._ask_look("after", self._showing.render(whole), whole.before)
        self._refine_masks()
        return False

    def _ask_look(self, name: str, picture: bytes, original: bytes = b"") -> None:
        view = self._views.whole
        self._session.ask_look(name, interleave_mask(picture, view.mask), view.width, view.height, original)

    def _refine_masks(self) -> None:
        """Ask for the refined masks that the views lack."""
        request = self._session.request
        for name, view in self._views.made.items():
            for number, cells in enumerate(view.find_missing_masks(self._session.plan, request)):
                self._session.ask_refined_mask(
                    f"refined {name} {number}",
                    interleave_mask(view.before, view.select_part(cells, self._views.grid)),
                    view.width,
                    view.height,
                    view.measure_radius(request),
                    partial(view.keep_refined_mask, cells, request),
                )
