# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that finds the object that a loose selection means, and says how sure it is."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .trunk import Trunk

# Of each trunk: the taps at strides 2, 4, 8 and 16.
TAPS: dict[str, tuple[int, int, int, int]] = {
    "mobilenet-v2": (16, 24, 32, 96),
    "efficientnet-lite0": (16, 24, 40, 112),
    "efficientnet-lite2": (16, 24, 48, 120),
}
_WIDTHS = (16, 32, 48, 64)  # channels of the decoder at strides 2, 4, 8 and 16
_GROUP = 8  # channels that are normalised together
_SUMMARY = 5  # numbers of `_summarise`


class Found(NamedTuple):
    """What the network says, as logits.

    mask: the object's, [N, 1, H/2, W/2].  expected: [N, 3]: the intersection over union with what was meant of that
    mask within the selection, and of the selection as it is; how likely the selection's edge is an object's already.
    """

    mask: Tensor
    expected: Tensor


class _Refine(nn.Module):
    """Filter each channel by a 3x3, mix them by a 1x1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.norm = nn.GroupNorm(channels // _GROUP, channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.mix(self.filter(x))))


class EdgeNetwork(nn.Module):
    """Trunk features from stride 16 up to stride 2, each time with the selection beside them.

    Input: display-encoded RGB [N, 3, H, W] and the selection [N, 1, H, W], 0..1, sides multiples of 32.
    """

    def __init__(self, trunk: str = "efficientnet-lite0") -> None:
        super().__init__()
        taps = TAPS[trunk]
        self.kind = trunk
        self.trunk = Trunk(taps, masked=True)
        self.sides = nn.ModuleList(nn.Conv2d(tap + 1, width, 1) for tap, width in zip(taps, _WIDTHS))
        self.context = nn.Linear(2 * taps[3], _WIDTHS[3])
        self.rise = nn.ModuleList(nn.Conv2d(_WIDTHS[k + 1], _WIDTHS[k], 1) for k in range(3))
        self.refine = nn.ModuleList(nn.Sequential(_Refine(width), _Refine(width)) for width in _WIDTHS)
        self.read = nn.Conv2d(_WIDTHS[0], 1, 3, padding=1)
        self.middle = nn.Linear(2 * taps[3] + _SUMMARY, 64)
        self.last = nn.Linear(64, 3)

    def forward(self, picture: Tensor, selection: Tensor) -> Found:
        features = self.trunk(torch.cat([picture, selection], 1))
        areas = [F.avg_pool2d(selection, stride) for stride in (2, 4, 8, 16)]
        pooled = _pool(features[3], areas[3])
        x: Tensor | None = None
        for k in (3, 2, 1, 0):
            side = self.sides[k](torch.cat([features[k], areas[k].to(features[k].dtype)], 1))
            if x is None:
                x = side + self.context(pooled)[:, :, None, None]
            else:
                risen = F.interpolate(self.rise[k](x), scale_factor=2.0, mode="bilinear", align_corners=False)
                x = side + risen
            x = self.refine[k](x)
        assert x is not None
        mask = self.read(x)
        summary = _summarise(mask.detach().float(), areas[0])
        hidden = F.relu(self.middle(torch.cat([pooled, summary.to(pooled.dtype)], 1)))
        return Found(mask.float(), self.last(hidden).float())


def _pool(features: Tensor, area: Tensor) -> Tensor:
    """Means of features [N, C, h, w] in the selection and around it: [N, 2 * C]."""
    parts = []
    for weight in (area + 1e-4, 1 - area + 1e-4):
        parts.append((features * weight).mean((2, 3)) / weight.mean((2, 3)))
    return torch.cat(parts, 1)


def _summarise(mask: Tensor, area: Tensor) -> Tensor:
    """How the mask that was found [N, 1, h, w] (logits) compares with the selection: [N, 5]."""
    found = mask.sigmoid()
    inside, selected = (found * area).mean((1, 2, 3)), area.mean((1, 2, 3))
    unsure = 4 * (found * (1 - found) * area).mean((1, 2, 3))
    outside = (found * (1 - area)).mean((1, 2, 3))
    return torch.stack(
        [inside / (selected + 1e-4), unsure / (inside + 1e-4), outside / (inside + 1e-4), selected, inside], 1
    ).clamp(max=4)
