# SPDX-License-Identifier: GPL-3.0-or-later
"""From tools to GIMP's procedures.  GIMP asks for them far more often than for a run, so nothing else is imported."""

from __future__ import annotations

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GObject  # noqa: E402

from .shared.words import _  # noqa: E402
from .tools.arguments import add_argument  # noqa: E402
from .tools.registry import TOOLS  # noqa: E402


class Saliency(Gimp.PlugIn):
    """The plug-in as GIMP sees it."""

    def do_query_procedures(self) -> list[str]:
        return list(TOOLS)

    def do_set_i18n(self, name: str) -> bool:
        return False  # words.py translates, in the way of Python

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        tool = TOOLS[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        procedure.set_image_types(tool.image_types)
        sensitivity = 0
        for part in tool.sensitivity.split("|"):
            sensitivity |= getattr(Gimp.ProcedureSensitivityMask, part)
        procedure.set_sensitivity_mask(sensitivity)
        procedure.set_menu_label(tool.label)
        procedure.add_menu_path(f"<Image>/Filters/Saliency/[{tool.section}]")
        procedure.set_icon_name(tool.icon)
        procedure.set_documentation(tool.blurb, tool.help, name)
        procedure.set_attribution("The gimp-saliency developers", "The gimp-saliency developers", "2026")
        for argument in tool.arguments:
            add_argument(procedure, argument, tool.changes)
        if tool.makes_layers:
            flags = GObject.ParamFlags.READWRITE
            layers_help = _("The layers that were made, lowest first")
            procedure.add_core_object_array_return_value(
                "layers", _("Layers"), layers_help, Gimp.Layer.__gtype__, flags
            )
        return procedure

    def run(
        self,
        procedure: Gimp.Procedure,
        run_mode: Gimp.RunMode,
        image: Gimp.Image,
        drawables: list[Gimp.Drawable],
        config: Gimp.ProcedureConfig,
        data: None,
    ) -> Gimp.ValueArray:
        from .tools.call import Call
        from .tools.running import run_tool

        return run_tool(Call(procedure, run_mode, image, drawables, config))


def main(arguments: list[str]) -> int:
    """Answer GIMP until it is done with this process; its exit code."""
    return int(Gimp.main(Saliency.__gtype__, arguments))
