# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of a harmony that is being set: shows a session with its curves, and whether there was anything to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gi.repository import Gimp, GLib, Gtk

from ..predict.harmony import Predicted
from ..preview.harmony_view import HarmonyView, HarmonyViews
from ..shared import tracing
from ..shared.harmony import STRENGTHS, HarmonyRequest
from ..shared.words import _
from .asker import Asker
from .harmony_session import HarmonySession
from .light_window import LightWindow
from .little import is_little
from .widgets.curve_picture import CurvePicture
from .widgets.settings import make_settings

_PATIENCE = 120  # ms without a change until it is said how much there is to do
_WIDE = 380  # px; of the column with the sliders


class HarmonyWindow(LightWindow[HarmonyView]):
    """The light table with the strengths, the curves, and a word on how much there was to do."""

    _views: HarmonyViews

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        asker: Asker,
        session: HarmonySession,
        views: HarmonyViews,
        read_request: Callable[[], HarmonyRequest],
    ) -> None:
        """read_request: what the controls say, from the config; the rest as for every `LightWindow`."""
        self._verdict = Gtk.Label(xalign=0)
        super().__init__(procedure, config, asker, session, views, self._verdict, try_again=session.try_again)
        self._session, self._read_request = session, read_request
        self._measuring = 0  # GLib's id of what is scheduled
        self._curves = CurvePicture()
        self._lay_out(*self._make_rows())
        self._follow(STRENGTHS)

    @property
    def answer(self) -> Predicted | None:
        """What OK applies, at 100 %."""
        return self._session.answer

    def close(self) -> None:
        if self._measuring:
            GLib.source_remove(self._measuring)
        super().close()

    def has_result(self) -> bool:
        return self._session.answer is not None

    def render(self, view: HarmonyView) -> bytes:
        return view.render(self._session.find_harmony())

    def render_step_by_step(self, view: HarmonyView) -> Iterator[bytes | None]:
        yield None
        yield self.render(view)

    def follow_sharp(self) -> None:
        pass  # nothing waits for it

    def _make_rows(self) -> list[Gtk.Widget]:
        """What stands beside the picture."""
        caption = Gtk.Label(label=_("Curves of red, green and blue:"), xalign=0)
        strengths = make_settings(self._dialog, [(name,) for name in STRENGTHS], {})
        strengths.set_size_request(_WIDE, -1)
        return [strengths, caption, self._curves.widget]

    def _begin_to_ask(self) -> None:
        self._session.begin()

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        self._session.change_setting(name, self._read_request())

    def _show_values(self) -> None:
        self._curves.show(self._session.find_harmony())
        if self._measuring:
            GLib.source_remove(self._measuring)
        self._measuring = GLib.timeout_add(_PATIENCE, self._judge)

    def _judge(self) -> bool:
        """Say whether there was anything to do."""
        self._measuring = 0
        self._showing.sharpen()
        whole = self._views.whole
        little = self._session.wants_any() and is_little(whole.before, self._showing.render(whole), whole.mask)
        self._verdict.set_text(_("The layer hardly changes: it matches already.") if little else "")
        tracing.note("judged", little=little)
        return False
