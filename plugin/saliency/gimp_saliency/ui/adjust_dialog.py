# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which an edit that is in the image gets other values and another edge."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi, Gtk

from ..layers import adjust
from ..layers.before import Before, copy_before
from ..layers.original import explain_edge
from ..predict.plan import Planned
from ..preview.views import Views
from ..shared.edits import NAMES, Edit
from ..shared.request import EditRequest
from ..shared.words import _
from .asker import Asker
from .edit_window import EditWindow
from .session import AdjustingSession


def adjust_values(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, edit: adjust.MadeEdit
) -> list[Edit] | None:
    """Let the user set an edit that is there anew; its values at 100 %, None if cancelled."""
    GimpUi.init("saliency")
    before = copy_before(image, edit)
    try:
        dialog = AdjustDialog(procedure, config, before, edit, explain_edge(image, edit))
        try:
            return dialog.edits if dialog.run() else None
        finally:
            dialog.close()
    finally:
        before.image.delete()


class AdjustDialog(EditWindow):
    """The window without anything to choose from: no other edit is asked for."""

    _session: AdjustingSession

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        before: Before,
        edit: adjust.MadeEdit,
        obstacle: str,
    ) -> None:
        """obstacle: why the edit's edge cannot be changed, empty: it can."""
        thumbnail = before.read_thumbnail()
        asker = Asker()
        views = Views(before.image, before.photo, thumbnail, before.made)
        finder = before.make_finder(thumbnail)
        read_request = partial(adjust.request_from_config, edit, config)
        made = [Planned(edit.base, background=edit.background)]
        session = AdjustingSession(read_request(), views.is_gray, asker.ask, made, edit.by_hand, finder.find)
        super().__init__(procedure, config, asker, session, views, read_request, session.ask_for_edge)
        self._finder = finder
        self._edge_note = Gtk.Label(xalign=0)
        self._notes["edge"] = self._edge_note
        self._lay_out_edit([("strength",), ("edge",), ("feather", "grow"), ("background",)])
        if obstacle:
            for name in ("edge", "feather", "grow"):
                self._fix(name, obstacle)
        if not edit.background:
            self._disable("background", _("No edits of the background were predicted with this edit"))
        for name in edit.by_hand:
            self._values.explain(name, _("changed by hand"))
        self._follow(["strength", *NAMES, "background-strength", "background", "edge", "feather", "grow"])
        session.outline_changed.connect(self._show_outline)

    @property
    def edits(self) -> list[Edit]:
        """The values that OK gives the edit, at 100 %."""
        return list(self._session.plan[0].edits)

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        if name in ("edge", "feather", "grow"):
            self._finder.look(self._read_request())
        super()._tell_setting(config, spec, name)

    def _show_outline(self) -> None:
        """Show the edge that is wanted, and ask what the networks see there without the edit."""
        outline = self._session.outline
        if outline is None:
            self._views.show_made()
        else:
            self._views.cut_down(outline.shapes, self._session.request.own_feather)
        self._edge_note.set_text(outline.describe(self._session.request.wanted_edge) if outline else "")
        self._ask_look("before", self._views.whole.before)

    def _find_request(self) -> EditRequest:
        """As the window does; what the views show has its edge already."""
        return self._session.request.without_edge()
