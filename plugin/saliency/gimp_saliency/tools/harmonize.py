# SPDX-License-Identifier: GPL-3.0-or-later
"""Match a cut-out to the photo below it."""

from __future__ import annotations

from gi.repository import Gimp

from ..image.cutout import Cutout, read_cutout
from ..layers import memory
from ..layers.harmony.apply import apply_harmony
from ..layers.target import find_cutout
from ..predict.harmony import Predicted, predict_harmony
from ..shared.harmony import HarmonyRequest
from .call import Call, Cancelled
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Predict the harmony, or let the user choose one, and apply it."""
    layer = find_cutout(call.image, call.drawables)  # before the dialog: nobody should set values in vain
    cutout = read_cutout(call.image, layer)
    if call.has_window:
        found = _choose_harmony(call, layer, cutout)
        Gimp.progress_init(call.title())
        cutout = read_cutout(call.image, find_cutout(call.image, [layer]))  # what is selected may be another thing now
    else:
        Gimp.progress_init(call.title())
        found = predict_harmony(cutout, HarmonyRequest.from_config(call.config))
    request = HarmonyRequest.from_config(call.config).with_style(found.style)
    layers = apply_harmony(call.image, layer, found.harmony, request, found.model, cutout.part)
    if layers and not call.is_scripted:
        memory.remember_harmony(found.harmony, request, found.model)
    return layers


def _choose_harmony(call: Call, layer: Gimp.Layer, cutout: Cutout) -> Predicted:
    """What the user takes in the dialog.  Raises Cancelled."""
    from ..ui import harmonize_dialog  # only here: no window without need

    chosen = harmonize_dialog.choose(call.procedure, call.config, call.image, layer, cutout)
    if chosen is None:
        raise Cancelled
    return chosen
