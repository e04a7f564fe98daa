# SPDX-License-Identifier: GPL-3.0-or-later
"""One undo step for all that an edit does, and nothing left behind if it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gi.repository import Gimp

from ..image.locks import lift_locks
from ..image.selection import activate_layers
from ..image.tree import lineage, siblings


def in_one_step(
    image: Gimp.Image, photos: Sequence[Gimp.Layer], change: Callable[[], list[Gimp.Layer]]
) -> list[Gimp.Layer]:
    """Run `change`, which adds layers beside each photo, as one undo step; if it fails, none stays behind."""
    before = [item for photo in photos for item in siblings(image, photo)]
    with undo_step(image, photos[0]):
        try:
            return change()
        except BaseException:
            for photo in photos:
                for item in siblings(image, photo):
                    if item not in before:
                        image.remove_layer(item)
                photo.set_visible(True)
            image.set_selected_layers(list(photos[:1]))
            raise


@contextmanager
def undo_step(image: Gimp.Image, layer: Gimp.Layer) -> Iterator[None]:
    """All changes in this block are one undo step, after whose undo the same layers are active as before.

    layer: any layer of the image.  It, the groups that it is in and all that lies beside it can be moved, resized,
    shown and hidden meanwhile, whatever locks they have.
    """
    image.undo_group_start()
    try:
        # GIMP brings back what was active with the undo of a layer's addition alone, and only if it is the step's
        # first: each channel that comes back after that, even for a moment, makes layers inactive.
        active = image.get_selected_layers()
        marker = Gimp.Layer.new(image, "", 1, 1, layer.type(), 0, Gimp.LayerMode.NORMAL)
        image.insert_layer(marker, None, 0)
        image.remove_layer(marker)
        activate_layers(image, active)
        with lift_locks([*siblings(image, layer), *lineage(layer)[1:]]):
            yield
    finally:
        image.undo_group_end()
