# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer and what lies below it as two layers of a small image, on which changes of the layer can be tried."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gegl, Gimp

from .geometry import Box
from .part import MOST, lay_under
from .pixels import flatten_thumbnail, resize_rgba
from .thumbnail import LARGEST_THUMBNAIL, find_span, read_composition, read_coverage, read_srgb
from .tree import copy_layers, counterpart, hide_above


class Apart(NamedTuple):
    """A small image; the upper one of its two layers is the cut-out, the lower one is opaque.  The caller deletes it.

    Its canvas is the user's, smaller or as large; box: what of it is wanted.
    """

    image: Gimp.Image
    box: Box

    @property
    def layer(self) -> Gimp.Layer:
        """The cut-out."""
        return self.image.get_layers()[0]


def take_apart(image: Gimp.Image, layer: Gimp.Layer, box: Box, longest: int) -> Apart:
    """A box of what is visible at and below a layer, its long side `longest` px at most, not enlarged.

    Of a large box it is made from thumbnails.  Groups that the layer is in are not: their own opacity and mode are left
    out.
    """
    scale = min(1.0, longest / max(box[2:]))
    near = box[2] * box[3] <= MOST
    if not near:
        scale = min(scale, LARGEST_THUMBNAIL / max(image.get_width(), image.get_height()))
    whole = max(1, round(image.get_width() * scale)), max(1, round(image.get_height() * scale))
    width, height = (min(most, max(1, round(side * scale))) for most, side in zip(whole, box[2:]))
    x, y = (min(round(start * scale), most - side) for start, most, side in zip(box, whole, (width, height)))
    place = x, y, width, height
    return Apart(_cut_out(image, layer, box, (whole, place)) if near else _copy_small(image, layer, whole), place)


def _cut_out(image: Gimp.Image, layer: Gimp.Layer, box: Box, target: tuple[tuple[int, int], Box]) -> Gimp.Image:
    """With the picture's own pixels, in its own profile and precision.

    target: the size of the canvas, and the place on it.
    """
    whole, (x, y, width, height) = target
    copy = copy_layers(image)
    try:
        twin = counterpart(image, copy, layer)
        hide_above(copy, twin)
        twin.set_visible(False)
        copy.crop(box[2], box[3], box[0], box[1])
        lay_under(copy)
        below = Gimp.Layer.new_from_visible(copy, copy, "")
        copy.insert_layer(below, None, 0)
        copy.reorder_item(twin, None, 0)
        for item in copy.get_layers()[2:]:
            copy.remove_layer(item)
        twin.set_visible(True)
        if (width, height) != box[2:]:
            copy.scale(width, height)
        copy.resize(*whole, x, y)
        return copy
    except BaseException:
        copy.delete()
        raise


def _copy_small(image: Gimp.Image, layer: Gimp.Layer, size: tuple[int, int]) -> Gimp.Image:
    """The whole canvas from thumbnails, in sRGB."""
    copy = Gimp.Image.new(*size, Gimp.ImageBaseType.RGB)
    try:
        copy.undo_disable()
        below = flatten_thumbnail(read_composition(image, layer, size, below=True))
        _add_layer(copy, below, "R'G'B' u8", Gimp.ImageType.RGB_IMAGE)
        twin = _add_layer(copy, _read_alone(image, layer, size), "R'G'B'A u8", Gimp.ImageType.RGBA_IMAGE)
        twin.set_mode(layer.get_mode())
        twin.set_opacity(layer.get_opacity())
        return copy
    except BaseException:
        copy.delete()
        raise


def _add_layer(image: Gimp.Image, pixels: bytes, babl_format: str, kind: Gimp.ImageType) -> Gimp.Layer:
    """A layer of these pixels on top."""
    width, height = image.get_width(), image.get_height()
    layer = Gimp.Layer.new(image, "", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), babl_format, pixels)
    buffer.flush()
    layer.update(0, 0, width, height)
    return layer


def _read_alone(image: Gimp.Image, layer: Gimp.Layer, size: tuple[int, int]) -> bytes:
    """R'G'B'A bytes of a layer on its canvas, its layer mask in the alpha."""
    width, height = size
    _ok, x, y = layer.get_offsets()
    left, right = max(0, x), min(image.get_width(), x + layer.get_width())
    top, bottom = max(0, y), min(image.get_height(), y + layer.get_height())
    columns = find_span(left, right, width / image.get_width(), width)
    rows = find_span(top, bottom, width / image.get_width(), height)
    wanted = len(columns), len(rows)
    rgba, *found = read_srgb(image, layer, wanted, (left - x, top - y, right - left, bottom - top))
    rgba = resize_rgba(rgba, found[0], found[1], *wanted)
    pixels = bytearray(4 * width * height)
    for number, row in enumerate(rows):
        start = 4 * (row * width + columns.start)
        pixels[start : start + 4 * len(columns)] = rgba[4 * number * len(columns) : 4 * (number + 1) * len(columns)]
    pixels[3::4] = read_coverage(image, layer, size, masked=True)
    return bytes(pixels)


def read_apart(image: Gimp.Image, box: Box) -> bytes:
    """R'G'B' bytes of a box of what is visible in a small image, which is cut down to that."""
    image.crop(box[2], box[3], box[0], box[1])
    seen = Gimp.Layer.new_from_visible(image, image, "")
    image.insert_layer(seen, None, 0)
    buffer = seen.get_buffer()
    return bytes(buffer.get(Gegl.Rectangle.new(0, 0, *box[2:]), 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))
