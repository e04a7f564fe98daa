# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony as pixels, for GIMP 3.0, whose live curves crash the whole of GIMP.

A floating-point copy of the layer is changed step by step, nothing clipped or rounded in between except by the curves
themselves, and takes the layer's place.
"""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from ...image.boxes import find_boxes
from ...image.geometry import Box
from ...image.pixels import copy_pixels
from ...image.selection import preserve_selection
from ...image.tree import hide_layer, merge_filters, siblings
from ...shared.errors import UserError
from ...shared.harmony import Harmony
from ...shared.words import _
from ..baked import (
    bake_curves,
    bake_edit,
    copy_selection,
    copy_to_work,
    find_selected_box,
    insert_copy,
)
from ..blending import add_mask_of, copy_blending
from ..record import Role
from .made import MadeHarmony
from .part import keep_part, select_part
from .place import Place
from .record import HarmonyNote, HarmonyRecord, read_note, write_note
from .shading import draw_map, multiply_by_map
from .steps import Shade, list_shades, sample_curves


class BakedHarmony:
    """As a copy of the layer."""

    def __init__(self, takes_light: bool) -> None:
        """takes_light: whether GIMP's curves take linear light only, as those of GIMP 3.0 do."""
        self._takes_light = takes_light

    def add(self, image: Gimp.Image, layer: Gimp.Layer, harmony: Harmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """As `Harmonizer` says: a copy above the layer, which is hidden.

        The copy's alpha and all pixels that are transparent or not selected are the layer's, bit for bit.
        """
        box = find_selected_box(image, layer) if record.is_part else (0, 0, layer.get_width(), layer.get_height())
        shades = list_shades(harmony, record.place, Place.of_layer(image, layer))
        merged = merge_filters(image, layer)
        work = Gimp.Image.new_with_precision(*box[2:], image.get_base_type(), Gimp.Precision.FLOAT_LINEAR)
        try:
            pixels = copy_to_work(work, image, merged, box)
            selected = copy_selection(image, layer, work, box) if record.is_part else None
            touched = _select_touched(work, pixels, selected)
            pixels = self._bake(layer, pixels, harmony, shades, (box, selected))
            baked = insert_copy(image, layer, merged)
            if harmony.has_curves() or shades:  # else not even rounding may change anything
                copy_pixels(pixels, baked, find_boxes(touched), box[:2])
        finally:
            work.delete()
            if merged != layer:
                merged.get_image().delete()
        hide_layer(layer)
        baked.set_name(_("{name} harmonized").format(name=layer.get_name()))
        baked.set_color_tag(Gimp.ColorTag.GREEN)
        note = HarmonyNote(Role.REPLACEMENT, name=baked.get_name(), original=layer.get_tattoo())
        write_note(baked, record, note)
        if record.is_part:
            keep_part(image, baked)
        image.set_selected_layers([baked])
        return [baked]

    def check(self, image: Gimp.Image, made: MadeHarmony, record: HarmonyRecord) -> None:
        """As `Harmonizer` says: the copy is made anew, so the original must still lie below it."""
        old, photo = Place.of_layer(image, made.top), Place.of_layer(image, made.photo)
        if old != photo:
            message = _(
                "The harmonized layer and the original «{name}» do not lie at the same place any more, or have other "
                "sizes: undo that, or delete what Harmonize made, show the original and harmonize again."
            )
            raise UserError(message.format(name=made.photo.get_name()))

    def change(self, image: Gimp.Image, made: MadeHarmony, record: HarmonyRecord) -> list[Gimp.Layer]:
        """As `Harmonizer` says: a new copy of the original in the old one's place, with its mask, mode and opacity."""
        old, photo = made.top, made.photo
        before, was_visible = siblings(image, photo), photo.get_visible()
        try:
            with preserve_selection(image):
                if record.is_part:
                    select_part(image, made)
                photo.set_visible(True)
                (baked,) = self.add(image, photo, record.scale(photo.is_gray()), record)
        except BaseException:
            for item in siblings(image, photo):
                if item not in before:
                    image.remove_layer(item)
            photo.set_visible(was_visible)
            raise
        _take_over(image, old, baked)
        return [baked]

    def _bake(
        self,
        layer: Gimp.Layer,
        pixels: Gimp.Layer,
        harmony: Harmony,
        shades: Sequence[Shade],
        part: tuple[Box, Gimp.Channel | None],
    ) -> Gimp.Layer:
        """All steps on a box of the layer's pixels in a work image, through a channel of it; the changed pixels."""
        work = pixels.get_image()
        box, selected = part
        if harmony.has_curves():
            _select(work, selected)
            pixels = bake_curves(pixels, sample_curves(harmony, pixels.is_gray()), self._takes_light)
        _ok, x, y = layer.get_offsets()
        for shade in shades:
            _select(work, selected)
            mask = Gimp.Selection.save(work)
            draw = draw_map if selected is None else multiply_by_map
            draw(mask, (x + box[0], y + box[1]), shade.values, shade.place)
            _select(work, mask)
            if Gimp.Selection.bounds(work)[1]:  # what GIMP edits where nothing is selected is everything
                pixels = bake_edit(pixels, shade.exposure, 0, self._takes_light)
            work.remove_channel(mask)
        Gimp.Selection.none(work)
        return pixels


def _take_over(image: Gimp.Image, old: Gimp.Layer, new: Gimp.Layer) -> None:
    """Let a new copy take the place of the old one with all that is the user's: mask, name, mode and opacity."""
    noted, own = read_note(old), read_note(new)
    name = own.name if noted and own and old.get_name() == noted.name else old.get_name()
    image.reorder_item(new, old.get_parent(), image.get_item_position(old))
    copy_blending(old, new)
    mask = old.get_mask()
    if new.get_mask() is not None:
        new.remove_mask(Gimp.MaskApplyMode.DISCARD)
    if mask is not None:
        add_mask_of(new, mask, old.get_apply_mask())
    new.set_color_tag(old.get_color_tag())
    new.set_visible(old.get_visible())
    image.remove_layer(old)
    new.set_name(name)  # only now: GIMP gives no two layers the same name


def _select_touched(work: Gimp.Image, pixels: Gimp.Layer, selected: Gimp.Channel | None) -> Gimp.Channel:
    """A channel that is white where something is to be changed: what is selected and not wholly transparent."""
    _select(work, selected)
    if pixels.has_alpha():
        work.select_item(Gimp.ChannelOps.INTERSECT, pixels)
    touched = Gimp.Selection.save(work)
    Gimp.Selection.none(work)
    touched.threshold(Gimp.HistogramChannel.VALUE, 1e-9, 1)
    return touched


def _select(work: Gimp.Image, channel: Gimp.Channel | None) -> None:
    """Select what a channel says, None: everything."""
    if channel is None:
        Gimp.Selection.all(work)
    else:
        work.select_item(Gimp.ChannelOps.REPLACE, channel)
