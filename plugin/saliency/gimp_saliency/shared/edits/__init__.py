# SPDX-License-Identifier: GPL-3.0-or-later
"""The photographic edits, one file a kind: what GIMP can do.  What a network predicts is the networks' own list.

The plug-in applies these edits with GIMP's filters, the model server sends them, the training code learns to predict
them.  Standard library only, since GIMP's Python has nothing else.  A new kind is a new file here, nothing more.
"""

from .base import Edit, EditError, Slider, Slopes
from .catalogue import KINDS, NAMES, NEUTRAL, at_strength, for_gray, from_json, reach, to_json
from .contrast import CONTRAST_SLOPES, Contrast
from .curve import CURVE_NODES, SEGMENTS, curve_points, curve_value, find_input
from .curves import Curves
from .exposure import Exposure
from .joined import Joined, join_edits, join_names, list_parts
from .saturation import Saturation
from .sharpening import SHARPENING_WIDTH, Sharpening
from .tone import Tone
from .white_balance import LUMINANCE, WhiteBalance

__all__ = [
    "CONTRAST_SLOPES",
    "CURVE_NODES",
    "KINDS",
    "LUMINANCE",
    "NAMES",
    "NEUTRAL",
    "SEGMENTS",
    "SHARPENING_WIDTH",
    "Contrast",
    "Curves",
    "Edit",
    "EditError",
    "Exposure",
    "Joined",
    "Saturation",
    "Sharpening",
    "Slider",
    "Slopes",
    "Tone",
    "WhiteBalance",
    "at_strength",
    "curve_points",
    "curve_value",
    "find_input",
    "for_gray",
    "from_json",
    "join_edits",
    "join_names",
    "list_parts",
    "reach",
    "to_json",
]
