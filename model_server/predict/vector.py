# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network predicts: which kinds of edit, in which orders, and their numbers as one vector.

Every number is 0 at the identity, so strength is a factor on the whole vector.  A style is `styles.NUMBERS` numbers
that tell the edit network which of the edits for one goal are wanted; all 0 is the plain one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

from gimp_saliency.shared import styles
from gimp_saliency.shared.edits import KINDS, Contrast, Curves, Edit, Sharpening, Tone


@dataclass(frozen=True)
class Vocabulary:
    """The kinds of edit that a network speaks of, which are some of all that there are.

    kinds: names, by whose indices an order of application is written; the first `fixed` of them always come first.
    vector: the same names in the order of their numbers.  Raises ValueError for kinds that are not in the catalogue.
    """

    kinds: tuple[str, ...]
    fixed: int
    vector: tuple[str, ...]

    def __post_init__(self) -> None:
        if sorted(self.kinds) != sorted(self.vector) or not all(KINDS[name].size for name in self.kinds):
            raise ValueError("Order and vector must name the same kinds of edit, each with numbers.")

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Vocabulary:
        """The inverse of `to_json`.  Raises KeyError, TypeError or ValueError on anything else."""
        return cls(tuple(content["kinds"]), int(content["fixed"]), tuple(content["vector"]))

    def to_json(self) -> dict[str, Any]:
        """As the networks' manifest has it."""
        return {"kinds": list(self.kinds), "fixed": self.fixed, "vector": list(self.vector)}

    @cached_property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """All orders of application: each lists indices into `kinds`, first applied first."""
        free = range(self.fixed, len(self.kinds))
        return tuple((*range(self.fixed), *order) for order in permutations(free))

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where in the vector each kind's numbers are."""
        places, start = {}, 0
        for name in self.vector:
            places[name] = slice(start, start + KINDS[name].size)
            start += KINDS[name].size
        return places

    @cached_property
    def count(self) -> int:
        """Of the vector's numbers."""
        return sum(KINDS[name].size for name in self.vector)

    def to_parameters(self, edits: Iterable[Edit]) -> list[float]:
        """The vector of edits that hold each kind at most once."""
        values = [0.0] * self.count
        for edit in edits:
            values[self.places[edit.name]] = edit.to_vector()
        return values

    def to_edits(self, values: Sequence[float], order: Iterable[int]) -> list[Edit]:
        """The edits of a vector, in the order of application: indices into `kinds`, first applied first."""
        numbers = [float(value) for value in values]
        names = [self.kinds[index] for index in order]
        return [KINDS[name].from_vector(numbers[self.places[name]]) for name in names]


# What the training teaches, and the networks since version 3 speak.
PREDICTED = Vocabulary(
    ("sharpening", "contrast", "tone", "exposure", "saturation", "white-balance", "curves"),
    3,
    ("exposure", "saturation", "white-balance", "curves", "sharpening", "contrast", "tone"),
)
NAMES, FIXED, ORDERS = PREDICTED.kinds, PREDICTED.fixed, PREDICTED.orders
PLACES, COUNT = PREDICTED.places, PREDICTED.count
CURVES, TONE = PLACES[Curves.name], PLACES[Tone.name]
SHARPENING, CONTRAST = PLACES[Sharpening.name].start, PLACES[Contrast.name].start
STYLE = styles.NUMBERS
to_parameters, to_edits = PREDICTED.to_parameters, PREDICTED.to_edits
