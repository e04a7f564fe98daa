# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of live edits and their masks (GIMP 3.2).

A pass-through group is only as large as what its mask shows: GIMP composes, keeps and saves each of them with all of
its pixels.
"""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp

from ..image.floats import repair
from ..image.geometry import Box
from ..image.locks import insist
from ..image.pixels import copy_pixels
from ..image.selection import correct_mask
from ..image.tree import hide_layer, merge_filters, siblings
from ..shared.words import _
from .blending import copy_blending

# px; where groups may begin and end, so that masks stay in their places when an image is scaled to a half or a quarter.
_GRID = 8


class Mask(NamedTuple):
    """What groups' masks are made of.

    drawable: a channel or layer mask, None: no mask; inverted: 1 - its values.  is_whole: it is for groups as large as
    the photo, whatever it shows, as those of a background are: what is not their mask's is the region.
    """

    drawable: Gimp.Drawable | None
    inverted: bool = False
    is_whole: bool = False


def add_group(
    image: Gimp.Image, photo: Gimp.Layer, below: Gimp.Layer, name: str, mask: Mask, reach: int
) -> Gimp.GroupLayer:
    """An empty, masked pass-through group directly above the layer `below`.  Afterwards nothing is selected.

    reach: px around what the mask shows that its filter may look at.
    """
    group = Gimp.GroupLayer.new(image, name)
    image.insert_layer(group, photo.get_parent(), siblings(image, below).index(below))
    group.set_mode(Gimp.LayerMode.PASS_THROUGH)
    _add_extent(image, group, photo, _select_box(image, photo, mask, reach))
    group.set_expanded(False)
    _make_mask(image, group, mask)
    return group


def isolate_layer(image: Gimp.Image, layer: Gimp.Layer, name: str) -> tuple[Gimp.GroupLayer, Gimp.Layer]:
    """Hide the layer behind a normal group with a copy of it, where a stack changes the copy alone; return both.

    In the copy pixels that are no finite numbers are black, so that no filter spreads them.

    Its mask is the group's: GIMP rounds a group's alpha, and where an 8-bit one is blended with it in linear light, a
    product with a mask is wrong by up to 6/255.
    """
    group = Gimp.GroupLayer.new(image, name)
    image.insert_layer(group, layer.get_parent(), image.get_item_position(layer))
    copy_blending(layer, group)
    copy = _copy_layer(image, layer)
    repair(copy)
    image.insert_layer(copy, group, 0)
    copy.set_mode(Gimp.LayerMode.NORMAL)
    copy.set_opacity(100)
    mask = copy.get_mask()
    if mask is not None:
        group.add_mask(group.create_mask(Gimp.AddMaskType.WHITE))
        own = group.get_mask()
        assert own is not None  # it was added just now
        copy_pixels(mask, own, [(0, 0, mask.get_width(), mask.get_height())])
        group.set_apply_mask(copy.get_apply_mask())
        copy.remove_mask(Gimp.MaskApplyMode.DISCARD)
    hide_layer(layer)
    return group, copy


def _copy_layer(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """A copy of a layer with its live filter; several of them are merged, which redo would bring back in reverse."""
    if len(layer.get_filters()) < 2:
        return layer.copy()
    merged = merge_filters(image, layer)
    try:
        return Gimp.Layer.new_from_drawable(merged, image)
    finally:
        merged.get_image().delete()


def replace_mask(image: Gimp.Image, photo: Gimp.Layer, group: Gimp.Layer, mask: Mask, reach: int) -> None:
    """Give a group another mask, switched on or off as the one before.  Afterwards nothing is selected.

    reach: as for `add_group`.
    """
    box = _select_box(image, photo, mask, reach)
    is_on = group.get_mask() is None or group.get_apply_mask()
    if not is_on:
        box = _list_bounds(photo)  # which is what the group shows
    if group.get_mask() is not None:
        group.remove_mask(Gimp.MaskApplyMode.DISCARD)
    children = group.get_children()
    if len(children) == 1:  # what a user put into it stays as it is
        children[0].set_lock_alpha(True)
        if _list_bounds(group) != box:
            _ok, x, y = children[0].get_offsets()
            insist(children[0].resize(*box[2:], x - box[0], y - box[1]))
    _make_mask(image, group, mask)
    if not is_on:
        group.set_apply_mask(False)


def shrink_group(image: Gimp.Image, photo: Gimp.Layer, group: Gimp.Layer, reach: int) -> None:
    """Cut a group that is as large as the photo, as older versions made them, to what its mask shows.

    One whose mask is switched off, that holds more than its extent or has more than its filter stays.  Nothing may be
    selected.
    """
    mask = group.get_mask()
    if mask is None or not group.get_apply_mask() or len(group.get_children()) != 1 or len(group.get_filters()) > 1:
        return
    if _list_bounds(group) == _list_bounds(photo):
        wanted = Mask(mask)
        if _select_box(image, photo, wanted, reach) != _list_bounds(photo):
            replace_mask(image, photo, group, wanted, reach)
        Gimp.Selection.none(image)


def _add_extent(image: Gimp.Image, group: Gimp.GroupLayer, photo: Gimp.Layer, box: Box) -> None:
    """Make a group as large as a box: group and mask are as large as what is in the group, so a transparent layer.

    Its alpha is locked, so that paint leaves it as it is; any other lock would be one of the group and its mask, too.
    """
    kind = Gimp.ImageType.GRAYA_IMAGE if photo.is_gray() else Gimp.ImageType.RGBA_IMAGE
    extent = Gimp.Layer.new(image, _("Extent (keep)"), *box[2:], kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(extent, group, 0)
    insist(extent.set_offsets(*box[:2]))
    extent.set_lock_alpha(True)


def _select_box(image: Gimp.Image, photo: Gimp.Layer, mask: Mask, reach: int) -> Box:
    """Select what a mask is made of; return the part of the photo that it shows and `reach` px around it."""
    whole = _list_bounds(photo)
    if mask.drawable is None:
        return whole
    image.select_item(Gimp.ChannelOps.REPLACE, mask.drawable)
    _ok, is_any, left, top, right, bottom = Gimp.Selection.bounds(image)
    if mask.inverted or mask.is_whole or not is_any:
        return whole
    left, top = ((start - reach) // _GRID * _GRID for start in (left, top))
    right, bottom = (-(-(stop + reach) // _GRID) * _GRID for stop in (right, bottom))
    left, top = max(left, whole[0]), max(top, whole[1])
    right, bottom = min(right, whole[0] + whole[2]), min(bottom, whole[1] + whole[3])
    return (left, top, right - left, bottom - top) if left < right and top < bottom else whole


def _list_bounds(layer: Gimp.Layer) -> Box:
    """Where on the canvas a layer lies."""
    _ok, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def _make_mask(image: Gimp.Image, group: Gimp.Layer, wanted: Mask) -> None:
    """Give a group the mask, if one is wanted, that `_select_box` has selected.  Afterwards nothing is selected."""
    if wanted.drawable is not None:
        mask = group.create_mask(Gimp.AddMaskType.SELECTION)
        group.add_mask(mask)
        if not isinstance(wanted.drawable, Gimp.LayerMask):  # GIMP's way there and back leaves a mask's values
            correct_mask(image, group)
        Gimp.Selection.none(image)
        if wanted.inverted:
            # In linear light; of 8-bit images from XCF files GIMP inverts the selection otherwise.
            mask.invert(True)
