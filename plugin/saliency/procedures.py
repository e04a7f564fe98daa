# SPDX-License-Identifier: GPL-3.0-or-later
"""What the menu entries do: check, read, ask the server, apply."""

from __future__ import annotations

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
from target import editable_layer


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
    if not edits:
        return []
    image.undo_group_start()
    try:
        return (add_stack if canvas.GIMP_32 else add_baked_copy)(image, layer, edits, facts)
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
        Gimp.progress_init(procedure.get_menu_label().strip("_…"))
        layers = edit_selection(
            image, drawables, direction, config.get_property("strength"), config.get_property("order")
        )
        Gimp.progress_end()
    except (UserError, connection.ServerError) as error:
        return procedure.new_return_values(
            status.EXECUTION_ERROR, GLib.Error.new_literal(Gimp.PlugIn.error_quark(), str(error), 0)
        )
    values = procedure.new_return_values(status.SUCCESS, None)
    Gimp.value_set_core_object_array(values.index(1), layers)
    return values


def _confirmed(procedure: Any, config: Any) -> bool:
    """Show GIMP's own dialog for the procedure's arguments; False if the user cancelled it."""
    gi.require_version("GimpUi", "3.0")
    from gi.repository import GimpUi

    GimpUi.init("saliency")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, procedure.get_menu_label().replace("_", "").strip("…"))
    try:
        dialog.get_scale_entry("strength", 1.0)
        dialog.fill(["strength", "order"])
        return dialog.run()
    finally:
        dialog.destroy()
