# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes as pictures on the screen: photographs, heat maps over them, outlines of regions."""

from __future__ import annotations

from gi.repository import GdkPixbuf, GLib

from ...image.heat import colour_heat

_OUTLINE = (255, 255, 255), 235  # colour and opacity
_SHADOW = (0, 0, 0), 160
_RUBY = (255, 0, 0)  # as GIMP's quick mask
_RUBY_ALPHA = bytes((255 - value) // 2 for value in range(256))  # by coverage
_COVER = 150  # opacity of heat over a photograph, of 255


def make_pixbuf(rgb: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """A picture of R'G'B' bytes, rows from the top."""
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(rgb), GdkPixbuf.Colorspace.RGB, False, 8, width, height, 3 * width
    )


def fit_pixbuf(picture: GdkPixbuf.Pixbuf, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """The picture as large as it can be within the bounds, its aspect kept."""
    scale = min(width / picture.get_width(), height / picture.get_height())
    fitted = (max(1, round(picture.get_width() * scale)), max(1, round(picture.get_height() * scale)))
    if fitted == (picture.get_width(), picture.get_height()):
        return picture
    return picture.scale_simple(*fitted, GdkPixbuf.InterpType.BILINEAR)


def add_heat(picture: GdkPixbuf.Pixbuf, values: bytes, factor: float) -> GdkPixbuf.Pixbuf:
    """The picture under the heat colours of an attention map of its size (0 to 255), the values times a factor."""
    scaled = values.translate(bytes(min(255, round(factor * value)) for value in range(256)))
    result = picture.copy()
    _lay_over(make_pixbuf(colour_heat(scaled), picture.get_width(), picture.get_height()), result, _COVER)
    return result


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


def _fill_shape(alpha: bytes, width: int, height: int, colour: tuple[int, int, int]) -> GdkPixbuf.Pixbuf:
    pixels = bytearray(bytes((*colour, 0)) * len(alpha))
    pixels[3::4] = alpha
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(bytes(pixels)), GdkPixbuf.Colorspace.RGB, True, 8, width, height, 4 * width
    )


def _lay_over(upper: GdkPixbuf.Pixbuf, lower: GdkPixbuf.Pixbuf, opacity: int) -> None:
    size = lower.get_width(), lower.get_height()
    upper.composite(lower, 0, 0, *size, 0, 0, 1, 1, GdkPixbuf.InterpType.NEAREST, opacity)
