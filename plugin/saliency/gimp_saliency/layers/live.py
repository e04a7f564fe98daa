# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit as a stack of adjustment layers (GIMP 3.2).

One pass-through group a filter, from the photo upwards in the order of application, each with one live filter and a
layer mask made from the selection, or from its inverse.  One filter a group, because redo brings several filters of one
group back in reverse.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, NamedTuple

from gi.repository import Gimp

from ..image.floats import has_lost
from ..image.selection import add_masks, preserve_selection, select_masks
from ..image.tree import covers_canvas, is_opaque
from ..shared.edits import NAMES, Edit, EditError, Sharpening, curve_points, join_edits, list_parts, reach
from ..shared.errors import UserError
from ..shared.request import EditRequest
from ..shared.words import _
from .groups import Mask, add_group, isolate_layer, replace_mask, shrink_group
from .method import FoundValues, MadeEdit, PartEdit, PartSelection
from .original import select_and_keep
from .record import EditRecord, LayerNote, Role, edits_above, read_note, read_role, write_note
from .titles import describe_edits, mark_layer

Corners = Mapping[str, Sequence[tuple[float, float]]]  # of each curve, by GIMP's name of its channel

_SINGLE = 1e-6  # relative; GIMP's files keep single precision


class Live:
    """Edits as live filters, whose numbers can be changed in GIMP's own dialogs."""

    keeps_layers: ClassVar[bool] = True

    def add(self, image: Gimp.Image, photo: Gimp.Layer, part: PartEdit, whole: Gimp.Channel | None) -> list[Gimp.Layer]:
        """As `Adder` says: the region's stack, and the background's above it."""
        layers = _add_stack(image, photo, part, part.edits, is_background=False) if part.edits else []
        if part.around:
            base = image.get_selected_layers()[0] if part.edits else photo
            with preserve_selection(image):
                if whole is not None:
                    image.select_item(Gimp.ChannelOps.REPLACE, whole)
                layers += _add_stack(image, base, part, part.around, is_background=True)
        return layers

    def read(self, layers: list[Gimp.Layer], around: list[Gimp.Layer], record: EditRecord, side: float) -> FoundValues:
        """As `Method` says."""
        base, by_hand = _read_stack(layers, record.base, record.strength, side)
        background, around_by_hand = _read_stack(around, record.background, record.background_strength, side)
        on = bool(background) and any(layer.get_visible() for layer in around)
        return FoundValues(base, by_hand, background, around_by_hand, on)

    def check(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """As `Method` says: live filters can always be changed."""

    def change(
        self,
        image: Gimp.Image,
        edit: MadeEdit,
        record: EditRecord,
        request: EditRequest,
        side: float,
        region: PartSelection | None,
    ) -> list[Gimp.Layer]:
        """As `Method` says.  An edit that is switched off is hidden, so that it can come back."""
        gray = edit.photo.is_gray()
        everything = replace(request, kinds=frozenset(NAMES), background=True)
        with preserve_selection(image):
            if region is not None:
                self._replace_masks(image, edit, region, side)
            Gimp.Selection.none(image)
            for group in edit.layers if not edit.by_hand else ():  # what is set by hand may look farther around it
                shrink_group(image, edit.photo, group, _find_reach(side))
            with _mask_of_background(image, edit) as around_mask:
                Gimp.Selection.none(image)  # a selection would mask each new filter a second time
                mask = edit.all_layers()[0].get_mask()
                inside = _Stack(image, edit.photo, record, side, Mask(mask, inverted=not edit.layers), edit.by_hand)
                layers = inside.redial(
                    edit.photo, edit.layers, everything.scale_edits(record.base, gray), request.kinds
                )
                background = everything.scale_background(record.background, gray)
                if around_mask.drawable is None and not edit.around:
                    background = []  # the region is everything
                outside = _Stack(image, edit.photo, record, side, around_mask, edit.around_by_hand, is_background=True)
                shown = request.kinds if request.background else frozenset()
                return layers + outside.redial([edit.photo, *layers][-1], edit.around, background, shown)

    def select_region(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """As `Method` says, by the lowest group's mask."""
        if edit.layers:
            select_masks(image, edit.layers[:1])
        else:
            self.select_whole(image, edit)  # all there is is the background's

    def select_whole(self, image: Gimp.Image, edit: MadeEdit) -> bool:
        """As `Method` says, by the groups' masks."""
        if not edit.around and len(edit.parts) < 2:
            return False
        if edit.around:
            _select_inverse(image, edit.around[0])
        else:
            select_masks(image, edit.parts)
        return True

    def select_others(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """As `Method` says, by their groups' masks."""
        add_masks(image, edit.other_parts())

    def _replace_masks(self, image: Gimp.Image, edit: MadeEdit, region: PartSelection, side: float) -> None:
        """Give all groups of the region a new mask, and those of the background what no part has."""
        select_and_keep(image, edit, self)
        region.select(image)
        with preserve_selection(image) as selected:
            for group in edit.layers:
                replace_mask(image, edit.photo, group, Mask(selected), _find_reach(side))
            if not edit.common:
                return
            image.select_item(Gimp.ChannelOps.REPLACE, selected)
            self.select_others(image, edit)
            with preserve_selection(image) as whole:
                for group in edit.common:
                    replace_mask(image, edit.photo, group, Mask(whole, inverted=True), 0)


class _Stack(NamedTuple):
    """The groups of region or background of one edit."""

    image: Gimp.Image
    photo: Gimp.Layer
    record: EditRecord
    side: float  # the longer side in px of the picture that sharpening goes by
    mask: Mask
    by_hand: frozenset[str] = frozenset()  # kinds whose filters the user changed to what no numbers here can say
    is_background: bool = False

    def add(self, below: Gimp.Layer, edit: Edit) -> Gimp.Layer:
        """Put an edit, maybe a joined one, directly above the layer `below`; return its group.

        Afterwards nothing is selected.
        """
        name = self._title(edit)
        group = add_group(self.image, self.photo, below, name, self.mask, _find_reach(self.side))
        add_filter(group, edit, self.side)
        mark_layer(group, self.record)
        self._write(group, edit, name)
        return group

    def redial(
        self, below: Gimp.Layer, layers: Sequence[Gimp.Layer], edits: Sequence[Edit], shown: frozenset[str]
    ) -> list[Gimp.Layer]:
        """Give groups other values, hide those that are not shown, add those that are missing; all, lowest first."""
        result: list[Gimp.Layer] = []
        for edit, layer in self._pair(edits, layers, shown):
            made = layer
            if layer is not None:
                is_shown = self._is_shown(layer, edit, shown)
                self._dial(layer, edit)
                if layer.get_visible() != is_shown:
                    layer.set_visible(is_shown)
            elif not edit.is_identity():
                made = self.add([below, *result][-1], edit)
            if made is not None:
                result.append(made)
        return result

    def _pair(
        self, edits: Sequence[Edit], layers: Sequence[Gimp.Layer], shown: frozenset[str]
    ) -> Iterator[tuple[Edit, Gimp.Layer | None]]:
        """The edits that there are or that are shown, joined as they can be, and the group of each, if it has one.

        One that is off leaves the group that it has in common with one that is on.  Those that older versions, or a
        gray picture, gave a group each keep it, and nothing joins what was changed by hand.
        """
        by_name = {noted.name: layer for layer in layers for noted in read_note(layer).edits}
        taken: list[Gimp.Layer] = []  # in a picture that was made gray a group can be of two that are two there
        for together in join_edits(edits, self.photo.is_gray()):
            parts = list_parts([together])
            groups = {part.name: by_name[part.name] for part in parts if by_name.get(part.name) not in [None, *taken]}
            taken += groups.values()
            is_fixed = len(groups) < len(parts) and any(map(self._is_by_hand, groups.values()))
            apart = is_fixed or len(set(groups.values())) > 1
            for alike in [[part] for part in parts] if apart else [parts]:
                there = [part for part in alike if part.name in groups]
                on = [part for part in alike if part.name in shown and (part in there or not part.is_identity())]
                for edit in join_edits(on or there, gray=False):
                    yield edit, groups[there[0].name] if there else None

    def _is_shown(self, layer: Gimp.Layer, edit: Edit, shown: frozenset[str]) -> bool:
        """Whether an edit's group is seen: nothing can be taken out of one that was changed by hand."""
        if self._is_by_hand(layer):
            return shown.issuperset(noted.name for noted in read_note(layer).edits)
        return not shown.isdisjoint(part.name for part in list_parts([edit]))

    def _is_by_hand(self, layer: Gimp.Layer) -> bool:
        """Whether the user changed a group's filter to what no numbers here can say."""
        return not self.by_hand.isdisjoint(edit.name for edit in read_note(layer).edits)

    def _dial(self, layer: Gimp.Layer, edit: Edit) -> None:
        """Give a group its edit's new values, unless its filter's are no numbers of ours."""
        note = read_note(layer)
        (noted,) = join_edits(note.edits, gray=False)
        name = note.name or self._title(noted)  # version 1 did not note it
        if self._is_by_hand(layer):
            edit = noted
        elif read_filter(layer, noted, self.side) != edit:
            replace_filter(layer, edit, self.side)
            if layer.get_name() == name:  # one that the user gave stays; ours may be in another language
                layer.set_name(self._title(edit))
            name = self._title(edit)
        self._write(layer, edit, name)

    def _write(self, layer: Gimp.Layer, edit: Edit, name: str) -> None:
        parts = tuple(list_parts([edit]))
        write_note(layer, self.record, LayerNote(Role.ADJUSTMENT, parts, self.is_background, name=name))

    def _title(self, edit: Edit) -> str:
        edits = ((), [edit]) if self.is_background else ([edit],)
        return describe_edits(self.record.title, *edits)


def _add_stack(
    image: Gimp.Image, photo: Gimp.Layer, part: PartEdit, edits: Sequence[Edit], is_background: bool
) -> list[Gimp.Layer]:
    """Put edits above the photo, masked by the selection or by exactly its inverse; the new groups, lowest first.

    The selection is as before.  Raises UserError if GIMP refuses a filter.
    """
    groups: list[Gimp.Layer] = []
    base = photo
    with preserve_selection(image) as selection:
        Gimp.Selection.none(image)  # a selection would limit the histogram and mask each filter a second time
        if not _is_backdrop(image, photo, part.alone):
            holder, base = isolate_layer(image, photo, _("{name} edited").format(name=photo.get_name()))
            write_note(holder, part.record, LayerNote(Role.HOLDER))
        mask = Mask(selection, inverted=is_background)
        stack = _Stack(image, base, part.record, part.record.side, mask, is_background=is_background)
        for edit in join_edits(edits, photo.is_gray()):
            groups.append(stack.add([base, *edits_above(image, base)][-1], edit))
    image.set_selected_layers([base])
    return groups


def _is_backdrop(image: Gimp.Image, layer: Gimp.Layer, alone: bool) -> bool:
    """Whether a stack above the layer changes the layer alone, or (not `alone`) nothing else that can be seen.

    Pixels that are no finite numbers would spread in it.
    """
    parent = layer.get_parent()
    if parent is not None and read_role(parent) == Role.HOLDER:
        return True
    return not alone and covers_canvas(image, layer) and is_opaque(layer) and not has_lost(layer)


def _find_reach(side: float) -> int:
    """How many px around what its mask shows any kind of edit may look at; side: as for `Edit.settings`.

    The same for all, so that what rounds the place of a group moves all of an edit's.
    """
    return reach([Sharpening(1)], side)


def _select_inverse(image: Gimp.Image, layer: Gimp.Layer) -> None:
    """Select what the layer's mask hides, in linear light; a layer without one shows everything, which is selected."""
    mask = layer.get_mask()
    Gimp.Selection.none(image)  # a selection would limit the inversion
    if mask is not None:
        mask.invert(True)
    select_masks(image, [layer])
    if mask is not None:
        with preserve_selection(image):
            Gimp.Selection.none(image)
            mask.invert(True)


# Filters


def add_filter(layer: Gimp.Layer, edit: Edit, side: float) -> None:
    """Give a layer or group GIMP's filter with the edit's numbers; a selection limits it.

    side: as for `Edit.settings`.  Raises UserError if GIMP refuses.
    """
    live_filter = make_filter(layer, edit, side)
    append_filter(layer, live_filter)
    if edit.is_curved:
        curves = edit.curves(layer.is_gray())
        set_curves(live_filter, {channel: curve_points(slopes) for channel, slopes in curves.items()})


def append_filter(layer: Gimp.Layer, live_filter: Gimp.DrawableFilter) -> None:
    """Let a filter be the last that a layer or group has; a selection limits it.  Raises UserError if GIMP refuses."""
    before = len(layer.get_filters())
    layer.append_filter(live_filter)
    if len(layer.get_filters()) == before:  # GIMP only prints a line when it refuses
        message = _("GIMP refused its filter «{filter}»: update GIMP to its latest 3.2 version, then try again.")
        raise UserError(message.format(filter=live_filter.get_name()))


def make_filter(drawable: Gimp.Drawable, edit: Edit, side: float) -> Gimp.DrawableFilter:
    """GIMP's filter with the edit's numbers, not yet attached; curves want theirs after attachment.

    side: as for `Edit.settings`.  Never for curves in GIMP 3.0, which crashes of them.
    """
    live_filter = Gimp.DrawableFilter.new(drawable, edit.operation, edit.title)
    config = live_filter.get_config()
    for name, value in edit.settings(side).items():
        config.set_property(name, _round_to_single(value))
    return live_filter


def _round_to_single(value: float) -> float:
    """A number as an XCF file keeps it: so the picture is the same after saving and loading."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def replace_filter(group: Gimp.Layer, edit: Edit, side: float) -> None:
    """Give an edit's group a filter with other values in place of the one it has, undoably.

    side: as for `Edit.settings`.  Nothing may be selected.
    """
    old = _find_filter(group, edit)
    opacity, visible = (old.get_opacity(), old.get_visible()) if old else (1.0, True)
    if old:
        old.delete()  # an attached filter's numbers could be changed, but not undone
    add_filter(group, edit, side)
    new = group.get_filters()[0]
    if (opacity, visible) != (1.0, True):
        new.set_opacity(opacity)
        new.set_visible(visible)
        new.update()


def set_curves(live_filter: Gimp.DrawableFilter, corners: Corners) -> None:
    """Give an appended filter for curves one a channel: by GIMP's name of it the corners, display-encoded, 0..1."""
    config = live_filter.get_config()
    for channel, points in corners.items():  # the filter accumulates them from update to update
        curve = Gimp.Curve.new()
        curve.clear_points()
        for x, y in points:
            point = curve.add_point(_round_to_single(x), _round_to_single(y))
            curve.set_point_type(point, Gimp.CurvePointType.CORNER)
        config.set_property("trc", Gimp.TRCType.PERCEPTUAL)
        config.set_property("channel", getattr(Gimp.HistogramChannel, channel.upper()))
        config.set_property("curve", curve)
        live_filter.update()


# What the user changed in GIMP's own dialogs


def _read_stack(
    layers: Sequence[Gimp.Layer], noted: Sequence[Edit], strength: float, side: float
) -> tuple[tuple[Edit, ...], frozenset[str]]:
    """Noted values at 100 % with what was changed in the layers' filters; the kinds that no numbers can say."""
    values = {edit.name: edit for edit in noted}
    by_hand: set[str] = set()
    for layer in layers:
        for edit in join_edits(read_note(layer).edits, gray=False):
            found = read_filter(layer, edit, side)
            if found is None:
                by_hand.update(part.name for part in list_parts([edit]))
            elif found != edit and strength > 0:
                try:
                    values[edit.name] = found.at_strength(100 / strength)
                except (EditError, OverflowError):  # more than an edit can be at 100 %
                    by_hand.add(edit.name)
    return tuple(values.values()), frozenset(by_hand)


def read_filter(group: Gimp.Layer, noted: Edit, side: float) -> Edit | None:
    """The edit in a group's filter: `noted` itself where the filter still says so.

    side: the longer side of the picture that the filter was made for, in px.  None if the filter is gone or no
    parameters of this kind of edit can say what it does.
    """
    found = _find_filter(group, noted)
    if found is None:
        return None
    config = found.get_config()
    if noted.is_curved:
        corners = {channel: curve_points(slopes) for channel, slopes in noted.curves(group.is_gray()).items()}
        return noted if is_same_curve(config, corners) else None
    expected = noted.settings(side)
    values = {name: config.get_property(name) for name in expected}
    changed = {name for name, value in values.items() if abs(value - expected[name]) > _SINGLE * max(1, abs(value))}
    if not changed:
        return noted
    try:
        return noted.from_settings(values, changed)
    except (EditError, ZeroDivisionError):
        return None


def _find_filter(group: Gimp.Layer, edit: Edit) -> Gimp.DrawableFilter | None:
    return next((each for each in group.get_filters() if each.get_operation_name() == edit.operation), None)


def is_same_curve(config: Gimp.DrawableFilterConfig, corners: Corners) -> bool:
    """Whether the one curve that GIMP tells of, the last one set or looked at, is still ours.

    After loading a file it tells of the curve of all channels together: others that the user changed pass for ours.
    """
    points: Sequence[tuple[float, float]] | None = None
    for channel in ("value", "red", "green", "blue", "alpha"):
        if int(config.get_property("channel")) == int(getattr(Gimp.HistogramChannel, channel.upper())):
            points = corners.get(channel, [(0.0, 0.0), (1.0, 1.0)])
    curve = config.get_property("curve")
    if points is None or curve is None or curve.get_n_points() != len(points):
        return False
    found = [curve.get_point(index) for index in range(len(points))]
    return all(abs(x - a) <= _SINGLE and abs(y - b) <= _SINGLE for (x, y), (a, b) in zip(found, points))


# The background


@contextmanager
def _mask_of_background(image: Gimp.Image, edit: MadeEdit) -> Iterator[Mask]:
    """What new groups of the background are masked by; no drawable if there is no background."""
    masks = [layer.get_mask() for layer in edit.around[:1] or edit.parts]
    if len(masks) == 1 or None in masks:
        yield Mask(None if None in masks else masks[0], inverted=not edit.around, is_whole=True)
        return
    select_masks(image, edit.parts)
    with preserve_selection(image) as whole:
        yield Mask(whole, inverted=True)
