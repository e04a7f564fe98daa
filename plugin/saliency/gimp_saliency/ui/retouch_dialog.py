# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which a photograph is retouched, in one of several looks or in that of another open image."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi

from ..image.floats import exceeds_white
from ..image.thumbnail import Thumbnail, read_picture
from ..layers import frames
from ..layers.highlights import offer_sparing
from ..predict.plan import Planned
from ..predict.retouch import FoundLooks, predict_looks
from ..preview.views import Views
from ..shared.choices import Look
from ..shared.edits import NAMES
from ..shared.errors import UserError
from ..shared.request import EditRequest
from ..shared.words import _
from .asker import Asked, Asker
from .chooser import Chooser, Picture
from .little import is_little
from .retouch_session import LookOffer, RetouchSession
from .retouch_window import RetouchWindow
from .widgets.image_list import ImageList
from .widgets.settings import make_list


def choose(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    layer: Gimp.Layer,
    thumbnail: Thumbnail,
    first: Asked[FoundLooks],
) -> list[Planned] | None:
    """Let the user set a retouch; what to apply, None if cancelled.

    thumbnail: the picture and its selection; first: what brings the looks.
    """
    GimpUi.init("saliency")
    dialog = RetouchDialog(procedure, config, image, layer, thumbnail, first)
    try:
        return dialog.plan if dialog.run() else None
    finally:
        dialog.close()


class RetouchDialog(RetouchWindow):
    """The window with a row of looks, a list of saved styles, and one of the other open images."""

    _session: RetouchSession

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        image: Gimp.Image,
        layer: Gimp.Layer,
        thumbnail: Thumbnail,
        first: Asked[FoundLooks],
    ) -> None:
        """See `choose`."""
        asker = Asker()
        views = Views(image, layer, thumbnail)
        read_request = partial(EditRequest.retouch_from_config, config)
        predict = partial(predict_looks, thumbnail)
        session = RetouchSession(read_request(), views.is_gray, asker.ask, predict, first.wait)
        super().__init__(procedure, config, asker, session, views, read_request, session.try_again)
        captions = {look.value: (look.label, look.help) for look in Look}
        self._chooser = Chooser(self._dialog, session, captions, self._draw)
        self._images = ImageList([each for each in Gimp.get_images() if each != image], self._match)
        several = frames.has_several(image)
        rows = [("look-strength",), ("strength",), ("people", "frames") if several else ("people",)]
        base = make_list(self._dialog, "base-look", _("Look to begin with:"))
        warning = offer_sparing() if exceeds_white(layer) else ""
        widgets = self._chooser.styles, self._chooser.alternatives, self._images.widget, base
        self._lay_out_edit(rows, *widgets, warning=warning)
        if several and (why := frames.find_obstacle(image, layer)):
            self._disable("frames", why)
        self._follow(["strength", *NAMES, "look", "base-look", "look-strength", "people", "frames", "style"])
        session.setting_changed.connect(self._set_quietly)
        session.matching_ended.connect(self._leave_matching)
        config.connect("notify::reference", self._follow_reference)
        session.list_styles()

    @property
    def plan(self) -> list[Planned]:
        """What OK applies."""
        return self._session.plan

    def close(self) -> None:
        self._chooser.close()
        super().close()

    def _judge(self, before: bytes, after: bytes, mask: bytes) -> str:
        if self._session.wants_neutral() and is_little(before, after, mask):
            return _("The photo hardly changes: it is good already.")
        return ""

    def _match(self, other: Gimp.Image | None) -> None:
        """Match another image, which may be gone by now; None: match none."""
        reference = None
        try:
            if other is not None and other.is_valid():
                reference = read_picture(other)
        except UserError as error:
            self._status.say(str(error))
        if reference is None:
            self._images.choose_none()
            self._config.set_property("reference", None)
            return
        self._config.set_property("reference", other)
        self._session.request = self._read_request()
        self._session.match(reference)

    def _leave_matching(self) -> None:
        self._config.set_property("reference", None)

    def _follow_reference(self, config: Gimp.ProcedureConfig, _spec: object) -> None:
        """No other image may be matched any more, as the user has clicked a look, or reset all settings."""
        if config.get_property("reference") is None:
            self._images.choose_none()
            self._session.request = self._read_request()
            self._session.match(None)

    def _draw(self, proposal: LookOffer) -> Picture:
        view = self._views.icon
        return view.render(proposal.plan, self._session.request, self._views.grid), view.width, view.height
