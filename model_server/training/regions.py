# SPDX-License-Identifier: GPL-3.0-or-later
"""What a region looks like and how it differs from its surround: a fixed list of numbers for any size and shape."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .trunk import STRIDES

# The surround reaches about this many pixels from the region.
_REACH = 36

# Numbers of `make_colour_maps`.
COLOUR_MAPS = 20


def weigh_surround(mask: Tensor, valid: Tensor) -> Tensor:
    """Weights of the region's neighbourhood [N, 1, H/8, W/8]; of the whole picture where nothing lies around it."""
    small, on = F.avg_pool2d(mask, 8), F.avg_pool2d(valid, 8)
    size = 2 * (_REACH // 8) + 1
    near = F.avg_pool2d(small, size, stride=1, padding=size // 2)
    return ((near * 6).clamp(max=1) * (1 - small) + 1e-3) * on


def cut_window(pictures: Tensor, mask: Tensor, side: int, reach: float) -> Tensor:
    """The square around each region, scaled to side x side: [N, C, side, side]; 0 outside the picture.

    The square's side is `reach` times the longer one of the region's box, at least 48 and at most 288 pixels, so that
    no more than a few pixels fall between two samples.  pictures: [N, C, H, W]; mask: [N or 1, 1, H, W].
    """
    height, width = pictures.shape[2:]
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
    samples = []
    for centre, size in zip(centres, (width, height)):
        # What each pixel of a row or column has to do with each sample: bilinear interpolation as a matrix.
        place = centre[:, None, None] + half[:, None, None] * steps[:, None] - 0.5
        pixels = torch.arange(size, device=pictures.device, dtype=pictures.dtype)
        samples.append((1 - (place - pixels).abs()).clamp(min=0)[:, None])
    with torch.autocast(pictures.device.type, enabled=False):  # bfloat16 would leave seven bits of a colour
        return samples[1] @ pictures @ samples[0].transpose(2, 3)


def average(maps: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted means of maps [N, C, h, w] and of their squares under K weights [N or 1, K, h, w]: each [N, K, C]."""
    total = weights.sum((2, 3)).clamp(min=1e-6)[:, :, None]
    columns = weights.flatten(2).transpose(1, 2)  # products of matrices take half the time of sums of products
    flat = maps.flatten(2)
    return (flat @ columns).transpose(1, 2) / total, (flat.square() @ columns).transpose(1, 2) / total


def measure_deviation(mean: Tensor, square: Tensor) -> Tensor:
    """The standard deviation that belongs to `average`, never quite 0."""
    return ((square - mean.square()).clamp(min=0) + 1e-4).sqrt()


def make_colour_maps(encoded: Tensor) -> Tensor:
    """Colour, contrast, clipping and tint of display-encoded pictures at a quarter of their size: [N, 20, H/4, W/4]."""
    luma = _to_luma(encoded)
    bright, dark = (luma * 10 - 9).clamp(min=0), (1 - luma * 10).clamp(min=0)
    pooled = F.avg_pool2d(torch.cat([encoded, luma.square(), bright, dark], 1), 4)
    small, fine, ends = pooled.split([3, 1, 2], 1)
    light = _to_luma(small)
    texture = (fine - light.square()).clamp(min=0).add(1e-5).sqrt()
    red, green, blue = small[:, :1], small[:, 1:2], small[:, 2:]
    opponents = torch.cat([red - green, blue - (red + green) / 2], 1)
    chroma = opponents.square().sum(1, keepdim=True).add(1e-5).sqrt()
    # A cast shows in what should be grey.
    cast = opponents * torch.exp(-((chroma / 0.12) ** 2))
    steps = torch.linspace(0, 1, 8, device=encoded.device)[None, :, None, None]
    histogram = (1 - (light - steps).abs() * 7).clamp(min=0)
    return torch.cat([small, light, opponents, chroma, texture, cast, ends, histogram], 1)


def _to_luma(encoded: Tensor) -> Tensor:
    """Of pictures [N, 3, H, W]: [N, 1, H, W]."""
    red, green, blue = encoded.split(1, 1)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def describe(
    encoded: Tensor, features: list[Tensor], taps: tuple[int, ...], mask: Tensor, valid: Tensor, whole: bool
) -> Tensor:
    """Numbers that describe regions: [N, `count_numbers`].

    For the colour maps and each trunk feature: mean and deviation in the region, in its surround and, if `whole`, in
    the whole picture; and the difference between region and surround in units of the spread.

    encoded: [N, 3, H, W]; features: what the trunk gives for `taps`; mask and valid: [N or 1, 1, H, W], 1 on the
    region and on the picture.
    """
    around = weigh_surround(mask, valid)
    areas = torch.cat([mask, valid], 1) if whole else mask
    found = []
    described = [(make_colour_maps(encoded), 4), *zip(features, (STRIDES[tap] for tap in taps))]
    for maps, stride in described:
        near = F.avg_pool2d(around, stride // 8) if stride > 8 else F.interpolate(around, scale_factor=8.0 / stride)
        found.append(average(maps.float(), torch.cat([F.avg_pool2d(areas, stride), near], 1)))
    mean, square = (torch.cat(each, 2) for each in zip(*found))
    spread = measure_deviation(mean, square)
    contrast = (mean[:, 0] - mean[:, -1]) / (spread[:, 0].square() + spread[:, -1].square() + 1e-3).sqrt()
    places = [0, -1, 1] if whole else [0, -1]  # region, surround, picture
    parts = [values[:, place] for place in places for values in (mean, spread)]
    together = torch.stack([*parts[:4], contrast, *parts[4:]], 1)
    # All numbers of a map stand together.
    numbers = [part.flatten(1) for part in together.split([maps.shape[1] for maps, _ in described], 2)]
    area = mask.mean((1, 2, 3)) / valid.mean((1, 2, 3)).clamp(min=1e-6)
    # One mask may serve many pictures; the addition repeats its area, also in an exported network.
    numbers.append((area + 1e-4).log()[:, None] + torch.zeros_like(numbers[0][:, :1]))
    return torch.cat(numbers, 1)


def count_numbers(taps: tuple[int, ...], whole: bool) -> int:
    """How many numbers `describe` gives."""
    return len(list_origins(taps, whole))


def list_origins(taps: tuple[int, ...], whole: bool) -> list[str]:
    """Where each number of `describe` comes from: "region", "surround", "contrast", "picture" or "area"."""
    parts = ["region"] * 2 + ["surround"] * 2 + ["contrast"] + ["picture"] * (2 if whole else 0)
    return [part for channels in (COLOUR_MAPS, *taps) for part in parts for _ in range(channels)] + ["area"]
