# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes as pictures on the screen: photographs, heat maps over them, outlines of regions."""

from __future__ import annotations

from gi.repository import GdkPixbuf, GLib

from ...image.geometry import Box
from ...image.heat import colour_change, colour_heat

_OUTLINE = (255, 255, 255), 235  # colour and opacity
_SHADOW = (0, 0, 0), 160
_RUBY = (255, 0, 0)  # as GIMP's quick mask
_RUBY_ALPHA = bytes((255 - value) // 2 for value in range(256))  # by coverage
_DARK, _BRIGHT = 0x00000080, 0xFFFFFFFF  # of the divider
_COVER = 150  # opacity of heat over a photograph, of 255


def make_pixbuf(rgb: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """A picture of R'G'B' bytes, rows from the top."""
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(rgb), GdkPixbuf.Colorspace.RGB, False, 8, width, height, 3 * width
    )


def scale_box(picture: GdkPixbuf.Pixbuf, box: Box, part: Box, size: tuple[int, int], is_near: bool) -> GdkPixbuf.Pixbuf:
    """What a picture of a box shows of a part of it, at a width and height.  is_near: each pixel is to be seen."""
    if box == part and size == (picture.get_width(), picture.get_height()):
        return picture
    kind = GdkPixbuf.InterpType.NEAREST if is_near else GdkPixbuf.InterpType.BILINEAR
    result = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, *size)
    across, down = (shown / length for shown, length in zip(size, part[2:]))  # px of the result for one of the box
    scales = across * box[2] / picture.get_width(), down * box[3] / picture.get_height()
    picture.scale(result, 0, 0, *size, (box[0] - part[0]) * across, (box[1] - part[1]) * down, *scales, kind)
    return result


def fit_pixbuf(picture: GdkPixbuf.Pixbuf, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """The picture as large as it can be within the bounds, its aspect kept."""
    scale = min(width / picture.get_width(), height / picture.get_height())
    fitted = (max(1, round(picture.get_width() * scale)), max(1, round(picture.get_height() * scale)))
    if fitted == (picture.get_width(), picture.get_height()):
        return picture
    return picture.scale_simple(*fitted, GdkPixbuf.InterpType.BILINEAR)


def cut_room(picture: GdkPixbuf.Pixbuf, place: Box, room: tuple[int, int]) -> GdkPixbuf.Pixbuf:
    """What of a picture in its place (x, y, width, height) is in a room (width, height)."""
    left, top, width, height = place
    x, y = max(0, -left), max(0, -top)
    size = min(width - x, room[0] - max(0, left)), min(height - y, room[1] - max(0, top))
    return picture if size == (width, height) else picture.new_subpixbuf(x, y, size[0], size[1])


def cut_multiple(picture: GdkPixbuf.Pixbuf, number: int) -> GdkPixbuf.Pixbuf:
    """The picture without the last columns and rows that are no multiple of a number, if there are others."""
    size = [side - side % number if side > number else side for side in (picture.get_width(), picture.get_height())]
    return picture if number == 1 else picture.new_subpixbuf(0, 0, size[0], size[1])


def draw_divider(left: GdkPixbuf.Pixbuf, right: GdkPixbuf.Pixbuf, x: int) -> GdkPixbuf.Pixbuf:
    """The one picture up to x, the other one of its size from there on, and a line between them."""
    result, height = right.copy(), right.get_height()
    x = min(result.get_width(), max(0, x))
    left.copy_area(0, 0, x, height, result, 0, 0)
    for start, width, colour in ((x - 2, 4, _DARK), (x - 1, 2, _BRIGHT)):
        first, end = max(0, start), min(result.get_width(), start + width)
        if first < end:
            result.new_subpixbuf(first, 0, end - first, height).fill(colour)
    return result


def join_pictures(left: GdkPixbuf.Pixbuf, right: GdkPixbuf.Pixbuf, gap: int) -> GdkPixbuf.Pixbuf:
    """Two pictures of one size side by side."""
    width, height = left.get_width(), left.get_height()
    result = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, 2 * width + gap, height)
    result.fill(0)
    left.copy_area(0, 0, width, height, result, 0, 0)
    right.copy_area(0, 0, width, height, result, width + gap, 0)
    return result


def add_heat(picture: GdkPixbuf.Pixbuf, values: bytes) -> GdkPixbuf.Pixbuf:
    """The picture under the heat colours of an attention map of its size (0 to 255)."""
    return _cover(picture, colour_heat(values))


def add_change(picture: GdkPixbuf.Pixbuf, values: bytes) -> GdkPixbuf.Pixbuf:
    """The picture under the colours of what changes of the attention, as `measure_change` says it, of its size."""
    return _cover(picture, colour_change(values))


def add_outline(picture: GdkPixbuf.Pixbuf, mask: bytes) -> GdkPixbuf.Pixbuf:
    """The picture with the outline of a mask of its size (one byte a pixel) at half coverage."""
    width = picture.get_width()
    inside = int.from_bytes(mask.translate(bytes(128) + b"\xff" * 128), "big")
    edge = (inside ^ inside >> 8) | (inside ^ inside >> 8 * width)
    broad = edge | edge >> 8 | edge >> 8 * width | edge << 8 | edge << 8 * width
    result = picture.copy()
    for shape, (colour, opacity) in ((broad, _SHADOW), (edge, _OUTLINE)):
        alpha = (shape & ((1 << 8 * len(mask)) - 1)).to_bytes(len(mask), "big")
        _lay_over(_fill_shape(alpha, picture.get_width(), picture.get_height(), colour), result, opacity)
    return result


def add_quick_mask(picture: GdkPixbuf.Pixbuf, mask: bytes) -> GdkPixbuf.Pixbuf:
    """The picture with red over what a mask of its size (one byte a pixel) leaves out."""
    result = picture.copy()
    alpha = mask.translate(_RUBY_ALPHA)
    _lay_over(_fill_shape(alpha, picture.get_width(), picture.get_height(), _RUBY), result, 255)
    return result


def _cover(picture: GdkPixbuf.Pixbuf, colours: bytes) -> GdkPixbuf.Pixbuf:
    """The picture under R'G'B' bytes of its size."""
    result = picture.copy()
    _lay_over(make_pixbuf(colours, picture.get_width(), picture.get_height()), result, _COVER)
    return result


def _fill_shape(alpha: bytes, width: int, height: int, colour: tuple[int, int, int]) -> GdkPixbuf.Pixbuf:
    pixels = bytearray(bytes((*colour, 0)) * len(alpha))
    pixels[3::4] = alpha
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(bytes(pixels)), GdkPixbuf.Colorspace.RGB, True, 8, width, height, 4 * width
    )


def _lay_over(upper: GdkPixbuf.Pixbuf, lower: GdkPixbuf.Pixbuf, opacity: int) -> None:
    size = lower.get_width(), lower.get_height()
    upper.composite(lower, 0, 0, *size, 0, 0, 1, 1, GdkPixbuf.InterpType.NEAREST, opacity)
