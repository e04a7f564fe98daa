# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of layers: who lies where, and what covers what."""

from __future__ import annotations

from gi.repository import Gimp

from ..shared.errors import UserError
from ..shared.words import _

SMALLEST = 16  # px; below that the networks see nothing
MAP_PARASITE = "saliency-map"  # a saliency map's values, as JSON on its layer


def lineage(item: Gimp.Layer) -> list[Gimp.Layer]:
    """The item and the groups that it is in, innermost first."""
    items: list[Gimp.Layer] = []
    parent: Gimp.Layer | None = item
    while parent is not None:
        items.append(parent)
        parent = parent.get_parent()
    return items


def siblings(image: Gimp.Image, layer: Gimp.Layer) -> list[Gimp.Layer]:
    """All layers of the group (or image) that holds the layer, top first; its position is the index in the list."""
    parent = layer.get_parent()
    return list(parent.get_children() if parent is not None else image.get_layers())


def copy_layers(image: Gimp.Image) -> Gimp.Image:
    """An image with copies of all layers, which share their pixels; the caller deletes it.

    Unlike a duplicate, which GIMP begins to compose at once, it makes nobody wait.  What is selected is not copied.
    """
    size = image.get_width(), image.get_height()
    copy = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    try:
        copy.undo_disable()
        profile = image.get_color_profile()
        if profile is not None:
            copy.set_color_profile(profile)
        for place, item in enumerate(image.get_layers()):
            layer = Gimp.Layer.new_from_drawable(item, copy)
            copy.insert_layer(layer, None, place)
            _unlock_visibility(layer)
            layer.set_visible(item.get_visible())
        return copy
    except BaseException:
        copy.delete()
        raise


def hide_above(image: Gimp.Image, layer: Gimp.Layer) -> None:
    """Hide all that lies above a layer, in a copy of the user's image."""
    for item in lineage(layer):
        row = siblings(image, item)
        for above in row[: row.index(item)]:
            above.set_visible(False)


def hide_layer(layer: Gimp.Layer) -> None:
    """Hide a layer that something else is to be seen in place of.  Raises UserError where GIMP refuses."""
    layer.set_visible(False)
    if layer.get_visible():
        raise UserError(_("The layer's visibility is locked: unlock it in the Layers dialog, then try again."))


def _unlock_visibility(layer: Gimp.Layer) -> None:
    """Let a layer and what is in it be shown and hidden."""
    layer.set_lock_visibility(False)
    for item in layer.get_children() if layer.is_group() else ():
        _unlock_visibility(item)


def counterpart(image: Gimp.Image, copy: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """The layer's copy in a copy of its image.  Groups get other tattoos there, so it is found by its place."""
    row = copy.get_layers()
    *groups, last = reversed(lineage(layer))
    for item in groups:
        row = row[siblings(image, item).index(item)].get_children()
    return row[siblings(image, last).index(last)]


def merge_filters(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """The layer if it has no live filters; else one in an image of its own whose pixels they have changed.

    The caller deletes that image.  Merging or deleting filters in the user's image would change the selection, a bug of
    GIMP, in 3.2 with redo.
    """
    if not layer.get_filters():
        return layer
    copy = counterpart(image, copy_layers(image), layer)
    copy.merge_filters()
    return copy


def covers_canvas(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Whether nothing shines through or around the layer, its alpha channel aside."""
    return (
        layer.get_offsets()[1:] == (0, 0)
        and (layer.get_width(), layer.get_height()) == (image.get_width(), image.get_height())
        and layer.get_opacity() == 100
        and layer.get_mode() in (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)
        and layer.get_mask() is None
    )


def longer_side(image: Gimp.Image) -> int:
    """Of the whole image, in px: what the width of sharpening goes by."""
    return int(max(image.get_width(), image.get_height()))


def is_opaque(layer: Gimp.Layer) -> bool:
    """Whether no pixel of the layer is transparent.  A selection must not be active."""
    if not layer.has_alpha():
        return True
    mean = layer.histogram(Gimp.HistogramChannel.ALPHA, 0, 1).mean
    return mean in (1, 255)  # the scale is 0..255 in 8 bit, 0..1 otherwise
