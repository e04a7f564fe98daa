# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the last edit or harmony again, on another layer."""

from __future__ import annotations

from gi.repository import Gimp

from ..layers import memory
from .call import Call
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Apply the remembered values to the selection on the active layer, or to the active layer as a cut-out."""
    return memory.repeat_edit(call.image, call.drawables)
