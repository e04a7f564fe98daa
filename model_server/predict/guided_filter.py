# SPDX-License-Identifier: GPL-3.0-or-later
"""The guided filter of a mask with the colour picture as guide, in the parts that `edge` applies band by band.

He, Sun, Tang, "Guided Image Filtering", ECCV 2010, section 3.4: in every window the mask is taken as a linear function
of the picture's colour, so it changes where the picture does.  He, Sun, "Fast Guided Filter", arXiv 1505.00996: the
functions are found on a coarse grid, since they vary slowly, and evaluated at full size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from model_server.predict.canvas import Bytes, Floats

# The variance of colour (0..1, squared) below which a window is flat: a contrast of 1 %, about a photograph's noise.
_FLAT = 1e-4

Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def sum_blocks(picture: Bytes, step: int) -> npt.NDArray[np.integer]:
    """Sums (h, w, 4) over blocks of step x step pixels; the last ones are filled up with the picture's edge."""
    if step == 1:
        return picture
    height, width = picture.shape[:2]
    missing = ((0, -height % step), (0, -width % step), (0, 0))
    padded = np.pad(picture, missing, mode="edge") if missing[0][1] or missing[1][1] else picture
    rows = padded.reshape(-1, step, padded.shape[1] * 4).sum(1, dtype=np.uint16)
    return rows.reshape(len(rows), -1, step, 4).sum(2, dtype=np.uint32)


def fit_windows(cells: Doubles, reach: int) -> Iterator[Floats]:
    """For cells (4, h, w), colour and mask: the weights (h, w) of red, green and blue and the constant.

    Equations 19 to 21 of the paper: mean over windows of a and b.
    """
    colour, mask = cells[:3], cells[3]
    mean = [_average(channel, reach) for channel in colour]
    mean_mask = _average(mask, reach)
    with_mask = [_average(channel * mask, reach) - m * mean_mask for channel, m in zip(colour, mean)]
    rr, rg, rb, gg, gb, bb = (
        _average(colour[i] * colour[j], reach) - mean[i] * mean[j]
        for i, j in combinations_with_replacement(range(3), 2)
    )
    for variance in (rr, gg, bb):
        variance += _FLAT
    # The covariance's inverse by its cofactors: for millions of 3 x 3 matrices far faster than a solver.
    cofactors = (
        (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb),
        (gb * rb - rg * bb, rr * bb - rb * rb, rb * rg - rr * gb),
        (rg * gb - gg * rb, rb * rg - rr * gb, rr * gg - rg * rg),
    )
    determinant = rr * cofactors[0][0] + rg * cofactors[0][1] + rb * cofactors[0][2]
    constant = mean_mask
    for row, m in zip(cofactors, mean):
        weight = (row[0] * with_mask[0] + row[1] * with_mask[1] + row[2] * with_mask[2]) / determinant
        constant = constant - weight * m
        yield _average(weight, reach).astype(np.float32)
    yield _average(constant, reach).astype(np.float32)


def _average(values: Doubles, reach: int) -> Doubles:
    """Means over windows of 2 * reach + 1 cells squared, cut off at the edges.

    In double precision: differences of running sums would lose what single precision holds.
    """
    for axis in (0, 1):
        size = values.shape[axis]
        sums = np.empty([size + 2 * reach + 1 if a == axis else n for a, n in enumerate(values.shape)])
        along = np.moveaxis(sums, axis, 0)
        along[: reach + 1] = 0
        np.cumsum(values, axis, out=np.moveaxis(along[reach + 1 : reach + 1 + size], 0, axis))
        along[reach + 1 + size :] = along[reach + size]
        place = np.arange(size)
        counts = np.minimum(place + reach, size - 1) - np.maximum(place - reach, 0) + 1
        values = np.moveaxis((along[2 * reach + 1 :] - along[:size]) / counts[:, None], 0, axis)
    return values


def find_neighbours(pixels: Places, step: int, cells: int) -> tuple[Places, Places, Floats]:
    """Where pixels lie on the coarse grid: the cells before and after, and the weight 0..1 of the latter."""
    place = (pixels + 0.5) / step - 0.5
    before: Places = np.floor(place).astype(np.intp)
    weight: Floats = (place - before).astype(np.float32)
    return before.clip(0), (before + 1).clip(max=cells - 1), weight


def interpolate(values: Floats, before: Places, after: Places, weight: Floats) -> Floats:
    """Values (h, w) between the columns before and after."""
    left = values.take(before, 1)
    return left + (values.take(after, 1) - left) * weight
