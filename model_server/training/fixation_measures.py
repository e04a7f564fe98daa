# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a fixation density predicts where people looked, and how well the picture's centre and other people do.

The field's measures (NSS, CC, AUC-Judd, information gain; see Bylinskii et al., "What do different evaluation metrics
tell us about saliency models?"), all on the cells of the networks' maps, 8 x 8 pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import data
from .models import STRIDE, to_cells, to_log_density

# The centre bias is measured on a grid of so many cells over every picture.
_GRID = 24

# Part of the density that a prediction from other people's fixations spreads over the whole picture.
_FLOOR = 0.1


def count_fixations(points: np.ndarray[Any, Any], canvas: tuple[int, int]) -> Tensor:
    """Fixations per cell of the map [H/8, W/8]; points [F, 2] in pixels of the canvas (width, height)."""
    counts = torch.zeros(canvas[1] // STRIDE, canvas[0] // STRIDE)
    cells = torch.from_numpy(points // STRIDE).long()
    counts.index_put_((cells[:, 1], cells[:, 0]), torch.ones(len(cells)), accumulate=True)
    return counts


def blur(counts: Tensor) -> Tensor:
    """Counts [h, w] blurred by one to two degrees of visual angle (a Gaussian of one cell)."""
    line = torch.exp(-(torch.arange(-3.0, 4.0) ** 2) / 2)
    kernel = (line[:, None] * line / line.sum() ** 2)[None, None]
    return F.conv2d(counts[None, None], kernel, padding=3)[0, 0]


def measure(log_map: Tensor, counts: Tensor, valid: Tensor, prior: Tensor | None = None) -> dict[str, float]:
    """Every measure of one log density [h, w] against fixation counts [h, w]; valid [1, H, W].

    prior: the centre bias, a log density, against which the information gain is counted in bits a fixation.
    """
    inside = to_cells(valid[None])[0] > 0.5
    density, fixations = log_map.exp()[inside], counts[inside]
    z = (density - density.mean()) / density.std().clamp(min=1e-9)
    seen, unseen = density[fixations > 0], density[fixations == 0]
    result = {
        "NSS": float((z * fixations).sum() / fixations.sum()),
        "CC": float(torch.corrcoef(torch.stack([density, blur(counts)[inside]]))[0, 1]),
        "AUC-Judd": float(((seen[:, None] > unseen).float() + 0.5 * (seen[:, None] == unseen).float()).mean()),
    }
    if prior is not None:
        bits = (log_map - prior)[inside] / np.log(2)
        result["information gain"] = float((bits * fixations).sum() / fixations.sum())
    return result


def measure_centre_bias(photos: list[data.FixationPhoto]) -> Tensor:
    """Where people look on average, whatever the picture shows: density [24, 24] over width and height."""
    counts = torch.zeros(_GRID, _GRID)
    for photo in photos:
        cells = torch.from_numpy(photo.fixations / photo.size * _GRID).long().clamp(0, _GRID - 1)
        counts.index_put_((cells[:, 1], cells[:, 0]), torch.ones(len(cells)), accumulate=True)
    return blur(counts) + 1e-3 * counts.sum() / counts.numel()


def spread_prior(bias: Tensor, valid: Tensor) -> Tensor:
    """The centre bias as log density [h, w] over the picture on its canvas; valid [1, H, W]."""
    inside = to_cells(valid[None])[0] > 0.5
    height, width = int(inside.any(1).sum()), int(inside.any(0).sum())
    spread = F.interpolate(bias[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
    logits = F.pad(spread.clamp(min=1e-9).log(), (0, inside.shape[1] - width, 0, inside.shape[0] - height))
    return to_log_density(logits[None], valid[None])[0]


def measure_people(photo: data.FixationPhoto, prior: Tensor) -> dict[str, float]:
    """The inter-observer limit: each viewer's fixations predicted from all others', averaged over the viewers."""
    placement = data.place_whole(photo)
    valid, rows = placement.mark_valid(), []
    inside = to_cells(valid[None])[0] > 0.5
    counts = {
        subject: count_fixations(placement.place_points(photo.fixations[photo.subjects == subject]), placement.canvas)
        * inside
        for subject in np.unique(photo.subjects)
    }
    total = torch.stack(list(counts.values())).sum(0)
    for own in counts.values():
        others = blur(total - own) * inside
        if own.sum() == 0 or others.sum() == 0:
            continue
        density = (1 - _FLOOR) * others / others.sum() + _FLOOR * prior.exp()
        rows.append(measure(density.log(), own, valid, prior))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}
