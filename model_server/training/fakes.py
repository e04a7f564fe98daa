# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that count as real or as fake, drawn at random: what the critics learn from and are measured on.

After Table 1 of the CVPR 2023 paper, for all seven kinds of edit.  Three strengths: small edits nobody notices;
moderate ones are believable where the mask fits the object and show a border where it does not; strong ones look wrong
anywhere.  People are judged more strictly.  Numbers are those of `model_server.predict.vector`.
"""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from gimp_saliency.shared.edits import SEGMENTS
from model_server.predict.vector import CONTRAST, COUNT, CURVES, SHARPENING, TONE

Rng = np.random.Generator
Ranges = dict[str, tuple[tuple[float, float], ...]]

SMALL: Ranges = {
    "exposure": ((-0.5, 0.5),),
    "saturation": ((-0.23, 0.23),),
    "cast": ((0.0, 0.05),),
    "contrast": ((-0.2, 0.2),),
    "tone": ((-0.2, 0.2),),
    "sharpening": ((0.0, 0.15),),
}
MODERATE: Ranges = {
    "exposure": ((-1.1, -0.5), (0.5, 0.9)),
    "saturation": ((-0.9, -0.3), (0.25, 0.5)),
    "contrast": ((-0.45, -0.2), (0.3, 0.6)),
    "tone": ((-0.4, -0.2), (0.2, 0.4)),
}
STRONG: Ranges = {
    "exposure": ((-2.2, -0.9), (1.0, 2.2)),
    "saturation": ((-4.0, -1.0), (0.58, 1.2)),
    "cast": ((0.25, 0.9),),
    "contrast-": ((-1.6, -0.65),),
    "contrast+": ((0.7, 1.6),),
    "tone": ((-1.3, -0.6), (0.6, 1.3)),
    "sharpening": ((1.2, 5.0),),
}
_PEOPLE = 0.75  # on people moderate edits are so much smaller, and strong ones begin so much earlier

# How often each kind of fake is drawn, and how often where the region is nearly grey, where casts show.
FAKES = {
    "mixture": 0.27, "exposure": 0.1, "saturation": 0.1, "cast": 0.12, "contrast-": 0.12, "contrast+": 0.08,
    "tone": 0.11, "sharpening": 0.05, "drained": 0.05,
}  # fmt: skip
FAKES_OF_GREY = {**FAKES, "mixture": 0.17, "saturation": 0.02, "cast": 0.32, "drained": 0.03, "contrast-": 0.1}

# Below this CIE76 on the mean a fake is none.
LEAST_VISIBLE = 3.5


class Shape(Enum):
    """Of a mask: FITTED to its object; HARD, a loose selection as it was drawn; SOFT, such a selection feathered."""

    FITTED = "fitted"
    HARD = "hard"
    SOFT = "soft"


# How often each is drawn, for real and for fake alike: no shape of mask may tell them apart.
SHAPES = {Shape.FITTED: 0.5, Shape.HARD: 0.35, Shape.SOFT: 0.15}

# Fakes on hard masks that are moderate edits: it is their border that looks wrong.
_BORDERS = 0.4


def draw_shape(rng: Rng) -> Shape:
    """A shape of mask, by SHAPES."""
    return list(SHAPES)[rng.choice(len(SHAPES), p=list(SHAPES.values()))]


def draw_real(rng: Rng, people: bool, shape: Shape) -> Tensor:
    """Parameters [COUNT] of an edit that nobody notices through a mask of that shape; often no edit at all."""
    chance = rng.random()
    if chance < 0.2:
        return torch.zeros(COUNT)
    return draw_moderate(rng, people) if shape is not Shape.HARD and chance < 0.6 else draw_small(rng)


def draw_fake(rng: Rng, people: bool, grey: bool, shape: Shape) -> Tensor:
    """Parameters [COUNT] of an edit that looks wrong through a mask of that shape."""
    if shape is Shape.HARD and rng.random() < _BORDERS:
        return draw_moderate(rng, people)
    chances = np.array(list((FAKES_OF_GREY if grey else FAKES).values()))
    return draw_strong(rng, people, list(FAKES)[rng.choice(len(FAKES), p=chances / chances.sum())])


def draw_small(rng: Rng) -> Tensor:
    """Parameters [COUNT] of one to three small edits."""
    return _draw_some(rng, SMALL, 1, 3)


def draw_moderate(rng: Rng, people: bool) -> Tensor:
    """Parameters [COUNT] of one or two moderate edits."""
    return _draw_some(rng, MODERATE, 1, 2) * (_PEOPLE if people else 1)


def draw_strong(rng: Rng, people: bool, kind: str) -> Tensor:
    """Parameters [COUNT] of a strong edit of a kind of FAKES."""
    factor = _PEOPLE if people else 1.0
    if kind == "mixture":
        other = str(rng.choice(["contrast-", "contrast+"]))  # both would take each other back
        ranges = {name: each for name, each in STRONG.items() if name != other}
        result = _draw_some(rng, ranges, 2, 3 if people else 4, factor)
        if rng.random() < 0.5:
            result[CURVES] += torch.from_numpy(rng.uniform(-1, 1, 3 * SEGMENTS)).float()
        return result
    if kind == "drained":
        which = rng.integers(3)
        result = torch.zeros(COUNT)
        result[0] = 0.0 if which == 0 else rng.uniform(-2.2, -0.9)
        result[1] = 0.0 if which == 1 else rng.uniform(-4.0, -0.7)
        return result
    return _make(rng, kind, _draw_uniform(rng, STRONG[kind], factor))


def _draw_some(rng: Rng, ranges: Ranges, fewest: int, most: int, factor: float = 1.0) -> Tensor:
    """A random number of different edits in these ranges, at once."""
    kinds = rng.permutation(list(ranges))[: rng.integers(fewest, most + 1)]
    return torch.stack([_make(rng, kind, _draw_uniform(rng, ranges[kind], factor)) for kind in kinds]).sum(0)


def _draw_uniform(rng: Rng, ranges: tuple[tuple[float, float], ...], factor: float) -> float:
    """From one of the ranges, with its end nearer to 0 brought nearer by the factor."""
    low, high = ranges[rng.integers(len(ranges))]
    return float(rng.uniform(low * (factor if low > 0 else 1), high * (factor if high < 0 else 1)))


def _make(rng: Rng, kind: str, value: float) -> Tensor:
    """Parameters [COUNT] of one edit of a size."""
    result = torch.zeros(COUNT)
    if kind == "exposure":
        result[0] = value
    elif kind == "saturation":
        result[1] = value
    elif kind.startswith("contrast"):
        result[CONTRAST] = value
    elif kind == "sharpening":
        result[SHARPENING] = value
    elif kind == "tone":
        place, width = rng.uniform(0, SEGMENTS - 1), rng.uniform(0.8, 2.5)
        bump = torch.exp(-(((torch.arange(SEGMENTS) - place) / width) ** 2) / 2)
        result[TONE] = value * (bump - bump.mean()) / (bump - bump.mean()).abs().max()
    elif rng.random() < 0.5:  # a cast by white balance
        angle = rng.uniform(0, 2 * math.pi)
        result[2], result[3] = value * math.cos(angle), value * math.sin(angle)
    else:  # a cast by the channels' curves
        slopes = torch.linspace(value, -value, SEGMENTS) * 0.8
        signs = rng.permutation([1.0, -1.0, 0.0])
        result[CURVES] = torch.cat([slopes * float(sign) for sign in signs])
    return result
