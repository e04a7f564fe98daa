# SPDX-License-Identifier: GPL-3.0-or-later
"""From parameters to GIMP: an edit as a stack of adjustment layers.

One pass-through group an edit, from the photo upwards in the order of application, each with one live filter and a
layer mask made from the selection.  One filter a group, because redo brings several filters of one group back in
reverse.
"""

from __future__ import annotations

import struct
from typing import Any

from edits import Curves, Edit, Exposure, Saturation, WhiteBalance, to_json
from errors import UserError
from gi.repository import Gimp
from selection import kept
from target import ADJUSTMENT, HOLDER, covers_canvas, edits_above, role, siblings, write_parasite
from words import _

_OPERATIONS = {
    Exposure.name: "gegl:exposure",
    Saturation.name: "gegl:saturation",
    WhiteBalance.name: "gegl:channel-mixer",
    Curves.name: "gimp:curves",
}
_TITLES = {
    Exposure.name: _("Exposure"),
    Saturation.name: _("Saturation"),
    WhiteBalance.name: _("White balance"),
    Curves.name: _("Curves"),
}


def add_stack(image: Any, layer: Any, edits: list[Edit], facts: dict[str, Any], alone: bool = False) -> list[Any]:
    """Put the edits above the layer, masked by the selection, and return the new groups, lowest first.

    `facts` (edit id, direction, …) goes into each group's parasite, beside its own parameters.  The selection is as
    before.  alone: change nothing that lies below the layer, even where that cannot be seen.  To be called inside an
    undo group.  Raises UserError if GIMP refuses a filter.
    """
    groups: list[Any] = []
    base = layer
    with kept(image) as selection:
        Gimp.Selection.none(image)  # a selection would limit the histogram and mask each filter a second time
        if not _is_backdrop(image, layer, alone):
            base = _isolate(image, layer, facts)
        for edit in edits:
            top = [base, *edits_above(image, base)][-1]
            groups.append(add_adjustment(image, base, top, edit, facts, selection))
    image.set_selected_layers([base])
    return groups


def add_adjustment(image: Any, base: Any, below: Any, edit: Edit, facts: dict[str, Any], mask: Any) -> Any:
    """Put one edit of the photo `base` directly above the layer `below`; return its group.

    mask: a channel or layer mask whose values the group's own mask takes, or None.  Afterwards nothing is selected.
    """
    name = edit.label()
    group = _add_group(image, base, below, name)
    if mask is not None:
        image.select_item(Gimp.ChannelOps.REPLACE, mask)
        group.add_mask(group.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    _add_filter(group, edit)
    write_parasite(group, {**facts, "role": ADJUSTMENT, "edits": to_json([edit]), "name": name})
    return group


def _is_backdrop(image: Any, layer: Any, alone: bool) -> bool:
    """Whether a stack above the layer changes the layer alone, or (not `alone`) nothing else that can be seen."""
    parent = layer.get_parent()
    if parent is not None and role(parent) == HOLDER:
        return True
    return not alone and covers_canvas(image, layer) and is_opaque(layer)


def is_opaque(layer: Any) -> bool:
    """Whether no pixel of the layer is transparent.  A selection must not be active."""
    if not layer.has_alpha():
        return True
    mean = layer.histogram(Gimp.HistogramChannel.ALPHA, 0, 1).mean
    return mean in (1, 255)  # the scale is 0..255 in 8 bit, 0..1 otherwise


def _isolate(image: Any, layer: Any, facts: dict[str, Any]) -> Any:
    """Hide the layer behind a normal group with a copy of it, where a stack changes the copy alone; return the copy."""
    group = Gimp.GroupLayer.new(image, _("{name} edited").format(name=layer.get_name()))
    image.insert_layer(group, layer.get_parent(), image.get_item_position(layer))
    group.set_mode(layer.get_mode())
    group.set_blend_space(layer.get_blend_space())
    group.set_composite_space(layer.get_composite_space())
    group.set_composite_mode(layer.get_composite_mode())
    group.set_opacity(layer.get_opacity())
    write_parasite(group, {**facts, "role": HOLDER})
    copy = layer.copy()
    image.insert_layer(copy, group, 0)
    copy.set_mode(Gimp.LayerMode.NORMAL)
    copy.set_opacity(100)
    layer.set_visible(False)
    return copy


def _add_group(image: Any, base: Any, below: Any, name: str) -> Any:
    """An empty pass-through group of the base layer's size directly above the layer `below`."""
    group = Gimp.GroupLayer.new(image, name)
    image.insert_layer(group, base.get_parent(), siblings(image, below).index(below))
    group.set_mode(Gimp.LayerMode.PASS_THROUGH)
    # A group is as large as its children, and so is its mask: a transparent child gives it the photo's size.
    kind = Gimp.ImageType.GRAYA_IMAGE if base.is_gray() else Gimp.ImageType.RGBA_IMAGE
    size = base.get_width(), base.get_height()
    extent = Gimp.Layer.new(image, _("Extent (keep)"), *size, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(extent, group, 0)
    extent.set_offsets(*base.get_offsets()[1:])
    group.set_expanded(False)
    return group


def _add_filter(group: Any, edit: Edit) -> None:
    live_filter = filter_for(group, edit)
    before = len(group.get_filters())
    group.append_filter(live_filter)
    if len(group.get_filters()) == before:  # GIMP only prints a line when it refuses
        message = _("GIMP refused its filter «{filter}»: update GIMP to its latest 3.2 version, then try again.")
        raise UserError(message.format(filter=_TITLES[edit.name]))
    if isinstance(edit, Curves):
        _set_curves(live_filter, edit, gray=group.is_gray())


def filter_for(drawable: Any, edit: Edit) -> Any:
    """GIMP's filter with the edit's numbers, not yet attached; curves want theirs after attachment.

    Never for curves in GIMP 3.0, which crashes of them.
    """
    live_filter = Gimp.DrawableFilter.new(drawable, operation_of(edit), _TITLES[edit.name])
    _set_numbers(live_filter, edit)
    return live_filter


def replace_filter(group: Any, edit: Edit, name: str | None) -> None:
    """Give an edit's group a filter with other values in place of the one it has, undoably.

    name: the one that the group got from us, maybe in another language.  One that the user gave stays.  Nothing may be
    selected.
    """
    operation = operation_of(edit)
    old = next((each for each in group.get_filters() if each.get_operation_name() == operation), None)
    opacity, visible = (old.get_opacity(), old.get_visible()) if old else (1.0, True)
    if old:
        old.delete()  # an attached filter's numbers could be changed, but not undone
    _add_filter(group, edit)
    new = group.get_filters()[0]
    if (opacity, visible) != (1.0, True):
        new.set_opacity(opacity)
        new.set_visible(visible)
        new.update()
    if group.get_name() == name:
        group.set_name(edit.label())


def dial(live_filter: Any, edit: Edit, gray: bool) -> None:
    """Give an attached filter the numbers of another edit of its kind.  No undo step."""
    if isinstance(edit, Curves):
        _set_curves(live_filter, edit, gray)
    else:
        _set_numbers(live_filter, edit)
        live_filter.update()


def _set_numbers(live_filter: Any, edit: Edit) -> None:
    config = live_filter.get_config()
    for name, value in settings_of(edit).items():
        # An XCF file keeps single precision: so the picture is the same after saving and loading.
        config.set_property(name, struct.unpack("f", struct.pack("f", value))[0])


def operation_of(edit: Edit) -> str:
    """The name of GIMP's filter for an edit."""
    return _OPERATIONS[edit.name]


def settings_of(edit: Edit) -> dict[str, float]:
    """The filter's properties that hold the edit's numbers; of curves none."""
    if isinstance(edit, Exposure):
        return {"exposure": edit.ev}
    if isinstance(edit, Saturation):
        return {"scale": edit.scale}
    if isinstance(edit, WhiteBalance):
        return dict(zip(("rr-gain", "gg-gain", "bb-gain"), edit.gains()))
    return {}


def _set_curves(live_filter: Any, edit: Curves, gray: bool) -> None:
    """One curve a channel; the filter accumulates them from update to update."""
    channels = Gimp.HistogramChannel
    names = [channels.VALUE] if gray else [channels.RED, channels.GREEN, channels.BLUE]
    config = live_filter.get_config()
    for channel, name in enumerate(names):
        curve = Gimp.Curve.new()
        curve.clear_points()
        for point in edit.points(channel):
            curve.set_point_type(curve.add_point(*point), Gimp.CurvePointType.CORNER)
        config.set_property("trc", Gimp.TRCType.PERCEPTUAL)
        config.set_property("channel", name)
        config.set_property("curve", curve)
        live_filter.update()
