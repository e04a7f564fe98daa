# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of a retouch that is being set: shows a session with its values, and whether there was anything to do."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gimp, Gtk

from ..preview.views import Views
from ..shared import tracing
from ..shared.request import EditRequest
from .asker import Asker
from .session import Session
from .values_window import ValuesWindow


class RetouchWindow(ValuesWindow):
    """The light table with sliders for the edits and one line on what they do."""

    _has_attention = False

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
        self._verdict = Gtk.Label(xalign=0)
        super().__init__(procedure, config, asker, session, views, read_request, self._verdict, try_again)

    def follow_sharp(self) -> None:
        pass  # nothing waits for it

    def _begin_to_ask(self) -> None:
        self._session.begin()

    def _measure_result(self) -> None:
        whole = self._views.whole
        sentence = self._judge(whole.before, self._showing.render(whole), whole.mask)
        self._verdict.set_text(sentence)
        tracing.note("judged", little=bool(sentence))

    def _judge(self, before: bytes, after: bytes, mask: bytes) -> str:
        """What is to be said of R'G'B' bytes before and after, and where the retouch is; empty: nothing."""
        return ""
