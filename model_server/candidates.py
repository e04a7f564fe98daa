# SPDX-License-Identifier: GPL-3.0-or-later
"""One region edited in all 24 orders of application, and the choice among them.

Everything is computed when it is first asked for and kept, so that a choice costs what it looks at and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import numpy.typing as npt

from plugin.saliency.edits import ORDERS

# In the order in which they are proposed.
CHOICES = ("best-realism", "best-saliency", "variant-1", "variant-2")

# Regions that differ by less than this, the mean of display-encoded values 0..1, look the same.
SAME = 0.25 / 255

Floats = npt.NDArray[np.float32]


class Candidates:
    """The edited pictures of one request by the index of their order in `edits.ORDERS`."""

    def __init__(
        self,
        edited: Callable[[int], Floats],
        share: Callable[[Floats], float],
        realism: Callable[[Floats], float],
        mask: Floats,
        sign: float,
        pool: ThreadPoolExecutor,
    ) -> None:
        """edited: an order's picture [1, 3, H, W], display-encoded 0..1.  share, realism: of such a picture, 0..1.

        mask: [1, 1, H, W], 0..1, not empty.  sign: -1 if less of the attention is better, +1 if more.  pool: whose
        threads may compute several orders at once.
        """
        # None of these may hold self: in a cycle, megabytes of pictures would wait for the garbage collector.
        edited = cache(edited)
        self.share = cache(lambda index: share(edited(index)))
        self.realism = cache(lambda index: realism(edited(index)))
        inside = cache(lambda: mask[0, 0] > 0)
        weights = cache(lambda: mask[0, 0][inside()] / mask[0, 0][inside()].sum())
        region = cache(lambda index: edited(index)[0][:, inside()])
        self._difference = cache(lambda one, other: float(np.abs(region(one) - region(other)).mean(0) @ weights()))
        self._sign = sign
        self._pool = pool

    def chosen(self, choice: str) -> int:
        """The order of one of CHOICES: the most real one, the one that moves most attention, or a variant.

        variant-1 is the order whose region differs most from both of these, variant-2 the one that differs most from
        all three; a distance is the mean absolute difference of display-encoded values, weighted by the mask.
        """
        if choice == "best-realism":
            return self._most(self.realism)
        if choice == "best-saliency":
            return self._most(lambda index: self._sign * self.share(index))
        others = [self.chosen(other) for other in CHOICES[: CHOICES.index(choice)]]
        rest = [index for index in range(len(ORDERS)) if index not in others]
        return max(rest, key=lambda index: self._distance(index, others))

    def distinct(self) -> dict[str, int]:
        """Choice → order for all of CHOICES, without those that look like one before."""
        found: dict[str, int] = {}
        for choice in CHOICES:
            index = self.chosen(choice)
            if not found or self._distance(index, found.values()) >= SAME:
                found[choice] = index
        return found

    def _most(self, figure: Callable[[int], float]) -> int:
        """The order of the largest figure, the first of them if there are several."""
        figures = list(self._pool.map(figure, range(len(ORDERS))))
        return figures.index(max(figures))

    def _distance(self, index: int, others: Iterable[int]) -> float:
        """How far an order's region is from the nearest of others."""
        return min(self._difference(index, other) for other in others)
