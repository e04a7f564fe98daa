# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of the procedures: for scripts, presets and dialogs, by their names."""

from __future__ import annotations

from collections.abc import Iterable

from gi.repository import Gimp, GObject

from ..shared.choices import MOST, UNCHANGED, WIDEST, Boldness, Choice, Edge, Look, Ranking
from ..shared.edits import KINDS
from ..shared.words import _

_FLAGS = GObject.ParamFlags.READWRITE
_PERCENTAGES = {
    "strength": (_("Stre_ngth (%)"), _("How far to go, in percent of what the network predicts")),
    "background-strength": (
        _("Background strength (%)"),
        _("How far to go in the background, in percent of what the network predicts"),
    ),
    "colour": (_("Colo_ur (%)"), _("How far to go with the curves of the colours, in percent of the strength")),
    "shading": (_("Sha_ding (%)"), _("How far to go with the shading, in percent of the strength")),
    "look-strength": (_("Look strengt_h (%)"), _("How far to go from the look to begin with to the chosen one")),
}
_CHOICES: dict[str, tuple[str, str, type[Choice], Choice]] = {
    "order": (_("Or_der"), _("Which order of the edits to take"), Ranking, Ranking.BEST_REALISM),
    "boldness": (_("Boldness"), _("How much an edit at 100 % may cost in realism"), Boldness, Boldness.NATURAL),
    "look": (_("Look"), _("The look that the photo gets"), Look, Look.NEUTRAL),
    "base-look": (
        _("Look to begin with"),
        _("The look that the photo has at 0 percent of the chosen one"),
        Look,
        Look.NEUTRAL,
    ),
}
_SWITCHES = {
    "refine": (_("Refine to the ob_ject's edge"), _("Let the soft edge follow edges in the picture")),
    "separate": (_("Treat _parts separately"), _("Give each separate part of the selection edits of its own")),
    "frames": (
        _("Apply to all frames"),
        _("Give every other visible layer that fills the picture the same edit, as for an animation"),
    ),
    "background": (_("Also adjust the _background"), _("Give all that is not selected edits of its own")),
    "people": (_("_Protect people"), _("Keep skin from turning green, blue or grey, and from changing its hue much")),
}
_ON = ("people",)  # switches that are on at first


def add_argument(procedure: Gimp.Procedure, name: str, changes: bool) -> None:
    """Give a procedure one of the arguments; those with the name of an edit switch it on or off.

    changes: whether it changes an edit that is there, whose edge stays as it is unless another one is asked for.
    """
    if name in _PERCENTAGES:
        procedure.add_double_argument(name, *_PERCENTAGES[name], 0, MOST, 100, _FLAGS)
    elif name in _CHOICES:
        label, help_text, words, usual = _CHOICES[name]
        procedure.add_choice_argument(name, label, help_text, _make_choice(words), usual.value, _FLAGS)
    elif name == "edge":
        _add_edge(procedure, changes)
    elif name == "feather":
        help_text = _("Width of the soft edge that the selection gets, in pixels")
        procedure.add_double_argument(name, _("So_ft edge (pixels)"), help_text, 0, WIDEST, 0, _FLAGS)
    elif name == "grow":
        help_text = _("How far an object that is found may go beyond the selection, in pixels; 0: nowhere")
        procedure.add_int_argument(name, _("May grow (pixels)"), help_text, 0, int(WIDEST), 0, _FLAGS)
    elif name == "style":
        help_text = _("Name of a saved style, by which the network predicts; empty: the plain one")
        procedure.add_string_argument(name, _("Style"), help_text, "", _FLAGS)
    elif name == "reference":
        help_text = _("Another open image, whose look the photo gets; none: the chosen look")
        procedure.add_image_argument(name, _("Match"), help_text, True, _FLAGS)
    elif name in KINDS:
        procedure.add_boolean_argument(name, KINDS[name].mnemonic, KINDS[name].help, True, _FLAGS)
    else:
        procedure.add_boolean_argument(name, *_SWITCHES[name], name in _ON, _FLAGS)


def _add_edge(procedure: Gimp.Procedure, changes: bool) -> None:
    """See `add_argument`."""
    edges, usual = _make_choice(Edge), Edge.AUTOMATIC.value
    if changes:
        usual = UNCHANGED
        edges.add(UNCHANGED, len(Edge), _("Unchanged"), _("Leaves the edge of the edit as it is"))
    help_text = _("What becomes of the selection's edge; soft edge and refining override Automatic")
    procedure.add_choice_argument("edge", _("E_dge"), help_text, edges, usual, _FLAGS)


def _make_choice(words: Iterable[Choice]) -> Gimp.Choice:
    """What GIMP offers to choose from."""
    choice = Gimp.Choice.new()
    for number, word in enumerate(words):
        choice.add(word.value, number, word.label, word.help)
    return choice
