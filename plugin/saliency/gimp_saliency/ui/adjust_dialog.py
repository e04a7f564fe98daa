# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which an edit that is in the image gets other values."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi

from ..image.thumbnail import Thumbnail, read_thumbnail
from ..layers import adjust
from ..layers.record import edits_above
from ..predict.plan import Planned
from ..preview.views import Views
from ..shared.edits import NAMES, Edit
from ..shared.words import _
from .asker import Asker
from .edit_window import SHAPE, EditWindow
from .session import AdjustingSession


def adjust_values(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, edit: adjust.MadeEdit
) -> list[Edit] | None:
    """Let the user set an edit that is there anew; its values at 100 %, None if cancelled."""
    GimpUi.init("saliency")
    before, photo, not_background = adjust.copy_before(image, edit)
    try:
        thumbnail = read_thumbnail(before, photo, edits_above(before, photo))
        dialog = AdjustDialog(procedure, config, before, photo, thumbnail, edit, not_background)
        try:
            return dialog.edits if dialog.run() else None
        finally:
            dialog.close()
    finally:
        before.delete()


class AdjustDialog(EditWindow):
    """The window without anything to choose from: no other edit is asked for."""

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        image: Gimp.Image,
        layer: Gimp.Layer,
        thumbnail: Thumbnail,
        edit: adjust.MadeEdit,
        not_background: Gimp.Channel | None,
    ) -> None:
        """image, layer and thumbnail: as they were before the edit.

        not_background: a channel of the image with all that is not background; None: what is selected.
        """
        asker = Asker()
        views = Views(image, layer, thumbnail, SHAPE, not_background)
        read_request = partial(adjust.request_from_config, edit, config)
        made = [Planned(edit.base, background=edit.background)]
        session = AdjustingSession(read_request(), views.is_gray, asker.ask, made, edit.by_hand)
        super().__init__(procedure, config, asker, session, views, read_request)
        self._lay_out([("strength",), ("background",)])
        if not edit.background:
            self._disable("background", _("No edits of the background were predicted with this edit"))
        for name in edit.by_hand:
            self._values.explain(name, _("changed by hand"))
        self._follow(["strength", *NAMES, "background-strength", "background"])

    @property
    def edits(self) -> list[Edit]:
        """The values that OK gives the edit, at 100 %."""
        return list(self._session.plan[0].edits)
