# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of changed and repeated harmonies run inside GIMP, on the scenes of inside_harmony."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import inside
import inside_harmony
from gi.repository import Gimp
from inside import read, selection, visible
from inside_harmony import HEIGHT, SCENES, STYLE, WIDTH, harmonize, make_harmony, make_scene

from gimp_saliency.image.cutout import read_cutout
from gimp_saliency.image.version import GIMP_32
from gimp_saliency.layers import adjust, memory
from gimp_saliency.layers.harmony.again import change_harmony
from gimp_saliency.layers.harmony.apply import apply_harmony
from gimp_saliency.layers.harmony.baked import BakedHarmony
from gimp_saliency.layers.harmony.before import copy_before
from gimp_saliency.layers.harmony.find import find_harmony
from gimp_saliency.layers.harmony.made import MadeHarmony
from gimp_saliency.layers.harmony.place import Place
from gimp_saliency.layers.harmony.record import HarmonyRecord, read_harmony
from gimp_saliency.layers.record import read_parasite, write_parasite
from gimp_saliency.shared import edits
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.harmony import SIDE, Harmony, HarmonyRequest, Shading
from gimp_saliency.tools.call import Call
from gimp_saliency.tools.registry import TOOLS

worst, read_numbers = inside_harmony._worst, inside_harmony._read_numbers
Strengths = tuple[float, float, float]  # of all, the colour and the shading
CHANGES: dict[str, tuple[Strengths, Strengths]] = {
    "weaker": ((100, 100, 100), (60, 100, 100)),
    "stronger": ((60, 100, 100), (130, 100, 100)),
    "no colour": ((100, 100, 100), (100, 0, 100)),
    "colour comes": ((100, 0, 100), (100, 70, 100)),
    "no shading": ((100, 100, 100), (100, 100, 0)),
    "shading comes": ((100, 100, 0), (100, 100, 80)),
    "other curves": ((100, 100, 0), (100, 40, 0)),
    "nothing": ((100, 100, 100), (0, 100, 100)),
    "nothing of curves": ((100, 100, 0), (0, 100, 0)),
}
CHANGED = ("8 bit", "float", "16 bit, layer mask and offset", "mode and opacity", "gray", "Adobe RGB", "float, part")
CHANGED += ("16 bit, part and offset", "in a group", "with two filters and a layer mask")


def make_request(strengths: Strengths) -> HarmonyRequest:
    return HarmonyRequest(*strengths)


def make_made(strengths: Strengths = (100, 100, 100), kind: str = "both", **options: Any) -> tuple[Any, Any]:
    """A scene with a harmony, and the layer that it is of."""
    image, layer = make_scene(**options)
    harmonize_at(image, layer, strengths, kind, options.get("part", False))
    return image, layer


def harmonize_at(image: Any, layer: Any, strengths: Strengths, kind: str = "both", part: bool = False) -> list[Any]:
    return apply_harmony(image, layer, make_harmony(kind), make_request(strengths), "test", part)


def find(image: Any, layer: Any = None) -> MadeHarmony:
    """The harmony of a layer, by default of the active one."""
    made = find_harmony(image, [layer] if layer else image.get_selected_layers())
    assert made is not None
    return made


def change(image: Any, *strengths: float) -> list[Any]:
    return change_harmony(image, find(image), HarmonyRequest(*strengths))


# Adjusted beside made at once


def compare_changes() -> dict[str, dict[str, Any]]:
    """Of each scene and change: how far it is from the same made at once, and what must be as it was."""
    return {f"{scene}: {name}": _compare(SCENES[scene], *CHANGES[name]) for scene in CHANGED for name in CHANGES}


def _compare(options: dict[str, Any], first: Strengths, then: Strengths) -> dict[str, Any]:
    image, _layer = make_made(first, **options)
    other, _same = make_made(then, **options)
    before, selected, channels = visible(image), selection(image), len(image.get_channels())
    made = find(image)
    layers = change(image, *then)
    active = image.get_selected_layers()
    again = find(image)
    result = {
        "difference": worst(read_numbers(image), read_numbers(other)),
        "changed": worst(visible(image), before),
        "selection": selection(image) == selected,
        "channels": len(image.get_channels()) - channels,
        "strengths": [again.record.request.strength, again.record.request.colour, again.record.request.shading],
        "same": again.record.id == made.record.id and again.record.base == make_harmony(),
        "steps": [step for step in ("curves", "darken", "lighten") if step in again.groups],
        "layers": len(layers),
        "active": len(active) == 1 and find(image, active[0]).top == again.top,
        "holder": again.has_holder,
        "by hand": again.by_hand,
        "saved": worst(inside.saved_and_loaded(image), visible(image)),
    }
    image.delete()
    other.delete()
    return result


def go_and_come_back() -> dict[str, float]:
    """How far a harmony is from itself after it was made nothing and everything again, in a file meanwhile."""
    found = {}
    for kind in inside_harmony.KINDS:
        image, _layer = make_made(kind=kind, precision="U16_NON_LINEAR")
        before = visible(image)
        change(image, 0, 100, 100)
        loaded = inside.load_again(image)
        top = next(item for item, _depth in _list_all(loaded) if read_parasite(item))
        change_harmony(loaded, find(loaded, top), HarmonyRequest())
        found[kind] = worst(visible(loaded), before)
        image.delete()
        loaded.delete()
    return found


def _list_all(image: Any) -> list[tuple[Any, int]]:
    """All layers of an image, groups before what is in them, and how deep they lie."""
    found: list[tuple[Any, int]] = []

    def walk(row: list[Any], depth: int) -> None:
        for item in row:
            found.append((item, depth))
            if item.is_group():
                walk(item.get_children(), depth + 1)

    walk(image.get_layers(), 0)
    return found


# What the user did meanwhile (GIMP 3.2)


def keep_what_was_painted() -> dict[str, Any]:
    """Masks that were painted on stay while their values do; faded and renamed layers stay so, too."""
    image, _layer = make_made()
    made = find(image)
    inside.write(made.groups["lighten"].get_mask(), bytes([200]) * (WIDTH * HEIGHT), "Y u8")
    made.groups["lighten"].set_name("Mine")
    made.groups["curves"].set_opacity(60)
    made.top.set_name("Holder")
    made.top.set_opacity(70)
    ids = [group.get_id() for group in made.groups.values()]
    painted, darker = (read(made.groups[step].get_mask()) for step in ("lighten", "darken"))
    change(image, 100, 50, 100)
    again = find(image)
    found = {
        "same layers": [group.get_id() for group in again.groups.values()] == ids,
        "painted": read(again.groups["lighten"].get_mask()) == painted,
        "darker": read(again.groups["darken"].get_mask()) == darker,
    }
    change(image, 100, 50, 80)
    again = find(image)
    other, _same = make_made((100, 50, 80))
    wanted = find(other).groups
    found |= {
        "drawn anew": all(
            read(again.groups[each].get_mask()) == read(wanted[each].get_mask()) for each in wanted if each != "curves"
        ),
        "names": [again.top.get_name(), again.groups["lighten"].get_name()],
        "opacities": [round(again.top.get_opacity()), round(again.groups["curves"].get_opacity())],
        "same layers again": [group.get_id() for group in again.groups.values()] == ids,
    }
    image.delete()
    other.delete()
    return found


def move_holder() -> dict[str, Any]:
    """A holder that was moved, moved beyond the canvas and back, and scaled, and a cropped canvas."""
    options: dict[str, Any] = {"precision": "FLOAT_LINEAR", "size": (40, 30), "offset": (11, 9)}
    found: dict[str, Any] = {}

    image, _layer = make_made(**options)
    find(image).top.set_offsets(16, 6)
    change(image, 50, 100, 100)
    moved = (13 / 64, 9 / 48, 53 / 64, 39 / 48)  # BOX and 5, -3 px
    other, layer = make_scene(**{**options, "offset": (16, 6)})
    apply_harmony(other, layer, make_harmony(box=moved), HarmonyRequest(50), "test", False)
    found["moved"] = worst(visible(image), visible(other))
    shown = find(image).show_base(image)
    assert shown.shading is not None
    found["box"] = [round(share * side) for share, side in zip(shown.shading.box, (64, 48, 64, 48))]
    image.delete()
    other.delete()

    image, _layer = make_made(**options)
    find(image).top.set_offsets(-20, 9)  # the box is partly beside the canvas
    shown = find(image).show_base(image)
    assert shown.shading is not None
    found["box beyond"] = [round(share * side) for share, side in zip(shown.shading.box, (64, 48, 64, 48))]
    change(image, 50, 100, 100)
    find(image).top.set_offsets(11, 9)
    other, _same = make_made((50, 100, 100), **options)
    found["there and back"] = worst(visible(image), visible(other))
    image.resize(50, 40, -4, -5)  # crops
    change(image, 90, 100, 100)
    other.delete()
    other, _same = make_made((90, 100, 100), **options)
    other.resize(50, 40, -4, -5)
    found["cropped"] = worst(visible(image), visible(other))
    image.delete()
    other.delete()

    image, _layer = make_made(**options)
    find(image).top.scale(20, 15, False)  # around 21, 16.5 if GIMP keeps the middle, else at 11, 9
    made = find(image)
    _ok, x, y = made.photo.get_offsets()
    change(image, 50, 100, 100)
    scaled = [(x - 1.5) / 64, (y + 1.5) / 48, (x + 18.5) / 64, (y + 16.5) / 48]
    box = [round(share * side) / side for share, side in zip(scaled, (64, 48, 64, 48))]
    other, layer = make_scene(**{**options, "size": (20, 15), "offset": (x, y)})
    apply_harmony(other, layer, make_harmony(box=tuple(box)), HarmonyRequest(50), "test", False)  # type: ignore[arg-type]
    groups, wanted = find(image).groups, find(other).groups
    found["scaled"] = [
        worst(*(read(each[step].get_mask(), "Y double") for each in (groups, wanted))) for step in ("darken", "lighten")
    ]
    image.delete()
    other.delete()
    return found


def read_older_notes() -> dict[str, Any]:
    """Harmonies whose notes say neither where the layer lay nor which one it was: changed beside made at once."""
    found: dict[str, Any] = {}
    for kind in inside_harmony.KINDS:
        image, _layer = make_made(kind=kind)
        for item, _depth in _list_all(image):
            content = read_parasite(item)
            if content:
                write_parasite(item, {key: content[key] for key in content if key not in ("place", "original")})
        change(image, 60, 100, 100)
        other, _same = make_made((60, 100, 100), kind)
        found[kind] = visible(image) == visible(other)
        image.delete()
        other.delete()
    return found


def show_beyond_the_canvas() -> list[float]:
    """What is shown of a layer that is partly beside the canvas: how far from what it gets, and from nothing."""
    options: dict[str, Any] = {"precision": "FLOAT_LINEAR", "size": (40, 30), "offset": (11, 9)}
    values = tuple(tuple(math.sin(x / 9) * math.cos(y / 7) for x in range(SIDE)) for y in range(SIDE))  # smooth
    harmony = replace(Harmony.neutral(), shading=Shading(inside_harmony.BOX, values))
    image, layer = make_scene(**options)
    apply_harmony(image, layer, harmony, HarmonyRequest(50), "test", False)
    find(image).top.set_offsets(-12, 30)
    shown = find(image).show_base(image)
    find(image).top.set_visible(False)
    before = visible(image)
    find(image).top.set_visible(True)
    change(image, 100, 100, 100)
    other, layer = make_scene(**{**options, "offset": (-12, 30)})
    apply_harmony(other, layer, shown, HarmonyRequest(), "test", False)
    after = visible(image)
    found = [worst(after, visible(other)), worst(after, before)]
    image.delete()
    other.delete()
    return found


def keep_curves_by_hand() -> dict[str, Any]:
    """Curves that the user changed: whether they are known as such, and stay while the rest changes."""
    found: dict[str, Any] = {}
    for name, strengths in {"group": (100.0, 100.0, 100.0), "layer": (100.0, 100.0, 0.0)}.items():
        image, _layer = make_made(strengths)
        assert not find(image).by_hand
        curves = find(image).curves
        inside.change_curve(curves)
        by_hand, before = find(image).by_hand, visible(image)
        change(image, 100, 30, strengths[2])
        kept = visible(image) == before and find(image).by_hand
        change(image, 100, 0, strengths[2])
        kept = kept and visible(image) == before
        change(image, 100, 30, 60)
        made = find(image)
        points = made.curves.get_filters()[0].get_config().get_property("curve").get_n_points() if made.curves else 0
        number = sum(len(item.get_filters()) for item in [made.photo, *made.groups.values()])
        found[name] = [by_hand, kept, made.by_hand, points, number, visible(image) != before]
        image.delete()
    return found


def leave_the_original() -> dict[str, Any]:
    """A layer that had the curves itself, once a group has its place: whether it is as it was before the harmony."""
    image, layer = make_scene()
    before, pixels = visible(image), read(layer)
    harmonize_at(image, layer, (100, 100, 0))
    change(image, 100, 100, 100)
    made = find(image)
    layer_is_plain = not layer.get_filters() and read_parasite(layer) is None and read(layer) == pixels
    made.top.set_visible(False)
    layer.set_visible(True)
    found = {"plain": layer_is_plain, "same": visible(image) == before, "original": find_by_original(image, layer)}
    image.delete()
    return found


def find_by_original(image: Any, layer: Any) -> bool:
    """Whether the harmony is found by the hidden original, and not by the shown one."""
    shown = find_harmony(image, [layer]) is None
    layer.set_visible(False)
    made = find_harmony(image, [layer])
    return shown and made is not None


def change_baked_in_32() -> dict[str, Any]:
    """A copy that was baked in GIMP 3.0: changed beside baked at once, with what the user did to it."""
    found: dict[str, Any] = {}
    for part in (False, True):
        image, layer = make_scene(part=part)
        other, same = make_scene(part=part)
        bake(image, layer, part)
        selected = selection(image)
        change(image, 50, 100, 80)
        bake(other, same, part, HarmonyRequest(50, 100, 80))
        found[str(part)] = [visible(image) == visible(other), selection(image) == selected, len(image.get_layers())]
        image.delete()
        other.delete()
    return found


def bake(image: Any, layer: Any, part: bool, request: HarmonyRequest | None = None) -> None:
    request, base = request or HarmonyRequest(), make_harmony()
    record = HarmonyRecord("id", base, request, "test", part, place=Place.of_layer(image, layer))
    BakedHarmony(takes_light=not GIMP_32).add(image, layer, record.scale(layer.is_gray()), record)


# Copies (GIMP 3.0)


def change_a_copy() -> dict[str, Any]:
    """What the user did to a baked copy, after it was made anew."""
    image, layer = make_made(masked=True)
    copy = find(image).top
    copy.set_name("Mine")
    copy.set_opacity(40)
    copy.set_mode(Gimp.LayerMode.SCREEN)
    inside.write(copy.get_mask(), bytes([90]) * (WIDTH * HEIGHT), "Y u8")
    mask = read(copy.get_mask())
    image.reorder_item(copy, None, 0)
    change(image, 50, 100, 100)
    made = find(image)
    other, _same = make_made((50, 100, 100), masked=True)
    found = {
        "new": made.top != copy and len(image.get_layers()),
        "pixels": read(made.top) == read(find(other).top),
        "kept": [made.top.get_name(), round(made.top.get_opacity()), made.top.get_mode().value_nick],
        "mask": read(made.top.get_mask()) == mask,
        "on top": image.get_layers()[0] == made.top,
        "original": not layer.get_visible(),
        "by original": find(image, layer).top == made.top,
    }
    image.delete()
    other.delete()
    return found


# Sentences


def _spoil_original(image: Any, made: MadeHarmony, what: str) -> None:
    if what == "gone":
        image.remove_layer(made.photo)
    elif what == "moved":
        made.photo.set_offsets(5, 5)
    elif what == "resized":
        made.photo.resize(WIDTH + 4, HEIGHT, 0, 0)


def say_what_is_wrong() -> dict[str, list[Any]]:
    """What is said where a harmony cannot be changed, and whether the image is as it was."""
    found: dict[str, list[Any]] = {}
    if not GIMP_32:
        for what in ("gone", "moved", "resized"):
            image, _layer = make_made()
            copy = find(image).top
            _spoil_original(image, find(image), what)
            found[what] = _try(image, [copy])
        image, layer = make_made()
        copy = find(image).top
        inside.answer_with([edits.Exposure(-1)])
        inside.select(image)
        inside.edit(image, [copy], "attenuate")
        found["edited later"] = _try(image, [copy])
        image, layer = make_made()
        copy = find(image).top
        write_parasite(copy, {**(read_parasite(copy) or {}), "role": "filtered"})
        found["of 3.2"] = _try(image, [copy])
    else:
        image, _layer = make_made()
        made = find(image)
        image.remove_layer(made.photo)
        found["empty"] = _try(image, [made.top])
        image, layer = make_made((100, 100, 0))
        inside_harmony.add_filters(layer)
        found["other filters"] = _try(image, [layer])
        image, layer = make_made((100, 100, 0))
        layer.get_filters()[0].delete()
        found["filter gone"] = _try(image, [layer])
    image, layer = make_made((100, 0, 100), part=True)
    made = find(image)
    for item in {made.top, made.photo}:
        item.set_offsets(4, 4)
    found["part moved"] = _try(image, [made.top])
    image, layer = make_made()
    image.get_selected_layers()[0].set_lock_content(True)
    top = find(image).top
    top.set_lock_content(True)
    found["locked"] = _try(image, [top])
    image, layer = make_made()
    top = find(image).top
    write_parasite(top, {**(read_parasite(top) or {}), "base": {}})
    found["damaged"] = _try(image, [top])
    return found


def _try(image: Any, drawables: list[Any]) -> list[Any]:
    """The sentence of *Adjust Edit*, and whether the image is as it was; it is deleted."""
    image.undo_enable()
    image.clean_all()
    before = inside.tree(image)
    sentence = ""
    try:
        run_tool("plug-in-saliency-adjust", image, drawables, strength=50.0)
    except UserError as error:
        sentence = str(error)
    result = [sentence, inside.tree(image) == before and not image.is_dirty()]
    image.delete()
    return result


def run_tool(name: str, image: Any, drawables: list[Any], **arguments: float) -> list[Any]:
    """Run a tool in this process, as a script does."""
    config = Gimp.get_pdb().lookup_procedure(name).create_config()
    for argument, value in arguments.items():
        config.set_property(argument, value)
    call = Call(Gimp.get_pdb().lookup_procedure(name), Gimp.RunMode.NONINTERACTIVE, image, drawables, config)
    return TOOLS[name].run(call)


# Found from everywhere


def find_from_everywhere() -> dict[str, Any]:
    """Of each kind of harmony: how many of its layers and masks there are, and how many harmonies they belong to."""
    found: dict[str, Any] = {}
    for kind in inside_harmony.KINDS:
        image, _layer = make_made(kind=kind, masked=True)
        record = find(image).record
        belonging = [item for item, _depth in _list_all(image) if item.get_name() not in ("Photo", "Above")]
        drawables = [*belonging, *(mask for item in belonging if (mask := item.get_mask()))]
        ids = {find(image, drawable).record.id for drawable in drawables}
        others = [find_harmony(image, [item]) for item in image.get_layers() if item.get_name() in ("Photo", "Above")]
        found[kind] = {"ids": ids == {record.id}, "drawables": len(drawables), "others": any(others)}
        image.delete()
    image, _layer = make_made()
    groups = list(find(image).groups.values())
    inside.select(image, (20, 14, 24, 20), 0)
    inside.answer_with([edits.Exposure(-1)])
    (edit,) = inside.edit(image, image.get_selected_layers(), "attenuate")
    found["edit above"] = [
        find_harmony(image, [edit]) is None,
        [find_harmony(image, [group]) is not None for group in groups],
        len(adjust.find_edit(image, image.get_selected_layers()).layers),
    ]
    image.delete()
    return found


def change_below_an_edit() -> list[Any]:
    """The steps and edits in a harmony's group, from below, after one more step has come in below an edit."""
    image, _layer = make_made((100, 0, 100))
    inside.select(image, (20, 14, 24, 20), 0)
    inside.answer_with([edits.Exposure(-1)])
    inside.edit(image, image.get_selected_layers(), "attenuate")
    darken = next(item for item, _depth in _list_all(image) if item.get_name() == "Darken")
    made = find(image, darken)
    change_harmony(image, made, HarmonyRequest(100, 70, 100))
    contents = [read_parasite(item) or {} for item in reversed(made.top.get_children())]
    image.delete()
    return [content.get("step", content.get("direction", "")) for content in contents]


def adjust_by_tool() -> dict[str, Any]:
    """The procedure as a script calls it: the status, what is noted, and the picture."""
    image, layer = make_scene()
    harmonize(image, layer, style_numbers=STYLE)
    status, error = inside.call(
        "plug-in-saliency-adjust", image, image.get_selected_layers(), strength=80.0, colour=50.0, shading=30.0
    )
    request = find(image).record.request
    other, _same = make_made((80, 50, 30))
    found = {
        "status": [status, error],
        "strengths": [request.strength, request.colour, request.shading],
        "style": request.style_numbers == STYLE,
        "same": visible(image) == visible(other),
    }
    image.delete()
    other.delete()
    return found


def predict_anew() -> dict[str, Any]:
    """A prediction that takes the base's place: the picture beside the same made at once, and what is noted."""
    image, _layer = make_made()
    base = make_harmony(seed=9, box=(0.25, 0.25, 0.75, 0.75))
    change_harmony(image, find(image), HarmonyRequest(90), (base, "another"))
    other, layer = make_scene()
    apply_harmony(other, layer, base, HarmonyRequest(90), "another", False)
    record = find(image).record
    found = {"same": visible(image) == visible(other), "noted": [record.base == base, record.model]}
    image.delete()
    other.delete()
    return found


# Before


def show_before() -> dict[str, Any]:
    """The copy without the harmony beside the image before it: picture, what the server sees, and what is selected."""
    found: dict[str, Any] = {}
    names = ("8 bit", "layer mask", "mode and opacity", "16 bit, part and offset", "in a group")
    for name in (*names, "with two filters", "float, larger than the canvas"):
        for kind in inside_harmony.KINDS:
            options = SCENES[name]
            image, layer = make_scene(**options)
            before, cutout, selected = visible(image), read_cutout(image, layer), selection(image)
            harmonize(image, layer, kind, options.get("part", False))
            after = visible(image)
            copy = copy_before(image, find(image))
            is_part = options.get("part", False)
            found[f"{name}: {kind}"] = [
                worst(visible(copy.image), before),
                copy.cutout == cutout,
                not is_part or compare_selections(selection(copy.image), selected, layer),
                visible(image) == after,
            ]
            copy.image.delete()
            image.delete()
    return found


def compare_selections(one: bytes, other: bytes, layer: Any) -> bool:
    """Whether the same is selected on a layer."""
    _ok, x, y = layer.get_offsets()
    rows = [
        slice(8 * (WIDTH * row + x), 8 * (WIDTH * row + x + layer.get_width()))
        for row in range(y, y + layer.get_height())
    ]
    return all(worst(one[row], other[row]) < 1e-4 for row in rows)


def name_a_reference() -> list[bool]:
    """Whether a selection beside a harmonized layer names what is to be matched when it is predicted again."""
    image, layer = inside_harmony.make_opaque((30, 30), (26, 12))
    harmonize(image, layer)
    found = []
    for rectangle in ((0, 0, 20, 48), (30, 20, 8, 8)):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *rectangle)
        copy = copy_before(image, find(image))
        found += [copy.cutout.reference is not None, copy.cutout.part]
        copy.image.delete()
    image.delete()
    return found


# Repeated


def repeat() -> dict[str, Any]:
    """A harmony that is remembered, made again on a cut-out of other size, beside the same by hand."""
    found: dict[str, Any] = {}
    try:
        for kind in inside_harmony.KINDS:
            memory.remember_harmony(make_harmony(kind), HarmonyRequest(80, 60, 90), "model")
            image, layer = inside_harmony.make_opaque((30, 20), (26, 12))
            status = inside.call("plug-in-saliency-repeat", image, [layer])
            other, same = inside_harmony.make_opaque((30, 20), (26, 12))
            base = _place_on(make_harmony(kind), (26 / 64, 12 / 48, 56 / 64, 32 / 48))
            apply_harmony(other, same, base, HarmonyRequest(80, 60, 90), "model", False)
            record = find(image).record
            found[kind] = [
                list(status),
                visible(image) == visible(other),
                record.model,
                record.base == find(other).record.base,
            ]
            image.delete()
            other.delete()
        found["sentences"] = _list_sentences()
        content = read_remembered()
        memory.remember_harmony(make_harmony(), HarmonyRequest(), "model")
        found["text"] = "curves" in content["base"]
    finally:
        Gimp.detach_parasite("saliency-last-edit")
    return found


def read_remembered() -> dict[str, Any]:
    return memory._recall()


def _place_on(harmony: Harmony, box: tuple[float, float, float, float]) -> Harmony:
    shading = harmony.shading and replace(harmony.shading, box=box)
    return replace(harmony, shading=shading)


def _list_sentences() -> dict[str, str]:
    """What *Repeat Edit on Layer* says of layers that are no cut-out."""
    cases: dict[str, Callable[[Any, Any], Any]] = {
        "photo": lambda image, layer: image.get_layers()[-1],
        "hidden": lambda image, layer: (layer.set_visible(False), layer)[1],
        "harmonized": lambda image, layer: harmonize(image, layer) and image.get_selected_layers()[0],
    }
    found = {}
    for name, spoil in cases.items():
        image, layer = make_scene()
        drawable = spoil(image, layer)
        try:
            memory.repeat_edit(image, [drawable])
            found[name] = ""
        except UserError as error:
            found[name] = str(error)
        image.delete()
    return found


def remember_by_tool() -> dict[str, Any]:
    """What is remembered after Harmonize Layer: of a script's call nothing, else what repeats it; a later edit wins."""
    found: dict[str, Any] = {}
    try:
        image, layer = inside_harmony.make_opaque((30, 30), (26, 12))
        inside_harmony.run_tool(image, [layer], strength=70.0)
        found["script"] = Gimp.get_parasite("saliency-last-edit") is None
        image.delete()
        image, layer = inside_harmony.make_opaque((30, 30), (26, 12))
        name = "plug-in-saliency-harmonize"
        config = Gimp.get_pdb().lookup_procedure(name).create_config()
        config.set_property("strength", 70.0)
        call = partial(Call, Gimp.get_pdb().lookup_procedure(name), Gimp.RunMode.WITH_LAST_VALS)
        TOOLS[name].run(call(image, [layer], config))
        found["strength"] = read_remembered().get("strength")
        image.delete()
        image, layer = inside_harmony.make_opaque((30, 20), (20, 12))
        found["repeated"] = len(memory.repeat_edit(image, [layer]))
        image.delete()
        memory.remember_edit(inside.ALL_EDITS, inside.EditRequest("emphasize", 80), [])
        found["edit"] = read_remembered()["tool"]
    finally:
        Gimp.detach_parasite("saliency-last-edit")
    return found


# In a window


def change_active(image: Any, *strengths: float) -> int:
    """Change the harmony of the active layer; how many layers it has."""
    return len(change(image, *strengths))


def read_base(image: Any) -> list[Any]:
    """The model and the values at 100 % of the active layer's harmony, without the shading."""
    record = find(image).record
    return [record.model, record.base.to_json()["curves"]]


def bend_active(image: Any) -> bool:
    """Change the curves of the active layer's harmony as the user does in GIMP's dialog."""
    inside.change_curve(find(image).curves)
    image.clean_all()
    return True


def read_active(image: Any) -> list[float]:
    """The strengths of the active layer's harmony."""
    request = read_harmony(find(image).top).request
    return [request.strength, request.colour, request.shading]
