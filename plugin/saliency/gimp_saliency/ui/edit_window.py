# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of an edit that is being set: shows a session with its values and meters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from gi.repository import Gimp, GLib, Gtk

from ..image.pixels import interleave_mask
from ..preview.view import View
from ..preview.views import Views
from ..shared import tracing
from ..shared.request import EditRequest
from .asker import Asker
from .light_window import LightWindow
from .session import Session
from .widgets.meters import Meters
from .widgets.settings import get_switch, make_settings
from .widgets.values import Values
from .widgets.view_controls import Subject

_PATIENCE = 120  # ms without a change until the meters are asked for anew


class EditWindow(LightWindow[View]):
    """The light table with sliders for the edits and meters of what the networks see."""

    _views: Views

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
        """read_request: what the controls say, from the config; the rest as for every `LightWindow`."""
        self._meters = Meters()
        super().__init__(procedure, config, asker, session, views, self._meters.widget, session.looks, try_again)
        self._session, self._read_request = session, read_request
        self._measuring = 0  # GLib's id of what is scheduled
        self._notes: dict[str, Gtk.Widget] = {}  # beside the widgets of arguments
        self._values = Values(partial(get_switch, self._dialog), session.dial)
        session.look_changed.connect(self._show_look)

    def close(self) -> None:
        if self._measuring:
            GLib.source_remove(self._measuring)
        super().close()

    def has_result(self) -> bool:
        return bool(self._session.plan)

    def render(self, view: View) -> bytes:
        return view.render(self._session.plan, self._find_request(), self._views.grid)

    def render_step_by_step(self, view: View) -> Iterator[bytes | None]:
        return view.render_step_by_step(self._session.plan, self._find_request(), self._views.grid)

    def follow_sharp(self) -> None:
        self._refine_masks()

    def _lay_out_edit(self, arguments: Iterable[Sequence[str]], *rows: Gtk.Widget) -> None:
        """Fill the window.  arguments: those that have widgets, row by row; rows: what stands above these."""
        self._lay_out(*rows, make_settings(self._dialog, arguments, self._notes), self._values.widget)

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        self._session.change_setting(name, self._read_request())

    def _begin_to_ask(self) -> None:
        self._session.begin()
        self._ask_look("before", self._views.whole.before)

    # What is shown

    def _show_values(self) -> None:
        self._values.show(self._session.shown_edits(), self._session.usable_kinds())
        if self._measuring:
            GLib.source_remove(self._measuring)
        self._measuring = GLib.timeout_add(_PATIENCE, self._measure)

    def _show_look(self, name: str) -> None:
        looks = self._session.looks
        if len(looks) == 2:
            self._meters.show(looks["before"], looks["after"])
            tracing.note("measured", attention=looks[name]["saliency"], realism=looks[name]["realism"])
        if self._controls.subject is not Subject.PICTURE:
            self._showing.repaint()

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
