# SPDX-License-Identifier: GPL-3.0-or-later
"""A soft edge for a mask, inwards: nothing becomes part of it that was not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from model_server.predict.canvas import Bytes

# The soft edge's width as a share of the longer side of what is selected: with 6 % an ellipse's border is as faint as
# that of a mask that fits, with 8 % it is fainter (MODEL_CARD.md).
_WIDTH = 0.08

# Of thin things at most so much of their thickness, by itself and where a width is given, or nothing would be left.
_OF_THICKNESS, _MOST_OF_THICKNESS = 0.4, 0.6


def soften_mask(mask: Bytes, width: float = 0.0) -> Bytes:
    """Let a mask (H, W), 0..255, rise from 0 at its edge to its own value.

    width: px, over which it does so, less where nothing of the mask would be left; 0: as the mask's size suggests.
    Where the mask ends at the picture's edge, it stays as it is.
    """
    marked = _mark(mask)
    longer, thickness = _measure_size(marked)
    width = min(width, _MOST_OF_THICKNESS * thickness) if width else _choose_width(longer, thickness)
    # Where something ends, a blur leaves half of it: twice what is above half begins there with nothing.
    shape = Image.fromarray(marked.astype(np.uint8) * np.uint8(255))
    blurred = np.asarray(shape.filter(ImageFilter.GaussianBlur(width / 2)), np.int16)
    softened: Bytes = np.minimum(mask, (2 * blurred - 255).clip(0)).astype(np.uint8)
    return softened


def measure_width(mask: Bytes) -> float:
    """The width in px of the soft edge that suits a mask; 0 where nothing is selected."""
    return _choose_width(*_measure_size(_mark(mask)))


def _choose_width(longer: float, thickness: float) -> float:
    return min(_WIDTH * longer, _OF_THICKNESS * thickness)


def _mark(mask: Bytes) -> npt.NDArray[np.bool_]:
    """What is selected at least half as much as anything is."""
    marked: npt.NDArray[np.bool_] = mask >= max(1, mask.max() / 2)
    return marked


def _measure_size(marked: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The longer side and the thickness in px of what is marked; 0 where nothing is."""
    rows, columns = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    if not len(rows):
        return 0.0, 0.0
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    edge = np.count_nonzero(marked[1:] != marked[:-1]) + np.count_nonzero(marked[:, 1:] != marked[:, :-1])
    return float(longer), float(2 * np.count_nonzero(marked) / max(1, edge))
