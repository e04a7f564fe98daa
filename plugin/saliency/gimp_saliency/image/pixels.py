# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels as bytes: interleave, resize, convert, copy."""

from __future__ import annotations

from collections.abc import Iterable

from gi.repository import Gegl, Gimp

from .geometry import Box

ROWS = 128  # to read at a time of a large drawable; GIMP's tiles are as high

BACKDROP = 128  # grey value seen through transparent pixels, the mean of GIMP's checks


def interleave_mask(picture: bytes, mask: bytes) -> bytes:
    """R'G'B'M bytes of R'G'B' bytes and a mask of as many pixels."""
    pixels = bytearray(4 * len(mask))
    for channel in range(3):
        pixels[channel::4] = picture[channel::3]
    pixels[3::4] = mask
    return bytes(pixels)


def drop_mask(pixels: bytes) -> bytes:
    """R'G'B' of R'G'B'M bytes."""
    picture = bytearray(len(pixels) // 4 * 3)
    for channel in range(3):
        picture[channel::3] = pixels[channel::4]
    return bytes(picture)


def flatten_thumbnail(thumbnail: tuple[bytes, int, int]) -> bytes:
    """R'G'B' of R'G'B'A bytes; transparent pixels show GIMP's checks from afar, a middle grey."""
    rgba = thumbnail[0]
    alpha = rgba[3::4]
    rgb = bytearray(3 * len(alpha))
    opaque = alpha.count(255) == len(alpha)
    for channel in range(3):
        plane = rgba[channel::4]
        if not opaque:
            plane = bytes((v * a + BACKDROP * (255 - a)) // 255 for v, a in zip(plane, alpha))
        rgb[channel::3] = plane
    return bytes(rgb)


def to_rgba(data: bytes, bpp: int) -> bytes:
    """R'G'B'A bytes of display-encoded ones: grey or colours, with or without alpha.

    babl would do the same, but takes half a second in each new process to find out how.
    """
    if bpp == 4:
        return data
    rgba = bytearray(b"\xff" * (len(data) // bpp * 4))
    for channel in range(3):
        rgba[channel::4] = data[channel if bpp == 3 else 0 :: bpp]
    if bpp == 2:
        rgba[3::4] = data[1::2]
    return bytes(rgba)


def multiply_planes(one: bytes, other: bytes) -> bytes:
    """Of two planes with 255 for one."""
    return bytes(a * b // 255 for a, b in zip(one, other))


def resize_plane(plane: bytes, width: int, height: int, new_width: int, new_height: int) -> bytes:
    """Nearest neighbour; GIMP keeps the aspect of thumbnails, which may cost a row or a column."""
    if (width, height) == (new_width, new_height):
        return plane
    columns = [x * width // new_width for x in range(new_width)]
    rows = (y * height // new_height * width for y in range(new_height))
    return bytes(plane[row + column] for row in rows for column in columns)


def resize_rgba(rgba: bytes, width: int, height: int, new_width: int, new_height: int) -> bytes:
    if (width, height) == (new_width, new_height):
        return rgba
    resized = bytearray(4 * new_width * new_height)
    for channel in range(4):
        resized[channel::4] = resize_plane(rgba[channel::4], width, height, new_width, new_height)
    return bytes(resized)


def convert_pixels(data: bytes, width: int, height: int, source: str, target: str) -> bytes:
    """The same pixels in another babl format."""
    Gegl.init(None)
    buffer = Gegl.Buffer.new(source, 0, 0, width, height)
    rectangle = Gegl.Rectangle.new(0, 0, width, height)
    buffer.set(rectangle, source, data)
    return bytes(buffer.get(rectangle, 1.0, target, Gegl.AbyssPolicy.NONE))


def copy_pixels(
    source: Gimp.Drawable, target: Gimp.Drawable, boxes: Iterable[Box], shift: tuple[int, int] = (0, 0)
) -> None:
    """Copy boxes of a drawable's pixels into another drawable, shifted."""
    buffer, edited = source.get_buffer(), target.get_buffer()
    for x, y, width, height in boxes:
        place = Gegl.Rectangle.new(x + shift[0], y + shift[1], width, height)
        buffer.copy(Gegl.Rectangle.new(x, y, width, height), Gegl.AbyssPolicy.NONE, edited, place)
    edited.flush()
    target.update(0, 0, target.get_width(), target.get_height())


def scale_layer(layer: Gimp.Layer, width: int, height: int, interpolation: Gimp.InterpolationType) -> None:
    """Give a layer another size in place."""
    if (width, height) == (layer.get_width(), layer.get_height()):
        return
    Gimp.context_push()
    try:
        Gimp.context_set_interpolation(interpolation)
        layer.scale(width, height, False)
    finally:
        Gimp.context_pop()
