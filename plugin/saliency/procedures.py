# SPDX-License-Identifier: GPL-3.0-or-later
"""What the menu entries do: check, read, ask the server, apply."""

from __future__ import annotations

import traceback
import uuid
from typing import Any

import canvas
import connection
import gi
from adjustments import add_stack
from baking import add_baked_copy
from edits import EditError, at_strength, for_gray, from_json, to_json
from errors import UserError
from gi.repository import Gimp, GLib
from target import editable_layer, siblings

_ERRORS = GLib.quark_from_string("gimp-saliency")


def edit_selection(
    image: Any, drawables: list[Any], direction: str, strength: float = 100.0, order: str = "best-realism"
) -> list[Any]:
    """Attenuate or emphasize the selection of the one drawable, as one undo step; return the created layers.

    direction: "attenuate" or "emphasize".  strength: percent, 0 to 150.  order: "best-realism", "best-saliency" or
    "random".  At strength 0 nothing is created.  Raises UserError or connection.ServerError, the image untouched.
    """
    layer = editable_layer(image, drawables)
    thumbnail = canvas.read(image, layer)
    answer = connection.ask_edits(
        thumbnail.pixels, thumbnail.width, thumbnail.height, direction, order, strength=strength / 100
    )
    try:
        predicted = from_json(answer["edits"])
    except EditError as error:
        raise UserError(f"The model server sent no usable edits ({error}): install the plug-in again.") from error
    edits = at_strength(for_gray(predicted) if layer.is_gray() else predicted, strength / 100)
    facts = {
        "id": uuid.uuid4().hex,
        "version": connection.VERSION,
        "model": answer.get("model"),
        "direction": direction,
        "order": order,
        "strength": strength,
        "predicted": to_json(predicted),
    }
    return _apply(image, layer, [edit for edit in edits if not edit.is_identity()], facts)


def _apply(image: Any, layer: Any, edits: list[Any], facts: dict[str, Any]) -> list[Any]:
    """Make the edit's layers as one undo step; if that fails, none stays behind."""
    if not edits:
        return []
    before = siblings(image, layer)
    image.undo_group_start()
    try:
        return (add_stack if canvas.GIMP_32 else add_baked_copy)(image, layer, edits, facts)
    except BaseException:
        for item in siblings(image, layer):
            if item not in before:
                image.remove_layer(item)
        layer.set_visible(True)
        image.set_selected_layers([layer])
        raise
    finally:
        image.undo_group_end()
        Gimp.displays_flush()


def run(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, direction: str) -> Any:
    """Run a menu entry in any of GIMP's run modes; failures return as one sentence, the image untouched."""
    status = Gimp.PDBStatusType
    try:
        editable_layer(image, drawables)  # before the dialog: nobody should set values in vain
        if run_mode == Gimp.RunMode.INTERACTIVE and not _confirmed(procedure, config):
            return procedure.new_return_values(status.CANCEL, None)
        Gimp.progress_init(_title(procedure))
        layers = edit_selection(
            image, drawables, direction, config.get_property("strength"), config.get_property("order")
        )
        Gimp.progress_end()
        return _success(image, layers) if layers else procedure.new_return_values(status.SUCCESS, None)
    except (UserError, connection.ServerError) as error:
        message = str(error)
    except Exception as error:
        traceback.print_exc()
        message = f"The edit failed by a fault of the plug-in ({error!r}): undo it, save the image and restart GIMP."
    return procedure.new_return_values(status.EXECUTION_ERROR, GLib.Error.new_literal(_ERRORS, message, 0))


def _success(image: Any, layers: list[Any]) -> Any:
    """Success with the layers as return value.

    Python cannot fill a value that is an array of layers, but GIMP hands one out for the layers that are selected.
    """
    selected = image.get_selected_layers()
    image.set_selected_layers(layers)
    try:
        ask = Gimp.get_pdb().lookup_procedure("gimp-image-get-selected-layers")
        config = ask.create_config()
        config.set_property("image", image)
        return ask.run(config)
    finally:
        image.set_selected_layers(selected)


def _title(procedure: Any) -> str:
    """The menu label without mnemonic and ellipsis."""
    return str(procedure.get_menu_label()).replace("_", "").rstrip("…")


def _confirmed(procedure: Any, config: Any) -> bool:
    """Show GIMP's own dialog for the procedure's arguments; False if the user cancelled it."""
    gi.require_version("GimpUi", "3.0")
    from gi.repository import GimpUi

    GimpUi.init("saliency")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, _title(procedure))
    try:
        dialog.get_scale_entry("strength", 1.0)
        dialog.fill(["strength", "order"])
        return dialog.run()
    finally:
        dialog.destroy()
