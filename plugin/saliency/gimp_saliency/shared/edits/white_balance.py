# SPDX-License-Identifier: GPL-3.0-or-later
"""White balance in linear light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slider, check_number

# Weights of linear red, green and blue in luminance, as in `gegl:saturation` (babl's D50-adapted sRGB primaries).
LUMINANCE = (0.22248840, 0.71690369, 0.06060791)

# Limits of a gain; within them every factor stays below 2, the most that `gegl:channel-mixer` takes.
_GAINS = 0.5, 1.85


@dataclass(frozen=True)
class WhiteBalance(Edit):
    """Red and blue gain relative to green, in linear light, luminance of neutrals kept.  Identity 1, 1."""

    name: ClassVar[str] = "white-balance"
    title: ClassVar[str] = _("White balance")
    mnemonic: ClassVar[str] = _("_White balance")
    help: ClassVar[str] = _("Whether to change the white balance")
    place: ClassVar[int] = 60
    operation: ClassVar[str] = "gegl:channel-mixer"
    sliders: ClassVar[tuple[Slider, ...]] = (
        Slider("red", _("Red"), *_GAINS, 0.01),
        Slider("blue", _("Blue"), *_GAINS, 0.01),
    )
    has_colour: ClassVar[bool] = True
    size: ClassVar[int] = 2

    red: float
    blue: float

    def __post_init__(self) -> None:
        for channel in ("red", "blue"):
            value = check_number(f"white balance, {channel}", getattr(self, channel), *_GAINS)
            object.__setattr__(self, channel, value)

    @classmethod
    def neutral(cls) -> WhiteBalance:
        return cls(1, 1)

    def at_strength(self, t: float) -> WhiteBalance:
        return WhiteBalance(*(min(_GAINS[1], max(_GAINS[0], gain**t)) for gain in (self.red, self.blue)))

    def is_identity(self) -> bool:
        return max(abs(self.red - 1), abs(self.blue - 1)) < TOLERANCE

    def label(self) -> str:
        return _("White balance R {red:.2f} B {blue:.2f}").format(red=self.red, blue=self.blue)

    def gains(self) -> tuple[float, float, float]:
        """The factors of linear red, green and blue: a neutral keeps its luminance."""
        red, green, blue = LUMINANCE
        norm = red * self.red + green + blue * self.blue
        return self.red / norm, 1 / norm, self.blue / norm

    def settings(self, side: float) -> dict[str, float]:
        return dict(zip(("rr-gain", "gg-gain", "bb-gain"), self.gains()))

    @classmethod
    def from_settings(cls, values: Mapping[str, float], changed: set[str]) -> WhiteBalance:
        return cls(values["rr-gain"] / values["gg-gain"], values["bb-gain"] / values["gg-gain"])

    def to_vector(self) -> list[float]:
        return [math.log2(self.red), math.log2(self.blue)]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> WhiteBalance:
        return cls(2.0 ** values[0], 2.0 ** values[1])
