# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a picture the networks see of a selection when they look for the object that is meant."""

from __future__ import annotations

import math

Bounds = tuple[float, float, float, float]  # left, top, right, bottom

_AROUND = 0.25  # of the longer side of the selection's bounds, on each side of it: what tells an object from its ground
_FEWEST = 8.0  # px around it


def frame_selection(bounds: Bounds, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is seen of a selection with these bounds in a picture of this width and height.

    Neither side is more than twice the other, as far as the picture allows it.
    """
    left, top, right, bottom = bounds
    margin = max(_FEWEST, _AROUND * max(right - left, bottom - top))
    across, down = right - left + 2 * margin, bottom - top + 2 * margin
    columns = _frame_axis((left + right) / 2, max(across, down / 2), width)
    rows = _frame_axis((top + bottom) / 2, max(down, across / 2), height)
    return columns[0], rows[0], columns[1], rows[1]


def _frame_axis(middle: float, size: float, limit: int) -> tuple[int, int]:
    return max(0, math.floor(middle - size / 2)), min(limit, math.ceil(middle + size / 2))
