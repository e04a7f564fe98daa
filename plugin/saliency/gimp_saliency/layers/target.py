# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer an edit goes to, whether it can be edited at all, and which layers belong to earlier edits."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from ..image.tree import GIMP_32, SMALLEST, lineage, siblings
from ..shared.errors import UserError
from ..shared.words import _
from .record import ADJUSTMENT, BAKED, HOLDER, role


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


def edits_above(image: Any, layer: Any) -> list[Any]:
    """The layers of earlier edits directly above the photo layer, lowest first."""
    row = siblings(image, layer)
    edits: list[Any] = []
    for item in reversed(row[: row.index(layer)]):
        if not _is_edit(item):
            break
        edits.append(item)
    return edits


def _is_edit(layer: Any) -> bool:
    return role(layer) in (ADJUSTMENT, BAKED)
