# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture, edited with the shipped operators inside a mask and around it: as GIMP will do it, but small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnxruntime

from gimp_saliency.shared.edits import Sharpening
from model_server.predict.vector import Vocabulary

# Pixels: how far the sharpening of one looks at others.
_REACH = 3

_WHOLE = slice(None)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Area:
    """Where something is edited.  box: the pixels that may change, with their mask; seen: those that it depends on."""

    box: tuple[slice, ...]  # of a picture [1, 3, H, W]
    mask: Floats  # [1, 1, h, w]
    seen: tuple[slice, ...]
    seen_mask: Floats

    def cut(self, linear: Floats) -> Floats:
        """The box of what `seen` cuts out."""
        top, left = (box.start - seen.start for box, seen in zip(self.box[2:], self.seen[2:]))
        height, width = self.mask.shape[2:]
        return np.ascontiguousarray(linear[:, :, top : top + height, left : left + width])


class Editor:
    """A picture that many vectors of parameters are tried on.  Several threads may do so at once."""

    def __init__(
        self,
        operators: Mapping[str, onnxruntime.InferenceSession],
        words: Vocabulary,
        picture: Floats,
        mask: Floats,
        width: int,
        height: int,
    ) -> None:
        """operators: of each kind in the vocabulary, `words`.  picture: [1, 3, H, W], display-encoded 0..1, padded.

        mask: [1, 1, H, W], 0..1, not empty, 0 on the padding.  width, height: of the picture without its padding.
        """
        self._operators = operators
        self._words = words
        self._picture = picture
        self._mask = mask[:, :, :height, :width]
        self._width, self._height = width, height

    def edited(self, inside: Floats, around: Floats | None, order: Sequence[int]) -> Floats:
        """The picture with parameters [38] applied inside the mask, then others around it, both in the order given."""
        result = self._picture.copy()
        region, linear = self._region, self._linear
        if inside.any():
            part = self._applied(linear, region, inside, order)
            if around is None or not around.any():
                result[region.box] = encoded(part)
                return result
            linear = linear.copy()
            linear[region.box] = part
        if around is not None and around.any():
            height, width = self._height, self._width
            result[..., :height, :width] = encoded(self._applied(linear, self._surroundings, around, order))
            pad(result, width, height)
        return result

    @cached_property
    def _linear(self) -> Floats:
        """The picture without its padding, in linear light."""
        return decoded(np.ascontiguousarray(self._picture[:, :, : self._height, : self._width]))

    @cached_property
    def _region(self) -> _Area:
        spans = [np.flatnonzero(self._mask[0, 0].any(axis)) for axis in (1, 0)]
        ends = [(int(span[0]), int(span[-1]) + 1) for span in spans]
        box = [slice(*each) for each in ends]
        sides = self._mask.shape[2:]
        seen = [slice(max(0, start - _REACH), min(side, stop + _REACH)) for (start, stop), side in zip(ends, sides)]
        return self._area(self._mask, box, seen)

    @cached_property
    def _surroundings(self) -> _Area:
        whole = [slice(0, side) for side in self._mask.shape[2:]]
        return self._area(1 - self._mask, whole, whole)

    @staticmethod
    def _area(mask: Floats, box: list[slice], seen: list[slice]) -> _Area:
        box4, seen4 = (_WHOLE, _WHOLE, *box), (_WHOLE, _WHOLE, *seen)
        return _Area(box4, np.ascontiguousarray(mask[box4]), seen4, np.ascontiguousarray(mask[seen4]))

    def _applied(self, linear: Floats, area: _Area, parameters: Floats, order: Sequence[int]) -> Floats:
        """An area's box after the edits, in linear light and not clipped.  What does nothing is not computed."""
        names = [self._words.kinds[index] for index in order]
        names = [name for name in names if parameters[self._words.places[name]].any()]
        numbers = parameters[None]
        seen = np.ascontiguousarray(linear[area.seen])
        if Sharpening.name in names:  # the first of them: see Vocabulary.fixed
            names.remove(Sharpening.name)
            side = np.array([max(self._width, self._height)], np.float32)
            inputs = {"linear": seen, "mask": area.seen_mask, "parameters": numbers, "side": side}
            seen = self._operators[Sharpening.name].run(None, inputs)[0]
        part = area.cut(seen)
        for name in names:
            part = self._operators[name].run(None, {"linear": part, "mask": area.mask, "parameters": numbers})[0]
        return part


def decoded(encoded: Floats) -> Floats:
    """Display-encoded sRGB, 0..1, to linear light."""
    light = ((encoded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: Floats = np.where(encoded <= 0.04045, encoded / np.float32(12.92), light)
    return linear


def encoded(linear: Floats) -> Floats:
    """Linear light to display-encoded sRGB, both clipped to 0..1."""
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


def pad(picture: Floats, width: int, height: int) -> None:
    """Continue a picture [1, 3, H, W] beyond its width and height: with its last column, then with its last row."""
    picture[..., :height, width:] = picture[..., :height, width - 1 : width]
    picture[..., height:, :] = picture[..., height - 1 : height, :]
