# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of what the user sees, with the selection as fourth channel, at the picture's own resolution if need be."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gegl, Gimp

from .geometry import Box
from .pixels import BACKDROP, drop_mask, interleave_mask
from .selection import preserve_selection
from .srgb import decode
from .thumbnail import Thumbnail, is_photo_alone, read_box
from .tree import copy_layers, counterpart, hide_above

MOST = 3_000_000  # px; of the picture's own, that GIMP composes in a tenth of a second


def read_part(image: Gimp.Image, layer: Gimp.Layer, edits: Sequence[Gimp.Layer], box: Box, longest: int) -> Thumbnail:
    """What is visible in a box of the canvas at and below a layer and its edits, not enlarged.

    edits: the layers of edits directly above the layer, lowest first.  longest: px of the long side, at most.  The mask
    is the selection alone.
    """
    scale = min(1.0, longest / max(box[2:]))
    size = max(1, round(box[2] * scale)), max(1, round(box[3] * scale))
    if not edits and is_photo_alone(image, layer) and not layer.has_alpha():
        picture = _read(layer, box, scale, size, "R'G'B' u8")
    elif box[2] * box[3] <= MOST:
        picture = _compose(image, [layer, *edits][-1], box, scale, size)
    else:
        return read_box(image, layer, edits, box, longest)  # less sharp, if it is to be large, but quick
    if Gimp.Selection.is_empty(image):
        mask = b"\xff" * (size[0] * size[1])  # GIMP's own filters take it for everything, too
    else:
        mask = _read(image.get_selection(), box, scale, size, "Y u8")
    return Thumbnail(interleave_mask(picture, mask), *size)


def shrink_part(part: Thumbnail, longest: int) -> Thumbnail:
    """The same with a long side of so many px at most."""
    scale = min(1.0, longest / max(part.width, part.height))
    size = max(1, round(part.width * scale)), max(1, round(part.height * scale))
    whole, place = Gegl.Rectangle.new(0, 0, part.width, part.height), Gegl.Rectangle.new(0, 0, *size)
    planes = []
    for babl_format, pixels in (("R'G'B' u8", drop_mask(part.pixels)), ("Y u8", part.mask)):
        buffer = Gegl.Buffer.new(babl_format, 0, 0, part.width, part.height)
        buffer.set(whole, babl_format, pixels)
        planes.append(bytes(buffer.get(place, scale, babl_format, Gegl.AbyssPolicy.CLAMP)))
    return Thumbnail(interleave_mask(*planes), *size)


def read_channel(image: Gimp.Image, channel: Gimp.Channel, box: Box, size: tuple[int, int]) -> bytes:
    """The mask that a selection of the channel would be, of a box of the canvas, at a width and height."""
    with preserve_selection(image):
        image.select_item(Gimp.ChannelOps.REPLACE, channel)
        return _read(image.get_selection(), box, min(1.0, max(size) / max(box[2:])), size, "Y u8")


def _read(source: Gimp.Drawable, box: Box, scale: float, size: tuple[int, int], babl_format: str) -> bytes:
    """The bytes of a box of a drawable."""
    place = Gegl.Rectangle.new(int(box[0] * scale), int(box[1] * scale), *size)
    return bytes(source.get_buffer().get(place, scale, babl_format, Gegl.AbyssPolicy.CLAMP))


def _compose(image: Gimp.Image, top: Gimp.Layer, box: Box, scale: float, size: tuple[int, int]) -> bytes:
    """R'G'B' bytes of a box of the composition from the canvas' bottom up to a layer."""
    copy = copy_layers(image)
    try:
        hide_above(copy, counterpart(image, copy, top))
        copy.crop(box[2], box[3], box[0], box[1])
        lay_under(copy)
        seen = Gimp.Layer.new_from_visible(copy, copy, "")
        copy.insert_layer(seen, None, 0)
        return _read(seen, (0, 0, *box[2:]), scale, size, "R'G'B' u8")
    finally:
        copy.delete()


def lay_under(image: Gimp.Image) -> None:
    """Let transparent pixels show GIMP's checks from afar, a middle grey."""
    width, height = image.get_width(), image.get_height()
    kind = Gimp.ImageType.GRAY_IMAGE if image.get_base_type() == Gimp.ImageBaseType.GRAY else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, "", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, len(image.get_layers()))
    grey = Gegl.Color.new("black")
    light = decode(BACKDROP / 255)
    grey.set_rgba(light, light, light, 1.0)
    buffer = layer.get_buffer()
    buffer.set_color(buffer.get_extent(), grey)
    buffer.flush()
    layer.update(0, 0, width, height)
