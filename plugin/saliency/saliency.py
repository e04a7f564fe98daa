#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the plug-in: registers its procedures with GIMP, nothing else."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import ORDERS  # noqa: E402
from edits import NAMES  # noqa: E402
from gi.repository import Gimp, GObject  # noqa: E402
from words import _  # noqa: E402


@dataclass(frozen=True)
class Entry:
    """What GIMP knows of a procedure before it runs."""

    label: str
    blurb: str
    help: str
    arguments: tuple[str, ...] = ()
    image_types: str = "RGB*, GRAY*"
    sensitivity: str = "DRAWABLE"  # names of Gimp.ProcedureSensitivityMask
    layers: bool = True  # whether it returns the layers that it made


BACKGROUND = ("background", "background-strength")
CHOICES = ("strength", "order", *NAMES, "feather", "refine", "separate", "frames", *BACKGROUND, "style")
HELP = _(
    "A network on this computer predicts sharpening, contrast, tone, exposure, saturation, white balance and colour "
    "curves for the selected region, on request for the background, too; GIMP's own filters apply them, in layers "
    "above the active one.  Soft selections give soft edges.  One undo step takes everything back."
)
ENTRIES = {
    "plug-in-saliency-attenuate": Entry(
        _("_Attenuate Selection…"),
        _("Make the selected region draw less attention, with photographic edits"),
        HELP,
        CHOICES,
    ),
    "plug-in-saliency-emphasize": Entry(
        _("_Emphasize Selection…"),
        _("Make the selected region draw more attention, with photographic edits"),
        HELP,
        CHOICES,
    ),
    "plug-in-saliency-adjust": Entry(
        _("A_djust Edit…"),
        _("Change the strength and the values of the edit that the active layer belongs to"),
        _("Opens the edit that the active layer belongs to with its values.  Nothing is predicted anew."),
        ("strength", *NAMES, *BACKGROUND),
    ),
    "plug-in-saliency-repeat": Entry(
        _("_Repeat Edit on Layer"),
        _("Apply the same values as the last edit to the selection on the active layer"),
        _("For series of photographs: the numbers of the last edit made in a dialog, nothing is predicted anew."),
    ),
    "plug-in-saliency-map": Entry(
        _("Saliency _Map"),
        _("Show where viewers are likely to look, as a new layer"),
        _("The predicted attention of the visible picture as heat colours over it."),
        sensitivity="DRAWABLE|DRAWABLES|NO_DRAWABLES",
    ),
    "plug-in-saliency-server": Entry(
        _("Model _Server…"),
        _("See, stop or restart the program that runs the networks"),
        _("The model server starts by itself when it is needed and ends after some idle minutes."),
        image_types="*",
        sensitivity="ALWAYS",
        layers=False,
    ),
}


class Saliency(Gimp.PlugIn):
    """The plug-in as GIMP sees it."""

    def do_query_procedures(self) -> list[str]:
        return list(ENTRIES)

    def do_set_i18n(self, name: str) -> Any:
        return False  # words.py translates, in the way of Python

    def do_create_procedure(self, name: str) -> Any:
        entry = ENTRIES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        procedure.set_image_types(entry.image_types)
        sensitivity = 0
        for part in entry.sensitivity.split("|"):
            sensitivity |= getattr(Gimp.ProcedureSensitivityMask, part)
        procedure.set_sensitivity_mask(sensitivity)
        procedure.set_menu_label(entry.label)
        procedure.add_menu_path("<Image>/Filters/Saliency")
        procedure.set_icon_name("gimp-visible")
        procedure.set_documentation(entry.blurb, entry.help, name)
        procedure.set_attribution("The gimp-saliency developers", "The gimp-saliency developers", "2026")
        for argument in entry.arguments:
            _add_argument(procedure, argument)
        if entry.layers:
            flags = GObject.ParamFlags.READWRITE
            layers_help = _("The layers that were made, lowest first")
            procedure.add_core_object_array_return_value(
                "layers", _("Layers"), layers_help, Gimp.Layer.__gtype__, flags
            )
        return procedure

    def run(self, procedure: Any, run_mode: Any, image: Any, drawables: Any, config: Any, data: Any) -> Any:
        import procedures  # only here: GIMP asks for the procedures far more often than for a run

        return procedures.run(procedure, run_mode, image, drawables, config)


def _add_argument(procedure: Any, name: str) -> None:
    flags = GObject.ParamFlags.READWRITE
    if name == "strength":
        help_text = _("How far to go, in percent of what the network predicts")
        procedure.add_double_argument(name, _("Stre_ngth (%)"), help_text, 0, 150, 100, flags)
    elif name == "order":
        orders = Gimp.Choice.new()
        for number, (order, (title, help_text)) in enumerate(ORDERS.items()):
            orders.add(order, number, title, help_text)
        help_text = _("Which order of the edits to take")
        procedure.add_choice_argument(name, _("Or_der"), help_text, orders, "best-realism", flags)
    elif name == "feather":
        help_text = _("Width of the soft edge that the selection gets, in pixels")
        procedure.add_double_argument(name, _("So_ft edge (pixels)"), help_text, 0, 500, 0, flags)
    elif name == "background-strength":
        help_text = _("How far to go in the background, in percent of what the network predicts")
        procedure.add_double_argument(name, _("Background strength (%)"), help_text, 0, 150, 100, flags)
    elif name == "style":
        help_text = _("Name of a saved style, by which the network predicts; empty: the plain one")
        procedure.add_string_argument(name, _("Style"), help_text, "", flags)
    else:
        label, help_text, default = {
            "sharpening": (_("Sharpening"), _("Whether to change the sharpness"), True),
            "contrast": (_("Contrast"), _("Whether to change the contrast"), True),
            "tone": (_("Tone"), _("Whether to change the tone curve"), True),
            "exposure": (_("E_xposure"), _("Whether to change the exposure"), True),
            "saturation": (_("Sa_turation"), _("Whether to change the saturation"), True),
            "white-balance": (_("_White balance"), _("Whether to change the white balance"), True),
            "curves": (_("C_urves"), _("Whether to change the curves of the colours"), True),
            "refine": (_("Refine to the ob_ject's edge"), _("Let the soft edge follow edges in the picture"), False),
            "separate": (
                _("Treat _parts separately"),
                _("Give each separate part of the selection edits of its own"),
                False,
            ),
            "frames": (
                _("Apply to all frames"),
                _("Give every other visible layer that fills the picture the same edit, as for an animation"),
                False,
            ),
            "background": (
                _("Also adjust the _background"),
                _("Give all that is not selected edits of its own"),
                False,
            ),
        }[name]
        procedure.add_boolean_argument(name, label, help_text, default, flags)


if __name__ == "__main__":
    Gimp.main(Saliency.__gtype__, sys.argv)
