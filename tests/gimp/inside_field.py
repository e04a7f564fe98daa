# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of people's own pictures run inside GIMP: locks, numbers that are none, light beyond white, files."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import inside
from gi.repository import Gegl, Gimp, Gio
from inside import ALL_EDITS, select, visible

from gimp_saliency.batch.files import run_export
from gimp_saliency.layers.adjust import apply_values, find_edit
from gimp_saliency.layers.flat import edit_pixels
from gimp_saliency.layers.highlights import CURVED, spare_highlights
from gimp_saliency.layers.target import find_cutout
from gimp_saliency.predict.plan import Planned
from gimp_saliency.shared.edits import Exposure
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest

NAN, INFINITE = float("nan"), float("inf")
LOCKS = ("content", "position", "visibility")


def save(image: Any, path: str) -> None:
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)


def load(path: str) -> Any:
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))


# Locks


def _make_scene(kind: str) -> tuple[Any, Any, list[Any]]:
    """An image, the layer to edit and the items that get a lock."""
    if kind == "transparent photo":
        image, layer = inside.picture(alpha="partial")
        return image, layer, [layer]
    image, below = inside.picture()
    group = Gimp.GroupLayer.new(image, "Group")
    image.insert_layer(group, None, 0)
    small = below.copy()
    image.insert_layer(small, group, 0)
    small.resize(40, 30, -6, -4)
    return image, small, [group, small] if kind == "both locked" else [group]


def locked_edits() -> dict[str, Any]:
    """Edits, changed edits and their locks, of layers with each lock, against those without: what differs."""
    results: dict[str, Any] = {}
    inside.answer_with(ALL_EDITS)
    for kind in ("transparent photo", "small in a group", "both locked"):
        pictures = {}
        for lock in ("none", "position", "visibility"):
            image, layer, items = _make_scene(kind)
            image.undo_enable()
            select(image)
            before = [item.get_name() for item in items]
            for item in items if lock != "none" else ():
                getattr(item, f"set_lock_{lock}")(True)
            made = inside.edit(image, [layer], "attenuate")
            edited = visible(image)
            edit = find_edit(image, made[-1:])
            apply_values(image, edit, [Exposure(-1.5)], edit.request)
            pictures[lock] = edited, visible(image)
            kept = lock == "none" or all(getattr(item, f"get_lock_{lock}")() for item in items)
            names = [item.get_name() for item in items]
            results[f"{kind}, {lock}"] = [
                pictures[lock] == pictures["none"],
                kept,
                names == before,
                edited != pictures[lock][1],
            ]
            image.delete()
    return results


# Numbers that are none, and light beyond white


def _light(image: Any, layer: Any, spoilt: dict[tuple[int, int], tuple[float, ...]]) -> None:
    """Let a floating-point layer hold light up to 6, and some pixels of another kind."""
    width, height = layer.get_width(), layer.get_height()
    numbers = []
    for y in range(height):
        for x in range(width):
            numbers += spoilt.get(
                (x, y), (0.02 + 6 * x / width, 0.01 + 3 * y / height, 0.1 + 2 * (x + y) / (width + height))
            )
    inside.write(layer, struct.pack(f"{len(numbers)}f", *numbers), "RGB float")


def _read(layer: Any) -> list[tuple[float, ...]]:
    return list(struct.iter_unpack("3f", inside.read(layer, "RGB float")))


def _composed(image: Any) -> list[tuple[float, ...]]:
    return list(struct.iter_unpack("3f", visible(image, "RGB float")))


def lost_pixels(way: str, precision: str) -> dict[str, Any]:
    """Of edits of a picture with pixels that are no numbers: how many there are afterwards, what else has changed.

    way: "layers", or "pixels" as files without layers are edited.
    """
    spoilt = {(25, 20): (NAN, NAN, NAN), (3, 3): (NAN, 0.5, 0.5), (20, 16): (INFINITE, 1.0, -INFINITE)}
    image, layer = inside.picture(precision=precision)
    _light(image, layer, spoilt)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 8, 30, 24)
    before = _read(layer)
    request = EditRequest("attenuate")
    if way == "pixels":
        edit_pixels(image, request, [Planned(ALL_EDITS)])
        after = _read(layer)
    else:
        inside.answer_with(ALL_EDITS)
        inside.edit(image, [layer], "attenuate")
        after = _composed(image)
    chosen = [10 <= i % 64 < 40 and 8 <= i // 64 < 32 for i in range(len(before))]
    pairs = [(a, b, c) for a, b, c in zip(before, after, chosen) if all(map(math.isfinite, a))]
    image.delete()
    return {
        "lost before": sum(not all(map(math.isfinite, pixel)) for pixel in before),
        "lost after": sum(not all(map(math.isfinite, pixel)) for pixel in after),
        "changed outside": max(max(abs(x - y) for x, y in zip(a, b)) for a, b, c in pairs if not c),
        "unchanged inside": sum(a == b for a, b, c in pairs if c),
    }


def highlights() -> dict[str, Any]:
    """What is left of an edit where selected pixels are lighter than white, and of their order."""
    results: dict[str, Any] = {}
    for name, box in (("light", (30, 8, 30, 24)), ("dark", (0, 0, 6, 6))):
        image, layer = inside.picture(precision="FLOAT_LINEAR")
        _light(image, layer, {})
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
        request = spare_highlights(layer, EditRequest("attenuate"))
        around = spare_highlights(layer, EditRequest("attenuate", background=True))
        before = _read(layer)
        edit_pixels(image, request, [Planned([each for each in ALL_EDITS if each.name != "sharpening"])])
        after = _read(layer)
        row = [20 * 64 + x for x in range(box[0], box[0] + box[2])] if name == "light" else []
        results[name] = {
            "left out": sorted(CURVED - request.kinds),
            "with background": sorted(CURVED - around.kinds),
            "in order": all(after[i][0] < after[j][0] for i, j in zip(row, row[1:])),
            "most": [max(pixel[0] for pixel in pixels) for pixels in (before, after)],
        }
        image.delete()
    image, layer = inside.picture(precision="U16_NON_LINEAR")
    select(image)
    results["16 bit"] = sorted(CURVED - spare_highlights(layer, EditRequest("attenuate")).kinds)
    image.delete()
    return results


def harmonize_light() -> str:
    """What is said of a cut-out that is lighter than white."""
    image, _photo = inside.picture(precision="FLOAT_LINEAR")
    layer = _photo.copy()
    image.insert_layer(layer, None, 0)
    _light(image, layer, {})
    try:
        find_cutout(image, [layer])
        return ""
    except UserError as error:
        return str(error)
    finally:
        image.delete()


# Files for a folder


def save_light(path: str) -> list[float]:
    """An OpenEXR file of light up to 6; some of its numbers."""
    image, layer = inside.picture(precision="FLOAT_LINEAR")
    _light(image, layer, {})
    run_export("file-exr-export", image, path, {})
    image.delete()
    return read_light(path)


def read_light(path: str) -> list[float]:
    """The numbers of a file, red, green and blue."""
    image = load(path)
    try:
        layer = image.get_layers()[0]
        return [value for pixel in _read(layer) for value in pixel]
    finally:
        image.delete()


def save_picture(path: str, precision: str, adobe: bool) -> None:
    """A file without layers, in a profile of its own."""
    image, _layer = inside.picture(96, 64, precision=precision, adobe=adobe)
    kind = path.rpartition(".")[2]
    common = {"include-color-profile": True, "include-thumbnail": False}
    run_export({"png": "file-png-export", "tif": "file-tiff-export"}[kind], image, path, common)
    image.delete()


def save_layered(folder: str) -> list[str]:
    """XCF files that show the same, whatever is active in them; their names."""
    names = []
    for name, arrange in _ARRANGEMENTS.items():
        image, photo = inside.picture(96, 64)
        arrange(image, photo)
        save(image, f"{folder}/{name}.xcf")
        names.append(f"{name}.xcf")
        image.delete()
    return names


def _add(image: Any, name: str, is_visible: bool = True, parent: Any = None) -> Any:
    """A layer that shows nothing."""
    size = image.get_width(), image.get_height()
    layer = Gimp.Layer.new(image, name, *size, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, 0)
    layer.set_visible(is_visible)
    return layer


def _activate_channel(image: Any, photo: Any) -> None:
    channel = Gimp.Channel.new(image, "Spare", 96, 64, 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    image.set_selected_channels([channel])


def _activate_hidden(image: Any, photo: Any) -> None:
    copy = photo.copy()
    image.insert_layer(copy, None, 0)
    copy.invert(False)
    copy.set_visible(False)
    image.set_selected_layers([copy])


def _activate_empty(image: Any, photo: Any) -> None:
    image.set_selected_layers([_add(image, "Empty")])


def _activate_group(image: Any, photo: Any) -> None:
    group = Gimp.GroupLayer.new(image, "Group")
    image.insert_layer(group, None, 0)
    image.reorder_item(photo, group, 0)
    image.set_selected_layers([group])


def _activate_two(image: Any, photo: Any) -> None:
    image.set_selected_layers([_add(image, "Empty"), photo])


def _split(image: Any, photo: Any) -> None:
    """The photo in two halves, of which one is active."""
    right = photo.copy()
    image.insert_layer(right, None, 0)
    right.resize(48, 64, -48, 0)
    photo.resize(60, 64, 0, 0)
    image.set_selected_layers([right])


def _lock(image: Any, photo: Any) -> None:
    for lock in LOCKS:
        getattr(photo, f"set_lock_{lock}")(True)


def _float(image: Any, photo: Any) -> None:
    """With a floating selection."""
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 40, 20, 20)
    Gimp.edit_copy([photo])
    Gimp.edit_paste(photo, True)


_ARRANGEMENTS: dict[str, Callable[[Any, Any], None]] = {
    "plain": lambda image, photo: None,
    "channel": _activate_channel,
    "hidden": _activate_hidden,
    "empty": _activate_empty,
    "group": _activate_group,
    "two": _activate_two,
    "split": _split,
    "locked": _lock,
    "floating": _float,
}


def save_nothing(path: str) -> None:
    """An XCF file all of whose layers are hidden."""
    image, photo = inside.picture(96, 64)
    photo.set_visible(False)
    save(image, path)
    image.delete()


def save_named(path: str) -> None:
    """An XCF file with a small layer above a photo, and a hidden one."""
    image, photo = inside.picture(96, 64)
    sign = photo.copy()
    image.insert_layer(sign, None, 0)
    sign.resize(40, 40, -20, -10)
    sign.set_name("Sign")
    _add(image, "Hidden", is_visible=False)
    save(image, path)
    image.delete()


def show(path: str) -> list[Any]:
    """What a file shows, 8 bit, its layers, and whether any is locked."""
    image = load(path)
    try:
        for channel in image.get_channels():
            image.remove_channel(channel)  # GIMP's window shows them over the picture
        locks = [getattr(layer, f"get_lock_{lock}")() for layer in image.get_layers() for lock in LOCKS]
        return [
            inside.text(visible(image, "R'G'B' u8")),
            [layer.get_name() for layer in image.get_layers()],
            any(locks),
        ]
    finally:
        image.delete()
