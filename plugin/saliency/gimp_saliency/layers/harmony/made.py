# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony that is in a picture."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp

from ...shared.harmony import Harmony
from ..record import Role, read_role
from .place import Place, move_harmony
from .record import HarmonyRecord


class MadeHarmony(NamedTuple):
    """A harmony in the image.

    top: the group that holds it, its baked copy, or the layer itself that has its curves.  photo: what is harmonized:
    the copy in the group, the hidden layer that the baked copy was made from, or the layer itself.  groups: those of
    its steps that there are, by step, lowest first.  curves: what has the filter for curves, None: nothing has.
    by_hand: whether the user changed that filter.
    """

    top: Gimp.Layer
    photo: Gimp.Layer
    groups: dict[str, Gimp.Layer]
    curves: Gimp.Layer | None
    record: HarmonyRecord
    by_hand: bool

    @property
    def has_holder(self) -> bool:
        """Whether a group holds it."""
        return self.top != self.photo and read_role(self.top) == Role.HOLDER

    def show_base(self, image: Gimp.Image) -> Harmony:
        """The values at 100 % for the layer as it lies now."""
        return move_harmony(self.record.base, self.record.place, Place.of_layer(image, self.photo))
