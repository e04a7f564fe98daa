# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits as differentiable operators, with exactly the maths of GIMP's filters.

Pictures are linear-light RGB, float, nominally 0..1 and unbounded in between: `gegl:exposure`, `gegl:saturation`
(native), `gegl:channel-mixer` (diagonal) and `gegl:unsharp-mask` clip nothing, `gimp:curves` (contrast, tone, curves)
clips its own input and output.  Each edit is blended through the soft mask in linear light before the next, as a stack
of masked adjustment layers does; contrast and tone are one layer.

The numbers of an edit are the vector of `model_server.predict.vector`: EV and logarithms, 0 at the identity.
"""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from gimp_saliency.shared.edits import (
    CONTRAST_SLOPES,
    CURVE_NODES,
    LUMINANCE,
    SEGMENTS,
    SHARPENING_WIDTH,
    Edit,
    join_edits,
    join_names,
    list_parts,
)
from model_server.predict.vector import CONTRAST, COUNT, CURVES, NAMES, ORDERS, PLACES, SHARPENING, TONE, to_parameters

ALL_ORDERS = torch.tensor(ORDERS)

# The network predicts RAW numbers; `bound_raw` bounds each with tanh to +-RANGES (in the units of the table above).
# A curve is one shared by the three channels plus a small part of each channel's own, and white balance is narrow:
# with free channels, a network finds that tinting the region pink raises its saliency in every photograph.  Sharpening
# stays below what a thumbnail shows truthfully (tests/gimp/test_sharpening.py), even at strength 150 %.  Contrast goes
# down less far than up: that is fog.
RANGES = {
    "exposure": 1.5, "saturation": 1.2, "white-balance": 0.2, "curve": 0.5, "curve-channel": 0.1,
    "sharpening": 0.065, "contrast": 0.6, "contrast-lowered": 0.25, "tone": 0.3,
}  # fmt: skip
RAW_SHARPENING = 4 + SEGMENTS + 3 * SEGMENTS
RAW = RAW_SHARPENING + 2 + SEGMENTS

# Half the width of the sharpening's blur in pixels, on pictures of at most 333: how `gegl:gaussian-blur` cuts it off.
REACH = 3


def _raise(base: Tensor, exponent: float) -> Tensor:
    """Of positive numbers, in less time than `pow` takes, forward, backward and where the exported files run."""
    return (base.log() * exponent).exp()


def encode(linear: Tensor) -> Tensor:
    """Linear light to display-encoded sRGB; the input is clipped to 0..1."""
    linear = linear.clamp(0, 1)
    # The inner clamp keeps the slope of the power finite where the other branch is taken.
    bright = 1.055 * _raise(linear.clamp(min=0.0031308), 1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, bright)


def decode(encoded: Tensor) -> Tensor:
    """Display-encoded sRGB, 0..1, to linear light."""
    bright = _raise((encoded.clamp(min=0.04045) + 0.055) / 1.055, 2.4)
    return torch.where(encoded <= 0.04045, encoded / 12.92, bright)


def apply_exposure(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gegl:exposure` on pictures [N, 3, H, W], parameters [N, COUNT]."""
    return linear * torch.pow(2.0, parameters[:, 0, None, None, None])


def apply_saturation(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gegl:saturation`, native, in linear light."""
    weights = linear.new_tensor(LUMINANCE)[None, :, None, None]
    grey = (linear * weights).sum(1, keepdim=True)
    return grey + (linear - grey) * torch.pow(2.0, parameters[:, 1, None, None, None])


def apply_white_balance(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gegl:channel-mixer`, diagonal: red and blue relative to green, a neutral keeps its luminance."""
    red, blue = torch.pow(2.0, parameters[:, 2]), torch.pow(2.0, parameters[:, 3])
    gains = torch.stack([red, torch.ones_like(red), blue], 1)
    gains = gains / (gains * gains.new_tensor(LUMINANCE)).sum(1, keepdim=True)
    return linear * gains[:, :, None, None]


def normalise_slopes(slopes: Tensor) -> Tensor:
    """Segment slopes [..., 8], scaled so that each curve runs from (0, 0) to (1, 1)."""
    nodes = slopes.new_tensor(CURVE_NODES)
    return slopes / (slopes * (nodes[1:] - nodes[:-1])).sum(-1, keepdim=True)


def _apply_slopes(linear: Tensor, slopes: Tensor) -> Tensor:
    """`gimp:curves`: piecewise linear on display-encoded values, input and output clipped to 0..1.

    slopes: [N, 3 or 1, 8], one curve a channel or one for all.
    """
    slopes = normalise_slopes(slopes)[:, :, :, None, None]
    encoded = encode(linear)
    # Each segment adds its slope times the part of the value that lies in it: the value held between its ends, less the
    # lower one.
    result = -(slopes * slopes.new_tensor(CURVE_NODES[:-1])[:, None, None]).sum(2)
    for k, (start, end) in enumerate(zip(CURVE_NODES, CURVE_NODES[1:])):
        result = result + slopes[:, :, k] * encoded.clamp(start, end)
    return decode(result.clamp(0, 1))


def apply_curves(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gimp:curves`, one curve a channel."""
    return _apply_slopes(linear, torch.pow(2.0, parameters[:, CURVES].reshape(-1, 3, SEGMENTS)))


def apply_contrast(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gimp:curves` on value: an S about the middle grey."""
    steeper = linear.new_tensor(CONTRAST_SLOPES)
    return _apply_slopes(linear, torch.pow(2.0, parameters[:, CONTRAST, None, None] * steeper))


def apply_tone(linear: Tensor, parameters: Tensor) -> Tensor:
    """`gimp:curves` on value."""
    return _apply_slopes(linear, torch.pow(2.0, parameters[:, None, TONE]))


def apply_sharpening(linear: Tensor, parameters: Tensor, side: Tensor | float) -> Tensor:
    """`gegl:unsharp-mask`; side: the longer side of the whole picture in these pixels, 333 at most, or a tensor [1]."""
    steps = torch.arange(-REACH, REACH + 1, dtype=linear.dtype, device=linear.device)
    kernel = torch.exp(-((steps / (SHARPENING_WIDTH * side)) ** 2) / 2)
    # As plain numbers: the exporter wants to know the kernel's shape.
    kernel = (kernel / kernel.sum()).reshape(1, 1, 1, 2 * REACH + 1).expand(3, 1, 1, 2 * REACH + 1)
    blurred = F.pad(linear, (REACH,) * 4, mode="replicate")
    for weights in (kernel, kernel.transpose(2, 3)):
        blurred = F.conv2d(blurred, weights, groups=3)
    return linear + parameters[:, SHARPENING, None, None, None] * (linear - blurred)


# By name those that look at one pixel alone.
POINTWISE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "contrast": apply_contrast,
    "tone": apply_tone,
    "exposure": apply_exposure,
    "saturation": apply_saturation,
    "white-balance": apply_white_balance,
    "curves": apply_curves,
}


def blend(linear: Tensor, edited: Tensor, mask: Tensor) -> Tensor:
    """Mix through the mask [N, 1, H, W], 0..1, in linear light."""
    return linear + mask * (edited - linear)


def apply(linear: Tensor, mask: Tensor, parameters: Tensor, orders: Tensor, side: float, clip: bool = True) -> Tensor:
    """Apply parameters [N, COUNT] in orders [N, kinds] (indices into vector.NAMES, first applied first).

    Pictures [N, 3, H, W] linear, masks [N, 1, H, W] 0..1; side: the pictures' longer side in pixels, without padding.
    Returns linear pictures, clipped once to 0..1 at the end unless `clip` is off.
    """
    linear = blend(linear, apply_sharpening(linear, parameters, side), mask)
    linear = apply_pointwise(linear, mask, parameters, orders)
    return linear.clamp(0, 1) if clip else linear


def apply_pointwise(linear: Tensor, mask: Tensor, parameters: Tensor, orders: Tensor) -> Tensor:
    """`apply` without sharpening, which comes first in all orders, and without clipping."""
    edited = linear
    for step, following in zip(orders.T, [*orders.T[1:], None]):
        rows = {name: (step == NAMES.index(name)).nonzero()[:, 0] for name in POINTWISE}
        chosen = {name: r for name, r in rows.items() if len(r)}
        if not chosen:
            continue  # sharpening
        if len(chosen) == 1:
            edited = POINTWISE[next(iter(chosen))](edited, parameters)
        else:
            edited = torch.cat([POINTWISE[name](edited[r], parameters[r]) for name, r in chosen.items()])
            edited = edited[torch.cat(list(chosen.values())).argsort()]
        if following is None or not _are_joined(step, following):
            linear = edited = blend(linear, edited, mask)
    return linear


def _are_joined(step: Tensor, following: Tensor) -> bool:
    """Whether two steps are of one layer: [N], in all orders the same, as those are that always come first."""
    is_same = bool((step == step[0]).all() and (following == following[0]).all())
    return is_same and len(join_names(NAMES[int(each[0])] for each in (step, following))) == 1


def apply_inside(
    linear: Tensor, mask: Tensor, parameters: Tensor, orders: Tensor, sides: Tensor | None = None
) -> Tensor:
    """What `apply` gives, with less work: most of it on the masked pixels alone, and nothing for what does nothing.

    sides [N]: the longer side of each picture in pixels, without padding; without them nothing is sharpened.
    """
    rows = []
    for k, (picture, values, order) in enumerate(zip(linear, parameters, orders)):
        area = mask[k : k + 1]
        if sides is not None and values[SHARPENING]:
            sharpened = apply_sharpening(picture[None], values[None], float(sides[k]))
            picture = blend(picture[None], sharpened, area)[0]
        kinds = [int(step) for step in order if NAMES[step] in POINTWISE and values[PLACES[NAMES[step]]].any()]
        before, chosen = picture.flatten(1), area.flatten().nonzero()[:, 0]
        weights = area.flatten(2)[:, :, None, chosen]
        edited = apply_pointwise(before[None, :, None, chosen], weights, values[None], order.new_tensor([kinds]))
        rows.append(before.index_copy(1, chosen, edited[0, :, 0]).clamp(0, 1).view_as(picture))
    return torch.stack(rows)


def apply_edits(
    picture_linear: Tensor, mask: Tensor, edits: list[Edit], clip: bool = True, side: float | None = None
) -> Tensor:
    """Apply any list of edits to one picture [3, H, W], linear, through its mask [1, H, W]; repeats are allowed.

    side: as for `apply`; by default the picture's own.
    """
    linear = picture_linear[None]
    for joined in join_edits(edits, gray=False):
        edited = linear
        for edit in list_parts([joined]):
            parameters = linear.new_tensor(to_parameters([edit]))[None]
            if edit.name in POINTWISE:
                edited = POINTWISE[edit.name](edited, parameters)
            else:
                edited = apply_sharpening(edited, parameters, side or max(linear.shape[2:]))
        linear = blend(linear, edited, mask[None])
    return (linear.clamp(0, 1) if clip else linear)[0]


def list_scales() -> Tensor:
    """What `bound_raw` bounds each parameter to: [COUNT]."""
    bounds = {**RANGES, "curves": RANGES["curve"] + RANGES["curve-channel"]}
    result = torch.zeros(COUNT)
    for name, place in PLACES.items():
        result[place] = bounds[name]
    return result


def bound_raw(raw: Tensor) -> Tensor:
    """Bound a network's raw output [N, RAW] to RANGES: parameters [N, COUNT].  Raw 0 is the identity.

    Raw: exposure, saturation, red, blue, eight slopes shared by the channels, then eight of each channel's own; amounts
    of sharpening, which is never negative, and contrast; eight slopes of tone.
    """
    bounded = torch.tanh(raw)
    colour = bounded[:, :4] * raw.new_tensor(
        [RANGES["exposure"], RANGES["saturation"], RANGES["white-balance"], RANGES["white-balance"]]
    )
    shared = bounded[:, None, 4 : 4 + SEGMENTS] * RANGES["curve"]
    own = bounded[:, 4 + SEGMENTS : 4 + 4 * SEGMENTS].reshape(-1, 3, SEGMENTS) * RANGES["curve-channel"]
    amounts = bounded[:, 4 + 4 * SEGMENTS :]
    return torch.cat(
        [
            colour,
            (shared + own).flatten(1),
            amounts[:, :1].abs() * RANGES["sharpening"],
            torch.where(amounts[:, 1:2] < 0, RANGES["contrast-lowered"], RANGES["contrast"]) * amounts[:, 1:2],
            amounts[:, 2:] * RANGES["tone"],
        ],
        1,
    )
