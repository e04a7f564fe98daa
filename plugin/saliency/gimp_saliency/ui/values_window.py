# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of edits that are being set: shows a session with its values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from gi.repository import Gimp, GLib, Gtk

from ..preview.view import View
from ..preview.views import Views
from ..shared.request import EditRequest
from .asker import Asker
from .light_window import LightWindow
from .session import Session
from .widgets.settings import get_switch, make_settings
from .widgets.values import Values

_PATIENCE = 120  # ms without a change until what is shown is measured anew


class ValuesWindow(LightWindow[View]):
    """The light table with sliders for the edits."""

    _views: Views
    _has_attention: ClassVar[bool]  # whether it can be seen instead of the picture

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        asker: Asker,
        session: Session,
        views: Views,
        read_request: Callable[[], EditRequest],
        below: Gtk.Widget,
        try_again: Callable[[], None] | None = None,
    ) -> None:
        """read_request: what the controls say, from the config.  below: what stands below the picture.

        The rest as for every `LightWindow`.
        """
        looks = session.looks if self._has_attention else None
        super().__init__(procedure, config, asker, session, views, below, looks, try_again)
        self._session, self._read_request = session, read_request
        self._measuring = 0  # GLib's id of what is scheduled
        self._notes: dict[str, Gtk.Widget] = {}  # beside the widgets of arguments
        self._values = Values(partial(get_switch, self._dialog), session.dial)

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

    @abstractmethod
    def _measure_result(self) -> None:
        """Say, or ask, what is to be said of what is shown, which has not changed for a moment."""

    def _lay_out_edit(self, arguments: Iterable[Sequence[str]], *rows: Gtk.Widget, warning: str = "") -> None:
        """Fill the window.

        arguments: those that have widgets, row by row; rows: what stands above these; warning: what above all.
        """
        if warning:
            rows = (Gtk.Label(label=warning, xalign=0, wrap=True, max_width_chars=40), *rows)
        self._lay_out(*rows, make_settings(self._dialog, arguments, self._notes), self._values.widget)

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        self._session.change_setting(name, self._read_request())

    def _show_values(self) -> None:
        self._values.show(self._session.shown_edits(), self._session.usable_kinds())
        if self._measuring:
            GLib.source_remove(self._measuring)
        self._measuring = GLib.timeout_add(_PATIENCE, self._measure)

    def _find_request(self) -> EditRequest:
        """What the views are rendered by."""
        return self._session.request

    def _measure(self) -> bool:
        self._measuring = 0
        self._showing.sharpen()
        self._measure_result()
        return False
