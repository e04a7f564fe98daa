# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of what surrounds a region, fitted to the one picture.

The edit network sees what the surroundings are like on the whole, not what in them draws the eye away from the region.
So its edits are where a fit starts: each kind of edit is tried a little more and a little less, and one step is taken
where attention moves most for the least visible change.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gimp_saliency.shared.edits import SEGMENTS, Exposure, Saturation, WhiteBalance
from model_server.predict.vector import CONTRAST, COUNT, CURVES, PLACES

# How much the picture may change by these edits: the mean colour difference (CIE76).
CHANGE = 1.05

# CIELAB of small differences of display-encoded sRGB about middle grey: rows L, a, b.
LAB = np.array([[21.2, 71.4, 7.2], [95.3, -145.9, 50.7], [33.5, 104.3, -137.8]], np.float32)

# How far each edit is tried, in the units of parameters.py; slopes are those of a curve that the three channels share.
_RED, _BLUE = range(*PLACES[WhiteBalance.name].indices(COUNT))
_TRIED = {
    PLACES[Exposure.name].start: 0.15,
    PLACES[Saturation.name].start: 0.3,
    _RED: 0.06,
    _BLUE: 0.06,
    CONTRAST: 0.15,
}
_TRIED_SLOPE = 0.2

# How many times that an edit may go in the end, and how many times its own size what the network says.
_FARTHEST = 2.5
_LARGEST = 1.5

# Edits that look alike share the step instead of fighting each other: a part of each one's own visibility.
_RIDGE = 0.03

Floats = npt.NDArray[np.float32]
Gain = Callable[[Floats], float]


def _directions() -> Floats:
    rows = []
    for place, size in _TRIED.items():
        rows.append(np.zeros(COUNT, np.float32))
        rows[-1][place] = size
    for piece in range(SEGMENTS):
        rows.append(np.zeros(COUNT, np.float32))
        rows[-1][CURVES][piece::SEGMENTS] = _TRIED_SLOPE
    return np.array(rows)


_DIRECTIONS = _directions()


class Fit(NamedTuple):
    """What becomes of edits around a region: `scale` times their parameters, plus `step`."""

    scale: float
    step: Floats  # [38]

    def __call__(self, around: Floats) -> Floats:
        """The fitted parameters [..., 38]."""
        result: Floats = np.float32(self.scale) * around + self.step
        return result


def fitted(around: Floats, edited: Callable[[Floats], Floats], gain: Gain, pool: ThreadPoolExecutor) -> Fit:
    """How parameters [38] around a region move more attention, and change the picture by CHANGE.

    edited: the picture [1, 3, H, W], display-encoded 0..1, with parameters around its region.
    gain: how good such a picture is, the more the better; above all how far its attention moves the right way.
    pool: whose threads may do both.  If the step gains less than `around` at the same change, there is none.
    """

    def seen(picture: Floats) -> Floats:
        # Not a matrix product: its own threads would wait for the ones of the pool.
        result: Floats = np.einsum("ij,jk->ik", LAB, picture.reshape(3, -1))
        return result

    untouched = seen(edited(np.zeros(COUNT, np.float32)))

    def sized(steps: Floats) -> Fit:
        """With so many steps along the directions, at the change that is wanted."""
        scale = 1.0
        for _ in range(2):  # change is nearly proportional to parameters
            parameters = Fit(scale, np.float32(scale) * steps @ _DIRECTIONS)(around)
            change = float(np.linalg.norm(seen(edited(parameters)) - untouched, axis=0).mean())
            scale = min(_LARGEST, scale * CHANGE / max(change, 1e-6))
        return Fit(scale, (scale * steps).clip(-_FARTHEST, _FARTHEST).astype(np.float32) @ _DIRECTIONS)

    def tried(step: Floats) -> tuple[Floats, float]:
        picture = edited(around + step)
        return seen(picture), gain(picture)

    both = list(pool.map(tried, np.concatenate([_DIRECTIONS, -_DIRECTIONS])))
    half = len(_DIRECTIONS)
    moved = np.array([(more[1] - less[1]) / 2 for more, less in zip(both[:half], both[half:])])
    changed = np.array([(more[0] - less[0]).ravel() / 2 for more, less in zip(both[:half], both[half:])])
    visible = np.einsum("ik,jk->ij", changed, changed).astype(np.float64) / untouched.shape[1]
    visible += np.diag(_RIDGE * visible.diagonal() + 1e-12)
    steps = np.linalg.solve(visible, moved)
    steps *= CHANGE / np.sqrt(max(float(steps @ visible @ steps), 1e-18))
    if not np.isfinite(steps).all():
        steps = np.zeros_like(steps)
    candidates = [sized(each.astype(np.float32)) for each in (steps.clip(-_FARTHEST, _FARTHEST), 0 * steps)]
    return max(candidates, key=lambda fit: gain(edited(fit(around))))
