# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which an edit of the selection is chosen, among proposals and saved styles."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi, Gtk

from ..image.floats import exceeds_white
from ..image.thumbnail import Thumbnail
from ..layers import frames
from ..layers.highlights import offer_sparing
from ..predict.outline_finder import OutlineFinder
from ..predict.plan import Planned, predict_plan
from ..preview.views import Views
from ..shared.choices import PROPOSED
from ..shared.edits import NAMES
from ..shared.request import EditRequest
from ..shared.words import _
from .asker import Asked, Asker
from .chooser import Chooser, Picture
from .edit_window import EditWindow
from .proposals import Proposal, fetch_proposals
from .session import ChoosingSession
from .widgets.settings import make_list


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
        super().__init__(procedure, config, asker, session, views, read_request, session.try_again)
        self._finder = finder
        captions = {each.value: (each.caption, each.help) for each in PROPOSED}
        self._chooser = Chooser(self._dialog, session, captions, self._draw)
        manner = Gtk.Box(spacing=12)
        for widget in (make_list(self._dialog, "boldness", _("Boldness:")), self._chooser.styles):
            manner.pack_start(widget, False, False, 0)
        self._edge_note = Gtk.Label(xalign=0)
        self._notes["edge"] = self._edge_note
        several = frames.has_several(image)
        rows = [("strength",), ("edge",), ("feather", "grow"), ("refine", "separate"), ("background",)]
        if several:
            rows.insert(-1, ("frames",))
        warning = offer_sparing() if exceeds_white(layer) else ""
        self._lay_out_edit(rows, manner, self._chooser.alternatives, warning=warning)
        if several and (why := frames.find_obstacle(image, layer)):
            self._disable("frames", why)
        self._follow(["strength", *NAMES, "background-strength", "feather", "refine"])
        self._follow(["boldness", "edge", "grow", "separate", "background", "order", "style"])
        session.outline_changed.connect(self._show_outline)
        session.setting_changed.connect(self._set_quietly)
        session.list_styles()

    @property
    def plan(self) -> list[Planned]:
        """What OK applies."""
        return self._session.plan

    def close(self) -> None:
        self._chooser.close()
        super().close()

    def _tell_setting(self, config: Gimp.ProcedureConfig, spec: object, name: str) -> None:
        self._finder.look(self._read_request())
        super()._tell_setting(config, spec, name)

    def _show_outline(self) -> None:
        outline = self._session.outline
        if self._views.cut_down(outline.shapes):
            self._ask_look("before", self._views.whole.before)  # the region is another one
        self._edge_note.set_text(outline.describe(self._session.request.wanted_edge))

    def _draw(self, proposal: Proposal) -> Picture:
        view = self._views.icon
        return view.render(proposal.plan, self._session.request, self._views.grid), view.width, view.height
