# SPDX-License-Identifier: GPL-3.0-or-later
"""The predicted attention of the viewers as a layer of heat colours above the picture."""

from __future__ import annotations

import base64
import json
import zlib

from gi.repository import Gegl, Gimp

from ..image.heat import colour_heat
from ..image.pixels import flatten_thumbnail, scale_layer
from ..image.thumbnail import read_srgb, thumbnail_size
from ..image.tree import MAP_PARASITE, SMALLEST, covers_canvas
from ..shared import version
from ..shared.client import lifecycle, questions
from ..shared.errors import ServerError, UserError
from ..shared.words import _
from .record import PERSISTENT_UNDOABLE

_OPACITY = 50  # percent
_SMOOTH = 4  # how far the map is enlarged by cubic interpolation; from there on the much faster linear one looks alike


def add_map(image: Gimp.Image) -> Gimp.Layer:
    """Predict where viewers of the visible picture look, and return it as a new layer on top, one undo step.

    The layer covers the canvas at half opacity, in heat colours or, in a gray image, in greys; other maps are not seen
    as part of the picture.  The predicted values are in its parasite: JSON with "width", "height" (384 px at most),
    "map" (base64 of zlib-compressed bytes, rows from the top, 255 = most attention), "version" and "model" (null where
    it is not known).  Selection and active layers stay.

    Raises UserError or connection.ServerError, the image untouched.
    """
    width, height = _choose_size(image)
    values = questions.ask_saliency(_read_visible(image, (width, height)), width, height)
    facts = {
        "version": version.VERSION,
        "model": _ask_model(),
        "width": width,
        "height": height,
        "map": base64.b64encode(zlib.compress(values)).decode(),
    }
    layer = _make_layer(image, values, width, height)
    layer.attach_parasite(Gimp.Parasite.new(MAP_PARASITE, PERSISTENT_UNDOABLE, json.dumps(facts).encode()))
    _put_on_top(image, layer)
    return layer


def _choose_size(image: Gimp.Image) -> tuple[int, int]:
    """Width and height of the thumbnail for the server."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise UserError(_("Indexed pictures cannot be edited: choose Image → Mode → RGB first."))
    if image.get_floating_sel() is not None:
        raise UserError(_("There is a floating selection: anchor it in the Layer menu first."))
    if min(image.get_width(), image.get_height()) < SMALLEST:
        message = _("The picture is smaller than {pixels} pixels: choose a larger one.")
        raise UserError(message.format(pixels=SMALLEST))
    return thumbnail_size(image)


def _read_visible(image: Gimp.Image, size: tuple[int, int]) -> bytes:
    """R'G'B' bytes (sRGB) of what is visible, maps aside.  Raises UserError if nothing is."""
    shown = [layer for layer in image.get_layers() if layer.get_visible()]
    maps = [layer for layer in shown if layer.get_parasite(MAP_PARASITE) is not None]
    picture = [layer for layer in shown if layer not in maps]
    if picture and not picture[0].is_group() and not picture[0].has_alpha() and covers_canvas(image, picture[0]):
        thumbnail = read_srgb(image, picture[0], size)  # many times faster than the whole composition
    elif not maps:
        thumbnail = read_srgb(image, image, size)
    else:
        copy = image.duplicate()  # shares its pixels with the image; the user's layers must not flicker
        try:
            for layer in copy.get_layers():
                if layer.get_parasite(MAP_PARASITE) is not None:
                    layer.set_visible(False)
            thumbnail = read_srgb(copy, copy, size)
        finally:
            copy.delete()
    if not any(thumbnail[0][3::4]):
        raise UserError(_("Nothing is visible: make a layer visible in the Layers dialog first."))
    return flatten_thumbnail(thumbnail)


def _ask_model() -> str | None:
    """The name of the model that the running server uses."""
    try:
        return (lifecycle.ask_health() or {}).get("model")
    except ServerError:
        return None


def _make_layer(image: Gimp.Image, values: bytes, width: int, height: int) -> Gimp.Layer:
    """A layer for the image, not yet in it, with the values enlarged to the canvas."""
    # In an image of its own, so that nothing but the finished layer reaches the user's image and its undo steps.
    work = Gimp.Image.new_with_precision(width, height, image.get_base_type(), image.get_precision())
    try:
        work.undo_disable()
        if image.get_color_profile() is not None:
            work.set_color_profile(image.get_color_profile())
        gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
        kind = Gimp.ImageType.GRAY_IMAGE if gray else Gimp.ImageType.RGB_IMAGE
        small = Gimp.Layer.new(work, "", width, height, kind, _OPACITY, Gimp.LayerMode.NORMAL)
        work.insert_layer(small, None, 0)
        Gegl.init(None)
        buffer = small.get_buffer()
        whole = Gegl.Rectangle.new(0, 0, width, height)
        buffer.set(whole, "Y' u8" if gray else "R'G'B' u8", values if gray else colour_heat(values))
        buffer.flush()
        small.update(0, 0, width, height)
        full = image.get_width(), image.get_height()
        scale_layer(small, min(full[0], _SMOOTH * width), min(full[1], _SMOOTH * height), Gimp.InterpolationType.CUBIC)
        scale_layer(small, *full, Gimp.InterpolationType.LINEAR)
        layer = Gimp.Layer.new_from_drawable(small, image)  # shares the pixels
        layer.set_name(_("Saliency map"))
        return layer
    finally:
        work.delete()


def _put_on_top(image: Gimp.Image, layer: Gimp.Layer) -> None:
    """Insert the layer as one undo step; what was active stays so."""
    layers, channels = image.get_selected_layers(), image.get_selected_channels()
    image.undo_group_start()
    try:
        if not image.insert_layer(layer, None, 0):  # GIMP only prints a line when it refuses
            layer.delete()
            raise UserError(_("GIMP refused a new layer: save the picture, restart GIMP, then try again."))
        if channels:
            image.set_selected_channels(channels)
        elif layers:
            image.set_selected_layers(layers)
    finally:
        image.undo_group_end()
