# SPDX-License-Identifier: GPL-3.0-or-later
"""From GIMP's filters back to parameters: what the user changed in GIMP's own dialogs (GIMP 3.2)."""

from __future__ import annotations

from typing import Any

from adjustments import operation_of, settings_of
from edits import Curves, Edit, EditError, Exposure, Saturation, WhiteBalance
from gi.repository import Gimp

_SINGLE = 1e-6  # relative; GIMP's files keep single precision


def read(group: Any, noted: Edit) -> Edit | None:
    """The edit in a group's filter: `noted` itself where the filter still says so.

    None if the filter is gone or no parameters of this kind of edit can say what it does.
    """
    operation = operation_of(noted)
    found = next((each for each in group.get_filters() if each.get_operation_name() == operation), None)
    if found is None:
        return None
    config = found.get_config()
    if isinstance(noted, Curves):
        return noted if _same_curve(config, noted, group.is_gray()) else None
    values = {name: config.get_property(name) for name in settings_of(noted)}
    if all(abs(value - settings_of(noted)[name]) <= _SINGLE * max(1, abs(value)) for name, value in values.items()):
        return noted
    try:
        if isinstance(noted, Exposure):
            return Exposure(values["exposure"])
        if isinstance(noted, Saturation):
            return Saturation(values["scale"])
        return WhiteBalance(values["rr-gain"] / values["gg-gain"], values["bb-gain"] / values["gg-gain"])
    except (EditError, ZeroDivisionError):
        return None


def _same_curve(config: Any, noted: Curves, gray: bool) -> bool:
    """Whether the one curve that GIMP tells of, the last one set or looked at, is still ours.

    After loading a file it tells of the curve of all channels together, which is ours in gray images alone.
    """
    channels = Gimp.HistogramChannel
    straight = [(0.0, 0.0), (1.0, 1.0)]
    ours = {int(channels.VALUE): noted.points(0) if gray else straight}
    if not gray:
        ours.update({int(c): noted.points(i) for i, c in enumerate((channels.RED, channels.GREEN, channels.BLUE))})
    points = ours.get(int(config.get_property("channel")))
    curve = config.get_property("curve")
    if points is None or curve is None or curve.get_n_points() != len(points):
        return False
    found = [curve.get_point(index) for index in range(len(points))]
    return all(abs(x - a) <= _SINGLE and abs(y - b) <= _SINGLE for (x, y), (a, b) in zip(found, points))
