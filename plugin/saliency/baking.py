# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit as pixels, for GIMP 3.0, whose live curves crash the whole of GIMP.

The same operators in the same order on a floating-point copy of the layer, each blended through the selection, nothing
clipped or rounded in between except by the curves themselves.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from adjustments import filter_for, is_opaque
from edits import Curves, Edit, to_json
from errors import UserError
from gi.repository import Gegl, Gimp
from selection import kept, select_values
from target import (
    BAKED,
    GIMP_32,
    PERSISTENT_UNDOABLE,
    REPLACEMENT,
    covers_canvas,
    edits_above,
    read_parasite,
    role,
    siblings,
    write_parasite,
)
from words import _

Box = tuple[int, int, int, int]  # x, y, width, height in pixels

_SELECTION = "saliency-selection"  # name of the parasite that keeps what was selected

_ROWS = 128  # read at a time; GIMP's tiles are 128 rows high


def add_baked_copy(image: Any, layer: Any, edits: list[Edit], facts: dict[str, Any], alone: bool = False) -> list[Any]:
    """Put an edited copy above the layer and return it in a list.

    Over an opaque photo the copy shows through a mask that hides all unselected pixels.  Of any other layer the copy
    takes the place, unselected pixels bit for bit, and the original is hidden; with `alone` of an opaque one, too.
    `facts` goes into the parasite.  To be called inside an undo group.
    """
    visible = [item for item in edits_above(image, layer) if item.get_visible()]
    source = visible[-1] if visible else layer
    x, y, width, height = box = _selected_box(image, layer)
    unedited = _without_filters(image, source)
    work = Gimp.Image.new_with_precision(width, height, image.get_base_type(), Gimp.Precision.FLOAT_LINEAR)
    try:
        work.undo_disable()
        if image.get_color_profile() is not None:
            work.set_color_profile(image.get_color_profile())
        # Not a copy of the layer: GIMP 3.0 would mistake its colour profile.
        pixels = Gimp.Layer.new(work, "", width, height, source.type(), 100, Gimp.LayerMode.NORMAL)
        work.insert_layer(pixels, None, 0)
        copy_pixels(unedited, pixels, [box], (-x, -y))
        opaque = not alone and covers_canvas(image, layer) and is_opaque(pixels)
        selected = _select_same(image, layer, work, box)
        for edit in edits:
            pixels = apply(pixels, edit)
        Gimp.Selection.none(work)
        selected.threshold(Gimp.HistogramChannel.VALUE, 1e-9, 1)
        baked = source.copy()
        image.insert_layer(baked, layer.get_parent(), image.get_item_position(source))
        if unedited != source:
            for live_filter in baked.get_filters():
                live_filter.delete()
            copy_pixels(unedited, baked, [(0, 0, layer.get_width(), layer.get_height())])
        if opaque:
            if baked.get_mask() is not None:  # an earlier edit's
                baked.remove_mask(Gimp.MaskApplyMode.DISCARD)
            copy_pixels(pixels, baked, [(0, 0, width, height)], (x, y))
            baked.add_mask(baked.create_mask(Gimp.AddMaskType.BLACK))
            copy_pixels(selected, baked.get_mask(), [(0, 0, width, height)], (x, y))
        else:
            copy_pixels(pixels, baked, _runs(selected), (x, y))
            layer.set_visible(False)
    finally:
        work.delete()
        if unedited != source:
            unedited.get_image().delete()
    name = ", ".join(edit.label() for edit in edits if not edit.is_identity())
    baked.set_name(_frame_name(layer) if alone else name)
    content = {**facts, "role": BAKED if opaque else REPLACEMENT, "edits": to_json(edits), "name": name}
    write_parasite(baked, content)
    _ok, left, top = layer.get_offsets()
    _note_selection(image, baked, (x + left, y + top, width, height))
    image.set_selected_layers([layer if opaque else baked])
    return [baked]


def _frame_name(layer: Any) -> str:
    """The name of a frame's copy: in a frame's name GIMP keeps how long it is shown."""
    name = layer.get_name()
    return str(name) if role(layer) == REPLACEMENT else _("{name} edited").format(name=name)


def check_again(image: Any, old: Any) -> None:
    """Raises UserError if a baked copy cannot be baked again; changes nothing."""
    above = edits_above(image, old)
    if above:
        message = _("A later edit above this one was made from it: adjust or delete «{name}» first.")
        raise UserError(message.format(name=above[0].get_name()))
    _noted_selection(image, old)


def bake_again(image: Any, photo: Any, old: Any, edits: list[Edit], facts: dict[str, Any]) -> list[Any]:
    """Put a copy with other edits in the place of a baked one, by the selection that it was made for.

    To be called inside an undo group, after `check_again`.
    """
    before = siblings(image, old)
    replaced = role(old) == REPLACEMENT
    try:
        with kept(image):
            select_noted(image, old)
            old.set_visible(False)
            if replaced:
                photo.set_visible(True)
            layers = add_baked_copy(image, photo, edits, facts, alone=replaced)
    except BaseException:
        for item in siblings(image, photo):
            if item not in before:
                image.remove_layer(item)
        photo.set_visible(not replaced)
        old.set_visible(True)
        raise
    own, new = ((read_parasite(each) or {}).get("name") for each in (old, layers[0]))
    name = new if old.get_name() == own else old.get_name()  # one that the user or a frame gave
    layers[0].set_opacity(old.get_opacity())
    image.remove_layer(old)
    layers[0].set_name(name)  # only now: GIMP gives no two layers the same name
    return layers


def _note_selection(image: Any, baked: Any, box: Box) -> None:
    """Attach the selection within a box of the canvas, for `bake_again`: what is baked is already blended by it."""
    x, y, width, height = box
    buffer, packer = image.get_selection().get_buffer(), zlib.compressobj(1)
    packed = b""
    for row in range(y, y + height, _ROWS):
        strip = Gegl.Rectangle.new(x, row, width, min(_ROWS, y + height - row))
        packed += packer.compress(bytes(buffer.get(strip, 1.0, "Y u16", Gegl.AbyssPolicy.NONE)))
    header = struct.pack("<4i", *box)
    content = base64.b64encode(header + packed + packer.flush())  # GIMP 3.0 takes nothing but ASCII from Python
    baked.attach_parasite(Gimp.Parasite.new(_SELECTION, PERSISTENT_UNDOABLE, content))


def select_noted(image: Any, baked: Any) -> None:
    """Select what was selected when the copy was baked.  Raises UserError if nothing usable is noted."""
    values, box = _noted_selection(image, baked)
    select_values(image, values, "u16", box)


def _noted_selection(image: Any, baked: Any) -> tuple[bytes, Box]:
    """What was selected when the copy was baked: 16-bit values, and the box of the canvas that they are for."""
    parasite = baked.get_parasite(_SELECTION)
    try:
        data = base64.b64decode(bytes(parasite.get_data()).rstrip(b"\0"), validate=True) if parasite else b""
        x, y, width, height = struct.unpack("<4i", data[:16])
        canvas = (image.get_width(), image.get_height())
        if not (0 <= x < x + width <= canvas[0] and 0 <= y < y + height <= canvas[1]):
            raise ValueError
        unpacker = zlib.decompressobj()
        values = unpacker.decompress(data[16:], 2 * width * height)
        if len(values) != 2 * width * height or not any(values):
            raise ValueError
    except (struct.error, ValueError, zlib.error) as error:
        message = _("The edit's selection is no longer known: delete its layer, select the region and edit again.")
        raise UserError(message) from error
    return values, (x, y, width, height)


def _selected_box(image: Any, layer: Any) -> Box:
    """The part of the layer that the selection's bounds cover, in the layer's own pixels."""
    _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(image)
    _ok, x, y = layer.get_offsets()
    left, top = max(left - x, 0), max(top - y, 0)
    return left, top, min(right - x, layer.get_width()) - left, min(bottom - y, layer.get_height()) - top


def _without_filters(image: Any, layer: Any) -> Any:
    """The layer if it has no live filters; else one in an image of its own whose pixels they have changed.

    Merging them in the user's image would change the selection, a bug of GIMP 3.0.
    """
    if not layer.get_filters():
        return layer
    copy = image.duplicate().get_layer_by_tattoo(layer.get_tattoo())
    copy.merge_filters()
    return copy


def _select_same(image: Any, layer: Any, work: Any, box: Box) -> Any:
    """Select in the work image what is selected of the layer's box, and return it as a channel."""
    _ok, x, y = layer.get_offsets()
    channel = Gimp.Channel.new(work, "selected", *box[2:], 100, Gegl.Color.new("black"))
    work.insert_channel(channel, None, 0)
    copy_pixels(image.get_selection(), channel, [(box[0] + x, box[1] + y, *box[2:])], (-box[0] - x, -box[1] - y))
    work.select_item(Gimp.ChannelOps.REPLACE, channel)
    return channel


def apply(pixels: Any, edit: Edit) -> Any:
    """One operator on the selected pixels, blended softly in linear light; return the layer with the result."""
    if isinstance(edit, Curves):
        return _apply_curves(pixels, edit)
    pixels.merge_filter(filter_for(pixels, edit))
    return pixels


def _apply_curves(pixels: Any, edit: Curves) -> Any:
    """Curves on display-encoded values, though GIMP 3.0 takes them over linear light only.

    There they run on a copy whose encoded values pass for linear ones.  The copy is then merged through the selection
    by the mode that replaces, so that the blending is in linear light as everywhere.
    """
    work = pixels.get_image()
    profile = work.get_color_profile()
    selection = Gimp.Selection.save(work)
    if profile is not None:
        work.set_color_profile(Gimp.ColorProfile.new_rgb_srgb())  # keeps the numbers, whatever their primaries
    curved = pixels.copy()
    work.insert_layer(curved, None, 0)
    curved.add_mask(curved.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(work)
    if not GIMP_32:
        _reinterpret(curved, "R'G'B'A float", "RGBA float")
    gray = pixels.is_gray()
    channels = Gimp.HistogramChannel
    for channel, name in enumerate([channels.VALUE] if gray else [channels.RED, channels.GREEN, channels.BLUE]):
        curved.curves_explicit(name, [edit.value(channel, i / 255) for i in range(256)])
    if not GIMP_32:
        _reinterpret(curved, "RGBA float", "R'G'B'A float")
    curved.set_mode(Gimp.LayerMode.REPLACE)
    merged = work.merge_down(curved, Gimp.MergeType.CLIP_TO_BOTTOM_LAYER)
    if profile is not None:
        work.set_color_profile(profile)
    work.select_item(Gimp.ChannelOps.REPLACE, selection)
    work.remove_channel(selection)
    return merged


def _reinterpret(layer: Any, read_as: str, write_as: str) -> None:
    """Read the layer's numbers in one babl format and write them back as another."""
    buffer, width, height = layer.get_buffer(), layer.get_width(), layer.get_height()
    for y in range(0, height, _ROWS):
        strip = Gegl.Rectangle.new(0, y, width, min(_ROWS, height - y))
        buffer.set(strip, write_as, bytes(buffer.get(strip, 1.0, read_as, Gegl.AbyssPolicy.NONE)))
    buffer.flush()
    layer.update(0, 0, width, height)


def _runs(mask: Any) -> Iterator[Box]:
    """The white parts of a black and white drawable as boxes of one row each."""
    buffer, width = mask.get_buffer(), mask.get_width()
    for y in range(mask.get_height()):
        row = buffer.get(Gegl.Rectangle.new(0, y, width, 1), 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
        for run in re.finditer(rb"[^\0]+", bytes(row)):
            yield run.start(), y, run.end() - run.start(), 1


def copy_pixels(source: Any, target: Any, boxes: Iterable[Box], shift: tuple[int, int] = (0, 0)) -> None:
    """Copy boxes of a drawable's pixels into another drawable, shifted."""
    buffer, edited = source.get_buffer(), target.get_buffer()
    for x, y, width, height in boxes:
        place = Gegl.Rectangle.new(x + shift[0], y + shift[1], width, height)
        buffer.copy(Gegl.Rectangle.new(x, y, width, height), Gegl.AbyssPolicy.NONE, edited, place)
    edited.flush()
    target.update(0, 0, target.get_width(), target.get_height())
