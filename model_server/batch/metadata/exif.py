# SPDX-License-Identifier: GPL-3.0-or-later
"""EXIF data made true of a result, in their places: cameras' own notes point into them by numbers of bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress

_ORIENTATION, _DETAILS, _WIDTH, _HEIGHT = 0x0112, 0x8769, 0xA002, 0xA003
_THUMBNAIL, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_SHORT, _LONG = 3, 4
_MOST = 512  # entries of a directory; more than any camera writes


def adapt_exif(block: bytes, size: tuple[int, int]) -> bytes:
    """EXIF data of a picture that now lies as it is seen and has this width and height, without a thumbnail of before.

    block: a TIFF structure.  What cannot be read stays as it is.
    """
    exif = bytearray(block)
    order = {b"II": "<", b"MM": ">"}.get(bytes(exif[:2]))
    if order is None or len(exif) < 8:
        return block
    try:
        (first,) = struct.unpack_from(order + "I", exif, 4)
        for tag, kind, place in _list_entries(exif, order, first):
            if tag == _ORIENTATION:
                _write(exif, order, kind, place, 1)
            elif tag == _DETAILS:
                (details,) = struct.unpack_from(order + "I", exif, place)
                with suppress(struct.error):
                    _write_size(exif, order, details, size)
        _remove_thumbnail(exif, order, first)
    except struct.error:
        pass
    return bytes(exif)


def _write_size(exif: bytearray, order: str, details: int, size: tuple[int, int]) -> None:
    for tag, kind, place in _list_entries(exif, order, details):
        if tag in (_WIDTH, _HEIGHT):
            _write(exif, order, kind, place, size[tag == _HEIGHT])


def _list_entries(exif: bytes | bytearray, order: str, start: int) -> Iterator[tuple[int, int, int]]:
    """Each entry's tag and type, and where its value or the place of that is."""
    (count,) = struct.unpack_from(order + "H", exif, start)
    for number in range(min(count, _MOST)):
        place = start + 2 + 12 * number
        tag, kind = struct.unpack_from(order + "HH", exif, place)
        yield tag, kind, place + 8


def _write(exif: bytearray, order: str, kind: int, place: int, value: int) -> None:
    if kind in (_SHORT, _LONG):
        struct.pack_into(order + ("H" if kind == _SHORT else "I"), exif, place, value)


def _remove_thumbnail(exif: bytearray, order: str, first: int) -> None:
    """Unlink the directory of the small picture, and blank that."""
    (count,) = struct.unpack_from(order + "H", exif, first)
    link = first + 2 + 12 * count
    (second,) = struct.unpack_from(order + "I", exif, link)
    if not second:
        return
    values = {
        tag: struct.unpack_from(order + "I", exif, place)[0] for tag, _kind, place in _list_entries(exif, order, second)
    }
    struct.pack_into(order + "I", exif, link, 0)
    start, length = values.get(_THUMBNAIL, 0), values.get(_THUMBNAIL_LENGTH, 0)
    if start and start + length <= len(exif):
        exif[start : start + length] = bytes(length)
