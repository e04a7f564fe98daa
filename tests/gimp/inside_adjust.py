# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of later changes, soft edges, parts and previews run inside GIMP."""

from __future__ import annotations

import random
import struct
from typing import Any

import inside
from gi.repository import Gimp
from inside import ALL_EDITS, picture, select, selection, visible

from gimp_saliency.image.selection import select_tiles, select_values
from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.image.version import GIMP_32
from gimp_saliency.layers import adjust, live, memory
from gimp_saliency.layers.record import PARASITE, read_note, read_parasite, write_parasite
from gimp_saliency.predict.edge import fetch_refined_mask
from gimp_saliency.predict.parts import parts, within
from gimp_saliency.preview import preview
from gimp_saliency.shared import edits
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest

TOLERANCE = 1.5 / 255  # two ways to the same 8-bit picture


def worst(one: bytes, other: bytes) -> float:
    """The largest difference of two pictures of doubles."""
    values = (struct.unpack(f"{len(data) // 8}d", data) for data in (one, other))
    return max(abs(a - b) for a, b in zip(*values))


def edited(strength: float = 100, kinds: Any = edits.NAMES, **options: Any) -> tuple[Any, Any]:
    """An image with an edit of ALL_EDITS at a strength, and its photo."""
    inside.answer_with(ALL_EDITS)
    image, layer = picture(**options)
    select(image)
    inside.edit(image, [layer], "attenuate", strength=strength, kinds=frozenset(kinds))
    return image, layer


def adjusted(image: Any, layer: Any, strength: float, kinds: Any = edits.NAMES, base: Any = None) -> list[Any]:
    made = adjust.find_edit(image, [layer])
    wanted = EditRequest(made.request.direction, strength, kinds=frozenset(kinds))
    return adjust.apply_values(image, made, base or made.base, wanted)


def adjusting_equals_editing() -> dict[str, dict[str, Any]]:
    """Edits that were changed afterwards beside edits that were made so at once."""
    without, no_tone, no_contrast = (
        tuple(name for name in edits.NAMES if name != other) for other in ("saturation", "tone", "contrast")
    )
    cases: dict[str, tuple[float, Any, float, Any]] = {
        "weaker": (100, edits.NAMES, 40, edits.NAMES),
        "stronger": (60, edits.NAMES, 150, edits.NAMES),
        "one switched off": (100, edits.NAMES, 100, without),
        "one switched on": (100, without, 100, edits.NAMES),
        "of two in a layer one switched off": (100, edits.NAMES, 80, no_contrast),
        "of two in a layer one switched on": (100, no_tone, 80, edits.NAMES),
        "of two in a layer another one": (100, no_tone, 100, no_contrast),
    }
    results = {}
    for shape, options in inside.SHAPES.items():
        for name, (strength, kinds, new_strength, new_kinds) in cases.items():
            image, _ = edited(strength, kinds, **options)
            before, was_selected, channels = visible(image), selection(image), len(image.get_channels())
            if shape == "opaque":
                image = reloaded(image)
            active = image.get_layers()[0]
            adjusted(image, active, new_strength, new_kinds)
            other, _ = edited(new_strength, new_kinds, **options)
            results[f"{shape}, {name}"] = {
                "difference": worst(visible(image), visible(other)),
                "changed": worst(visible(image), before),
                "selection": worst(selection(image), was_selected) if shape != "opaque" else 0,
                "channels": len(image.get_channels()) - channels,
                "again": adjust.find_edit(image, [image.get_layers()[0]]).request.strength,
                "kinds": sorted(adjust.find_edit(image, [image.get_layers()[0]]).request.kinds),
                "wanted": [new_strength, sorted(new_kinds)],
            }
            image.delete()
            other.delete()
    return results


def reloaded(image: Any) -> Any:
    """The image after saving as XCF and loading again."""
    loaded = inside.load_again(image)
    image.delete()
    return loaded


def selected_after_loading() -> list[int]:
    """How far coverage is off that was selected from numbers, in new images and in ones from an XCF file."""
    result = []
    for precision in ("U8_NON_LINEAR", "U8_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"):
        for load in (False, True):
            image, layer = picture(precision=precision)
            select(image)
            image = reloaded(image) if load else image
            layer = image.get_layers()[0]
            values = bytes((5 * x + y) % 256 for y in range(48) for x in range(64))
            select_values(image, values, "u8")
            seen = read_thumbnail(image, layer).pixels[3::4]
            for found in (selection(image, "Y u8"), seen):
                result.append(max(abs(a - b) for a, b in zip(values, found)))
            image.delete()
    return result


def found_from_everywhere() -> dict[str, Any]:
    """The edit's id from each of its layers, the photo and masks; and with the photo in a holder."""
    result = {}
    for name, options in (("opaque", {}), ("transparent", {"alpha": "partial"})):
        image, _ = edited(**options)
        ids = set()
        pending, seen = list(image.get_layers()), 0
        while pending:
            layer = pending.pop()
            pending += layer.get_children() if layer.is_group() else []
            for drawable in [layer, *([layer.get_mask()] if layer.get_mask() else [])]:
                if drawable.get_name() == "Photo" and not drawable.get_visible():
                    continue  # the hidden original belongs to nobody
                ids.add(adjust.find_edit(image, [drawable]).record.id)
                seen += 1
        result[name] = {"ids": len(ids), "drawables": seen}
        image.delete()
    return result


def changed_in_gimp() -> dict[str, Any]:
    """What is read back after the user changed filters in GIMP's own dialogs (GIMP 3.2)."""
    image, layer = edited(strength=50)
    by_name = {item.get_name().partition(": ")[2].split(" ")[0]: item for item in image.get_layers()}
    changes = (("Exposure", "exposure", 1.0), ("Saturation", "scale", 0.25), ("Sharpening", "scale", 0.02))
    for name, prop, value in changes:
        changed = by_name[name].get_filters()[0]
        changed.get_config().set_property(prop, value)
        changed.update()
    for name in ("Curves,", "Contrast"):
        inside.change_curve(by_name[name])
    before = visible(image)
    made = adjust.find_edit(image, [layer])
    base = {edit.name: edit for edit in made.base}
    adjusted(image, layer, 50)
    result = {
        "exposure": base["exposure"].ev,
        "saturation": base["saturation"].scale,
        "sharpening": base["sharpening"].amount,
        "by hand": sorted(made.by_hand),
        "kept": worst(visible(image), before),
    }
    adjusted(image, layer, 100)
    result["doubled"] = {edit.name: edit for edit in adjust.find_edit(image, [layer]).base}["exposure"].ev
    result["curves still theirs"] = adjust.find_edit(image, [layer]).by_hand == {"contrast", "curves", "tone"}
    changed = by_name["Sharpening"].get_filters()[0]
    changed.get_config().set_property("std-dev", 5.0)
    changed.update()
    result["another width"] = sorted(adjust.find_edit(image, [layer]).by_hand)
    image.delete()
    return result


def in_one_layer() -> dict[str, Any]:
    """What becomes of contrast and tone, which are one layer, in cases of their own (GIMP 3.2): kinds of each layer."""
    both = {"contrast", "tone"}
    others = frozenset(edits.NAMES) - both
    result: dict[str, Any] = {}

    image, layer = edited()
    before = visible(image)
    for kinds in (others, others | {"tone"}, edits.NAMES):
        adjusted(image, layer, 100, kinds)
    result["both off, and on again"] = _list_kinds(image, layer), worst(visible(image), before)
    image.delete()

    plain = [edits.Contrast(0) if edit.name == "contrast" else edit for edit in ALL_EDITS]
    inside.answer_with(plain)
    image, layer = picture()
    select(image)
    inside.edit(image, [layer], "attenuate")
    before = inside.tree(image)
    adjusted(image, layer, 100)
    result["nothing to change"] = _list_kinds(image, layer), inside.tree(image) == before
    image.delete()

    join_edits = live.join_edits
    live.join_edits = lambda each, gray: list(each)
    image, layer = edited()
    live.join_edits = join_edits
    adjusted(image, layer, 60)
    new, _ = edited(60)
    result["of an older version"] = _list_kinds(image, layer), worst(visible(image), visible(new))
    image.delete()
    new.delete()

    image, layer = edited(kinds=others | {"contrast"})
    inside.change_curve(
        next(group for group in adjust.find_edit(image, [layer]).layers if "Contrast" in group.get_name())
    )
    adjusted(image, layer, 100)
    result["changed by hand, one more"] = _list_kinds(image, layer)
    before = visible(image)
    adjusted(image, layer, 100, others | {"tone"})
    result["changed by hand, hidden"] = visible(image) != before
    image.delete()

    image, layer = edited()
    image.convert_grayscale()
    adjusted(image, layer, 100)
    result["made gray"] = _list_kinds(image, layer)
    image.delete()
    return result


def _list_kinds(image: Any, layer: Any) -> list[list[str]]:
    return [[edit.name for edit in read_note(group).edits] for group in adjust.find_edit(image, [layer]).layers]


def hostile() -> dict[str, str]:
    """The sentence for each content of a parasite that no plug-in of ours wrote."""
    image, _ = edited()
    top = image.get_layers()[0]
    good = read_parasite(top) or {}
    contents: dict[str, Any] = {
        "no strength": {key: value for key, value in good.items() if key != "strength"},
        "huge strength": {**good, "strength": 1e300},
        "strength of text": {**good, "strength": "a lot"},
        "not a number": {**good, "strength": float("nan")},
        "base of nonsense": {**good, "base": [{"name": "__import__"}]},
        "base with infinity": {**good, "base": [{"name": "exposure", "ev": float("inf")}]},
        "base twice": {**good, "base": good["base"] * 2},
        "no base": {key: value for key, value in good.items() if key != "base"},
    }
    result = {}
    for name, content in contents.items():
        write_parasite(top, content)
        try:
            adjust.find_edit(image, [top])
            result[name] = ""
        except UserError as error:
            result[name] = str(error)
    deep = b"[" * 100000
    top.attach_parasite(Gimp.Parasite.new(PARASITE, 3, deep))
    try:
        adjust.find_edit(image, [top])
        result["deep"] = "some other layer's edit" if GIMP_32 else ""
    except UserError as error:
        result["deep"] = str(error)
    image.delete()
    return result


def repeated() -> dict[str, Any]:
    """An edit made again on another picture, beside the same edit by hand."""
    strangers = Gimp.get_parasite("saliency-last-edit") is not None
    other, layer = picture(seed=7)
    select(other, (20, 10, 20, 20))
    try:
        memory.repeat_edit(other, [layer])
        nothing = ""
    except UserError as error:
        nothing = str(error)
    kinds = frozenset({"exposure", "curves"})
    memory.remember_edit(ALL_EDITS, EditRequest("emphasize", 80, kinds=kinds, feather=2), [])
    status, error = inside.call("plug-in-saliency-repeat", other, [layer])
    inside.answer_with(ALL_EDITS)
    same, layer = picture(seed=7)
    select(same, (20, 10, 20, 20))
    inside.edit(same, [layer], "emphasize", strength=80, kinds=frozenset({"exposure", "curves"}), feather=2)
    content = read_parasite(other.get_layers()[0]) or {}
    result = {
        "strangers": strangers,
        "nothing": nothing,
        "status": status,
        "error": error,
        "difference": worst(visible(other), visible(same)),
        "direction": content.get("direction"),
        "adjustable": adjust.find_edit(other, [other.get_layers()[0]]).request.strength,
    }
    Gimp.detach_parasite("saliency-last-edit")
    other.delete()
    same.delete()
    return result


def feathered() -> dict[str, Any]:
    """A feather of the dialog beside one of the selection's own."""
    inside.answer_with(ALL_EDITS)
    one, layer = picture()
    select(one, feather=0)
    before = selection(one)
    inside.edit(one, [layer], "attenuate", feather=6.0)
    other, layer = picture()
    select(other, feather=6)
    inside.edit(other, [layer], "attenuate")
    result = {
        "difference": worst(visible(one), visible(other)),
        "selection": worst(selection(one), before),
        "channels": len(one.get_channels()),
    }
    one.delete()
    other.delete()
    return result


def refined(width: int, height: int) -> dict[str, Any]:
    """Refining by a stand-in that hands the mask back: nothing may move, however many tiles it takes."""
    asked = []

    def ask_refined(pixels: bytes, width: int, height: int, radius: float) -> bytes:
        asked.append((width, height))
        assert len(pixels) == 4 * width * height
        return b"".join(bytes((value, value)) for value in pixels[3::4])

    real, questions.ask_refined = questions.ask_refined, ask_refined
    try:
        inside.answer_with([edits.Exposure(-1)])
        one, layer = flat(width, height)
        one.select_ellipse(Gimp.ChannelOps.REPLACE, 10, 10, width - 30, height - 20)
        inside.edit(one, [layer], "attenuate", refine=True, feather=20.0)
        other, layer = flat(width, height)
        other.select_ellipse(Gimp.ChannelOps.REPLACE, 10, 10, width - 30, height - 20)
        inside.edit(other, [layer], "attenuate")
        result = {"difference": worst(visible(one, "Y' double"), visible(other, "Y' double")), "asked": asked}
        one.delete()
        other.delete()
        return result
    finally:
        questions.ask_refined = real


def flat(width: int, height: int) -> tuple[Any, Any]:
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "Photo", width, height, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    layer.fill(Gimp.FillType.WHITE)
    return image, layer


def really_refined() -> dict[str, float]:
    """The real server's refining of a square's careless selection: how much of square and surround is selected."""
    image, layer = flat(300, 200)
    Gimp.context_push()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 60, 80, 80)
    layer.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.context_pop()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 96, 56, 88, 88)
    select_tiles(image, fetch_refined_mask(image, layer, 12.0))
    values = struct.unpack("60000d", selection(image))
    square = [values[y * 300 + x] for y in range(70, 130) for x in range(110, 170)]
    border = [values[y * 300 + x] for y in range(70, 130) for x in (97, 98, 181, 182)]
    result = {"square": sum(square) / len(square), "border": sum(border) / len(border)}
    image.delete()
    return result


def separate_parts() -> dict[str, Any]:
    """Two separate parts with an edit each, beside two edits one after the other."""
    answers = {}

    def ask_edits(pixels: bytes, width: int, height: int, *arguments: Any) -> dict[str, Any]:
        left = any(pixels[4 * (width * (height // 2) + x) + 3] for x in range(width // 2))
        chosen = [edits.Exposure(-1)] if left else [edits.Saturation(0.2), edits.Exposure(0.7)]
        answers["left" if left else "right"] = sum(pixels[3::4])
        return {"edits": edits.to_json(chosen), "model": "test"}

    questions.ask_edits = ask_edits

    left, right = (5, 10, 20, 25), (40, 12, 18, 22)
    results = {}
    for name, options in (("opaque", {}), ("transparent", {"alpha": "partial"})):
        image, layer = picture(**options)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *left)
        image.select_ellipse(Gimp.ChannelOps.ADD, *right)
        was = selection(image)
        layers = inside.edit(image, [layer], "attenuate", separate=True, feather=2.0)
        ids = {(read_parasite(each) or {}).get("id") for each in layers}
        other, layer = picture(**options)
        other.select_rectangle(Gimp.ChannelOps.REPLACE, *left)
        inside.edit(other, [layer], "attenuate", feather=2.0)
        other.select_ellipse(Gimp.ChannelOps.REPLACE, *right)
        inside.edit(other, other.get_selected_layers(), "attenuate", feather=2.0)
        results[name] = {
            "difference": worst(visible(image), visible(other)),
            "edits": len(ids),
            "selection": worst(selection(image), was),
        }
        image.delete()
        other.delete()
    return {**results, "asked": answers}


def previews() -> list[float]:
    """Random edits of a small 8-bit picture in the preview and for real: the largest difference of 8-bit values."""
    differences = []
    for seed in range(6):
        chosen = inside.random_edits(random.Random(seed))
        inside.answer_with(chosen)
        applied = edits.join_edits(chosen, gray=False)
        image, layer = picture(seed=seed)
        select(image, feather=0 if seed % 2 else 9)
        thumbnail = read_thumbnail(image, layer)
        small = preview.Preview(bytes(v for i, v in enumerate(thumbnail.pixels) if i % 4 < 3), 64, 48)
        part = preview.Part(thumbnail.pixels[3::4], tuple(edits.at_strength(applied, 0.3)))
        small.show([part])  # another strength first: what is shown next must not depend on it
        shown = small.show([preview.Part(part.mask, tuple(applied))])
        small.close()
        inside.edit(image, [layer], "attenuate")
        real = visible(image, "R'G'B' u8")
        differences.append(max(abs(a - b) for a, b in zip(shown, real)))
        image.delete()
    return differences


def preview_of_parts() -> dict[str, Any]:
    """A preview of two parts changes each by its own edits, and nothing else."""
    width, height = 80, 60
    rgb = bytes((7 * x + 3 * y) % 200 + 20 for y in range(height) for x in range(width) for _ in range(3))
    mask = bytes(
        255 if 10 <= y < 40 and (5 <= x < 25 or 50 <= x < 70) else 0 for y in range(height) for x in range(width)
    )
    first, second = parts(mask, width, height)
    small = preview.Preview(rgb, width, height)
    shown = small.show([preview.Part(first, (edits.Exposure(-1.0),)), preview.Part(second, (edits.Exposure(1.0),))])
    small.close()
    change = {"first": 0, "second": 0, "outside": 0}
    for i in range(width * height):
        name = "first" if first[i] else "second" if second[i] else "outside"
        change[name] += shown[3 * i] - rgb[3 * i]
    return {**change, "disjoint": not any(within(first, second))}
