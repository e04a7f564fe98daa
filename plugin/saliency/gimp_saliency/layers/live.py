# SPDX-License-Identifier: GPL-3.0-or-later
"""From parameters to GIMP: an edit as a stack of adjustment layers.

One pass-through group an edit, from the photo upwards in the order of application, each with one live filter and a
layer mask made from the selection, or from its inverse.  One filter a group, because redo brings several filters of one
group back in reverse.
"""

from __future__ import annotations

import struct
from typing import Any

from gi.repository import Gimp

from ..image.selection import preserve_selection
from ..image.tree import covers_canvas, siblings
from ..shared.edits import Edit, EditError, curve_points, to_json
from ..shared.errors import UserError
from ..shared.words import _
from .record import ADJUSTMENT, BACKGROUND, HOLDER, role, write_parasite
from .target import edits_above

_SINGLE = 1e-6  # relative; GIMP's files keep single precision


def add_stack(
    image: Any,
    layer: Any,
    edits: list[Edit],
    facts: dict[str, Any],
    alone: bool = False,
    inverted: bool = False,
    side: float | None = None,
) -> list[Any]:
    """Put the edits above the layer, masked by the selection, and return the new groups, lowest first.

    `facts` (edit id, direction, …) goes into each group's parasite, beside its own parameters.  The selection is as
    before.  alone: change nothing that lies below the layer, even where that cannot be seen.  inverted: the masks are
    exactly 1 - selection.  side: the longer side in px of the picture that sharpening goes by; None: of the image.  To
    be called inside an undo group.  Raises UserError if GIMP refuses a filter.
    """
    groups: list[Any] = []
    base = layer
    with preserve_selection(image) as selection:
        Gimp.Selection.none(image)  # a selection would limit the histogram and mask each filter a second time
        if not _is_backdrop(image, layer, alone):
            base = _isolate(image, layer, facts)
        for edit in edits:
            top = [base, *edits_above(image, base)][-1]
            groups.append(add_adjustment(image, base, top, edit, facts, selection, inverted, side))
    image.set_selected_layers([base])
    return groups


def add_adjustment(
    image: Any,
    base: Any,
    below: Any,
    edit: Edit,
    facts: dict[str, Any],
    mask: Any,
    inverted: bool = False,
    side: float | None = None,
) -> Any:
    """Put one edit of the photo `base` directly above the layer `below`; return its group.

    mask: a channel or layer mask whose values the group's own mask takes, or None; inverted: 1 - its values.  side: as
    for `add_stack`.  Afterwards nothing is selected.
    """
    name = title(edit, facts)
    group = _add_group(image, base, below, name)
    if mask is not None:
        image.select_item(Gimp.ChannelOps.REPLACE, mask)
        group.add_mask(group.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    if mask is not None and inverted:
        # In linear light; of 8-bit images from XCF files GIMP inverts the selection otherwise.
        group.get_mask().invert(True)
    _add_filter(group, edit, side or longer_side(image))
    write_parasite(group, {**facts, "role": ADJUSTMENT, "edits": to_json([edit]), "name": name})
    return group


def title(edit: Edit, facts: dict[str, Any]) -> str:
    """The name of an edit's group."""
    label = edit.label()
    return _("Background: {edit}").format(edit=label) if facts.get("part") == BACKGROUND else label


def longer_side(image: Any) -> int:
    """Of the whole image, in px: what the width of sharpening goes by."""
    return max(image.get_width(), image.get_height())


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


def _add_filter(group: Any, edit: Edit, side: float) -> None:
    live_filter = filter_for(group, edit, side)
    before = len(group.get_filters())
    group.append_filter(live_filter)
    if len(group.get_filters()) == before:  # GIMP only prints a line when it refuses
        message = _("GIMP refused its filter «{filter}»: update GIMP to its latest 3.2 version, then try again.")
        raise UserError(message.format(filter=edit.title))
    if edit.is_curved:
        _set_curves(live_filter, edit, gray=group.is_gray())


def filter_for(drawable: Any, edit: Edit, side: float) -> Any:
    """GIMP's filter with the edit's numbers, not yet attached; curves want theirs after attachment.

    side: as for `Edit.settings`.  Never for curves in GIMP 3.0, which crashes of them.
    """
    live_filter = Gimp.DrawableFilter.new(drawable, edit.operation, edit.title)
    _set_numbers(live_filter, edit, side)
    return live_filter


def replace_filter(group: Any, edit: Edit, side: float) -> None:
    """Give an edit's group a filter with other values in place of the one it has, undoably.

    side: as for `Edit.settings`.  Nothing may be selected.
    """
    operation = edit.operation
    old = next((each for each in group.get_filters() if each.get_operation_name() == operation), None)
    opacity, visible = (old.get_opacity(), old.get_visible()) if old else (1.0, True)
    if old:
        old.delete()  # an attached filter's numbers could be changed, but not undone
    _add_filter(group, edit, side)
    new = group.get_filters()[0]
    if (opacity, visible) != (1.0, True):
        new.set_opacity(opacity)
        new.set_visible(visible)
        new.update()


def dial(live_filter: Any, edit: Edit, side: float, gray: bool) -> None:
    """Give an attached filter the numbers of another edit of its kind.  No undo step.  side: as for `Edit.settings`."""
    if edit.is_curved:
        _set_curves(live_filter, edit, gray)
    else:
        _set_numbers(live_filter, edit, side)
        live_filter.update()


def _set_numbers(live_filter: Any, edit: Edit, side: float) -> None:
    config = live_filter.get_config()
    for name, value in edit.settings(side).items():
        # An XCF file keeps single precision: so the picture is the same after saving and loading.
        config.set_property(name, struct.unpack("f", struct.pack("f", value))[0])


def _set_curves(live_filter: Any, edit: Edit, gray: bool) -> None:
    """One curve a channel; the filter accumulates them from update to update."""
    config = live_filter.get_config()
    for channel, slopes in edit.curves(gray).items():
        curve = Gimp.Curve.new()
        curve.clear_points()
        for point in curve_points(slopes):
            curve.set_point_type(curve.add_point(*point), Gimp.CurvePointType.CORNER)
        config.set_property("trc", Gimp.TRCType.PERCEPTUAL)
        config.set_property("channel", getattr(Gimp.HistogramChannel, channel.upper()))
        config.set_property("curve", curve)
        live_filter.update()


def read_back(group: Any, noted: Edit, side: float) -> Edit | None:
    """The edit in a group's filter: `noted` itself where the filter still says so.

    side: the longer side of the picture that the filter was made for, in px.  None if the filter is gone or no
    parameters of this kind of edit can say what it does.
    """
    operation = noted.operation
    found = next((each for each in group.get_filters() if each.get_operation_name() == operation), None)
    if found is None:
        return None
    config = found.get_config()
    if noted.is_curved:
        return noted if _same_curve(config, noted, group.is_gray()) else None
    expected = noted.settings(side)
    values = {name: config.get_property(name) for name in expected}
    changed = {name for name, value in values.items() if abs(value - expected[name]) > _SINGLE * max(1, abs(value))}
    if not changed:
        return noted
    try:
        return noted.from_settings(values, changed)
    except (EditError, ZeroDivisionError):
        return None


def _same_curve(config: Any, noted: Edit, gray: bool) -> bool:
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
