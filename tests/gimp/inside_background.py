# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the background's edits run inside GIMP."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import inside
from gi.repository import Gimp
from inside import ALL_EDITS, AROUND, picture, select, selection, visible
from inside_adjust import reloaded, worst

from gimp_saliency.layers import adjust, memory
from gimp_saliency.layers.apply import apply_plan
from gimp_saliency.layers.before import copy_before
from gimp_saliency.layers.record import read_parasite
from gimp_saliency.predict.plan import Planned
from gimp_saliency.shared import edits
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.request import EditRequest


def scene(**options: Any) -> tuple[Any, Any]:
    """A picture with a soft selection that has wholly selected and unselected pixels."""
    image, layer = picture(**options)
    select(image, (8, 6, 44, 36), 6.0)
    image.select_rectangle(Gimp.ChannelOps.ADD, 24, 18, 12, 10)
    image.select_rectangle(Gimp.ChannelOps.SUBTRACT, 6, 8, 8, 6)
    return image, layer


def edited(background: bool = True, options: dict[str, Any] | None = None, **settings: Any) -> Any:
    """An image whose selection and background have edits."""
    inside.answer_with(ALL_EDITS)
    image, layer = scene(**(options or {}))
    inside.edit(image, [layer], "attenuate", background=background, **settings)
    return image


def one_after_the_other(options: dict[str, Any], around: list[Any] = AROUND) -> Any:
    """The same picture with two edits: of the selection, then of its inverse."""
    inside.answer_with(ALL_EDITS)
    image, layer = scene(**options)
    inside.edit(image, [layer], "attenuate")
    Gimp.Selection.invert(image)
    inside.answer_with(around)
    inside.edit(image, image.get_selected_layers(), "attenuate")
    return image


def edit_each_type(precisions: list[str], shapes: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """Edits with a background beside an edit of the selection and one of its inverse.  shapes: None for all."""
    results = {}
    for base in ("RGB", "GRAY"):
        for precision in precisions:
            for shape in inside.SHAPES if shapes is None else shapes:
                more = inside.SHAPES[shape]
                if base == "GRAY" and "adobe" in more:
                    continue
                options = {"base": base, "precision": precision, **more}
                image, layer = scene(**options)
                before, was_selected = visible(image), selection(image)
                inside.answer_with(ALL_EDITS)
                layers = inside.edit(image, [layer], "attenuate", background=True)
                after = visible(image)
                both, alone = one_after_the_other(options), edited(False, options)
                region, around = (
                    _by_coverage(was_selected, after, visible(alone)),
                    _by_coverage(was_selected, after, before),
                )
                results[f"{base} {precision} {shape}"] = {
                    "difference": worst(after, visible(both)),
                    "region": region[0],  # where all is selected the background has no effect
                    "changed": around[1],  # where nothing is selected
                    "selection": worst(selection(image), was_selected),
                    "channels": len(image.get_channels()),
                    "layers": len(layers),
                    "active": [item.get_name() for item in image.get_selected_layers()],
                    "saved": inside.saved_and_loaded(image) == after,
                }
                for each in (image, both, alone):
                    each.delete()
    return results


def _by_coverage(mask: bytes, one: bytes, other: bytes) -> tuple[float, float]:
    """The largest differences of two pictures where all is selected and where nothing is."""
    coverage = struct.unpack(f"{len(mask) // 8}d", mask)
    pixels = [struct.unpack(f"{len(data) // 8}d", data) for data in (one, other)]
    differences: tuple[list[float], list[float]] = ([], [])
    for i, value in enumerate(coverage):
        if value == 0 or value > 1 - 1e-6:  # babl's conversion of 8 bits is not exact
            difference = max(abs(a - b) for a, b in zip(*(values[4 * i : 4 * i + 4] for values in pixels)))
            differences[value == 0].append(difference)
    return max(differences[0]), max(differences[1])


def masks_are_exact(load: bool) -> list[float]:
    """How far the masks of region and background are from 1 in sum, in images of all kinds (GIMP 3.2).

    load: edit images that come from a file.
    """
    result = []
    inside.answer_with(ALL_EDITS)
    for precision in inside.PRECISIONS:
        image, _layer = scene(precision=precision)
        image = reloaded(image) if load else image
        inside.edit(image, image.get_layers(), "attenuate", background=True)
        contents = ((read_parasite(item), item) for item in image.get_layers())
        layers = {content.get("part"): item for content, item in contents if content}
        own, around = (
            struct.unpack("3072d", inside.read_mask(image, layers[part], "Y double")) for part in (None, "background")
        )
        result.append(max(abs(1 - a - b) for a, b in zip(own, around)))
        image.delete()
    return result


def readjusted(image: Any, **changes: Any) -> list[Any]:
    """Adjust the topmost edit to other request."""
    made = adjust.find_edit(image, [image.get_layers()[0]])
    return adjust.apply_values(image, made, made.base, replace(made.request, **changes))


def _known_but_off(options: dict[str, Any]) -> Any:
    """An edit whose background has known values and is off."""
    image, layer = scene(**options)
    plan = [Planned(ALL_EDITS, background=AROUND)]
    apply_plan(image, layer, plan, EditRequest("attenuate"), (1, 1))
    return image


def adjusting_equals_editing() -> dict[str, dict[str, Any]]:
    """Edits whose background was changed afterwards beside edits that were made so at once."""
    some = frozenset(edits.NAMES) - {"exposure", "tone"}
    cases: dict[str, tuple[Callable[[dict[str, Any]], Any], dict[str, Any], dict[str, Any]]] = {
        "off": (lambda o: edited(options=o), {"background": False}, {"background": False}),
        "on": (_known_but_off, {"background": True}, {"background": True}),
        "weaker": (
            lambda o: edited(options=o),
            {"background_strength": 40.0, "strength": 120.0},
            {"background_strength": 40.0, "strength": 120.0},
        ),
        "kinds": (lambda o: edited(options=o), {"kinds": some}, {"kinds": some}),
        "from nothing": (
            lambda o: edited(options=o, strength=0.0, background_strength=30.0),
            {"strength": 100.0, "background_strength": 100.0},
            {},
        ),
    }
    results = {}
    for base in ("RGB", "GRAY"):
        for shape, more in inside.SHAPES.items():
            if base == "GRAY" and "adobe" in more:
                continue
            for name, (make, changes, settings) in cases.items():
                options = {"base": base, **more}
                image = make(options)
                before, was_selected = visible(image), selection(image)
                if shape == "opaque":
                    image = reloaded(image)
                layers = readjusted(image, **changes)
                other = edited(**{"background": True, "options": options, **settings})
                made = adjust.find_edit(image, [image.get_layers()[0]])
                wanted = adjust.find_edit(other, [other.get_layers()[0]])
                results[f"{base}, {shape}, {name}"] = {
                    "difference": worst(visible(image), visible(other)),
                    "changed": worst(visible(image), before),
                    "selection": worst(selection(image), was_selected) if shape != "opaque" else 0,
                    "channels": len(image.get_channels()),
                    "found": len({(read_parasite(layer) or {})["id"] for layer in layers}),
                    "choices": [made.request.background, made.request.background_strength, sorted(made.request.kinds)],
                    "wanted": [*_wanted(changes, wanted)],
                    "known": edits.to_json(made.background) == edits.to_json(AROUND),
                }
                image.delete()
                other.delete()
    return results


def _wanted(changes: dict[str, Any], other: adjust.MadeEdit) -> list[Any]:
    strength = changes.get("background_strength", 100.0)
    return [changes.get("background", True), strength, sorted(other.request.kinds)]


def found_from_everywhere() -> dict[str, Any]:
    """What is found from each layer of an edit with a background, and what the edit's region was."""
    results = {}
    for name, options in (("opaque", {}), ("transparent", {"alpha": "partial"})):
        image, _layer = scene(**options)
        before, was_selected = visible(image), selection(image)
        image.delete()
        image = edited(options=options)
        pending, found = list(image.get_layers()), []
        while pending:
            layer = pending.pop()
            pending += layer.get_children() if layer.is_group() else []
            if layer.get_name() != "Photo" or layer.get_visible():
                found.append(adjust.find_edit(image, [layer]))
        copy, photo, _made = copy_before(image, found[0])
        results[name] = {
            "ids": len({each.record.id for each in found}),
            "layers": sorted({(len(each.layers), len(each.around)) for each in found}),
            "before": worst(visible(copy), before),
            "region": worst(selection(copy), was_selected),
            "photo": photo.get_visible(),
        }
        copy.delete()
        image.delete()
    return results


def changed_in_gimp() -> dict[str, Any]:
    """What is read back after the user changed filters of the background in GIMP's own dialogs (GIMP 3.2)."""
    image = edited(background_strength=50.0)
    by_kind = {
        edits.from_json((read_parasite(item) or {})["edits"])[0].name: item
        for item in image.get_layers()
        if (read_parasite(item) or {}).get("part") == "background"
    }
    for name, prop, value in (("exposure", "exposure", 0.4), ("sharpening", "std-dev", 3.0)):
        live = by_kind[name].get_filters()[0]
        live.get_config().set_property(prop, value)
        live.update()
    made = adjust.find_edit(image, [image.get_layers()[0]])
    readjusted(image, background_strength=100.0)
    again = adjust.find_edit(image, [image.get_layers()[0]])
    result = {
        "exposure": {edit.name: edit for edit in made.background}["exposure"].ev,
        "doubled": by_kind["exposure"].get_filters()[0].get_config().get_property("exposure"),
        "sharpening": by_kind["sharpening"].get_filters()[0].get_config().get_property("std-dev"),
        "by hand": [sorted(each.around_by_hand) for each in (made, again)],
        "region": [edit.ev for edit in again.base if isinstance(edit, edits.Exposure)],
        "region by hand": sorted(again.by_hand),
        "named": by_kind["exposure"].get_name(),
    }
    image.delete()
    return result


def repeated() -> dict[str, Any]:
    """An edit with a background made again on another picture, beside the same edit by hand."""
    settings: dict[str, Any] = {"background": True, "background_strength": 70.0, "feather": 2.0}
    memory.remember_edit(ALL_EDITS, EditRequest("attenuate", **settings), AROUND)
    other, layer = scene(seed=7)
    status, error = inside.call("plug-in-saliency-repeat", other, [layer])
    same = edited(options={"seed": 7}, **settings)
    made = adjust.find_edit(other, [other.get_layers()[0]])
    result = {
        "status": status,
        "error": error,
        "difference": worst(visible(other), visible(same)),
        "adjustable": [made.request.background, made.request.background_strength],
    }
    Gimp.detach_parasite("saliency-last-edit")
    other.delete()
    same.delete()
    return result


def strengths() -> dict[str, Any]:
    """How many layers there are, and what is changed, at the strength 0 of region, background or both."""
    results = {}
    for name, settings in {
        "background": {"background_strength": 0.0},
        "region": {"strength": 0.0},
        "both": {"strength": 0.0, "background_strength": 0.0},
        "off": {"background": False, "strength": 0.0},
    }.items():
        image, _layer = scene()
        before, mask = visible(image), selection(image)
        image.delete()
        image = edited(**settings)
        after = visible(image)
        parts = [(read_parasite(item) or {}).get("part", "region") for item in image.get_layers()[:-1]]
        inner, outer = _by_coverage(mask, after, before)
        results[name] = {"parts": parts, "inside": inner, "outside": outer}
        image.delete()
    return results


def everything_selected() -> float:
    """How much a background changes that is nowhere."""
    pictures = []
    for background in (False, True):
        inside.answer_with(ALL_EDITS)
        image, layer = picture()
        Gimp.Selection.all(image)
        inside.edit(image, [layer], "attenuate", background=background)
        pictures.append(visible(image))
        image.delete()
    return worst(*pictures)


def refined() -> dict[str, Any]:
    """A refined mask, by a stand-in that hands the mask back, with a background, beside the mask as it is."""

    def ask_refined(pixels: bytes, width: int, height: int, radius: float) -> bytes:
        return b"".join(bytes((value, value)) for value in pixels[3::4])

    real, questions.ask_refined = questions.ask_refined, ask_refined
    try:
        image, other = edited(refine=True, feather=2.0), edited()
        result = {"difference": worst(visible(image), visible(other))}
        image.delete()
        other.delete()
        return result
    finally:
        questions.ask_refined = real
