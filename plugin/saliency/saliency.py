#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the plug-in: registers its procedures with GIMP, nothing else."""

from __future__ import annotations

import sys
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GObject  # noqa: E402

ENTRIES = {
    "plug-in-saliency-attenuate": (
        "attenuate",
        "_Attenuate Selection…",
        "Make the selected region draw less attention, with photographic edits",
    ),
    "plug-in-saliency-emphasize": (
        "emphasize",
        "_Emphasize Selection…",
        "Make the selected region draw more attention, with photographic edits",
    ),
}
HELP = (
    "A network on this computer predicts exposure, saturation, white balance and tone curves for the selected region; "
    "GIMP's own filters apply them, in layers above the active one.  Soft selections give soft edges.  "
    "One undo step takes everything back."
)
ORDERS = {
    "best-realism": ("Most realistic", "Of all orders of the edits, the one whose result looks least edited"),
    "best-saliency": ("Strongest", "Of all orders of the edits, the one that moves attention most"),
    "random": ("Any", "One order, drawn from the picture itself: the fastest"),
}


class Saliency(Gimp.PlugIn):
    """The plug-in as GIMP sees it."""

    def do_query_procedures(self) -> list[str]:
        return list(ENTRIES)

    def do_set_i18n(self, name: str) -> bool:
        return False  # the texts are English only

    def do_create_procedure(self, name: str) -> Any:
        _, label, blurb = ENTRIES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label(label)
        procedure.add_menu_path("<Image>/Filters/Saliency")
        procedure.set_icon_name("gimp-visible")
        procedure.set_documentation(blurb, HELP, name)
        procedure.set_attribution("The gimp-saliency developers", "The gimp-saliency developers", "2026")
        flags = GObject.ParamFlags.READWRITE
        strength = "How far to go, in percent of what the network predicts"
        procedure.add_double_argument("strength", "_Strength (%)", strength, 0, 150, 100, flags)
        orders = Gimp.Choice.new()
        for number, (order, (title, help_text)) in enumerate(ORDERS.items()):
            orders.add(order, number, title, help_text)
        order_help = "Which order of the four edits to take"
        procedure.add_choice_argument("order", "O_rder", order_help, orders, "best-realism", flags)
        layers_help = "The layers of the edit, lowest first"
        procedure.add_core_object_array_return_value("layers", "Layers", layers_help, Gimp.Layer.__gtype__, flags)
        return procedure

    def run(self, procedure: Any, run_mode: Any, image: Any, drawables: Any, config: Any, data: Any) -> Any:
        import procedures  # only here: GIMP asks for the procedures far more often than for a run

        return procedures.run(procedure, run_mode, image, drawables, config, ENTRIES[procedure.get_name()][0])


Gimp.main(Saliency.__gtype__, sys.argv)
