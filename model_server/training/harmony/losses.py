# SPDX-License-Identifier: GPL-3.0-or-later
"""What each stage of the training wants: of the curves, of the shading, of the styles."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from model_server.predict.vector import STYLE

from ..operators import decode
from . import operator
from .network import HarmonyNetwork, Seen, make_areas

_SQUARES = 4.0  # weight of squared errors beside absolute ones
_RESERVE = 0.003  # weight of the shading's own size
_MOST_EV = 1.5  # of what the curves leave: more of it is no light, but dark pixels' noise
_DARK = 0.01  # linear light; below it logarithms say nothing
_STYLES = 8  # drawn for each composite
_THIN = 2  # pixels along each side for one at which styles are compared

Loss = Callable[[HarmonyNetwork, Seen, Tensor], Tensor]


def measure_curves(network: HarmonyNetwork, seen: Seen, wanted: Tensor) -> Tensor:
    """How far off cut-outs are by the plain curves: [N].  wanted: [N, 3, H, W], as everywhere here."""
    curves, _shading = network.predict(seen)
    return _measure_error(seen, wanted, curves)


def measure_shading(network: HarmonyNetwork, seen: Seen, wanted: Tensor) -> Tensor:
    """How far off, in EV², the light is that the curves leave, but for its mean: [N].

    Of the light, as the errors of the curves' colours would drown it.  The lighter a pixel, the more it counts, as for
    the eye.
    """
    with torch.no_grad():
        areas = make_areas(seen.mask, seen.around)
        look = network.look(seen, areas)
        curves = network.draw_curves(look, None)
        light, after = (decode(each).mean(1, keepdim=True) for each in (wanted, _apply(seen, curves)))
        left = torch.log2((light + _DARK) / (after + _DARK)).clamp(-_MOST_EV, _MOST_EV)
        weights = seen.mask * wanted.mean(1, keepdim=True)
    shading = network.shading(seen.cut, look.hidden)
    grown = operator.spread_boxes(shading, seen.mask)
    total = weights.sum((1, 2, 3), keepdim=True) + 1e-6
    error = left - grown
    error = error - (weights * error).sum((1, 2, 3), keepdim=True) / total
    return (weights * error.square()).sum((1, 2, 3)) / total[:, 0, 0, 0] + _RESERVE * shading.square().mean((1, 2))


def measure_styles(network: HarmonyNetwork, seen: Seen, wanted: Tensor) -> Tensor:
    """How far off each cut-out is in the best of some styles that are drawn: [N].

    So the styles spread over all the answers that there are (implicit maximum likelihood; Li et al., IJCV 2020).
    """
    with torch.no_grad():
        look = network.look(seen, make_areas(seen.mask, seen.around))
    picture, mask, around = (each[:, :, ::_THIN, ::_THIN] for each in seen[:3])
    small = Seen(picture, mask, around, seen.cut)
    goal = wanted[:, :, ::_THIN, ::_THIN]
    count = len(goal)
    errors = [_measure_error(small, goal, network.draw_curves(look, torch.randn(count, STYLE))) for _ in range(_STYLES)]
    return torch.stack(errors).amin(0)


# What is learned in each stage, all else as it is, and by which loss.
STAGES: dict[str, Loss] = {"curves": measure_curves, "shading": measure_shading, "styles": measure_styles}


def _apply(seen: Seen, curves: Tensor) -> Tensor:
    return operator.blend(seen.picture, operator.apply_curves(seen.picture, curves), seen.mask)


def _measure_error(seen: Seen, wanted: Tensor, curves: Tensor) -> Tensor:
    area = seen.mask.sum((1, 2, 3)) + 1e-6
    error = ((_apply(seen, curves) - wanted) * (seen.mask > 0)).flatten(1)
    return (error.abs().sum(1) + _SQUARES * error.square().sum(1)) / (3 * area)
