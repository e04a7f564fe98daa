# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that no plug-in of ours wrote: layers whose parasites hold anything at all, and what becomes of them."""

from __future__ import annotations

import base64
import json
import random
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import inside
import inside_adjust
import inside_background
from gi.repository import Gimp, Gio
from inside_faults import state

from gimp_saliency.image.tree import MAP_PARASITE
from gimp_saliency.layers.record import PARASITE, PERSISTENT_UNDOABLE, Role, read_parasite, write_parasite

_LAST = "saliency-last-edit"
_SELECTION = "saliency-selection"


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def _variants(good: dict[str, Any]) -> dict[str, bytes]:
    """Contents made from one that our plug-in wrote."""

    def text(**changes: Any) -> bytes:
        return json.dumps({**good, **changes}).encode()

    def raw(key: str, value: str) -> bytes:
        return text(**{key: "@@"}).replace(b'"@@"', value.encode())

    result = {
        "nothing": b"",
        "no JSON": b"\x89PNG\r\n\x1a\n" * 3,
        "not UTF-8": b'{"id": "\xff\xfe\xfd"}',
        "a list": b"[1, 2, 3]",
        "a number": b"5",
        "null": b"null",
        "cut off": text()[:-20],
        "nested": _nested(100000),
        "ten megabytes": text(id="x" * 10_000_000),
        "a million edits": raw("base", "[" + '{"name": "exposure", "ev": 1},' * 200_000 + "5]"),
        "a million noted": raw("edits", "[" + '{"name": "exposure", "ev": 1},' * 200_000 + "5]"),
        "another version": text(version="99.0", id="somebody else's"),
        "unknown role": text(role="../../etc/passwd"),
        "role of a list": text(role=["adjustment"]),
        "holder": text(role="holder"),
        "baked": text(role="baked"),
        "replacement": text(role="replacement"),
        "adjustment": text(role="adjustment"),
        "code for an id": text(id="__import__('os').system('touch hacked')"),
        "id of an object": text(id={"a": [1, {}]}),
        "unknown direction": text(direction="sideways", order={"a": 1}, model=[]),
        "name of a number": text(name=17),
        "unknown edit": text(edits=[{"name": "gegl:save", "path": "hacked"}]),
        "edit of text": text(edits=[{"name": "exposure", "ev": "1"}]),
        "two edits in one": text(edits=[{"name": "exposure", "ev": 1}, {"name": "saturation", "scale": 2}]),
        "strange facts": text(predicted={"deep": [[[]]]}, more="x" * 1000),
    }
    numbers = ("NaN", "Infinity", "-Infinity", "1e999", "-1", "-1e308", "1" + "0" * 400, "1" + "0" * 5000, "true")
    for value in (*numbers, '"a lot"', "null", "[]", "{}"):
        result[f"strength {value:.12}"] = raw("strength", value)
        if value != "true":
            result[f"base with {value:.12}"] = raw("base", f'[{{"name": "exposure", "ev": {value}}}]')
    for value in ("null", "5", "{}", '"exposure"', "[5]", "[null]", '[{"name": []}]', '[{"name": "exposure"}]'):
        result[f"base {value}"] = raw("base", value)
    around = '[{"name": "exposure", "ev": 1}, {"name": "saturation", "scale": 1.5}]'
    for value in (*numbers, '"a lot"', "null", "[]", "{}"):
        for key in ("background-strength", "side", "kinds", "part", "around"):
            changed = {**good, "background": "@@", "background-strength": 80.0, key: "##"}
            content = json.dumps(changed).replace('"@@"', around).replace('"##"', value)
            result[f"{key} {value:.12}"] = content.encode()
    for value in (around[:-1] + "," + around[1:], "[[]]", '[{"name": []}]', '"exposure"', around):
        result[f"background {value:.12} {len(value)}"] = raw("background", value)
    for value in ('{"name": "curves", "red": [1], "green": [1], "blue": [1]}', '{"name": "curves"}'):
        result[f"base [{value}]"] = raw("base", f"[{value}]")
    for depth in range(850, 1001, 10):  # around what Python's recursion allows
        result[f"facts nested {depth}"] = raw("model", _nested(depth).decode())
        result[f"base nested {depth}"] = raw("base", _nested(depth).decode())
    draw = random.Random(3)
    for number in range(20):
        damaged = bytearray(text())
        for _ in range(5):
            damaged[draw.randrange(len(damaged))] = draw.randrange(1, 256)
        result[f"damaged {number}"] = bytes(damaged)
    return result


def _load_with(image: Any, contents: dict[str, bytes], layer: Any) -> Any:
    """The image from a file in which a layer's parasites have other contents; `image` is deleted.

    They are put into the file itself, since GIMP 3.0 takes nothing but text from Python.
    """
    places = {}
    for number, (name, content) in enumerate(contents.items()):
        filler = f"<{number}>".encode() * (len(content) // 3 + 9)
        places[name] = filler[: max(len(content), 40)]
        layer.attach_parasite(Gimp.Parasite.new(name, PERSISTENT_UNDOABLE, places[name]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stranger.xcf")
        file = Gio.File.new_for_path(str(path))
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
        image.delete()
        written = path.read_bytes()
        for name, content in contents.items():
            place = places[name]
            assert written.count(place) == 1, name
            written = written.replace(place, content + b" " * (len(place) - len(content)))
        path.write_bytes(written)
        loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    loaded.undo_enable()
    loaded.clean_all()
    return loaded


def _outcome(procedure: str, image: Any, layer: Any, **arguments: Any) -> dict[str, Any]:
    """What a menu entry says to a layer of an image, which it deletes."""
    before = state(image)
    status, message = inside.call(procedure, image, [layer], **arguments)
    result = {"status": status, "message": message, "untouched": state(image) == before}
    image.delete()
    return result


def adjusted(which: str, step: int = 1) -> dict[str, dict[str, Any]]:
    """Adjust Edit on files with each content on one layer of an edit.  which: "opaque" or "partial" photos.

    step: 1 for all contents, more for a part of them.
    """
    good, _ = inside_adjust.edited(alpha=which)
    contents = _variants(read_parasite(good.get_layers()[0]) or {})
    results = {}
    for name in list(contents)[::step]:
        image = good.duplicate()
        image = _load_with(image, {PARASITE: contents[name]}, image.get_layers()[0])
        results[name] = _outcome("plug-in-saliency-adjust", image, image.get_layers()[0], strength=50.0)
    good.delete()
    return results


def adjusted_everywhere() -> dict[str, dict[str, Any]]:
    """Adjust Edit where every layer, the photo too, says that it is part of an edit."""
    results = {}
    for role in ("adjustment", "baked", "replacement", "holder"):
        image, _ = inside_adjust.edited()
        content = {**(read_parasite(image.get_layers()[0]) or {}), "role": role}
        for layer in image.get_layers():
            write_parasite(layer, content)
        image.undo_enable()
        image.clean_all()
        results[role] = _outcome("plug-in-saliency-adjust", image, image.get_layers()[-1], strength=50.0)
    return results


def selections() -> dict[str, dict[str, Any]]:
    """Adjust Edit on a baked layer whose noted selection is none."""
    full = zlib.compress(bytes(2 * 64 * 48))

    def packed(box: tuple[int, int, int, int], values: bytes) -> bytes:
        return base64.b64encode(struct.pack("<4i", *box) + values)

    contents = {
        "nothing": b"",
        "no base64": b"\xff\x00 not base64 ",
        "cut off": packed((0, 0, 64, 48), full)[:-9],
        "no box": base64.b64encode(b"abc"),
        "negative place": packed((-5, -5, 64, 48), full),
        "negative size": packed((0, 0, -64, -48), full),
        "empty box": packed((0, 0, 0, 0), full),
        "larger than the picture": packed((0, 0, 65, 48), zlib.compress(bytes(2 * 65 * 48))),
        "huge box": packed((0, 0, 2**31 - 1, 2**31 - 1), full),
        "too few values": packed((0, 0, 64, 48), zlib.compress(bytes(99))),
        "no values": packed((0, 0, 64, 48), b""),
        "a bomb": packed((0, 0, 10, 10), zlib.compress(bytes(10_000_000))),
        "nothing selected": packed((0, 0, 64, 48), full),
    }
    image, _ = inside_adjust.edited()
    good = {**(read_parasite(image.get_layers()[0]) or {}), "role": Role.BAKED}
    image.delete()
    results = {}
    for name, content in contents.items():
        image, _photo = inside.picture()
        copy = image.get_layers()[0].copy()
        image.insert_layer(copy, None, 0)
        image = _load_with(image, {_SELECTION: content, PARASITE: json.dumps(good).encode()}, copy)
        results[name] = _outcome("plug-in-saliency-adjust", image, image.get_layers()[0], strength=50.0)
    return results


def repeated() -> dict[str, dict[str, Any]]:
    """Repeat Edit when what GIMP keeps of the last one is damaged."""
    good = {
        "base": [{"name": "exposure", "ev": -1.0}],
        "direction": "attenuate",
        "strength": 100.0,
        "kinds": ["exposure"],
        "feather": 0.0,
        "refine": False,
    }
    contents = {
        name: content for name, content in _variants(good).items() if content.isascii() and b"\0" not in content
    }
    for key in ("kinds", "feather", "refine", "direction", "background", "background-on", "background-strength"):
        for value in ("null", "5", "-1", "1e999", "NaN", "[[]]", "{}", '"x"', "1" + "0" * 400):
            contents[f"{key} {value:.12}"] = json.dumps({**good, key: "@@"}).replace('"@@"', value).encode()
    results = {}
    for name, content in contents.items():
        image, layer = inside.picture()
        image.undo_enable()
        inside.select(image)
        image.clean_all()
        Gimp.attach_parasite(Gimp.Parasite.new(_LAST, 1, content))
        results[name] = _outcome("plug-in-saliency-repeat", image, layer)
    Gimp.detach_parasite(_LAST)
    return results


def mapped_and_edited() -> dict[str, dict[str, Any]]:
    """A new map, and a new edit, of pictures whose layers have hostile parasites of map and edit."""
    results = {}
    for name, content in (
        ("nothing", b""),
        ("garbage", b"\xff\xfe\x00garbage"),
        ("bomb", b'{"width": 99999999, "height": -1, "map": "' + b"A" * 10_000_000 + b'"}'),
        ("nested", _nested(100000)),
        ("role", b'{"role": {"a": []}, "edits": 5}'),
    ):
        for procedure in ("map", "attenuate"):
            image, photo = inside.picture(alpha="opaque")
            above = photo.copy()
            image.insert_layer(above, None, 0)
            image = _load_with(image, {MAP_PARASITE: content, PARASITE: content}, above)
            inside.select(image)
            image.clean_all()
            photo = image.get_layers()[-1]
            results[f"{procedure}: {name}"] = _outcome(f"plug-in-saliency-{procedure}", image, photo)
    return results


def save_edited(path: str, background: bool = False) -> str:
    """Write a picture with an edit to a file; what it looks like."""
    image = inside_background.edited(background)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)
    seen = inside.text(inside.visible(image))
    image.delete()
    return seen


def from_the_other_version(path: str, procedure: str, **arguments: Any) -> dict[str, Any]:
    """A menu entry on a file of the other GIMP: what it says, and what the picture looks like before and after."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    image.undo_enable()
    if procedure != "plug-in-saliency-adjust":
        inside.select(image, (30, 20, 20, 20))
    image.clean_all()
    before, seen = state(image), inside.text(inside.visible(image))
    status, message = inside.call(procedure, image, [image.get_layers()[0]], **arguments)
    result = {"status": status, "message": message, "untouched": state(image) == before}
    result.update(before=seen, after=inside.text(inside.visible(image)))
    image.delete()
    return result


def far_by_hand() -> dict[str, Any]:
    """Adjust Edit where the user gave the filter of a weak edit more than the edit could be at 100 % (GIMP 3.2)."""
    image, photo = inside_adjust.edited(strength=5)
    layer = next(item for item in image.get_layers() if "Exposure" in item.get_name())
    live = layer.get_filters()[0]
    live.get_config().set_property("exposure", 3.0)
    live.update()
    before = inside.visible(image)
    status, message = inside.call("plug-in-saliency-adjust", image, [photo], strength=5.0)
    result = {"status": status, "message": message, "kept": inside.visible(image) == before}
    image.delete()
    return result
