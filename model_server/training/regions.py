# SPDX-License-Identifier: GPL-3.0-or-later
"""What a region looks like and how it differs from its surround: a fixed list of numbers for any size and shape."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from . import colour, operators
from .trunk import STRIDES

# The surround reaches about this many pixels from the region; what is near to it and far from it, for its colours.
_REACH = 36
_NEAR, _FAR = 12, 64

# Numbers of `make_colour_maps`, and of `_make_lab_maps`.
COLOUR_MAPS = 20
_LAB_MAPS = 5

# Numbers of `describe_colours`, and those of `describe_watched` beside the trunk's.
COLOURS = 10 * _LAB_MAPS + 2
_WATCHED = 2 * COLOUR_MAPS + 4 * _LAB_MAPS + 2

_LAB_UNIT = 10.0  # CIE76, in which Lab is counted


def weigh_surround(mask: Tensor, valid: Tensor, reach: int = _REACH) -> Tensor:
    """Weights of the region's neighbourhood [N, 1, H/8, W/8]; of the whole picture where nothing lies around it.

    reach: how many pixels it goes from the region, roughly.
    """
    small, on = F.avg_pool2d(mask, 8), F.avg_pool2d(valid, 8)
    size = 2 * (reach // 8) + 1
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


def describe_colours(encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """How a region differs in CIE Lab from what is near to it and from what is far: [N, COLOURS].

    Of the colour and of the detail in 8 x 8 pixels: mean and deviation over region, near and far surround, and the
    region's differences from both; CIE76 of these differences.  Arguments as for `describe`.
    """
    near, far = (weigh_surround(mask, valid, reach) for reach in (_NEAR, _FAR))
    areas = torch.cat([F.avg_pool2d(mask, 8), near, (far - near).clamp(min=0) + 1e-4 * far], 1)
    mean, square = average(_make_lab_maps(encoded), areas)
    spread = measure_deviation(mean, square)
    steps = mean[:, :1] - mean[:, 1:]  # [N, 2, maps]
    scaled = steps / (spread[:, :1].square() + spread[:, 1:].square()).sqrt()
    distance = steps[:, :, :3].square().sum(2).add(1e-6).sqrt()
    return torch.cat([each.flatten(1) for each in (mean, spread, steps, scaled, distance)], 1)


def describe_watched(
    encoded: Tensor, features: list[Tensor], taps: tuple[int, ...], mask: Tensor, valid: Tensor, density: Tensor
) -> Tensor:
    """What outside of a region viewers look at: [N, `count_watched`].

    Means, of colours also deviations, where each place counts by the attention that it draws; how these colours differ
    from the region's and from the picture's; how much of all attention it is, and how concentrated.

    density [N, H/8, W/8]: of the viewers' attention; the rest as for `describe`.
    """
    small, on = F.avg_pool2d(mask, 8), F.avg_pool2d(valid, 8)
    drawn = density[:, None] * (1 - small)
    watched = drawn + 1e-6 * on
    lab, colours = _make_lab_maps(encoded), F.avg_pool2d(make_colour_maps(encoded), 2)
    mean, square = average(torch.cat([lab, colours], 1), watched)
    others, _ = average(lab, torch.cat([small, on], 1))
    numbers = [mean, measure_deviation(mean, square), mean[:, :, :_LAB_MAPS] - others]
    for maps, stride in zip(features, (STRIDES[tap] for tap in taps)):
        near = F.avg_pool2d(watched, stride // 8) if stride > 8 else F.interpolate(watched, scale_factor=8.0 / stride)
        numbers.append(average(maps.float(), near)[0])
    share = drawn.sum((1, 2, 3))
    peak = drawn.amax((1, 2, 3)) / (share + 1e-4)
    numbers.append(torch.stack([share, (peak + 1e-3).log()], 1))
    return torch.cat([each.flatten(1) for each in numbers], 1)


def _make_lab_maps(encoded: Tensor) -> Tensor:
    """Lab, chroma and the deviation of lightness within 8 x 8 pixels, all in tens: [N, 5, H/8, W/8]."""
    with torch.autocast(encoded.device.type, enabled=False):  # bfloat16 would leave seven bits of a colour
        lab = colour.to_lab(operators.decode(F.avg_pool2d(encoded.float(), 2))) / _LAB_UNIT
    chroma = lab[:, 1:].square().sum(1, keepdim=True).add(1e-4).sqrt()
    small, square = F.avg_pool2d(torch.cat([lab, chroma], 1), 4), F.avg_pool2d(lab[:, :1].square(), 4)
    detail = (square - small[:, :1].square()).clamp(min=0).add(1e-4).sqrt()
    return torch.cat([small, detail], 1)


def count_watched(taps: tuple[int, ...]) -> int:
    """How many numbers `describe_watched` gives."""
    return _WATCHED + sum(taps)


def count_numbers(taps: tuple[int, ...], whole: bool) -> int:
    """How many numbers `describe` gives."""
    return (COLOUR_MAPS + sum(taps)) * (7 if whole else 5) + 1
