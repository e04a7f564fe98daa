# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks: what draws the eye (saliency), what looks edited (realism), and what to change (edit)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.predict.vector import COUNT, FIXED, NAMES, STYLE

from . import contours, operators, regions
from .trunk import STRIDES, Trunk

# Saliency maps have one cell for STRIDE x STRIDE pixels.
STRIDE = 8

# How many edits have no fixed place in the order.
FREE = len(NAMES) - FIXED

# Numbers of what is wished of an edit: direction, boldness and their product, FREE x FREE for which of the free edits
# comes at which place, the style.
WISH = 3 + FREE**2 + STYLE


def to_cells(area: Tensor) -> Tensor:
    """A mask [N, 1, H, W] as shares of the saliency map's cells [N, H/8, W/8]."""
    return F.avg_pool2d(area, STRIDE)[:, 0]


class SaliencyNetwork(nn.Module):
    """Fixation density from trunk features: taps brought to 48 channels and stride 8, summed, filtered, read out.

    Input: display-encoded RGB [N, 3, H, W], 0..1, sides multiples of 32, and `valid` [N, 1, H, W], 1 on the picture and
    0 on padding.  The viewers' bias to the centre is learned beside the map and left out of it: an edit cannot move it.
    """

    def __init__(self, taps: tuple[int, ...] = (32, 64, 96, 320), channels: int = 48) -> None:
        super().__init__()
        self.trunk = Trunk(taps)
        self.reduce = nn.ModuleList(nn.Conv2d(tap, channels, 1) for tap in taps)
        self.filter = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.read = nn.Conv2d(channels, 1, 1)
        # The map starts flat: with the trunk's large features a random one starts far off and stays there for epochs.
        nn.init.zeros_(self.read.weight)
        self.centre = nn.Parameter(torch.tensor([2.0, 2.0]))

    def predict_logits(self, encoded: Tensor) -> Tensor:
        """Unnormalised log density [N, H/8, W/8]."""
        total: Tensor | None = None
        for tap, reduce, feature in zip(self.trunk.taps, self.reduce, self.trunk(encoded)):
            x = reduce(feature)
            if STRIDES[tap] > STRIDE:
                x = F.interpolate(x, scale_factor=float(STRIDES[tap] // STRIDE), mode="bilinear", align_corners=False)
            elif STRIDES[tap] < STRIDE:
                x = F.avg_pool2d(x, STRIDE // STRIDES[tap])
            total = x if total is None else total + x
        assert total is not None
        hidden = F.relu(total)
        logits: Tensor = self.read(F.relu(hidden + self.filter(hidden)))
        return logits[:, 0].float()

    def forward(self, encoded: Tensor, valid: Tensor) -> Tensor:
        """Log density [N, H/8, W/8]: its exponentials add up to 1 over the picture."""
        return to_log_density(self.predict_logits(encoded), valid)

    def add_centre_bias(self, logits: Tensor, valid: Tensor) -> Tensor:
        """The log density of real viewers, for training: the map and their bias to the picture's centre."""
        inside = to_cells(valid)
        bias = torch.zeros_like(inside)
        for axis, strength in ((1, self.centre[0]), (2, self.centre[1])):
            position = (inside.cumsum(axis) - inside / 2) / inside.sum(axis, keepdim=True).clamp(min=1)
            bias = bias - strength * (2 * position - 1) ** 2
        return to_log_density(logits + bias, valid)


def to_log_density(logits: Tensor, valid: Tensor) -> Tensor:
    """Log-softmax over the cells that lie on the picture."""
    inside = to_cells(valid)
    masked = torch.where(inside > 0.5, logits, logits.new_tensor(-1e4))
    return F.log_softmax(masked.flatten(1), 1).view_as(logits)


def measure_share(log_map: Tensor, mask: Tensor) -> Tensor:
    """The part of the attention that falls into the region: [N], 0..1."""
    return (log_map.exp() * to_cells(mask)).sum((1, 2))


class Standardise(nn.Module):
    """Scale features by the mean and spread that they have in the training data, and bound outliers."""

    mean: Tensor
    spread: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))

    def measure(self, features: Tensor) -> None:
        self.mean.copy_(features.mean(0))
        self.spread.copy_(features.std(0).clamp(min=1e-3))

    def forward(self, features: Tensor) -> Tensor:
        return 4 * torch.tanh((features - self.mean) / self.spread / 4)


class Window(NamedTuple):
    """What a critic sees of a region: a square around it, RGB [N, 3, side, side], the region and what lies on the
    picture [N or 1, 1, side, side], and numbers of its contour at the picture's own size [N, contours.NUMBERS]."""

    picture: Tensor
    mask: Tensor
    valid: Tensor
    contour: Tensor

    def stack(self) -> Tensor:
        """Picture and mask as what a masked trunk takes: [N, 4, side, side]."""
        return torch.cat([self.picture, self.mask.expand(len(self.picture), -1, -1, -1)], 1)


class ContourHead(nn.Module):
    """A verdict from the numbers of a contour alone: [N], a logit."""

    def __init__(self, *hidden: int) -> None:
        super().__init__()
        self.standardise = Standardise(contours.NUMBERS)
        layers: list[nn.Module] = []
        for inputs, outputs in zip((contours.NUMBERS, *hidden), hidden):
            layers += [nn.Dropout(0.1), nn.Linear(inputs, outputs), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.Dropout(0.1), nn.Linear(hidden[-1], 1))

    def forward(self, numbers: Tensor) -> Tensor:
        verdict: Tensor = self.layers(self.standardise(numbers))
        return verdict[:, 0]


class Critic(nn.Module, ABC):
    """How real a region looks, 0 (edited) to 1: what a square window around it says, and what its contour says.

    A window, since a small region in a small picture is a handful of pixels: here it is always large enough to see.
    The contour has a head of its own: among the many numbers of a window its few ones would drown.
    """

    side: int
    reach: float
    trunk: Trunk
    contour: ContourHead

    def look(self, encoded: Tensor, mask: Tensor, valid: Tensor) -> Window:
        """What there is to judge by in display-encoded pictures [N, 3, H, W]; mask and valid [N or 1, 1, H, W]."""
        areas = regions.cut_window(torch.cat([mask, valid], 1), mask, self.side, self.reach)
        picture = regions.cut_window(encoded, mask, self.side, self.reach)
        return Window(picture, areas[:, :1], areas[:, 1:], contours.describe(encoded, mask, valid))

    @abstractmethod
    def judge_window(self, window: Window) -> Tensor:
        """What the window says: [N], a logit."""

    def judge(self, window: Window) -> Tensor:
        """Realism [N]."""
        return torch.sigmoid(self.judge_window(window).float() + self.contour(window.contour).float())

    def forward(self, encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
        return self.judge(self.look(encoded, mask, valid))


class RealismCritic(Critic):
    """The critic that ships: moments of colours and of the features of a trunk that sees the mask."""

    def __init__(
        self, taps: tuple[int, ...] = (24, 40, 80, 112), hidden: int = 96, side: int = 128, reach: float = 1.9
    ) -> None:
        super().__init__()
        self.side, self.reach = side, reach
        self.trunk = Trunk(taps, masked=True)
        self.contour = ContourHead(128, 64)
        count = regions.count_numbers(taps, whole=False)
        self.standardise = Standardise(count)
        self.head = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(count, hidden), nn.GELU(), nn.Dropout(0.5), nn.Linear(hidden, 1)
        )
        nn.init.zeros_(self.head[-1].get_parameter("weight"))

    def describe(self, window: Window) -> Tensor:
        """The numbers that the window is judged by: [N, F]."""
        features = self.trunk(window.stack())
        return regions.describe(window.picture, features, self.trunk.taps, window.mask, window.valid, whole=False)

    def judge_window(self, window: Window) -> Tensor:
        verdict: Tensor = self.head(self.standardise(self.describe(window).float()))
        return verdict[:, 0]


class SecondCritic(Critic):
    """A critic for the evaluation alone, built otherwise: features of a wider window averaged over region, surround and
    window, no moments and no colours."""

    def __init__(
        self, taps: tuple[int, ...] = (24, 48, 120), hidden: int = 96, side: int = 160, reach: float = 2.6
    ) -> None:
        super().__init__()
        self.side, self.reach = side, reach
        self.trunk = Trunk(taps, masked=True)
        self.contour = ContourHead(192)
        self.normalise = nn.LayerNorm(3 * sum(taps))
        self.head = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(3 * sum(taps), hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 1)
        )
        nn.init.zeros_(self.head[-1].get_parameter("weight"))

    def judge_window(self, window: Window) -> Tensor:
        numbers = []
        for maps, stride in zip(self.trunk(window.stack()), (STRIDES[tap] for tap in self.trunk.taps)):
            maps = maps.float()
            within = F.avg_pool2d(window.mask, stride) + 1e-4
            around = F.avg_pool2d(window.valid - window.mask, stride).clamp(min=0) + 1e-4
            numbers += [regions.average(maps, weight)[0][:, 0] for weight in (within, around)]
            numbers.append(maps.mean((2, 3)))
        verdict: Tensor = self.head(self.normalise(torch.cat(numbers, 1)))
        return verdict[:, 0]


CRITICS: dict[str, type[Critic]] = {"moments": RealismCritic, "pooled": SecondCritic}


class Wish(NamedTuple):
    """What edits are to be like.

    direction [N]: -1 attenuate, +1 emphasize; boldness [N]: -1 subtle, 0 natural, +1 bold; orders [N, kinds]; style
    [N, STYLE].
    """

    direction: Tensor
    boldness: Tensor
    orders: Tensor
    style: Tensor

    @classmethod
    def make_plain(cls, direction: Tensor, boldness: float = 0.0) -> Wish:
        """Without a style and in one order, for directions [N]."""
        many = len(direction)
        orders = operators.ALL_ORDERS[:1].expand(many, -1)
        return cls(direction, torch.full((many,), boldness), orders, torch.zeros(many, STYLE))

    def take(self, rows: slice) -> Wish:
        """The same of some of the regions."""
        return Wish(*(each[rows] for each in self))

    def to_numbers(self) -> Tensor:
        """[N, WISH]."""
        goal = torch.stack([self.direction, self.boldness, self.direction * self.boldness], 1)
        places = F.one_hot(self.orders[:, FIXED:] - FIXED, FREE).flatten(1).to(goal.dtype)
        return torch.cat([goal, places, self.style], 1)


class Head(nn.Module):
    """What to do on one side of a region's mask, from the region's description and what is wished."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.wish = nn.Linear(WISH, 2 * hidden)
        self.middle = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, operators.RAW)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        # The size of sharpening alone counts, not its sign: at exactly 0 it would stay there for ever.
        nn.init.normal_(self.last.weight[operators.RAW_SHARPENING], std=0.003)

    def forward(self, region: Tensor, wish: Tensor) -> Tensor:
        """Unbounded output [N, RAW] of regions [N or 1, hidden] and wishes [N, WISH]."""
        scale, shift = self.wish(wish).chunk(2, 1)
        result: Tensor = self.last(F.gelu(self.middle(F.gelu(region * (1 + scale) + shift))))
        return result


class EditNetwork(nn.Module):
    """Predicts the edits inside and around a region for what is wished of them.

    The trunk and the description of the region are shared; direction, boldness, order and style enter the heads alone,
    so that one pass of the trunk serves them all.  Only the edits around the region depend on where viewers look.
    """

    def __init__(self, taps: tuple[int, ...] = (24, 40, 80, 112), hidden: int = 256) -> None:
        super().__init__()
        self.trunk = Trunk(taps)
        self.counts = regions.count_numbers(taps, whole=True) + regions.COLOURS, regions.count_watched(taps)
        self.standardise = Standardise(sum(self.counts))
        # Normalised: what the heads are given would grow in training until their units die, and nothing moves any more.
        self.region = nn.Sequential(nn.Linear(self.counts[0], hidden), nn.LayerNorm(hidden))
        self.watched = nn.Sequential(nn.Linear(self.counts[1], hidden), nn.LayerNorm(hidden))
        self.inside = Head(hidden)
        self.around = Head(hidden)

    def describe(self, encoded: Tensor, mask: Tensor, valid: Tensor, density: Tensor) -> Tensor:
        """The numbers that the edits are chosen from: [N, F].  density [N, H/8, W/8]: of the viewers' attention."""
        features, taps = self.trunk(encoded), self.trunk.taps
        return torch.cat(
            [
                regions.describe(encoded, features, taps, mask, valid, whole=True),
                regions.describe_colours(encoded, mask, valid),
                regions.describe_watched(encoded, features, taps, mask, valid, density),
            ],
            1,
        )

    def predict_raw(self, numbers: Tensor, wish: Wish) -> tuple[Tensor, Tensor]:
        """Unbounded outputs [N, RAW], inside and around, of numbers [N or 1, F]."""
        own, watched = self.standardise(numbers).split(self.counts, 1)
        region, wanted = self.region(own), wish.to_numbers()
        return self.inside(region, wanted), self.around(region + self.watched(watched), wanted)

    def forward(self, numbers: Tensor, wish: Wish) -> tuple[Tensor, Tensor]:
        """Parameters [N, COUNT] of operators.py, inside and around, bounded by its RANGES."""
        inside, around = self.predict_raw(numbers, wish)
        return operators.bound_raw(inside), operators.bound_raw(around)


class StyleReader(nn.Module):
    """Guesses the style that edits were made in, for the training alone: styles that cannot be told are none."""

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * COUNT + 2, hidden), nn.GELU(), nn.Linear(hidden, STYLE))

    def forward(self, inside: Tensor, around: Tensor, direction: Tensor, both: Tensor) -> Tensor:
        """Styles [N, STYLE] of parameters [N, COUNT]; direction [N]; both [N], whether the ones around count."""
        known = both.to(inside.dtype)[:, None]
        scales = operators.list_scales()
        numbers = [inside / scales, known * around / scales, direction[:, None], known]
        result: Tensor = self.layers(torch.cat(numbers, 1))
        return result
