# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture shows along a mask's contour: an object's edge, or what an edit left there.

For pairs of neighbours on both sides of the contour, colours are read along the line through both, so many pixels to
each side.  An object's edge is a step whose sign and size change along the contour.  What an edit adds is of one sign
all along it; where the mask is a pixel off, a rim is left that is lighter or darker than both sides.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model_server.predict.border import HIDDEN

from . import colour, operators

# Pixels that are read on each side of the contour.
_DEPTH = 4

# Steps are taken between the means of so many pixels on each side.
_SPANS = (1, 2, 4)

# Numbers of `describe`: 13 a span; the slopes between the pixels of a line, their size in lightness and in colour, and
# signed, by themselves and as the step goes; the mask along the line; how long the contour is; detail in and around it.
NUMBERS = 13 * len(_SPANS) + (2 * _DEPTH - 1) * 6 + 2 * _DEPTH + 1 + 3

# Pairs of each direction that are enough: of a longer contour, as of foliage, some are left out evenly.
_MOST = 2000

_UNIT = 10.0  # CIE76, in which all is counted
_WEAK = 0.4  # a step of this many units is seen


def describe(encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """Numbers about contours: [N, NUMBERS].

    encoded: [N, 3, H, W], display-encoded, at the size at which it was edited; mask and valid: [N or 1, 1, H, W], 0..1.
    """
    areas = torch.cat([mask, valid], 1)
    with torch.autocast(encoded.device.type, enabled=False):
        rows = [
            _describe_one(picture, *areas[min(row, len(areas) - 1)]) for row, picture in enumerate(encoded.unbind(0))
        ]
    return torch.stack(rows)


def _describe_one(picture: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """The numbers [NUMBERS] of one picture [3, H, W]; mask and valid [H, W]."""
    places, outward, length = _find_pairs(mask, valid)
    lines = _read_lines(torch.cat([picture, mask[None]]), places, outward)  # [4, pairs, 2 * _DEPTH], inner pixels first
    linear = operators.decode(lines[:3].clamp(0, 1))
    lab = colour.to_lab(linear[None])[0] / _UNIT
    count = torch.ones_like(lab[0, :, 0]).sum() + 1e-3
    numbers = [_describe_steps(lab, span, count) for span in _SPANS]
    slopes = lab[..., :-1] - lab[..., 1:]
    step = lab[..., :_DEPTH].mean(2) - lab[..., _DEPTH:].mean(2)
    along = slopes * (step / (step.abs() + 0.1))[..., None]
    size = torch.stack([slopes[0].abs(), slopes[1:].abs().sum(0)])
    numbers += [each.sum(1).flatten() / count for each in (size, slopes, along[:1], lines[3:])]
    numbers.append((length + 1e-3).log()[None] / 5)
    numbers.append(_describe_detail(picture, mask, valid))
    return torch.cat(numbers)


def measure_border(before: Tensor, after: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """What `predict.border.Border` measures, with a gradient: a number; some pairs of a long contour are left out.

    before, after: display-encoded pictures [3, H, W]; mask and valid [1, H, W].
    """
    places, outward, _ = _find_pairs(mask[0], valid[0])
    if not places.shape[1]:
        return after.new_zeros(())
    ends = torch.cat([places, places + outward], 1)
    flat = ends[0] * mask.shape[2] + ends[1]
    # Both sides of each pair, before and after: [2, 3, 1, 2 * pairs].
    colours = torch.stack([before, after]).flatten(2)[:, :, None, flat]
    lab = colour.to_lab(operators.decode(colours.clamp(0, 1)))
    inner, outer = lab.chunk(2, 3)
    was, now = (inner - outer).unbind(0)
    added = (now - was).square().sum(0).clamp(min=1e-12).sqrt()
    return (added * torch.exp(-was.square().sum(0).sqrt() / HIDDEN)).mean()


def _find_pairs(mask: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours on both sides of the contour.

    The row and column [2, pairs] of the inner ones, the step [2, pairs] to their outer neighbours; how many there are,
    those that are left out included.
    """
    is_in, on = mask >= mask.max() / 2, valid > 0
    below = (is_in[1:] != is_in[:-1]) & on[1:] & on[:-1]
    beside = (is_in[:, 1:] != is_in[:, :-1]) & on[:, 1:] & on[:, :-1]
    places, steps, length = [], [], mask.new_zeros(())
    for differ, step in ((below, (1, 0)), (beside, (0, 1))):
        found = differ.nonzero().T
        number = torch.ones_like(found[0]).cumsum(0)
        length = length + differ.sum()
        found = found[:, number % (differ.sum() // _MOST + 1) == 0]
        outward = is_in[found[0], found[1]].long() * 2 - 1  # 1 where the first of the two is the inner one
        step_of = found.new_tensor(step)[:, None]
        places.append(found + step_of * (1 - outward) // 2)
        steps.append(step_of * outward)
    return torch.cat(places, 1), torch.cat(steps, 1), length


def _read_lines(maps: Tensor, places: Tensor, steps: Tensor) -> Tensor:
    """Values of maps [C, H, W] along lines through the contour: [C, pairs, 2 * _DEPTH]; held at the maps' ends."""
    height, width = maps.shape[1:]
    offsets = torch.arange(1 - _DEPTH, 1 + _DEPTH, device=maps.device)
    rows = (places[0, :, None] + steps[0, :, None] * offsets).clamp(0, height - 1)
    columns = (places[1, :, None] + steps[1, :, None] * offsets).clamp(0, width - 1)
    flat = maps.flatten(1)
    return flat[:, (rows * width + columns).flatten()].view(len(maps), -1, 2 * _DEPTH)


def _describe_steps(lab: Tensor, span: int, count: Tensor) -> Tensor:
    """Of the steps across the contour: signed, their size and spread, how much of one sign, how many are weak."""
    step = lab[..., _DEPTH - span : _DEPTH].mean(2) - lab[..., _DEPTH : _DEPTH + span].mean(2)
    signed, sizes = step.sum(1) / count, step.abs().sum(1) / count
    spread = (step.square().sum(1) / count + 1e-4).sqrt()
    weak = torch.exp(step.square().sum(0) / (-2 * _WEAK**2)).sum() / count
    return torch.cat([signed, sizes, spread, signed.abs() / (sizes + 1e-2), weak[None]])


def _describe_detail(picture: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """How much neighbours differ in the region and outside of it, and in what ratio."""
    green = picture[1]
    detail = (green[1:, 1:] - green[:-1, 1:]).abs() + (green[1:, 1:] - green[1:, :-1]).abs()
    inside, on = mask[1:, 1:], valid[1:, 1:]
    found = [(detail * area).sum() / (area.sum() + 1e-3) for area in (inside, on - inside)]
    ratio = (found[0] + 0.003).log() - (found[1] + 0.003).log()
    return torch.stack([found[0] * 10, found[1] * 10, ratio])
