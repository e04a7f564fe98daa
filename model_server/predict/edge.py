# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask moved to the edges of what it selects, at full size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_server.predict import guided_filter
from model_server.predict.canvas import Bytes

TILE = 64  # pixels: tiles of a picture that start at multiples of it share one grid

_BAND = 128  # rows at once, so that a large picture takes little memory
_SNAP = 1 / 255

Words = npt.NDArray[np.uint16]


def refine_mask(picture: Bytes, radius: float) -> Words:
    """Move a mask's edge to the object's.

    picture: (H, W, 4) uint8, display-encoded sRGB and mask, any size.  radius: 1 to 256 pixels, half the window's
    width, to be larger than the mask's error; it is rounded to the coarse grid, a quarter of it at most.
    Returns the mask (H, W), 0..65535.  What is within 1/255 of 0 or 1 becomes exactly that, so a mask that is 0 or 255
    as far as the filter reaches keeps it exactly.

    The filter reaches less than 4 * radius.  Farther than that from the edges of a tile that starts at multiples of
    TILE in a larger picture, the result is the larger picture's, but for a rounding of 1/65535.
    """
    height, width = picture.shape[:2]
    step = _choose_step(radius)
    reach = max(1, round(radius / step))  # cells of the coarse grid, which has one for step x step pixels
    sums = guided_filter.sum_blocks(picture, step)
    columns = guided_filter.find_neighbours(np.arange(width), step, sums.shape[1])
    result = np.empty((height, width), np.uint16)
    margin = 2 * reach + 1  # cells: a window of windows, and the neighbour to interpolate with
    for top in range(0, height, _BAND):
        rows = np.arange(top, min(top + _BAND, height))
        first = max(0, top // step - margin)
        cells = sums[first : rows[-1] // step + 1 + margin]
        coefficients = guided_filter.fit_windows(np.moveaxis(cells, 2, 0) / (255.0 * step * step), reach)
        mask = np.zeros((len(rows), width), np.float32)
        guide = [*np.moveaxis(picture[rows, :, :3].astype(np.float32) / 255, 2, 0), np.float32(1)]
        lower, upper, weight = guided_filter.find_neighbours(rows, step, sums.shape[0])
        for values, band in zip(coefficients, guide):
            between = values[lower - first] * (1 - weight[:, None]) + values[upper - first] * weight[:, None]
            mask += guided_filter.interpolate(between, *columns) * band
        mask[mask <= _SNAP] = 0
        mask[mask >= 1 - _SNAP] = 1
        result[rows] = (mask * 65535).round()
    return result


def _choose_step(radius: float) -> int:
    """The coarse grid's step: the largest power of two within a quarter of the radius.  All divide TILE."""
    step = 1
    while 2 * step <= min(radius / 4, TILE):
        step *= 2
    return step
