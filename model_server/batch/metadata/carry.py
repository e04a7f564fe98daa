# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry what a picture's file says of it into its result."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from PIL import Image

from model_server.batch.metadata import jpeg, png, tiff
from model_server.batch.metadata.carried import Carried
from model_server.batch.metadata.exif import adapt_exif
from model_server.batch.metadata.xmp import adapt_xmp
from model_server.batch.pictures import read_shape

_LARGEST = 1 << 30  # bytes; files beyond that are not read a second time
_WRITTEN = (jpeg.SIGNATURE, png.SIGNATURE, *tiff.SIGNATURES)  # what can be added to
_SELF_KEPT = (".xcf", ".psd", ".ora")  # GIMP's own way to keep everything, or nothing that anybody could add to


def carry_over(picture: Path, result: Path) -> tuple[str, ...]:
    """Give a result what its picture's file says of it, but for what is not true any more.

    Returns what is lost, in sentences.  A file that cannot be read is none of its business: GIMP has read it.  Raises
    OSError where the result cannot be written.
    """
    if result.suffix in _SELF_KEPT:
        return ()
    try:
        carried = _read(picture)
        content = _read_bytes(result)
        written = _write(content, _adapt(carried, picture, result)) if content.startswith(_WRITTEN) else content
    except (OSError, ValueError, struct.error, SyntaxError):
        return ()
    if written != content:
        result.write_bytes(written)
    try:
        return _explain(carried, _read(result), result.suffix[1:])
    except (OSError, ValueError, struct.error, SyntaxError):
        return ()


def _read(path: Path) -> Carried:
    content = _read_bytes(path)
    if content.startswith(jpeg.SIGNATURE):
        return jpeg.read_jpeg(content)
    if content.startswith(png.SIGNATURE):
        return png.read_png(content)
    if content.startswith(tiff.SIGNATURES):
        return tiff.read_tiff(content)
    return _read_other(path)


def _read_bytes(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST:
        raise ValueError("too large")
    return path.read_bytes()


def _read_other(path: Path) -> Carried:
    """Of formats that Pillow reads, WebP and AVIF say."""
    found: dict[str, bytes] = {}
    profile = False
    with suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError), Image.open(path) as picture:
        for name in ("exif", "xmp"):
            value = picture.info.get(name)
            if isinstance(value, bytes):
                found[name] = value.removeprefix(b"Exif\0\0")
        profile = bool(picture.info.get("icc_profile"))
    return Carried(found.get("exif", b""), found.get("xmp", b""), profile=profile)


def _adapt(carried: Carried, picture: Path, result: Path) -> Carried:
    """What is carried from a picture, made true of its result."""
    before, after = read_shape(picture), read_shape(result)
    size = after.size if after else (0, 0)
    exif = adapt_exif(carried.exif, size) if carried.exif[:2] in (b"II", b"MM") else b""  # TIFFs have it elsewhere
    xmp = adapt_xmp(carried.xmp, before.orientation if before else 1) if carried.xmp else b""
    iptc = jpeg.drop_previews(carried.iptc) if carried.iptc.startswith(jpeg.RESOURCE) else b""
    return replace(carried, exif=exif, xmp=xmp, iptc=iptc)


def _write(content: bytes, carried: Carried) -> bytes:
    if content.startswith(jpeg.SIGNATURE):
        return jpeg.write_jpeg(content, carried)
    if content.startswith(png.SIGNATURE):
        keeps_colours = bool(carried.colours) and not carried.profile
        return png.write_png(content, carried, keeps_colours)
    return tiff.write_tiff(content, carried)


def _explain(carried: Carried, kept: Carried, ending: str) -> tuple[str, ...]:
    has = set(kept.list_kinds())
    if kept.texts:
        has.add("the comment")
    lost = [kind for kind in carried.list_kinds() if kind not in has]
    notes = [f"{ending} cannot hold {_join(lost)}: not kept"] if lost else []
    return (*notes, *(f"{part}: not kept" for part in carried.parts))


def _join(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
