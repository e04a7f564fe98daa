# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of harmonized layers run inside GIMP: cut-outs over a photo, and the same in plain Python."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import Any

import inside
from gi.repository import Gimp
from inside import read, selection, visible

from gimp_saliency.image.cutout import Cutout, read_cutout
from gimp_saliency.image.version import GIMP_32
from gimp_saliency.layers import adjust
from gimp_saliency.layers.harmony.apply import apply_harmony
from gimp_saliency.layers.harmony.record import read_harmony
from gimp_saliency.layers.record import read_parasite, write_parasite
from gimp_saliency.layers.target import find_cutout
from gimp_saliency.shared import edits, styles
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.harmony import INPUTS, SIDE, Harmony, HarmonyRequest, Shading
from gimp_saliency.tools.call import Call
from gimp_saliency.tools.registry import TOOLS

WIDTH, HEIGHT = 64, 48
BOX = (0.125, 0.25, 0.75, 0.875)  # 40 x 30 pixels from 8, 12
ADOBE = 563 / 256  # the exponent of Adobe RGB's curve
KINDS = ("both", "curves", "shading")
STYLE = (0.5, -4.0, *([0.0] * 8))
SCENES: dict[str, dict[str, Any]] = {
    "8 bit": {},
    "16 bit": {"precision": "U16_NON_LINEAR"},
    "float": {"precision": "FLOAT_LINEAR"},
    "float, encoded": {"precision": "FLOAT_NON_LINEAR"},
    "with an offset": {"size": (40, 30), "offset": (11, 9)},
    "float, larger than the canvas": {"precision": "FLOAT_LINEAR", "size": (80, 60), "offset": (-7, -5)},
    "layer mask": {"masked": True},
    "16 bit, layer mask and offset": {
        "precision": "U16_NON_LINEAR",
        "masked": True,
        "size": (40, 30),
        "offset": (11, 9),
    },
    "mode and opacity": {"mode": "MULTIPLY", "opacity": 40.0},
    "gray": {"base": "GRAY"},
    "gray, float": {"base": "GRAY", "precision": "FLOAT_LINEAR"},
    "Adobe RGB": {"adobe": True},
    "part": {"part": True},
    "16 bit, part and offset": {"precision": "U16_NON_LINEAR", "part": True, "size": (40, 30), "offset": (11, 9)},
    "float, part": {"precision": "FLOAT_LINEAR", "part": True},
    "in a group": {"grouped": True},
    "with two filters": {"filtered": True},
    "with two filters and a layer mask": {"filtered": True, "masked": True},
}


# Scenes


def make_harmony(kind: str = "both", seed: int = 3, box: tuple[float, float, float, float] = BOX) -> Harmony:
    """Random curves, a random map or both, rounded as the layers note them."""
    draw = random.Random(seed)
    curves = [sorted(min(1.0, max(0.0, x + draw.uniform(-0.15, 0.15))) for x in INPUTS) for _ in range(3)]
    values = tuple(tuple(draw.uniform(-1, 1) for _ in range(SIDE)) for _ in range(SIDE))
    harmony = Harmony(
        *((tuple(curve) if kind != "shading" else INPUTS) for curve in curves),
        Shading(box, values) if kind != "curves" else None,
    )
    return Harmony.from_json(harmony.to_json())


def make_scene(
    masked: bool = False,
    mode: str = "NORMAL",
    opacity: float = 100.0,
    grouped: bool = False,
    filtered: bool = False,
    **options: Any,
) -> tuple[Any, Any]:
    """A photo below a partly transparent cut-out, which is the active layer, and a hidden layer above both.

    masked: the cut-out has a layer mask; grouped: it is in a normal group; filtered: it has two live filters; part: an
    ellipse on it is selected.  The other options are those of inside.picture.
    """
    is_part, adobe = options.pop("part", False), options.pop("adobe", False)
    image, layer = inside.picture(WIDTH, HEIGHT, alpha="partial", **options)
    layer.set_name("Cut-out")
    for place, name in ((1, "Photo"), (0, "Above")):
        kind = Gimp.ImageType.GRAY_IMAGE if layer.is_gray() else Gimp.ImageType.RGB_IMAGE
        other = Gimp.Layer.new(image, name, WIDTH, HEIGHT, kind, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(other, None, place)
        inside.write(other, inside.noisy_colours(WIDTH, HEIGHT, False, 7 + place), "R'G'B'A u8")
        other.set_visible(name == "Photo")
    if grouped:
        group = Gimp.GroupLayer.new(image, "Group")
        image.insert_layer(group, None, 1)
        image.reorder_item(layer, group, 0)
    if masked:
        add_mask(layer)
    if filtered:
        add_filters(layer)
    layer.set_mode(getattr(Gimp.LayerMode, mode))
    layer.set_opacity(opacity)
    if adobe:
        image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())  # the same numbers, other colours
    if is_part:
        inside.select(image, (20, 14, 24, 20), 8)
    image.set_selected_layers([layer])
    return image, layer


def add_mask(layer: Any, seed: int = 5) -> Any:
    """Give a layer a mask of noise, some of it black, some white."""
    draw = random.Random(seed)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    values = (min(255, max(0, draw.randrange(-60, 316))) for _ in range(layer.get_width() * layer.get_height()))
    inside.write(mask, bytes(values), "Y u8")
    return mask


def add_filters(layer: Any) -> None:
    """Give a layer two live filters whose order matters; nothing may be selected."""
    for operation, name, value in (("gegl:levels", "out-low", 0.2), ("gegl:exposure", "exposure", -0.5)):
        live_filter = Gimp.DrawableFilter.new(layer, operation, operation)
        live_filter.get_config().set_property(name, value)
        layer.append_filter(live_filter)


def harmonize(image: Any, layer: Any, kind: str = "both", part: bool = False, **asked: Any) -> list[Any]:
    return apply_harmony(image, layer, make_harmony(kind), HarmonyRequest(**asked), "test", part)


# The same in plain Python


def doubles(data: bytes) -> tuple[float, ...]:
    return struct.unpack(f"{len(data) // 8}d", data)


def encode(light: float) -> float:
    """The sRGB curve, mirrored for negative numbers."""
    if light < 0:
        return -encode(-light)
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def decode(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def bend(curve: Sequence[float], value: float) -> float:
    """A piecewise linear curve at a display-encoded value."""
    place = 15 * min(1.0, max(0.0, value))
    node = min(14, int(place))
    return curve[node] + (place - node) * (curve[node + 1] - curve[node])


def look_up(values: Sequence[float], x: int, y: int) -> float:
    """A map of 32 x 32 values in BOX at a pixel of the canvas: bilinear, nearest around it."""
    left, top, right, bottom = (round(share * side) for share, side in zip(BOX, (WIDTH, HEIGHT) * 2))
    across = min(31.0, max(0.0, (x - left + 0.5) * 32 / (right - left) - 0.5))
    down = min(31.0, max(0.0, (y - top + 0.5) * 32 / (bottom - top) - 0.5))
    column, row = min(30, int(across)), min(30, int(down))

    def mix(line: int) -> float:
        start = 32 * line + column
        return values[start] + (across - column) * (values[start + 1] - values[start])

    return mix(row) + (down - row) * (mix(row + 1) - mix(row))


def compute(
    pixels: Sequence[float], harmony: Harmony, size: tuple[int, int], offset: tuple[int, int], selected: Sequence[float]
) -> list[float]:
    """What becomes of RGBA pixels in linear light; selected: the share of each pixel of the canvas, empty: all."""
    masks = harmony.shading.list_masks() if harmony.shading else ([0.0] * 1024, [0.0] * 1024)
    result: list[float] = []
    for number in range(size[0] * size[1]):
        x, y = number % size[0] + offset[0], number // size[0] + offset[1]
        on_canvas = 0 <= x < WIDTH and 0 <= y < HEIGHT
        share = 1.0 if not selected else selected[WIDTH * y + x] if on_canvas else 0.0
        darker, lighter = (share * look_up(mask, x, y) for mask in masks)
        for channel, curve in enumerate(harmony.curves()):
            before = pixels[4 * number + channel]
            value = before + share * (decode(bend(curve, encode(before))) - before) if harmony.has_curves() else before
            # One stop darker and one lighter through their masks: y = x (1 - m) + m x 2^EV.
            value = value * (1 - darker) + darker * value / 2
            result.append(value * (1 - lighter) + lighter * value * 2)
        result.append(pixels[4 * number + 3])
    return result


def expect(image: Any, layer: Any, harmony: Harmony, adobe: bool) -> None:
    """Write into the layer itself what a harmony makes of it."""
    size, offset = (layer.get_width(), layer.get_height()), tuple(layer.get_offsets()[1:])
    selected = doubles(selection(image)) if Gimp.Selection.bounds(image)[1] else ()
    if layer.is_gray():
        harmony = harmony.for_gray()
    if adobe:
        image.set_color_profile(Gimp.ColorProfile.new_rgb_srgb())  # the numbers themselves
        pixels = [value if i % 4 == 3 else value**ADOBE for i, value in enumerate(doubles(read(layer)))]
    else:
        pixels = list(doubles(read(layer, "RGBA double")))
    found = compute(pixels, harmony, size, (offset[0], offset[1]), selected)
    if adobe:
        found = [value if i % 4 == 3 else value ** (1 / ADOBE) for i, value in enumerate(found)]
        inside.write(layer, struct.pack(f"{len(found)}d", *found), "R'G'B'A double")
        image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
    else:
        inside.write(layer, struct.pack(f"{len(found)}d", *found), "RGBA double")


# What the tests ask for


def compare_scenes(kinds: Sequence[str] = KINDS) -> dict[str, dict[str, Any]]:
    """Of each scene and kind of harmony: how far it is from plain Python's, and what else must be as it was."""
    return {f"{name}: {kind}": _compare(kind, **options) for name, options in SCENES.items() for kind in kinds}


def _compare(kind: str, **options: Any) -> dict[str, Any]:
    part = options.get("part", False)
    image, layer = make_scene(**options)
    expected, other = make_scene(**options)
    if other.get_filters():  # merging none changes the selection, too
        other.merge_filters()
    expect(expected, other, make_harmony(kind), options.get("adobe", False))
    originals = {item.get_name(): read(item) for item in _list_layers(image) if not item.is_group()}
    before, selected, alpha = _read_numbers(image), selection(image), _read_alpha(image)
    covered = _read_covered(image, layer, part)
    layers = harmonize(image, layer, kind, part)
    after = _read_numbers(image)
    kept = {item.get_name(): read(item) for item in _list_layers(image) if item.get_name() in originals}
    result = {
        "difference": _worst(after, _read_numbers(expected)),
        "changed": _worst(after, before),
        "unchanged outside": bool(covered) and all(after[p] == before[p] for p in covered),
        "originals": kept == originals,
        "alpha": _read_alpha(image) == alpha,
        "selection": selection(image) == selected,
        "channels": len(image.get_channels()),
        "layers": len(layers),
        "saved": _worst(inside.saved_and_loaded(image), visible(image)),
    }
    image.delete()
    expected.delete()
    return result


def _read_numbers(image: Any) -> bytes:
    """The composition's own numbers, which stand for other colours in other profiles, R'G'B'A double."""
    if image.get_color_profile() is None:
        return visible(image)
    other = Gimp.Image.new_with_precision(WIDTH, HEIGHT, image.get_base_type(), image.get_precision())
    try:
        other.set_color_profile(image.get_color_profile())
        layer = Gimp.Layer.new_from_visible(image, other, "")
        other.insert_layer(layer, None, 0)
        other.set_color_profile(Gimp.ColorProfile.new_rgb_srgb())
        return read(layer)
    finally:
        other.delete()


def _list_layers(image: Any) -> list[Any]:
    """All layers of the image, and those in its groups."""
    found: list[Any] = []
    rest = list(image.get_layers())
    while rest:
        item = rest.pop()
        found.append(item)
        rest += item.get_children() if item.is_group() else []
    return found


def _worst(one: bytes, other: bytes) -> float:
    """The largest difference, display-encoded."""
    return max(abs(a - b) for a, b in zip(doubles(one), doubles(other)))


def _read_alpha(image: Any) -> list[float]:
    """The composition's alpha without the photo."""
    (photo,) = (item for item in image.get_layers() if item.get_name() == "Photo")
    photo.set_visible(False)
    alpha = doubles(visible(image))[3::4]
    photo.set_visible(True)
    return list(alpha)


def _read_covered(image: Any, layer: Any, part: bool) -> list[slice]:
    """Where the 32 bytes of each pixel lie that the layer does not cover, or that are not selected."""
    cover, selected = _read_cover(layer), doubles(selection(image))
    free = (i for i in range(WIDTH * HEIGHT) if not cover(i % WIDTH, i // WIDTH) or (part and not selected[i]))
    return [slice(32 * i, 32 * i + 32) for i in free]


def _read_cover(layer: Any) -> Callable[[int, int], float]:
    """The share of a pixel of the canvas that a layer covers, its opacity aside."""
    _ok, left, top = layer.get_offsets()
    width, height = layer.get_width(), layer.get_height()
    alpha, mask = doubles(read(layer))[3::4], layer.get_mask() if layer.get_apply_mask() else None
    masked = doubles(read(mask, "Y double")) if mask else [1.0] * len(alpha)

    def cover(x: int, y: int) -> float:
        place = width * (y - top) + x - left
        return alpha[place] * masked[place] if 0 <= x - left < width and 0 <= y - top < height else 0.0

    return cover


def below_32_pixels() -> float:
    """How far a shading is from plain Python's whose box has fewer pixels than the map has values."""
    global BOX
    before, BOX = BOX, (0.25, 0.25, 0.5, 0.75)  # 16 x 24 pixels
    try:
        image, layer = make_scene(precision="FLOAT_LINEAR")
        expected, other = make_scene(precision="FLOAT_LINEAR")
        harmony = make_harmony("shading", box=BOX)
        expect(expected, other, harmony, False)
        apply_harmony(image, layer, harmony, HarmonyRequest(), "test", False)
        return _worst(visible(image), visible(expected))
    finally:
        BOX = before


def keep_alpha_and_hidden_colours() -> dict[str, bool]:
    """Whether a harmonized copy has the alpha of the layer to the bit, and under alpha 0 its colours, too."""
    found = {}
    for precision in ("U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"):
        for kind in KINDS:
            image, layer = make_scene(precision=precision, masked=True)
            before = read(layer)
            harmonize(image, layer, kind)
            (active,) = image.get_selected_layers()
            after = read(active)
            pixels = range(0, len(before), 32)
            alpha = all(before[i + 24 : i + 32] == after[i + 24 : i + 32] for i in pixels)
            hidden = [i for i in pixels if before[i + 24 : i + 32] == bytes(8)]
            found[f"{precision}, {kind}"] = (
                alpha and bool(hidden) and all(before[i : i + 24] == after[i : i + 24] for i in hidden)
            )
            image.delete()
    return found


def layers_of(**options: Any) -> dict[str, Any]:
    """Of each kind of harmony: the tree of layers, the names of those returned, and which one is active then."""
    found = {}
    for kind in KINDS:
        image, layer = make_scene(**{**options, "opacity": 60.0, "mode": "SCREEN"})
        made = harmonize(image, layer, kind)
        (active,) = image.get_selected_layers()
        top = image.get_layers()[1]
        found[kind] = {
            "tree": inside.tree(image)[1:],
            "made": [item.get_name() for item in made],
            "active": active.get_name(),
            "top": [top.get_opacity(), top.get_mode().value_nick],
        }
        image.delete()
    return found


def strengths() -> dict[str, Any]:
    """How many layers there are at each strength, and what the record of one says."""
    found: dict[str, Any] = {}
    cases: dict[str, dict[str, Any]] = {
        "nothing": {"strength": 0.0},
        "both off": {"colour": 0.0, "shading": 0.0},
        "no shading": {"shading": 0.0},
        "no colour": {"colour": 0.0},
        "more": {"strength": 140.0, "colour": 50.0, "style_numbers": STYLE},
    }
    for name, settings in cases.items():
        image, layer = make_scene()
        image.undo_enable()
        image.clean_all()
        made = harmonize(image, layer, **settings)
        found[name] = {"steps": [(read_parasite(item) or {}).get("step") for item in made], "dirty": image.is_dirty()}
        if name == "more":
            record = read_harmony(made[0])
            request = record.request
            found["record"] = {
                "base": record.base == make_harmony(),
                "strengths": [request.strength, request.colour, request.shading],
                "texts": [record.model, len(record.id), bool(record.version), record.is_part],
                "style": list(request.style_numbers),
            }
        image.delete()
    return found


def damaged() -> dict[str, str]:
    """What is said of a record that is damaged, of a stranger's, and of none."""
    image, layer = make_scene()
    (made, *_rest) = harmonize(image, layer)
    good = read_parasite(made)
    assert good is not None
    flat = {**good["base"], "curves": [[0.5] * 16, [0.5] * 16, [0.9, 0.1] * 8]}
    spoilt: dict[str, dict[str, Any]] = {
        "falling curve": {**good, "base": flat},
        "no curves": {**good, "base": {}},
        "no strength": {**good, "strength": None},
        "strength": {**good, "colour": 1e6},
        "shading": {**good, "base": {**good["base"], "shading": {"box": [0, 0, 1, 1], "ev": [[9.0] * 32] * 32}}},
        "style": {**good, "style": [0] * 9},
        "far style": {**good, "style": [5] * 10},
        "another tool": {**good, "tool": "relight\n"},
        "no tool": {key: value for key, value in good.items() if key != "tool"},
    }
    found = {"good": str(read_harmony(made) is not None)}
    for name, content in spoilt.items():
        write_parasite(made, content)
        try:
            read_harmony(made)
            found[name] = ""
        except UserError as error:
            found[name] = str(error)
    image.delete()
    return found


def adjusting() -> dict[str, list[str]]:
    """What *Adjust Edit* says of each layer of a harmony."""
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        image, layer = make_scene()
        harmonize(image, layer, kind)
        top = image.get_layers()[1]
        sentences = set()
        for item in [top, *(top.get_children() if top.is_group() else [])]:
            try:
                adjust.find_edit(image, [item])
                sentences.add("")
            except UserError as error:
                sentences.add(str(error))
        found[kind] = sorted(sentences)
        image.delete()
    return found


def edit_afterwards() -> dict[str, Any]:
    """An edit of a harmonized layer: what is below it, and whether it can be adjusted."""
    found = {}
    for kind in KINDS:
        image, layer = make_scene()
        harmonize(image, layer, kind)
        once = visible(image)
        inside.select(image, (20, 14, 24, 20), 0)
        inside.answer_with([edits.Exposure(-1)])
        made = inside.edit(image, image.get_selected_layers(), "attenuate")
        twice = visible(image)
        darker = [b <= a + 1.01 / 255 for a, b in zip(doubles(once), doubles(twice))]  # GIMP rounds groups
        adjusted = adjust.find_edit(image, made[-1:])
        found[kind] = {"darker": all(darker) and once != twice, "base": [edit.name for edit in adjusted.base]}
        image.delete()
    return found


# Undo and redo, in a window


def add_cutout(image: Any, filters: bool = False, masked: bool = False) -> None:
    """Put a cut-out over the window's picture, and make it active."""
    size = 200, 140
    layer = Gimp.Layer.new(image, "Cut-out", *size, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    layer.set_offsets(130, 90)
    inside.write(layer, inside.noisy_colours(*size, True, 4), "R'G'B'A u8")
    if masked:
        add_mask(layer)
    if filters:
        selected = Gimp.Selection.save(image)
        Gimp.Selection.none(image)
        add_filters(layer)
        image.select_item(Gimp.ChannelOps.REPLACE, selected)
        image.remove_channel(selected)
    image.set_selected_layers([layer])
    image.clean_all()


def harmonize_active(image: Any, kind: str = "both", part: bool = False) -> int:
    """Harmonize the active layer; the number of layers that were made."""
    (layer,) = image.get_selected_layers()
    return len(harmonize(image, layer, kind, part))


# What the server gets to see


def _mean(plane: bytes, wanted: Callable[[int, int], float], width: int) -> float:
    """The mean difference of a plane from what is wanted, 0..1, at each pixel."""
    return sum(abs(value / 255 - wanted(i % width, i // width)) for i, value in enumerate(plane)) / len(plane)


def seen() -> dict[str, Any]:
    """The cut-out as the server sees it, by scene: differences of coverage and of colours from what GIMP shows."""
    cases: dict[str, dict[str, Any]] = {
        "plain": {},
        "16 bit": {"precision": "U16_NON_LINEAR"},
        "float": {"precision": "FLOAT_LINEAR"},
        "gray": {"base": "GRAY"},
        "offset": {"size": (40, 30), "offset": (11, 9)},
        "layer mask": {"masked": True},
        "opacity": {"opacity": 30.0},
        "in a group": {"grouped": True},
    }
    found: dict[str, Any] = {}
    for name, options in cases.items():
        image, layer = make_scene(**options)
        found[name] = _compare_seen(image, layer)
        if name == "layer mask":
            layer.set_apply_mask(False)
            found["mask switched off"] = _compare_seen(image, layer)
        if name == "plain":
            image.get_layers()[0].set_visible(True)
            cutout = read_cutout(image, layer)
            image.get_layers()[0].set_visible(False)
            found["covered"] = cutout == read_cutout(image, layer)
        image.delete()
    return found


def _compare_seen(image: Any, layer: Any) -> list[float]:
    """The mean differences of coverage and colours, 0..1."""
    image.undo_enable()
    image.clean_all()
    cutout = read_cutout(image, layer)
    assert not image.is_dirty() and (cutout.width, cutout.height) == (WIDTH, HEIGHT)
    assert cutout.reference is None and not cutout.part
    shown = doubles(visible(image))
    colours = [
        _mean(cutout.pixels[channel::4], lambda x, y, c=channel: shown[4 * (WIDTH * y + x) + c], WIDTH)  # type: ignore[misc]
        for channel in range(3)
    ]
    return [_mean(cutout.pixels[3::4], _read_cover(layer), WIDTH), max(colours)]


def selections() -> dict[str, Any]:
    """What each selection means: the means of the reference, if there is one, and whether it limits the change."""
    cases: dict[str, Callable[[Any], Any]] = {
        "none": Gimp.Selection.none,
        "all": Gimp.Selection.all,
        "beside": lambda image: image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 48),
        "touching": lambda image: image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 30, 48),
        "inside": lambda image: image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 20, 8, 8),
        "around": lambda image: image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 0, 44, 48),
    }
    found: dict[str, Any] = {}
    for name, choose in cases.items():
        image, layer = _opaque_cutout()
        choose(image)
        before, active = selection(image), image.get_selected_layers()
        cutout = read_cutout(image, layer)
        found[name] = [*_describe_reference(cutout), cutout.part]
        assert selection(image) == before and image.get_selected_layers() == active
        assert _mean(cutout.pixels[3::4], lambda x, y: float(26 <= x < 56 and 12 <= y < 42), WIDTH) < 0.01
        image.delete()
    return found


def _opaque_cutout() -> tuple[Any, Any]:
    """A scene whose cut-out is a rectangle, 30 x 30 pixels at 26, 12."""
    return make_opaque((30, 30), (26, 12))


def make_opaque(size: tuple[int, int], offset: tuple[int, int]) -> tuple[Any, Any]:
    """A scene whose cut-out is an opaque rectangle."""
    image, layer = make_scene(size=size, offset=offset)
    inside.write(layer, inside.noisy_colours(*size, False, 4), "R'G'B'A u8")
    return image, layer


def _describe_reference(cutout: Cutout) -> list[Any]:
    """The means of the reference in the left 20 columns and right of them; nothing where there is none."""
    if cutout.reference is None:
        return []
    pairs = [(i % WIDTH < 20, value) for i, value in enumerate(cutout.reference)]
    sides = [[value for is_left, value in pairs if is_left is side] for side in (True, False)]
    return [sum(side) / len(side) for side in sides]


# Sentences


def _hide_photo(image: Any, layer: Any) -> None:
    image.get_layers()[-1].set_visible(False)


def _clear_photo(image: Any, layer: Any) -> None:
    photo = image.get_layers()[-1]
    photo.add_alpha()
    inside.write(photo, bytes(4 * WIDTH * HEIGHT), "R'G'B'A u8")


def _fill(image: Any, layer: Any) -> None:
    inside.write(layer, inside.noisy_colours(WIDTH, HEIGHT, False, 4), "R'G'B'A u8")


def _hide_all_by_mask(image: Any, layer: Any) -> None:
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))


def _float(image: Any, layer: Any) -> None:
    inside.float_selection(image, layer)


def _hide_group(image: Any, layer: Any) -> None:
    inside.into_group(image, layer)[0].set_visible(False)


def _index(image: Any, layer: Any) -> None:
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, False, False, "")


def _edit_first(image: Any, layer: Any) -> list[Any]:
    inside.answer_with([edits.Exposure(-1)])
    inside.select(image)
    inside.edit(image, [layer], "attenuate")
    return image.get_selected_layers() if GIMP_32 else harmonize_twice(image, layer)


def harmonize_twice(image: Any, layer: Any) -> list[Any]:
    harmonize(image, layer, "both")
    return list(image.get_selected_layers())


def _harmonize_curves(image: Any, layer: Any) -> list[Any]:
    harmonize(image, layer, "curves")
    return list(image.get_selected_layers())


_SPOILT: dict[str, Callable[[Any, Any], list[Any] | None]] = {
    "several": lambda image, layer: [layer, layer],
    "none": lambda image, layer: [None, None],
    "channel": lambda image, layer: [Gimp.Selection.save(image)],
    "group": lambda image, layer: inside.into_group(image, layer),
    "hidden": lambda image, layer: layer.set_visible(False) and None,
    "hidden group": lambda image, layer: _hide_group(image, layer),
    "locked": lambda image, layer: layer.set_lock_content(True) and None,
    "locked as visible": lambda image, layer: layer.set_lock_visibility(True) and None,
    "floating": lambda image, layer: _float(image, layer),
    "indexed": lambda image, layer: _index(image, layer),
    "opaque": lambda image, layer: _fill(image, layer),
    "photo": lambda image, layer: [image.get_layers()[-1]],
    "all masked": lambda image, layer: _hide_all_by_mask(image, layer),
    "empty": lambda image, layer: inside.write(layer, bytes(4 * WIDTH * HEIGHT), "R'G'B'A u8"),
    "beside the canvas": lambda image, layer: layer.set_offsets(WIDTH + 3, 0) and None,
    "nothing below": lambda image, layer: image.remove_layer(image.get_layers()[-1]) and None,
    "photo hidden": lambda image, layer: _hide_photo(image, layer),
    "photo empty": lambda image, layer: _clear_photo(image, layer),
    "harmonized": harmonize_twice,
    "with curves": _harmonize_curves,
    "edited": _edit_first,
}


def sentences() -> dict[str, list[Any]]:
    """What is said of each scene that cannot be harmonized, and whether the image is as it was."""
    found = {}
    for name, spoil in _SPOILT.items():
        image, layer = make_scene()
        image.undo_enable()
        drawables = spoil(image, layer) or [layer]
        image.clean_all()
        before = inside.tree(image)
        found[name] = [_harmonize_by_tool(image, drawables), inside.tree(image) == before and not image.is_dirty()]
        image.delete()
    image, layer = make_scene()
    image.scale(15, 15)
    found["tiny"] = [_harmonize_by_tool(image, [layer]), True]
    image.scale(1000, 20)
    found["narrow"] = [_harmonize_by_tool(image, [layer]), True]
    image.delete()
    return found


def by_mask() -> bool:
    """Whether the tool does the same where the cut-out's layer mask is active."""
    shown = []
    for is_mask in (False, True):
        image, layer = make_scene(masked=True)
        run_tool(image, [layer.get_mask() if is_mask else layer])
        shown.append(visible(image))
        image.delete()
    return bool(shown[0] == shown[1])


def _harmonize_by_tool(image: Any, drawables: list[Any], **arguments: Any) -> str:
    """Run the tool in this process, where the server is a stand-in; its sentence, "" if it succeeded."""
    try:
        run_tool(image, drawables, **arguments)
        return ""
    except UserError as error:
        return str(error)


def run_tool(image: Any, drawables: list[Any], **arguments: Any) -> tuple[list[Any], list[Any]]:
    """Run the tool as a script does: the layers that it made, and what the server was asked."""
    asked: list[Any] = []

    def ask_harmony(*question: Any) -> dict[str, Any]:
        asked.extend(question)
        return {**make_harmony().to_json(), "model": "stand-in"}

    questions.ask_harmony = ask_harmony
    name = "plug-in-saliency-harmonize"
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for argument, value in arguments.items():
        config.set_property(argument, value)
    call = Call(procedure, Gimp.RunMode.NONINTERACTIVE, image, drawables, config)
    return TOOLS[name].run(call), asked


def by_tool() -> dict[str, Any]:
    """The tool with a stand-in for the server: what that was asked, and what came of it, without and with a part."""
    found: dict[str, Any] = {}
    for name, rectangle in (("whole", None), ("beside", (0, 0, 20, 48)), ("part", (30, 20, 12, 9))):
        image, layer = _opaque_cutout()
        if rectangle:
            image.select_rectangle(Gimp.ChannelOps.REPLACE, *rectangle)
        before, selected = doubles(visible(image)), selection(image)
        layers, asked = run_tool(image, [layer], strength=80.0, shading=50.0)
        after = doubles(visible(image))
        record = read_harmony(layers[0])
        changed = {i // 4 for i, value in enumerate(after) if value != before[i]}
        found[name] = {
            "asked": [len(asked[0]), *asked[1:3], asked[3] is not None and len(asked[3])],
            "strengths": [record.request.strength, record.request.colour, record.request.shading],
            "record": [record.model, record.is_part],
            "changed": _bound(changed),
            "selection": selection(image) == selected,
        }
        image.delete()
    return found


def by_tool_in_style() -> dict[str, Any]:
    """The same with a saved style: what the server was asked, what the record says, and what is said of another one."""
    image, layer = _opaque_cutout()
    styles.HARMONIES.load_saved = lambda: {"Faded": STYLE}  # type: ignore[method-assign]
    found: dict[str, Any] = {"refused": _harmonize_by_tool(image, [layer], style="Pale")}
    layers, asked = run_tool(image, [layer], style="Faded")
    request = read_harmony(layers[0]).request
    image.delete()
    return {**found, "asked": list(asked[4]), "noted": [request.style, list(request.style_numbers)]}


def _bound(pixels: set[int]) -> list[int]:
    """Left, top, right and bottom of pixels of the canvas."""
    columns, rows = [i % WIDTH for i in pixels], [i // WIDTH for i in pixels]
    return [min(columns), min(rows), max(columns) + 1, max(rows) + 1]


def find_again() -> bool:
    """Whether a layer whose filter was taken away again can be harmonized (GIMP 3.2)."""
    image, layer = make_scene()
    harmonize(image, layer, "curves")
    for live_filter in layer.get_filters():
        live_filter.delete()
    return bool(find_cutout(image, [layer]) == layer)
