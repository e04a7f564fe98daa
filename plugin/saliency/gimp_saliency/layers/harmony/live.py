# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony as live filters (GIMP 3.2): on the layer itself, or as layers that dodge and burn a copy of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from gi.repository import Gimp

from ...image.selection import activate_layers, preserve_selection
from ...image.tree import lineage
from ...shared.errors import UserError
from ...shared.harmony import Harmony
from ...shared.words import _
from ..groups import Mask, add_group, isolate_layer, replace_mask
from ..live import Corners, append_filter, make_filter
from ..record import PARASITE, Role
from .curves import add_curves, remove_curves, replace_curves
from .made import MadeHarmony
from .part import keep_part, select_part
from .place import Place
from .record import HarmonyNote, HarmonyRecord, read_note, write_note
from .shading import draw_map, multiply_by_map
from .steps import SHADES, STEPS, Shade, list_corners, list_shades

_TAG = Gimp.ColorTag.GREEN


class LiveHarmony:
    """As layers and filters whose numbers and masks can be changed in GIMP."""

    def add(self, image: Gimp.Image, layer: Gimp.Layer, harmony: Harmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """As `Harmonizer` says.

        Curves alone are one filter of the layer itself, which is returned, if it has no others: redo would bring them
        back in another order.  Else a group takes the layer's place, with a copy of it and, above that, a masked group
        each for curves, darkening and lightening; these are returned, and the layer is hidden.
        """
        with preserve_selection(image) as selection:
            Gimp.Selection.none(image)  # a selection would limit the filters
            if not record.is_part and not harmony.has_shading() and not layer.get_filters():
                return [_filter_layer(layer, harmony, record)]
            holder, copy = _surround(image, layer, record)
            if record.is_part:
                image.select_item(Gimp.ChannelOps.REPLACE, selection)
                keep_part(image, holder)
                Gimp.Selection.none(image)
            made = _Stack(image, copy, record, Mask(selection if record.is_part else None)).add(harmony)
        image.set_selected_layers([copy])
        return made

    def check(self, image: Gimp.Image, made: MadeHarmony, record: HarmonyRecord) -> None:
        """As `Harmonizer` says: a layer that has filters of the user's beside ours cannot get others."""
        if made.has_holder or len(made.photo.get_filters()) <= (made.curves is not None):
            return
        message = _("The layer has other filters beside the harmony's: take them away first, then adjust it again.")
        raise UserError(message)

    def change(self, image: Gimp.Image, made: MadeHarmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """As `Harmonizer` says.

        A group gets a new filter or a new mask, or is made or removed, only where its values are others now.  Curves
        that the user changed stay.  Where the layer itself had the curves and a shading comes in, that gets its group.
        """
        active = image.get_selected_layers()
        with preserve_selection(image):
            if record.is_part:
                select_part(image, made)
            with preserve_selection(image) as part:
                Gimp.Selection.none(image)  # a selection would limit the filters
                change = _Change(image, made, record, Mask(part if record.is_part else None))
                layers = change.run()
        if not change.needs_holder:
            activate_layers(image, [item for item in active if lineage(item)[-1] in image.get_layers()] or [made.photo])
        return layers


class _Stack(NamedTuple):
    """The groups above the copy of a layer."""

    image: Gimp.Image
    copy: Gimp.Layer
    record: HarmonyRecord
    mask: Mask

    def add(self, harmony: Harmony) -> list[Gimp.Layer]:
        """The groups, lowest first.  Nothing may be selected, and nothing is afterwards."""
        made: list[Gimp.Layer] = []
        if harmony.has_curves():
            made.append(self.add_curves(self.copy, harmony))
        for shade in list_shades(harmony, self.record.place, Place.of_layer(self.image, self.copy)):
            made.append(self.add_shade([self.copy, *made][-1], shade))
        return made

    def add_curves(self, below: Gimp.Layer, harmony: Harmony) -> Gimp.Layer:
        """The group with the curves directly above a layer."""
        group = self._add_group(below, "curves", _("Curves"))
        add_curves(group, _("Curves"), list_corners(harmony, group.is_gray()))
        return group

    def add_shade(self, below: Gimp.Layer, shade: Shade) -> Gimp.Layer:
        """A group that darkens or lightens, directly above a layer."""
        group = self._add_group(below, shade.step, shade.name)
        self._draw(group, shade)
        append_filter(group, make_filter(group, shade.exposure, 0))
        return group

    def redraw_shade(self, group: Gimp.Layer, shade: Shade) -> None:
        """Give a group that is there a new mask, undoably, switched on or off as the one before."""
        is_on = group.get_mask() is None or group.get_apply_mask()
        if self.mask.drawable is not None:
            replace_mask(self.image, self.copy, group, self.mask, 0)
        elif group.get_mask() is not None:
            group.remove_mask(Gimp.MaskApplyMode.DISCARD)
        self._draw(group, shade)
        if not is_on:
            group.set_apply_mask(False)

    def _draw(self, group: Gimp.Layer, shade: Shade) -> None:
        """Draw a shade into a group's mask, which holds what is selected, or into a new one."""
        mask, draw = group.get_mask(), multiply_by_map
        if mask is None:
            mask, draw = group.create_mask(Gimp.AddMaskType.WHITE), draw_map
            group.add_mask(mask)
        _ok, x, y = group.get_offsets()
        draw(mask, (x, y), shade.values, shade.place)

    def _add_group(self, below: Gimp.Layer, step: str, name: str) -> Gimp.GroupLayer:
        """A group without a filter; its mask is what is selected, if the harmony is for that alone."""
        group = add_group(self.image, self.copy, below, name, self.mask, 0)
        group.set_color_tag(_TAG)
        write_note(group, self.record, HarmonyNote(Role.ADJUSTMENT, step, group.get_name()))
        return group


class _Change(NamedTuple):
    """What becomes of a harmony that is there: another record of it, and the part of the layer that it is for."""

    image: Gimp.Image
    made: MadeHarmony
    record: HarmonyRecord
    mask: Mask

    @property
    def needs_holder(self) -> bool:
        """Whether a shading comes in where the layer itself had all there was."""
        return not self.made.has_holder and self._scale(self.record).has_shading()

    def run(self) -> list[Gimp.Layer]:
        """The harmony's layers, lowest first.  Nothing may be selected, and nothing is afterwards."""
        if self.needs_holder:
            return self._move_into_holder()
        layers = self._change_groups() if self.made.has_holder else self._change_layer()
        for item in [self.made.top, self.made.photo, *layers]:
            note = read_note(item)
            if note is not None and (item != self.made.photo or item in (self.made.top, self.made.curves)):
                write_note(item, self.record, note)
        return layers

    def _move_into_holder(self) -> list[Gimp.Layer]:
        """Surround the layer with a group; it is as it was before the harmony then, and hidden."""
        layer, by_hand = self.made.photo, self.made.by_hand
        _holder, copy = _surround(self.image, layer, self.record)
        for each in [layer] if by_hand else [layer, copy]:
            remove_curves(each)
            each.detach_parasite(PARASITE)
        harmony, note = self._scale(self.record), read_note(copy)
        if note is not None:
            write_note(copy, self.record, note)
            harmony = replace(Harmony.neutral(), shading=harmony.shading)
        layers = _Stack(self.image, copy, self.record, self.mask).add(harmony)
        self.image.set_selected_layers([copy])
        return layers

    def _change_layer(self) -> list[Gimp.Layer]:
        """Give the layer itself other curves."""
        layer, harmony = self.made.photo, self._scale(self.record)
        if self.made.by_hand or not self._has_other_curves():
            return [layer] if self.made.curves else []
        if not harmony.has_curves():
            remove_curves(layer)
            return []
        if self.made.curves is None:
            add_curves(layer, _("Harmonize: Curves"), self._list_corners(self.record))
        else:
            replace_curves(layer, self._list_corners(self.record))
        return [layer]

    def _change_groups(self) -> list[Gimp.Layer]:
        """Make, change and remove groups; all that there are then, lowest first."""
        groups = dict(self.made.groups)
        stack = _Stack(self.image, self.made.photo, self.record, self.mask)
        if not self.made.by_hand and self._has_other_curves():
            self._change_curves(stack, groups)
        before, after = (self._list_shades(record) for record in (self.made.record, self.record))
        for step in SHADES:
            new = after.get(step)
            if before.get(step) == new:
                continue
            if new is None:
                self._remove(groups, step)
            elif step in groups:
                stack.redraw_shade(groups[step], new)
            else:
                groups[step] = stack.add_shade(self._find_below(groups, step), new)
        return [groups[step] for step in STEPS if step in groups]

    def _change_curves(self, stack: _Stack, groups: dict[str, Gimp.Layer]) -> None:
        """Make, change or remove the group of the curves."""
        harmony = self._scale(self.record)
        if not harmony.has_curves():
            self._remove(groups, "curves")
        elif self.made.curves is None:
            groups["curves"] = stack.add_curves(self.made.photo, harmony)
        else:
            replace_curves(self.made.curves, self._list_corners(self.record))

    def _remove(self, groups: dict[str, Gimp.Layer], step: str) -> None:
        """Remove a step's group, if there is one."""
        group = groups.pop(step, None)
        if group is not None:
            self.image.remove_layer(group)

    def _find_below(self, groups: Mapping[str, Gimp.Layer], step: str) -> Gimp.Layer:
        """What a step's new group belongs directly above."""
        lower = [groups[each] for each in STEPS[: STEPS.index(step)] if each in groups]
        return [self.made.photo, *lower][-1]

    def _has_other_curves(self) -> bool:
        """Whether the curves are others than before."""
        return self._list_corners(self.made.record) != self._list_corners(self.record)

    def _list_corners(self, record: HarmonyRecord) -> Corners:
        return list_corners(self._scale(record), self.made.photo.is_gray())

    def _list_shades(self, record: HarmonyRecord) -> dict[str, Shade]:
        """Those that a record calls for where the layer lies now, by step."""
        now = Place.of_layer(self.image, self.made.photo)
        return {shade.step: shade for shade in list_shades(self._scale(record), record.place, now)}

    def _scale(self, record: HarmonyRecord) -> Harmony:
        return record.scale(self.made.photo.is_gray())


def _surround(image: Gimp.Image, layer: Gimp.Layer, record: HarmonyRecord) -> tuple[Gimp.GroupLayer, Gimp.Layer]:
    """Put a group with a copy of a layer in its place; return both."""
    holder, copy = isolate_layer(image, layer, _("{name} harmonized").format(name=layer.get_name()))
    holder.set_color_tag(_TAG)
    note = HarmonyNote(Role.HOLDER, name=holder.get_name(), original=layer.get_tattoo())
    write_note(holder, record, note)
    return holder, copy


def _filter_layer(layer: Gimp.Layer, harmony: Harmony, record: HarmonyRecord) -> Gimp.Layer:
    """Give the layer itself the curves."""
    name = _("Harmonize: Curves")
    add_curves(layer, name, list_corners(harmony, layer.is_gray()))
    write_note(layer, record, HarmonyNote(Role.FILTERED, "curves", name))
    return layer
