# SPDX-License-Identifier: GPL-3.0-or-later
"""From GIMP to bytes: a thumbnail of what the user sees, with the selection as fourth channel.

GIMP 3.2 returns thumbnails as 8-bit sRGB, GIMP 3.0 in the image's own precision and profile; both come out the same
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gi.repository import Babl, Gegl, Gimp

from ..shared.errors import UserError
from ..shared.words import _
from .geometry import Box
from .pixels import (
    convert_pixels,
    flatten_thumbnail,
    interleave_mask,
    multiply_planes,
    resize_plane,
    resize_rgba,
    to_rgba,
)
from .srgb import decode
from .tree import copy_layers, covers_canvas, lineage, siblings
from .version import GIMP_32

_LONG_SIDE = 384  # px; what the server takes at most
LARGEST_THUMBNAIL = 1024  # px; of GIMP's own making
_SHORT_SIDE = 16  # px; what it takes at least
_LINEAR = bytes(round(255 * decode(i / 255)) for i in range(256))


class Thumbnail(NamedTuple):
    """R'G'B'M bytes, 8-bit sRGB and the mask (255 = selected, or all where nothing is), row by row."""

    pixels: bytes
    width: int
    height: int

    @property
    def mask(self) -> bytes:
        """The mask alone."""
        return self.pixels[3::4]

    def with_mask(self, mask: bytes) -> Thumbnail:
        """The same with another mask."""
        pixels = bytearray(self.pixels)
        pixels[3::4] = mask
        return self._replace(pixels=bytes(pixels))


def read_thumbnail(image: Gimp.Image, layer: Gimp.Layer, edits: Sequence[Gimp.Layer] = ()) -> Thumbnail:
    """What is visible at and below the layer and its edits, whole canvas.

    edits: the layers of edits directly above the layer, lowest first.

    The mask is the selection, soft edges kept, within the layer's opaque pixels.  Raises UserError if it is empty.
    """
    mask, size = read_mask(image, layer)
    return Thumbnail(interleave_mask(_compose_visible(image, layer, edits, size), mask), *size)


def read_picture(image: Gimp.Image) -> tuple[bytes, int, int]:
    """R'G'B' bytes, width and height of all that is visible in an image.  Raises UserError if it is too narrow."""
    size = thumbnail_size(image)
    return flatten_thumbnail(read_srgb(image, image, size)), *size


def thumbnail_size(image: Gimp.Image) -> tuple[int, int]:
    """Width and height of what is read of an image for the server.  Raises UserError if too narrow."""
    scale = min(1.0, _LONG_SIDE / max(image.get_width(), image.get_height()))
    size = round(image.get_width() * scale), round(image.get_height() * scale)
    if min(size) < _SHORT_SIDE:
        raise UserError(_("The picture is too narrow: crop it so that no side is more than 24 times the other."))
    return size


def read_mask(image: Gimp.Image, layer: Gimp.Layer) -> tuple[bytes, tuple[int, int]]:
    """The same mask alone, and its width and height."""
    size = thumbnail_size(image)
    mask = _read_layer_mask(image, layer, size)
    if not any(mask):
        raise UserError(
            _("The selection is too small, or the layer is empty there: select a larger part of the picture.")
        )
    return mask, size


def read_box(image: Gimp.Image, layer: Gimp.Layer, edits: Sequence[Gimp.Layer], box: Box, longest: int) -> Thumbnail:
    """The same of a part of the canvas (x, y, width, height), not enlarged, its long side `longest` px at most.

    The mask is the selection alone.
    """
    x, y, width, height = box
    scale = min(1.0, longest / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if not edits and is_photo_alone(image, layer):
        rgba, *found = read_srgb(image, layer, size, box)
        picture = flatten_thumbnail((resize_rgba(rgba, found[0], found[1], *size), *size))
    else:
        # GIMP has no thumbnails of a part of the composition.
        whole = min(scale, LARGEST_THUMBNAIL / max(image.get_width(), image.get_height()))
        whole_size = round(image.get_width() * whole), round(image.get_height() * whole)
        size = max(1, int(width * whole)), max(1, int(height * whole))
        left, top = min(int(x * whole), whole_size[0] - size[0]), min(int(y * whole), whole_size[1] - size[1])
        pixels = _compose_visible(image, layer, edits, whole_size)
        starts = (3 * (row * whole_size[0] + left) for row in range(top, top + size[1]))
        picture = b"".join(pixels[start : start + 3 * size[0]] for start in starts)
    return Thumbnail(interleave_mask(picture, read_selection(image, size, box)), *size)


def is_photo_alone(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Whether nothing but the layer is to be seen at and below it: many times faster than the whole composition.

    It may be transparent.
    """
    return layer.get_parent() is None and covers_canvas(image, layer)


def _compose_visible(image: Gimp.Image, layer: Gimp.Layer, edits: Sequence[Gimp.Layer], size: tuple[int, int]) -> bytes:
    """R'G'B' bytes of the composition from the canvas' bottom up to the layer's topmost edit."""
    if not edits and is_photo_alone(image, layer):
        return flatten_thumbnail(read_srgb(image, layer, size))
    return flatten_thumbnail(read_composition(image, [layer, *edits][-1], size))


def read_composition(
    image: Gimp.Image, top: Gimp.Layer, size: tuple[int, int], below: bool = False
) -> tuple[bytes, int, int]:
    """R'G'B'A bytes (sRGB), width and height of what is visible from the canvas' bottom up to a layer.

    below: without the layer itself.
    """
    levels = [(siblings(image, item), item) for item in lineage(top)]
    positions = [row.index(item) for row, item in levels]
    above = (item for (row, _item), position in zip(levels, positions) for item in row[:position])
    if not below and not any(item.get_visible() for item in above):
        return read_srgb(image, image, size)
    copy = copy_layers(image)  # the user's layers must not flicker
    try:
        row = copy.get_layers()
        for position in reversed(positions):
            for item in row[:position]:
                item.set_visible(False)
            last = row[position]
            row = last.get_children() if last.is_group() else []
        if below:
            last.set_visible(False)
        return read_srgb(copy, copy, size)
    finally:
        copy.delete()


def _read_layer_mask(image: Gimp.Image, layer: Gimp.Layer, size: tuple[int, int]) -> bytes:
    """The selection times the layer's coverage, one linear byte a pixel."""
    mask = read_selection(image, size)
    coverage = read_coverage(image, layer, size)
    if coverage.count(255) == len(coverage):
        return mask
    return multiply_planes(mask, coverage)


def read_coverage(image: Gimp.Image, layer: Gimp.Layer, size: tuple[int, int], masked: bool = False) -> bytes:
    """The layer's alpha on the canvas, a byte a pixel, 0 outside the layer, of which some must be on the canvas.

    masked: times its layer mask, if that is applied; thumbnails know nothing of it.
    """
    width, height = size
    _ok, x, y = layer.get_offsets()
    left, right = max(0, x), min(image.get_width(), x + layer.get_width())
    top, bottom = max(0, y), min(image.get_height(), y + layer.get_height())
    scale = width / image.get_width()
    columns = find_span(left, right, scale, width)
    rows = find_span(top, bottom, scale, height)
    part = b"\xff" * (len(columns) * len(rows))
    rectangle = (left - x, top - y, right - left, bottom - top)
    if layer.has_alpha():
        rgba, part_width, part_height = read_srgb(image, layer, (len(columns), len(rows)), rectangle)
        part = resize_plane(rgba[3::4], part_width, part_height, len(columns), len(rows))
    mask = layer.get_mask() if masked and layer.get_apply_mask() else None
    if mask is not None:
        part = multiply_planes(part, _read_linear(mask, (len(columns), len(rows)), rectangle))
    coverage = bytearray(width * height)
    for i, row in enumerate(rows):
        start = row * width + columns.start
        coverage[start : start + len(columns)] = part[i * len(columns) : (i + 1) * len(columns)]
    return bytes(coverage)


def find_span(first: int, last: int, scale: float, limit: int) -> range:
    """Which of `limit` pixels of a smaller picture those from `first` up to `last` are; one at least."""
    start = min(int(first * scale), limit - 1)
    return range(start, max(start + 1, min(limit, round(last * scale))))


def read_selection(image: Gimp.Image, size: tuple[int, int], part: Box | None = None) -> bytes:
    """What is selected of the canvas or a part of it, a linear byte a pixel; all, where nothing is selected."""
    if Gimp.Selection.is_empty(image):
        return b"\xff" * (size[0] * size[1])
    return _read_linear(image.get_selection(), size, part)


def _read_linear(channel: Gimp.Channel, size: tuple[int, int], part: Box | None) -> bytes:
    """The values of a selection or layer mask, or of a part of it."""
    data, width, height, bpp = _ask_thumbnail(channel, size, part)
    if GIMP_32:
        plane = data[::bpp].translate(_LINEAR)  # comes back display-encoded
    else:
        native = Babl.format_get_encoding(channel.get_format())  # encoded in 8-bit images from files, else linear
        if native == "Y' u8":
            plane = data.translate(_LINEAR)
        else:
            plane = data if native == "Y u8" else convert_pixels(data, width, height, native, "Y u8")
    return resize_plane(plane, width, height, *size)


def _ask_thumbnail(
    source: Gimp.Image | Gimp.Drawable, size: tuple[int, int], part: Box | None
) -> tuple[bytes, int, int, int]:
    """What GIMP gives of an image, a drawable or a part of a drawable: bytes, width, height, bytes a pixel."""
    if part is not None and isinstance(source, Gimp.Drawable):
        data, width, height, bpp = source.get_sub_thumbnail_data(*part, *size)
        return bytes(data.get_data() or b""), width, height, bpp
    seen, width, height, bpp = source.get_thumbnail_data(*size)
    return bytes((seen.get_data() if seen else None) or b""), width, height, bpp


def read_srgb(
    image: Gimp.Image, source: Gimp.Image | Gimp.Drawable, size: tuple[int, int], part: Box | None = None
) -> tuple[bytes, int, int]:
    """R'G'B'A bytes (sRGB), width and height of an image's or drawable's thumbnail (or of a part of a drawable)."""
    data, width, height, bpp = _ask_thumbnail(source, size, part)
    if GIMP_32:
        rgba = to_rgba(data, bpp)
    else:
        has_alpha = not isinstance(source, Gimp.Drawable) or source.has_alpha()  # images always come with alpha
        rgba = _convert_native(image, data, (width, height, bpp), has_alpha)
    if (width, height) == size or part:
        return rgba, width, height
    return resize_rgba(rgba, width, height, *size), *size


def _convert_native(image: Gimp.Image, data: bytes, shape: tuple[int, int, int], has_alpha: bool) -> bytes:
    """R'G'B'A bytes in sRGB of pixels in the image's own precision and profile.

    shape: width, height, bytes a pixel.
    """
    width, height, bpp = shape
    encoded, component = _parse_precision(image)
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    prime, alpha = "'" if encoded else "", "A" if has_alpha else ""
    native = (f"Y{prime}" if gray else f"R{prime}G{prime}B{prime}") + f"{alpha} {component}"
    profile = image.get_color_profile()
    if not gray and profile is not None and not profile.is_equal(Gimp.ColorProfile.new_rgb_srgb()):
        return _convert_profile(data, (width, height), native, encoded, profile)
    if encoded and component == "u8":
        return to_rgba(data, bpp)
    return convert_pixels(data, width, height, native, "R'G'B'A u8")


def _parse_precision(image: Gimp.Image) -> tuple[bool, str]:
    """Whether the image's values are display-encoded, and babl's name of their type."""
    name = image.get_precision().value_nick  # such as "u8-non-linear"
    component, _dash, encoding = name.partition("-")
    return encoding != "linear", component


def _convert_profile(
    data: bytes, size: tuple[int, int], source: str, encoded: bool, profile: Gimp.ColorProfile
) -> bytes:
    """R'G'B'A bytes in sRGB from pixels in another colour profile, by way of a small image."""
    width, height = size
    precision = Gimp.Precision.FLOAT_NON_LINEAR if encoded else Gimp.Precision.FLOAT_LINEAR
    image = Gimp.Image.new_with_precision(width, height, Gimp.ImageBaseType.RGB, precision)
    try:
        image.undo_disable()
        layer = Gimp.Layer.new(image, "", width, height, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        rectangle = Gegl.Rectangle.new(0, 0, width, height)
        buffer = layer.get_buffer()
        buffer.set(rectangle, source, data)
        buffer.flush()
        image.set_color_profile(profile)
        srgb, intent = Gimp.ColorProfile.new_rgb_srgb(), Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
        image.convert_color_profile(srgb, intent, True)
        return bytes(image.get_layers()[0].get_buffer().get(rectangle, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE))
    finally:
        image.delete()
