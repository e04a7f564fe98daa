# SPDX-License-Identifier: GPL-3.0-or-later
"""Give an edit that is in the image other values and another edge, or a harmony other values."""

from __future__ import annotations

from gi.repository import Gimp

from ..layers import adjust
from ..layers.harmony.again import change_harmony, check_harmony
from ..layers.harmony.find import find_harmony
from ..layers.harmony.made import MadeHarmony
from ..layers.method import MadeEdit
from ..shared.choices import RETOUCH
from ..shared.edits import Edit
from ..shared.harmony import STRENGTHS, Harmony
from .call import Call, Cancelled
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Open the edit or harmony that the active layer belongs to, or set what the arguments say."""
    made = find_harmony(call.image, call.drawables)
    if made is not None:
        return _adjust_harmony(call, made)
    edit = adjust.find_edit(call.image, call.drawables)
    base = edit.base
    if call.has_window:
        adjust.into_config(edit, call.config)
        chosen = _choose_values(call, edit)
        if chosen is None:
            raise Cancelled
        base = chosen
    wanted = adjust.request_from_config(edit, call.config)
    if not wanted.has_other_edge(edit.request):
        adjust.leave_edge(call.config)
    return adjust.apply_values(call.image, edit, base, wanted)


def _choose_values(call: Call, edit: MadeEdit) -> list[Edit] | None:
    """An edit's values at 100 % as the user sets them, None if cancelled."""
    if edit.record.tool == RETOUCH:
        from ..ui.retouch_adjust_dialog import adjust_retouch

        return adjust_retouch(call.procedure, call.config, call.image, edit)
    from ..ui.adjust_dialog import adjust_values

    return adjust_values(call.procedure, call.config, call.image, edit)


def _adjust_harmony(call: Call, made: MadeHarmony) -> list[Gimp.Layer]:
    """Let the user set a harmony anew, or set what the arguments say."""
    check_harmony(call.image, made)
    prediction = _choose_harmony(call, made) if call.has_window else None
    return change_harmony(call.image, made, made.record.request.with_strengths(call.config), prediction)


def _choose_harmony(call: Call, made: MadeHarmony) -> tuple[Harmony, str] | None:
    """What the user had predicted anew, None: nothing; the arguments are as the user set them.  Raises Cancelled."""
    from ..ui import harmony_adjust_dialog  # only here: no window without need

    for name in STRENGTHS:
        call.config.set_property(name, getattr(made.record.request, name))
    before = made.show_base(call.image)
    chosen = harmony_adjust_dialog.adjust_harmony(call.procedure, call.config, call.image, made, before)
    if chosen is None:
        raise Cancelled
    return None if chosen.harmony == before else (chosen.harmony, chosen.model)
