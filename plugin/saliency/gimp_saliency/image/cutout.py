# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out over a photo: what the server gets to see of it."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp

from ..shared.errors import UserError
from ..shared.words import _
from .pixels import flatten_thumbnail, interleave_mask, multiply_planes
from .thumbnail import is_photo_alone, read_composition, read_coverage, read_selection, thumbnail_size
from .tree import lineage, siblings

_BESIDE = 0.02  # share of a selection's weight on the cut-out up to which it names a part of the photo
_INVERSE = bytes(range(255, -1, -1))


class Cutout(NamedTuple):
    """R'G'B'M bytes of all that is visible at and below a layer, whole canvas, row by row.

    M: the layer's alpha times its mask, 255 = opaque, whatever its opacity.  reference: a byte a pixel, 255 where the
    user wants the photo to be matched, None: anywhere.  part: only what is selected of the cut-out is to be changed.
    """

    pixels: bytes
    width: int
    height: int
    reference: bytes | None
    part: bool

    @property
    def coverage(self) -> bytes:
        """M alone."""
        return self.pixels[3::4]

    def find_bounds(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of what the layer covers, by what the server takes for that, too."""
        seen = [value > 1 for value in self.coverage]
        if not any(seen):
            return 0, 0, self.width, self.height
        rows = [row for row in range(self.height) if any(seen[row * self.width : (row + 1) * self.width])]
        columns = [column for column in range(self.width) if any(seen[column :: self.width])]
        return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def read_cutout(image: Gimp.Image, layer: Gimp.Layer) -> Cutout:
    """See a layer as a cut-out, and what the selection means for it; the image stays as it is.

    A selection beside the cut-out names what is to be matched, one that is partly on it limits the change.  Raises
    UserError where the layer is no cut-out, or nothing lies below it.
    """
    size = thumbnail_size(image)
    coverage = _read_coverage(image, layer, size)
    _check_below(image, layer, size)
    reference, part = _read_selection(image, coverage, size)
    picture = flatten_thumbnail(read_composition(image, layer, size))
    return Cutout(interleave_mask(picture, coverage), *size, reference, part)


def _read_coverage(image: Gimp.Image, layer: Gimp.Layer, size: tuple[int, int]) -> bytes:
    """The share of each pixel that the layer covers.  Raises UserError if that is none, or all of all."""
    _ok, x, y = layer.get_offsets()
    coverage = b""
    if -layer.get_width() < x < image.get_width() and -layer.get_height() < y < image.get_height():
        coverage = read_coverage(image, layer, size, masked=True)
    if not any(coverage):
        raise UserError(_("There is nothing to see of the layer in the picture: select the layer with the cut-out."))
    if coverage.count(255) == len(coverage):
        message = _(
            "The layer covers the whole picture: cut out what is to match the photo below it, or give the layer a "
            "layer mask."
        )
        raise UserError(message)
    return coverage


def _check_below(image: Gimp.Image, layer: Gimp.Layer, size: tuple[int, int]) -> None:
    """Raises UserError if nothing is visible below the layer."""
    below = [item for each in lineage(layer) for item in _list_below(image, each) if item.get_visible()]
    if any(not item.is_group() and not item.has_alpha() and is_photo_alone(image, item) for item in below):
        return  # as nearly always: no need to look
    if not below or not any(read_composition(image, layer, size, below=True)[0][3::4]):
        raise UserError(_("Nothing is visible below the layer: put a photo below it, or make that one visible."))


def _list_below(image: Gimp.Image, layer: Gimp.Layer) -> list[Gimp.Layer]:
    row = siblings(image, layer)
    return row[row.index(layer) + 1 :]


def _read_selection(image: Gimp.Image, coverage: bytes, size: tuple[int, int]) -> tuple[bytes | None, bool]:
    """Reference and part, as `Cutout` has them.  Raises UserError if what is selected is too small to be seen."""
    if not Gimp.Selection.bounds(image)[1]:
        return None, False
    selected = read_selection(image, size)
    weight = sum(selected)
    if not weight:
        raise UserError(_("The selection is too small: select a larger part of the picture, or nothing."))
    if sum(multiply_planes(selected, coverage)) < _BESIDE * weight:
        return multiply_planes(selected, coverage.translate(_INVERSE)), False
    is_whole = all(chosen >= covered for chosen, covered in zip(selected, coverage))
    return None, not is_whole
