# SPDX-License-Identifier: GPL-3.0-or-later
"""Attenuate or emphasize what is selected."""

from __future__ import annotations

from gi.repository import Gimp

from ..image.thumbnail import Thumbnail, read_thumbnail
from ..layers import memory
from ..layers.apply import apply_plan
from ..layers.highlights import explain_sparing, switch_clipping_off
from ..layers.record import edits_above
from ..layers.target import editable_layer
from ..predict.outline_finder import OutlineFinder
from ..predict.plan import Planned, predict_plan
from ..shared.request import EditRequest
from .call import Call, Cancelled
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Predict the edit, or let the user choose one, and apply it."""
    layer = editable_layer(call.image, call.drawables)  # before the dialog: nobody should set values in vain
    request = EditRequest.from_config(call.config, tool.direction)
    with switch_clipping_off(call.config, layer, request) as clips:
        if clips and not call.has_window:
            Gimp.message(explain_sparing())
        return _edit(tool, call, layer)


def _edit(tool: Tool, call: Call, layer: Gimp.Layer) -> list[Gimp.Layer]:
    edits = edits_above(call.image, layer)
    thumbnail = read_thumbnail(call.image, layer, edits)
    finder = OutlineFinder(call.image, layer, edits, thumbnail)
    finder.look(EditRequest.from_config(call.config, tool.direction))
    plan = _choose_plan(tool, call, layer, thumbnail, finder) if call.has_window else None
    Gimp.progress_init(call.title())
    request = EditRequest.from_config(call.config, tool.direction)
    if plan is None:
        plan = predict_plan(finder.see(request), request)
    grid = thumbnail.width, thumbnail.height
    layers = apply_plan(call.image, layer, plan, request, grid, outline=finder.enlarge(request))
    if layers and not call.is_scripted:
        memory.remember_edit(plan[0].edits, request, plan[0].background)
    return layers


def _choose_plan(
    tool: Tool, call: Call, layer: Gimp.Layer, thumbnail: Thumbnail, finder: OutlineFinder
) -> list[Planned]:
    """The edits that the user takes in the dialog.  Raises Cancelled."""
    from ..ui.asker import Asked

    request = EditRequest.from_config(call.config, tool.direction)
    first = Asked(lambda: predict_plan(finder.see(request), request))
    from ..ui import edit_dialog  # only here: no window without need, and the network predicts while GTK takes its time

    plan = edit_dialog.choose(call.procedure, call.config, call.image, layer, thumbnail, tool.direction, finder, first)
    if plan is None:
        raise Cancelled
    return plan
