# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharpening: an unsharp mask in linear light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slider, check_number

# Width of the blur (its standard deviation) in longer sides of the picture, so that a thumbnail shows what becomes of
# the full size.  Wider ones are local contrast rather than sharpness; narrower ones a thumbnail cannot show.
SHARPENING_WIDTH = 0.003

_BLUR = 4  # standard deviations of the blur that can be seen


@dataclass(frozen=True)
class Sharpening(Edit):
    """Unsharp mask of SHARPENING_WIDTH in linear light (`gegl:unsharp-mask`): how much detail is added.  Identity 0."""

    name: ClassVar[str] = "sharpening"
    title: ClassVar[str] = _("Sharpening")
    mnemonic: ClassVar[str] = _("Sharpening")
    help: ClassVar[str] = _("Whether to change the sharpness")
    place: ClassVar[int] = 10
    operation: ClassVar[str] = "gegl:unsharp-mask"
    sliders: ClassVar[tuple[Slider, ...]] = (Slider("amount", _("Amount of sharpening"), 0, 0.5, 0.01),)
    comes_first: ClassVar[bool] = True  # it wants the picture as it was
    size: ClassVar[int] = 1

    amount: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", check_number("sharpening", self.amount, 0, 10))

    @classmethod
    def neutral(cls) -> Sharpening:
        return cls(0)

    def at_strength(self, t: float) -> Sharpening:
        return Sharpening(self.amount * t)

    def is_identity(self) -> bool:
        return self.amount < TOLERANCE

    def label(self) -> str:
        return _("Sharpening {value:.2f}").format(value=self.amount)

    def settings(self, side: float) -> dict[str, float]:
        return {"std-dev": SHARPENING_WIDTH * side, "scale": self.amount, "threshold": 0.0}

    @classmethod
    def from_settings(cls, values: Mapping[str, float], changed: set[str]) -> Sharpening | None:
        return cls(values["scale"]) if changed == {"scale"} else None

    def reach(self, side: float) -> int:
        return 0 if self.is_identity() else math.ceil(_BLUR * SHARPENING_WIDTH * side) + 1

    def to_vector(self) -> list[float]:
        return [self.amount]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Sharpening:
        return cls(values[0])
