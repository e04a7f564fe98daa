# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit the selection to the object that it means."""

from __future__ import annotations

from gi.repository import Gimp

from ..image.selection import intersect_shapes
from ..image.thumbnail import read_thumbnail
from ..layers.record import edits_above
from ..layers.target import editable_layer
from ..layers.undo import undo_step
from ..predict.outline_finder import OutlineFinder
from ..shared.choices import Edge
from ..shared.request import EditRequest
from .call import Call
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Replace the selection, as one undo step."""
    layer = editable_layer(call.image, call.drawables)
    edits = edits_above(call.image, layer)
    finder = OutlineFinder(call.image, layer, edits, read_thumbnail(call.image, layer, edits))
    request = EditRequest("attenuate", edge=Edge.OBJECT, grow=call.config.get_property("grow"))
    finder.look(request)
    shapes = finder.enlarge(request).shapes
    if shapes:
        with undo_step(call.image, layer):
            intersect_shapes(call.image, shapes)
    return []
