# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony as live filters (GIMP 3.2): on the layer itself, or as layers that dodge and burn a copy of it."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp

from ...image.selection import preserve_selection
from ...shared.harmony import Harmony
from ...shared.words import _
from ..groups import Mask, add_group, isolate_layer
from ..live import append_filter, make_filter, set_curves
from ..record import Role
from .record import HarmonyNote, HarmonyRecord, write_note
from .shading import draw_map, multiply_by_map
from .steps import list_corners, list_shades

_TAG = Gimp.ColorTag.GREEN


class LiveHarmony:
    """As layers and filters whose numbers and masks can be changed in GIMP."""

    def add(self, image: Gimp.Image, layer: Gimp.Layer, harmony: Harmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """As `Harmonizer` says.

        Curves alone are one filter of the layer itself, which is returned, if it has no others: redo would bring them
        back in another order.  Else a group takes the layer's place, with
        a copy of it and, above that, a masked group each for curves, darkening and lightening; these are returned, and
        the layer is hidden.
        """
        with preserve_selection(image) as selection:
            Gimp.Selection.none(image)  # a selection would limit the filters
            if not record.is_part and not harmony.has_shading() and not layer.get_filters():
                return [_filter_layer(layer, harmony, record)]
            holder, copy = isolate_layer(image, layer, _("{name} harmonized").format(name=layer.get_name()))
            holder.set_color_tag(_TAG)
            write_note(holder, record, HarmonyNote(Role.HOLDER, name=holder.get_name()))
            made = _Stack(image, copy, record, Mask(selection if record.is_part else None)).add(harmony)
        image.set_selected_layers([copy])
        return made


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
            group = self._add_group([self.copy, *made][-1], "curves", _("Curves"))
            _add_curves(group, harmony, _("Curves"))
            made.append(group)
        for shade in list_shades(self.image, harmony):
            group = self._add_group([self.copy, *made][-1], shade.step, shade.name)
            mask, draw = group.get_mask(), multiply_by_map
            if mask is None:
                mask, draw = group.create_mask(Gimp.AddMaskType.WHITE), draw_map
                group.add_mask(mask)
            _ok, x, y = group.get_offsets()
            draw(mask, (x, y), shade.values, shade.place)
            append_filter(group, make_filter(group, shade.exposure, 0))
            made.append(group)
        return made

    def _add_group(self, below: Gimp.Layer, step: str, name: str) -> Gimp.GroupLayer:
        """A group without a filter; its mask is what is selected, if the harmony is for that alone."""
        group = add_group(self.image, self.copy, below, name, self.mask, 0)
        group.set_color_tag(_TAG)
        write_note(group, self.record, HarmonyNote(Role.ADJUSTMENT, step, group.get_name()))
        return group


def _filter_layer(layer: Gimp.Layer, harmony: Harmony, record: HarmonyRecord) -> Gimp.Layer:
    """Give the layer itself the curves."""
    name = _("Harmonize: Curves")
    _add_curves(layer, harmony, name)
    write_note(layer, record, HarmonyNote(Role.FILTERED, "curves", name))
    return layer


def _add_curves(layer: Gimp.Layer, harmony: Harmony, name: str) -> None:
    """Give a layer or group a filter for curves, or none if that fails."""
    live_filter = Gimp.DrawableFilter.new(layer, "gimp:curves", name)
    append_filter(layer, live_filter)
    try:
        set_curves(live_filter, list_corners(harmony, layer.is_gray()))
    except BaseException:
        live_filter.delete()
        raise
