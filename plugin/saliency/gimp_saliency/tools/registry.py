# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu entries: what GIMP knows of each before it runs.  A new tool is a module here and an entry in TOOLS."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from ..shared.choices import RETOUCH
from ..shared.edits import NAMES
from ..shared.words import _

if TYPE_CHECKING:
    from gi.repository import Gimp

    from .call import Call


class Tool(NamedTuple):
    """A menu entry.

    module: of this package, whose `run` does the work; it is imported when it is needed.  icon: one of GIMP's own.
    section: of the menu; GIMP sorts sections and what is in them by their names.  direction: of an edit's tool.
    arguments: see arguments.py; changes: whether they are of an edit that is there.  sensitivity: names of
    Gimp.ProcedureSensitivityMask.  makes_layers: whether it returns the layers that it made.
    """

    module: str
    label: str
    blurb: str
    help: str
    icon: str
    section: str
    arguments: tuple[str, ...] = ()
    direction: str = ""
    needs_selection: bool = False
    image_types: str = "RGB*, GRAY*"
    sensitivity: str = "DRAWABLE"
    makes_layers: bool = True
    changes: bool = False

    def run(self, call: Call) -> list[Gimp.Layer]:
        """Do the work; the layers that were made, lowest first.  Raises UserError, ServerError or Cancelled."""
        work: Callable[[Tool, Call], list[Gimp.Layer]] = import_module(f".{self.module}", __package__).run
        return work(self, call)


_BACKGROUND = ("background", "background-strength")
_EDIT = (
    "strength",
    "boldness",
    "order",
    *NAMES,
    "edge",
    "feather",
    "grow",
    "refine",
    "separate",
    "frames",
    *_BACKGROUND,
    "style",
)
_HELP = _(
    "A network on this computer predicts sharpening, contrast, tone, exposure, saturation, white balance and colour "
    "curves for the selected region, on request for the background, too; GIMP's own filters apply them, in layers "
    "above the active one.  Soft selections give soft edges.  One undo step takes everything back."
)

TOOLS = {
    "plug-in-saliency-attenuate": Tool(
        "attention",
        _("_Attenuate Selection…"),
        _("Make the selected region draw less attention, with photographic edits"),
        _HELP,
        "go-down",
        "Edit",
        _EDIT,
        direction="attenuate",
        needs_selection=True,
    ),
    "plug-in-saliency-emphasize": Tool(
        "attention",
        _("_Emphasize Selection…"),
        _("Make the selected region draw more attention, with photographic edits"),
        _HELP,
        "go-up",
        "Edit",
        _EDIT,
        direction="emphasize",
        needs_selection=True,
    ),
    "plug-in-saliency-harmonize": Tool(
        "harmonize",
        _("_Harmonize Layer…"),
        _("Match a pasted layer's colours and light to the photo below it"),
        _(
            "A network on this computer predicts a tone curve for each colour and a soft shading for the active layer, "
            "a cut-out over a photo; GIMP's own filters apply them.  A selection beside the cut-out names the part of "
            "the photo to match, one on it limits the change to that part.  One undo step takes everything back."
        ),
        "gimp-tool-curves",
        "Edit",
        ("strength", "colour", "shading", "style"),
    ),
    "plug-in-saliency-retouch": Tool(
        "retouch",
        _("Retou_ch…"),
        _("Make the whole photo, or what is selected of it, look as good as it can, in one of several looks"),
        _(
            "A network on this computer predicts exposure, white balance, saturation, a tone curve and colour curves "
            "for the photo; GIMP's own filters apply them, in layers above it.  A photo that is good already is left "
            "nearly alone.  The look of another open image can be matched.  One undo step takes everything back."
        ),
        "gimp-tool-levels",
        "Edit",
        ("strength", "look", "look-strength", "base-look", "people", *NAMES, "frames", "style", "reference"),
        direction=RETOUCH,
    ),
    "plug-in-saliency-adjust": Tool(
        "adjust",
        _("A_djust Edit…"),
        _("Change the strength, the values and the edge of the edit that the active layer belongs to"),
        _(
            "Opens the edit or harmony that the active layer belongs to with its values.  No values are predicted anew "
            "unless you ask for it.  Colour and shading are of a harmony, all but these and the strength of an edit."
        ),
        "gimp-tool-options",
        "Made Edit",
        ("strength", "colour", "shading", *NAMES, "edge", "feather", "grow", *_BACKGROUND),
        changes=True,
    ),
    "plug-in-saliency-repeat": Tool(
        "repeat",
        _("_Repeat Edit on Layer"),
        _("Apply the same values as the last edit to the selection on the active layer"),
        _(
            "For series of photographs: the numbers of the last edit made in a dialog, nothing is predicted anew.  "
            "After Harmonize Layer they are for the active layer, a cut-out over a photo; after Retouch nothing has to "
            "be selected."
        ),
        "view-refresh",
        "Made Edit",
        needs_selection=True,
    ),
    "plug-in-saliency-fit": Tool(
        "fit",
        _("_Fit Selection to Object"),
        _("Cut a loose selection down to the object in it"),
        _("A network on this computer finds what is meant.  Nothing beyond the selection is taken unless it may grow."),
        "gimp-tool-foreground-select",
        "Picture",
        ("grow",),
        needs_selection=True,
        makes_layers=False,
    ),
    "plug-in-saliency-map": Tool(
        "saliency_map",
        _("Saliency _Map"),
        _("Show where viewers are likely to look, as a new layer"),
        _("The predicted attention of the visible picture as heat colours over it."),
        "gimp-visible",
        "Picture",
        sensitivity="DRAWABLE|DRAWABLES|NO_DRAWABLES",
    ),
    "plug-in-saliency-server": Tool(
        "server",
        _("Model _Server…"),
        _("See, stop or restart the program that runs the networks"),
        _("The model server starts by itself when it is needed and ends after some idle minutes."),
        "system-run",
        "Server",
        image_types="*",
        sensitivity="ALWAYS",
        makes_layers=False,
    ),
}
