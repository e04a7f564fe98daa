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
    """A part of the picture that gets edits: its mask, and the edits in order of application, joined as in layers."""

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


class _Passed(NamedTuple):
    """What another preview has shown, and by how many px it lies to the right and below."""

    preview: Preview
    right: int
    down: int


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
        self._passed: _Passed | None = None

    def close(self) -> None:
        """Free what belongs to GIMP.  To be called once."""
        if self._image is not None:
            self._image.delete()

    def pass_on(self, other: Preview, right: int, down: int) -> None:
        """Let another preview of the same picture, of a place so far to the right and below, begin with what is shown.

        It renders only what it shows more, as long as its parts get the same edits and no soft edge, whose form depends
        on what is around.
        """
        passed = _Passed(self, right, down)
        if self._passed is not None:  # it has not come to its own
            before = self._passed
            passed = _Passed(before.preview, before.right + right, before.down + down)
        other._passed = passed

    def show(self, parts: list[Part]) -> bytes:
        """R'G'B' bytes of the picture with the edits of one part after the other."""
        return next(made for made in self.show_step_by_step(parts) if made is not None)

    def show_step_by_step(self, parts: list[Part]) -> Iterator[bytes | None]:
        """The same, which is the last item, after a None for each of the steps that it takes: they can be left off."""
        masks = self._find_masks(parts)
        before, changed = self._take_over(parts, masks) if self._passed else (self._shown, [])
        result, shown = self._photo, list[_Shown]()
        for number, (part, (box, mask)) in enumerate(zip(parts, masks)):
            margin = reach(part.edits, self._side)
            old = before[number] if number < len(before) else None
            changed = [_grow_box(each, margin) for each in changed]  # it looks at what is around it
            if old is None or old.part != part:
                result = yield from self._edit_box(result, part, _grow_box(box, margin), mask)
                everything = 0, 0, self.width, self.height
                joined = everything if old is None else _join_boxes(*changed, box, old.box)
                changed = [joined] if all(joined[2:]) else []
            elif changed:
                there, result = result, old.result.dup()
                for each in changed:
                    edited = yield from self._edit_box(there, part, _grow_box(each, margin), mask)
                    rectangle = Gegl.Rectangle.new(*self._clip_box(each))
                    edited.copy(rectangle, Gegl.AbyssPolicy.NONE, result, rectangle)
            else:
                result = old.result
            shown.append(_Shown(part, box, result))
        self._shown, self._passed = shown, None
        yield bytes(result.get(result.get_extent(), 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))

    def _take_over(
        self, parts: Sequence[Part], masks: Sequence[tuple[Box, Gegl.Buffer]]
    ) -> tuple[list[_Shown], list[Box]]:
        """What the preview before has shown of these parts, in this one's place; the boxes that it has not shown.

        No more than it has finished, up to the first part that is another one there.
        """
        assert self._passed
        other, right, down = self._passed
        # What both show, in the pixels of each.
        here = self._clip_box((-right, -down, other.width, other.height))
        there = here[0] + right, here[1] + down, *here[2:]
        if min(here[2:]) <= 0:
            return [], []
        shown: list[_Shown] = []
        for part, (box, _mask), old in zip(parts, masks, other._shown):
            moved = old.part._replace(mask=part.mask)
            if part.feather or moved != part or self._cut(part.mask, here) != other._cut(old.part.mask, there):
                break
            result = rendering.make_buffer(self.width, self.height, rendering.LINEAR)
            old.result.copy(Gegl.Rectangle.new(*there), Gegl.AbyssPolicy.NONE, result, Gegl.Rectangle.new(*here))
            shown.append(_Shown(part, box, result))
        left, top, width, height = here
        beside = [(0, 0, left, self.height), (left + width, 0, self.width - left - width, self.height)]
        beside += [(left, 0, width, top), (left, top + height, width, self.height - top - height)]
        return shown, [each for each in beside if all(each[2:])]

    def _cut(self, mask: bytes, box: Box) -> list[bytes]:
        """The rows of a box of a mask."""
        size = len(mask) // (self.width * self.height)  # of a value
        x, y, width, height = box
        starts = (size * (self.width * row + x) for row in range(y, y + height))
        return [mask[start : start + size * width] for start in starts]

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


def _join_boxes(*boxes: Box) -> Box:
    """The smallest box around some; an empty one does not count."""
    filled = [box for box in boxes if all(box[2:])]
    if not filled:
        return 0, 0, 0, 0
    left, top = min(box[0] for box in filled), min(box[1] for box in filled)
    right, bottom = max(box[0] + box[2] for box in filled), max(box[1] + box[3] for box in filled)
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
