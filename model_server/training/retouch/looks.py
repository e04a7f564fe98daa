# SPDX-License-Identifier: GPL-3.0-or-later
"""What the looks mean: the edits that each adds to a good photograph, as vectors of `predict.vector`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.edits import Curves, Edit, Exposure, Saturation, Tone, WhiteBalance
from gimp_saliency.shared.edits.curve import STRAIGHT
from model_server.predict.retouch_map import ORDER
from model_server.predict.vector import NAMES, to_parameters

# The steepness of the eight segments from black to white; each curve is scaled to run from 0 to 1.
_DEFINITIONS: dict[str, Sequence[Edit]] = {
    "neutral": (),
    "warm": (WhiteBalance(1.16, 0.84), Saturation(1.05)),
    "cool": (WhiteBalance(0.9, 1.16), Saturation(0.97)),
    # Lifted blacks, a shoulder, teal in the shadows and amber in the lights, paler.
    "film": (
        Saturation(0.86),
        Tone((1.35, 1.1, 1.2, 1.15, 1.05, 0.9, 0.75, 0.6)),
        Curves(
            (0.75, 0.9, 1.1, 1.15, 1.1, 1.0, 0.98, 0.97),
            STRAIGHT,
            (1.4, 1.12, 0.98, 0.9, 0.88, 0.9, 0.95, 1.0),
        ),
    ),
    "punchy": (Saturation(1.25), Tone((0.72, 0.9, 1.1, 1.25, 1.25, 1.1, 0.9, 0.75))),
    "soft": (Saturation(0.88), Tone((1.4, 1.3, 1.05, 0.9, 0.85, 0.88, 0.92, 0.95)), Exposure(0.05)),
}


def list_looks() -> Tensor:
    """The vector of each of LOOKS: [looks, COUNT]."""
    return torch.tensor([to_parameters(_DEFINITIONS[name]) for name in LOOKS])


def order_steps(count: int) -> Tensor:
    """The order of application, `count` times: [count, kinds], for `operators.apply_pointwise`."""
    return torch.tensor([[NAMES.index(name) for name in ORDER]]).expand(count, -1)
