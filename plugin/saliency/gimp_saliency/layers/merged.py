# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit in a photo's own pixels, for images of which nothing else is kept (GIMP 3.2)."""

from __future__ import annotations

from collections.abc import Iterable

from gi.repository import Gimp

from ..image.selection import preserve_selection
from ..shared.edits import Edit, join_edits
from .live import add_filter
from .method import PartEdit


class Merged:
    """Edits as the photo's live filters, limited by the selection and merged: a group each would show the same.

    GIMP composes groups one after the other, and all filters of a layer in one go, rounding and clipping nothing in
    between.
    """

    def add(self, image: Gimp.Image, photo: Gimp.Layer, part: PartEdit, whole: Gimp.Channel | None) -> list[Gimp.Layer]:
        """As `Adder` says, but nothing new: the photo itself, which must have no other filters.

        Not for edits that look at what is around a pixel: GIMP cuts a filter's picture to the selection's bounds.
        """
        side = part.record.side
        _add_filters(photo, part.edits, side)
        if part.around:
            with preserve_selection(image):
                if whole is not None:
                    image.select_item(Gimp.ChannelOps.REPLACE, whole)
                Gimp.Selection.invert(image)
                if not Gimp.Selection.is_empty(image):  # else GIMP would edit everything
                    _add_filters(photo, part.around, side)
        photo.merge_filters()
        return [photo]


def _add_filters(photo: Gimp.Layer, edits: Iterable[Edit], side: float) -> None:
    for edit in join_edits(edits, photo.is_gray()):
        add_filter(photo, edit, side)
