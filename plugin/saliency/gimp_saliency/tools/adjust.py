# SPDX-License-Identifier: GPL-3.0-or-later
"""Give an edit that is in the image other values and another edge."""

from __future__ import annotations

from gi.repository import Gimp

from ..layers import adjust
from .call import Call, Cancelled
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Open the edit that the active layer belongs to, or set what the arguments say."""
    edit = adjust.find_edit(call.image, call.drawables)
    base = edit.base
    if call.has_window:
        from ..ui import adjust_dialog

        adjust.into_config(edit, call.config)
        chosen = adjust_dialog.adjust_values(call.procedure, call.config, call.image, edit)
        if chosen is None:
            raise Cancelled
        base = chosen
    wanted = adjust.request_from_config(edit, call.config)
    if not wanted.has_other_edge(edit.request):
        adjust.leave_edge(call.config)
    return adjust.apply_values(call.image, edit, base, wanted)
