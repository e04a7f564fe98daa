# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the background of separate parts run inside GIMP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import inside
from gi.repository import Gimp
from inside import AROUND, picture, selection, visible
from inside_adjust import reloaded, worst
from inside_background import readjusted

from gimp_saliency.image.part import read_channel, read_part
from gimp_saliency.image.version import GIMP_32
from gimp_saliency.layers import adjust
from gimp_saliency.layers.before import copy_before
from gimp_saliency.layers.record import Role, edits_above, read_parasite, read_role
from gimp_saliency.predict.plan import Planned
from gimp_saliency.preview.view import MadeMasks, View
from gimp_saliency.shared import edits
from gimp_saliency.shared.client import questions

BIG, SMALL = (4, 8, 26, 30), (42, 12, 16, 20)


def select_both(image: Any) -> None:
    """Select both parts, the left one the larger."""
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *BIG)
    image.select_ellipse(Gimp.ChannelOps.ADD, *SMALL)


def in_parts(options: dict[str, Any], **settings: Any) -> tuple[Any, list[Any], list[bool]]:
    """An image with an edit of each part and one background, its new layers, and whose background was asked for."""
    asked = []

    def ask_edits(pixels: bytes, width: int, height: int, request: Any) -> dict[str, Any]:
        left = any(pixels[4 * (width * (height // 2) + x) + 3] for x in range(width // 2))
        asked.append(request.background)
        chosen = [edits.Exposure(-1)] if left else [edits.Saturation(0.2), edits.Exposure(0.7)]
        around = AROUND if left else [edits.Exposure(-3)]
        return {"edits": edits.to_json(chosen), "model": "test", "background": edits.to_json(around)}

    questions.ask_edits = ask_edits
    image, layer = picture(**options)
    select_both(image)
    layers = inside.edit(image, [layer], "attenuate", separate=True, feather=2.0, background=True, **settings)
    return image, layers, list(asked)


def separate_parts() -> dict[str, Any]:
    """Two parts with an edit each and one background, beside three edits one after the other."""
    results: dict[str, Any] = {}
    for name, options in (("opaque", {}), ("transparent", {"alpha": "partial"}), ("gray", {"base": "GRAY"})):
        image, layers, asked = in_parts(options)
        after = visible(image)
        other, layer = picture(**options)
        other.select_rectangle(Gimp.ChannelOps.REPLACE, *BIG)
        inside.edit(other, [layer], "attenuate", feather=2.0)
        other.select_ellipse(Gimp.ChannelOps.REPLACE, *SMALL)
        inside.edit(other, other.get_selected_layers(), "attenuate", feather=2.0)
        select_both(other)
        was = selection(other)
        Gimp.Selection.feather(other, 2.0)
        Gimp.Selection.invert(other)
        inside.answer_with(AROUND)
        inside.edit(other, other.get_selected_layers(), "attenuate")
        contents = [read_parasite(each) or {} for each in layers]
        results[name] = {
            "asked": asked,
            "difference": worst(after, visible(other)),
            "edits": len({content["id"] for content in contents}),
            "with background": len({content["id"] for content in contents if "background" in content}),
            "selection": worst(selection(image), was),
            "saved": inside.saved_and_loaded(image) == after,
        }
        readjusted(image, background=False)
        results[name]["changed"] = worst(visible(image), after)
        readjusted(image, background=True)
        results[name]["on again"] = worst(visible(image), after)
        image.delete()
        other.delete()
    return results


SHAPES: dict[str, dict[str, Any]] = {
    "opaque": {},
    "float": {"precision": "FLOAT_LINEAR"},
    "transparent": {"alpha": "partial"},
    "with offset": {"size": (50, 40), "offset": (3, 2)},
}


def background_anew() -> dict[str, float]:
    """How far from an edit with a background one is that gets its background later.

    "deleted": its groups were deleted by hand before (GIMP 3.2); "from nothing": it had the strength 0.
    """
    results = {}
    for shape, options in SHAPES.items():
        for load in (False, True):
            image, _layers, _asked = in_parts(options)
            image = reloaded(image) if load else image
            after = visible(image)
            if GIMP_32:
                made = adjust.find_edit(image, [_topmost(image)])
                for layer in made.around:
                    image.remove_layer(layer)
                results[f"{shape} {load} deleted"] = _with_background(image, made.layers[-1], after)
            image.delete()
            image, _layers, _asked = in_parts(options, background_strength=0.0)
            image = reloaded(image) if load else image
            results[f"{shape} {load} from nothing"] = _with_background(image, _topmost(image), after)
            image.delete()
    return results


def _topmost(image: Any) -> Any:
    """The topmost layer of an edit."""
    top = image.get_layers()[0]
    return top.get_children()[0] if read_role(top) == Role.HOLDER else top


def _with_background(image: Any, layer: Any, wanted: bytes) -> float:
    """Give an edit its background at 100 %: how far the picture is from what is wanted."""
    made = adjust.find_edit(image, [layer])
    adjust.apply_values(image, made, made.base, replace(made.request, background=True, background_strength=100.0))
    return worst(visible(image), wanted)


BOXES = {"whole": (0, 0, 64, 48), "zoomed": (30, 4, 32, 36)}


def previews() -> dict[str, int]:
    """How far, in 8-bit values, the preview of an adjusted edit is from the picture that it becomes."""
    results = {}
    for load in (False, True):
        for name, changes in (
            ("as it is", {}),
            ("weaker", {"background_strength": 40.0}),
            ("deleted", {}),
            ("off", {"background": False}),
        ):
            image, _layers, _asked = in_parts({})
            image = reloaded(image) if load else image
            made = adjust.find_edit(image, [_topmost(image)])
            if name == "deleted" and GIMP_32:
                for layer in made.around:
                    image.remove_layer(layer)
                made = adjust.find_edit(image, [made.layers[-1]])
            wanted = replace(made.request, **{"background": True, **changes})
            shown = {name: _shown(image, made, wanted, box) for name, box in BOXES.items()}
            adjust.apply_values(image, made, made.base, wanted)
            real = inside.visible(image, "R'G'B' u8")
            for box, picture_of_box in shown.items():
                difference = max(abs(a - b) for a, b in zip(picture_of_box, _cut(real, BOXES[box])))
                results[f"{load} {name} {box}"] = difference
            image.delete()
    return results


def _shown(image: Any, made: adjust.MadeEdit, wanted: Any, box: tuple[int, int, int, int]) -> bytes:
    """What the dialog shows of a box."""
    before = copy_before(image, made)
    thumbnail = read_part(before.image, before.photo, edits_above(before.image, before.photo), box, 400)
    size = thumbnail.width, thumbnail.height
    region, whole, others = (
        None if channel is None else read_channel(before.image, channel, box, size) for channel in before.made
    )
    masks = MadeMasks(thumbnail.mask if region is None else region, whole, others)
    view = View(thumbnail, box, (64, 48), False, masks)
    shown = view.render([Planned(made.base, background=made.background)], wanted.without_edge(), size)
    view.close()
    before.image.delete()
    return shown


def _cut(pixels: bytes, box: tuple[int, int, int, int]) -> bytes:
    """A box of R'G'B' bytes of the picture."""
    x, y, width, height = box
    return b"".join(pixels[3 * (64 * row + x) :][: 3 * width] for row in range(y, y + height))
