# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer an edit goes to, whether it can be edited at all, and which layers belong to earlier edits."""

from __future__ import annotations

import json
from typing import Any

from errors import UserError
from gi.repository import Gimp
from words import _

GIMP_32 = (Gimp.MAJOR_VERSION, Gimp.MINOR_VERSION) >= (3, 2)

PERSISTENT_UNDOABLE = 3  # flags of a parasite: saved with the image, taken back by undo

# Layers of an edit carry their part of it as JSON under this name.  Its "role" is one of
PARASITE = "saliency-edit"
_MOST_BYTES = 1 << 16  # ours have about 2 kB
ADJUSTMENT = "adjustment"  # a pass-through group above the photo with one filter (GIMP 3.2)
HOLDER = "holder"  # a normal group in the place of a photo that is not opaque, with a copy of it
BAKED = "baked"  # a masked, edited copy above the photo (GIMP 3.0)
REPLACEMENT = "replacement"  # an edited copy in the place of a photo that is not opaque (GIMP 3.0)
# and of an adjustment that changes what is not selected the "part" is
BACKGROUND = "background"

SMALLEST = 16  # px; below that the networks see nothing


def editable_layer(image: Any, drawables: list[Any]) -> Any:
    """The photo layer to edit.  Raises UserError where there is none, before anything in the image has changed.

    Where a layer of an earlier edit is active, the photo that it belongs to is meant.
    """
    if len(drawables) != 1:
        raise UserError(_("Select exactly one layer in the Layers dialog, then try again."))
    layer = drawables[0]
    if not isinstance(layer, Gimp.Layer):
        raise UserError(_("A mask or channel is active: click the picture of a layer in the Layers dialog first."))
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise UserError(_("Indexed pictures cannot be edited: choose Image → Mode → RGB first."))
    if image.get_floating_sel() is not None:
        raise UserError(_("There is a floating selection: anchor it in the Layer menu first."))
    layer = _photo(image, layer)
    if layer.is_group():
        raise UserError(_("A layer group is active: select the layer inside it that holds the photo."))
    if not all(item.get_visible() for item in lineage(layer)):
        raise UserError(_("The layer is hidden: make it and its groups visible in the Layers dialog first."))
    if any(item.get_lock_content() for item in lineage(layer)):
        raise UserError(_("The layer's pixels are locked: unlock them in the Layers dialog first."))
    if min(image.get_width(), image.get_height()) < SMALLEST:
        message = _("The picture is smaller than {pixels} pixels: choose a larger one.")
        raise UserError(message.format(pixels=SMALLEST))
    _check_selection(image, layer)
    if not GIMP_32 and any(role(item) == ADJUSTMENT for item in edits_above(image, layer)):
        raise UserError(_("The photo has an edit of GIMP 3.2, which GIMP 3.0 cannot go on from: edit it in GIMP 3.2."))
    return layer


def _photo(image: Any, layer: Any) -> Any:
    """The photo that an edit's layer belongs to; any other layer itself."""
    parent = layer.get_parent()
    if parent is not None and role(parent) == ADJUSTMENT:
        layer = parent
    if role(layer) == HOLDER and layer.get_children():
        return layer.get_children()[-1]
    row = siblings(image, layer)
    below = row[row.index(layer) :]
    return next((item for item in below if not _is_edit(item)), layer)


def _check_selection(image: Any, layer: Any) -> None:
    _ok, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    if not selected:
        raise UserError(_("Nothing is selected: select the region to edit first."))
    _ok, x, y = layer.get_offsets()
    if min(right, x + layer.get_width()) <= max(left, x) or min(bottom, y + layer.get_height()) <= max(top, y):
        raise UserError(_("The selection lies outside the active layer: select something on it, or another layer."))


def lineage(item: Any) -> list[Any]:
    """The item and the groups that it is in, innermost first."""
    items = []
    while item is not None:
        items.append(item)
        item = item.get_parent()
    return items


def siblings(image: Any, layer: Any) -> list[Any]:
    """All layers of the group (or image) that holds the layer, top first; its position is the index in the list."""
    parent = layer.get_parent()
    return list(parent.get_children() if parent is not None else image.get_layers())


def counterpart(image: Any, copy: Any, layer: Any) -> Any:
    """The layer's copy in a duplicate of its image.  Groups get other tattoos there, so it is found by its place."""
    row, found = copy.get_layers(), None
    for item in reversed(lineage(layer)):
        found = row[siblings(image, item).index(item)]
        row = found.get_children() if found.is_group() else []
    return found


def edits_above(image: Any, layer: Any) -> list[Any]:
    """The layers of earlier edits directly above the photo layer, lowest first."""
    row = siblings(image, layer)
    edits: list[Any] = []
    for item in reversed(row[: row.index(layer)]):
        if not _is_edit(item):
            break
        edits.append(item)
    return edits


def covers_canvas(image: Any, layer: Any) -> bool:
    """Whether nothing shines through or around the layer, its alpha channel aside."""
    return (
        layer.get_offsets()[1:] == (0, 0)
        and (layer.get_width(), layer.get_height()) == (image.get_width(), image.get_height())
        and layer.get_opacity() == 100
        and layer.get_mode() in (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)
        and layer.get_mask() is None
    )


def _is_edit(layer: Any) -> bool:
    return role(layer) in (ADJUSTMENT, BAKED)


def role(layer: Any) -> str | None:
    """The layer's role in an edit, None where it has none."""
    content = read_parasite(layer)
    return content.get("role") if content else None


def read_parasite(layer: Any) -> dict[str, Any] | None:
    """The layer's part of an edit, or None.  A file may hold anything, so anything unreadable counts as none."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    data = parasite.get_data()
    try:
        # GIMP's Python hands other bytes than ASCII, which ours are, out as negative numbers: a ValueError too.
        content = json.loads(bytes(data).rstrip(b"\0")) if len(data) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write_parasite(layer: Any, content: dict[str, Any]) -> None:
    """Attach the layer's part of an edit: saved with the image, taken back by undo."""
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, PERSISTENT_UNDOABLE, json.dumps(content).encode()))
