# SPDX-License-Identifier: GPL-3.0-or-later
"""Show where viewers are likely to look."""

from __future__ import annotations

from gi.repository import Gimp

from ..layers.attention_map import add_map
from .call import Call
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Add the map on top of the image."""
    return [add_map(call.image)]
