# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are pictures, and what can be known of one without GIMP."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image

from model_server.batch import listing

# Pillow's doubts about a file are no business of whoever edits a thousand of them: GIMP says what it cannot read.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")

# The formats of results, by the endings of pictures that keep them.
FORMATS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif", "jif"), "jpg"),
    **dict.fromkeys(("tif", "tiff"), "tif"),
    **dict.fromkeys(("exr", "hdr"), "exr"),  # no other one holds what they do
    "png": "png",
    "xcf": "xcf",
}
# What GIMP reads, beyond FORMATS; other files in the folder are not ours to complain about.
_READ_ONLY = re.compile("avif|bmp|dds|fits|gif|heic|heif|jp2|jxl|ora|p[bgnp]m|pcx|psb|psd|qoi|tga|webp")
_RAW = re.compile(
    "3fr|arw|cr2|cr3|crw|dcr|dng|erf|fff|gpr|iiq|k25|kdc|mef|mos|mrw|nef|nrw|orf|pef|ptx|raf|raw|rw2|rwl|sr2|srf|srw|x3f"
)

MASKS = ("png", "tif", "tiff", "webp", "bmp", "gif", "jpg", "jpeg", "jpe", "jfif")  # endings of masks, the best first

_IN_PLACE = 1  # EXIF's orientation of a picture that is stored as it is seen
_TURNED = range(5, 9)  # those whose width is stored as height


def is_picture(name: str) -> bool:
    """Whether a file's ending is that of a picture which GIMP reads by itself."""
    ending = listing.split_name(name)[1]
    return ending in FORMATS or _READ_ONLY.fullmatch(ending) is not None


def is_raw(name: str) -> bool:
    """Whether a file is a camera's raw one, which must be developed first."""
    return _RAW.fullmatch(listing.split_name(name)[1]) is not None


class Shape(NamedTuple):
    """How a picture lies in its file.

    size: width and height in px as it is seen; orientation: EXIF's number of how it is stored.
    """

    size: tuple[int, int]
    orientation: int = _IN_PLACE

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height as they are stored."""
        width, height = self.size
        return (height, width) if self.orientation in _TURNED else (width, height)


def read_shape(path: Path) -> Shape | None:
    """A picture's shape; None where GIMP alone can read it."""
    try:
        with Image.open(path) as picture:
            orientation = picture.getexif().get(ExifTags.Base.Orientation, _IN_PLACE)
            size = picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if orientation not in range(1, 9):
        orientation = _IN_PLACE
    return Shape(size[::-1] if orientation in _TURNED else size, orientation)


def split_masks(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of a folder's sorted names the pictures, and the masks that lie beside them.

    A mask has the name of another picture and a number, `_mask` or a second ending, or it is the PNG beside the one
    picture of another format with its name.
    """
    alike = sorted(map(listing.normalize, names))
    masks = {name for name in names if _is_mask(alike, listing.normalize(name))}
    return [name for name in names if name not in masks], [name for name in names if name in masks]


def strip_mask_name(stem: str) -> str:
    """The picture's name in a mask's without its ending, which may have a number or `_mask` behind it."""
    return re.sub(r"(?:__[0-9]+|[_-]mask)$", "", stem, flags=re.IGNORECASE)


def _is_mask(names: Sequence[str], name: str) -> bool:
    stem, ending = listing.split_name(name)
    owner = strip_mask_name(stem)
    if owner != stem and any(True for _other in listing.with_stem(names, owner)):
        return True
    if is_picture(stem) and listing.contains(names, stem):
        return True
    others = [other for other in listing.with_stem(names, stem) if other != name]
    return ending == "png" and len(others) == 1 and listing.split_name(others[0])[1] != "png"
