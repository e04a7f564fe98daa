# SPDX-License-Identifier: GPL-3.0-or-later
"""What the menu entries do, in any of GIMP's run modes; every failure becomes one sentence, the image untouched."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import adjusting
import asker
import canvas
import connection
import editing
import repeating
import saliency_map
import tracing
from choices import Choices
from errors import UserError
from gi.repository import Gimp, GLib
from selection import activate
from target import editable_layer
from words import _

_ERRORS = GLib.quark_from_string("gimp-saliency")


class Cancelled(Exception):
    """The user closed the dialog."""


def run(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> Any:
    """Run a menu entry; GIMP gets its status, and its sentence if it failed."""
    tracing.note("begun")
    values = _values(procedure, run_mode, image, drawables, config)
    if run_mode != Gimp.RunMode.NONINTERACTIVE:
        Gimp.displays_flush()  # last of all: from now on GIMP composes the image, and everything else waits for it
    tracing.note("ended")
    return values


def _values(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> Any:
    status = Gimp.PDBStatusType
    try:
        layers = _ACTIONS[procedure.get_name()](procedure, run_mode, image, drawables, config)
        return _success(image, layers) if layers else procedure.new_return_values(status.SUCCESS, None)
    except Cancelled:
        return procedure.new_return_values(status.CANCEL, None)
    except (UserError, connection.ServerError) as error:
        message = str(error)
    except Exception as error:
        traceback.print_exc()
        message = _("The edit failed by a fault of the plug-in ({error}): undo it, save the image and restart GIMP.")
        message = message.format(error=repr(error))
    return procedure.new_return_values(status.EXECUTION_ERROR, GLib.Error.new_literal(_ERRORS, message, 0))


def _edit(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> list[Any]:
    """Attenuate or emphasize."""
    direction = procedure.get_name().rpartition("-")[2]
    layer = editable_layer(image, drawables)  # before the dialog: nobody should set values in vain
    thumbnail = canvas.read(image, layer)
    if run_mode == Gimp.RunMode.INTERACTIVE:
        plan = _chosen(procedure, config, image, layer, thumbnail, direction)
    Gimp.progress_init(_title(procedure))
    choices = Choices.of(config, direction)
    if run_mode != Gimp.RunMode.INTERACTIVE:
        plan = editing.predict(thumbnail, choices)
    layers = editing.apply(image, layer, plan, choices, (thumbnail.width, thumbnail.height))
    if layers and run_mode != Gimp.RunMode.NONINTERACTIVE:
        repeating.remember(plan[0].edits, choices, plan[0].background)
    return layers


def _chosen(procedure: Any, config: Any, image: Any, layer: Any, thumbnail: canvas.Thumbnail, direction: str) -> Any:
    """The edits that the user takes in the dialog.  Raises Cancelled."""
    choices = Choices.of(config, direction)
    first = asker.Asked(lambda: editing.predict(thumbnail, choices))
    import dialog  # only here: no window without need, and the network predicts while GTK takes its time

    plan = dialog.choose(procedure, config, image, layer, thumbnail, direction, first)
    if plan is None:
        raise Cancelled
    return plan


def _adjust(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> list[Any]:
    edit = adjusting.find(image, drawables)
    if run_mode == Gimp.RunMode.INTERACTIVE:
        import dialog

        adjusting.into_config(edit, config)
        base = dialog.adjust(procedure, config, image, edit)
        if base is None:
            raise Cancelled
    else:
        base = edit.base
    return adjusting.apply(image, edit, base, adjusting.choices(edit, config))


def _repeat(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> list[Any]:
    return repeating.repeat(image, drawables)


def _map(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> list[Any]:
    return [saliency_map.add_map(image)]


def _server(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any) -> list[Any]:
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        raise UserError(
            _("The model server's window needs a screen: run «gimp-saliency status» in a terminal instead.")
        )
    import server_dialog

    server_dialog.show()
    return []


_ACTIONS: dict[str, Callable[..., list[Any]]] = {
    "plug-in-saliency-attenuate": _edit,
    "plug-in-saliency-emphasize": _edit,
    "plug-in-saliency-adjust": _adjust,
    "plug-in-saliency-repeat": _repeat,
    "plug-in-saliency-map": _map,
    "plug-in-saliency-server": _server,
}


def _success(image: Any, layers: list[Any]) -> Any:
    """Success with the layers as return value.

    Python cannot fill a value that is an array of layers, but GIMP hands one out for the layers that are selected.
    """
    active, channels = image.get_selected_layers(), image.get_selected_channels()
    image.set_selected_layers(layers)
    try:
        ask = Gimp.get_pdb().lookup_procedure("gimp-image-get-selected-layers")
        config = ask.create_config()
        config.set_property("image", image)
        return ask.run(config)
    finally:
        activate(image, active)
        if channels:
            image.set_selected_channels(channels)


def _title(procedure: Any) -> str:
    """The menu label without mnemonic and ellipsis."""
    return str(procedure.get_menu_label()).replace("_", "").rstrip(" …")
