# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a menu entry: every failure becomes one sentence, the image untouched."""

from __future__ import annotations

import traceback

from gi.repository import Gimp, GLib

from ..image.selection import activate_layers
from ..shared import tracing
from ..shared.errors import ServerError, UserError
from ..shared.words import _
from .call import Call, Cancelled
from .registry import TOOLS

_ERRORS = GLib.quark_from_string("gimp-saliency")


def run_tool(call: Call) -> Gimp.ValueArray:
    """Run a menu entry; GIMP gets its status, and its sentence if it failed."""
    tracing.note("begun")
    values = _answer(call)
    if not call.is_scripted:
        Gimp.displays_flush()  # last of all: from now on GIMP composes the image, and everything else waits for it
    tracing.note("ended")
    return values


def _answer(call: Call) -> Gimp.ValueArray:
    status = Gimp.PDBStatusType
    try:
        layers = TOOLS[call.procedure.get_name()].run(call)
        return _return_layers(call.image, layers) if layers else call.procedure.new_return_values(status.SUCCESS, None)
    except Cancelled:
        return call.procedure.new_return_values(status.CANCEL, None)
    except (UserError, ServerError) as error:
        message = str(error)
    except Exception as error:
        traceback.print_exc()
        message = _("The edit failed by a fault of the plug-in ({error}): undo it, save the image and restart GIMP.")
        message = message.format(error=repr(error))
    return call.procedure.new_return_values(status.EXECUTION_ERROR, GLib.Error.new_literal(_ERRORS, message, 0))


def _return_layers(image: Gimp.Image, layers: list[Gimp.Layer]) -> Gimp.ValueArray:
    """Success with the layers as return value.

    Python cannot fill a value that is an array of layers, but GIMP hands one out for the layers that are selected.
    """
    active, channels = image.get_selected_layers(), image.get_selected_channels()
    image.set_selected_layers(layers)
    try:
        ask = Gimp.get_pdb().lookup_procedure("gimp-image-get-selected-layers")
        assert ask is not None  # it is GIMP's own
        config = ask.create_config()
        config.set_property("image", image)
        return ask.run(config)
    finally:
        activate_layers(image, active)
        if channels:
            image.set_selected_channels(channels)
