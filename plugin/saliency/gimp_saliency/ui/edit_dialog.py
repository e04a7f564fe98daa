# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which an edit of the selection is chosen, among proposals and saved styles."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi, GLib, Gtk

from ..image.thumbnail import Thumbnail
from ..layers import frames
from ..predict.outline_finder import OutlineFinder
from ..predict.plan import Planned, predict_plan
from ..preview.views import Views
from ..shared import tracing
from ..shared.edits import NAMES
from ..shared.request import EditRequest
from ..shared.words import _
from .asker import Asked, Asker
from .edit_window import EditWindow
from .proposals import fetch_proposals
from .session import ChoosingSession
from .widgets.alternatives import SMALL, Alternatives
from .widgets.pixbufs import fit_pixbuf, make_pixbuf
from .widgets.settings import make_list
from .widgets.style_list import StyleList
from .widgets.style_name import ask_style_name


def choose(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    layer: Gimp.Layer,
    thumbnail: Thumbnail,
    direction: str,
    finder: OutlineFinder,
    first: Asked[list[Planned]],
) -> list[Planned] | None:
    """Let the user set an edit of the selection; what to apply, None if cancelled.

    thumbnail: the picture and its selection; finder: of the selection's edge; first: what brings the edits that the
    settings as remembered call for.
    """
    GimpUi.init("saliency")
    dialog = EditDialog(procedure, config, image, layer, thumbnail, direction, finder, first)
    try:
        return dialog.plan if dialog.run() else None
    finally:
        dialog.close()


class EditDialog(EditWindow):
    """The window with a row of alternatives and a list of styles."""

    _session: ChoosingSession

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        image: Gimp.Image,
        layer: Gimp.Layer,
        thumbnail: Thumbnail,
        direction: str,
        finder: OutlineFinder,
        first: Asked[list[Planned]],
    ) -> None:
        """See `choose`."""
        asker = Asker()
        views = Views(image, layer, thumbnail)
        read_request = partial(EditRequest.from_config, config, direction)
        session = ChoosingSession(
            read_request(),
            views.is_gray,
            asker.ask,
            lambda request: predict_plan(finder.see(request), request),
            lambda request, seed: fetch_proposals(finder.see(request), request, seed),
            first.wait,
            finder.find,
        )
        super().__init__(procedure, config, asker, session, views, read_request, session.ask_for_edits)
        self._finder = finder
        self._undrawn: list[str] = []  # the orders of the proposals that are still to be shown
        self._drawing = 0  # GLib's id of what is scheduled
        self._alternatives = Alternatives(session.choose, session.ask_for_styles)
        self._styles = StyleList(session.choose_style, self._save_style)
        manner = Gtk.Box(spacing=12)
        for widget in (make_list(self._dialog, "boldness", _("Boldness:")), self._styles.widget):
            manner.pack_start(widget, False, False, 0)
        self._edge_note = Gtk.Label(xalign=0)
        self._notes["edge"] = self._edge_note
        several = frames.has_several(image)
        rows = [("strength",), ("edge",), ("feather", "grow"), ("refine", "separate"), ("background",)]
        if several:
            rows.insert(-1, ("frames",))
        self._lay_out_edit(rows, manner, self._alternatives.widget)
        if several and (why := frames.find_obstacle(image, layer)):
            self._disable("frames", why)
        self._follow(["strength", *NAMES, "background-strength", "feather", "refine"])
        self._follow(["boldness", "edge", "grow", "separate", "background", "order", "style"])
        session.outline_changed.connect(self._show_outline)
        session.proposals_changed.connect(self._offer_proposals)
        session.chosen_changed.connect(self._alternatives.mark)
        session.style_changed.connect(self._allow_saving)
        session.styles_changed.connect(self._styles.fill)
        session.setting_changed.connect(self._set_quietly)
        session.list_styles()

    @property
    def plan(self) -> list[Planned]:
        """What OK applies."""
        return self._session.plan

    def close(self) -> None:
        if self._drawing:
            GLib.source_remove(self._drawing)
        super().close()

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        self._finder.look(self._read_request())
        super()._tell_setting(config, spec, name)

    def _show_outline(self) -> None:
        outline = self._session.outline
        if self._views.cut_down(outline.shapes):
            self._ask_look("before", self._views.whole.before)  # the region is another one
        self._edge_note.set_text(outline.describe(self._session.request.wanted_edge))

    def _set_quietly(self, name: str, value: str) -> None:
        """Let an argument have a value that the session knows of."""
        with self._config.handler_block(self._handlers[name]):
            self._config.set_property(name, value)

    def _offer_proposals(self) -> None:
        proposals = self._session.proposals
        self._undrawn = list(proposals)
        tracing.note("offered", orders=self._undrawn)
        self._alternatives.offer({order: proposal.is_own_style for order, proposal in proposals.items()})
        if proposals and not self._drawing:
            self._drawing = GLib.idle_add(self._draw_proposal, priority=GLib.PRIORITY_LOW)

    def _draw_proposal(self) -> bool:
        """Show the next proposal; one at a time, so that a slider that is moved meanwhile has not to wait for all."""
        if self._undrawn:
            order = self._undrawn.pop(0)
            view, proposal = self._views.icon, self._session.proposals[order]
            after = view.render(proposal.plan, self._session.request, self._views.grid)
            self._alternatives.show(order, fit_pixbuf(make_pixbuf(after, view.width, view.height), *SMALL))
        if not self._undrawn:
            self._drawing = 0
        return bool(self._undrawn)

    def _allow_saving(self) -> None:
        self._styles.allow_saving(self._session.can_save_style())

    def _save_style(self) -> None:
        ask_style_name(self._dialog, self._session.save_style)
