# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a moving picture: layers outside of all groups that fill the canvas, each shown on its own."""

from __future__ import annotations

import re

from gi.repository import Gimp

from ..image.tree import MAP_PARASITE, covers_canvas, lineage
from ..shared.errors import UserError
from ..shared.words import _
from .record import Role, is_edit, read_role

_TAG = re.compile(r"\(\s*([0-9]+\s*ms|combine|replace)\s*\)", re.IGNORECASE)  # what GIMP says of a frame in its name


def has_several(image: Gimp.Image) -> bool:
    """Whether an image may have frames: more than one visible layer outside of groups, edits and maps aside."""
    layers = (item for item in image.get_layers() if item.get_visible() and not _is_ours(item))
    return sum(1 for _item in layers) > 1


def list_photos(image: Gimp.Image, layer: Gimp.Layer) -> list[Gimp.Layer]:
    """The layers to edit with the same numbers: this one first, then the other frames' photos, lowest first.

    A frame is visible and covers the canvas; where it was edited before, its photo is the copy in the holder.  Raises
    UserError where one frame cannot be edited by itself, so that none is left out unnoticed.
    """
    if not has_several(image):
        return [layer]
    own = lineage(layer)[-1]
    if layer != own and read_role(own) != Role.HOLDER:
        raise UserError(_("The layer is in a group, and so no frame: move it out of the group, then try again."))
    if not covers_canvas(image, own):
        raise _not_filling(own)
    found = [layer]
    for item in reversed(image.get_layers()):
        if item != own and item.get_visible() and _is_frame(image, item):
            found.append(find_photo(item))
    return found


def find_photo(item: Gimp.Layer) -> Gimp.Layer:
    """The photo of a frame: the copy in its holder if it was edited, else itself."""
    return item.get_children()[-1] if read_role(item) == Role.HOLDER and item.get_children() else item


def find_obstacle(image: Gimp.Image, layer: Gimp.Layer) -> str:
    """Why the layer's edit cannot be applied to all frames, one sentence; empty if it can."""
    try:
        list_photos(image, layer)
    except UserError as error:
        return str(error)
    return ""


def _is_frame(image: Gimp.Image, item: Gimp.Layer) -> bool:
    """Whether a visible item is a frame.  Raises UserError if it is one that cannot be edited by itself."""
    name = item.get_name()
    if is_edit(item):  # of the active frame or of another
        message = _("The edit «{name}» belongs to one frame but covers those below, too: delete it, then try again.")
        raise UserError(message.format(name=name))
    if _is_ours(item):
        return False
    if not covers_canvas(image, item):
        if _TAG.search(name):
            raise _not_filling(item)
        return False  # a caption or a logo, say
    if item.is_group() and (read_role(item) != Role.HOLDER or not item.get_children()):
        message = _("The frame «{name}» is a layer group: choose Layer → Merge Layer Groups first.")
        raise UserError(message.format(name=name))
    if item.get_lock_content():
        message = _("The frame «{name}» is locked: unlock its pixels in the Layers dialog first.")
        raise UserError(message.format(name=name))
    return True


def _is_ours(item: Gimp.Layer) -> bool:
    return is_edit(item) or item.get_parasite(MAP_PARASITE) is not None


def _not_filling(item: Gimp.Layer) -> UserError:
    message = _("The frame «{name}» does not fill the picture: choose Filters → Animation → Unoptimize first.")
    return UserError(message.format(name=item.get_name()))
