# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony as a differentiable operator, with exactly the maths of the layers that GIMP gets.

First `gimp:curves`, one curve a channel, piecewise linear on display-encoded values; then two groups with
`gegl:exposure`, one stop darker and one stop lighter, whose masks are the shading map, blended in linear light.  GIMP
clips nothing between filter, mask and the next group, in whole numbers neither (tests/gimp/test_harmony.py), so both
together are gains.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.harmonizer import find_box

from ..operators import decode, encode

NODES = len(INPUTS)


def apply_curves(encoded: Tensor, curves: Tensor) -> Tensor:
    """Curves [N, 3, NODES] on pictures [N, 3, H, W], display-encoded 0..1."""
    place = encoded.flatten(2).clamp(0, 1) * (NODES - 1)
    left = place.detach().floor().clamp(max=NODES - 2).long()
    low, high = curves.gather(2, left), curves.gather(2, left + 1)
    return (low + (high - low) * (place - left)).view_as(encoded)


def apply_shading(encoded: Tensor, shading: Tensor) -> Tensor:
    """A map of EV within -1..1 [N, 1, h, w], enlarged over pictures [N, 3, H, W], display-encoded 0..1."""
    linear, size = decode(encoded), encoded.shape[2:]
    darker = 2 * (1 - torch.pow(2.0, shading.clamp(max=0)))
    lighter = torch.pow(2.0, shading.clamp(min=0)) - 1
    for stop, mask in ((0.5, darker), (2.0, lighter)):
        grown = F.interpolate(mask, size=(int(size[0]), int(size[1])), mode="bilinear", align_corners=False)
        linear = linear * (1 + grown * (stop - 1))
    return encode(linear)


def shade_boxes(encoded: Tensor, shading: Tensor, mask: Tensor) -> Tensor:
    """Each picture's map [N, SIDE, SIDE] over the box of what its mask [N, 1, H, W] covers; nothing else changes."""
    pictures = []
    for picture, values, (rows, columns) in zip(encoded, shading, _find_boxes(mask)):
        shaded = picture.clone()
        shaded[:, rows, columns] = apply_shading(picture[None, :, rows, columns], values[None, None])[0]
        pictures.append(shaded)
    return torch.stack(pictures)


def spread_boxes(shading: Tensor, mask: Tensor) -> Tensor:
    """Each map [N, SIDE, SIDE], in EV, enlarged over the same boxes, 0 beside them: [N, 1, H, W]."""
    maps = []
    for values, (rows, columns), area in zip(shading, _find_boxes(mask), mask):
        size = (rows.stop - rows.start, columns.stop - columns.start)
        grown = F.interpolate(values[None, None], size=size, mode="bilinear", align_corners=False)[0]
        beside = (columns.start, area.shape[2] - columns.stop, rows.start, area.shape[1] - rows.stop)
        maps.append(F.pad(grown, beside))
    return torch.stack(maps)


def _find_boxes(mask: Tensor) -> list[tuple[slice, slice]]:
    """Rows and columns of each mask's box."""
    boxes = [find_box(area[None].numpy()) for area in mask]
    return [(slice(top, bottom), slice(left, right)) for left, top, right, bottom in boxes]


def blend(encoded: Tensor, harmonized: Tensor, mask: Tensor) -> Tensor:
    """What is seen where a cut-out with coverage `mask` [N, 1, H, W] is replaced by the harmonized one.

    Here a composite has no layers: the photo's part of a soft edge's pixels changes along.
    """
    return encoded + mask * (harmonized - encoded)
