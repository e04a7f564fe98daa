# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of a TIFF's first directory."""

from __future__ import annotations

import struct
from typing import NamedTuple

from model_server.batch.metadata.carried import Carried

SIGNATURES = (b"II*\0", b"MM\0*")
_XMP, _PHOTOSHOP, _PROFILE, _DETAILS = 700, 34377, 34675, 34665
_BYTES = {1: 1, 2: 1, 6: 1, 7: 1, 3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4, 5: 8, 10: 8, 12: 8}  # of a value, by its type
_BYTE, _UNDEFINED = 1, 7


class _Entry(NamedTuple):
    tag: int
    kind: int
    number: int
    value: bytes  # four bytes: the value, or where it is


def read_tiff(content: bytes) -> Carried:
    """What there is to carry: no EXIF, which GIMP keeps.  Raises struct.error where the file is damaged."""
    order, entries, _link = _read_directory(content)
    found = {entry.tag: _read_value(content, order, entry) for entry in entries}
    iptc = found.get(_PHOTOSHOP, b"")
    exif = b"kept" if _DETAILS in found else b""
    return Carried(exif=exif, xmp=found.get(_XMP, b""), iptc=iptc, profile=_PROFILE in found)


def write_tiff(content: bytes, carried: Carried) -> bytes:
    """A TIFF that has what is carried and it lacks, in a new directory at its end.  Raises struct.error."""
    order, entries, link = _read_directory(content)
    own = {entry.tag for entry in entries}
    added = {_XMP: carried.xmp, _PHOTOSHOP: carried.iptc}
    if not any(data and tag not in own for tag, data in added.items()):
        return content
    result = bytearray(content)
    for tag, data in added.items():
        if data and tag not in own:
            result += bytes(len(result) % 2)
            entries.append(
                _Entry(tag, _UNDEFINED if tag != _XMP else 1, len(data), _pack_value(order, len(result), data))
            )
            if len(data) > 4:
                result += data
    result += bytes(len(result) % 2)
    struct.pack_into(order + "I", result, 4, len(result))
    result += struct.pack(order + "H", len(entries))
    for entry in sorted(entries):
        result += struct.pack(order + "HHI", *entry[:3]) + entry.value
    return bytes(result + struct.pack(order + "I", link))


def _read_directory(content: bytes) -> tuple[str, list[_Entry], int]:
    """The order of bytes, the entries of the first directory, and where the next one is."""
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, start)
    entries = [
        _Entry(*struct.unpack_from(order + "HHI4s", content, start + 2 + 12 * number)) for number in range(count)
    ]
    (link,) = struct.unpack_from(order + "I", content, start + 2 + 12 * count)
    return order, entries, link


def _read_value(content: bytes, order: str, entry: _Entry) -> bytes:
    length = _BYTES.get(entry.kind, 1) * entry.number
    if length <= 4:
        return entry.value[:length]
    (start,) = struct.unpack(order + "I", entry.value)
    return content[start : start + length]


def _pack_value(order: str, place: int, data: bytes) -> bytes:
    return data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(order + "I", place)
