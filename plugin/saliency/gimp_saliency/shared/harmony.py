# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a pasted layer match the photo below it: three tone curves and a shading map.

After "Semi-supervised Parametric Real-world Image Harmonization" (PIH, CVPR 2023): curves for the colour of the whole
cut-out, and a smooth map of gains for the light that falls on its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import styles
from .choices import MOST
from .json_type import Json
from .request import Config

# Inputs of the curves' nodes, display-encoded; they lie on GIMP's grid of 256 samples, so that the sampled curve in
# GIMP is exactly the piecewise linear one.
INPUTS = tuple(17 * i / 255 for i in range(16))
SIDE = 32  # values of the shading map along each of its sides
MOST_EV = 1.0  # either way; what one layer that lightens or darkens can do

TOOL = "harmonize"  # of a folder's job, which edits have none in
STRENGTHS = ("strength", "colour", "shading")  # of a request

_LEAST_EV = 0.005  # below these nothing changes an 8-bit value
_LEAST_STEP = 1e-3

Curve = tuple[float, ...]  # output at each of INPUTS, 0..1, nowhere falling
Map = tuple[tuple[float, ...], ...]  # rows from the top, EV
Box = tuple[float, float, float, float]  # left, top, right and bottom in shares of the canvas, 0..1


class HarmonyError(ValueError):
    """Numbers that make no harmony: the message says which and why."""


@dataclass(frozen=True)
class Shading:
    """Gains in EV, SIDE x SIDE, smoothly enlarged over a box of the canvas.  Raises HarmonyError for what is none."""

    box: Box
    values: Map

    def __post_init__(self) -> None:
        left, top, right, bottom = _check_numbers("the shading's box", self.box, 4, 0, 1)
        if left >= right or top >= bottom:
            raise HarmonyError("The shading's box is empty.")
        rows = tuple(self.values) if isinstance(self.values, (list, tuple)) else ()
        if len(rows) != SIDE:
            raise HarmonyError(f"The shading must have {SIDE} rows.")
        object.__setattr__(self, "box", (left, top, right, bottom))
        values = tuple(_check_numbers("the shading", row, SIDE, -MOST_EV, MOST_EV) for row in rows)
        object.__setattr__(self, "values", values)

    def at_strength(self, t: float) -> Shading:
        """From none (t = 0) through this one (1) and beyond, no further than a layer can."""
        return Shading(self.box, tuple(tuple(_clip(t * ev, MOST_EV) for ev in row) for row in self.values))

    def is_identity(self) -> bool:
        """Whether it changes no 8-bit value."""
        return max(abs(ev) for row in self.values for ev in row) < _LEAST_EV

    def list_masks(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The map, row by row, as masks of a layer that is one stop darker and of one that is a stop lighter, 0..1.

        Both are enlarged as they are: what is between two nodes is between their masks, not between their EV.
        """
        darker = tuple(2 * (1 - 2.0 ** min(ev, 0.0)) for row in self.values for ev in row)
        lighter = tuple(2.0 ** max(ev, 0.0) - 1 for row in self.values for ev in row)
        return darker, lighter


@dataclass(frozen=True)
class Harmony:
    """A curve for each channel on display-encoded values, and after them the shading, if there is any.

    Raises HarmonyError for what is none.
    """

    red: Curve
    green: Curve
    blue: Curve
    shading: Shading | None = None

    def __post_init__(self) -> None:
        for channel in ("red", "green", "blue"):
            curve = _check_numbers(f"the curve of {channel}", getattr(self, channel), len(INPUTS), 0, 1)
            if any(after < before for before, after in zip(curve, curve[1:])):
                raise HarmonyError(f"The curve of {channel} must not fall.")
            object.__setattr__(self, channel, curve)

    @classmethod
    def neutral(cls) -> Harmony:
        """The identity."""
        return cls(INPUTS, INPUTS, INPUTS)

    @classmethod
    def from_json(cls, content: Json) -> Harmony:
        """The inverse of `to_json`.  Raises HarmonyError for what is damaged."""
        curves = content.get("curves") if isinstance(content, Mapping) else None
        if not isinstance(content, Mapping) or not isinstance(curves, (list, tuple)) or len(curves) != 3:
            raise HarmonyError("There must be three curves.")
        red, green, blue = curves
        shading = content.get("shading")
        if shading is None:
            return cls(red, green, blue)
        if not isinstance(shading, Mapping):
            raise HarmonyError("The shading is damaged.")
        return cls(red, green, blue, Shading(shading.get("box", ()), shading.get("ev", ())))

    def to_json(self) -> dict[str, Any]:
        """As the protocol and the layers' parasites have it."""
        content: dict[str, Any] = {"curves": [[round(y, 5) for y in curve] for curve in self.curves()]}
        if self.shading:
            rows = [[round(ev, 3) for ev in row] for row in self.shading.values]
            content["shading"] = {"box": [round(each, 6) for each in self.shading.box], "ev": rows}
        return content

    def curves(self) -> tuple[Curve, Curve, Curve]:
        """Of red, green and blue."""
        return self.red, self.green, self.blue

    def at_strength(self, colour: float, shading: float) -> Harmony:
        """The nodes from identity (0) through these (1) and beyond, by strengths of the curves and of the shading."""
        red, green, blue = (self._scale(curve, colour) for curve in self.curves())
        scaled = self.shading.at_strength(shading) if self.shading and shading > 0 else None
        return Harmony(red, green, blue, scaled)

    def has_curves(self) -> bool:
        """Whether the curves change an 8-bit value."""
        return any(abs(y - x) >= _LEAST_STEP for curve in self.curves() for x, y in zip(INPUTS, curve))

    def has_shading(self) -> bool:
        """Whether the shading changes an 8-bit value."""
        return self.shading is not None and not self.shading.is_identity()

    def for_gray(self) -> Harmony:
        """The same curve for all channels, their mean."""
        mean = tuple(sum(each) / 3 for each in zip(*self.curves()))
        return Harmony(mean, mean, mean, self.shading)

    @staticmethod
    def _scale(curve: Curve, t: float) -> Curve:
        scaled: list[float] = []
        for x, y in zip(INPUTS, curve):
            value = min(1.0, max(0.0, x + t * (y - x)))
            scaled.append(max(value, scaled[-1]) if scaled else value)  # beyond 100 % a flat part would fall
        return tuple(scaled)


@dataclass(frozen=True)
class HarmonyRequest:
    """What is asked of a harmony: strengths in percent of what the network predicts, each 0..MOST.

    strength: of everything; colour, shading: of the curves and of the shading map beside it.  style: name of a saved
    style of harmonies, "" the plain one; style_numbers: what it stands for where that is known already, empty: look it
    up.  Raises HarmonyError for numbers that are no style.
    """

    strength: float = 100.0
    colour: float = 100.0
    shading: float = 100.0
    style: str = ""
    style_numbers: styles.Style = ()

    def __post_init__(self) -> None:
        numbers, far = self.style_numbers or (), styles.FARTHEST
        if numbers:
            numbers = _check_numbers("the style", numbers, styles.NUMBERS, -far, far)
        object.__setattr__(self, "style_numbers", numbers)

    @classmethod
    def from_config(cls, config: Config) -> HarmonyRequest:
        """From what holds a procedure's arguments."""
        return cls(style=config.get_property("style") or "").with_strengths(config)

    @classmethod
    def from_job(cls, job: Mapping[str, Any]) -> HarmonyRequest:
        """The inverse of `to_job`; what else is in the job is not looked at.  Raises HarmonyError."""
        strengths = [job.get(name) for name in STRENGTHS]
        style = job.get("style", "")
        if not isinstance(style, str):
            raise HarmonyError(f"The style must be a name, not {style!r:.40}.")
        strength, colour, shading = _check_numbers("the strengths", strengths, 3, 0, MOST)
        return cls(strength, colour, shading, style)

    def to_job(self) -> dict[str, Any]:
        """As JSON, in a job of a folder."""
        return {"tool": TOOL, **{name: getattr(self, name) for name in STRENGTHS}, "style": self.style}

    def with_strengths(self, config: Config) -> HarmonyRequest:
        """The same at the strengths among a procedure's arguments, which may have no others."""
        strength, colour, shading = (float(config.get_property(name)) for name in STRENGTHS)
        return replace(self, strength=strength, colour=colour, shading=shading)

    def with_style(self, numbers: styles.Style) -> HarmonyRequest:
        """The same in the style that a prediction has, whatever the chosen one is called."""
        return replace(self, style="", style_numbers=numbers)

    def find_style(self) -> styles.Style:
        """The style's numbers, none of the plain one.  Raises UserError where there is no such style."""
        return self.style_numbers or styles.HARMONIES.find_numbers(self.style)

    def scale(self, harmony: Harmony, gray: bool) -> Harmony:
        """What is to be applied of a prediction.  gray: to a picture without colour."""
        scaled = harmony.at_strength(self.strength * self.colour / 1e4, self.strength * self.shading / 1e4)
        return scaled.for_gray() if gray else scaled


def find_output(curve: Curve, x: float) -> float:
    """What a curve is at x, both display-encoded, 0..1."""
    place = x * (len(INPUTS) - 1)
    node = min(int(place), len(INPUTS) - 2)
    share = place - node
    return curve[node] * (1 - share) + curve[node + 1] * share


def _clip(value: float, most: float) -> float:
    return min(most, max(-most, value))


def _check_numbers(name: str, values: Json, count: int, low: float, high: float) -> tuple[float, ...]:
    """So many numbers in a range.  Raises HarmonyError for anything else."""
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)) or len(values) != count:
        raise HarmonyError(f"There must be {count} numbers of {name}.")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise HarmonyError(f"Each number of {name} must be from {low:g} to {high:g}, not {value!r:.40}.")
    return tuple(map(float, values))
