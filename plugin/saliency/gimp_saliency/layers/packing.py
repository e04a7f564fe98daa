# SPDX-License-Identifier: GPL-3.0-or-later
"""Selections in parasites of layers: every value, compressed."""

from __future__ import annotations

import base64
import struct
import zlib

from gi.repository import Gegl, Gimp

from ..image.geometry import Box
from ..image.pixels import ROWS
from ..image.selection import select_values
from ..shared.errors import UserError
from ..shared.words import _


def pack_selection(image: Gimp.Image, box: Box) -> bytes:
    """What is selected in a box of the canvas, as ASCII: GIMP 3.0 takes nothing else from Python."""
    x, y, width, height = box
    buffer, packer = image.get_selection().get_buffer(), zlib.compressobj(1)
    packed = b""
    for row in range(y, y + height, ROWS):
        strip = Gegl.Rectangle.new(x, row, width, min(ROWS, y + height - row))
        packed += packer.compress(bytes(buffer.get(strip, 1.0, "Y u16", Gegl.AbyssPolicy.NONE)))
    header = struct.pack("<4i", x, y, width, height)
    return base64.b64encode(header + packed + packer.flush())


def unpack_selection(image: Gimp.Image, packed: bytes) -> tuple[bytes, Box]:
    """The inverse of `pack_selection`: 16-bit values, and the box of the canvas that they are for.

    Raises UserError for what is damaged, does not lie on the canvas or selects nothing.
    """
    try:
        data = base64.b64decode(packed.rstrip(b"\0"), validate=True)
        x, y, width, height = struct.unpack("<4i", data[:16])
        canvas = (image.get_width(), image.get_height())
        if not (0 <= x < x + width <= canvas[0] and 0 <= y < y + height <= canvas[1]):
            raise ValueError
        values = zlib.decompressobj().decompress(data[16:], 2 * width * height)
        if len(values) != 2 * width * height or not any(values):
            raise ValueError
    except (struct.error, ValueError, zlib.error) as error:
        message = _("The edit's selection is no longer known: delete its layer, select the region and edit again.")
        raise UserError(message) from error
    return values, (x, y, width, height)


def select_packed(image: Gimp.Image, packed: bytes, operation: Gimp.ChannelOps = Gimp.ChannelOps.REPLACE) -> None:
    """Select what was packed, or combine it with the selection.  Raises UserError as `unpack_selection`."""
    values, box = unpack_selection(image, packed)
    select_values(image, values, "u16", box, operation)


def read_packed(layer: Gimp.Layer, name: str) -> bytes:
    """What the parasite of this name holds, empty where there is none.  Of bytes other than ASCII nothing."""
    parasite = layer.get_parasite(name)
    if parasite is None:
        return b""
    try:
        return bytes(parasite.get_data())
    except ValueError:  # GIMP's Python hands such bytes out as negative numbers
        return b""
