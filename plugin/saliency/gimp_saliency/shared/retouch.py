# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks of a photograph, mixed: the edits between them, in parameter space.

As GazeShiftNet interpolates the strength of its edits and CSRNet its networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import styles
from .choices import LOOKS, Look
from .edits import Edit

MATCH = "match"  # the look of another photograph, in the place of one of LOOKS

Looks = Mapping[str, Sequence[Edit]]  # the edits of each look at 100 %: the same kinds in the same order

_EIGHTH = 8.0  # by which numbers are divided so that every kind takes them
_FARTHEST = 10.0  # stops, or binary logarithm; no kind of edit goes beyond


def mix_looks(looks: Looks, weights: Mapping[str, float]) -> list[Edit]:
    """The edits of several looks together: neutral, and of each look so much of what it differs by from neutral.

    weights: by names of looks; 1 is all of it.
    """
    neutral = [edit.to_vector() for edit in looks[Look.NEUTRAL.value]]
    mixed = [list(vector) for vector in neutral]
    for name, weight in weights.items():
        for own, plain, edit in zip(mixed, neutral, looks[name]):
            for place, (value, before) in enumerate(zip(edit.to_vector(), plain)):
                own[place] += weight * (value - before)
    return [_read_vector(type(edit), vector) for edit, vector in zip(looks[Look.NEUTRAL.value], mixed)]


def weigh_looks(base: str, look: str, share: float) -> dict[str, float]:
    """The weights of what lies between two looks: share 0 is `base`, 1 is `look`, and more goes beyond it."""
    weights = {base: 1 - share}
    weights[look] = weights.get(look, 0.0) + share
    return weights


def write_style(weights: Mapping[str, float]) -> styles.Style:
    """Weights of LOOKS as the numbers of a style that can be saved, which go no further than its numbers may."""
    numbers = [min(styles.FARTHEST, max(-styles.FARTHEST, weights.get(name, 0.0))) for name in LOOKS[1:]]
    return tuple(numbers + [0.0] * (styles.NUMBERS - len(numbers)))


def read_style(numbers: styles.Style) -> dict[str, float]:
    """The inverse of `write_style`."""
    return dict(zip(LOOKS[1:], numbers))


def _read_vector(kind: type[Edit], vector: Sequence[float]) -> Edit:
    """The edit with these numbers, or as far as its kind goes."""
    values = [min(_FARTHEST, max(-_FARTHEST, value)) / _EIGHTH for value in vector]
    return kind.from_vector(values).at_strength(_EIGHTH)
