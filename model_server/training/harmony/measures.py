# SPDX-License-Identifier: GPL-3.0-or-later
"""How well cut-outs are harmonized, where the right answer is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..colour import average_inside, measure_difference, to_lab
from ..operators import decode
from . import distortions, operator
from .network import HarmonyNetwork
from .pairs import Pair


class Score(NamedTuple):
    """Mean squared errors of a cut-out, of values 0..255: left alone, by half of Reinhard's transfer, harmonized.

    curves: harmonized by curves alone; constant: by the curves of all pairs' mean answer, if they were given; change:
    CIE76 of what the network did.
    """

    nothing: float
    half: float
    network: float
    curves: float
    constant: float
    change: float


@torch.no_grad()
def score(network: HarmonyNetwork, pair: Pair, constant: Tensor | None = None) -> Score:
    """Of one pair, at half the canvas' size.  constant: curves [1, 3, NODES]."""
    seen = pair.see()
    curves, shading = network.predict(seen)
    curved = operator.apply_curves(seen.picture, curves)
    shaded = operator.shade_boxes(curved, shading, seen.mask)
    half = distortions.transfer_half(pair.composite, pair.mask, pair.around)[None]
    by_constant = operator.apply_curves(seen.picture, constant) if constant is not None else seen.picture
    before, after = (to_lab(decode(each)) for each in (seen.picture, shaded))
    return Score(
        measure_error(pair, seen.picture),
        measure_error(pair, half),
        measure_error(pair, shaded),
        measure_error(pair, curved),
        measure_error(pair, by_constant),
        float(average_inside(measure_difference(before, after), seen.mask)),
    )


def measure_error(pair: Pair, harmonized: Tensor) -> float:
    """The mean squared error in the cut-out, of values 0..255."""
    result = operator.blend(pair.composite[None], harmonized, pair.mask[None])
    squares = (255 * (result - pair.wanted[None]) * (pair.mask[None] > 0)).square().sum()
    return float(squares / (3 * pair.mask.sum()))


def summarise(scores: list[Score], kinds: list[str]) -> str:
    """One line: means of all, then the share of doing nothing by kind."""
    table = np.array(scores)
    touched = np.array(kinds) != "untouched"
    nothing, half, network, curves = table[touched, :4].mean(0)
    worse = float((table[touched, 2] > 1.001 * table[touched, 0]).mean())
    parts = [
        f"nothing {nothing:.0f}, half {half:.0f}, curves {curves:.0f}, network {network:.0f}"
        f" = {network / nothing:.2f} of nothing, {network / half:.2f} of half; worse {worse:.1%}"
    ]
    for kind in dict.fromkeys(kinds):
        rows = table[np.array(kinds) == kind]
        if kind == "untouched":
            parts.append(f"untouched changes by {rows[:, 5].mean():.2f}")
        else:
            parts.append(
                f"{kind} {rows[:, 2].mean() / rows[:, 0].mean():.2f} ({rows[:, 3].mean() / rows[:, 0].mean():.2f})"
            )
    return "; ".join(parts)
