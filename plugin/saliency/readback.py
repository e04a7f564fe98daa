# SPDX-License-Identifier: GPL-3.0-or-later
"""From GIMP's filters back to parameters: what the user changed in GIMP's own dialogs (GIMP 3.2)."""

from __future__ import annotations

from typing import Any

from adjustments import operation_of, settings_of
from edits import (
    CURVED,
    Contrast,
    Curves,
    Edit,
    EditError,
    Exposure,
    Saturation,
    Sharpening,
    Tone,
    WhiteBalance,
    curve_points,
)
from gi.repository import Gimp

_SINGLE = 1e-6  # relative; GIMP's files keep single precision


def read(group: Any, noted: Edit, side: float) -> Edit | None:
    """The edit in a group's filter: `noted` itself where the filter still says so.

    side: the longer side of the picture that the filter was made for, in px.  None if the filter is gone or no
    parameters of this kind of edit can say what it does.
    """
    operation = operation_of(noted)
    found = next((each for each in group.get_filters() if each.get_operation_name() == operation), None)
    if found is None:
        return None
    config = found.get_config()
    if isinstance(noted, CURVED):
        return noted if _same_curve(config, noted, group.is_gray()) else None
    expected = settings_of(noted, side)
    values = {name: config.get_property(name) for name in expected}
    changed = {name for name, value in values.items() if abs(value - expected[name]) > _SINGLE * max(1, abs(value))}
    if not changed:
        return noted
    try:
        if isinstance(noted, Sharpening):
            return Sharpening(values["scale"]) if changed == {"scale"} else None
        if isinstance(noted, Exposure):
            return Exposure(values["exposure"])
        if isinstance(noted, Saturation):
            return Saturation(values["scale"])
        return WhiteBalance(values["rr-gain"] / values["gg-gain"], values["bb-gain"] / values["gg-gain"])
    except (EditError, ZeroDivisionError):
        return None


def _same_curve(config: Any, noted: Contrast | Tone | Curves, gray: bool) -> bool:
    """Whether the one curve that GIMP tells of, the last one set or looked at, is still ours.

    After loading a file it tells of the curve of all channels together.
    """
    ours = {channel: curve_points(slopes) for channel, slopes in noted.curves(gray).items()}
    points = None
    for channel in ("value", "red", "green", "blue", "alpha"):
        if int(config.get_property("channel")) == int(getattr(Gimp.HistogramChannel, channel.upper())):
            points = ours.get(channel, [(0.0, 0.0), (1.0, 1.0)])
    curve = config.get_property("curve")
    if points is None or curve is None or curve.get_n_points() != len(points):
        return False
    found = [curve.get_point(index) for index in range(len(points))]
    return all(abs(x - a) <= _SINGLE and abs(y - b) <= _SINGLE for (x, y), (a, b) in zip(found, points))
