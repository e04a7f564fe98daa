# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits as the vector of numbers that the networks speak: every number is 0 at the identity.

    0       exposure, EV
    1       log2 of the saturation scale
    2, 3    log2 of the red and blue gain
    4..27   log2 of the curves' segment slopes: eight of red, eight of green, eight of blue
    28      amount of sharpening
    29      amount of contrast
    30..37  log2 of the tone curve's segment slopes

So strength is a factor on the whole vector.  A style is STYLE numbers that tell the edit network which of the edits for
one goal are wanted; all 0 is the plain one.  The training code and the server share this one definition.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from plugin.saliency.edits import (
    NAMES,
    SEGMENTS,
    Contrast,
    Curves,
    Edit,
    Exposure,
    Saturation,
    Sharpening,
    Tone,
    WhiteBalance,
)

CURVES = slice(4, 4 + 3 * SEGMENTS)
SHARPENING, CONTRAST = CURVES.stop, CURVES.stop + 1
TONE = slice(CONTRAST + 1, CONTRAST + 1 + SEGMENTS)
COUNT = TONE.stop
STYLE = 10

# Where in the vector each edit's numbers are.
PLACES = {
    Exposure.name: slice(0, 1),
    Saturation.name: slice(1, 2),
    WhiteBalance.name: slice(2, 4),
    Curves.name: CURVES,
    Sharpening.name: slice(SHARPENING, SHARPENING + 1),
    Contrast.name: slice(CONTRAST, CONTRAST + 1),
    Tone.name: TONE,
}

# GIMP allows a saturation scale of 0, which has no finite logarithm; this one is 0 at every bit depth.
_LOWEST = 2.0**-40


def to_parameters(edits: Iterable[Edit]) -> list[float]:
    """The vector of edits that hold each kind at most once."""
    values = [0.0] * COUNT
    for edit in edits:
        if isinstance(edit, Exposure):
            values[0] = edit.ev
        elif isinstance(edit, Saturation):
            values[1] = math.log2(max(edit.scale, _LOWEST))
        elif isinstance(edit, WhiteBalance):
            values[2:4] = [math.log2(edit.red), math.log2(edit.blue)]
        elif isinstance(edit, Curves):
            values[CURVES] = [math.log2(slope) for slopes in edit.channels() for slope in slopes]
        elif isinstance(edit, Sharpening):
            values[SHARPENING] = edit.amount
        elif isinstance(edit, Contrast):
            values[CONTRAST] = edit.amount
        else:
            values[TONE] = [math.log2(slope) for slope in edit.slopes]
    return values


def to_edits(values: Sequence[float], order: Iterable[int]) -> list[Edit]:
    """The edits of a vector, in the order of application: indices into edits.NAMES, first applied first."""
    values = [float(value) for value in values]
    starts = range(CURVES.start, CURVES.stop, SEGMENTS)
    edits: dict[str, Edit] = {
        Exposure.name: Exposure(values[0]),
        Saturation.name: Saturation(2.0 ** values[1]),
        WhiteBalance.name: WhiteBalance(2.0 ** values[2], 2.0 ** values[3]),
        Curves.name: Curves(*(tuple(2.0**v for v in values[start : start + SEGMENTS]) for start in starts)),
        Sharpening.name: Sharpening(values[SHARPENING]),
        Contrast.name: Contrast(values[CONTRAST]),
        Tone.name: Tone(tuple(2.0**v for v in values[TONE])),
    }
    return [edits[NAMES[index]] for index in order]
