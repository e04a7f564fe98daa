# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which a retouch that is in the image gets other values."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi

from ..layers import adjust
from ..layers.before import Before, copy_before
from ..predict.outline import AS_SELECTED
from ..predict.plan import Planned
from ..preview.views import Views
from ..shared.edits import NAMES, Edit
from ..shared.words import _
from .asker import Asker
from .retouch_window import RetouchWindow
from .session import AdjustingSession


def adjust_retouch(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, edit: adjust.MadeEdit
) -> list[Edit] | None:
    """Let the user set a retouch that is there anew; its values at 100 %, None if cancelled."""
    GimpUi.init("saliency")
    before = copy_before(image, edit)
    try:
        dialog = RetouchAdjustDialog(procedure, config, before, edit)
        try:
            return dialog.edits if dialog.run() else None
        finally:
            dialog.close()
    finally:
        before.image.delete()


class RetouchAdjustDialog(RetouchWindow):
    """The window without looks: nothing is predicted anew, and the edge stays as it is."""

    _session: AdjustingSession

    def __init__(
        self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, before: Before, edit: adjust.MadeEdit
    ) -> None:
        thumbnail = before.read_thumbnail()
        asker = Asker()
        views = Views(before.image, before.photo, thumbnail, before.made)
        read_request = partial(adjust.request_from_config, edit, config)
        made = [Planned(edit.base)]
        session = AdjustingSession(
            read_request(), views.is_gray, asker.ask, made, edit.by_hand, lambda _request: AS_SELECTED
        )
        super().__init__(procedure, config, asker, session, views, read_request)
        self._lay_out_edit([("strength",)])
        for name in edit.by_hand:
            self._values.explain(name, _("changed by hand"))
        self._follow(["strength", *NAMES])

    @property
    def edits(self) -> list[Edit]:
        """The values that OK gives the retouch, at 100 %."""
        return list(self._session.plan[0].edits)
