# SPDX-License-Identifier: GPL-3.0-or-later
"""How cut-outs come to differ from their photographs: other edits, other lights, other cameras' and films' colours.

Every function takes and gives a picture [3, H, W], display-encoded sRGB 0..1; what is random comes from `rng`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_server.predict.harmonizer import Box
from model_server.predict.vector import COUNT, PLACES

from .. import operators
from ..data import DataError

# How far random edits go, in the units of the operators' vector; several at once.
_RANGES = {
    "exposure": 1.2, "saturation": 0.8, "white-balance": 0.45, "contrast": 0.7, "tone": 0.45, "curves": 0.45,
}  # fmt: skip
_MOST_EV = 0.9  # of a random shading, either way
_HELD_OUT = 5  # every fifth table and light is for tests alone
_APART = 5 / 255  # mean difference of values that makes another table or light of one
_OPPONENT = ((1 / 3, 1 / 3, 1 / 3), (0.5, 0.0, -0.5), (0.25, -0.5, 0.25))  # lightness, red-blue, green-magenta
_STEEPEST = 2.0  # of a transfer: how much a deviation may grow, or shrink


class Tables(NamedTuple):
    """Colour tables [L, 3, b, g, r], 0..1, and polynomials from measured lights to the standard one and back."""

    tables: Tensor
    forward: Tensor  # [I, 3, 11]
    reverse: Tensor


def load_tables(data: Path, held_out: bool) -> Tables:
    """Those to train with, or those that are held out for tests and like none of the others.

    Raises DataError if they are missing.
    """
    files = [data / "harmonize" / "luts" / "luts17.npz", data / "harmonize" / "illuminants" / "ccharmony_train.npz"]
    for file in files:
        if not file.is_file():
            raise DataError(f"{file} is missing: point --data at the folder that MODEL_CARD.md describes.")
    with np.load(files[0]) as archive:
        tables = archive["luts"].astype(np.float32) / 65535
    with np.load(files[1]) as archive:
        forward, reverse = (archive[name].astype(np.float32) for name in ("forward", "reverse"))
    colours = torch.from_numpy(tables).permute(0, 4, 1, 2, 3).contiguous()
    ways, back = torch.from_numpy(forward), torch.from_numpy(reverse)
    seen = [_choose(colours.flatten(1), held_out), _choose(_describe_lights(ways), held_out)]
    return Tables(colours[seen[0]], ways[seen[1]], back[seen[1]])


def _choose(descriptions: Tensor, held_out: bool) -> Tensor:
    """Which of some tables, by what they make of the same colours [T, values], to take: their indices.

    Every fifth is held out; of these only such count as differ from all others by _APART on average, as many tables
    are one film or look under several names.
    """
    index = torch.arange(len(descriptions))
    is_held = index % _HELD_OUT == 0
    if not held_out:
        return index[~is_held]
    others = descriptions[~is_held]
    nearest = torch.stack([(others - descriptions[number]).abs().mean(1).min() for number in index[is_held]])
    return index[is_held][nearest >= _APART]


def _describe_lights(forward: Tensor) -> Tensor:
    """What polynomials [L, 3, 11] make of a grid of colours: [L, values]."""
    steps = torch.linspace(0, 1, 5)
    grid = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).flatten(1)[:, None]
    return torch.stack([_apply_polynomial(grid, weights).flatten() for weights in forward])


def apply_operators(picture: Tensor, rng: np.random.Generator, amount: float = 1.0) -> Tensor:
    """One to four random edits of GIMP's.  amount: of their ranges."""
    parameters = torch.zeros(1, COUNT)
    names = rng.choice(list(_RANGES), int(rng.integers(1, 5)), replace=False)
    for name in names:
        place = PLACES[str(name)]
        values = rng.uniform(-1, 1, place.stop - place.start) * _RANGES[str(name)] * amount
        parameters[0, place] = torch.from_numpy(values.astype(np.float32))
    order = torch.tensor([[operators.NAMES.index(str(name)) for name in names]])
    linear = operators.decode(picture)[None]
    edited = operators.apply_pointwise(linear, torch.ones_like(linear[:, :1]), parameters, order)
    return operators.encode(edited)[0]


def shade(picture: Tensor, box: Box, rng: np.random.Generator) -> Tensor:
    """Smooth light and shadow over a box of the picture."""
    height, width = picture.shape[1:]
    cells = torch.from_numpy(rng.normal(0, 0.35, (1, 1, 3, 3)).astype(np.float32))
    angle = rng.uniform(0, 2 * np.pi)
    slope = float(rng.uniform(0.2, 0.8))
    steps = torch.linspace(-1, 1, 3)
    cells = cells + slope * (np.cos(angle) * steps[None, :] + np.sin(angle) * steps[:, None])
    left, top, right, bottom = box
    size = (bottom - top, right - left)
    field = F.interpolate(cells, size=size, mode="bicubic", align_corners=True)
    field = F.pad(field, (left, width - right, top, height - bottom), mode="replicate")[0]
    gain = torch.pow(2.0, field.clamp(-_MOST_EV, _MOST_EV))
    return operators.encode(operators.decode(picture) * gain)


def change_light(picture: Tensor, tables: Tables, rng: np.random.Generator) -> Tensor:
    """As if another one of the measured lights had been there."""
    before, after = rng.choice(len(tables.forward), 2, replace=False)
    standard = _apply_polynomial(picture, tables.forward[int(before)])
    return _apply_polynomial(standard.clamp(0, 1), tables.reverse[int(after)]).clamp(0, 1)


def _apply_polynomial(picture: Tensor, weights: Tensor) -> Tensor:
    """Of degree three on values 0..255; weights: [3, 11]."""
    r, g, b = (255 * picture).unbind(0)
    terms = torch.stack([r, g, b, r * g, r * b, g * b, r * r, g * g, b * b, r * g * b, torch.ones_like(r)])
    return torch.einsum("ct,thw->chw", weights, terms) / 255


def apply_table(picture: Tensor, tables: Tables, rng: np.random.Generator) -> Tensor:
    """As one of the colour tables of films and looks would have it, or part of the way."""
    table = tables.tables[int(rng.integers(len(tables.tables)))]
    places = (2 * picture - 1).permute(1, 2, 0)[None, None]  # x: red, y: green, z: blue
    changed = F.grid_sample(table[None], places, align_corners=True)[0, :, 0]
    share = float(rng.choice([1.0, rng.uniform(0.4, 1)]))
    return (picture + share * (changed - picture)).clamp(0, 1)


def transfer_colours(picture: Tensor, mask: Tensor, other: Tensor, other_mask: Tensor) -> Tensor:
    """With the mean and deviation of the colours in another picture's mask (Reinhard's transfer)."""
    there = torch.tensor(_OPPONENT)
    source, wanted = (torch.einsum("rc,chw->rhw", there, each) for each in (picture, other))
    (mean, deviation), (new_mean, new_deviation) = _measure(source, mask), _measure(wanted, other_mask)
    ratio = (new_deviation / deviation).clamp(1 / _STEEPEST, _STEEPEST)
    moved = (source - mean) * ratio + new_mean
    return torch.einsum("rc,chw->rhw", torch.linalg.inv(there), moved).clamp(0, 1)


def transfer_half(picture: Tensor, mask: Tensor, around: Tensor) -> Tensor:
    """Half of Reinhard's transfer from what is around: the best of the simple ways to harmonize."""
    return (picture + transfer_colours(picture, mask, picture, around)) / 2


def _measure(planes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of planes [3, H, W] in a mask [1, H, W]: [3, 1, 1] each."""
    total = mask.sum() + 1e-6
    mean = (planes * mask).sum((1, 2), keepdim=True) / total
    spread = ((planes - mean).square() * mask).sum((1, 2), keepdim=True) / total
    return mean, spread.clamp(min=1e-5).sqrt()


def draw_reference(mask: Tensor, size: Sequence[int], rng: np.random.Generator) -> Tensor:
    """A box of the picture, of width and height `size`, as a user names what to match: [1, H, W]."""
    reference = torch.zeros_like(mask)
    width, height = (max(8, int(side * rng.uniform(0.25, 0.7))) for side in size)
    left, top = int(rng.integers(0, max(1, size[0] - width))), int(rng.integers(0, max(1, size[1] - height)))
    reference[:, top : top + height, left : left + width] = 1
    return reference
