# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer is meant, and whether it can be edited at all."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from ..image.floats import exceeds_white
from ..image.tree import SMALLEST, lineage, siblings
from ..shared.choices import ATTENTION, RETOUCH
from ..shared.errors import UserError
from ..shared.words import _
from .methods import check_earlier_edits
from .record import HARMONIZE, Role, edits_above, is_edit, read_note, read_role, read_tool


def editable_layer(image: Gimp.Image, drawables: Sequence[Gimp.Drawable], tool: str = ATTENTION) -> Gimp.Layer:
    """The photo layer to edit.  Raises UserError where there is none, before anything in the image has changed.

    Where a layer of an earlier edit is active, the photo that it belongs to is meant.  Without a selection a photo can
    be retouched alone.
    """
    layer = _find_photo(image, _find_active(image, drawables))
    _check_layer(image, layer)
    if tool != RETOUCH or not Gimp.Selection.is_empty(image):
        _check_selection(image, layer)
    check_earlier_edits(edits_above(image, layer))
    return layer


def find_cutout(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Gimp.Layer:
    """The layer to harmonize, which may still be no cut-out.  Raises UserError as `editable_layer`.

    Of a layer mask the layer: whoever has just cut something out by one has it active.
    """
    masked = [Gimp.Layer.from_mask(each) if isinstance(each, Gimp.LayerMask) else each for each in drawables]
    layer = _find_active(image, masked)
    for item in lineage(layer):
        if is_harmonized(item):
            message = _("The layer is harmonized already: choose Adjust Edit to change that, or undo it and try again.")
            raise UserError(message)
        if read_role(item) in (Role.HOLDER, Role.ADJUSTMENT):
            message = _("The layer has an edit: undo it and harmonize the layer first, or merge the edit's group.")
            raise UserError(message)
    _check_layer(image, layer)
    if exceeds_white(layer, is_everything=True):
        message = _("Parts of the layer are lighter than white, which curves would cut off: lower its exposure first.")
        raise UserError(message)
    if layer.get_lock_visibility():
        raise UserError(_("The layer's visibility is locked: unlock it in the Layers dialog, then try again."))
    return layer


def is_harmonized(layer: Gimp.Layer) -> bool:
    """Whether Harmonize made the layer, or the filter that it gave the layer is still there."""
    if read_tool(layer) != HARMONIZE:
        return False
    names = [live_filter.get_name() for live_filter in layer.get_filters()]
    return read_role(layer) != Role.FILTERED or read_note(layer).name in names


def _find_active(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Gimp.Layer:
    """The one layer.  Raises UserError where there is none, or nothing in the image can be edited."""
    if len(drawables) != 1:
        raise UserError(_("Select exactly one layer in the Layers dialog, then try again."))
    layer = drawables[0]
    if not isinstance(layer, Gimp.Layer):
        raise UserError(_("A mask or channel is active: click the picture of a layer in the Layers dialog first."))
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise UserError(_("Indexed pictures cannot be edited: choose Image → Mode → RGB first."))
    if image.get_floating_sel() is not None:
        raise UserError(_("There is a floating selection: anchor it in the Layer menu first."))
    return layer


def _check_layer(image: Gimp.Image, layer: Gimp.Layer) -> None:
    """Raises UserError where the layer cannot be edited as it is."""
    if layer.is_group():
        raise UserError(_("A layer group is active: select the layer inside it that is meant."))
    if not all(item.get_visible() for item in lineage(layer)):
        raise UserError(_("The layer is hidden: make it and its groups visible in the Layers dialog first."))
    if any(item.get_lock_content() for item in lineage(layer)):
        raise UserError(_("The layer's pixels are locked: unlock them in the Layers dialog first."))
    if min(image.get_width(), image.get_height()) < SMALLEST:
        message = _("The picture is smaller than {pixels} pixels: choose a larger one.")
        raise UserError(message.format(pixels=SMALLEST))


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
