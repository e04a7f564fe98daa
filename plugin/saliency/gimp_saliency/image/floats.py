# SPDX-License-Identifier: GPL-3.0-or-later
"""What floating-point pixels may hold beyond black and white: no number at all, or more than white.

Nothing here is done pixel by pixel in Python: a single-precision number's highest byte says enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import compress

from gi.repository import Gegl, Gimp

from .geometry import Box
from .pixels import ROWS

_BLACK = bytes(14) + b"\x80\x3f"  # an opaque pixel
_WHITE = 1.001  # linear; what conversions may make of exactly white
# By a number's highest byte: infinite, no number, or too large for any picture (1.7e38).
_LOST = bytes(byte & 0x7F == 0x7F for byte in range(256))


def is_floating(image: Gimp.Image) -> bool:
    """Whether an image keeps floating-point numbers."""
    return str(image.get_precision().value_nick).startswith(("half", "float", "double"))


def has_lost(layer: Gimp.Layer) -> bool:
    """Whether any pixel of a layer is no finite number (NaN, infinite)."""
    return is_floating(layer.get_image()) and any(True for _run in find_lost(layer))


def find_lost(layer: Gimp.Layer) -> Iterator[Box]:
    """The pixels of a layer that are no finite numbers, as boxes of one row each."""
    width = layer.get_width()
    for top, data in _read_strips(layer, (0, 0, width, layer.get_height())):
        lost = _mark_lost(data)
        if b"\1" not in lost:
            continue
        for row in range(len(lost) // width):
            for run in re.finditer(rb"\x01+", lost[row * width : (row + 1) * width]):
                yield run.start(), top + row, run.end() - run.start(), 1


def repair(layer: Gimp.Layer) -> list[Box]:
    """Make pixels that are no finite numbers black, so that no filter spreads them; where they were."""
    if not is_floating(layer.get_image()):
        return []
    lost = list(find_lost(layer))
    if lost:
        buffer = layer.get_buffer()
        for x, y, width, height in lost:
            buffer.set(Gegl.Rectangle.new(x, y, width, height), "RGBA float", _BLACK * width)
        buffer.flush()
        layer.update(0, 0, layer.get_width(), layer.get_height())
    return lost


def exceeds_white(layer: Gimp.Layer, is_everything: bool = False) -> bool:
    """Whether a selected pixel of a layer, or any, is lighter than white."""
    image = layer.get_image()
    if not is_floating(image):
        return False
    _ok, x, y = layer.get_offsets()
    _ok, some, left, top, right, bottom = Gimp.Selection.bounds(image)
    if is_everything or not some:
        left, top, right, bottom = x, y, x + layer.get_width(), y + layer.get_height()
    left, top = max(left, x), max(top, y)
    right, bottom = min(right, x + layer.get_width()), min(bottom, y + layer.get_height())
    if left >= right or top >= bottom:
        return False
    selection = image.get_selection().get_buffer() if some and not is_everything else None
    width = right - left
    for row, data in _read_strips(layer, (left - x, top - y, width, bottom - top)):
        numbers = memoryview(data).cast("f")
        wanted = b"\1" * (len(data) // 16)
        if selection is not None:
            place = Gegl.Rectangle.new(left, row + y, width, len(data) // 16 // width)
            wanted = bytes(selection.get(place, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))
        if any(any(map(_WHITE.__lt__, compress(numbers[channel::4], wanted))) for channel in range(3)):
            return True
    return False


def _read_strips(layer: Gimp.Layer, box: Box) -> Iterator[tuple[int, bytes]]:
    """The rows of a box of a layer, some at a time: the first one's number, and linear RGBA as single precision."""
    x, y, width, height = box
    buffer = layer.get_buffer()
    for row in range(y, y + height, ROWS):
        strip = Gegl.Rectangle.new(x, row, width, min(ROWS, y + height - row))
        yield row, bytes(buffer.get(strip, 1.0, "RGBA float", Gegl.AbyssPolicy.NONE))


def _mark_lost(data: bytes) -> bytes:
    """A byte for each RGBA pixel in single precision: 1 where a value is no finite number."""
    marks = 0
    for channel in range(4):
        marks |= int.from_bytes(data[4 * channel + 3 :: 16].translate(_LOST), "little")
    return marks.to_bytes(len(data) // 16, "little")
