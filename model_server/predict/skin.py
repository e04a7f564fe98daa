# SPDX-License-Identifier: GPL-3.0-or-later
"""No curves turn skin green, blue or grey.

By its colour alone nobody can tell skin from wood or sand, so these are held by the same rule.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.border import to_lab
from model_server.predict.canvas import Floats

# In CIE Lab, hues in degrees: what may be skin in any usual light, and beyond which hues and chroma it has turned.
_HUES, _CHROMA, _LIGHTNESS = (10.0, 90.0), (8.0, 50.0), (20.0, 92.0)
_TURNED, _GREY = (-5.0, 105.0), 3.0
_MOST = 0.003  # share of the skin that may turn
_FEWEST, _ENOUGH = 20, 1500  # pixels of it: fewer are none, more tell nothing new
_SHARES = np.linspace(1, 0, 11, dtype=np.float32)  # of what the three curves differ by


def find_skin(colours: Floats) -> Floats:
    """Those of some colours [N, 3], display-encoded 0..1, that look like skin, 1500 or a few more: [n, 3]."""
    lightness, hue, chroma = _describe(colours)
    parts = ((hue, _HUES), (chroma, _CHROMA), (lightness, _LIGHTNESS))
    found = colours[np.logical_and.reduce([(low < values) & (values < high) for values, (low, high) in parts])]
    return found[:: max(1, len(found) // _ENOUGH)]


def keep_skin(curves: Floats, skin: Floats) -> Floats:
    """The curves [3, 16], as much more alike as it takes for nearly none of the skin [n, 3] to turn.

    As far as their differences turn it: what curves that are alike do to it, they do.
    """
    if len(skin) < _FEWEST:
        return curves
    same = curves.mean(0)
    for share in _SHARES:
        tried: Floats = same + share * (curves - same)
        bent = [np.interp(values, INPUTS, curve) for values, curve in zip(skin.T, tried)]
        if _is_turned(np.stack(bent, 1).astype(np.float32)).mean() <= _MOST:
            break
    return tried


def _is_turned(colours: Floats) -> npt.NDArray[np.bool_]:
    _lightness, hue, chroma = _describe(colours)
    turned: npt.NDArray[np.bool_] = (chroma < _GREY) | (hue < _TURNED[0]) | (hue > _TURNED[1])
    return turned


def _describe(colours: Floats) -> tuple[Floats, Floats, Floats]:
    """Lightness, hue in degrees and chroma of colours [N, 3]: [N] each."""
    lightness, a, b = to_lab(colours).T
    return lightness, np.degrees(np.arctan2(b, a)), np.hypot(a, b)
