# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog in which a harmony that is in the image gets other strengths, or is predicted anew."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp, GimpUi, Gtk

from ..layers.harmony.before import copy_before
from ..layers.harmony.made import MadeHarmony
from ..predict.harmony import Predicted, predict_harmony
from ..preview.harmony_view import HarmonyViews
from ..shared.harmony import Harmony
from ..shared.words import _
from .asker import Asker
from .harmony_session import HarmonySession
from .harmony_window import HarmonyWindow


def adjust_harmony(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, made: MadeHarmony, base: Harmony
) -> Predicted | None:
    """Let the user set a harmony that is there anew; the values at 100 %, None if cancelled.

    base: the harmony's, which is what is returned unless it was predicted anew.  Raises UserError.
    """
    GimpUi.init("saliency")
    before = copy_before(image, made)
    try:
        asker, made_request = Asker(), made.record.request
        views = HarmonyViews(before.image, before.layer, before.cutout)
        read_request = partial(made_request.with_strengths, config)  # which keeps the style
        known = Predicted(base, made.record.model, made_request.style_numbers)
        predict = partial(predict_harmony, before.cutout)
        session = HarmonySession(read_request(), views.is_gray, asker.ask, predict, lambda: known)
        dialog = HarmonyAdjustDialog(procedure, config, asker, session, views, read_request)
        if made.by_hand:
            dialog.fix_colour()
        try:
            return dialog.answer if dialog.run() else None
        finally:
            dialog.close()
    finally:
        before.image.delete()


class HarmonyAdjustDialog(HarmonyWindow):
    """The window with a button that asks for the harmony anew, as what lies around the layer may be another."""

    def fix_colour(self) -> None:
        """Let the curves be what the user made of them."""
        self._fix("colour", _("The curves were changed in GIMP's own dialog: they stay so, and are not shown here"))

    def _make_rows(self) -> list[Gtk.Widget]:
        button = Gtk.Button.new_with_mnemonic(_("_Predict again"))
        button.set_tooltip_text(_("Asks the network what would match what lies around the layer now"))
        button.set_halign(Gtk.Align.START)
        button.connect("clicked", lambda _button: self._session.try_again())
        return [*super()._make_rows(), button]
