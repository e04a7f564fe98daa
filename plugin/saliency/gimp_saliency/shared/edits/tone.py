# SPDX-License-Identifier: GPL-3.0-or-later
"""Tone: one curve for all channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slopes
from .curve import SEGMENTS, STRAIGHT, check_slopes, format_midtones, raise_slopes


@dataclass(frozen=True)
class Tone(Edit):
    """One tone curve for all channels on display-encoded values (`gimp:curves`, value): eight positive segment slopes.

    The slopes are normalised on construction so that the curve runs from (0, 0) to (1, 1).  Identity: all 1.
    """

    name: ClassVar[str] = "tone"
    title: ClassVar[str] = _("Tone")
    mnemonic: ClassVar[str] = _("Tone")
    help: ClassVar[str] = _("Whether to change the tone curve")
    place: ClassVar[int] = 30
    operation: ClassVar[str] = "gimp:curves"
    is_curved: ClassVar[bool] = True
    comes_first: ClassVar[bool] = True  # it commutes nearly with what follows
    size: ClassVar[int] = SEGMENTS

    slopes: Slopes

    def __post_init__(self) -> None:
        object.__setattr__(self, "slopes", check_slopes("tone", self.slopes))

    @classmethod
    def neutral(cls) -> Tone:
        return cls(STRAIGHT)

    def at_strength(self, t: float) -> Tone:
        return Tone(raise_slopes(self.slopes, t))

    def is_identity(self) -> bool:
        return max(abs(s - 1) for s in self.slopes) < TOLERANCE

    def label(self) -> str:
        return _("Tone, midtones {value} %").format(value=format_midtones(self.slopes))

    def curves(self, gray: bool = False) -> dict[str, Slopes]:
        return {"value": self.slopes}

    def to_vector(self) -> list[float]:
        return [math.log2(slope) for slope in self.slopes]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Tone:
        return cls(tuple(2.0**value for value in values))
