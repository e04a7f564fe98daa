# SPDX-License-Identifier: GPL-3.0-or-later
"""What a harmony consists of: the curves, and a layer each that darkens and lightens through the shading map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...image.geometry import Box
from ...shared.edits import Exposure
from ...shared.harmony import INPUTS, SIDE, Curve, Harmony, find_output
from ...shared.words import _
from .place import Place, locate_shading

SHADES = ("darken", "lighten")
STEPS = ("curves", *SHADES)  # in the order in which they are applied

Rows = Sequence[Sequence[float]]  # values from the top


class Shade(NamedTuple):
    """One of the two layers of a shading: an exposure, and the values of its mask, 0..1 in linear light.

    Both together are the map's gains: nothing is clipped or rounded between an exposure and its mask.  place: of the
    values on the canvas.
    """

    step: str
    name: str
    exposure: Exposure
    values: Rows
    place: Box


def list_shades(harmony: Harmony, made: Place | None, now: Place) -> list[Shade]:
    """Those of the harmony that change anything, lowest first.  made, now: see `locate_shading`."""
    shading = harmony.shading
    if shading is None or shading.is_identity():
        return []
    starts, place = range(0, SIDE * SIDE, SIDE), locate_shading(shading, made, now)
    darker, lighter = ([mask[start : start + SIDE] for start in starts] for mask in shading.list_masks())
    shades = [
        Shade("darken", _("Darken"), Exposure(-1.0), darker, place),
        Shade("lighten", _("Lighten"), Exposure(1.0), lighter, place),
    ]
    return [shade for shade in shades if any(map(any, shade.values))]


def list_corners(harmony: Harmony, gray: bool) -> dict[str, list[tuple[float, float]]]:
    """The corners of each curve, display-encoded, by GIMP's name of its channel.  gray: one for all channels."""
    return {channel: list(zip(INPUTS, curve)) for channel, curve in _name_curves(harmony, gray).items()}


def sample_curves(harmony: Harmony, gray: bool) -> dict[str, list[float]]:
    """The same as 256 outputs each."""
    curves = _name_curves(harmony, gray).items()
    return {channel: [find_output(curve, sample / 255) for sample in range(256)] for channel, curve in curves}


def _name_curves(harmony: Harmony, gray: bool) -> dict[str, Curve]:
    return {"value": harmony.red} if gray else dict(zip(("red", "green", "blue"), harmony.curves()))
