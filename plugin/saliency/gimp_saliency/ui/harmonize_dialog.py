# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which a pasted layer is matched to what lies below it, in one of several ways."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi, Gtk

from ..image.cutout import Cutout
from ..predict.harmony import PROPOSED, Predicted, predict_harmony, propose_harmonies
from ..preview.harmony_view import HarmonyViews
from ..shared.harmony import HarmonyRequest
from ..shared.words import _
from .asker import Asked, Asker
from .chooser import Chooser, Picture
from .harmony_session import HarmonyChoosing
from .harmony_window import HarmonyWindow
from .widgets.alternatives import caption_style


def choose(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, layer: Gimp.Layer, cutout: Cutout
) -> Predicted | None:
    """Let the user set how a layer is to be matched; the harmony at 100 %, None if cancelled."""
    request = HarmonyRequest.from_config(config)
    first = Asked(partial(predict_harmony, cutout, request))  # while GTK takes its time
    GimpUi.init("saliency")
    dialog = HarmonizeDialog(procedure, config, HarmonyViews(image, layer, cutout), cutout, first)
    try:
        return dialog.answer if dialog.run() else None
    finally:
        dialog.close()


class HarmonizeDialog(HarmonyWindow):
    """The window with a row of alternatives and a list of styles."""

    _session: HarmonyChoosing

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        views: HarmonyViews,
        cutout: Cutout,
        first: Asked[Predicted],
    ) -> None:
        """views: belong to the dialog from now on.  first: what brings what the settings as remembered call for."""
        asker = Asker()
        read_request = partial(HarmonyRequest.from_config, config)
        session = HarmonyChoosing(
            read_request(),
            views.is_gray,
            asker.ask,
            partial(predict_harmony, cutout),
            partial(propose_harmonies, cutout),
            first.wait,
        )
        super().__init__(procedure, config, asker, session, views, read_request)
        self._follow(["style"])
        session.setting_changed.connect(self._set_quietly)
        session.list_styles()

    def close(self) -> None:
        self._chooser.close()
        super().close()

    def _make_rows(self) -> list[Gtk.Widget]:
        self._chooser = Chooser(self._dialog, self._session, _make_captions(), self._draw)
        return [self._chooser.styles, self._chooser.alternatives, *super()._make_rows()]

    def _draw(self, proposal: Predicted) -> Picture:
        view = self._views.icon
        return view.render(self._session.scale(proposal.harmony)), view.width, view.height


def _make_captions() -> dict[str, tuple[str, str]]:
    """See `Alternatives`."""
    asked = _("_Predicted"), _("What the network predicts in the style of the list")
    return {PROPOSED[0]: asked, **{name: caption_style(number) for number, name in enumerate(PROPOSED[1:], 1)}}
