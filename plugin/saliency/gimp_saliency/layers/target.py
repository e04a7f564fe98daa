# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer an edit goes to, and whether it can be edited at all."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from ..image.tree import SMALLEST, lineage, siblings
from ..shared.errors import UserError
from ..shared.words import _
from .methods import check_earlier_edits
from .record import Role, edits_above, is_edit, read_role


def editable_layer(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Gimp.Layer:
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
    layer = _find_photo(image, layer)
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
    check_earlier_edits(edits_above(image, layer))
    return layer


def _find_photo(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """The photo that an edit's layer belongs to; any other layer itself."""
    parent = layer.get_parent()
    if parent is not None and read_role(parent) == Role.ADJUSTMENT:
        layer = parent
    if read_role(layer) == Role.HOLDER and layer.get_children():
        return layer.get_children()[-1]
    row = siblings(image, layer)
    below = row[row.index(layer) :]
    return next((item for item in below if not is_edit(item)), layer)


def _check_selection(image: Gimp.Image, layer: Gimp.Layer) -> None:
    _ok, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    if not selected:
        raise UserError(_("Nothing is selected: select the region to edit first."))
    _ok, x, y = layer.get_offsets()
    if min(right, x + layer.get_width()) <= max(left, x) or min(bottom, y + layer.get_height()) <= max(top, y):
        raise UserError(_("The selection lies outside the active layer: select something on it, or another layer."))
