# SPDX-License-Identifier: GPL-3.0-or-later
"""No edit turns skin green, blue or grey, and no retouch changes its hue much.

By its colour alone nobody can tell skin from wood or sand, so these are held by the same rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.border import to_lab
from model_server.predict.canvas import Floats

# In CIE Lab, hues in degrees: what may be skin in any usual light, and beyond which hues and chroma it has turned.
_HUES, _CHROMA, _LIGHTNESS = (10.0, 90.0), (8.0, 50.0), (20.0, 92.0)
_TURNED, _GREY = (-5.0, 105.0), 3.0
_MOST = 0.003  # share of the skin that may turn
_MOST_HUE = 8.0  # degrees; how far a retouch may turn it, on average
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
    same = curves.mean(0)

    def mix(share: float) -> Floats:
        tried: Floats = same + np.float32(share) * (curves - same)
        return tried

    def bend(share: float) -> Floats:
        bent = [np.interp(values, INPUTS, curve) for values, curve in zip(skin.T, mix(share))]
        return np.stack(bent, 1).astype(np.float32)

    share = choose_share(skin, bend, _turns_too_much)
    return curves if share == 1 else mix(share)


def choose_share(
    skin: Floats, change: Callable[[float], Floats], is_too_much: Callable[[Floats, Floats], bool]
) -> float:
    """How much of a change skin [n, 3] can bear: 1 all of it, 0 nothing, or as much as there is to choose.

    change: the skin after so much of it.  is_too_much: of the skin before and after.
    """
    if len(skin) < _FEWEST:
        return 1.0
    return next((float(share) for share in _SHARES if not is_too_much(skin, change(float(share)))), 0.0)


def turns_hue(before: Floats, after: Floats) -> bool:
    """Whether skin [n, 3] has turned green, blue or grey, or has another hue."""
    (_light, hue, chroma), (_lighter, new_hue, _new) = _describe(before), _describe(after)
    turn = np.abs((new_hue - hue + 180) % 360 - 180)
    return _turns_too_much(before, after) or bool((turn @ chroma) > _MOST_HUE * chroma.sum())


def _turns_too_much(_before: Floats, after: Floats) -> bool:
    return bool(_is_turned(after).mean() > _MOST)


def _is_turned(colours: Floats) -> npt.NDArray[np.bool_]:
    _lightness, hue, chroma = _describe(colours)
    turned: npt.NDArray[np.bool_] = (chroma < _GREY) | (hue < _TURNED[0]) | (hue > _TURNED[1])
    return turned


def _describe(colours: Floats) -> tuple[Floats, Floats, Floats]:
    """Lightness, hue in degrees and chroma of colours [N, 3]: [N] each."""
    lightness, a, b = to_lab(colours).T
    return lightness, np.degrees(np.arctan2(b, a)), np.hypot(a, b)
