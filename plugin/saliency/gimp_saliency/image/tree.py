# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer an edit goes to, whether it can be edited at all, and which layers belong to earlier edits."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

GIMP_32 = (Gimp.MAJOR_VERSION, Gimp.MINOR_VERSION) >= (3, 2)


SMALLEST = 16  # px; below that the networks see nothing
MAP_PARASITE = "saliency-map"  # a saliency map's values, as JSON on its layer


def lineage(item: Any) -> list[Any]:
    """The item and the groups that it is in, innermost first."""
    items = []
    while item is not None:
        items.append(item)
        item = item.get_parent()
    return items


def siblings(image: Any, layer: Any) -> list[Any]:
    """All layers of the group (or image) that holds the layer, top first; its position is the index in the list."""
    parent = layer.get_parent()
    return list(parent.get_children() if parent is not None else image.get_layers())


def counterpart(image: Any, copy: Any, layer: Any) -> Any:
    """The layer's copy in a duplicate of its image.  Groups get other tattoos there, so it is found by its place."""
    row, found = copy.get_layers(), None
    for item in reversed(lineage(layer)):
        found = row[siblings(image, item).index(item)]
        row = found.get_children() if found.is_group() else []
    return found


def covers_canvas(image: Any, layer: Any) -> bool:
    """Whether nothing shines through or around the layer, its alpha channel aside."""
    return (
        layer.get_offsets()[1:] == (0, 0)
        and (layer.get_width(), layer.get_height()) == (image.get_width(), image.get_height())
        and layer.get_opacity() == 100
        and layer.get_mode() in (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)
        and layer.get_mask() is None
    )
