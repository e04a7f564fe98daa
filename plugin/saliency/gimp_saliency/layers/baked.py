# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit as pixels, for GIMP 3.0, whose live curves crash the whole of GIMP.

The same operators in the same order on a floating-point copy of the layer, each blended through the selection, then
those of the background through its inverse, nothing clipped or rounded in between except by the curves themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

from gi.repository import Gegl, Gimp

from ..image.boxes import find_boxes
from ..image.floats import repair
from ..image.geometry import Box
from ..image.pixels import ROWS, copy_pixels
from ..image.selection import preserve_selection
from ..image.tree import covers_canvas, hide_layer, is_opaque, merge_filters, siblings
from ..shared.edits import Edit, curve_value, join_edits, reach
from ..shared.errors import UserError
from ..shared.request import EditRequest
from ..shared.words import _
from .live import make_filter
from .method import FoundValues, MadeEdit, PartEdit, PartSelection
from .original import copy_original, select_and_keep
from .packing import pack_selection, read_packed, select_packed, unpack_selection
from .record import PERSISTENT_UNDOABLE, EditRecord, LayerNote, Role, edits_above, read_note, read_role, write_note
from .titles import describe_edits, mark_layer

_SELECTION = "saliency-selection"  # name of the parasite that keeps what was selected
_WHOLE = "saliency-whole-selection"  # and of the one with all that is not background, where that is more


class Baked:
    """Edits as a copy of the photo, made anew when they are adjusted."""

    keeps_layers: ClassVar[bool] = False

    def __init__(self, takes_light: bool) -> None:
        """takes_light: whether GIMP's curves take linear light only, as those of GIMP 3.0 do."""
        self._takes_light = takes_light

    def add(self, image: Gimp.Image, photo: Gimp.Layer, part: PartEdit, whole: Gimp.Channel | None) -> list[Gimp.Layer]:
        """As `Adder` says: one edited copy.

        Over an opaque photo the copy shows through a mask that hides all unchanged pixels.  Of any other layer the copy
        takes the place, unchanged pixels bit for bit, and the original is hidden; with `alone` of an opaque one, too.
        """
        return [_Baking(image, photo, part, whole, self._takes_light).run()]

    def read(self, layers: list[Gimp.Layer], around: list[Gimp.Layer], record: EditRecord, side: float) -> FoundValues:
        """As `Method` says: what is noted."""
        edits = read_note(layers[0]).around or ()
        on = bool(record.background) and any(not edit.is_identity() for edit in edits)
        return FoundValues(record.base, frozenset(), record.background, frozenset(), on)

    def check(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """As `Method` says: not below a later edit, which was made from this one."""
        old = edit.layers[0]
        above = edits_above(image, old)
        if above:
            message = _("A later edit above this one was made from it: adjust or delete «{name}» first.")
            raise UserError(message.format(name=above[0].get_name()))
        unpack_selection(image, read_packed(old, _SELECTION))
        if old.get_parasite(_WHOLE) is not None:
            unpack_selection(image, read_packed(old, _WHOLE))

    def change(
        self,
        image: Gimp.Image,
        edit: MadeEdit,
        record: EditRecord,
        request: EditRequest,
        side: float,
        region: PartSelection | None,
    ) -> list[Gimp.Layer]:
        """As `Method` says: a new copy in the place of the old one."""
        gray = edit.photo.is_gray()
        edits, around = request.scale_edits(record.base, gray), request.scale_background(record.background, gray)
        old, photo = edit.layers[0], edit.photo
        before, replaced = siblings(image, old), read_role(old) == Role.REPLACEMENT
        record = record._replace(side=side)
        part = PartEdit(tuple(edits), PartSelection(), record, tuple(around), alone=replaced)
        try:
            with preserve_selection(image), self._select_anew(image, edit, region) as whole:
                old.set_visible(False)
                if replaced:
                    photo.set_visible(True)
                layers = self.add(image, photo, part, whole)
        except BaseException:
            for item in siblings(image, photo):
                if item not in before:
                    image.remove_layer(item)
            photo.set_visible(not replaced)
            old.set_visible(True)
            raise
        copy_original(old, layers[0])
        name = read_note(layers[0]).name if old.get_name() == read_note(old).name else old.get_name()
        layers[0].set_opacity(old.get_opacity())
        image.remove_layer(old)
        layers[0].set_name(name)  # only now: GIMP gives no two layers the same name
        return layers

    def select_region(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """As `Method` says, by what the copy keeps."""
        select_packed(image, read_packed(edit.layers[0], _SELECTION))

    def select_whole(self, image: Gimp.Image, edit: MadeEdit) -> bool:
        """As `Method` says, by what the copy keeps."""
        baked = edit.layers[0]
        several = baked.get_parasite(_WHOLE) is not None
        if several:
            select_packed(image, read_packed(baked, _WHOLE))
        return several

    def select_others(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """As `Method` says, by what their copies keep."""
        for layer in edit.other_parts():
            select_packed(image, read_packed(layer, _SELECTION), Gimp.ChannelOps.ADD)

    @contextmanager
    def _select_anew(
        self, image: Gimp.Image, edit: MadeEdit, region: PartSelection | None
    ) -> Iterator[Gimp.Channel | None]:
        """Select what a new copy is for; gives a channel with all that is not background, None if that is the same."""
        if edit.layers[0].get_parasite(_WHOLE) is None:
            self._select_new_region(image, edit, region)
            yield None
            return
        if region is None:
            self.select_whole(image, edit)
        else:
            self._select_new_region(image, edit, region)
            self.select_others(image, edit)
        with preserve_selection(image) as whole:
            self._select_new_region(image, edit, region)
            yield whole

    def _select_new_region(self, image: Gimp.Image, edit: MadeEdit, region: PartSelection | None) -> None:
        """Select what a new copy is for; None: what the old one is for."""
        if region is None:
            self.select_region(image, edit)
        else:
            select_and_keep(image, edit, self)
            region.select(image)


class _Baking:
    """The making of one edited copy."""

    def __init__(
        self, image: Gimp.Image, photo: Gimp.Layer, part: PartEdit, whole: Gimp.Channel | None, takes_light: bool
    ) -> None:
        self._image, self._photo, self._part, self._whole = image, photo, part, whole
        self._takes_light = takes_light
        self._edits, self._around = (
            join_edits((edit for edit in edits if not edit.is_identity()), photo.is_gray())
            for edits in (part.edits, part.around)
        )
        visible = [item for item in edits_above(image, photo) if item.get_visible()]
        self._source = visible[-1] if visible else photo
        self._noted = {_SELECTION: _pack_on_layer(image, photo)}

    def run(self) -> Gimp.Layer:
        """Make the copy; the photo, or the copy in its place, is active then."""
        image, photo = self._image, self._photo
        changed = _find_box_on_canvas(image, photo) if self._around else find_selected_box(image, photo)
        x, y, width, height = box = _add_surroundings(
            photo, changed, [*self._edits, *self._around], self._part.record.side
        )
        inner = changed[0] - x, changed[1] - y, *changed[2:]  # the same in the work image's pixels
        unedited = merge_filters(image, self._source)
        work = Gimp.Image.new_with_precision(width, height, image.get_base_type(), Gimp.Precision.FLOAT_LINEAR)
        try:
            pixels = copy_to_work(work, image, unedited, box)
            repair(pixels)
            opaque = not self._part.alone and covers_canvas(image, photo) and is_opaque(pixels)
            pixels, touched = self._edit(work, pixels, box)
            baked = insert_copy(image, self._source, unedited)
            if opaque:
                _show_through_mask(baked, pixels, touched, inner, (x, y))
            else:
                copy_pixels(pixels, baked, find_boxes(touched), (x, y))
                hide_layer(photo)
        finally:
            work.delete()
            if unedited != self._source:
                unedited.get_image().delete()
        self._label(baked, Role.BAKED if opaque else Role.REPLACEMENT)
        image.set_selected_layers([photo if opaque else baked])
        return baked

    def _edit(self, work: Gimp.Image, pixels: Gimp.Layer, box: Box) -> tuple[Gimp.Layer, Gimp.Channel]:
        """The work image's layer with all edits, and a channel that is white where something was edited."""
        selected = outside = copy_selection(self._image, self._photo, work, box)
        if self._whole is not None:
            with preserve_selection(self._image):
                self._image.select_item(Gimp.ChannelOps.REPLACE, self._whole)
                outside = copy_selection(self._image, self._photo, work, box)
                self._noted[_WHOLE] = _pack_on_layer(self._image, self._photo)
        touched = Gimp.Channel.new(work, "touched", *box[2:], 100, Gegl.Color.new("black"))
        work.insert_channel(touched, None, 0)
        for inverted, channel, edits in ((False, selected, self._edits), (True, outside, self._around)):
            work.select_item(Gimp.ChannelOps.REPLACE, channel)
            if inverted:
                Gimp.Selection.invert(work)
            if not edits or not Gimp.Selection.bounds(work)[1]:
                continue  # what GIMP edits where nothing is selected is everything
            for edit in edits:
                pixels = bake_edit(pixels, edit, self._part.record.side, self._takes_light)
            work.select_item(Gimp.ChannelOps.ADD, touched)
            touched = Gimp.Selection.save(work)
        Gimp.Selection.none(work)
        touched.threshold(Gimp.HistogramChannel.VALUE, 1e-9, 1)
        return pixels, touched

    def _label(self, baked: Gimp.Layer, role: Role) -> None:
        """Name the copy and let it say what it is."""
        record = self._part.record
        name = describe_edits(record.title, self._edits, self._around)
        baked.set_name(_name_frame(self._photo) if self._part.alone else name)
        mark_layer(baked, record)
        around = self._part.around if record.background else None
        write_note(baked, record, LayerNote(role, self._part.edits, around=around, name=name))
        for parasite, values in self._noted.items():
            baked.attach_parasite(Gimp.Parasite.new(parasite, PERSISTENT_UNDOABLE, values))


def _show_through_mask(
    baked: Gimp.Layer, pixels: Gimp.Layer, touched: Gimp.Channel, inner: Box, shift: tuple[int, int]
) -> None:
    """Give a copy its pixels in a box, and a mask that shows no others."""
    if baked.get_mask() is not None:  # an earlier edit's
        baked.remove_mask(Gimp.MaskApplyMode.DISCARD)
    copy_pixels(pixels, baked, [inner], shift)
    mask = baked.create_mask(Gimp.AddMaskType.BLACK)
    baked.add_mask(mask)
    copy_pixels(touched, mask, [inner], shift)


def _name_frame(layer: Gimp.Layer) -> str:
    """The name of a frame's copy: in a frame's name GIMP keeps how long it is shown."""
    name = layer.get_name()
    return name if read_role(layer) == Role.REPLACEMENT else _("{name} edited").format(name=name)


def _pack_on_layer(image: Gimp.Image, layer: Gimp.Layer) -> bytes:
    """The selection on a layer as a parasite keeps it for `change`: what is baked is already blended by it."""
    _ok, left, top = layer.get_offsets()
    x, y, width, height = find_selected_box(image, layer)
    return pack_selection(image, (x + left, y + top, width, height))


def find_selected_box(image: Gimp.Image, layer: Gimp.Layer) -> Box:
    """The part of the layer that the selection's bounds cover, in the layer's own pixels."""
    return _find_box(layer, *Gimp.Selection.bounds(image)[2:])


def _find_box_on_canvas(image: Gimp.Image, layer: Gimp.Layer) -> Box:
    """The part of the layer that lies on the canvas, in the layer's own pixels."""
    return _find_box(layer, 0, 0, image.get_width(), image.get_height())


def _find_box(layer: Gimp.Layer, left: int, top: int, right: int, bottom: int) -> Box:
    """The part of the layer in a box of the canvas, in the layer's own pixels."""
    _ok, x, y = layer.get_offsets()
    left, top = max(left - x, 0), max(top - y, 0)
    return left, top, min(right - x, layer.get_width()) - left, min(bottom - y, layer.get_height()) - top


def _add_surroundings(layer: Gimp.Layer, box: Box, edits: Sequence[Edit], side: float) -> Box:
    """The box with as much of the layer around it as the edits look at."""
    margin = reach(edits, side)
    x, y = max(0, box[0] - margin), max(0, box[1] - margin)
    right, bottom = box[0] + box[2] + margin, box[1] + box[3] + margin
    return x, y, min(right, layer.get_width()) - x, min(bottom, layer.get_height()) - y


def copy_to_work(work: Gimp.Image, image: Gimp.Image, layer: Gimp.Layer, box: Box) -> Gimp.Layer:
    """A layer of a new work image with a box of pixels of a layer of the image, in its profile."""
    work.undo_disable()
    profile = image.get_color_profile()
    if profile is not None:
        work.set_color_profile(profile)
    # Not a copy of the layer: GIMP 3.0 would mistake its colour profile.
    pixels = Gimp.Layer.new(work, "", *box[2:], layer.type(), 100, Gimp.LayerMode.NORMAL)
    work.insert_layer(pixels, None, 0)
    copy_pixels(layer, pixels, [box], (-box[0], -box[1]))
    return pixels


def insert_copy(image: Gimp.Image, source: Gimp.Layer, merged: Gimp.Layer) -> Gimp.Layer:
    """A copy of a layer directly above it, without live filters.  merged: what `merge_filters` gave of it."""
    baked = source.copy() if merged == source else Gimp.Layer.new_from_drawable(merged, image)
    image.insert_layer(baked, source.get_parent(), image.get_item_position(source))
    if merged != source:  # GIMP 3.0 would mistake the colour profile
        copy_pixels(merged, baked, [(0, 0, source.get_width(), source.get_height())])
    return baked


def copy_selection(image: Gimp.Image, layer: Gimp.Layer, work: Gimp.Image, box: Box) -> Gimp.Channel:
    """A channel of the work image with what is selected of the layer's box."""
    _ok, x, y = layer.get_offsets()
    channel = Gimp.Channel.new(work, "selected", *box[2:], 100, Gegl.Color.new("black"))
    work.insert_channel(channel, None, 0)
    copy_pixels(image.get_selection(), channel, [(box[0] + x, box[1] + y, *box[2:])], (-box[0] - x, -box[1] - y))
    return channel


def bake_edit(pixels: Gimp.Layer, edit: Edit, side: float, takes_light: bool) -> Gimp.Layer:
    """One operator on the selected pixels, blended softly in linear light; return the layer with the result.

    side: the longer side of the whole picture in the layer's pixels, which sharpening goes by.
    """
    if edit.is_curved:
        curves = {
            channel: [curve_value(slopes, i / 255) for i in range(256)]
            for channel, slopes in edit.curves(pixels.is_gray()).items()
        }
        return bake_curves(pixels, curves, takes_light)
    if edit.reach(side):  # GIMP 3.0 would show it nothing of what lies around the selection
        return _apply_apart(
            pixels, edit.reach(side), lambda copy, _box: copy.merge_filter(make_filter(copy, edit, side))
        )
    pixels.merge_filter(make_filter(pixels, edit, side))
    return pixels


def bake_curves(pixels: Gimp.Layer, curves: Mapping[str, Sequence[float]], takes_light: bool) -> Gimp.Layer:
    """The same with curves: by GIMP's name of the channel 256 outputs, both display-encoded."""
    return _apply_apart(pixels, 0, lambda copy, box: _apply_curves(copy, box, curves, takes_light))


def _apply_apart(pixels: Gimp.Layer, margin: int, change: Callable[[Gimp.Layer, Box], None]) -> Gimp.Layer:
    """Let `change` work on a copy of the pixels, which is then merged through the selection; return the merged layer.

    change gets the copy and the selection's bounds with a margin in px around, which are selected wholly.  Their alpha
    stays as it is.
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
    work.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
    change(copy, box)
    work.select_item(Gimp.ChannelOps.REPLACE, selection)
    merged = _replace_through_selection(pixels, copy) if some else copy
    work.remove_channel(selection)
    return merged


def _replace_through_selection(pixels: Gimp.Layer, changed: Gimp.Layer) -> Gimp.Layer:
    """Merge changed pixels with those before, blended by the selection in linear light, and with the alpha of these.

    No mode of layers replaces pixels, but one opaque layer over another does.
    """
    work = pixels.get_image()
    alpha = pixels.create_mask(Gimp.AddMaskType.ALPHA) if pixels.has_alpha() else None
    _drop_alpha(pixels)
    above = _drop_alpha(changed)
    above.add_mask(above.create_mask(Gimp.AddMaskType.SELECTION))
    merged = work.merge_down(above, Gimp.MergeType.CLIP_TO_BOTTOM_LAYER)
    if alpha is not None:
        merged.add_alpha()
        merged.add_mask(alpha)
        with preserve_selection(work):
            Gimp.Selection.none(work)
            merged.remove_mask(Gimp.MaskApplyMode.APPLY)
    return merged


def _drop_alpha(pixels: Gimp.Layer) -> Gimp.Layer:
    """Put a layer with the same colours, all opaque, on top in the place of one; return it."""
    if not pixels.has_alpha():
        return pixels
    work = pixels.get_image()
    kind = Gimp.ImageType.GRAY_IMAGE if pixels.is_gray() else Gimp.ImageType.RGB_IMAGE
    size = pixels.get_width(), pixels.get_height()
    opaque = Gimp.Layer.new(work, "", *size, kind, 100, Gimp.LayerMode.NORMAL)
    work.insert_layer(opaque, None, 0)
    copy_pixels(pixels, opaque, [(0, 0, *size)])
    work.remove_layer(pixels)
    return opaque


def _apply_curves(layer: Gimp.Layer, box: Box, curves: Mapping[str, Sequence[float]], takes_light: bool) -> None:
    """Curves on display-encoded values; where GIMP takes linear light only, they pass for linear ones for a while."""
    work = layer.get_image()
    profile = work.get_color_profile()
    if profile is not None:
        work.set_color_profile(Gimp.ColorProfile.new_rgb_srgb())  # keeps the numbers, whatever their primaries
    if takes_light:
        _reinterpret(layer, box, "R'G'B'A float", "RGBA float")
    for channel, samples in curves.items():
        layer.curves_explicit(getattr(Gimp.HistogramChannel, channel.upper()), samples)
    if takes_light:
        _reinterpret(layer, box, "RGBA float", "R'G'B'A float")
    if profile is not None:
        work.set_color_profile(profile)


def _reinterpret(layer: Gimp.Layer, box: Box, read_as: str, write_as: str) -> None:
    """Read the numbers in a box of the layer in one babl format and write them back as another."""
    x, y, width, height = box
    buffer = layer.get_buffer()
    for row in range(y, y + height, ROWS):
        strip = Gegl.Rectangle.new(x, row, width, min(ROWS, y + height - row))
        buffer.set(strip, write_as, bytes(buffer.get(strip, 1.0, read_as, Gegl.AbyssPolicy.NONE)))
    buffer.flush()
    layer.update(x, y, width, height)
