# SPDX-License-Identifier: GPL-3.0-or-later
"""What a region looks like and how it differs from its surround: a fixed list of numbers for any size and shape."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .trunk import STRIDES

# The surround reaches about this many pixels from the region.
_REACH = 36

# Numbers of `colour_maps`.
COLOUR_MAPS = 20


def surround(mask: Tensor, valid: Tensor) -> Tensor:
    """Weights of the region's neighbourhood [N, 1, H/8, W/8]; of the whole picture where nothing lies around it."""
    small, on = F.avg_pool2d(mask, 8), F.avg_pool2d(valid, 8)
    size = 2 * (_REACH // 8) + 1
    near = F.avg_pool2d(small, size, stride=1, padding=size // 2)
    return ((near * 6).clamp(max=1) * (1 - small) + 1e-3) * on


def window(pictures: Tensor, mask: Tensor, side: int, reach: float) -> Tensor:
    """The square around each region, scaled to side x side: [N, C, side, side]; 0 outside the picture.

    The square's side is `reach` times the longer one of the region's box, at least 48 and at most 288 pixels, so that
    no more than a few pixels fall between two samples.  pictures: [N, C, H, W]; mask: [N or 1, 1, H, W].
    """
    count, _, height, width = pictures.shape
    marked = mask > mask.amax((1, 2, 3), keepdim=True) / 2
    centres, lengths = [], []
    for axis, size in ((2, width), (3, height)):
        # Where the region lies along the axis, in pixels.
        along = marked.to(pictures.dtype).amax(axis).flatten(1)
        position = torch.arange(size, device=pictures.device, dtype=pictures.dtype)[None]
        first = (position * along + size * (1 - along)).amin(1)
        last = ((position + 1) * along).amax(1)
        centres.append((first + last) / 2)
        lengths.append(last - first)
    half = (torch.maximum(*lengths) * reach / 2).clamp(24, 144)
    steps = (torch.arange(side, device=pictures.device, dtype=pictures.dtype) + 0.5) * 2 / side - 1
    x = (centres[0][:, None] + half[:, None] * steps) * 2 / width - 1
    y = (centres[1][:, None] + half[:, None] * steps) * 2 / height - 1
    grid = torch.stack([x[:, None, :].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], 3)
    return F.grid_sample(pictures, grid.expand(count, -1, -1, -1), align_corners=False)


def moments(maps: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and deviation of maps [N, C, h, w] under weights [N or 1, 1, h, w]: each [N, C]."""
    total = weights.sum((2, 3)).clamp(min=1e-6)
    mean = (maps * weights).sum((2, 3)) / total
    variance = (maps.square() * weights).sum((2, 3)) / total - mean.square()
    return mean, (variance.clamp(min=0) + 1e-4).sqrt()


def colour_maps(encoded: Tensor) -> Tensor:
    """Colour, contrast, clipping and tint of display-encoded pictures at a quarter of their size: [N, 20, H/4, W/4]."""
    luma = (encoded * encoded.new_tensor([0.2126, 0.7152, 0.0722])[None, :, None, None]).sum(1, keepdim=True)
    ends = torch.cat([(luma * 10 - 9).clamp(min=0), (1 - luma * 10).clamp(min=0)], 1)
    fine = F.avg_pool2d(luma.square(), 4)
    small, light = F.avg_pool2d(encoded, 4), F.avg_pool2d(luma, 4)
    texture = (fine - light.square()).clamp(min=0).add(1e-5).sqrt()
    red, green, blue = small[:, :1], small[:, 1:2], small[:, 2:]
    opponents = torch.cat([red - green, blue - (red + green) / 2], 1)
    chroma = opponents.square().sum(1, keepdim=True).add(1e-5).sqrt()
    # A cast shows in what should be grey.
    cast = opponents * torch.exp(-((chroma / 0.12) ** 2))
    steps = torch.linspace(0, 1, 8, device=encoded.device)[None, :, None, None]
    histogram = (1 - (light - steps).abs() * 7).clamp(min=0)
    return torch.cat([small, light, opponents, chroma, texture, cast, F.avg_pool2d(ends, 4), histogram], 1)


def describe(
    encoded: Tensor, features: list[Tensor], taps: tuple[int, ...], mask: Tensor, valid: Tensor, whole: bool
) -> Tensor:
    """Numbers that describe regions: [N, `length`].

    For the colour maps and each trunk feature: mean and deviation in the region, in its surround and, if `whole`, in
    the whole picture; and the difference between region and surround in units of the spread.

    encoded: [N, 3, H, W]; features: what the trunk gives for `taps`; mask and valid: [N or 1, 1, H, W], 1 on the
    region and on the picture.
    """
    around = surround(mask, valid)
    numbers = []
    for maps, stride in [(colour_maps(encoded), 4), *zip(features, (STRIDES[tap] for tap in taps))]:
        maps = maps.float()
        within = F.avg_pool2d(mask, stride)
        near = F.avg_pool2d(around, stride // 8) if stride > 8 else F.interpolate(around, scale_factor=8.0 / stride)
        mean, deviation = moments(maps, within)
        mean_near, deviation_near = moments(maps, near)
        contrast = (mean - mean_near) / (deviation.square() + deviation_near.square() + 1e-3).sqrt()
        numbers += [mean, deviation, mean_near, deviation_near, contrast]
        if whole:
            numbers += moments(maps, F.avg_pool2d(valid, stride))
    area = mask.mean((1, 2, 3)) / valid.mean((1, 2, 3)).clamp(min=1e-6)
    # One mask may serve many pictures; the addition repeats its area, also in an exported network.
    numbers.append((area + 1e-4).log()[:, None] + torch.zeros_like(numbers[0][:, :1]))
    return torch.cat(numbers, 1)


def length(taps: tuple[int, ...], whole: bool) -> int:
    """How many numbers `describe` gives."""
    return len(origins(taps, whole))


def origins(taps: tuple[int, ...], whole: bool) -> list[str]:
    """Where each number of `describe` comes from: "region", "surround", "contrast", "picture" or "area"."""
    parts = ["region"] * 2 + ["surround"] * 2 + ["contrast"] + ["picture"] * (2 if whole else 0)
    return [part for channels in (COLOUR_MAPS, *taps) for part in parts for _ in range(channels)] + ["area"]
