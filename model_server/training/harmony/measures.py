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

    curves: without the shading; change: CIE76 of what the network did.
    """

    nothing: float
    half: float
    network: float
    curves: float
    change: float


@torch.no_grad()
def score(network: HarmonyNetwork, pair: Pair) -> Score:
    """Of one pair."""
    seen = pair.see()
    curves, shading = network.predict(seen)
    curved = operator.apply_curves(seen.picture, curves)
    shaded = operator.shade_boxes(curved, shading, seen.mask)
    results = (operator.blend(seen.picture, each, seen.mask)[0] for each in (shaded, curved))
    errors = [measure_error(pair, each) for each in (pair.composite, transfer_half(pair), *results)]
    before, after = (to_lab(decode(each)) for each in (seen.picture, shaded))
    change = float(average_inside(measure_difference(before, after), seen.mask))
    return Score(errors[0], errors[1], errors[2], errors[3], change)


def transfer_half(pair: Pair) -> Tensor:
    """The composite [3, H, W] with half of Reinhard's transfer from what is around the cut-out."""
    half = distortions.transfer_half(pair.composite, pair.mask, pair.around)
    return operator.blend(pair.composite, half, pair.mask)


def measure_error(pair: Pair, result: Tensor) -> float:
    """The mean squared error of a result [3, H, W] in the pair's cut-out, of values 0..255."""
    area = pair.mask > 0
    return float((255 * (result - pair.wanted) * area).square().sum() / (3 * area.sum()))


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
            parts.append(f"untouched changes by {rows[:, 4].mean():.2f}")
        else:
            parts.append(
                f"{kind} {rows[:, 2].mean() / rows[:, 0].mean():.2f} ({rows[:, 3].mean() / rows[:, 0].mean():.2f})"
            )
    return "; ".join(parts)
