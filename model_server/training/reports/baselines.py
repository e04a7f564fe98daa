# SPDX-License-Identifier: GPL-3.0-or-later
"""What edits without the edit network reach: habits, chance, and search for each single picture.

The last two look at the picture through the networks of the training and so learn to please those.  They show how
easily these are fooled; they are no ceiling, and the product does nothing of the kind.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plugin.saliency.edits import Edit, Exposure, Saturation

from .. import operators, realism
from ..edit import Judges, Objective, Prepared, play

# A photographer's habit.
FIXED: dict[str, list[Edit]] = {
    "attenuate": [Exposure(-0.7), Saturation(0.6)],
    "emphasize": [Exposure(0.5), Saturation(1.25)],
}


def random_draw(rng: np.random.Generator) -> Tensor:
    """Parameters [28] from the ranges that count as real, never the identity."""
    while True:
        drawn = realism.real_edit(rng)
        if drawn.any():
            return drawn


def best_of(
    judges: Judges, region: Prepared, direction: Tensor, objective: Objective, seed: int, draws: int = 64
) -> Tensor:
    """The best of random parameters [28] within the network's bounds for one region, by the training's objective."""
    raw = torch.randn(draws, operators.RAW, generator=torch.Generator().manual_seed(seed)) * 0.5
    best, lowest = torch.zeros(0), float("inf")
    for part in raw.split(16):
        many = region.take(torch.zeros(len(part), dtype=torch.long))
        parameters, sign = operators.from_raw(part), direction.expand(len(part))
        orders = operators.ALL_ORDERS[:1].expand(len(part), 4)
        losses = objective(play(judges, many, part, parameters, sign, orders, judges.all()), sign, many.people)
        if float(losses.min()) < lowest:
            lowest, best = float(losses.min()), parameters[losses.argmin()]
    return best


def optimised(judges: Judges, region: Prepared, direction: Tensor, objective: Objective, steps: int = 40) -> Tensor:
    """Parameters [28] descended to for one region from the identity, by the training's objective."""
    raw = torch.zeros(1, operators.RAW, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.1)
    orders = operators.ALL_ORDERS[:1]
    with torch.enable_grad():
        for _ in range(steps):
            outcome = play(judges, region, raw, operators.from_raw(raw), direction, orders, judges.all())
            optimizer.zero_grad()
            objective(outcome, direction, region.people).sum().backward()
            optimizer.step()
    return operators.from_raw(raw.detach())[0]
