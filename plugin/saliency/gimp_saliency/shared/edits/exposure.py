# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposure in stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..words import _
from .base import TOLERANCE, Edit, Slider, check_number, format_signed


@dataclass(frozen=True)
class Exposure(Edit):
    """Exposure in EV (stops), in linear light (`gegl:exposure`).  Identity 0."""

    name: ClassVar[str] = "exposure"
    title: ClassVar[str] = _("Exposure")
    mnemonic: ClassVar[str] = _("E_xposure")
    help: ClassVar[str] = _("Whether to change the exposure")
    place: ClassVar[int] = 40
    operation: ClassVar[str] = "gegl:exposure"
    sliders: ClassVar[tuple[Slider, ...]] = (Slider("ev", _("Exposure in EV"), -4, 4, 0.05),)
    size: ClassVar[int] = 1

    ev: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "ev", check_number("exposure", self.ev, -10, 10))

    @classmethod
    def neutral(cls) -> Exposure:
        return cls(0)

    def at_strength(self, t: float) -> Exposure:
        return Exposure(self.ev * t)

    def is_identity(self) -> bool:
        return abs(self.ev) < TOLERANCE

    def label(self) -> str:
        return _("Exposure {value} EV").format(value=format_signed(self.ev))

    def settings(self, side: float) -> dict[str, float]:
        return {"exposure": self.ev}

    @classmethod
    def from_settings(cls, values: Mapping[str, float], changed: set[str]) -> Exposure:
        return cls(values["exposure"])

    def to_vector(self) -> list[float]:
        return [self.ev]

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Exposure:
        return cls(values[0])
