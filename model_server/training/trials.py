# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions edited into what looks real and what looks fake, on the server's own canvas, for critics to learn from.

Each region has three masks: one that fits, a loose one as it was drawn, and that one feathered.  fakes.py says what is
drawn through which.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from model_server.predict.vector import COUNT

from . import colour, data, fakes, operators, selections
from .fakes import Rng, Shape
from .parallel import Team

# Below this mean difference between a pixel's largest and smallest channel a region is nearly grey.
_GREY = 0.06

# How often a fake that hardly shows is drawn anew.
_TRIES = 3

# How much exposure, saturation and white balance of whole pictures vary: what is common to a photograph is no edit.
_JITTER = (0.4, 0.3, 0.12, 0.12)


class Canvases(NamedTuple):
    """Regions of one orientation, uint8, to keep thousands in memory: [N, 3 or 1, H, W]; flags [N].

    masks: by the shapes of `Shape`, [N, 3, H, W].
    """

    picture: Tensor
    masks: Tensor
    valid: Tensor
    people: Tensor
    grey: Tensor

    def take(self, rows: Tensor) -> Canvases:
        return Canvases(*(field[rows] for field in self))

    def choose_masks(self, shapes: list[Shape]) -> Tensor:
        """One mask for each region [N, 1, H, W], 0..1."""
        places = [list(Shape).index(shape) for shape in shapes]
        return self.masks[torch.arange(len(places)), places][:, None].float() / 255


class Pairs(NamedTuple):
    """Regions, each with a real and then with a fake edit, and what they are seen by.

    pictures [2, N, 3, H, W], display-encoded; masks [2, N, 1, H, W]; valid [N, 1, H, W]; weights [2, N]: how much each
    counts.
    """

    pictures: Tensor
    masks: Tensor
    valid: Tensor
    weights: Tensor


def _imitate_fit(mask: Image.Image, rng: Rng) -> Image.Image:
    """The mask, now and then a little softer, larger or smaller: as a careful user or the edge network leaves it."""
    kind = str(rng.choice(["same", "soft", "grow", "shrink"], p=[0.55, 0.25, 0.1, 0.1]))
    if kind == "soft":
        return mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.5))))
    if kind == "grow":
        return mask.filter(ImageFilter.MaxFilter(3))
    return data.imitate_selection(mask, kind, rng)


def _feather(mask: Image.Image, rng: Rng) -> Image.Image:
    """A selection with an edge of some hundredths of its longer side."""
    bounds = selections.find_bounds(mask)
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) if bounds else 0
    return mask.filter(ImageFilter.GaussianBlur(longer * float(rng.uniform(0.025, 0.08))))


def _place(region: data.Region, rng: Rng, augment: bool) -> Canvases:
    """One region on its canvas, placed at random if `augment`."""
    truth = region.open_mask()
    drawn = selections.draw_selection(truth, str(rng.choice(["box", "ellipse", "lasso", "dilated", "shifted"])), rng)
    placement = data.place_randomly(region.photo, rng) if augment else data.place_whole(region.photo)
    if placement.place(truth).sum() < 64 * 255:  # a crop that lost the region teaches nothing
        placement = data.place_whole(region.photo)
    valid = placement.mark_valid()
    shapes = [_imitate_fit(truth, rng), drawn, _feather(drawn, rng)]
    masks = torch.cat([data.to_tensor(placement.place(mask)) for mask in shapes]) * valid
    picture = data.to_tensor(placement.place(region.photo.open_picture()))
    chroma = picture.amax(0, keepdim=True) - picture.amin(0, keepdim=True)
    grey = colour.average_inside(chroma[None], masks[None, :1]) < _GREY
    picture, masks, valid = ((x * 255).round().byte()[None] for x in (picture, masks, valid))
    return Canvases(picture, masks, valid, torch.tensor([region.people]), grey)


def place_regions(chosen: list[data.Region], rng: Rng, rounds: int, augment: bool, team: Team) -> list[Canvases]:
    """One entry an orientation: the regions, `rounds` times, each time placed anew if `augment`."""
    groups = [[each for each in chosen if each.photo.portrait is portrait] * rounds for portrait in (False, True)]
    result = []
    for group in filter(None, groups):
        seeds = rng.integers(0, 2**31, len(group)).tolist()
        work = list(zip(group, seeds))
        placed = team.map(lambda each: _place(each[0], np.random.default_rng(each[1]), augment), work)
        result.append(Canvases(*(torch.cat(fields) for fields in zip(*placed))))
    return result


_DECODED = operators.decode(torch.arange(256) / 255)


def decode(picture: Tensor) -> Tensor:
    """Linear light of uint8 pictures."""
    return _DECODED[picture.long()]


def edit_canvases(linear: Tensor, masks: Tensor, valid: Tensor, draws: list[Tensor], rng: Rng) -> Tensor:
    """Linear pictures [N, 3, H, W] with the drawn parameters applied through masks [N, 1, H, W] in random orders."""
    orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, len(operators.ALL_ORDERS), len(draws)))]
    sides = torch.maximum(valid[:, 0].float().sum(1).amax(1), valid[:, 0].float().sum(2).amax(1)) / valid.amax()
    return operators.apply_inside(linear, masks, torch.stack(draws), orders, sides)


def measure_change(before: Tensor, after: Tensor, mask: Tensor) -> float:
    """The mean CIE76 of the region between two linear pictures [3, H, W]; mask [1, H, W]."""
    chosen = (mask > 0.5).flatten().nonzero()[:, 0]
    if not len(chosen):
        return 0.0
    labs = [colour.to_lab(linear.flatten(1)[None, :, None, chosen]) for linear in (before, after)]
    return float(colour.measure_difference(*labs).mean())


def edit_visibly(
    linear: Tensor, mask: Tensor, valid: Tensor, draw: Callable[[], Tensor], rng: Rng
) -> tuple[Tensor, bool]:
    """One linear picture [3, H, W] with an edit that can be seen, drawn anew where it hardly shows; whether it does."""
    for _ in range(_TRIES):
        edited = edit_canvases(linear[None], mask[None], valid[None], [draw()], rng)[0]
        if measure_change(linear, edited, mask) >= fakes.LEAST_VISIBLE:
            return edited, True
    return edited, False


def _vary(linear: Tensor, rng: Rng) -> Tensor:
    """The pictures with another exposure, saturation and white balance, half of them."""
    spread = torch.tensor(_JITTER) * torch.from_numpy(rng.random((len(linear), 1)) < 0.5)
    parameters = torch.zeros(len(linear), COUNT)
    parameters[:, :4] = torch.from_numpy(rng.uniform(-1, 1, (len(linear), 4))).float() * spread
    for apply in (operators.apply_exposure, operators.apply_saturation, operators.apply_white_balance):
        linear = apply(linear, parameters)
    return linear.clamp(0, 1)


def make_pairs(batch: Canvases, rng: Rng) -> Pairs:
    """Edit every region once into a real and once into a fake."""
    many = len(batch.people)
    linear = _vary(decode(batch.picture), rng)
    shapes = [[fakes.draw_shape(rng) for _ in range(many)] for _ in range(2)]
    masks = torch.stack([batch.choose_masks(each) for each in shapes])
    flags = list(zip(batch.people.tolist(), batch.grey.tolist(), *shapes))
    draws = [fakes.draw_real(rng, people, shape) for people, _, shape, _ in flags]
    real = edit_canvases(linear, masks[0], batch.valid, draws, rng)
    fake, visible = [], []
    for row, (people, grey, _, shape) in enumerate(flags):
        draw = partial(fakes.draw_fake, rng, people, grey, shape)
        edited, seen = edit_visibly(linear[row], masks[1, row], batch.valid[row], draw, rng)
        fake.append(edited)
        visible.append(float(seen))
    pictures = operators.encode(torch.stack([real, torch.stack(fake)]))
    # Being taken in by a fake of people costs double.
    weights = torch.stack([torch.ones(many), torch.tensor(visible) * (1 + batch.people.float())])
    return Pairs(pictures, masks, batch.valid.float() / 255, weights)


def draw_pairs(groups: list[Canvases], seed: int, many: int) -> Pairs:
    """Some regions of one orientation, edited; all that is random follows from the seed."""
    rng = np.random.default_rng(seed)
    counts = np.array([len(group.people) for group in groups])
    group = groups[rng.choice(len(counts), p=counts / counts.sum())]
    return make_pairs(group.take(torch.from_numpy(rng.integers(0, len(group.people), many))), rng)


# What critics are measured on: the kinds of fakes, and borders.
BORDER = "border"
KINDS = (*fakes.FAKES, BORDER)


class Trial(NamedTuple):
    """Regions after a real and after a fake edit of one kind.

    pictures [2, N, 3, H, W], display-encoded; masks [2, N, 1, H, W]; visible [N]: whether the fake can be seen.
    """

    batch: Canvases
    pictures: Tensor
    masks: Tensor
    visible: Tensor


@torch.no_grad()
def make_trials(groups: list[Canvases], kind: str, seed: int, team: Team) -> list[Trial]:
    """Edit held-out regions: into small edits and strong ones of a kind, both through masks that fit.

    For BORDER into the same moderate edit through the mask that fits and through a hard loose one.
    """

    def make(index: int) -> Trial:
        batch, rng = parts[index], np.random.default_rng([seed, index])
        linear, many = decode(batch.picture), len(batch.people)
        loose = Shape.HARD if kind == BORDER else Shape.FITTED
        masks = torch.stack([batch.choose_masks([shape] * many) for shape in (Shape.FITTED, loose)])
        edited = []
        for row, people in enumerate(batch.people.tolist()):
            real = fakes.draw_moderate(rng, people) if kind == BORDER else fakes.draw_small(rng)
            fake = real.clone if kind == BORDER else partial(fakes.draw_strong, rng, people, kind)
            seen = linear[row], masks[1, row], batch.valid[row]
            mild = edit_canvases(seen[0][None], masks[0, row : row + 1], seen[2][None], [real], rng)[0]
            edited.append((mild, *edit_visibly(*seen, fake, rng)))
        pictures = torch.stack([torch.stack(list(side)) for side in list(zip(*edited))[:2]])
        return Trial(batch, operators.encode(pictures), masks, torch.tensor([each[2] for each in edited]))

    parts = [group.take(rows) for group in groups for rows in torch.arange(len(group.people)).split(16)]
    return team.map(make, range(len(parts)))
