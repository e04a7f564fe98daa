# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of parts of a picture run inside GIMP: what is read of a box against what GIMP shows there."""

from __future__ import annotations

from typing import Any

import inside
from gi.repository import Gimp
from inside import select, visible

from gimp_saliency.image.part import read_part
from gimp_saliency.image.pixels import drop_mask
from gimp_saliency.image.srgb import decode
from gimp_saliency.layers.record import edits_above

WIDTH, HEIGHT = 160, 120
BOXES = ((0, 0, WIDTH, HEIGHT), (40, 30, 60, 40), (110, 101, 50, 19))
SCENES: dict[str, dict[str, Any]] = {
    "8 bit": {},
    "16 bit": {"precision": "U16_NON_LINEAR"},
    "float": {"precision": "FLOAT_LINEAR"},
    "gray": {"base": "GRAY"},
    "Adobe RGB": {"adobe": True},
    "transparent": {"alpha": "partial"},
}


def _cut(pixels: bytes, box: tuple[int, int, int, int]) -> bytes:
    """A box of R'G'B' bytes of the picture."""
    x, y, width, height = box
    return b"".join(pixels[3 * (WIDTH * row + x) :][: 3 * width] for row in range(y, y + height))


def _compare(image: Any, layer: Any, edits: Any, shown: bytes, selected: bytes) -> list[int]:
    """The largest difference of colours and of the mask in any box.  shown: R'G'B' bytes; selected: one for a pixel."""
    found = [0, 0]
    for box in BOXES:
        part = read_part(image, layer, edits, box, 1000)
        assert (part.width, part.height) == box[2:]
        colours = drop_mask(part.pixels)
        wanted = _cut(b"".join(bytes([value] * 3) for value in selected), box)[::3]
        found[0] = max(found[0], max(abs(a - b) for a, b in zip(colours, _cut(shown, box))))
        found[1] = max(found[1], max(abs(a - b) for a, b in zip(part.mask, wanted)))
    return found


def differences() -> dict[str, list[int]]:
    """Of each kind of picture, alone, below something, and with an edit."""
    results = {}
    for name, options in SCENES.items():
        image, layer = inside.picture(WIDTH, HEIGHT, **options)
        select(image, (50, 40, 30, 24), 6)
        selected = inside.selection(image, "Y u8")
        is_transparent = "alpha" in options
        seen = _on_grey(image) if is_transparent else visible(image, "R'G'B' u8")
        results[name] = _compare(image, layer, [], seen, selected)
        if not is_transparent:
            above = Gimp.Layer.new_from_drawable(layer, image)
            image.insert_layer(above, None, 0)
            above.invert(False)
            results[f"{name}, covered"] = _compare(image, layer, [], inside.read(layer, "R'G'B' u8"), selected)
            image.remove_layer(above)
            inside.answer_with(inside.ALL_EDITS)
            inside.edit(image, [layer], "attenuate")
            edits = edits_above(image, layer)
            assert edits
            results[f"{name}, edited"] = _compare(image, layer, edits, visible(image, "R'G'B' u8"), selected)
        image.delete()
    return results


def smaller() -> list[float]:
    """Of a picture at half its size: its width and height, and how far its mean colour is off, in linear light."""
    image, layer = inside.picture(WIDTH, HEIGHT)
    select(image, (50, 40, 30, 24), 6)
    part = read_part(image, layer, [], (40, 20, 80, 60), 40)
    shown = _cut(inside.read(layer, "R'G'B' u8"), (40, 20, 80, 60))
    image.delete()
    light = [decode(value / 255) for value in range(256)]
    means = (sum(light[value] for value in pixels) / len(pixels) for pixels in (drop_mask(part.pixels), shown))
    return [part.width, part.height, abs(next(means) - next(means))]


def _on_grey(image: Any) -> bytes:
    """R'G'B' bytes of what is visible of an image of one layer above what transparent pixels are taken for, a grey."""
    copy = image.duplicate()
    grey = Gimp.Layer.new(copy, "grey", WIDTH, HEIGHT, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    copy.insert_layer(grey, None, 1)
    inside.write(grey, bytes([128, 128, 128]) * (WIDTH * HEIGHT), "R'G'B' u8")
    seen = visible(copy, "R'G'B' u8")
    copy.delete()
    return seen
