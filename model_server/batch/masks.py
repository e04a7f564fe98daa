# SPDX-License-Identifier: GPL-3.0-or-later
"""The masks of a folder: which ones belong to a picture, and their values.

They are read here, while GIMP works on the picture before; loading one there takes a tenth of a second.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from model_server.batch import listing

Image.MAX_IMAGE_PIXELS = None  # the user's own files, and GIMP takes any size

# Grey values as the file has them: a byte, a bit, two bytes.  Colours and transparency are GIMP's business.
_MODES = ("L", "1", "I;16")


class MaskFolder:
    """The PNG files of a folder, as their names alone: some hundred bytes a mask.  Raises BatchError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = listing.list_names(folder, lambda name: listing.split_name(name)[1] == "png")

    def find(self, stem: str) -> list[tuple[int, Path]]:
        """The masks of a picture's name without its ending, each with its region's number, in the order of editing.

        `<stem>.png` is number 0, `<stem>__<k>.png` number k.
        """
        if not stem:
            return []
        found = [(0, name) for name in listing.with_stem(self._names, stem)]
        for name in listing.with_prefix(self._names, f"{stem}__"):
            number = listing.split_name(name)[0][len(stem) + 2 :]
            if re.fullmatch("[0-9]+", number):
                found.append((int(number), name))
        return [(number, listing.join_path(self._folder, name)) for number, name in sorted(found)]


@dataclass(frozen=True)
class MaskValues:
    """A mask's grey values.

    size: width and height in px; box: x, y, width and height of what is not black; component: babl's name for one
    value, "u8" or "u16", in the machine's order; deflated: the values of the box, row by row.
    """

    size: tuple[int, int]
    box: tuple[int, int, int, int]
    component: str
    deflated: bytes

    def to_json(self) -> dict[str, Any]:
        """As `MaskValues` of the plug-in reads it."""
        values = base64.b64encode(self.deflated).decode("ascii")
        return {"size": self.size, "box": self.box, "component": self.component, "values": values}


def read_mask(path: Path) -> MaskValues | None:
    """A mask's values; None where GIMP itself should read the file, or say why nobody can."""
    try:
        with Image.open(path) as mask:
            if not _is_gray(mask) or _is_animated(mask):
                return None
            box = mask.getbbox()
            if box is None:
                return None
            part = mask.crop(box)
            values = np.asarray(part.convert("L") if mask.mode == "1" else part)
            size = mask.size
    except (OSError, ValueError, SyntaxError):
        return None
    left, top, right, bottom = box
    component = "u8" if values.dtype == np.uint8 else "u16"
    return MaskValues(size, (left, top, right - left, bottom - top), component, zlib.compress(values.tobytes(), 1))


def is_black(path: Path) -> bool:
    """Whether a mask shows no region at all; of one that cannot be read, no: GIMP will say why."""
    try:
        with Image.open(path) as mask:
            if _is_animated(mask):
                return False
            if not _is_gray(mask):
                mask = mask.convert("RGBA")
                mask = Image.composite(mask, Image.new("RGBA", mask.size, (0, 0, 0, 255)), mask).convert("RGB")
            return mask.getbbox() is None
    except (OSError, ValueError, SyntaxError):
        return False


def _is_gray(mask: Image.Image) -> bool:
    return mask.mode in _MODES and "transparency" not in mask.info


def _is_animated(mask: Image.Image) -> bool:
    return getattr(mask, "n_frames", 1) > 1
