# SPDX-License-Identifier: GPL-3.0-or-later
"""The photographic edits: their names, parameters, identity, strength and JSON form.

This is the one definition.  The plug-in applies these edits with GIMP's filters, the model server sends them, the
training code learns to predict them.  Standard library only, since GIMP's Python has nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import permutations
from typing import Any, ClassVar, Union

# In GIMP this folder is on the path, in the server it is a package.
_: Callable[[str], str] = import_module(".words" if __package__ else "words", __package__)._

# Weights of linear red, green and blue in luminance, as in `gegl:saturation` (babl's D50-adapted sRGB primaries).
LUMINANCE = (0.22248840, 0.71690369, 0.06060791)

# The ends of the curve segments on the input axis.  They lie on GIMP's grid of 256 samples, so that the sampled curve
# in GIMP is exactly the piecewise linear one.
CURVE_NODES = tuple(i / 255 for i in (0, 32, 64, 96, 128, 159, 191, 223, 255))
SEGMENTS = len(CURVE_NODES) - 1

# Limits of a white-balance gain; within them every factor stays below 2, the most that `gegl:channel-mixer` takes.
_GAINS = 0.5, 1.85

# Below these an edit changes no 8-bit value, so it is left out.
_TOLERANCE = 1e-3


class EditError(ValueError):
    """Parameters that are no edit: the message says which and why."""


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise EditError(f"{name} must be a number from {low:g} to {high:g}, not {value!r:.40}.")
    return float(value)


def _normalised(slopes: tuple[float, ...]) -> tuple[float, ...]:
    """Scale segment slopes so that the curve runs from (0, 0) to (1, 1)."""
    rise = sum(s * (b - a) for s, a, b in zip(slopes, CURVE_NODES, CURVE_NODES[1:]))
    return slopes if abs(rise - 1) < 1e-9 else tuple(s / rise for s in slopes)


@dataclass(frozen=True)
class Exposure:
    """Exposure in EV (stops), in linear light (`gegl:exposure`).  Identity 0."""

    name: ClassVar[str] = "exposure"
    ev: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "ev", _number("exposure", self.ev, -10, 10))

    def at_strength(self, t: float) -> Exposure:
        return Exposure(self.ev * t)

    def is_identity(self) -> bool:
        return abs(self.ev) < _TOLERANCE

    def label(self) -> str:
        return _("Exposure {value} EV").format(value=_signed(self.ev))


@dataclass(frozen=True)
class Saturation:
    """Saturation in linear light (`gegl:saturation`, native): 0 is grey, 1 the identity."""

    name: ClassVar[str] = "saturation"
    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _number("saturation", self.scale, 0, 10))

    def at_strength(self, t: float) -> Saturation:
        return Saturation(min(10.0, self.scale**t))

    def is_identity(self) -> bool:
        return abs(self.scale - 1) < _TOLERANCE

    def label(self) -> str:
        return _("Saturation {value:.2f}").format(value=self.scale)


@dataclass(frozen=True)
class WhiteBalance:
    """Red and blue gain relative to green, in linear light, luminance of neutrals kept.  Identity 1, 1."""

    name: ClassVar[str] = "white-balance"
    red: float
    blue: float

    def __post_init__(self) -> None:
        for channel in ("red", "blue"):
            object.__setattr__(self, channel, _number(f"white balance, {channel}", getattr(self, channel), *_GAINS))

    def at_strength(self, t: float) -> WhiteBalance:
        return WhiteBalance(*(min(_GAINS[1], max(_GAINS[0], gain**t)) for gain in (self.red, self.blue)))

    def is_identity(self) -> bool:
        return max(abs(self.red - 1), abs(self.blue - 1)) < _TOLERANCE

    def gains(self) -> tuple[float, float, float]:
        """The factors of linear red, green and blue: a neutral keeps its luminance."""
        red, green, blue = LUMINANCE
        norm = red * self.red + green + blue * self.blue
        return self.red / norm, 1 / norm, self.blue / norm

    def label(self) -> str:
        return _("White balance R {red:.2f} B {blue:.2f}").format(red=self.red, blue=self.blue)


@dataclass(frozen=True)
class Curves:
    """One tone curve a channel on display-encoded values (`gimp:curves`): eight positive segment slopes each.

    The slopes are normalised on construction so that each curve runs from (0, 0) to (1, 1).  Identity: all 1.
    """

    name: ClassVar[str] = "curves"
    red: tuple[float, ...]
    green: tuple[float, ...]
    blue: tuple[float, ...]

    def __post_init__(self) -> None:
        for channel in ("red", "green", "blue"):
            slopes = getattr(self, channel)
            if not isinstance(slopes, (list, tuple)) or len(slopes) != SEGMENTS:
                raise EditError(f"curves, {channel} must be {SEGMENTS} slopes.")
            slopes = tuple(_number(f"curves, {channel}", s, 1e-3, 1e3) for s in slopes)
            object.__setattr__(self, channel, _normalised(slopes))

    def at_strength(self, t: float) -> Curves:
        return Curves(*(tuple(min(1e3, max(1e-3, s**t)) for s in slopes) for slopes in self.channels()))

    def is_identity(self) -> bool:
        return max(abs(s - 1) for slopes in self.channels() for s in slopes) < _TOLERANCE

    def channels(self) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        return self.red, self.green, self.blue

    def points(self, channel: int) -> list[tuple[float, float]]:
        """The curve's corners (input, output), 0..1, of channel 0, 1 or 2."""
        points = [(0.0, 0.0)]
        for x, slope in zip(CURVE_NODES[1:], self.channels()[channel]):
            points.append((x, points[-1][1] + slope * (x - points[-1][0])))
        points[-1] = (1.0, 1.0)
        return points

    def value(self, channel: int, x: float) -> float:
        """The curve of channel 0, 1 or 2 at x, both display-encoded, 0..1."""
        y = 0.0
        for slope, start, end in zip(self.channels()[channel], CURVE_NODES, CURVE_NODES[1:]):
            y += slope * (min(max(x, start), end) - start)
        return min(1.0, y)

    def label(self) -> str:
        middle = sum(self.value(channel, CURVE_NODES[SEGMENTS // 2]) for channel in range(3)) / 3
        middle -= CURVE_NODES[SEGMENTS // 2]
        return _("Curves, midtones {value} %").format(value=_signed(100 * middle, 0))


Edit = Union[Exposure, Saturation, WhiteBalance, Curves]
KINDS: dict[str, type[Edit]] = {kind.name: kind for kind in (Exposure, Saturation, WhiteBalance, Curves)}
NAMES = tuple(KINDS)
_STRAIGHT = (1.0,) * SEGMENTS
NEUTRAL: dict[str, Edit] = {
    edit.name: edit
    for edit in (Exposure(0), Saturation(1), WhiteBalance(1, 1), Curves(_STRAIGHT, _STRAIGHT, _STRAIGHT))
}

# All orders of application: ORDERS[i] lists indices into NAMES, first applied first.
ORDERS = tuple(permutations(range(len(NAMES))))


def _signed(value: float, digits: int = 2) -> str:
    """A number with its sign, typographic minus included."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def at_strength(edits: list[Edit], t: float) -> list[Edit]:
    """Interpolate each edit from identity (t = 0) through the prediction (1) and beyond, in parameter space.

    EV linearly; scale, gains and slopes in their logarithm.  GazeShiftNet (ECCV 2020) does the same.
    """
    return [edit.at_strength(t) for edit in edits]


def for_gray(edits: list[Edit]) -> list[Edit]:
    """What is left of the edits in a picture without colour: exposure, and one curve, the three channels' mean."""
    kept: list[Edit] = []
    for edit in edits:
        if isinstance(edit, Exposure):
            kept.append(edit)
        elif isinstance(edit, Curves):
            mean = tuple(math.exp(sum(math.log(s) for s in slopes) / 3) for slopes in zip(*edit.channels()))
            kept.append(Curves(mean, mean, mean))
    return kept


def to_json(edits: list[Edit]) -> list[dict[str, Any]]:
    """The edits as JSON objects, in order of application."""
    return [{"name": edit.name, **asdict(edit)} for edit in edits]


def from_json(objects: Any) -> list[Edit]:
    """The inverse of `to_json`.  Raises EditError on anything else, so that a stranger's data stays data."""
    if not isinstance(objects, list):
        raise EditError("The edits must be a list.")
    edits: list[Edit] = []
    for entry in objects:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in KINDS:
            raise EditError(f"Unknown edit {entry!r:.60}.")
        kind = KINDS[name]
        try:
            edits.append(kind(**{key: value for key, value in entry.items() if key != "name"}))
        except TypeError as error:
            raise EditError(f"The edit {kind.name} has other parameters.") from error
    return edits
