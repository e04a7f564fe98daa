# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks in files: what they say is selected, value for value."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gi.repository import Gegl, Gimp

from ..image.geometry import Box
from ..image.selection import select_values
from ..layers.flat import is_flat
from ..shared.errors import UserError
from ..shared.proportions import has_shape
from ..shared.words import _
from .files import load_image


@dataclass(frozen=True)
class MaskValues:
    """The grey values of a mask that was read already.

    size: width and height in px; box: x, y, width and height of what is not black; component: babl's name for one
    value, "u8" or "u16"; deflated: the values of the box, row by row.
    """

    size: tuple[int, int]
    box: tuple[int, int, int, int]
    component: str
    deflated: bytes

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> MaskValues:
        """What `MaskValues` of the model server's `batch.masks` wrote."""
        (width, height), (x, y, columns, rows) = content["size"], content["box"]
        return cls((width, height), (x, y, columns, rows), content["component"], base64.b64decode(content["values"]))


def select_mask(image: Gimp.Image, path: str, read: MaskValues | None) -> None:
    """Select what a mask shows, scaled to the image: white is selected, black is not, grey value v is v / 255.

    read: its values, where somebody has read it.  Raises UserError.
    """
    size = image.get_width(), image.get_height()
    if read:
        _check_shape(path, read.size, size)
        if read.size == size:
            select_values(image, zlib.decompress(read.deflated), read.component, read.box)
        else:
            select_values(image, _scale_box(read, size), "u16")
        return
    mask = load_image(path, _("The mask {path} cannot be read ({reason}): choose one that GIMP can open."))
    try:
        _check_shape(path, (mask.get_width(), mask.get_height()), size)
        coverage = _compute_coverage(mask, *size)
    finally:
        mask.delete()
    select_values(image, coverage, "u16")
    if not Gimp.Selection.bounds(image)[1]:
        raise UserError(_("The mask {path} is black everywhere: paint the region white.").format(path=path))


def _check_shape(path: str, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Raises UserError where a mask cannot be one of the whole picture."""
    if not has_shape(size, wanted):
        message = _(
            "The mask {path} has another shape ({mask}) than the picture ({picture}): export it at the picture's size."
        )
        mask, picture = ("×".join(map(str, each)) for each in (size, wanted))
        raise UserError(message.format(path=path, mask=mask, picture=picture))


def _compute_coverage(mask: Gimp.Image, width: int, height: int) -> bytes:
    """The mask's grey values as they are in the file, 16 bits a pixel, scaled to width x height."""
    if mask.get_base_type() == Gimp.ImageBaseType.INDEXED:
        mask.convert_rgb()
    # The values are no light, so the file's profile or gamma means nothing: assigned, not converted.
    gray = mask.get_base_type() == Gimp.ImageBaseType.GRAY
    mask.set_color_profile(Gimp.ColorProfile.new_d65_gray_srgb_trc() if gray else Gimp.ColorProfile.new_rgb_srgb())
    Gimp.context_push()
    try:
        Gimp.context_set_background(Gegl.Color.new("black"))
        _add_black(mask)
        values = _read_values(mask.get_layers()[0] if is_flat(mask) else mask.flatten())
        size = mask.get_width(), mask.get_height()
        return values if size == (width, height) else _scale_values(values, size, (width, height))
    finally:
        Gimp.context_pop()


def _add_black(mask: Gimp.Image) -> None:
    """Put black under a mask with transparency, so that it darkens the grey values without going through light."""
    layers = mask.get_layers()
    if any(layer.has_alpha() for layer in layers):
        for layer in layers:
            layer.set_composite_space(Gimp.LayerColorSpace.RGB_NON_LINEAR)
        size = mask.get_width(), mask.get_height()
        black = Gimp.Layer.new(mask, "", *size, layers[0].type(), 100, Gimp.LayerMode.NORMAL)
        mask.insert_layer(black, None, len(layers))
        black.fill(Gimp.FillType.BACKGROUND)


def _scale_values(values: bytes, size: tuple[int, int], wanted: tuple[int, int]) -> bytes:
    """Values of 16 bits a pixel, scaled from one width and height to another; changes GIMP's context."""
    return _scale((0, 0, *size), values, "u16", size, wanted)


def _scale_box(read: MaskValues, wanted: tuple[int, int]) -> bytes:
    """Values that were read, 16 bits a pixel, scaled to a width and height."""
    Gimp.context_push()
    try:
        return _scale(read.box, zlib.decompress(read.deflated), read.component, read.size, wanted)
    finally:
        Gimp.context_pop()


def _scale(box: Box, values: bytes, component: str, size: tuple[int, int], wanted: tuple[int, int]) -> bytes:
    """The values in a box of a black plane of a width and height, scaled to others; changes GIMP's context."""
    # GIMP scales light.  In an image of linear precision the values are just numbers.
    image = Gimp.Image.new_with_precision(*size, Gimp.ImageBaseType.GRAY, Gimp.Precision.U16_LINEAR)
    try:
        layer = Gimp.Layer.new(image, "", *size, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        Gimp.context_set_background(Gegl.Color.new("black"))
        layer.fill(Gimp.FillType.BACKGROUND)
        buffer = layer.get_buffer()
        buffer.set(Gegl.Rectangle.new(*box), f"Y {component}", values)
        buffer.flush()
        Gimp.context_set_interpolation(Gimp.InterpolationType.LINEAR)
        layer.scale(*wanted, False)
        return _read_values(layer)
    finally:
        image.delete()


def _read_values(layer: Gimp.Layer) -> bytes:
    rectangle = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    value_format = _choose_format(layer.get_image())
    return bytes(layer.get_buffer().get(rectangle, 1.0, value_format, Gegl.AbyssPolicy.NONE))


def _choose_format(image: Gimp.Image) -> str:
    """The 16-bit format in which a grey value of this image is its own number, whether or not it counts light."""
    nick = image.get_precision().value_nick
    return "Y u16" if "-non-" not in nick and nick.endswith("-linear") else "Y' u16"
