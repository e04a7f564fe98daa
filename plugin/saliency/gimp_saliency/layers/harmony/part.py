# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a cut-out was harmonized, kept with it: the masks of its shading are not that part alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp

from ...image.selection import select_masks
from ...shared.errors import UserError
from ...shared.words import _
from ..original import pack_original
from ..packing import read_packed, select_packed
from ..record import PERSISTENT_UNDOABLE
from .place import Place

if TYPE_CHECKING:
    from .made import MadeHarmony

_PART = "saliency-harmony-part"  # name of the parasite


def keep_part(image: Gimp.Image, layer: Gimp.Layer) -> None:
    """Let a harmony's top layer keep what is selected; taken back by undo."""
    layer.attach_parasite(Gimp.Parasite.new(_PART, PERSISTENT_UNDOABLE, pack_original(image)))


def check_part(image: Gimp.Image, made: MadeHarmony) -> None:
    """Raises UserError if it is no longer known which part of a layer was harmonized."""
    if not made.record.is_part or "curves" in made.groups:
        return
    if made.record.place != Place.of_layer(image, made.photo) or not read_packed(made.top, _PART):
        message = _("The layer was moved or resized since a part of it was harmonized: undo that, or harmonize again.")
        raise UserError(message)


def select_part(image: Gimp.Image, made: MadeHarmony) -> None:
    """Select the part of a layer that a harmony is for, after `check_part`: by the mask of its curves if there is one.

    The mask went along wherever the user moved the layer.
    """
    if "curves" in made.groups:
        select_masks(image, [made.groups["curves"]])
    else:
        select_packed(image, read_packed(made.top, _PART))
