# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit as pixels, for GIMP 3.0, whose live curves crash the whole of GIMP.

The same operators in the same order on a floating-point copy of the layer, each blended through the selection, nothing
clipped or rounded in between except by the curves themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from adjustments import filter_for, is_opaque
from edits import Curves, Edit, to_json
from gi.repository import Gegl, Gimp
from srgb import decode, encode
from target import BAKED, REPLACEMENT, covers_canvas, edits_above, write_parasite

_SAMPLES = 2096  # of a curve over linear light: few enough for GIMP, enough for the dark tones


def add_baked_copy(image: Any, layer: Any, edits: list[Edit], facts: dict[str, Any]) -> list[Any]:
    """Put an edited copy above the layer and return it in a list.

    Over an opaque photo the copy shows through a mask that hides all unselected pixels.  Of any other layer the copy
    takes the place, unselected pixels bit for bit, and the original is hidden.  `facts` goes into the parasite.  To be
    called inside an undo group.
    """
    visible = [item for item in edits_above(image, layer) if item.get_visible()]
    source = visible[-1] if visible else layer
    size = layer.get_width(), layer.get_height()
    work = Gimp.Image.new_with_precision(*size, image.get_base_type(), Gimp.Precision.FLOAT_LINEAR)
    try:
        work.undo_disable()
        work.set_color_profile(image.get_color_profile())
        pixels = _pixels_of(source, work)
        opaque = covers_canvas(image, layer) and is_opaque(pixels)
        selected = _select_same(image, layer, work)
        for edit in edits:
            _apply(pixels, edit)
        Gimp.Selection.none(work)
        selected.threshold(Gimp.HistogramChannel.VALUE, 1e-9, 1)
        edited = Gimp.Layer.new_from_drawable(pixels, image)
        if opaque:
            baked = edited
            image.insert_layer(baked, layer.get_parent(), image.get_item_position(source))
            baked.set_offsets(0, 0)
            baked.add_mask(baked.create_mask(Gimp.AddMaskType.BLACK))
            _copy(selected, baked.get_mask(), [(0, 0, *size)])
        else:
            baked = source.copy()
            baked.merge_filters()
            _copy(edited, baked, _runs(selected))
            edited.delete()
            image.insert_layer(baked, layer.get_parent(), image.get_item_position(source))
            layer.set_visible(False)
    finally:
        work.delete()
    baked.set_name(", ".join(edit.label() for edit in edits))
    write_parasite(baked, {**facts, "role": BAKED if opaque else REPLACEMENT, "edits": to_json(edits)})
    image.set_selected_layers([layer if opaque else baked])
    return [baked]


def _pixels_of(source: Any, work: Any) -> Any:
    """A layer of the work image with the source's pixels, its own filters applied, without its mask."""
    pixels = Gimp.Layer.new_from_drawable(source, work)
    work.insert_layer(pixels, None, 0)
    pixels.set_offsets(0, 0)
    pixels.merge_filters()
    if pixels.get_mask() is not None:
        pixels.remove_mask(Gimp.MaskApplyMode.DISCARD)
    return pixels


def _select_same(image: Any, layer: Any, work: Any) -> Any:
    """Select in the work image what is selected of the layer, and return it as a channel."""
    width, height = layer.get_width(), layer.get_height()
    _, x, y = layer.get_offsets()
    channel = Gimp.Channel.new(work, "selected", width, height, 100, Gegl.Color.new("black"))
    work.insert_channel(channel, None, 0)
    buffer = channel.get_buffer()
    buffer_of_selection, whole = image.get_selection().get_buffer(), Gegl.Rectangle.new(0, 0, width, height)
    buffer_of_selection.copy(Gegl.Rectangle.new(x, y, width, height), Gegl.AbyssPolicy.NONE, buffer, whole)
    buffer.flush()
    channel.update(0, 0, width, height)
    work.select_item(Gimp.ChannelOps.REPLACE, channel)
    return channel


def _apply(pixels: Any, edit: Edit) -> None:
    """One operator on the selected pixels; the selection blends it softly, in linear light."""
    if not isinstance(edit, Curves):
        pixels.merge_filter(filter_for(pixels, edit))
        return
    channels = Gimp.HistogramChannel
    names = [channels.VALUE] if pixels.is_gray() else [channels.RED, channels.GREEN, channels.BLUE]
    for channel, name in enumerate(names):
        pixels.curves_explicit(name, _linear_samples(edit, channel))


def _linear_samples(edit: Curves, channel: int) -> list[float]:
    """The curve as GIMP 3.0 wants it: from linear light to linear light, though it is defined on encoded values."""
    return [decode(edit.value(channel, encode(i / (_SAMPLES - 1)))) for i in range(_SAMPLES)]


def _runs(mask: Any) -> Iterator[tuple[int, int, int, int]]:
    """The white parts of a black and white drawable as rectangles x, y, width, height of one row each."""
    buffer, width = mask.get_buffer(), mask.get_width()
    for y in range(mask.get_height()):
        row = buffer.get(Gegl.Rectangle.new(0, y, width, 1), 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
        for run in re.finditer(rb"[^\0]+", bytes(row)):
            yield run.start(), y, run.end() - run.start(), 1


def _copy(
    source: Any, target: Any, parts: Iterator[tuple[int, int, int, int]] | list[tuple[int, int, int, int]]
) -> None:
    """Copy rectangles from one drawable into another of the same size."""
    buffer, edited = source.get_buffer(), target.get_buffer()
    for part in parts:
        rectangle = Gegl.Rectangle.new(*part)
        buffer.copy(rectangle, Gegl.AbyssPolicy.NONE, edited, rectangle)
    edited.flush()
    target.update(0, 0, target.get_width(), target.get_height())
