# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows edits before they are made: a small copy of the picture, through the same operations.

On some hundred thousand pixels they take milliseconds, so every movement of a slider can be shown as it will be.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from gi.repository import Gegl, Gimp

from ..image.geometry import Box
from ..image.selection import select_values
from ..shared.edits import Edit, reach
from . import rendering

_LEFT_OUT = bytes(range(255, -1, -1))  # of a mask's bytes, by their values
_RUNS = re.compile(rb"\0+|\xff+|[^\0\xff]+")  # of a mask's bytes: nothing, everything, and what is between


class Part(NamedTuple):
    """A part of the picture that gets edits: its mask, and the edits in order of application."""

    mask: bytes
    edits: tuple[Edit, ...]
    feather: float = 0.0  # px of the preview
    component: str = "u8"  # of the mask's values; "u16": two bytes each, the machine's order
    inverted: bool = False  # the part is all that the mask, once feathered, leaves out


# By bytes, feather and whether inverted: bounds and buffer.
Masks = dict[tuple[bytes, float, bool], tuple[Box, Gegl.Buffer]]


class _Shown(NamedTuple):
    """A part that was shown, and a buffer of what the picture was with it and those before."""

    part: Part
    box: Box
    result: Gegl.Buffer


class Preview:
    """A picture of R'G'B' bytes (8-bit sRGB, rows from the top), and what edits make of it."""

    def __init__(self, picture: bytes, width: int, height: int, side: float | None = None) -> None:
        """side: the longer side of the whole picture in pixels of the preview; None: the preview shows it all."""
        Gegl.init(None)
        self.picture, self.width, self.height = picture, width, height
        self._side = side or max(width, height)
        self._photo = rendering.make_buffer(width, height, "R'G'B' u8", picture)
        self._image: Gimp.Image | None = None  # GIMP's, for what only GIMP can do
        self._masks: Masks = {}  # of the parts that were shown last
        self._shown: list[_Shown] = []

    def close(self) -> None:
        """Free what belongs to GIMP.  To be called once."""
        if self._image is not None:
            self._image.delete()

    def show(self, parts: list[Part]) -> bytes:
        """R'G'B' bytes of the picture with the edits of one part after the other."""
        return next(made for made in self.show_step_by_step(parts) if made is not None)

    def show_step_by_step(self, parts: list[Part]) -> Iterator[bytes | None]:
        """The same, which is the last item, after a None for each of the steps that it takes: they can be left off."""
        before, shown = self._shown, list[_Shown]()
        result, changed = self._photo, (0, 0, 0, 0)  # and where it is another than the last time
        for number, (part, (box, mask)) in enumerate(zip(parts, self._find_masks(parts))):
            margin = reach(part.edits, self._side)
            old = before[number] if number < len(before) else None
            if old is None:
                result = yield from self._edit_box(result, part, _grow_box(box, margin), mask)
                changed = 0, 0, self.width, self.height
            elif old.part != part:
                result = yield from self._edit_box(result, part, _grow_box(box, margin), mask)
                changed = _join_boxes(_grow_box(changed, margin), _join_boxes(box, old.box))
            elif all(changed[2:]):
                changed = _grow_box(changed, margin)  # what it looks like depends on what is around it
                there = yield from self._edit_box(result, part, _grow_box(changed, margin), mask)
                result = old.result.dup()
                rectangle = Gegl.Rectangle.new(*self._clip_box(changed))
                there.copy(rectangle, Gegl.AbyssPolicy.NONE, result, rectangle)
            else:
                result = old.result
            shown.append(_Shown(part, box, result))
        self._shown = shown
        yield bytes(result.get(result.get_extent(), 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))

    def _find_masks(self, parts: Sequence[Part]) -> list[tuple[Box, Gegl.Buffer]]:
        """The bounds of each part's mask and the mask, which are kept for the next time."""
        keys = [(part.mask, part.feather, part.inverted) for part in parts]
        self._masks = {
            key: self._masks[key] if key in self._masks else self._make_mask(part) for key, part in zip(keys, parts)
        }
        return [self._masks[key] for key in keys]

    def feather_mask(self, mask: bytes, radius: float) -> bytes:
        """A mask, one byte a pixel, with the soft edge that GIMP gives a selection.  radius: px of the preview."""
        values = array("f", self._feather_mask(_find_floats(mask), radius))
        return bytes(round(255 * min(1.0, max(0.0, value))) for value in values)

    def _clip_box(self, box: Box) -> Box:
        """What of a box is in the picture."""
        left, top = max(0, box[0]), max(0, box[1])
        return left, top, min(self.width, box[0] + box[2]) - left, min(self.height, box[1] + box[3]) - top

    def _edit_box(
        self, picture: Gegl.Buffer, part: Part, box: Box, mask: Gegl.Buffer
    ) -> Generator[None, None, Gegl.Buffer]:
        """Returns the picture with a part's edits in a box, step by step."""
        edits = [edit for edit in part.edits if not edit.is_identity()]
        if not edits or not all(box[2:]):
            return picture
        there = Gegl.Rectangle.new(*self._clip_box(box))
        pixels = rendering.copy_box(picture, there, rendering.LINEAR)
        covered = rendering.copy_box(mask, there, rendering.GREY)
        edited = yield from rendering.apply_edits(pixels, covered, edits, self._side)
        result = picture.dup()
        edited.copy(edited.get_extent(), Gegl.AbyssPolicy.NONE, result, there)
        return result

    def _make_mask(self, part: Part) -> tuple[Box, Gegl.Buffer]:
        """The bounds of what is not 0 in a part's mask, and the mask as a buffer."""
        mask, inverted = part.mask, part.inverted
        if inverted and part.component == "u8" and not part.feather:
            mask, inverted = mask.translate(_LEFT_OUT), False  # sooner than as floats
        if part.component == "u8":
            floats = _find_floats(mask)
        else:
            floats = array("f", [value / 65535 for value in array("H", mask)]).tobytes()
        if part.feather > 0:
            floats = self._feather_mask(floats, part.feather)
        if inverted:
            floats = array("f", [1 - value for value in array("f", floats)]).tobytes()
        buffer = rendering.make_buffer(self.width, self.height, rendering.GREY, floats, own=rendering.GREY)
        return _find_bounds(floats, self.width), buffer

    def _feather_mask(self, floats: bytes, feather: float) -> bytes:
        """What GIMP makes of a selection."""
        if self._image is None:
            self._image = Gimp.Image.new_with_precision(
                self.width, self.height, Gimp.ImageBaseType.GRAY, Gimp.Precision.FLOAT_LINEAR
            )
            self._image.undo_disable()
        # As floats, as GIMP keeps them here: babl takes a third of a second to find out how to make them of others.
        select_values(self._image, floats, "float")
        Gimp.Selection.feather(self._image, feather)
        selected = self._image.get_selection().get_buffer()
        return bytes(selected.get(self._photo.get_extent(), 1.0, rendering.GREY, Gegl.AbyssPolicy.NONE))


def _grow_box(box: Box, margin: int) -> Box:
    """The box with a margin around it; an empty one stays empty."""
    if not all(box[2:]):
        return box
    return box[0] - margin, box[1] - margin, box[2] + 2 * margin, box[3] + 2 * margin


def _join_boxes(one: Box, other: Box) -> Box:
    """The smallest box around two; an empty one does not count."""
    if not all(one[2:]) or not all(other[2:]):
        return one if all(one[2:]) else other
    left, top = min(one[0], other[0]), min(one[1], other[1])
    right, bottom = max(one[0] + one[2], other[0] + other[2]), max(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top


def _find_floats(mask: bytes) -> bytes:
    """A mask's bytes as floats from 0 to 1: long runs of nothing and of everything at once."""
    floats = {0: bytes(4), 255: array("f", [1.0]).tobytes()}
    return b"".join(
        floats[run[0]] * len(run) if run[0] in floats else array("f", [value / 255 for value in run]).tobytes()
        for run in _RUNS.findall(mask)
    )


def _find_bounds(floats: bytes, width: int) -> Box:
    """The bounds of what is not 0 among floats, rows of some width."""
    rows = [floats[start : start + 4 * width] for start in range(0, len(floats), 4 * width)]
    empty = bytes(4 * width)
    filled = [number for number, row in enumerate(rows) if row != empty]
    if not filled:
        return 0, 0, 0, 0
    left = min(4 * width - len(rows[number].lstrip(b"\0")) for number in filled) // 4
    right = -(-max(len(rows[number].rstrip(b"\0")) for number in filled) // 4)
    return left, filled[0], right - left, filled[-1] + 1 - filled[0]
