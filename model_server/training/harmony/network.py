# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that harmonizes: from a composite and its cut-out to three curves and a shading map.

The curves go through a point of their own: where the cut-out has its mean, they move it, as much as the network says
and a part of the way to the mean of what is around, and to that of what in the photo is like the cut-out; the slopes
say the rest.  So the simplest good answer, half of Reinhard's transfer, is a constant, and the features say where to
leave it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gimp_saliency.shared.harmony import INPUTS, MOST_EV, SIDE
from model_server.predict.vector import STYLE

from ..models import Standardise
from ..trunk import STRIDES, Trunk

TAPS = (24, 40, 112)  # of EfficientNet-lite0
BINS = 8  # of the histograms
_RING = 39  # px of the canvas: the cut-out grown by half of it, less the cut-out, is its ring
_WAVES = 6  # cosines that make a curve's slopes
_MOST_SHIFT, _MOST_SLOPE = 0.5, 1.5  # of display-encoded values; log2
_CELLS = 4  # of the shading along each side
_SMALL = 1e-4
_HAZE = 0.03  # display-encoded; how much lighter than the photo's dark parts the cut-out's black may become
# What the network says is noise up to about these, as found on the photographs to choose by: the mean change of the
# cut-out's values, and of the shading in EV.
_DOUBT, _DOUBT_EV = 12 / 255, 0.2
_LIKE = 24  # numbers by which things are found alike
_ALIKE = TAPS[1]  # the tap that is compared

_OWN = 3 * (3 + _WAVES)  # numbers of the three channels: shift, parts of two ways, slopes
_RAW = 1 + _WAVES + _OWN


class Seen(NamedTuple):
    """A batch of composites as the network takes them, see `HarmonyNetwork.forward`."""

    picture: Tensor
    mask: Tensor
    around: Tensor
    cut: Tensor


class Look(NamedTuple):
    """What the network knows of a batch of composites.

    hidden: [N, H]; mean: the cut-out's colour, goals: the two that its own may be moved to, black: what its black may
    become; [N, 3] each.
    """

    hidden: Tensor
    mean: Tensor
    goals: tuple[Tensor, Tensor]
    black: Tensor


class HarmonyNetwork(nn.Module):
    """Trunk features and plain statistics of cut-out, ring and photo; curves from all, shading from a window, too."""

    def __init__(self, hidden: int = 192) -> None:
        super().__init__()
        self.trunk = Trunk(TAPS, masked=True)
        self.likeness = Likeness()
        numbers = 3 * sum(TAPS) + 3 * 4 * (2 + BINS) + Likeness.NUMBERS
        self.standardise = Standardise(numbers)
        self.read = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(numbers, hidden), nn.GELU(),
            nn.Dropout(0.2), nn.Linear(hidden, hidden), nn.GELU(),
        )  # fmt: skip
        self.curves = nn.Linear(hidden, _RAW)
        self.vary = StyleHead(hidden)
        self.shading = ShadingHead(hidden)
        waves = torch.cos(math.pi * torch.arange(_WAVES)[:, None] * (torch.arange(len(INPUTS) - 1) + 0.5) / 15)
        self.register_buffer("waves", waves)
        for parameter in self.curves.parameters():
            nn.init.zeros_(parameter)

    waves: Tensor

    def forward(
        self, picture: Tensor, mask: Tensor, around: Tensor, cut: Tensor, style: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Curves [S, 3, NODES], 0..1, of one composite in each of some styles, and the shading [1, SIDE, SIDE] in EV.

        picture: display-encoded [1, 3, H, W] 0..1, sides multiples of 32; mask: the cut-out's coverage, around: what of
        the photo counts, [1, 1, H, W]; cut: window of `predict.harmonizer.cut_window`, [1, 5, 64, 64]; style: [S, 10].
        """
        return self.predict(Seen(picture, mask, around, cut), style)

    def predict(self, seen: Seen, style: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The same of a batch [N]; style: [S, STYLE] of a single composite, or [N, STYLE]; None: the plain one."""
        areas = make_areas(seen.mask, seen.around)
        look = self.look(seen, areas)
        curves = self.draw_curves(look, style)
        shading = self.shading(seen.cut, look.hidden)
        if self.training:
            return curves, shading
        inputs = torch.tensor(INPUTS).to(curves)
        change = measure_change(curves, seen.picture, areas[:, :1])
        return inputs + _doubt(curves - inputs, change, _DOUBT), _doubt(shading, shading.abs().mean((1, 2)), _DOUBT_EV)

    def look(self, seen: Seen, areas: Tensor) -> Look:
        """All that the answers are drawn from.  areas: see `make_areas`."""
        means, deviations = measure_colours(seen.picture, areas)
        numbers, like = self.describe(seen, areas)
        black = (means[:, 2] - 2 * deviations[:, 2]).clamp(min=0) + _HAZE
        return Look(self.read(self.standardise(numbers)), means[:, 0], (means[:, 1], like), black)

    def draw_curves(self, look: Look, style: Tensor | None) -> Tensor:
        """Before anything of it is doubted: [N or S, 3, NODES]."""
        raw = self.curves(look.hidden).float()
        if style is not None:
            raw = raw + self.vary(look.hidden, style).float()
        return self._make_curves(raw, look)

    def describe(self, seen: Seen, areas: Tensor) -> tuple[Tensor, Tensor]:
        """What there is to know of composites, not yet standardised [N, numbers].

        And the mean colour of what in the photo is like the cut-out [N, 3].  areas: see `make_areas`.
        """
        whole = torch.cat([seen.picture, seen.mask], 1).contiguous(memory_format=torch.channels_last)
        features = [each.float() for each in self.trunk(whole)]
        pooled = [_average(each, F.avg_pool2d(areas, STRIDES[tap])) for tap, each in zip(TAPS, features)]
        like, alike = self.likeness(features[TAPS.index(_ALIKE)], seen)
        colours = describe_colours(seen.picture, areas)
        return torch.cat([*(each.flatten(1) for each in [*pooled, colours]), alike], 1), like

    def _make_curves(self, raw: Tensor, look: Look) -> Tensor:
        """raw: [N, _RAW]; all 0 is the identity."""
        own = raw[:, 1 + _WAVES :].view(-1, 3, 3 + _WAVES)
        shift = _MOST_SHIFT * torch.tanh(own[:, :, 0] + raw[:, :1])
        for number, goal in enumerate(look.goals, 1):
            shift = shift + torch.tanh(own[:, :, number]) * (goal - look.mean)
        slopes = _MOST_SLOPE * torch.tanh((own[:, :, 3:] + raw[:, None, 1 : 1 + _WAVES]) @ self.waves)
        steps = torch.pow(2.0, slopes) / (len(INPUTS) - 1)
        nodes = F.pad(steps.cumsum(2), (1, 0))  # from 0 on
        places = torch.arange(len(INPUTS) - 1).to(look.mean)
        parts = (look.mean[:, :, None] * (len(INPUTS) - 1) - places).clamp(0, 1)
        curves = nodes - (steps * parts).sum(2, keepdim=True) + (look.mean + shift)[:, :, None]
        return _keep_black(curves, look.mean, look.black).clamp(0, 1)


class StyleHead(nn.Module):
    """What a style changes of the numbers that curves are made of; the plain one, all 0, nothing."""

    def __init__(self, hidden: int, width: int = 64) -> None:
        super().__init__()
        self.mix = nn.Linear(hidden + STYLE, width)
        self.read = nn.Linear(width, _RAW, bias=False)
        nn.init.normal_(self.read.weight, std=0.1)

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        """[S, _RAW], of styles [S, STYLE] of what is known [S or 1, H]."""
        known = hidden.expand(style.shape[0], -1)  # len() would be a constant of the exported file
        styled, plain = (torch.cat([known, each], 1) for each in (style, torch.zeros_like(style)))
        return self.read(F.gelu(self.mix(styled)) - F.gelu(self.mix(plain)))


def measure_change(curves: Tensor, picture: Tensor, mask: Tensor) -> Tensor:
    """The mean change by curves [N, 3, NODES] of a picture's values [N, 3, h, w] in a mask [N, 1, h, w]: [N]."""
    places = torch.arange(len(INPUTS)).to(picture)
    shares = [_average((1 - (picture * (len(INPUTS) - 1) - place).abs()).clamp(min=0), mask) for place in places]
    return (torch.cat(shares, 1).transpose(1, 2) * (curves - torch.tensor(INPUTS).to(curves)).abs()).sum(2).mean(1)


def _doubt(answer: Tensor, size: Tensor, doubt: float) -> Tensor:
    """An answer [N, …] drawn in by what is doubtful of its sizes [N]; one that is no larger than that becomes nothing.

    As wavelets are denoised (soft thresholding): then far fewer cut-outs look worse than before, and those that match
    stay as they are.
    """
    kept = (1 - doubt / (size + _SMALL)).clamp(min=0)
    return answer * kept.view(-1, *(1,) * (answer.dim() - 1))


def _keep_black(curves: Tensor, mean: Tensor, black: Tensor) -> Tensor:
    """The curves [N, 3, NODES] lowered below a value `mean` so far that they begin at `black` at most: no fog."""
    excess = (curves[:, :, :1] - black[:, :, None]).clamp(min=0)
    inputs = torch.tensor(INPUTS).to(curves)
    return curves - excess * (1 - inputs / (mean[:, :, None] + _SMALL)).clamp(min=0)


class Likeness(nn.Module):
    """What in the photo is like the cut-out: grass for grass, faces for faces; attention from cell to cell."""

    NUMBERS = 3 * 3 + 1

    def __init__(self) -> None:
        super().__init__()
        self.ask = nn.Conv2d(_ALIKE, _LIKE, 1)
        self.tell = nn.Conv2d(_ALIKE, _LIKE, 1)
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, features: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        """The mean colour of what is like the cut-out [N, 3], and NUMBERS that describe it."""
        stride = STRIDES[_ALIKE]
        colours = F.avg_pool2d(seen.picture, stride).flatten(2).transpose(1, 2)
        mask, around = (F.avg_pool2d(each, stride).flatten(2) for each in (seen.mask, seen.around))
        asked = F.normalize(self.ask(features).flatten(2).transpose(1, 2), dim=2)
        told = F.normalize(self.tell(features).flatten(2), dim=1)
        scores = self.scale.exp() * (asked @ told)
        weights = torch.softmax(scores + torch.log(around + _SMALL), 2)
        share = mask / (mask.sum(2, keepdim=True) + 1e-6)
        like, own = share @ weights @ colours, share @ colours
        spread = (share @ (weights @ colours - like).square() + 1e-6).sqrt()
        best = share @ (weights * scores).sum(2, keepdim=True)
        numbers = torch.cat([like, like - own, spread, best], 2)
        return like[:, 0], numbers[:, 0]


class ShadingHead(nn.Module):
    """A few cells of EV from a window around the cut-out and what the network knows of the whole."""

    def __init__(self, hidden: int, channels: int = 48) -> None:
        super().__init__()
        self.first = nn.Conv2d(5 + 1, 24, 3, 2, 1)
        self.second = nn.Conv2d(24, channels, 3, 2, 1)
        self.third = nn.Conv2d(channels, channels, 3, 2, 1)
        self.scale = nn.Linear(hidden, 2 * channels)
        self.fourth = nn.Conv2d(channels, channels, 3, 1, 1)
        self.read = nn.Conv2d(channels, 1, 1)
        self.register_buffer("grow", make_growth())
        for parameter in [*self.scale.parameters(), *self.read.parameters()]:
            nn.init.zeros_(parameter)

    grow: Tensor

    def forward(self, cut: Tensor, hidden: Tensor) -> Tensor:
        """[N, SIDE, SIDE] in EV, of windows [N, 5, 64, 64] whose middle half is the cut-out's box."""
        light = cut[:, :3].mean(1, keepdim=True)
        covered = cut[:, 3:4]
        mean = (light * covered).sum((2, 3), keepdim=True) / (covered.sum((2, 3), keepdim=True) + _SMALL)
        x = F.gelu(self.first(torch.cat([cut, light - mean], 1)))
        x = self.third(F.gelu(self.second(x)))
        factor, more = self.scale(hidden)[:, :, None, None].chunk(2, 1)
        x = F.gelu(x * (1 + factor) + more)
        x = x + F.gelu(self.fourth(x))
        cells = self.read(x)[:, 0, 2:6, 2:6].float()
        return MOST_EV * torch.tanh(self.grow @ cells @ self.grow.T)


def make_growth() -> Tensor:
    """What makes SIDE values of _CELLS cells, smoothly, the first and the last one repeated: [SIDE, _CELLS]."""
    cells = torch.eye(_CELLS)[:, None]
    return F.interpolate(cells, size=SIDE, mode="linear", align_corners=False)[:, 0].T.contiguous()


def make_areas(mask: Tensor, around: Tensor) -> Tensor:
    """Cut-out, its ring and all of the photo that counts, as weights [N, 3, h, w].

    Where there is no ring, the photo is.
    """
    # Along one side after the other: a large window at once takes as long as all the rest.
    grown = F.max_pool2d(mask, (_RING, 1), 1, (_RING // 2, 0))
    grown = F.max_pool2d(grown, (1, _RING), 1, (0, _RING // 2))
    ring = around * (grown * (1 - mask)) + _SMALL * around
    return torch.cat([mask, ring, around + _SMALL], 1)


def _average(values: Tensor, areas: Tensor) -> Tensor:
    """Means of values [N, C, h, w] in areas [N, A, h, w]: [N, A, C]."""
    weights = areas.flatten(2)
    return weights @ values.flatten(2).transpose(1, 2) / (weights.sum(2, keepdim=True) + 1e-6)


def measure_colours(picture: Tensor, areas: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel in each area: [N, A, C] each."""
    means = _average(picture, areas)
    return means, (_average(picture.square(), areas) - means.square()).clamp(min=1e-6).sqrt()


def describe_colours(picture: Tensor, areas: Tensor) -> Tensor:
    """Mean, deviation and histogram of R', G', B' and their mean in each area: [N, A, 4 * (2 + BINS)]."""
    planes = torch.cat([picture, picture.mean(1, keepdim=True)], 1)
    means, deviations = measure_colours(planes, areas)
    places = torch.arange(BINS).to(planes) / (BINS - 1)
    shares = [_average((1 - (planes - place).abs() * (BINS - 1)).clamp(min=0), areas) for place in places]
    return torch.cat([means, deviations, *shares], 2)
