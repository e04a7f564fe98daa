# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of a folder, read while GIMP works on the picture before; loading one there takes a tenth of a second."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None  # the user's own files, and GIMP takes any size

# Grey values as the file has them: a byte, a bit, two bytes.  Colours and transparency are GIMP's business.
_MODES = ("L", "1", "I;16")


def is_black(path: Path) -> bool:
    """Whether a mask shows no region at all; of one that cannot be read, no: GIMP will say why."""
    try:
        with Image.open(path) as mask:
            if getattr(mask, "n_frames", 1) > 1:
                return False
            if mask.mode not in _MODES or "transparency" in mask.info:
                mask = mask.convert("RGBA")
                mask = Image.composite(mask, Image.new("RGBA", mask.size, (0, 0, 0, 255)), mask).convert("RGB")
            return mask.getbbox() is None
    except (OSError, ValueError, SyntaxError):
        return False


def read(path: Path) -> dict[str, Any] | None:
    """A mask's grey values for `folder_job`, None where GIMP itself should read it, or say why nobody can.

    "size": its width and height; "box": x, y, width and height of what is not black; "component": "u8" or "u16", in
    the machine's order; "values": the box's, deflated, in base64.
    """
    try:
        with Image.open(path) as mask:
            if mask.mode not in _MODES or "transparency" in mask.info or getattr(mask, "n_frames", 1) > 1:
                return None
            box = mask.getbbox()
            if box is None:
                return None
            part = mask.crop(box)
            values = np.asarray(part.convert("L") if mask.mode == "1" else part)
            size = mask.size
    except (OSError, ValueError, SyntaxError):
        return None
    return {
        "size": size,
        "box": (box[0], box[1], box[2] - box[0], box[3] - box[1]),
        "component": "u8" if values.dtype == np.uint8 else "u16",
        "values": base64.b64encode(zlib.compress(values.tobytes(), 1)).decode("ascii"),
    }
