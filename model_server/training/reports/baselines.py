# SPDX-License-Identifier: GPL-3.0-or-later
"""What edits without the edit network reach: habits, chance, and search for each single picture.

The search looks at the picture through the networks of the training and so learns to please those.  It shows how easily
these are fooled, and how far edits can move the attention at all; the product does nothing of the kind.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gimp_saliency.shared.edits import Edit, Exposure, Saturation

from .. import operators
from ..edit import Edits, Judges, Objective, Prepared, play
from ..models import Wish

# A photographer's habit.
FIXED: dict[str, list[Edit]] = {
    "attenuate": [Exposure(-0.7), Saturation(0.6)],
    "emphasize": [Exposure(0.5), Saturation(1.25)],
}


DRAWS = 64  # of random parameters
STEPS, MANY_STEPS = 40, 100  # of descent


def free(objective: Objective, limit: float) -> Objective:
    """The same without realism, borders, fog or casts in it: attention alone, at most at that CIE76 on the mean.

    limit: of all boldnesses.  The pull is weaker, as there is nothing for attention to pull against.
    """
    return replace(
        objective, pull=(4.0, 2.5), limit=(limit,) * 3, limit_weight=0.3, people_limit=1.0, realism_weight=0.0,
        kept_weight=0.0, vivid_weight=0.0, tint_weight=0.0, border_weight=0.0, size_weight=0.0,
    )  # fmt: skip


def _edit_inside(raw: Tensor, direction: Tensor) -> Edits:
    """What the training calls edits of the region alone, from raw numbers [N, RAW], natural ones in one order."""
    return Edits(raw, torch.zeros_like(raw), Wish.make_plain(direction), torch.zeros(len(raw)).bool())


def search(judges: Judges, region: Prepared, direction: Tensor, objective: Objective, seed: int) -> Tensor:
    """The best of random parameters [COUNT] within the network's bounds for one region, by the training's objective."""
    raw = torch.randn(DRAWS, operators.RAW, generator=torch.Generator().manual_seed(seed)) * 0.5
    best, lowest = torch.zeros(0), float("inf")
    for part in raw.split(16):
        many = region.take(torch.zeros(len(part), dtype=torch.long))
        edits = _edit_inside(part, direction.expand(len(part)))
        losses = objective(play(judges, many, edits, judges.all()), edits, many.people)
        if float(losses.min()) < lowest:
            lowest, best = float(losses.min()), edits.inside[losses.argmin()]
    return best


def descend(judges: Judges, region: Prepared, direction: Tensor, objective: Objective, steps: int) -> Tensor:
    """Parameters [COUNT] descended to for one region from the identity, by the training's objective."""
    raw = torch.zeros(1, operators.RAW)
    raw[:, operators.RAW_SHARPENING] = 1e-3  # at exactly 0 it would stay there
    raw.requires_grad_(True)
    optimizer = torch.optim.Adam([raw], lr=0.1)
    with torch.enable_grad():
        for _ in range(steps):
            edits = _edit_inside(raw, direction)
            outcome = play(judges, region, edits, judges.all())
            optimizer.zero_grad()
            objective(outcome, edits, region.people).sum().backward()
            optimizer.step()
    return operators.bound_raw(raw.detach())[0]
