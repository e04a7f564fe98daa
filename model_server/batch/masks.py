# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of a folder's pictures in files of masks: which ones belong to a picture, and their values.

They are read here, while GIMP works on the picture before; loading one there takes a tenth of a second.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Union

import numpy as np
from PIL import Image

from gimp_saliency.shared.proportions import has_shape
from model_server.batch import listing
from model_server.batch.annotations import Drawing
from model_server.batch.coverage import Values, read_coverage
from model_server.batch.failures import EmptyMask, JobError
from model_server.batch.pictures import MASKS, Shape, is_picture, split_masks

Image.MAX_IMAGE_PIXELS = None  # the user's own files, and GIMP takes any size

Mask = Union[Path, Drawing]  # a picture in a file, or what an annotation says

_FEWEST = 16.0  # px of the picture; by less nobody means a region
_SHARE = 0.01  # of a picture that has hardly more itself
_LEAST = 1e-5  # of the picture


class Regions(Protocol):
    """Where it is said what of pictures is meant."""

    @property
    def paths(self) -> Collection[Path]:
        """The folders and files in which it is."""

    def find(self, name: str) -> Sequence[tuple[int, Mask]]:
        """The masks of a picture, each with its region's number, in the order of editing."""

    def advise(self, name: str) -> str:
        """What helps a picture that has none."""


class MaskFolder:
    """The masks of a folder, as their names alone: some hundred bytes a mask.  Raises BatchError."""

    def __init__(self, folder: Path, recursive: bool = False, beside: bool = False) -> None:
        """recursive: with those of sub-folders, for pictures in alike ones.  beside: the pictures lie there, too."""
        self._folder = folder
        names = listing.list_names(folder, is_picture if beside else _is_mask, recursive)
        if beside:
            names = list(filter(_is_mask, split_masks(names)[1]))
        self._spelled = {listing.normalize(name): name for name in names if listing.normalize(name) != name}
        self._names = sorted(map(listing.normalize, names))

    @property
    def paths(self) -> Collection[Path]:
        return (self._folder,)

    def find(self, name: str) -> list[tuple[int, Mask]]:
        """The masks of a picture; of <stem>.jpg `<stem>.png` is number 0, `<stem>__<k>.png` number k.

        Number 0 may also be `<stem>_mask.png`, `<stem>-mask.png` or `<stem>.jpg.png`; its ending any of a picture.
        """
        name = listing.normalize(name)
        stem = listing.split_name(name)[0]
        if not stem:
            return []
        found = {0: self._find_stems(stem, f"{stem}_mask", f"{stem}-mask", name)}
        for mask in listing.with_prefix(self._names, f"{stem}__"):
            number = listing.split_name(mask)[0][len(stem) + 2 :]
            if re.fullmatch("[0-9]+", number):
                found.setdefault(int(number), []).append(mask)
        best = ((number, min(names, key=_rank_ending)) for number, names in sorted(found.items()) if names)
        return [(number, listing.join_path(self._folder, self._spelled.get(mask, mask))) for number, mask in best]

    def advise(self, name: str) -> str:
        return f"put {listing.split_name(name)[0]}.png into the folder of masks"

    def _find_stems(self, *stems: str) -> list[str]:
        """The masks with the first of some names that has any."""
        rows = (list(listing.with_stem(self._names, stem)) for stem in stems)
        return next((row for row in rows if row), [])


def _is_mask(name: str) -> bool:
    return listing.split_name(name)[1] in MASKS


def _rank_ending(name: str) -> tuple[int, str]:
    return MASKS.index(listing.split_name(name)[1]), name


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

    @classmethod
    def of(cls, values: Values) -> MaskValues:
        """Of a plane that is not black everywhere."""
        rows, columns = (np.flatnonzero(values.any(axis)) for axis in (1, 0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        part = np.ascontiguousarray(values[top:bottom, left:right])
        component = "u8" if values.dtype == np.uint8 else "u16"
        box = int(left), int(top), int(right - left), int(bottom - top)
        return cls((values.shape[1], values.shape[0]), box, component, zlib.compress(part.tobytes(), 1))

    def inflate(self) -> bytes:
        """The values of the box."""
        return zlib.decompress(self.deflated)

    def to_json(self) -> dict[str, Any]:
        """As `MaskValues` of the plug-in reads it."""
        values = base64.b64encode(self.deflated).decode("ascii")
        return {"size": self.size, "box": self.box, "component": self.component, "values": values}


def read_mask(mask: Mask, shape: Shape | None) -> MaskValues | None:
    """A mask's values, as its picture is seen; None where GIMP itself should read the file, or say why nobody can.

    shape: the picture's, None: not known.  Raises JobError where it is no mask of the picture, EmptyMask where it shows
    nothing.
    """
    values = _read_values(mask, shape)
    if values is None:
        return None
    if not values.any():
        raise EmptyMask(f"The mask {mask} is black everywhere: paint the region white.")
    if shape:
        values = _turn(mask, values, shape)
    area = shape.size[0] * shape.size[1] if shape else values.size
    shown = float(values.sum(dtype=np.float64)) / np.iinfo(values.dtype).max / values.size * area
    if shown < max(min(_FEWEST, _SHARE * area), _LEAST * area):
        raise EmptyMask(f"The mask {mask} shows next to nothing ({shown:.3g} pixels): paint the region white.")
    return MaskValues.of(values)


def is_black(mask: Mask) -> bool:
    """Whether a mask shows no region at all; of one that cannot be read, no: GIMP will say why."""
    try:
        values = _read_values(mask, None)
    except JobError:
        return False
    return values is not None and not values.any()


def _read_values(mask: Mask, shape: Shape | None) -> Values | None:
    if isinstance(mask, Drawing):
        return mask.draw(shape.size if shape else None)
    try:
        with Image.open(mask) as picture:
            return None if getattr(picture, "n_frames", 1) > 1 else read_coverage(picture)
    except (OSError, ValueError, SyntaxError):
        return None


def _turn(mask: Mask, values: Values, shape: Shape) -> Values:
    """Values as the picture is seen, be they of that or of what is stored.  Raises JobError."""
    size = values.shape[1], values.shape[0]
    if has_shape(size, shape.size):
        return values
    if has_shape(size, shape.stored):
        return np.ascontiguousarray(_transpose(values, shape.orientation))
    own, wanted = ("×".join(map(str, each)) for each in (size, shape.size))
    raise JobError(
        f"The mask {mask} has another shape ({own}) than the picture ({wanted}): export it at the picture's size."
    )


def _transpose(values: Values, orientation: int) -> Values:
    """Turned as EXIF's orientation says."""
    return {
        2: lambda: values[:, ::-1],
        3: lambda: values[::-1, ::-1],
        4: lambda: values[::-1],
        5: lambda: values.T,
        6: lambda: np.rot90(values, -1),
        7: lambda: values[::-1, ::-1].T,
        8: lambda: np.rot90(values),
    }[orientation]()
