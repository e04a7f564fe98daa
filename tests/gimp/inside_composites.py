# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of harmonized folders run inside GIMP: files with layers, and looks at what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import inside
from gi.repository import Gimp, Gio
from inside_harmony import make_scene

from gimp_saliency.batch import files
from gimp_saliency.image.cutout import read_cutout
from gimp_saliency.layers.harmony.apply import apply_harmony
from gimp_saliency.layers.harmony.record import HarmonyRecord, read_harmony
from gimp_saliency.layers.record import HARMONIZE, read_tool


def save_scene(path: str, other: bool = False, hidden: bool = False, **options: Any) -> None:
    """Write a photo, a cut-out that is named so, and a hidden layer above both.  options: those of make_scene.

    other: another cut-out is above all; hidden: all layers are.
    """
    image, layer = make_scene(**options)
    if other:
        above = layer.copy()
        above.set_name("Other")
        image.insert_layer(above, None, 0)
        above.set_offsets(20, -10)
        image.set_selected_layers([above])
    for item in image.get_layers() if hidden else []:
        item.set_visible(False)
    files.save_layers(image, path, Path(path).suffix[1:])
    image.delete()


def describe(path: str) -> dict[str, Any]:
    """Of a file: the names of the layers in the picture from the top, their filters, and the harmonies' records."""
    image = _load(path)
    layers = list(_list_layers(image.get_layers()))
    records = {record.id: record.to_json() for record in _read_records(layers)}
    found = {
        "layers": [layer.get_name() for layer in layers],
        "shown": [layer.get_name() for layer in image.get_layers() if layer.get_visible()],
        "filters": [each.get_operation_name() for layer in layers for each in layer.get_filters()],
        "records": list(records.values()),
        "selected": Gimp.Selection.bounds(image)[1],
    }
    image.delete()
    return found


def compose(path: str, result: str, has_alpha: bool = False) -> None:
    """Write what is to be seen of a file as PNG."""
    image = _load(path)
    files.export_visible(image, result, "png", has_alpha)
    image.delete()


def compare(source: str, result: str, name: str) -> dict[str, Any]:
    """A file and its result, as one layer of it is harmonized here by what the result's record says.

    far: how far from that the result looks; changed: and from the source; kept: all layers that the source has are as
    they were.
    """
    before, after = _load(source), _load(result)
    (record,) = {record.id: record for record in _read_records(_list_layers(after.get_layers()))}.values()
    was, now = inside.visible(before), inside.visible(after)
    kept = dict(_read_pixels(before)).items() <= dict(_read_pixels(after)).items()
    (layer,) = (layer for layer in _list_layers(before.get_layers()) if layer.get_name() == name)
    part = read_cutout(before, layer).part
    apply_harmony(before, layer, record.base, record.request, record.model, part)
    found = {
        "far": inside._largest_difference(inside.visible(before), now),
        "changed": inside._largest_difference(was, now),
        "kept": kept,
        "part": [part, record.is_part],
    }
    before.delete()
    after.delete()
    return found


def compare_visible(one: str, other: str) -> float:
    """How far apart two files look, at most."""
    images = [_load(one), _load(other)]
    found = inside._largest_difference(*(inside.visible(image) for image in images))
    for image in images:
        image.delete()
    return found


def differ(path: str) -> bool:
    """Whether the second layer of a file, counted from the top, has other pixels than the third one."""
    image = _load(path)
    one, other = (inside.read(layer, "R'G'B'A u8") for layer in image.get_layers()[1:3])
    image.delete()
    return bool(one != other)


def _load(path: str) -> Any:
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))


def _read_records(layers: Any) -> Iterator[HarmonyRecord]:
    for layer in layers:
        if read_tool(layer) == HARMONIZE:
            yield read_harmony(layer)


def _list_layers(row: Any) -> Iterator[Any]:
    for layer in row:
        yield layer
        if layer.is_group():
            yield from _list_layers(layer.get_children())


def _read_pixels(image: Any) -> Iterator[tuple[str, bytes]]:
    for layer in _list_layers(image.get_layers()):
        if not layer.is_group():
            yield layer.get_name(), inside.read(layer)
