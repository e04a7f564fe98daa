# SPDX-License-Identifier: GPL-3.0-or-later
"""XMP made true of a result: faces lie elsewhere in a picture that was turned upright.

Found by patterns, not parsed: so every other letter of the packet stays as it is.
"""

from __future__ import annotations

import re

_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[2-8](?=[\"'<])")
_MOVING = re.compile(
    rb"((?:MotionPhoto|MicroVideo)(?:=[\"']|>))1(?=[\"'<])"
)  # a film behind the picture, which is gone
_AREA = re.compile(rb"<mwg-rs:Area\b.*?(?:/>|</mwg-rs:Area>)", re.DOTALL)
_SIZE = re.compile(rb"<mwg-rs:AppliedToDimensions\b.*?(?:/>|</mwg-rs:AppliedToDimensions>)", re.DOTALL)


def adapt_xmp(packet: bytes, orientation: int) -> bytes:
    """XMP of a picture that was stored as EXIF's orientation says, and lies as it is seen now."""
    packet = _MOVING.sub(rb"\g<1>0", _ORIENTATION.sub(rb"\g<1>1", packet))
    if orientation == 1:
        return packet
    packet = _AREA.sub(lambda found: _turn_area(found[0], orientation), packet)
    return _SIZE.sub(lambda found: _turn_size(found[0]), packet) if orientation >= 5 else packet


def _turn_area(area: bytes, orientation: int) -> bytes:
    """A region's middle and size, shares of the picture's."""
    try:
        x, y, width, height = (float(_find(area, b"stArea:" + name)) for name in (b"x", b"y", b"w", b"h"))
    except ValueError:
        return area
    turned = {
        2: (1 - x, y), 3: (1 - x, 1 - y), 4: (x, 1 - y), 5: (y, x), 6: (1 - y, x), 7: (1 - y, 1 - x), 8: (y, 1 - x),
    }[orientation]  # fmt: skip
    size = (height, width) if orientation >= 5 else (width, height)
    for name, value in zip((b"x", b"y", b"w", b"h"), (*turned, *size)):
        area = _replace(area, b"stArea:" + name, b"%.6g" % value)
    return area


def _turn_size(size: bytes) -> bytes:
    width, height = (_find(size, b"stDim:" + name) for name in (b"w", b"h"))
    return _replace(_replace(size, b"stDim:w", height), b"stDim:h", width) if width and height else size


def _find(text: bytes, name: bytes) -> bytes:
    """The value of an attribute or element; empty where there is none."""
    found = re.search(name + rb"(?:\s*=\s*[\"']|>)([^\"'<]*)", text)
    return found[1] if found else b""


def _replace(text: bytes, name: bytes, value: bytes) -> bytes:
    return re.sub(rb"(" + name + rb"(?:\s*=\s*[\"']|>))[^\"'<]*", lambda found: found[1] + value, text, count=1)
