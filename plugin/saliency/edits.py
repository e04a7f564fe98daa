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

# Width of the sharpening's blur (its standard deviation) in longer sides of the picture, so that a thumbnail shows what
# becomes of the full size.  Wider ones are local contrast rather than sharpness; narrower ones a thumbnail cannot show.
SHARPENING_WIDTH = 0.003

# What one unit of contrast adds to the binary logarithms of a curve's slopes: an S that turns about the middle grey.
CONTRAST_SLOPES = tuple(-math.cos(math.pi * (start + end)) for start, end in zip(CURVE_NODES, CURVE_NODES[1:]))

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


def _slopes(name: str, slopes: Any) -> tuple[float, ...]:
    """Checked and normalised."""
    if not isinstance(slopes, (list, tuple)) or len(slopes) != SEGMENTS:
        raise EditError(f"{name} must be {SEGMENTS} slopes.")
    return _normalised(tuple(_number(name, s, 1e-3, 1e3) for s in slopes))


def _raised(slopes: tuple[float, ...], t: float) -> tuple[float, ...]:
    """The slopes of a curve at another strength."""
    return tuple(min(1e3, max(1e-3, s**t)) for s in slopes)


def curve_points(slopes: tuple[float, ...]) -> list[tuple[float, float]]:
    """The corners (input, output), 0..1, of the curve with these segment slopes."""
    points = [(0.0, 0.0)]
    for x, slope in zip(CURVE_NODES[1:], slopes):
        points.append((x, points[-1][1] + slope * (x - points[-1][0])))
    points[-1] = (1.0, 1.0)
    return points


def curve_value(slopes: tuple[float, ...], x: float) -> float:
    """The curve with these segment slopes at x, both display-encoded, 0..1."""
    y = 0.0
    for slope, start, end in zip(slopes, CURVE_NODES, CURVE_NODES[1:]):
        y += slope * (min(max(x, start), end) - start)
    return min(1.0, y)


def _midtones(*curves: tuple[float, ...]) -> str:
    """How much the curves lift or lower a middle grey, in percent of the whole range."""
    middle = CURVE_NODES[SEGMENTS // 2]
    return _signed(100 * (sum(curve_value(slopes, middle) for slopes in curves) / len(curves) - middle), 0)


@dataclass(frozen=True)
class Sharpening:
    """Unsharp mask of SHARPENING_WIDTH in linear light (`gegl:unsharp-mask`): how much detail is added.  Identity 0."""

    name: ClassVar[str] = "sharpening"
    amount: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", _number("sharpening", self.amount, 0, 10))

    def at_strength(self, t: float) -> Sharpening:
        return Sharpening(self.amount * t)

    def is_identity(self) -> bool:
        return self.amount < _TOLERANCE

    def label(self) -> str:
        return _("Sharpening {value:.2f}").format(value=self.amount)


@dataclass(frozen=True)
class Contrast:
    """Contrast about the middle grey on display-encoded values, an S-shaped value curve (`gimp:curves`).  Identity 0.

    Not `gegl:brightness-contrast`, which in linear light turns about a grey so bright that it crushes the darks.
    """

    name: ClassVar[str] = "contrast"
    amount: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", _number("contrast", self.amount, -5, 5))

    def at_strength(self, t: float) -> Contrast:
        return Contrast(min(5.0, max(-5.0, self.amount * t)))

    def is_identity(self) -> bool:
        return abs(self.amount) < _TOLERANCE

    def curves(self, gray: bool = False) -> dict[str, tuple[float, ...]]:
        """The segment slopes of each curve, by GIMP's name of its channel."""
        return {"value": _normalised(tuple(2.0 ** (self.amount * more) for more in CONTRAST_SLOPES))}

    def label(self) -> str:
        return _("Contrast {value}").format(value=_signed(self.amount))


@dataclass(frozen=True)
class Tone:
    """One tone curve for all channels on display-encoded values (`gimp:curves`, value): eight positive segment slopes.

    The slopes are normalised on construction so that the curve runs from (0, 0) to (1, 1).  Identity: all 1.
    """

    name: ClassVar[str] = "tone"
    slopes: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "slopes", _slopes("tone", self.slopes))

    def at_strength(self, t: float) -> Tone:
        return Tone(_raised(self.slopes, t))

    def is_identity(self) -> bool:
        return max(abs(s - 1) for s in self.slopes) < _TOLERANCE

    def curves(self, gray: bool = False) -> dict[str, tuple[float, ...]]:
        """The segment slopes of each curve, by GIMP's name of its channel."""
        return {"value": self.slopes}

    def label(self) -> str:
        return _("Tone, midtones {value} %").format(value=_midtones(self.slopes))


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
            object.__setattr__(self, channel, _slopes(f"curves, {channel}", getattr(self, channel)))

    def at_strength(self, t: float) -> Curves:
        return Curves(*(_raised(slopes, t) for slopes in self.channels()))

    def is_identity(self) -> bool:
        return max(abs(s - 1) for slopes in self.channels() for s in slopes) < _TOLERANCE

    def channels(self) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        return self.red, self.green, self.blue

    def curves(self, gray: bool = False) -> dict[str, tuple[float, ...]]:
        """The segment slopes of each curve, by GIMP's name of its channel.  In gray red's is the only one."""
        return {"value": self.red} if gray else {"red": self.red, "green": self.green, "blue": self.blue}

    def label(self) -> str:
        return _("Curves, midtones {value} %").format(value=_midtones(*self.channels()))


Edit = Union[Sharpening, Contrast, Tone, Exposure, Saturation, WhiteBalance, Curves]
CURVED = (Contrast, Tone, Curves)  # those that `gimp:curves` applies
KINDS: dict[str, type[Edit]] = {
    kind.name: kind for kind in (Sharpening, Contrast, Tone, Exposure, Saturation, WhiteBalance, Curves)
}
NAMES = tuple(KINDS)
_STRAIGHT = (1.0,) * SEGMENTS
NEUTRAL: dict[str, Edit] = {
    edit.name: edit
    for edit in (
        Sharpening(0),
        Contrast(0),
        Tone(_STRAIGHT),
        Exposure(0),
        Saturation(1),
        WhiteBalance(1, 1),
        Curves(_STRAIGHT, _STRAIGHT, _STRAIGHT),
    )
}

# All orders of application: ORDERS[i] lists indices into NAMES, first applied first.  The first FIXED edits always come
# first: sharpening wants the picture as it was, contrast and tone commute nearly with what follows.
FIXED = 3
ORDERS = tuple((*range(FIXED), *free) for free in permutations(range(FIXED, len(NAMES))))


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
    """What is left of the edits in a picture without colour: of the curves one, the three channels' mean."""
    kept: list[Edit] = []
    for edit in edits:
        if isinstance(edit, (Sharpening, Contrast, Tone, Exposure)):
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
