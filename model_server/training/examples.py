# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions placed on canvases, ready for a network: shared by the realism critic and the edit network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import data


@dataclass
class Examples:
    """A batch of regions.  picture [N, 3, H, W] display-encoded 0..1; mask and valid [N, 1, H, W]; people [N] bool."""

    picture: Tensor
    mask: Tensor
    valid: Tensor
    people: Tensor


def load(regions: list[data.Region], rng: np.random.Generator | None) -> Examples:
    """Read regions of one orientation; picture and mask are augmented if `rng` is given."""
    pictures, masks, valid = [], [], []
    for region in regions:
        image, mask = region.photo.open_picture(), region.open_mask()
        placement = data.place_randomly(region.photo, rng) if rng else data.place_whole(region.photo)
        placed = data.to_tensor(placement.place(data.vary_mask(mask, rng) if rng else mask))
        if placed.sum() < 64:
            # A crop that lost the region teaches nothing.
            placement = data.place_whole(region.photo)
            placed = data.to_tensor(placement.place(mask))
        pictures.append(data.to_tensor(placement.place(image)))
        valid.append(placement.mark_valid())
        masks.append(placed * valid[-1])
    people = torch.tensor([region.people for region in regions])
    return Examples(torch.stack(pictures), torch.stack(masks), torch.stack(valid), people)


def load_batches(regions: list[data.Region], size: int, rng: np.random.Generator, augment: bool) -> Iterator[Examples]:
    """All regions once, in random order."""
    for batch in data.make_batches(regions, size, rng):
        yield load(batch, rng if augment else None)
