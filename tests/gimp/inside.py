# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests run inside GIMP: pictures to edit, a server that answers by itself, and looks at the result."""

from __future__ import annotations

import base64
import random
from typing import Any

import connection
import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import canvas
import edits
import procedures
from errors import UserError
from gi.repository import Gegl, Gimp, GObject

Gegl.init(None)
ALL_EDITS = [
    edits.Exposure(-0.61),
    edits.Saturation(0.72),
    edits.WhiteBalance(1.08, 0.93),
    edits.Curves((1.3, 1.2, 1.1, 1, 1, 0.9, 0.8, 0.7), (1.2, 1.1, 1, 1, 1, 1, 0.9, 0.8), (0.8, 0.9, 1, 1, 1, 1, 1.1, 1.2)),
]


def answer_with(answer: list[Any]) -> None:
    """Let the server predict these edits, whatever it is asked."""

    def ask_edits(*arguments: Any, **keywords: Any) -> dict[str, Any]:
        return {"edits": edits.to_json(answer), "model": "test"}

    connection.ask_edits = ask_edits


def picture(
    width: int = 64,
    height: int = 48,
    base: str = "RGB",
    precision: str = "U8_NON_LINEAR",
    alpha: str = "none",
    size: tuple[int, int] | None = None,
    offset: tuple[int, int] = (0, 0),
    seed: int = 1,
) -> tuple[Any, Any]:
    """An image with one layer of noise over smooth colours, undo on.  alpha: none, opaque or partial."""
    image = Gimp.Image.new_with_precision(
        width, height, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    )
    kind = getattr(Gimp.ImageType, base + ("_IMAGE" if alpha == "none" else "A_IMAGE"))
    layer = Gimp.Layer.new(image, "Photo", *(size or (width, height)), kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    layer.set_offsets(*offset)
    draw = random.Random(seed)
    pixels = bytearray()
    for y in range(layer.get_height()):
        for x in range(layer.get_width()):
            colour = (4 * x % 256, 5 * y % 256, 2 * (x + y) % 256)
            pixels += bytes((value + draw.randrange(64)) % 256 for value in colour)
            pixels.append(draw.randrange(256) if alpha == "partial" else 255)
    write(layer, bytes(pixels), "R'G'B'A u8")
    return image, layer


def write(drawable: Any, pixels: bytes, babl_format: str) -> None:
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height()), babl_format, pixels)
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def read(drawable: Any, babl_format: str = "R'G'B'A double") -> bytes:
    """The pixels of a drawable.  Double precision tells any two values of any image apart."""
    rectangle = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return bytes(drawable.get_buffer().get(rectangle, 1.0, babl_format, Gegl.AbyssPolicy.NONE))


def visible(image: Any, babl_format: str = "R'G'B'A double") -> bytes:
    """The pixels of the composition, in the image's own precision."""
    copy = image.duplicate()
    try:
        layer = Gimp.Layer.new_from_visible(image, copy, "")
        copy.insert_layer(layer, None, 0)
        return read(layer, babl_format)
    finally:
        copy.delete()


def selection(image: Any) -> bytes:
    """The selection, linear, as floats."""
    return read(image.get_selection(), "Y float")


def select(image: Any, rectangle: tuple[int, int, int, int] = (10, 8, 30, 24), feather: float = 8) -> None:
    """A soft ellipse, in pixels."""
    image.select_ellipse(Gimp.ChannelOps.REPLACE, *rectangle)
    if feather:
        Gimp.Selection.feather(image, feather)


def tree(image: Any) -> list[Any]:
    """Names, visibility, masks, filters and parasites of all layers, top first."""

    def describe(layer: Any) -> list[Any]:
        children = layer.get_children() if layer.is_group() else []
        operations = [f.get_operation_name() for f in layer.get_filters()]
        return [
            layer.get_name(),
            layer.get_visible(),
            layer.get_mask() is not None,
            operations,
            layer.get_parasite_list(),
            [describe(child) for child in children],
        ]

    return [describe(layer) for layer in image.get_layers()]


def text(data: bytes) -> str:
    """Bytes as JSON can carry them."""
    return base64.b64encode(data).decode()


def random_edits(draw: random.Random) -> list[Any]:
    """All four edits in random order, with parameters over the range that the network may use at 150 %."""
    slopes = [[2 ** draw.uniform(-0.9, 0.9) for _ in range(edits.SEGMENTS)] for _ in range(3)]
    chosen = [
        edits.Exposure(draw.uniform(-2, 2)),
        edits.Saturation(2 ** draw.uniform(-1.8, 1.8)),
        edits.WhiteBalance(2 ** draw.uniform(-0.3, 0.3), 2 ** draw.uniform(-0.3, 0.3)),
        edits.Curves(*(tuple(channel) for channel in slopes)),
    ]
    draw.shuffle(chosen)
    return chosen


def parity(precision: str, babl_format: str, cases: int) -> list[dict[str, Any]]:
    """Random edits through a soft selection: pixels before (linear float) and after (`babl_format`), mask, edits."""
    results = []
    for seed in range(cases):
        chosen = random_edits(random.Random(seed))
        answer_with(chosen)
        image, layer = picture(precision=precision, seed=seed)
        select(image, feather=0 if seed % 4 == 0 else 12)
        before = read(layer, "RGB float")
        procedures.edit_selection(image, [layer], "attenuate")
        results.append(
            {
                "edits": edits.to_json(chosen),
                "before": text(before),
                "mask": text(selection(image)),
                "after": text(visible(image, babl_format)),
            }
        )
        image.delete()
    return results
