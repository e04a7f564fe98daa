# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony's curves as a live filter of a layer or group (GIMP 3.2)."""

from __future__ import annotations

from gi.repository import Gimp

from ..live import Corners, append_filter, is_same_curve, set_curves

_OPERATION = "gimp:curves"


def add_curves(layer: Gimp.Layer, name: str, corners: Corners) -> Gimp.DrawableFilter:
    """Give a layer or group a filter for curves, or none if that fails.  Nothing may be selected."""
    live_filter = Gimp.DrawableFilter.new(layer, _OPERATION, name)
    append_filter(layer, live_filter)
    try:
        set_curves(live_filter, corners)
    except BaseException:
        live_filter.delete()
        raise
    return live_filter


def replace_curves(layer: Gimp.Layer, corners: Corners) -> None:
    """Give a layer's filter for curves others, undoably, as faded and visible as before.  Nothing may be selected."""
    (old,) = _list_filters(layer)[:1]
    name, opacity, visible = old.get_name(), old.get_opacity(), old.get_visible()
    old.delete()  # an attached filter's numbers could be changed, but not undone
    new = add_curves(layer, name, corners)
    if (opacity, visible) != (1.0, True):
        new.set_opacity(opacity)
        new.set_visible(visible)
        new.update()


def remove_curves(layer: Gimp.Layer) -> None:
    """Take a layer's filter for curves away.  Nothing may be selected."""
    for live_filter in _list_filters(layer)[:1]:
        live_filter.delete()


def has_curves(layer: Gimp.Layer) -> bool:
    """Whether a layer has a filter for curves."""
    return bool(_list_filters(layer))


def find_curves(layer: Gimp.Layer, corners: Corners) -> Gimp.DrawableFilter | None:
    """The layer's filter for curves, None where it is gone or was changed in GIMP's own dialog.

    GIMP tells of one curve, the last one set or looked at, after loading a file of that of all channels together:
    others that the user changed pass for ours.
    """
    for live_filter in _list_filters(layer)[:1]:
        if is_same_curve(live_filter.get_config(), corners):
            return live_filter
    return None


def _list_filters(layer: Gimp.Layer) -> list[Gimp.DrawableFilter]:
    return [each for each in layer.get_filters() if each.get_operation_name() == _OPERATION]
