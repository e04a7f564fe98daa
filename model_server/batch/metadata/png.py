# SPDX-License-Identifier: GPL-3.0-or-later
"""A PNG's chunks beside its pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from model_server.batch.metadata.carried import Carried, Chunk

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_COLOURS = (b"cICP", b"gAMA", b"cHRM", b"sRGB", b"mDCV", b"cLLI")  # what the numbers mean
_XMP = b"XML:com.adobe.xmp\0"
_OURS = b"Raw profile type "  # GIMP's and others' old way to keep EXIF and IPTC
_IPTC = _OURS + b"iptc\0"  # for which PNG has no other
_PROFILE, _EXIF, _HEADER, _END = b"iCCP", b"eXIf", b"IHDR", b"IEND"


def read_png(content: bytes) -> Carried:
    """What there is to carry.  Raises struct.error where the file is damaged."""
    exif = xmp = iptc = b""
    texts: list[Chunk] = []
    colours: list[Chunk] = []
    profile, parts = False, tuple[str, ...]()
    for kind, data in _list_chunks(content):
        if kind == _EXIF:
            exif = data
        elif kind == b"iTXt" and data.startswith(_XMP):
            xmp = _unpack_text(data)
        elif kind in _TEXTS and data.startswith(_IPTC):
            iptc = data
        elif kind in _TEXTS and not data.startswith(_OURS):
            texts.append((kind, data))
        elif kind in _COLOURS:
            colours.append((kind, data))
        elif kind == _PROFILE:
            profile = True
        elif kind == b"acTL":
            parts = ("its further frames",)
    return Carried(
        exif=exif, xmp=xmp, iptc=iptc, texts=tuple(texts), colours=tuple(colours), profile=profile, parts=parts
    )


def write_png(content: bytes, carried: Carried, keeps_colours: bool) -> bytes:
    """A PNG with what is carried in the place of its own.  Raises struct.error.

    keeps_colours: its numbers mean what those of the picture did.
    """
    added: list[Chunk] = list(carried.colours) if keeps_colours else []
    if carried.exif:
        added.append((_EXIF, carried.exif))
    if carried.xmp:
        added.append((b"iTXt", _XMP + b"\0\0\0\0" + carried.xmp))
    if carried.comment:
        added.append((b"tEXt", b"Comment\0" + carried.comment.rstrip(b"\0").replace(b"\0", b" ")))
    added += carried.texts
    dropped = {kind for kind, _data in added if kind not in _TEXTS}
    if keeps_colours:
        dropped |= {_PROFILE, *_COLOURS}
    has_own = bool(carried.exif or carried.xmp or carried.texts)  # in whose place GIMP's words on it would stand
    chunks: list[Chunk] = []
    end = len(SIGNATURE)
    for kind, data in _list_chunks(content):
        end += 12 + len(data)
        is_gimps = has_own and kind in _TEXTS and not data.startswith(_IPTC)
        if kind in dropped or is_gimps:
            continue
        chunks.append((kind, data))
        if kind == _HEADER:
            chunks += added
    return SIGNATURE + b"".join(map(_pack_chunk, chunks)) + content[end:]


def _list_chunks(content: bytes) -> Iterator[Chunk]:
    place = len(SIGNATURE)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        yield kind, content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == _END:
            return


def _pack_chunk(chunk: Chunk) -> bytes:
    kind, data = chunk
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _unpack_text(data: bytes) -> bytes:
    """What an international text says: keyword, flag and method of compression, language, translated keyword, text."""
    _keyword, _zero, rest = data.partition(b"\0")
    is_packed = rest[:1] == b"\1"
    text = rest[2:].split(b"\0", 2)[-1]
    try:
        return zlib.decompress(text) if is_packed else text
    except zlib.error:
        return b""
