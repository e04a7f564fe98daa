# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a border an edit shows where its mask ends: the steps of colour that it adds where there was none.

For pairs of neighbours on both sides of the mask's contour, with D the step of colour (CIE76) that the edit adds and O
that of the original, the border is the mean of D * exp(-O / 8): a step that hides in an edge of the picture counts
little.  It tells loose masks from masks that fit, and the eye agrees (MODEL_CARD.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_server.predict.canvas import Floats

LIMIT = 1.5  # what hardly anybody sees; of masks that fit, moderate edits seldom have more

HIDDEN = 8.0  # CIE76: an original step of this size hides nearly two thirds of an added one

# sRGB to XYZ (IEC 61966-2-1), each row divided by the white point D65.
_TO_XYZ = np.array(
    [
        [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883],
    ],
    np.float32,
)

Places = npt.NDArray[np.intp]


class Border:
    """The contour of one mask in one picture.  Thread-safe."""

    def __init__(self, picture: Floats, mask: Floats, valid: Floats) -> None:
        """picture [1, 3, H, W], display-encoded; mask and valid [1, 1, H, W], 0..1, valid 0 on padding."""
        area = mask[0, 0]
        is_in, on_picture = area >= area.max() / 2, valid[0, 0] > 0
        below = (is_in[1:] != is_in[:-1]) & on_picture[1:] & on_picture[:-1]
        beside = (is_in[:, 1:] != is_in[:, :-1]) & on_picture[:, 1:] & on_picture[:, :-1]
        width = area.shape[1]
        rows, columns = np.nonzero(below)
        first, second = [rows * width + columns], [(rows + 1) * width + columns]
        rows, columns = np.nonzero(beside)
        first.append(rows * width + columns)
        second.append(rows * width + columns + 1)
        # The pixels are few, and most of them belong to several pairs.
        self._pixels, pairs = np.unique(np.concatenate([*first, *second]), return_inverse=True)
        self._first, self._second = np.split(pairs, 2)
        self._steps = self._measure_steps(picture)
        self._weights = np.exp(-np.linalg.norm(self._steps, axis=1) / HIDDEN)

    def measure(self, edited: Floats) -> float:
        """The border [CIE76] of an edited picture [1, 3, H, W], 0 at least; 0 where the mask has no contour."""
        if not len(self._first):
            return 0.0
        added = np.linalg.norm(self._measure_steps(edited) - self._steps, axis=1)
        return float((added * self._weights).mean())

    def _measure_steps(self, picture: Floats) -> Floats:
        """The difference in Lab of each pair: [pairs, 3]."""
        colours = to_lab(picture[0].reshape(3, -1)[:, self._pixels].T)
        steps: Floats = colours[self._first] - colours[self._second]
        return steps


def to_lab(encoded: Floats) -> Floats:
    """CIE L*a*b* [N, 3] of display-encoded sRGB [N, 3], 0..1; what lies beyond is cut off."""
    encoded = encoded.clip(0, 1)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    cubic = np.where(xyz > 216 / 24389, np.cbrt(xyz), xyz * (841 / 108) + 4 / 29)
    x, y, z = cubic.T
    lab: Floats = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)
    return lab
