# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of Retouch run inside GIMP."""

from __future__ import annotations

from itertools import product
from typing import Any

import inside
import inside_frames
from gi.repository import Gimp
from inside import picture, select, selection, visible
from inside_adjust import worst

from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.layers import adjust, memory
from gimp_saliency.layers.apply import apply_plan
from gimp_saliency.layers.flat import edit_pixels
from gimp_saliency.layers.record import edits_above, read_note, read_record
from gimp_saliency.layers.target import editable_layer
from gimp_saliency.predict.plan import Planned
from gimp_saliency.predict.retouch import predict_retouch
from gimp_saliency.preview.views import Views
from gimp_saliency.shared import edits
from gimp_saliency.shared.choices import LOOKS, RETOUCH, Edge
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.client.questions import FoundLooks
from gimp_saliency.shared.request import EditRequest

# In another order of application than that of edits that move attention.
NEUTRAL = [
    edits.Exposure(0.4),
    edits.WhiteBalance(1.08, 0.93),
    edits.Saturation(1.2),
    edits.Tone((0.8, 0.9, 1, 1.1, 1.1, 1, 1, 0.9)),
    edits.Curves((1.1, 1.1, 1, 1, 1, 0.9, 0.9, 0.9), (1.1, 1, 1, 1, 1, 1, 1, 0.9), (0.9, 0.9, 1, 1, 1, 1, 1.1, 1.1)),
]
_PRECISIONS = ("U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR")


def answer(asked: list[bytes] | None = None) -> None:
    """Let the server predict NEUTRAL, and less of it in each other look.  asked: gets the masks that come."""

    def ask_retouch(pixels: bytes, width: int, height: int, people: bool, reference: Any = None) -> FoundLooks:
        if asked is not None:
            asked.append(pixels[3::4])
        return FoundLooks({name: edits.at_strength(NEUTRAL, 1 - k / 8) for k, name in enumerate(LOOKS)}, "test")

    questions.ask_retouch = ask_retouch


def ask_for(**settings: Any) -> EditRequest:
    return EditRequest(RETOUCH, tool=RETOUCH, edge=Edge.AS_SELECTED, **settings)


def retouch(image: Any, drawables: list[Any], **settings: Any) -> list[Any]:
    """As the procedure does without a window, and remember it as with one."""
    request = ask_for(**settings)
    layer = editable_layer(image, drawables, RETOUCH)
    thumbnail = read_thumbnail(image, layer, edits_above(image, layer))
    plan = predict_retouch(thumbnail, request)
    made = apply_plan(image, layer, plan, request, (thumbnail.width, thumbnail.height))
    memory.remember_edit(plan[0].edits, request, ())
    return made


def retouch_each_type() -> dict[str, dict[str, Any]]:
    """Retouch every kind of image, all of it and what is selected; what happened, by description."""
    asked: list[bytes] = []
    answer(asked)
    results = {}
    for base, precision, is_whole in product(("RGB", "GRAY"), inside.PRECISIONS, (True, False)):
        for shape, options in inside.SHAPES.items():
            if (base == "GRAY" and "adobe" in options) or not _is_wanted(precision, shape, is_whole):
                continue
            image, layer = picture(precision=precision, base=base, **options)
            if not is_whole:
                select(image)
            before, was_selected = visible(image), selection(image)
            layers = retouch(image, [layer])
            after = visible(image)
            results[f"{base} {precision} {shape}, whole {is_whole}"] = {
                "changed": before != after,
                "unchanged outside": is_whole or inside.unchanged_outside(image, after, before, before),
                "selection": bool(Gimp.Selection.is_empty(image)) == is_whole,
                "selected": is_whole or selection(image) == was_selected,
                "asked for all": not is_whole or shape != "opaque" or min(asked[-1]) == 255,
                "layers": len(layers),
                "tool": {read_record(each).tool for each in layers} == {RETOUCH},
                "saved": inside.saved_and_loaded(image) == after,
            }  # fmt: skip
            image.delete()
    return results


def _is_wanted(precision: str, shape: str, is_whole: bool) -> bool:
    """Of all combinations a few: the layers are those of other edits, which are tried with all."""
    return precision == "U8_NON_LINEAR" or (is_whole and shape in ("opaque", "partly transparent"))


def compare_ways() -> dict[str, float]:
    """The largest difference between ways to the same retouch, 0..1 in the image's values, by description."""
    answer()
    results = {}
    for precision, alpha in product(_PRECISIONS, ("none", "partial")):
        options = {"precision": precision, "alpha": alpha}
        image, layer = picture(**options)
        flat, everything = image.duplicate(), image.duplicate()
        retouch(image, [layer])
        edit_pixels(flat, ask_for(), [Planned(NEUTRAL)])
        Gimp.Selection.all(everything)
        retouch(everything, everything.get_layers()[:1])
        wanted = visible(image)
        results[f"{precision} {alpha}, straight"] = worst(wanted, visible(flat))
        results[f"{precision} {alpha}, all selected"] = worst(wanted, visible(everything))
        for each in (image, flat, everything):
            each.delete()
    return results


def preview_looks_like_it() -> int:
    """The largest difference of 8-bit values between the dialog's view and the retouch."""
    answer()
    image, layer = picture(96, 64)
    thumbnail = read_thumbnail(image, layer)
    views = Views(image, layer, thumbnail)
    grid = thumbnail.width, thumbnail.height
    shown = views.whole.render([Planned(NEUTRAL)], ask_for(), grid)
    sharp = views.find_sharp((0, 0, 96, 64), 96).render([Planned(NEUTRAL)], ask_for(), grid)
    views.close()
    retouch(image, [layer])
    real = visible(image, "R'G'B' u8")
    return max(abs(a - b) for each in (shown, sharp) for a, b in zip(each, real))


def adjust_it() -> dict[str, Any]:
    """A retouch at another strength, one with a kind off and one that is dialled, beside such that were made so."""
    answer()
    results: dict[str, Any] = {}
    kinds = frozenset(edits.NAMES) - {"white-balance"}
    cases: dict[str, dict[str, Any]] = {"weaker": {"strength": 40.0}, "one off": {"kinds": kinds}}
    for name, settings in cases.items():
        image, layer = picture()
        retouch(image, [layer])
        edit = adjust.find_edit(image, image.get_layers()[:1])
        was = edit.request
        adjust.apply_values(image, edit, edit.base, ask_for(**settings))
        other, other_layer = picture()
        retouch(other, [other_layer], **settings)
        results[name] = {
            "difference": worst(visible(image), visible(other)),
            "tool": was.tool,
            "direction": was.direction,
            "order": [each.name for each in edit.base],
            "titles": sorted({each.get_name().split(":")[0] for each in edit.layers}),
            "again": adjust.find_edit(image, image.get_layers()[:1]).request.strength,
        }
    return results


def repeat_it() -> dict[str, Any]:
    """The last retouch on another photo, of which nothing is selected, and on what is selected of a third one."""
    asked: list[bytes] = []
    answer(asked)
    image, layer = picture()
    retouch(image, [layer], look="film", strength=80.0)
    questions_before = len(asked)
    second, second_layer = picture(seed=2)
    untouched = visible(second)
    made = memory.repeat_edit(second, [second_layer])
    alike = [read_note(each).edits for each in made] == [read_note(each).edits for each in edits_above(image, layer)]
    third, third_layer = picture(seed=3)
    select(third)
    before = visible(third)
    memory.repeat_edit(third, [third_layer])
    return {
        "asked": len(asked) - questions_before,
        "alike": alike or [read_record(each).base for each in made] == [read_record(image.get_layers()[0]).base],
        "changed": visible(second) != untouched,
        "strength": read_record(made[0]).strength,
        "inside alone": inside.unchanged_outside(third, visible(third), before, before),
    }


def with_other_edits() -> dict[str, Any]:
    """A retouch above an edit of a region, and below one: each keeps its own record."""
    answer()
    inside.answer_with(inside.ALL_EDITS)
    found: dict[str, Any] = {}
    image, layer = picture()
    select(image)
    inside.edit(image, [layer], "attenuate")
    Gimp.Selection.none(image)
    before = visible(image)
    top = retouch(image, [image.get_layers()[0]])[-1]
    found["above"] = [visible(image) != before, read_record(top).tool]
    select(image)
    last = inside.edit(image, [image.get_layers()[0]], "emphasize")[-1]
    found["below"] = [read_record(last).tool, read_record(last).direction]
    return found


def all_frames() -> dict[str, Any]:
    """A retouch of all frames of a moving picture, adjusted in one of them."""
    answer()
    image, layer = picture()
    inside_frames.add_frames(image, 2)
    image.set_selected_layers([layer])
    retouch(image, [layer], frames=True)
    numbers = inside_frames.numbers(image)
    active = edits_above(image, layer) or image.get_layers()[-1:]
    return {"frames": len(numbers), "alike": all(each == numbers[0] for each in numbers), "active": len(active)}


def refuse() -> dict[str, str]:
    """What is said where a photo cannot be retouched."""
    answer()
    said = {}
    for name, prepare in (
        ("hidden", lambda image, layer: layer.set_visible(False)),
        ("beside", lambda image, layer: image.select_rectangle(Gimp.ChannelOps.REPLACE, 50, 40, 10, 6)),
        ("none", None),
    ):
        image, layer = picture(size=(20, 20))
        if prepare:
            prepare(image, layer)
        before = inside.tree(image)
        try:
            retouch(image, [layer] if prepare else [])
            said[name] = ""
        except inside.UserError as error:
            said[name] = str(error)
        assert inside.tree(image) == before
    return said


def run_procedure() -> dict[str, Any]:
    """Real retouches by the real server, with arguments and in run modes, of a dark photo."""
    name = "plug-in-saliency-retouch"
    image, layer = picture(240, 160)
    layer.levels(Gimp.HistogramChannel.VALUE, 0, 1, True, 1, 0, 0.4, True)
    other, _ = picture(120, 90, seed=4)
    results: dict[str, Any] = {}
    asked: dict[str, dict[str, Any]] = {
        "plain": {},
        "film": {"look": "film"},
        "half film": {"look": "film", "look-strength": 50.0},
        "matched": {"reference": other},
    }
    for title, settings in asked.items():
        copy = image.duplicate()
        before = visible(copy)
        status, error = inside.call(name, copy, copy.get_selected_layers(), **settings)
        content = inside.read_parasite(copy.get_layers()[0]) or {}
        results[title] = {
            "status": status,
            "error": error,
            "changed": visible(copy) != before,
            "base": content.get("base"),
            "model": content.get("model"),
            "selection": bool(Gimp.Selection.is_empty(copy)),
        }
        copy.delete()
    results["nothing"] = inside.call(name, image, [layer], strength=0.0)
    results["again"] = inside.call(name, image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)
    results["no style"] = inside.call(name, image, [layer], style="Nobody's")
    return results
