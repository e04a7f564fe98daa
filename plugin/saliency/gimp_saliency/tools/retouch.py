# SPDX-License-Identifier: GPL-3.0-or-later
"""Retouch a whole photograph, or what is selected of it."""

from __future__ import annotations

from functools import partial

from gi.repository import Gimp

from ..image.thumbnail import Thumbnail, read_picture, read_thumbnail
from ..layers import memory
from ..layers.apply import apply_plan
from ..layers.highlights import explain_sparing, switch_clipping_off
from ..layers.record import edits_above
from ..layers.target import editable_layer
from ..predict.plan import Planned
from ..predict.retouch import predict_looks, predict_retouch
from ..shared.choices import RETOUCH
from ..shared.request import EditRequest
from .call import Call, Cancelled
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Predict the edits, or let the user choose a look, and apply it."""
    layer = editable_layer(call.image, call.drawables, RETOUCH)  # before the dialog: nobody should set values in vain
    reference = call.config.get_property("reference")
    if call.has_window or (reference is not None and not reference.is_valid()):
        call.config.set_property("reference", None)  # it was for another photograph, or is closed
    with switch_clipping_off(call.config, layer, EditRequest.retouch_from_config(call.config)) as clips:
        if clips and not call.has_window:
            Gimp.message(explain_sparing())
        return _retouch(call, layer)


def _retouch(call: Call, layer: Gimp.Layer) -> list[Gimp.Layer]:
    thumbnail = read_thumbnail(call.image, layer, edits_above(call.image, layer))
    plan = _choose_plan(call, layer, thumbnail) if call.has_window else None
    Gimp.progress_init(call.title())
    request = EditRequest.retouch_from_config(call.config)
    if plan is None:
        other = call.config.get_property("reference")
        plan = predict_retouch(thumbnail, request, None if other is None else read_picture(other))
    layers = apply_plan(call.image, layer, plan, request, (thumbnail.width, thumbnail.height))
    if layers and not call.is_scripted:
        memory.remember_edit(plan[0].edits, request, ())
    return layers


def _choose_plan(call: Call, layer: Gimp.Layer, thumbnail: Thumbnail) -> list[Planned]:
    """The edits that the user takes in the dialog.  Raises Cancelled."""
    from ..ui.asker import Asked

    first = Asked(partial(predict_looks, thumbnail, EditRequest.retouch_from_config(call.config)))
    from ..ui import retouch_dialog  # only here: no window without need

    plan = retouch_dialog.choose(call.procedure, call.config, call.image, layer, thumbnail, first)
    if plan is None:
        raise Cancelled
    return plan
