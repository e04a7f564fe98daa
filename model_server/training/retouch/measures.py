# SPDX-License-Identifier: GPL-3.0-or-later
"""How well photographs are retouched, where the right answer is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..colour import average_inside, measure_difference, to_lab
from ..operators import decode
from .network import RetouchNetwork
from .pairs import Pair, apply_vector, round_bytes

_CUT = 0.005  # share of a channel's values that automatic contrast clips at each end


class Score(NamedTuple):
    """Mean CIE76 to the version that is wanted: of the photograph, of automatic contrast, of the network's.

    change: CIE76 of what the network did; again: of what it does to its own result; clipped: share of pixels that have
    a channel at its end and had none.
    """

    nothing: float
    automatic: float
    network: float
    change: float
    again: float
    clipped: float


@torch.no_grad()
def score(network: RetouchNetwork, pair: Pair) -> Score:
    """Of one pair, in the plain look."""
    result = retouch(network, pair.before, pair.valid)
    return compare(pair, result, retouch(network, result, pair.valid))


def compare(pair: Pair, result: Tensor, again: Tensor) -> Score:
    """Of a result [3, H, W], and of what the same retouch made of that."""
    automatic = stretch_contrast(pair.before, pair.valid)
    errors = [measure_error(each, pair.wanted, pair.valid) for each in (pair.before, automatic, result)]
    change, second = (measure_error(*each, pair.valid) for each in ((result, pair.before), (again, result)))
    return Score(errors[0], errors[1], errors[2], change, second, measure_clipping(pair, result))


def retouch(network: RetouchNetwork, picture: Tensor, valid: Tensor, look: int = 0) -> Tensor:
    """A picture [3, H, W] in one of the looks, in 8 bits."""
    parameters = network.predict(picture[None], valid[None]).parameters[:, look]
    return round_bytes(apply_vector(picture[None], parameters)[0])


def stretch_contrast(picture: Tensor, valid: Tensor) -> Tensor:
    """Automatic contrast: each channel from black to white, but for a few of its values."""
    values = picture[:, valid[0] > 0]
    low, high = (torch.quantile(values, share, dim=1)[:, None, None] for share in (_CUT, 1 - _CUT))
    return round_bytes((picture - low) / (high - low).clamp(min=1 / 255))


def measure_error(one: Tensor, other: Tensor, valid: Tensor) -> float:
    """The mean CIE76 between two pictures [3, H, W]."""
    labs = [to_lab(decode(each)[None]) for each in (one, other)]
    return float(average_inside(measure_difference(*labs), valid[None]))


def measure_clipping(pair: Pair, result: Tensor) -> float:
    """The share of pixels with a channel at 0 or 255 in the result alone."""
    before, after = (((each <= 0) | (each >= 1)).any(0) for each in (pair.before, result))
    area = pair.valid[0] > 0
    return float((after & ~before & area).sum() / area.sum())


def summarise(kind: str, scores: list[Score]) -> str:
    """One line: means of a kind."""
    table = np.array(scores)
    nothing, automatic, network = table[:, :3].mean(0)
    changed = f"changes by {np.median(table[:, 3]):.1f} (median), again by {np.median(table[:, 4]):.1f}"
    clipped = f"{table[:, 5].mean():.2%} more clipped"
    if kind == "good":
        return f"{kind}: {changed}, {clipped}"
    worse = float((table[:, 2] > 1.001 * table[:, 0]).mean())
    share = network / min(nothing, automatic)
    return (
        f"{kind} ({len(table)}): nothing {nothing:.1f}, automatic {automatic:.1f}, network {network:.1f} = {share:.2f} "
        f"of the better; worse {worse:.0%}; {changed}, {clipped}"
    )
