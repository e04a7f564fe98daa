# SPDX-License-Identifier: GPL-3.0-or-later
"""The four edits as differentiable operators, with exactly the maths of GIMP's filters.

Pictures are linear-light RGB, float, nominally 0..1 and unbounded in between: `gegl:exposure`, `gegl:saturation`
(native) and `gegl:channel-mixer` (diagonal) clip nothing, `gimp:curves` clips its own input and output.  Each edit is
blended through the soft mask in linear light before the next, as a stack of masked adjustment layers does.

The numbers of an edit are the vector that `model_server.parameters` describes: EV and logarithms, 0 at the identity.
"""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

from model_server.parameters import to_parameters
from plugin.saliency.edits import CURVE_NODES, LUMINANCE, NAMES, ORDERS, SEGMENTS, Edit

ALL_ORDERS = torch.tensor(ORDERS)

# The network predicts RAW numbers; `from_raw` bounds each with tanh to +-RANGES (in the units of the table above).
# A curve is one shared by the three channels plus a small part of each channel's own, and white balance is narrow:
# with free channels, a network finds that tinting the region pink raises its saliency in every photograph.
RANGES = {"exposure": 1.5, "saturation": 1.2, "white-balance": 0.15, "curve": 0.5, "curve-channel": 0.1}
RAW = 4 + SEGMENTS + 3 * SEGMENTS


def encode(linear: Tensor) -> Tensor:
    """Linear light to display-encoded sRGB; the input is clipped to 0..1."""
    linear = linear.clamp(0, 1)
    # The inner clamp keeps the slope of the power finite where the other branch is taken.
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def decode(encoded: Tensor) -> Tensor:
    """Display-encoded sRGB, 0..1, to linear light."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def exposure(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gegl:exposure` on pictures [N, 3, H, W], parameters [N, 28]."""
    return linear * torch.pow(2.0, parameters[:, 0, None, None, None])


def saturation(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gegl:saturation`, native, in linear light."""
    weights = linear.new_tensor(LUMINANCE)[None, :, None, None]
    grey = (linear * weights).sum(1, keepdim=True)
    return grey + (linear - grey) * torch.pow(2.0, parameters[:, 1, None, None, None])


def white_balance(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gegl:channel-mixer`, diagonal: red and blue relative to green, a neutral keeps its luminance."""
    red, blue = torch.pow(2.0, parameters[:, 2]), torch.pow(2.0, parameters[:, 3])
    gains = torch.stack([red, torch.ones_like(red), blue], 1)
    gains = gains / (gains * gains.new_tensor(LUMINANCE)).sum(1, keepdim=True)
    return linear * gains[:, :, None, None]


def curve_slopes(parameters: Tensor) -> Tensor:
    """Segment slopes [N, 3, 8] of the three curves, normalised so that each runs from (0, 0) to (1, 1)."""
    slopes = torch.pow(2.0, parameters[:, 4:].reshape(-1, 3, SEGMENTS))
    nodes = slopes.new_tensor(CURVE_NODES)
    return slopes / (slopes * (nodes[1:] - nodes[:-1])).sum(2, keepdim=True)


def curves(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gimp:curves`: piecewise linear on display-encoded values, input and output clipped to 0..1."""
    slopes = curve_slopes(parameters)
    encoded = encode(linear)
    result = torch.zeros_like(encoded)
    # Each segment adds its slope times the part of the value that lies in it.
    for k, (start, end) in enumerate(zip(CURVE_NODES, CURVE_NODES[1:])):
        result = result + slopes[:, :, k, None, None] * (encoded - start).clamp(0, end - start)
    return decode(result.clamp(0, 1))


# In the order of edits.NAMES, so that an index into NAMES (as in edits.ORDERS) finds its operator.
OPERATORS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (exposure, saturation, white_balance, curves)


def blend(linear: Tensor, edited: Tensor, mask: Tensor) -> Tensor:
    """Mix through the mask [N, 1, H, W], 0..1, in linear light."""
    return linear + mask * (edited - linear)


def apply(linear: Tensor, mask: Tensor, parameters: Tensor, orders: Tensor, clip: bool = True) -> Tensor:
    """Apply parameters [N, 28] in orders [N, 4] (indices into edits.NAMES, first applied first).

    Pictures [N, 3, H, W] linear, masks [N, 1, H, W] 0..1.  Returns linear pictures, clipped once to 0..1 at the end
    unless `clip` is off.
    """
    for step in orders.unbind(1):
        rows = [(step == kind).nonzero()[:, 0] for kind in range(len(OPERATORS))]
        edited = [operator(linear[r], parameters[r]) for operator, r in zip(OPERATORS, rows) if len(r)]
        linear = blend(linear, torch.cat(edited)[torch.cat(rows).argsort()], mask)
    return linear.clamp(0, 1) if clip else linear


def apply_inside(linear: Tensor, mask: Tensor, parameters: Tensor, orders: Tensor) -> Tensor:
    """What `apply` gives, computed on the masked pixels alone: for small regions many times faster."""
    rows = []
    for picture, area, values, order in zip(linear, mask, parameters, orders):
        chosen = area[0].flatten().nonzero()[:, 0]
        before = picture.flatten(1)
        edited = apply(before[None, :, None, chosen], area.flatten(1)[None, :, None, chosen], values[None], order[None])
        rows.append(before.clamp(0, 1).index_copy(1, chosen, edited[0, :, 0]).view_as(picture))
    return torch.stack(rows)


def apply_edits(picture_linear: Tensor, mask: Tensor, edits: list[Edit], clip: bool = True) -> Tensor:
    """Apply any list of edits to one picture [3, H, W], linear, through its mask [1, H, W]; repeats are allowed."""
    linear = picture_linear[None]
    for edit in edits:
        parameters = linear.new_tensor(to_parameters([edit]))[None]
        linear = blend(linear, OPERATORS[NAMES.index(edit.name)](linear, parameters), mask[None])
    return (linear.clamp(0, 1) if clip else linear)[0]


def from_raw(raw: Tensor) -> Tensor:
    """Bound a network's raw output [N, 36] to RANGES: parameters [N, 28].  Raw 0 is the identity.

    Raw: exposure, saturation, red, blue, eight slopes shared by the channels, then eight of each channel's own.
    """
    bounded = torch.tanh(raw)
    tone = bounded[:, :4] * raw.new_tensor(
        [RANGES["exposure"], RANGES["saturation"], RANGES["white-balance"], RANGES["white-balance"]]
    )
    shared = bounded[:, None, 4 : 4 + SEGMENTS] * RANGES["curve"]
    own = bounded[:, 4 + SEGMENTS :].reshape(-1, 3, SEGMENTS) * RANGES["curve-channel"]
    return torch.cat([tone, (shared + own).flatten(1)], 1)
