# SPDX-License-Identifier: GPL-3.0-or-later
"""What the test of sharpening runs inside GIMP: photographs sharpened before and after they are scaled down."""

from __future__ import annotations

import inside
from gi.repository import Gimp, Gio

from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.shared import edits


def sharpened(path: str, amount: float) -> dict[str, str]:
    """A photograph's thumbnail, and two with the amount of sharpening: at full size, and of the thumbnail."""
    inside.answer_with([edits.Sharpening(amount)])
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    Gimp.Selection.all(image)
    before = read_thumbnail(image, image.get_layers()[0])
    inside.edit(image, image.get_layers(), "emphasize")
    full = read_thumbnail(image, image.flatten())
    image.delete()
    size = before.width, before.height
    small = Gimp.Image.new(*size, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(small, "Photo", *size, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    small.insert_layer(layer, None, 0)
    inside.write(layer, _colours(before.pixels), "R'G'B' u8")
    Gimp.Selection.all(small)
    inside.edit(small, [layer], "emphasize")
    result = {
        "before": inside.text(_colours(before.pixels)),
        "full size": inside.text(_colours(full.pixels)),
        "thumbnail": inside.text(inside.visible(small, "R'G'B' u8")),
    }
    small.delete()
    return result


def _colours(pixels: bytes) -> bytes:
    """R'G'B' of R'G'B'M bytes."""
    return bytes(value for i, value in enumerate(pixels) if i % 4 < 3)
