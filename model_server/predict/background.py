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
from model_server.predict.canvas import Floats
from model_server.predict.vector import CONTRAST, COUNT, CURVES, PLACES

# How much the picture may change by these edits: the mean colour difference (CIE76).
CHANGE = 1.05

# CIELAB of small differences of display-encoded sRGB about middle grey: rows L, a, b.
LAB = np.array([[21.2, 71.4, 7.2], [95.3, -145.9, 50.7], [33.5, 104.3, -137.8]], np.float32)

# How far each edit is tried, in the vector's units; slopes are those of a curve that the three channels share.
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

Edit = Callable[[Floats], Floats]
Gain = Callable[[Floats], float]


def _make_directions() -> Floats:
    """What is tried, as parameters [tries, COUNT]."""
    rows = []
    for place, size in _TRIED.items():
        rows.append(np.zeros(COUNT, np.float32))
        rows[-1][place] = size
    for piece in range(SEGMENTS):
        rows.append(np.zeros(COUNT, np.float32))
        rows[-1][CURVES][piece::SEGMENTS] = _TRIED_SLOPE
    return np.array(rows)


_DIRECTIONS = _make_directions()


class Fit(NamedTuple):
    """What becomes of edits around a region: `scale` times their parameters, plus `step`."""

    scale: float
    step: Floats  # [COUNT]

    def __call__(self, around: Floats) -> Floats:
        """The fitted parameters [..., COUNT]."""
        result: Floats = np.float32(self.scale) * around + self.step
        return result


def fit_background(around: Floats, edit: Edit, gain: Gain, pool: ThreadPoolExecutor) -> Fit:
    """How parameters [COUNT] around a region move more attention, and change the picture by CHANGE.

    edit: gives the picture [1, 3, H, W], display-encoded 0..1, with parameters around its region.
    gain: how good such a picture is, the more the better; above all how far its attention moves the right way.
    pool: whose threads may do both.  If the step gains less than `around` at the same change, there is none.
    """
    fitting = _Fitting(around, edit, gain)
    steps = fitting.solve(pool)
    fits = [fitting.limit(each.astype(np.float32)) for each in (steps.clip(-_FARTHEST, _FARTHEST), 0 * steps)]
    return max(fits, key=lambda fit: gain(edit(fit(around))))


class _Fitting:
    """One fit; arguments as for `fit_background`."""

    def __init__(self, around: Floats, edit: Edit, gain: Gain) -> None:
        self._around = around
        self._edit = edit
        self._gain = gain
        self._untouched = _to_lab(edit(np.zeros(COUNT, np.float32)))

    def solve(self, pool: ThreadPoolExecutor) -> npt.NDArray[np.float64]:
        """How many steps along each direction gain most at the change that is wanted."""
        both = list(pool.map(self._try, np.concatenate([_DIRECTIONS, -_DIRECTIONS])))
        half = len(_DIRECTIONS)
        moved = np.array([(more[1] - less[1]) / 2 for more, less in zip(both[:half], both[half:])])
        changed = np.array([(more[0] - less[0]).ravel() / 2 for more, less in zip(both[:half], both[half:])])
        visible = np.einsum("ik,jk->ij", changed, changed).astype(np.float64) / self._untouched.shape[1]
        visible += np.diag(_RIDGE * visible.diagonal() + 1e-12)
        steps = np.linalg.solve(visible, moved)
        steps *= CHANGE / np.sqrt(max(float(steps @ visible @ steps), 1e-18))
        return steps if np.isfinite(steps).all() else np.zeros_like(steps)

    def limit(self, steps: Floats) -> Fit:
        """With so many steps along the directions, at the change that is wanted."""
        scale = 1.0
        for _ in range(2):  # change is nearly proportional to parameters
            parameters = Fit(scale, np.float32(scale) * steps @ _DIRECTIONS)(self._around)
            change = float(np.linalg.norm(_to_lab(self._edit(parameters)) - self._untouched, axis=0).mean())
            scale = min(_LARGEST, scale * CHANGE / max(change, 1e-6))
        return Fit(scale, (scale * steps).clip(-_FARTHEST, _FARTHEST).astype(np.float32) @ _DIRECTIONS)

    def _try(self, step: Floats) -> tuple[Floats, float]:
        """What a step makes of the picture, and how good that is."""
        picture = self._edit(self._around + step)
        return _to_lab(picture), self._gain(picture)


def _to_lab(picture: Floats) -> Floats:
    """A picture [1, 3, H, W] in LAB: [3, H * W]."""
    # Not a matrix product: its own threads would wait for the ones of the pool.
    result: Floats = np.einsum("ij,jk->ik", LAB, picture.reshape(3, -1))
    return result
