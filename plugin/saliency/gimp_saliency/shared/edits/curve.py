# SPDX-License-Identifier: GPL-3.0-or-later
"""Piecewise linear curves on display-encoded values, as eight positive segment slopes; identity: all 1."""

from __future__ import annotations

from ..json_type import Json
from .base import EditError, Slopes, check_number, format_signed

# The ends of the curve segments on the input axis.  They lie on GIMP's grid of 256 samples, so that the sampled curve
# in GIMP is exactly the piecewise linear one.
CURVE_NODES = tuple(i / 255 for i in (0, 32, 64, 96, 128, 159, 191, 223, 255))
SEGMENTS = len(CURVE_NODES) - 1
STRAIGHT: Slopes = (1.0,) * SEGMENTS


def normalise(slopes: Slopes) -> Slopes:
    """Scale segment slopes so that the curve runs from (0, 0) to (1, 1)."""
    rise = sum(s * (b - a) for s, a, b in zip(slopes, CURVE_NODES, CURVE_NODES[1:]))
    return slopes if abs(rise - 1) < 1e-9 else tuple(s / rise for s in slopes)


def check_slopes(name: str, slopes: Json) -> Slopes:
    """The slopes, normalised.  Raises EditError if they are none."""
    if not isinstance(slopes, (list, tuple)) or len(slopes) != SEGMENTS:
        raise EditError(f"{name} must be {SEGMENTS} slopes.")
    return normalise(tuple(check_number(name, s, 1e-3, 1e3) for s in slopes))


def raise_slopes(slopes: Slopes, t: float) -> Slopes:
    """The slopes of a curve at another strength."""
    return tuple(min(1e3, max(1e-3, s**t)) for s in slopes)


def curve_points(slopes: Slopes) -> list[tuple[float, float]]:
    """The corners (input, output), 0..1, of the curve with these segment slopes."""
    points = [(0.0, 0.0)]
    for x, slope in zip(CURVE_NODES[1:], slopes):
        points.append((x, points[-1][1] + slope * (x - points[-1][0])))
    points[-1] = (1.0, 1.0)
    return points


def curve_value(slopes: Slopes, x: float) -> float:
    """The curve with these segment slopes at x, both display-encoded, 0..1."""
    y, x = 0.0, max(x, 0.0)
    for slope, start, end in zip(slopes, CURVE_NODES, CURVE_NODES[1:]):
        if x <= end:
            return min(1.0, y + slope * (x - start))
        y += slope * (end - start)
    return 1.0


def find_input(slopes: Slopes, y: float) -> float:
    """Where the curve with these segment slopes is y: the inverse of `curve_value`."""
    points = curve_points(slopes)
    for (left, low), (right, high) in zip(points, points[1:]):
        if y <= high:
            return left + (right - left) * (y - low) / (high - low)
    return 1.0


def format_midtones(*curves: Slopes) -> str:
    """How much the curves lift or lower a middle grey, in percent of the whole range."""
    middle = CURVE_NODES[SEGMENTS // 2]
    return format_signed(100 * (sum(curve_value(slopes, middle) for slopes in curves) / len(curves) - middle), 0)
