# SPDX-License-Identifier: GPL-3.0-or-later
"""One region edited in all orders of application, and the choice among them.

Everything is computed when it is first asked for and kept, so that a choice costs what it looks at and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gimp_saliency.shared.choices import PROPOSED, Ranking
from model_server.predict.border import to_lab
from model_server.predict.canvas import Floats

# Pictures whose regions differ by less than this CIE76 on the mean are not offered side by side: nobody would see which
# is which.
SAME = 2.0

# Of orders whose pictures differ by less than this CIE76 one is judged for all, and of the rest no more than so many:
# most of the 24 lead to nearly the same.
_ALIKE, _JUDGED = 0.5, 8

_ENOUGH = 4000  # pixels that a comparison looks at; of more, some are left out evenly


class Measure:
    """How different two pictures look: the mean CIE76, by area."""

    def __init__(self, *areas: Floats) -> None:
        """areas: masks [1, 1, H, W], 0..1, at least one of them not empty; each counts alike, be it large or small."""
        self._areas = areas

    def cut(self, picture: Floats) -> Floats:
        """What counts of a picture [1, 3, H, W], display-encoded: its pixels in the areas, in Lab, [n, 3]."""
        return to_lab(picture[0].reshape(3, -1)[:, self._where].T)

    def compare(self, one: Floats, other: Floats) -> float:
        """CIE76 between two pictures of which `cut` took what counts: the sum of the areas' means."""
        return float(np.linalg.norm(one - other, axis=1) @ self._weights)

    @cached_property
    def _where(self) -> npt.NDArray[np.intp]:
        found = np.flatnonzero(np.sum(self._areas, 0) > 0)
        return found[:: len(found) // _ENOUGH + 1]

    @cached_property
    def _weights(self) -> Floats:
        chosen = [area.reshape(-1)[self._where] for area in self._areas]
        total: Floats = np.sum([each / each.sum() for each in chosen if each.any()], 0)
        return total


class Judge(Protocol):
    """What says of a picture [1, 3, H, W], display-encoded 0..1, what it is worth."""

    def share(self, picture: Floats) -> float:
        """The share of attention that falls into the region, 0..1."""

    def realism(self, picture: Floats) -> float:
        """How real the region looks, 0..1."""

    def border(self, picture: Floats) -> float:
        """How much of a border the region shows, 0 at least."""


class Candidates:
    """The edited pictures of one request by the index of their order in `Vocabulary.orders`."""

    def __init__(
        self,
        edit: Callable[[int], Floats],
        sketch: Callable[[int], Floats],
        judge: Judge,
        measure: Measure,
        sign: float,
        count: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        """edit: gives an order's picture [1, 3, H, W], display-encoded 0..1.  judge: says what such a picture is worth.

        sketch: gives a smaller one that shows as well how the orders differ; measure: of such.
        sign: -1 if less of the attention is better, +1 if more.  count: of orders.
        pool: whose threads may compute several orders at once.
        """
        # None of these may hold self: in a cycle, megabytes of pictures would wait for the garbage collector.
        edit = cache(edit)
        self.share = cache(lambda index: judge.share(edit(index)))
        self.realism = cache(lambda index: judge.realism(edit(index)))
        self.border = cache(lambda index: judge.border(edit(index)))
        self.seen = seen = cache(lambda index: measure.cut(sketch(index)))
        self._difference = cache(lambda one, other: measure.compare(seen(one), seen(other)))
        self._sign = sign
        self._count = count
        self._pool = pool

    def judge(self, index: int) -> tuple[float, float]:
        """`share` and `realism` of an order whose `border` has been asked for, both at once."""
        share = self._pool.submit(self.share, index)
        realism = self.realism(index)
        return share.result(), realism

    def choose(self, choice: Ranking) -> int:
        """The order of one of PROPOSED: the most real one, the one that moves most attention, or a variant.

        variant-1 is the order whose picture differs most from both of these, variant-2 the one that differs most from
        all three.
        """
        if choice == Ranking.BEST_REALISM:
            return self._find_most(self.realism)
        if choice == Ranking.BEST_SALIENCY:
            return self._find_most(lambda index: self._sign * self.share(index))
        others = [self.choose(other) for other in PROPOSED[: PROPOSED.index(choice)]]
        rest = [index for index in range(self._count) if index not in others]
        return max(rest, key=lambda index: self._measure_distance(index, others))

    def choose_distinct(self) -> dict[Ranking, int]:
        """Choice → order for all of PROPOSED, without those that cannot be told from one before."""
        found: dict[Ranking, int] = {}
        for choice in PROPOSED:
            index = self.choose(choice)
            if not found or self._measure_distance(index, found.values()) >= SAME:
                found[choice] = index
        return found

    def _find_most(self, figure: Callable[[int], float]) -> int:
        """The order of the largest figure, the first of them if there are several."""
        return max(zip(self._judged, self._pool.map(figure, self._judged)), key=lambda found: found[1])[0]

    @cached_property
    def _judged(self) -> list[int]:
        """The orders that are judged: the first, then again and again the one that looks least like those before."""
        list(self._pool.map(self.seen, range(self._count)))  # all at once
        found: list[int] = []
        distances = dict.fromkeys(range(self._count), np.inf)
        while len(found) < _JUDGED and max(distances.values()) >= _ALIKE:
            found.append(max(distances, key=distances.__getitem__))
            distances = {index: min(far, self._difference(index, found[-1])) for index, far in distances.items()}
        return found

    def _measure_distance(self, index: int, others: Iterable[int]) -> float:
        """How far an order's picture is from the nearest of others."""
        return min(self._difference(index, other) for other in others)
