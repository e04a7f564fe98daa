# SPDX-License-Identifier: GPL-3.0-or-later
"""From GIMP to bytes: a thumbnail of what the user sees, with the selection as fourth channel.

GIMP 3.2 returns thumbnails as 8-bit sRGB, GIMP 3.0 in the image's own precision and profile; both come out the same
here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errors import UserError
from gi.repository import Babl, Gegl, Gimp
from selection import kept
from srgb import decode
from target import GIMP_32, covers_canvas, edits_above, lineage, siblings
from words import _

_LONG_SIDE = 384  # px; what the server takes at most
_LARGEST_THUMBNAIL = 1024  # px; of GIMP's own making
_SHORT_SIDE = 16  # px; what it takes at least
_LINEAR = bytes(round(255 * decode(i / 255)) for i in range(256))
_BACKDROP = 128  # grey value seen through transparent pixels, the mean of GIMP's checks


@dataclass(frozen=True)
class Thumbnail:
    """R'G'B'M bytes, 8-bit sRGB and the mask (255 = selected), row by row."""

    pixels: bytes
    width: int
    height: int


def read(image: Any, layer: Any) -> Thumbnail:
    """What is visible at and below the layer and its edits, whole canvas, long side 384 px at most.

    The mask is the selection, soft edges kept, within the layer's opaque pixels.  Raises UserError if it is empty.
    """
    mask, size = read_mask(image, layer)
    picture = _visible(image, layer, size)
    pixels = bytearray(4 * size[0] * size[1])
    for channel in range(3):
        pixels[channel::4] = picture[channel::3]
    pixels[3::4] = mask
    return Thumbnail(bytes(pixels), *size)


def thumbnail_size(image: Any) -> tuple[int, int]:
    """Width and height of what the server gets of an image.  Raises UserError if that is too narrow."""
    scale = min(1.0, _LONG_SIDE / max(image.get_width(), image.get_height()))
    size = round(image.get_width() * scale), round(image.get_height() * scale)
    if min(size) < _SHORT_SIDE:
        raise UserError(_("The picture is too narrow: crop it so that no side is more than 24 times the other."))
    return size


def read_mask(image: Any, layer: Any) -> tuple[bytes, tuple[int, int]]:
    """The same mask alone, and its width and height."""
    size = thumbnail_size(image)
    mask = _mask(image, layer, size)
    if not any(mask):
        raise UserError(
            _("The selection is too small, or the layer is empty there: select a larger part of the picture.")
        )
    return mask, size


def read_box(image: Any, layer: Any, box: tuple[int, int, int, int], longest: int) -> Thumbnail:
    """The same of a part of the canvas (x, y, width, height), not enlarged, its long side `longest` px at most.

    The mask is the selection alone.
    """
    x, y, width, height = box
    scale = min(1.0, longest / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if _is_photo_alone(image, layer):
        rgba, *found = srgb(image, layer, size, box)
        picture = flat((_resized_rgba(rgba, found[0], found[1], *size), *size))
    else:
        # GIMP has no thumbnails of a part of the composition.
        whole = min(scale, _LARGEST_THUMBNAIL / max(image.get_width(), image.get_height()))
        whole_size = round(image.get_width() * whole), round(image.get_height() * whole)
        size = max(1, int(width * whole)), max(1, int(height * whole))
        left, top = min(int(x * whole), whole_size[0] - size[0]), min(int(y * whole), whole_size[1] - size[1])
        pixels = _visible(image, layer, whole_size)
        starts = (3 * (row * whole_size[0] + left) for row in range(top, top + size[1]))
        picture = b"".join(pixels[start : start + 3 * size[0]] for start in starts)
    pixels4 = bytearray(4 * size[0] * size[1])
    for channel in range(3):
        pixels4[channel::4] = picture[channel::3]
    pixels4[3::4] = _selection(image, size, box)
    return Thumbnail(bytes(pixels4), *size)


def read_channel(image: Any, channel: Any, box: tuple[int, int, int, int], size: tuple[int, int]) -> bytes:
    """The mask that a selection of the channel would be, of a part of the canvas, at a width and height."""
    with kept(image):
        image.select_item(Gimp.ChannelOps.REPLACE, channel)
        return _selection(image, size, box)


def _is_photo_alone(image: Any, layer: Any) -> bool:
    """Whether nothing but the layer is to be seen at and below it: many times faster than the whole composition."""
    return not edits_above(image, layer) and layer.get_parent() is None and covers_canvas(image, layer)


def _visible(image: Any, layer: Any, size: tuple[int, int]) -> bytes:
    """R'G'B' bytes of the composition from the canvas' bottom up to the layer's topmost edit."""
    top = [layer, *edits_above(image, layer)][-1]
    if _is_photo_alone(image, layer):
        return flat(srgb(image, layer, size))
    levels = [(siblings(image, item), item) for item in lineage(top)]
    positions = [row.index(item) for row, item in levels]
    if not any(item.get_visible() for (row, _item), position in zip(levels, positions) for item in row[:position]):
        return flat(srgb(image, image, size))
    copy = image.duplicate()  # shares its pixels with the image; the user's layers must not flicker
    try:
        row = copy.get_layers()
        for position in reversed(positions):
            for item in row[:position]:
                item.set_visible(False)
            row = row[position].get_children() if row[position].is_group() else []
        return flat(srgb(copy, copy, size))
    finally:
        copy.delete()


def _mask(image: Any, layer: Any, size: tuple[int, int]) -> bytes:
    """The selection times the layer's coverage, one linear byte a pixel."""
    mask = _selection(image, size)
    coverage = _coverage(image, layer, size)
    if coverage.count(255) == len(coverage):
        return mask
    return bytes(m * c // 255 for m, c in zip(mask, coverage))


def _coverage(image: Any, layer: Any, size: tuple[int, int]) -> bytes:
    """The layer's alpha on the canvas, 0 outside the layer."""
    width, height = size
    _ok, x, y = layer.get_offsets()
    left, right = max(0, x), min(image.get_width(), x + layer.get_width())
    top, bottom = max(0, y), min(image.get_height(), y + layer.get_height())
    scale = width / image.get_width()
    columns = _span(left, right, scale, width)
    rows = _span(top, bottom, scale, height)
    part = b"\xff" * (len(columns) * len(rows))
    if layer.has_alpha():
        rectangle = (left - x, top - y, right - left, bottom - top)
        rgba, part_width, part_height = srgb(image, layer, (len(columns), len(rows)), rectangle)
        part = _resized(rgba[3::4], part_width, part_height, len(columns), len(rows))
    coverage = bytearray(width * height)
    for i, row in enumerate(rows):
        start = row * width + columns.start
        coverage[start : start + len(columns)] = part[i * len(columns) : (i + 1) * len(columns)]
    return bytes(coverage)


def _span(first: int, last: int, scale: float, limit: int) -> range:
    start = min(int(first * scale), limit - 1)
    return range(start, max(start + 1, min(limit, round(last * scale))))


def _resized(plane: bytes, width: int, height: int, new_width: int, new_height: int) -> bytes:
    """Nearest neighbour; GIMP keeps the aspect of thumbnails, which may cost a row or a column."""
    if (width, height) == (new_width, new_height):
        return plane
    columns = [x * width // new_width for x in range(new_width)]
    rows = (y * height // new_height * width for y in range(new_height))
    return bytes(plane[row + column] for row in rows for column in columns)


def _selection(image: Any, size: tuple[int, int], part: tuple[int, int, int, int] | None = None) -> bytes:
    selection = image.get_selection()
    thumbnail = selection.get_sub_thumbnail_data(*part, *size) if part else selection.get_thumbnail_data(*size)
    data, width, height, bpp = thumbnail
    data = bytes(data.get_data())
    if GIMP_32:
        plane = data[::bpp].translate(_LINEAR)  # comes back display-encoded
    else:
        native = Babl.format_get_encoding(selection.get_format())  # encoded in 8-bit images from files, else linear
        if native == "Y' u8":
            plane = data.translate(_LINEAR)
        else:
            plane = data if native == "Y u8" else _convert(data, width, height, native, "Y u8")
    return _resized(plane, width, height, *size)


def flat(thumbnail: tuple[bytes, int, int]) -> bytes:
    """R'G'B' of R'G'B'A bytes; transparent pixels show GIMP's checks from afar, a middle grey."""
    rgba = thumbnail[0]
    alpha = rgba[3::4]
    rgb = bytearray(3 * len(alpha))
    opaque = alpha.count(255) == len(alpha)
    for channel in range(3):
        plane = rgba[channel::4]
        if not opaque:
            plane = bytes((v * a + _BACKDROP * (255 - a)) // 255 for v, a in zip(plane, alpha))
        rgb[channel::3] = plane
    return bytes(rgb)


def srgb(
    image: Any, source: Any, size: tuple[int, int], part: tuple[int, int, int, int] | None = None
) -> tuple[bytes, int, int]:
    """R'G'B'A bytes (sRGB), width and height of an image's or drawable's thumbnail (or of a part of a drawable)."""
    thumbnail = source.get_sub_thumbnail_data(*part, *size) if part else source.get_thumbnail_data(*size)
    data, width, height, bpp = thumbnail
    data = bytes(data.get_data())
    whole_image = isinstance(source, Gimp.Image)  # always comes with alpha
    if GIMP_32:
        rgba = _rgba(data, bpp)
    else:
        encoded, component = _component(image)
        alpha = "A" if whole_image or source.has_alpha() else ""
        gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
        prime = "'" if encoded else ""
        source_format = (f"Y{prime}" if gray else f"R{prime}G{prime}B{prime}") + f"{alpha} {component}"
        profile = image.get_color_profile()
        standard = gray or profile is None or profile.is_equal(Gimp.ColorProfile.new_rgb_srgb())
        if standard and encoded and component == "u8":
            rgba = _rgba(data, bpp)
        elif standard:
            rgba = _convert(data, width, height, source_format, "R'G'B'A u8")
        else:
            rgba = _convert_profile(data, width, height, source_format, encoded, profile)
    if (width, height) == size or part:
        return rgba, width, height
    return _resized_rgba(rgba, width, height, *size), *size


def _rgba(data: bytes, bpp: int) -> bytes:
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


def _resized_rgba(rgba: bytes, width: int, height: int, new_width: int, new_height: int) -> bytes:
    if (width, height) == (new_width, new_height):
        return rgba
    resized = bytearray(4 * new_width * new_height)
    for channel in range(4):
        resized[channel::4] = _resized(rgba[channel::4], width, height, new_width, new_height)
    return bytes(resized)


def _component(image: Any) -> tuple[bool, str]:
    """Whether the image's values are display-encoded, and babl's name of their type."""
    name = image.get_precision().value_nick  # such as "u8-non-linear"
    component, _dash, encoding = name.partition("-")
    return encoding != "linear", component


def _convert(data: bytes, width: int, height: int, source: str, target: str) -> bytes:
    """The same pixels in another babl format."""
    Gegl.init(None)
    buffer = Gegl.Buffer.new(source, 0, 0, width, height)
    rectangle = Gegl.Rectangle.new(0, 0, width, height)
    buffer.set(rectangle, source, data)
    return bytes(buffer.get(rectangle, 1.0, target, Gegl.AbyssPolicy.NONE))


def _convert_profile(data: bytes, width: int, height: int, source: str, encoded: bool, profile: Any) -> bytes:
    """R'G'B'A bytes in sRGB from pixels in another colour profile, by way of a small image."""
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
