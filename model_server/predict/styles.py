# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles that are drawn for a row of proposals, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gimp_saliency.shared.choices import PROPOSED, Ranking
from gimp_saliency.shared.styles import FARTHEST, Style
from model_server.predict.canvas import Floats
from model_server.predict.orders import SAME, Measure
from model_server.predict.vector import STYLE

# Styles that are tried for one row of proposals; each costs nearly as much as a prediction of its own.
DRAWN = 6

# A style may look this much less real than what it is proposed beside.
_DEARER = 0.08


def sample_styles(seed: int) -> list[Style]:
    """DRAWN styles, the same for the same seed, with so few digits that they survive being written down."""
    numbers = np.random.default_rng(seed).standard_normal((DRAWN, STYLE))
    return [tuple(style) for style in numbers.clip(-FARTHEST, FARTHEST).round(3).tolist()]


def is_worthy(moved: float, realism: float, beside: float) -> bool:
    """Whether a style is worth proposing.

    moved: how much more attention goes where it should.  realism: the style's; beside: that of the first proposal.
    """
    return moved > 0 and realism >= beside - _DEARER


def choose_styles(
    first: Floats, styles: Mapping[Style, tuple[Floats, float]], measure: Measure
) -> dict[Ranking, Style]:
    """Choice → style for PROPOSED but the first, as `Candidates.choose_distinct` has them for orders.

    first: what `measure.cut` took of the first proposal; styles: of each, and how much attention it moves.
    """
    before = [first]
    looks = {style: seen for style, (seen, _moved) in styles.items()}
    found: dict[Ranking, Style] = {}
    for choice in PROPOSED[1:]:
        distances = _measure_distances(looks, before, measure)
        if distances:
            moves = {style: styles[style][1] for style in distances}
            found[choice] = max(distances, key=(moves if choice == Ranking.BEST_SALIENCY else distances).__getitem__)
            before.append(looks[found[choice]])
    return found


def choose_different(first: Floats, looks: Mapping[Style, Floats], measure: Measure) -> list[Style]:
    """Three at most, each the one that looks least like the first proposal and those before it.

    first, looks: what `measure.cut` took of the first proposal and of each style's.  What looks the same as one before
    is left out.
    """
    before = [first]
    found: list[Style] = []
    while len(found) < len(PROPOSED) - 1 and (distances := _measure_distances(looks, before, measure)):
        found.append(max(distances, key=distances.__getitem__))
        before.append(looks[found[-1]])
    return found


def _measure_distances(looks: Mapping[Style, Floats], before: Sequence[Floats], measure: Measure) -> dict[Style, float]:
    """How far each look is from the nearest of those before, without those that are the same as one of these."""
    distances = {style: min(measure.compare(seen, each) for each in before) for style, seen in looks.items()}
    return {style: distance for style, distance in distances.items() if distance >= SAME}
