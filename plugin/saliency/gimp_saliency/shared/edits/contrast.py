# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast about the middle grey."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slider, Slopes, check_number, format_signed
from .curve import CURVE_NODES, normalise

# What one unit of contrast adds to the binary logarithms of a curve's slopes: an S that turns about the middle grey.
CONTRAST_SLOPES = tuple(-math.cos(math.pi * (start + end)) for start, end in zip(CURVE_NODES, CURVE_NODES[1:]))


@dataclass(frozen=True)
class Contrast(Edit):
    """Contrast about the middle grey on display-encoded values, an S-shaped curve (`gimp:curves`).  Identity 0.

    Not `gegl:brightness-contrast`, which in linear light turns about a grey so bright that it crushes the darks.
    """

    name: ClassVar[str] = "contrast"
    title: ClassVar[str] = _("Contrast")
    mnemonic: ClassVar[str] = _("Contrast")
    help: ClassVar[str] = _("Whether to change the contrast")
    place: ClassVar[int] = 20
    operation: ClassVar[str] = "gimp:curves"
    sliders: ClassVar[tuple[Slider, ...]] = (Slider("amount", _("Amount of contrast"), -1.5, 1.5, 0.02),)
    is_curved: ClassVar[bool] = True
    comes_first: ClassVar[bool] = True  # it commutes nearly with what follows
    size: ClassVar[int] = 1

    amount: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", check_number("contrast", self.amount, -5, 5))

    @classmethod
    def neutral(cls) -> Contrast:
        return cls(0)

    def at_strength(self, t: float) -> Contrast:
        return Contrast(min(5.0, max(-5.0, self.amount * t)))

    def is_identity(self) -> bool:
        return abs(self.amount) < TOLERANCE

    def label(self) -> str:
        return _("Contrast {value}").format(value=format_signed(self.amount))

    def curves(self, gray: bool = False) -> dict[str, Slopes]:
        return {"value": normalise(tuple(2.0 ** (self.amount * more) for more in CONTRAST_SLOPES))}

    def to_vector(self) -> list[float]:
        return [self.amount]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Contrast:
        return cls(values[0])
