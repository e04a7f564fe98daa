# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of its local contrast an edit leaves a region: what lifts the shadows and lowers the lights is fog.

Local contrast is the mean difference of L* between pixels of the region a few pixels apart.  Darkness takes its part of
that, as it does in nature, so what is darker is measured against its lightness.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from model_server.predict.border import Places, to_lab
from model_server.predict.canvas import Floats

LEAST = 0.8  # of the local contrast; below, photographs look hazy

APART = 3  # px; on the networks' canvas

# L*: a region without detail, or all black, has none to lose.
SMOOTH, BLACK = 0.2, 1.0


class Detail:
    """The local contrast of one region.  Thread-safe."""

    def __init__(self, picture: Floats, mask: Floats) -> None:
        """picture [1, 3, H, W], display-encoded; mask [1, 1, H, W], 0..1, not empty."""
        self._picture = picture
        is_in = mask[0, 0] > mask.max() / 2
        self._where = np.flatnonzero(is_in)
        places = np.zeros(is_in.shape, np.intp)
        places[is_in] = np.arange(len(self._where))
        beside, below = is_in[:, APART:] & is_in[:, :-APART], is_in[APART:] & is_in[:-APART]
        self._first: Places = np.concatenate([places[:, :-APART][beside], places[:-APART][below]])
        self._second: Places = np.concatenate([places[:, APART:][beside], places[APART:][below]])

    def measure_kept(self, edited: Floats) -> float:
        """The part of the local contrast that is left in an edited picture [1, 3, H, W]: 1 is all of it."""
        contrast, lightness = self._measure(edited)
        darker = min(1.0, (lightness + BLACK) / (self._before[1] + BLACK))
        return (contrast + SMOOTH) / (self._before[0] + SMOOTH) / darker

    @cached_property
    def _before(self) -> tuple[float, float]:
        return self._measure(self._picture)

    def _measure(self, picture: Floats) -> tuple[float, float]:
        """Local contrast and mean lightness of the region, L*."""
        lightness = to_lab(picture[0].reshape(3, -1)[:, self._where].T)[:, 0]
        if not len(self._first):  # narrower than what is compared
            return 0.0, float(lightness.mean())
        return float(np.abs(lightness[self._first] - lightness[self._second]).mean()), float(lightness.mean())
