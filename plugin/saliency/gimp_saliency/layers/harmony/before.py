# SPDX-License-Identifier: GPL-3.0-or-later
"""The image as if a layer had not been harmonized, to show and to ask the networks anew."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp

from ...image.cutout import Cutout, read_cutout
from ...image.tree import copy_layers, counterpart
from ..blending import add_mask_of, copy_blending
from ..original import pack_original
from ..packing import select_packed
from ..record import Role, read_role
from .curves import remove_curves
from .made import MadeHarmony
from .part import select_part


class BeforeHarmony(NamedTuple):
    """A copy of an image without a harmony; what that was for is selected if it is a part.  The caller deletes it."""

    image: Gimp.Image
    layer: Gimp.Layer
    cutout: Cutout


def copy_before(image: Gimp.Image, made: MadeHarmony) -> BeforeHarmony:
    """The image without a harmony, and what the server gets to see of the cut-out there.

    Of what the user put into the harmony's group nothing is left.  Raises UserError as `read_cutout`.
    """
    copy = copy_layers(image)
    try:
        twin = _find_in_copy(image, copy, made)
        if twin.record.is_part:
            select_part(copy, twin)
        layer = _take_out(copy, twin)
        layer.set_visible(True)
        return BeforeHarmony(copy, layer, _see(image, copy, layer, made.record.is_part))
    except BaseException:
        copy.delete()
        raise


def _see(image: Gimp.Image, copy: Gimp.Image, layer: Gimp.Layer, part: bool) -> Cutout:
    """See the cut-out in the copy, where a part of it may be selected.

    A selection beside it in the image itself names what is to be matched, any other one there says nothing.
    """
    if part:
        return read_cutout(copy, layer)._replace(reference=None, part=True)
    if Gimp.Selection.bounds(image)[1]:
        select_packed(copy, pack_original(image))
        cutout = read_cutout(copy, layer)
        if not cutout.part:
            return cutout
        Gimp.Selection.none(copy)
    return read_cutout(copy, layer)


def _take_out(copy: Gimp.Image, made: MadeHarmony) -> Gimp.Layer:
    """Undo a harmony in a copy of its image; the cut-out, which is blended as the harmony's layers were."""
    top, photo = made.top, made.photo
    if made.curves == photo:
        remove_curves(photo)
    if top == photo:
        return photo
    copy.reorder_item(photo, top.get_parent(), copy.get_item_position(top))
    copy_blending(top, photo)
    mask = top.get_mask()
    if read_role(top) == Role.REPLACEMENT and photo.get_mask() is not None:
        photo.remove_mask(Gimp.MaskApplyMode.DISCARD)
    if mask is not None and photo.get_mask() is None:
        add_mask_of(photo, mask, top.get_apply_mask())
    copy.remove_layer(top)
    return photo


def _find_in_copy(image: Gimp.Image, copy: Gimp.Image, made: MadeHarmony) -> MadeHarmony:
    """The harmony in a copy of its image."""
    groups = {step: counterpart(image, copy, group) for step, group in made.groups.items()}
    curves = counterpart(image, copy, made.curves) if made.curves else None
    top, photo = (counterpart(image, copy, layer) for layer in (made.top, made.photo))
    return made._replace(top=top, photo=photo, groups=groups, curves=curves)
