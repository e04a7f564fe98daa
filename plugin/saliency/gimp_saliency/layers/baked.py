# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit as pixels, for GIMP 3.0, whose live curves crash the whole of GIMP.

The same operators in the same order on a floating-point copy of the layer, each blended through the selection, then
those of the background through its inverse, nothing clipped or rounded in between except by the curves themselves.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from gi.repository import Gegl, Gimp

from ..image.geometry import Box
from ..image.pixels import copy_pixels
from ..image.selection import preserve_selection, select_values
from ..image.tree import GIMP_32, covers_canvas, siblings
from ..shared.edits import Edit, curve_value, reach, to_json
from ..shared.errors import UserError
from ..shared.words import _
from .live import filter_for, is_opaque
from .record import BAKED, PERSISTENT_UNDOABLE, REPLACEMENT, read_parasite, role, write_parasite
from .target import edits_above

_SELECTION = "saliency-selection"  # name of the parasite that keeps what was selected
_WHOLE = "saliency-whole-selection"  # and of the one with all that is not background, where that is more


_ROWS = 128  # read at a time; GIMP's tiles are 128 rows high


def add_baked_copy(
    image: Any,
    layer: Any,
    edits: list[Edit],
    facts: dict[str, Any],
    side: float,
    alone: bool = False,
    around: Sequence[Edit] = (),
    whole: Any = None,
) -> list[Any]:
    """Put an edited copy above the layer and return it in a list.

    Over an opaque photo the copy shows through a mask that hides all unchanged pixels.  Of any other layer the copy
    takes the place, unchanged pixels bit for bit, and the original is hidden; with `alone` of an opaque one, too.
    `facts` goes into the parasite.  side: as for `bake_edit`.  around: edits of the background, which is all that is not
    in the channel `whole`, by default the selection.  To be called inside an undo group.
    """
    edits_there = [edit for edit in edits if not edit.is_identity()]
    edits_around = [edit for edit in around if not edit.is_identity()]
    visible = [item for item in edits_above(image, layer) if item.get_visible()]
    source = visible[-1] if visible else layer
    changed = _on_canvas(image, layer) if edits_around else _selected_box(image, layer)
    x, y, width, height = box = _with_surroundings(layer, changed, [*edits_there, *edits_around], side)
    inner = changed[0] - x, changed[1] - y, *changed[2:]  # the same in the work image's pixels
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
        selected = _same_channel(image, layer, work, box)
        noted = {_SELECTION: _packed_selection(image, layer)}
        outside = selected
        if whole is not None:
            with preserve_selection(image):
                image.select_item(Gimp.ChannelOps.REPLACE, whole)
                outside = _same_channel(image, layer, work, box)
                noted[_WHOLE] = _packed_selection(image, layer)
        touched = Gimp.Channel.new(work, "touched", width, height, 100, Gegl.Color.new("black"))
        work.insert_channel(touched, None, 0)
        for inverted, channel, several in ((False, selected, edits_there), (True, outside, edits_around)):
            work.select_item(Gimp.ChannelOps.REPLACE, channel)
            if inverted:
                Gimp.Selection.invert(work)
            if not several or not Gimp.Selection.bounds(work)[1]:
                continue  # what GIMP edits where nothing is selected is everything
            for edit in several:
                pixels = bake_edit(pixels, edit, side)
            work.select_item(Gimp.ChannelOps.ADD, touched)
            touched = Gimp.Selection.save(work)
        Gimp.Selection.none(work)
        touched.threshold(Gimp.HistogramChannel.VALUE, 1e-9, 1)
        baked = source.copy()
        image.insert_layer(baked, layer.get_parent(), image.get_item_position(source))
        if unedited != source:
            for live_filter in baked.get_filters():
                live_filter.delete()
            copy_pixels(unedited, baked, [(0, 0, layer.get_width(), layer.get_height())])
        if opaque:
            if baked.get_mask() is not None:  # an earlier edit's
                baked.remove_mask(Gimp.MaskApplyMode.DISCARD)
            copy_pixels(pixels, baked, [inner], (x, y))
            baked.add_mask(baked.create_mask(Gimp.AddMaskType.BLACK))
            copy_pixels(touched, baked.get_mask(), [inner], (x, y))
        else:
            copy_pixels(pixels, baked, _runs(touched), (x, y))
            layer.set_visible(False)
    finally:
        work.delete()
        if unedited != source:
            unedited.get_image().delete()
    name = ", ".join(edit.label() for edit in edits_there)
    if edits_around:
        labels = _("Background: {edit}").format(edit=", ".join(edit.label() for edit in edits_around))
        name = f"{name}; {labels}" if name else labels
    baked.set_name(_frame_name(layer) if alone else name)
    content = {**facts, "role": BAKED if opaque else REPLACEMENT, "edits": to_json(edits), "name": name}
    if "background" in facts:
        content["around"] = to_json(list(around))
    write_parasite(baked, content)
    for parasite, values in noted.items():
        baked.attach_parasite(Gimp.Parasite.new(parasite, PERSISTENT_UNDOABLE, values))
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
    _noted_selection(image, old, _SELECTION)
    if old.get_parasite(_WHOLE) is not None:
        _noted_selection(image, old, _WHOLE)


def bake_again(
    image: Any,
    photo: Any,
    old: Any,
    edits: list[Edit],
    facts: dict[str, Any],
    side: float,
    around: Sequence[Edit] = (),
) -> list[Any]:
    """Put a copy with other edits in the place of a baked one, by the selection that it was made for.

    Arguments are those of `add_baked_copy`.  To be called inside an undo group, after `check_again`.
    """
    before = siblings(image, old)
    replaced = role(old) == REPLACEMENT
    try:
        with preserve_selection(image):
            in_parts = select_noted_whole(image, old)
            with preserve_selection(image) if in_parts else nullcontext() as whole:
                select_noted(image, old)
                old.set_visible(False)
                if replaced:
                    photo.set_visible(True)
                layers = add_baked_copy(image, photo, edits, facts, side, replaced, around, whole)
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


def _packed_selection(image: Any, layer: Any) -> bytes:
    """The selection on a layer as a parasite keeps it for `bake_again`: what is baked is already blended by it."""
    _ok, left, top = layer.get_offsets()
    x, y, width, height = _selected_box(image, layer)
    x, y = x + left, y + top
    buffer, packer = image.get_selection().get_buffer(), zlib.compressobj(1)
    packed = b""
    for row in range(y, y + height, _ROWS):
        strip = Gegl.Rectangle.new(x, row, width, min(_ROWS, y + height - row))
        packed += packer.compress(bytes(buffer.get(strip, 1.0, "Y u16", Gegl.AbyssPolicy.NONE)))
    header = struct.pack("<4i", x, y, width, height)
    return base64.b64encode(header + packed + packer.flush())  # GIMP 3.0 takes nothing but ASCII from Python


def select_noted(image: Any, baked: Any) -> None:
    """Select what was selected when the copy was baked.  Raises UserError if nothing usable is noted."""
    _select(image, baked, _SELECTION)


def select_noted_whole(image: Any, baked: Any) -> bool:
    """The same of all that was not background; False, nothing selected anew, where that is what `select_noted` does."""
    several = baked.get_parasite(_WHOLE) is not None
    if several:
        _select(image, baked, _WHOLE)
    return several


def _select(image: Any, baked: Any, name: str) -> None:
    values, box = _noted_selection(image, baked, name)
    select_values(image, values, "u16", box)


def _noted_selection(image: Any, baked: Any, name: str) -> tuple[bytes, Box]:
    """What a parasite of a baked copy says was selected: 16-bit values, and the box of the canvas they are for."""
    parasite = baked.get_parasite(name)
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
    return _on_layer(layer, *Gimp.Selection.bounds(image)[2:])


def _on_canvas(image: Any, layer: Any) -> Box:
    """The part of the layer that lies on the canvas, in the layer's own pixels."""
    return _on_layer(layer, 0, 0, image.get_width(), image.get_height())


def _on_layer(layer: Any, left: int, top: int, right: int, bottom: int) -> Box:
    """The part of the layer in a box of the canvas, in the layer's own pixels."""
    _ok, x, y = layer.get_offsets()
    left, top = max(left - x, 0), max(top - y, 0)
    return left, top, min(right - x, layer.get_width()) - left, min(bottom - y, layer.get_height()) - top


def _with_surroundings(layer: Any, box: Box, edits: list[Edit], side: float) -> Box:
    """The box with as much of the layer around it as the edits look at."""
    margin = reach(edits, side)
    x, y = max(0, box[0] - margin), max(0, box[1] - margin)
    right, bottom = box[0] + box[2] + margin, box[1] + box[3] + margin
    return x, y, min(right, layer.get_width()) - x, min(bottom, layer.get_height()) - y


def _without_filters(image: Any, layer: Any) -> Any:
    """The layer if it has no live filters; else one in an image of its own whose pixels they have changed.

    Merging them in the user's image would change the selection, a bug of GIMP 3.0.
    """
    if not layer.get_filters():
        return layer
    copy = image.duplicate().get_layer_by_tattoo(layer.get_tattoo())
    copy.merge_filters()
    return copy


def _same_channel(image: Any, layer: Any, work: Any, box: Box) -> Any:
    """A channel of the work image with what is selected of the layer's box."""
    _ok, x, y = layer.get_offsets()
    channel = Gimp.Channel.new(work, "selected", *box[2:], 100, Gegl.Color.new("black"))
    work.insert_channel(channel, None, 0)
    copy_pixels(image.get_selection(), channel, [(box[0] + x, box[1] + y, *box[2:])], (-box[0] - x, -box[1] - y))
    return channel


def bake_edit(pixels: Any, edit: Edit, side: float) -> Any:
    """One operator on the selected pixels, blended softly in linear light; return the layer with the result.

    side: the longer side of the whole picture in the layer's pixels, which sharpening goes by.
    """
    if edit.is_curved:
        return _apply_apart(pixels, 0, lambda copy, box: _curve(copy, box, edit))
    if edit.reach(side):  # GIMP 3.0 would show it nothing of what lies around the selection
        return _apply_apart(
            pixels, edit.reach(side), lambda copy, _box: copy.merge_filter(filter_for(copy, edit, side))
        )
    pixels.merge_filter(filter_for(pixels, edit, side))
    return pixels


def _apply_apart(pixels: Any, margin: int, change: Callable[[Any, Box], None]) -> Any:
    """Let `change` work on a copy of the pixels, which is then merged through the selection; return the merged layer.

    change gets the copy and the selection's bounds with a margin in px around, which are selected wholly.  The mode
    that replaces lets the blending be in linear light as everywhere.
    """
    work = pixels.get_image()
    selection = Gimp.Selection.save(work)
    _ok, some, left, top, right, bottom = Gimp.Selection.bounds(work)
    if not some:
        left, top, right, bottom = 0, 0, work.get_width(), work.get_height()
    x, y = max(0, left - margin), max(0, top - margin)
    box = x, y, min(work.get_width(), right + margin) - x, min(work.get_height(), bottom + margin) - y
    copy = pixels.copy()
    work.insert_layer(copy, None, 0)
    copy.add_mask(copy.create_mask(Gimp.AddMaskType.SELECTION))
    work.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
    change(copy, box)
    copy.set_mode(Gimp.LayerMode.REPLACE)
    merged = work.merge_down(copy, Gimp.MergeType.CLIP_TO_BOTTOM_LAYER)
    work.select_item(Gimp.ChannelOps.REPLACE, selection)
    work.remove_channel(selection)
    return merged


def _curve(layer: Any, box: Box, edit: Edit) -> None:
    """Curves on display-encoded values, though GIMP 3.0 takes them over linear light only.

    There the encoded values pass for linear ones for a while.
    """
    work = layer.get_image()
    profile = work.get_color_profile()
    if profile is not None:
        work.set_color_profile(Gimp.ColorProfile.new_rgb_srgb())  # keeps the numbers, whatever their primaries
    if not GIMP_32:
        _reinterpret(layer, box, "R'G'B'A float", "RGBA float")
    for channel, slopes in edit.curves(layer.is_gray()).items():
        samples = [curve_value(slopes, i / 255) for i in range(256)]
        layer.curves_explicit(getattr(Gimp.HistogramChannel, channel.upper()), samples)
    if not GIMP_32:
        _reinterpret(layer, box, "RGBA float", "R'G'B'A float")
    if profile is not None:
        work.set_color_profile(profile)


def _reinterpret(layer: Any, box: Box, read_as: str, write_as: str) -> None:
    """Read the numbers in a box of the layer in one babl format and write them back as another."""
    x, y, width, height = box
    buffer = layer.get_buffer()
    for row in range(y, y + height, _ROWS):
        strip = Gegl.Rectangle.new(x, row, width, min(_ROWS, y + height - row))
        buffer.set(strip, write_as, bytes(buffer.get(strip, 1.0, read_as, Gegl.AbyssPolicy.NONE)))
    buffer.flush()
    layer.update(x, y, width, height)


def _runs(mask: Any) -> Iterator[Box]:
    """The white parts of a black and white drawable as boxes of one row each."""
    buffer, width = mask.get_buffer(), mask.get_width()
    for y in range(mask.get_height()):
        row = buffer.get(Gegl.Rectangle.new(0, y, width, 1), 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
        for run in re.finditer(rb"[^\0]+", bytes(row)):
            yield run.start(), y, run.end() - run.start(), 1
