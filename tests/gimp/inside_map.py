# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the saliency map run inside GIMP."""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from typing import Any

import inside
from gi.repository import Gegl, Gimp, Gio

from gimp_saliency.layers import attention_map
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.errors import ServerError, UserError

HOT = (0.5, 0.25, 0.75, 0.75)  # left, top, right, bottom, in shares of the canvas


def block(width: int, height: int) -> bytes:
    """A map that is 255 in the HOT rectangle and 0 elsewhere."""
    left, top, right, bottom = HOT
    columns = b"".join(b"\xff" if left <= (x + 0.5) / width < right else b"\0" for x in range(width))
    return b"".join(columns if top <= (y + 0.5) / height < bottom else bytes(width) for y in range(height))


def answer_with(answer: Any = block) -> list[bytes]:
    """Let the server answer answer(width, height) to all pictures; they are collected in the list returned."""
    pictures: list[bytes] = []

    def ask_saliency(picture: bytes, width: int, height: int) -> bytes:
        assert len(picture) == 3 * width * height
        pictures.append(picture)
        return bytes(answer(width, height))

    questions.ask_saliency = ask_saliency
    lifecycle.ask_health = lambda *_: {"model": "test"}
    return pictures


def add(image: Any) -> str:
    """Add a map with an answer of our own; its name."""
    answer_with()
    return str(attention_map.add_map(image).get_name())


def content(layer: Any) -> dict[str, Any]:
    return dict(json.loads(bytes(layer.get_parasite("saliency-map").get_data())))


def colour(layer: Any, x: float, y: float) -> list[int]:
    """R'G'B' (8-bit sRGB) at a place given in shares of the layer's size."""
    spot = Gegl.Rectangle.new(int(x * layer.get_width()), int(y * layer.get_height()), 1, 1)
    return list(layer.get_buffer().get(spot, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))


def add_to_each_type() -> dict[str, dict[str, Any]]:
    """Add a map to every kind of image; what happened, by its description."""
    results = {}
    for base in ("RGB", "GRAY"):
        for precision in inside.PRECISIONS:
            for shape, options in inside.SHAPES.items():
                if base == "GRAY" and "adobe" in options:
                    continue
                image, _ = inside.picture(precision=precision, base=base, **options)
                results[f"{base} {precision} {shape}"] = _added(image)
                image.delete()
    return results


def _added(image: Any) -> dict[str, Any]:
    inside.select(image)
    pictures = answer_with()
    before, selected, active = inside.tree(image), inside.selection(image), image.get_selected_layers()
    seen = inside.visible(image, "R'G'B'A u8")
    layer = attention_map.add_map(image)
    facts = content(layer)
    values = zlib.decompress(base64.b64decode(facts["map"]))
    copy = _reloaded(image)
    same = values == block(facts["width"], facts["height"]) and content(copy.get_layers()[0]) == facts
    result = {
        "first": image.get_layers()[0] == layer and inside.tree(image)[1:] == before,
        "looks": [layer.get_name(), layer.get_opacity(), layer.get_mode() == Gimp.LayerMode.NORMAL],
        "place": [*layer.get_offsets()[1:], layer.get_width(), layer.get_height()],
        "facts": {name: value for name, value in facts.items() if name != "map"},
        "same values": same,
        "selection kept": inside.selection(image) == selected,
        "active kept": image.get_selected_layers() == active,
        "hot": colour(layer, 0.625, 0.5),
        "cold": [colour(layer, *place) for place in ((0, 0), (0.3, 0.5), (0.99, 0.99))],
        "saved": [colour(copy.get_layers()[0], 0.625, 0.5), colour(copy.get_layers()[0], 0, 0)],
        "seen": _difference(pictures[0], seen),
    }
    copy.delete()
    return result


def _difference(picture: bytes, rgba: bytes) -> float:
    """Mean difference between R'G'B' and opaque pixels of R'G'B'A."""
    pairs = [(picture[3 * i + c], rgba[4 * i + c]) for i in range(len(rgba) // 4) for c in range(3)]
    opaque = [abs(a - b) for n, (a, b) in enumerate(pairs) if rgba[4 * (n // 3) + 3] == 255]
    return sum(opaque) / max(1, len(opaque))


def _reloaded(image: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Gio.File.new_for_path(folder + "/saved.xcf")
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
        return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)


def enlarged() -> dict[str, Any]:
    """A map on a picture that is much larger than it: the thumbnail's size, and one row of the layer's red."""
    answer_with(lambda width, height: bytes(255 * x // (width - 1) for _ in range(height) for x in range(width)))
    image = Gimp.Image.new(1536, 700, Gimp.ImageBaseType.GRAY)
    photo = Gimp.Layer.new(image, "Photo", 1536, 700, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(photo, None, 0)
    layer = attention_map.add_map(image)
    row = layer.get_buffer().get(Gegl.Rectangle.new(0, 350, 1536, 1), 1.0, "Y' u8", Gegl.AbyssPolicy.NONE)
    result = {"size": [content(layer)["width"], content(layer)["height"]], "row": list(row)}
    image.delete()
    return result


def a_second_one() -> dict[str, Any]:
    """Whether the second map is made from the picture alone, although the first lies above it."""
    results = {}
    for alpha in ("none", "partial"):
        image, _ = inside.picture(alpha=alpha)
        pictures = answer_with()
        names = [attention_map.add_map(image).get_name() for _ in range(2)]
        visible = [layer.get_visible() for layer in image.get_layers()]
        results[alpha] = {"same": pictures[0] == pictures[1], "names": names, "visible": visible}
        image.delete()
    return results


def channel_stays_active() -> bool:
    image, _ = inside.picture()
    channel = Gimp.Channel.new(image, "Mine", 64, 48, 100, Gegl.Color.new("black"))
    image.insert_channel(channel, None, 0)
    image.set_selected_channels([channel])
    add(image)
    kept = image.get_selected_channels() == [channel]
    image.delete()
    return kept


def refusal(prepare: Any = None, fail: str = "", **options: Any) -> dict[str, Any]:
    """The error on a picture that `prepare(image, layer)` spoils, or with a part that fails: "server", "layer"."""
    pictures = answer_with()
    image, layer = inside.picture(**options)
    inside.select(image)
    if prepare:
        prepare(image, layer)
    image.undo_enable()
    image.clean_all()
    before, selected, images = inside.tree(image), inside.selection(image), len(Gimp.get_images())
    original = Gimp.Layer.new_from_drawable
    if fail == "server":

        def ask_saliency(*_: Any) -> bytes:
            raise ServerError("No server today.")

        questions.ask_saliency = ask_saliency
    if fail == "layer":

        def broken(*_: Any) -> Any:
            raise RuntimeError("No layer today.")

        Gimp.Layer.new_from_drawable = broken
    try:
        attention_map.add_map(image)
        message = None
    except (UserError, ServerError, RuntimeError) as error:
        message = str(error)
    finally:
        Gimp.Layer.new_from_drawable = original
    untouched = inside.tree(image) == before and inside.selection(image) == selected and not image.is_dirty()
    result = {
        "message": message,
        "untouched": untouched and len(Gimp.get_images()) == images,
        "asked": len(pictures),
    }
    image.delete()
    return result


def to_indexed(image: Any, layer: Any) -> None:
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.WEB, 0, False, False, "")


def hide(image: Any, layer: Any) -> None:
    layer.set_visible(False)


def remove_all(image: Any, layer: Any) -> None:
    image.remove_layer(layer)
