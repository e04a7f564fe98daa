# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture, edited with the shipped operators inside a mask and around it: as GIMP will do it, but small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gimp_saliency.shared.edits import Sharpening, join_names
from model_server.predict.canvas import Canvas, Floats, pad
from model_server.predict.networks import Networks

# Pixels: how far the sharpening of one looks at others.
_REACH = 3

_WHOLE = slice(None)


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


class Operators:
    """The shipped network of each kind of edit in the vocabulary.  Thread-safe."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._names = {name: f"operator-{name}.onnx" for name in networks.words.kinds}
        self.words = networks.words
        self.files = tuple(self._names.values())

    def run(self, name: str, linear: Floats, mask: Floats, parameters: Floats, **more: Floats) -> Floats:
        """A picture [1, 3, h, w] in linear light, with that edit of the parameters [1, COUNT] applied through a mask.

        mask: [1, 1, h, w], 0..1.  more: what else its network takes.  The result is not clipped.
        """
        inputs = {"linear": linear, "mask": mask, "parameters": parameters, **more}
        edited: Floats = self._networks.session(self._names[name]).run(None, inputs)[0]
        return edited

    def run_together(self, names: Sequence[str], linear: Floats, mask: Floats, parameters: Floats) -> Floats:
        """The same with some edits, one after the other, that look at one pixel alone and are blended once."""
        if len(names) == 1:
            return self.run(names[0], linear, mask, parameters)
        edited, everywhere = linear, np.ones_like(mask)
        for name in names:
            edited = self.run(name, edited, everywhere, parameters)
        return linear + mask * (edited - linear)


class Editor:
    """A picture that many vectors of parameters are tried on.  Several threads may do so at once."""

    def __init__(self, operators: Operators, canvas: Canvas, mask: Floats) -> None:
        """mask: [1, 1, H, W] of the canvas, 0..1, not empty, 0 on the padding."""
        self._operators = operators
        self._words = operators.words
        self._canvas = canvas
        self._picture = canvas.picture
        self._mask = mask[:, :, : canvas.height, : canvas.width]
        self._width, self._height = canvas.width, canvas.height

    def apply(self, inside: Floats, around: Floats | None, order: Sequence[int]) -> Floats:
        """The picture [1, 3, H, W] with a vector of parameters applied inside the mask, then another one around it.

        order: of application, indices into the vocabulary's kinds, for both.
        """
        result = self._picture.copy()
        region, linear = self._region, self._linear
        if inside.any():
            part = self._apply_in(region, linear, inside, order)
            if around is None or not around.any():
                result[region.box] = encode(part)
                return result
            linear = linear.copy()
            linear[region.box] = part
        if around is not None and around.any():
            height, width = self._height, self._width
            result[..., :height, :width] = encode(self._apply_in(self._surroundings, linear, around, order))
            pad(result, width, height)
        return result

    def thin(self, step: int) -> Editor:
        """The same for `step` x `step` times less work, with every `step`-th row and column of the picture."""
        return Editor(self._operators, self._canvas.thin(step), self._mask[:, :, ::step, ::step])

    @cached_property
    def _linear(self) -> Floats:
        """The picture without its padding, in linear light."""
        return decode(np.ascontiguousarray(self._picture[:, :, : self._height, : self._width]))

    @cached_property
    def _region(self) -> _Area:
        spans = [np.flatnonzero(self._mask[0, 0].any(axis)) for axis in (1, 0)]
        ends = [(int(span[0]), int(span[-1]) + 1) for span in spans]
        box = [slice(*each) for each in ends]
        sides = self._mask.shape[2:]
        seen = [slice(max(0, start - _REACH), min(side, stop + _REACH)) for (start, stop), side in zip(ends, sides)]
        return _cut_area(self._mask, box, seen)

    @cached_property
    def _surroundings(self) -> _Area:
        whole = [slice(0, side) for side in self._mask.shape[2:]]
        return _cut_area(1 - self._mask, whole, whole)

    def _apply_in(self, area: _Area, linear: Floats, parameters: Floats, order: Sequence[int]) -> Floats:
        """An area's box after the edits, in linear light and not clipped.  What does nothing is not computed."""
        names = [self._words.kinds[index] for index in order]
        names = [name for name in names if parameters[self._words.places[name]].any()]
        numbers = parameters[None]
        seen = np.ascontiguousarray(linear[area.seen])
        if Sharpening.name in names:  # the first of them: see Vocabulary.fixed
            names.remove(Sharpening.name)
            side = np.array([max(self._width, self._height)], np.float32)
            seen = self._operators.run(Sharpening.name, seen, area.seen_mask, numbers, side=side)
        part = area.cut(seen)
        for together in join_names(names):
            part = self._operators.run_together(together, part, area.mask, numbers)
        return part


def _cut_area(mask: Floats, box: list[slice], seen: list[slice]) -> _Area:
    """Of rows and columns that may change, and of those that they depend on."""
    box4, seen4 = (_WHOLE, _WHOLE, *box), (_WHOLE, _WHOLE, *seen)
    return _Area(box4, np.ascontiguousarray(mask[box4]), seen4, np.ascontiguousarray(mask[seen4]))


def decode(encoded: Floats) -> Floats:
    """Display-encoded sRGB, 0..1, to linear light."""
    light = ((encoded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: Floats = np.where(encoded <= 0.04045, encoded / np.float32(12.92), light)
    return linear


def encode(linear: Floats) -> Floats:
    """Linear light to display-encoded sRGB, both clipped to 0..1."""
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)
