# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of an edit that is being set: shows a session with its values and meters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gi.repository import Gimp

from ..image.pixels import interleave_mask
from ..preview.views import Views
from ..shared import tracing
from ..shared.request import EditRequest
from .asker import Asker
from .session import Session
from .values_window import ValuesWindow
from .widgets.meters import Meters
from .widgets.view_controls import Subject


class EditWindow(ValuesWindow):
    """The light table with sliders for the edits and meters of what the networks see."""

    _has_attention = True

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
        """As for every `ValuesWindow`."""
        self._meters = Meters()
        super().__init__(procedure, config, asker, session, views, read_request, self._meters.widget, try_again)
        session.look_changed.connect(self._show_look)

    def follow_sharp(self) -> None:
        self._refine_masks()

    def _begin_to_ask(self) -> None:
        self._session.begin()
        self._ask_look("before", self._views.whole.before)

    # What is shown

    def _show_look(self, name: str) -> None:
        looks = self._session.looks
        if len(looks) == 2:
            self._meters.show(looks["before"], looks["after"])
            tracing.note("measured", attention=looks[name]["saliency"], realism=looks[name]["realism"])
        if self._controls.subject is not Subject.PICTURE:
            self._showing.repaint()

    # What the networks are asked

    def _measure_result(self) -> None:
        """Ask the networks what they think of what is shown, and for refined masks."""
        whole = self._views.whole
        self._ask_look("after", self._showing.render(whole), whole.before)
        self._refine_masks()

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
