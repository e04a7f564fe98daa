# SPDX-License-Identifier: GPL-3.0-or-later
"""Saturation in linear light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slider, check_number

# GIMP allows a scale of 0, which has no finite logarithm; this one is 0 at every bit depth.
_LOWEST = 2.0**-40


@dataclass(frozen=True)
class Saturation(Edit):
    """Saturation in linear light (`gegl:saturation`, native): 0 is grey, 1 the identity."""

    name: ClassVar[str] = "saturation"
    title: ClassVar[str] = _("Saturation")
    mnemonic: ClassVar[str] = _("Sa_turation")
    help: ClassVar[str] = _("Whether to change the saturation")
    place: ClassVar[int] = 50
    operation: ClassVar[str] = "gegl:saturation"
    sliders: ClassVar[tuple[Slider, ...]] = (Slider("scale", _("Factor of saturation"), 0, 3, 0.02),)
    has_colour: ClassVar[bool] = True
    size: ClassVar[int] = 1

    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", check_number("saturation", self.scale, 0, 10))

    @classmethod
    def neutral(cls) -> Saturation:
        return cls(1)

    def at_strength(self, t: float) -> Saturation:
        return Saturation(min(10.0, self.scale**t))

    def is_identity(self) -> bool:
        return abs(self.scale - 1) < TOLERANCE

    def label(self) -> str:
        return _("Saturation {value:.2f}").format(value=self.scale)

    def settings(self, side: float) -> dict[str, float]:
        return {"scale": self.scale}

    @classmethod
    def from_settings(cls, values: Mapping[str, float], changed: set[str]) -> Saturation:
        return cls(values["scale"])

    def to_vector(self) -> list[float]:
        return [math.log2(max(self.scale, _LOWEST))]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Saturation:
        return cls(2.0 ** values[0])
