# SPDX-License-Identifier: GPL-3.0-or-later
"""See, stop or restart the model server."""

from __future__ import annotations

from gi.repository import Gimp

from ..shared.errors import UserError
from ..shared.words import _
from .call import Call
from .registry import Tool


def run(tool: Tool, call: Call) -> list[Gimp.Layer]:
    """Show the server's window."""
    if call.is_scripted:
        raise UserError(
            _("The model server's window needs a screen: run «gimp-saliency status» in a terminal instead.")
        )
    from ..ui import server_dialog

    server_dialog.show()
    return []
