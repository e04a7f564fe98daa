# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves: one a channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slopes
from .curve import SEGMENTS, STRAIGHT, check_slopes, format_midtones, raise_slopes


@dataclass(frozen=True)
class Curves(Edit):
    """One tone curve a channel on display-encoded values (`gimp:curves`): eight positive segment slopes each.

    The slopes are normalised on construction so that each curve runs from (0, 0) to (1, 1).  Identity: all 1.
    """

    name: ClassVar[str] = "curves"
    title: ClassVar[str] = _("Curves")
    mnemonic: ClassVar[str] = _("C_urves")
    help: ClassVar[str] = _("Whether to change the curves of the colours")
    place: ClassVar[int] = 70
    operation: ClassVar[str] = "gimp:curves"
    is_curved: ClassVar[bool] = True
    size: ClassVar[int] = 3 * SEGMENTS

    red: Slopes
    green: Slopes
    blue: Slopes

    def __post_init__(self) -> None:
        for channel in ("red", "green", "blue"):
            object.__setattr__(self, channel, check_slopes(f"curves, {channel}", getattr(self, channel)))

    @classmethod
    def neutral(cls) -> Curves:
        return cls(STRAIGHT, STRAIGHT, STRAIGHT)

    def at_strength(self, t: float) -> Curves:
        return Curves(*(raise_slopes(slopes, t) for slopes in self.channels()))

    def is_identity(self) -> bool:
        return max(abs(s - 1) for slopes in self.channels() for s in slopes) < TOLERANCE

    def label(self) -> str:
        return _("Curves, midtones {value} %").format(value=format_midtones(*self.channels()))

    def channels(self) -> tuple[Slopes, Slopes, Slopes]:
        """The slopes of red, green and blue."""
        return self.red, self.green, self.blue

    def curves(self, gray: bool = False) -> dict[str, Slopes]:
        """In gray red's is the only one."""
        return {"value": self.red} if gray else {"red": self.red, "green": self.green, "blue": self.blue}

    def for_gray(self) -> Curves:
        """One curve, the three channels' mean."""
        mean = tuple(math.exp(sum(math.log(s) for s in slopes) / 3) for slopes in zip(*self.channels()))
        return Curves(mean, mean, mean)

    def to_vector(self) -> list[float]:
        return [math.log2(slope) for slopes in self.channels() for slope in slopes]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Curves:
        starts = range(0, cls.size, SEGMENTS)
        return cls(*(tuple(2.0**value for value in values[start : start + SEGMENTS]) for start in starts))
