# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour difference and tint in CIE Lab (1976)."""

from __future__ import annotations

import torch
from torch import Tensor

from model_server.predict.detail import APART

# Linear sRGB to XYZ, divided by the white point D65, so that white is 1, 1, 1 (IEC 61966-2-1).
_TO_XYZ = (
    (0.4123908 / 0.9504559, 0.3575843 / 0.9504559, 0.1804808 / 0.9504559),
    (0.2126390, 0.7151687, 0.0721923),
    (0.0193308 / 1.0890578, 0.1191948 / 1.0890578, 0.9505322 / 1.0890578),
)


def to_lab(linear: Tensor) -> Tensor:
    """Linear sRGB [N, 3, H, W], 0..1, to Lab: L 0..100, a and b about -100..100."""
    xyz = torch.einsum("rc,nchw->nrhw", linear.new_tensor(_TO_XYZ), linear.clamp(0, 1))
    f = torch.where(xyz > 216 / 24389, xyz.clamp(min=216 / 24389) ** (1 / 3), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def measure_difference(before: Tensor, after: Tensor) -> Tensor:
    """CIE76 of every pixel: [N, 1, H, W] from two Lab pictures."""
    return (before - after).square().sum(1, keepdim=True).clamp(min=1e-12).sqrt()


def measure_tint(before: Tensor, after: Tensor) -> Tensor:
    """How far every pixel's hue was moved, squared, in Lab units: [N, 1, H, W].

    The change of chroma (a, b) without its part along the pixel's own hue.  For a neutral pixel, which has no hue,
    all of the change counts: grey that turned pink; for a colourful one only the turn of the hue: green skin.
    """
    chroma, change = before[:, 1:], after[:, 1:] - before[:, 1:]
    squared = chroma.square().sum(1, keepdim=True)
    along = (chroma * change).sum(1, keepdim=True).square() / (squared + 8.0**2)
    return (change.square().sum(1, keepdim=True) - along).clamp(min=0)


def measure_neutrality(before: Tensor) -> Tensor:
    """How near to grey every pixel is, 1 grey to 0 colourful: [N, 1, H, W]."""
    return torch.exp(-before[:, 1:].square().sum(1, keepdim=True) / 8.0**2)


def find_neighbours(mask: Tensor) -> Tensor:
    """Pairs of pixels of a region, a few pixels apart: their indices in its flattened picture, [2, pairs].

    mask [H, W]; without pairs where the region is narrower than that.
    """
    is_in = mask > mask.max() / 2
    index = torch.arange(mask.numel(), device=mask.device).view_as(is_in)
    beside, below = is_in[:, APART:] & is_in[:, :-APART], is_in[APART:] & is_in[:-APART]
    first = torch.cat([index[:, :-APART][beside], index[:-APART][below]])
    second = torch.cat([index[:, APART:][beside], index[APART:][below]])
    return torch.stack([first, second])


def measure_detail(lightness: Tensor, neighbours: Tensor) -> Tensor:
    """The local contrast of a region: the mean difference of L* of such pairs, from L* [pixels]; a number."""
    if not neighbours.shape[1]:
        return lightness.new_ones(())
    return (lightness[neighbours[0]] - lightness[neighbours[1]]).abs().mean()


def average_inside(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of values [N, 1, H, W] in the region: [N]."""
    return (values * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1e-6)
