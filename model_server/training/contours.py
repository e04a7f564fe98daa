# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture shows along a mask's contour: whether an edge of the picture is there, or one that an edit made.

An object's edge is a ridge of gradient that changes its sign and strength along the contour; what an edit leaves where
a mask does not fit is a step of one sign all along it, in colours that go on beyond.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Steps are looked at over about 6, 12 and 24 pixels.
_LEVELS = 3

# Numbers of `describe`: 13 a level, gradients on the contour and on both sides of it, their ratios, texture, softness.
NUMBERS = 13 * _LEVELS + 9 + 6 + 6 + 2

# CIELAB of small differences of display-encoded sRGB about middle grey: rows L, a, b; in tens.
_LAB = ((2.12, 7.14, 0.72), (9.53, -14.59, 5.07), (3.35, 10.43, -13.78))

_WEAK = 0.4  # a step of this size is seen, in tens of CIE76


def describe(encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """Numbers about a contour: [N, NUMBERS].

    encoded: [N, 3, H, W], display-encoded; mask and valid: [N or 1, 1, H, W], 0..1.
    """
    with torch.autocast(encoded.device.type, enabled=False):
        # At half the size, which takes a quarter of the time.
        small, mask, valid = (F.avg_pool2d(x, 2) for x in (encoded, mask, valid))
        lab = (encoded.new_tensor(_LAB) @ small.flatten(2)).view_as(small)
        on = (_blur(_blur(_blur(valid))) > 0.99).to(lab.dtype)
        numbers = []
        colours, area, there = lab, mask, on
        for level in range(_LEVELS):
            if level:
                colours, area, there = (F.avg_pool2d(x, 2) for x in (colours, area, there))
            inside, outside, weight = _look_at_both_sides(colours, area)
            numbers.append(_describe_steps(inside - outside, weight * there))
        numbers.append(_describe_gradients(lab, mask, on))
        return torch.cat(numbers, 1)


def _blur(maps: Tensor) -> Tensor:
    """Means over 3 x 3 pixels, the border repeated.  Sums of shifted maps take a third of the time of pooling."""
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9


def _look_at_both_sides(colours: Tensor, area: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means of colours [N, 3, h, w] in 3 x 3 pixels inside and outside of a mask, and where both are to be had."""
    share, within, both = _blur(area), _blur(area * colours), _blur(colours)
    inside, outside = within / (share + 1e-3), (both - within) / (1 - share + 1e-3)
    return inside, outside, (4 * share * (1 - share)).clamp(min=0).square()


def _average(values: Tensor, *weights: Tensor) -> list[Tensor]:
    """Means [N, C] of values [N, C, h, w] under each of the weights [N or 1, 1, h, w]."""
    flat = torch.cat([each.expand(weights[0].shape) for each in weights], 1).flatten(2)
    means = values.flatten(2) @ flat.transpose(1, 2) / (flat.sum(2) + 1e-3)[:, None]
    return list(means.unbind(2))


def _describe_steps(step: Tensor, weight: Tensor) -> Tensor:
    """The steps [N, 3, h, w] across the contour: signed, their size and spread, how much of one sign, how many weak."""
    squares = step.square()
    weak = torch.exp(squares.sum(1, keepdim=True) / (-2 * _WEAK**2))
    (means,) = _average(torch.cat([step, step.abs(), squares, weak], 1), weight)
    signed, sizes, spread, share = means.split([3, 3, 3, 1], 1)
    return torch.cat([signed, sizes, (spread + 1e-6).sqrt(), signed.abs() / (sizes + 1e-2), share], 1)


def _describe_gradients(lab: Tensor, area: Tensor, on: Tensor) -> Tensor:
    """How steep colours are on the contour, and just inside and outside of it; texture; how soft the mask is."""
    near = _blur(area)
    far = _blur(_blur(near))
    contour = 4 * near * (1 - near) * on
    ring = (4 * far * (1 - far) - contour).clamp(min=0) * on
    found = _average(_measure_gradient(lab), contour, ring * area, ring * (1 - area))
    ratios = [(found[0] + 0.02).log() - (each + 0.02).log() for each in found[1:]]
    texture = _average((lab - _blur(lab)).abs(), far.square() * on, (1 - far).square() * on)
    (softness,) = _average(_measure_gradient(area), contour)
    length = (contour.mean((1, 2, 3)) + 1e-3).log()[:, None]
    # One mask may serve many pictures; the addition repeats what is its own, also in an exported network.
    return torch.cat([*found, *ratios, *texture, torch.cat([softness, length], 1) + 0 * found[0][:, :1]], 1)


def _measure_gradient(maps: Tensor) -> Tensor:
    """The size of each map's slope between neighbours."""
    across, down = maps[..., :, 1:] - maps[..., :, :-1], maps[..., 1:, :] - maps[..., :-1, :]
    return F.pad(across.abs(), (0, 1, 0, 0)) + F.pad(down.abs(), (0, 0, 0, 1))
