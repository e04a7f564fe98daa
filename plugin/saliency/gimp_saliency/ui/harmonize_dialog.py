# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which a pasted layer is matched to what lies below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from gi.repository import Gimp, GimpUi, GLib, Gtk

from ..image.cutout import Cutout
from ..predict.harmony import predict_harmony
from ..preview.harmony_view import HarmonyView, HarmonyViews
from ..shared import tracing
from ..shared.harmony import HarmonyRequest
from ..shared.words import _
from .asker import Asked, Asker
from .harmony_session import Answer, HarmonySession, is_little
from .light_window import LightWindow
from .widgets.curve_picture import CurvePicture
from .widgets.settings import make_settings

_PATIENCE = 120  # ms without a change until it is said how much there is to do
_WIDE = 380  # px; of the column with the sliders
_STRENGTHS = ("strength", "colour", "shading")


def choose(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, layer: Gimp.Layer, cutout: Cutout
) -> Answer | None:
    """Let the user set how far a layer is to be matched; the harmony at 100 %, None if cancelled."""
    predict = partial(predict_harmony, cutout)
    first = Asked(predict)  # while GTK takes its time
    GimpUi.init("saliency")
    dialog = HarmonizeDialog(procedure, config, HarmonyViews(image, layer, cutout), predict, first)
    try:
        return dialog.answer if dialog.run() else None
    finally:
        dialog.close()


class HarmonizeDialog(LightWindow[HarmonyView]):
    """The light table with the strengths, the curves, and a word on how much there was to do."""

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        views: HarmonyViews,
        predict: Callable[[], Answer],
        first: Asked[Answer],
    ) -> None:
        """views: belong to the dialog from now on.  predict, first: see `HarmonySession`."""
        asker = Asker()
        request = HarmonyRequest.from_config(config)
        self._session = HarmonySession(request, views.is_gray, asker.ask, predict, first.wait)
        self._verdict = Gtk.Label(xalign=0)
        self._measuring = 0  # GLib's id of what is scheduled
        again = self._session.try_again
        super().__init__(procedure, config, asker, self._session, views, self._verdict, try_again=again)
        self._curves = CurvePicture()
        self._lay_out(*self._make_rows())
        self._follow(_STRENGTHS)

    @property
    def answer(self) -> Answer | None:
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
        strengths = make_settings(self._dialog, [(name,) for name in _STRENGTHS], {})
        strengths.set_size_request(_WIDE, -1)
        return [strengths, caption, self._curves.widget]

    def _begin_to_ask(self) -> None:
        self._session.begin()

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        self._session.change_setting(HarmonyRequest.from_config(config))

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
