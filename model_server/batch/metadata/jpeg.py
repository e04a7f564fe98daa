# SPDX-License-Identifier: GPL-3.0-or-later
"""A JPEG's segments before the picture itself."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from model_server.batch.metadata.carried import Carried

SIGNATURE = b"\xff\xd8\xff"
RESOURCE = b"8BIM"  # what a block of Photoshop's begins with
_APP0, _APP1, _APP2, _APP13, _COMMENT, _SCAN = 0xE0, 0xE1, 0xE2, 0xED, 0xFE, 0xDA
_EXIF, _XMP, _MORE_XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_IPTC, _SEVERAL, _PROFILE = b"Photoshop 3.0\0", b"MPF\0", b"ICC_PROFILE\0"
_PREVIEWS = (0x0409, 0x040C)  # Photoshop's small pictures
_LONGEST = 65533  # bytes of a segment


def read_jpeg(content: bytes) -> Carried:
    """What there is to carry.  Raises ValueError or struct.error where the file is damaged."""
    found: dict[str, bytes] = {}
    more, parts, profile = [], [], False
    for kind, data in _list_segments(content):
        if kind == _APP1 and data.startswith(_EXIF):
            found.setdefault("exif", data[len(_EXIF) :])
        elif kind == _APP1 and data.startswith(_XMP):
            found.setdefault("xmp", data[len(_XMP) :])
        elif kind == _APP1 and data.startswith(_MORE_XMP):
            more.append(data)
        elif kind == _APP13 and data.startswith(_IPTC):
            found["iptc"] = found.get("iptc", b"") + data[len(_IPTC) :]
        elif kind == _COMMENT:
            found.setdefault("comment", data)
        elif kind == _APP2 and data.startswith(_SEVERAL):
            parts.append("further pictures in it (gain map, depth or preview)")
        elif kind == _APP2 and data.startswith(_PROFILE):
            profile = True
    if re.search(rb"(?:MotionPhoto|MicroVideo)(?:=[\"']|>)1", found.get("xmp", b"")):
        parts.append("its film (motion photo)")
    exif, xmp, iptc, comment = (found.get(name, b"") for name in ("exif", "xmp", "iptc", "comment"))
    return Carried(exif, xmp, tuple(more), iptc, comment, profile=profile, parts=tuple(parts))


def write_jpeg(content: bytes, carried: Carried) -> bytes:
    """A JPEG with what is carried in the place of its own.  Raises ValueError or struct.error."""
    added = [
        (_APP1, _EXIF + carried.exif if carried.exif else b""),
        (_APP1, _XMP + carried.xmp if carried.xmp else b""),
        *((_APP1, segment) for segment in carried.more_xmp),
        (_APP13, _IPTC + carried.iptc if carried.iptc else b""),
    ]
    added = [(kind, data) for kind, data in added if data and len(data) <= _LONGEST]
    starts = tuple(start for start in (_EXIF, _XMP, _IPTC) if any(data.startswith(start) for _kind, data in added))
    first, rest, scan = [], [], 0
    for kind, data, end in _walk(content):
        scan = end
        if kind == _APP0:
            first.append((kind, data))
        elif not (starts and kind in (_APP1, _APP13) and data.startswith(starts)):
            rest.append((kind, data))
    if carried.comment:
        rest.append((_COMMENT, carried.comment))
    segments = b"".join(struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data for kind, data in [*first, *added, *rest])
    return content[:2] + segments + content[scan:]


def drop_previews(blocks: bytes) -> bytes:
    """Photoshop's resource blocks without small pictures of before; those that cannot be read stay."""
    kept, place = b"", 0
    while blocks[place : place + 4] == RESOURCE and place + 12 <= len(blocks):
        (number,) = struct.unpack_from(">H", blocks, place + 4)
        name = blocks[place + 6] + 1
        start = place + 6 + name + name % 2
        (length,) = struct.unpack_from(">I", blocks, start) if start + 4 <= len(blocks) else (0,)
        end = start + 4 + length + length % 2
        if number not in _PREVIEWS:
            kept += blocks[place:end]
        place = end
    return kept + blocks[place:]


def _list_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    return ((kind, data) for kind, data, _end in _walk(content))


def _walk(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each segment's number and data, and where it ends, up to the first scan.  Raises ValueError if there is none."""
    place = 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            raise ValueError("no segment")
        kind = content[place + 1]
        if kind == 0xFF:  # filling
            place += 1
            continue
        if kind == _SCAN:
            return
        (length,) = struct.unpack_from(">H", content, place + 2)
        yield kind, content[place + 4 : place + 2 + length], place + 2 + length
        place += 2 + length
    raise ValueError("no scan")
