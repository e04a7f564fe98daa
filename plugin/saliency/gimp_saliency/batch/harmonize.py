# SPDX-License-Identifier: GPL-3.0-or-later
"""Harmonizes a picture of a folder: the pasted parts of a flat composite, by masks, or one of several layers."""

from __future__ import annotations

from gi.repository import Gimp

from ..image.boxes import find_boxes
from ..image.cutout import read_cutout
from ..image.pixels import copy_pixels
from ..image.selection import correct_mask
from ..image.tree import covers_canvas, lineage
from ..layers.harmony.apply import apply_harmony
from ..layers.record import HARMONIZE, PARASITE, Role, read_role, read_tool
from ..layers.target import find_cutout, is_harmonized
from ..predict.harmony import predict_harmony
from ..shared.errors import UserError
from ..shared.harmony import HarmonyRequest
from ..shared.words import _
from .masks import MaskValues, select_mask
from .visible import find_named, list_layers


def harmonize_part(
    image: Gimp.Image, request: HarmonyRequest, path: str, values: MaskValues | None, is_merged: bool
) -> None:
    """Harmonize what a mask shows of a flat image, as a layer above all others.

    path, values: as for `select_mask`.  is_merged: the image stays flat, and bit for bit the same where the mask is
    black; else parts that were harmonized before lie above it.  Raises UserError or ServerError.
    """
    *parts, photo = image.get_layers()
    is_plain = covers_canvas(image, photo) and not photo.is_group() and not photo.get_filters()
    if not is_plain or any(part.get_visible() and read_tool(part) != HARMONIZE for part in parts):
        message = _("It is not one plain layer: merge its layers, or leave the masks out to harmonize one of them.")
        raise UserError(message)
    find_cutout(image, [photo])  # before a layer is made: whether the image is one that can be changed
    select_mask(image, path, values)
    cutout = _cut_out(image, photo)
    Gimp.Selection.none(image)
    if not _harmonize(image, cutout, request):
        image.remove_layer(cutout)
        return
    if photo.has_alpha():
        shown = next(layer for layer in image.get_layers() if layer.get_visible())
        shown.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
    if is_merged:
        mask = cutout.get_mask()
        assert mask is not None  # it was made with one
        _merge_down(image, photo, mask)


def harmonize_layer(image: Gimp.Image, request: HarmonyRequest, name: str, is_merged: bool) -> None:
    """Harmonize the layer with a name, or if that is empty the topmost visible one, with the others below.

    is_merged: no live filters are left.  Raises UserError or ServerError.
    """
    layer = _find_layer(image, name)
    if any(map(is_harmonized, lineage(layer))):
        raise UserError(_("It is harmonized already: take the file from before that, or another layer by --layer."))
    made = _harmonize(image, layer, request)
    if made and is_merged:
        _merge_filters(image, made[0])


def _harmonize(image: Gimp.Image, layer: Gimp.Layer, request: HarmonyRequest) -> list[Gimp.Layer]:
    """Predict and apply a harmony, as the tool does without a window; what was made, lowest first."""
    layer = find_cutout(image, [layer])
    cutout = read_cutout(image, layer)
    found = predict_harmony(cutout, request)
    return apply_harmony(image, layer, found.harmony, request.with_style(found.style), found.model, cutout.part)


def _cut_out(image: Gimp.Image, photo: Gimp.Layer) -> Gimp.Layer:
    """A new top layer with the photo's pixels, masked by the selection.

    It has no alpha: where the photo is half transparent, a half transparent one above it would make it less so.
    """
    size = photo.get_width(), photo.get_height()
    kind = Gimp.ImageType.GRAY_IMAGE if photo.is_gray() else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, _("Cut-out"), *size, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    copy_pixels(photo, layer, [(0, 0, *size)])
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
    correct_mask(image, layer)
    return layer


def _merge_down(image: Gimp.Image, photo: Gimp.Layer, mask: Gimp.LayerMask) -> None:
    """Put what is to be seen into the photo where a mask is not black; remove the layers above the photo."""
    visible = Gimp.Layer.new_from_visible(image, image, "")
    image.insert_layer(visible, None, 0)
    copy_pixels(visible, photo, find_boxes(mask))
    for layer in image.get_layers():
        if layer != photo:
            image.remove_layer(layer)


def _find_layer(image: Gimp.Image, name: str) -> Gimp.Layer:
    """Raises UserError where the image has no such layer, or none that another one could lie below."""
    layers = list(list_layers(image.get_layers()))
    pictures = [layer for layer in layers if not layer.is_group()]
    if len(pictures) < 2:
        message = _("It has no second layer: save the cut-out as a layer above its photo, or give masks with --masks.")
        raise UserError(message)
    if name:
        return find_named(image, name)
    found = [layer for layer in pictures if all(item.get_visible() for item in lineage(layer))]
    if not found:
        raise UserError(_("All its layers are hidden: make the cut-out and its photo visible."))
    return found[0]


def _merge_filters(image: Gimp.Image, made: Gimp.Layer) -> None:
    """Turn a harmony's live filters into pixels, by one of the layers that were made or changed.

    The original stays below, hidden.
    """
    role, parent = read_role(made), made.get_parent()
    if role == Role.FILTERED:
        original = made.copy()
        for live_filter in original.get_filters():
            live_filter.delete()
        original.detach_parasite(PARASITE)
        image.insert_layer(original, parent, image.get_item_position(made) + 1)
        original.set_visible(False)
        made.merge_filters()
    elif role == Role.ADJUSTMENT and parent is not None:
        parent.merge()
