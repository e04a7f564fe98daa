# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of a prediction: the one object that server, predictor and reports hand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_server.parameters import STYLE

DIRECTIONS = {"attenuate": -1.0, "emphasize": 1.0}
MAX_STRENGTH = 1.5

# A style's numbers are drawn from the standard normal distribution; beyond this nobody has seen what they do.
STYLE_LIMIT = 4.0

Style = tuple[float, ...]
PLAIN: Style = (0.0,) * STYLE


@dataclass(frozen=True)
class Wish:
    """What the edits of a region are to do.

    direction: "attenuate" or "emphasize".  strength: 0 untouched, 1 as predicted, 1.5 at most; it changes figures, and
    the choices that depend on them, but not the edits of an answer.  background: whether what surrounds the region is
    edited, too, at a strength of its own.  style: STYLE numbers, each within +-STYLE_LIMIT.

    Raises ValueError on anything else.
    """

    direction: str
    strength: float = 1.0
    background: bool = False
    background_strength: float = 1.0
    style: Sequence[float] = PLAIN

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ValueError(f"The direction must be {' or '.join(DIRECTIONS)}, not {self.direction!r:.40}.")
        for name, value in (("strength", self.strength), ("background's strength", self.background_strength)):
            if not 0 <= value <= MAX_STRENGTH:
                raise ValueError(f"The {name} must be a number from 0 to {MAX_STRENGTH:g}, not {value!r:.40}.")
        style = tuple(float(value) for value in self.style)
        if len(style) != STYLE or not all(abs(value) <= STYLE_LIMIT for value in style):
            raise ValueError(f"The style must be {STYLE} numbers from {-STYLE_LIMIT:g} to {STYLE_LIMIT:g}.")
        object.__setattr__(self, "style", style)

    @property
    def sign(self) -> float:
        """-1 if less of the attention is better, +1 if more."""
        return DIRECTIONS[self.direction]
