# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of lean groups run inside GIMP (3.2): groups only as large as what they edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import inside
from gi.repository import Gegl, Gimp
from inside import select, visible
from inside_adjust import reloaded, worst
from inside_new_edges import edited, find, give_edge

from gimp_saliency.layers import adjust, groups
from gimp_saliency.layers.record import read_note
from gimp_saliency.shared.choices import Edge

WIDTH, HEIGHT = 120, 90
REGION = (41, 31, 24, 18)
TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "none": lambda image: None,
    "half": lambda image: image.scale(WIDTH // 2, HEIGHT // 2),
    "twice": lambda image: image.scale(2 * WIDTH, 2 * HEIGHT),
    "crop": lambda image: image.crop(80, 60, 30, 20),
    "crop beside the region": lambda image: image.crop(30, 20, 0, 0),
    "crop through the region": lambda image: image.crop(60, 60, 50, 40),
    "larger canvas": lambda image: image.resize(WIDTH + 40, HEIGHT + 20, 30, 10),
    "turn": lambda image: image.rotate(Gimp.RotationType.DEGREES90),
    "mirror": lambda image: image.flip(Gimp.OrientationType.HORIZONTAL),
}


@contextmanager
def whole_groups() -> Iterator[None]:
    """Groups as large as the photo, as older versions made them."""
    find_box = groups._select_box

    def select_whole(image: Any, photo: Any, mask: groups.Mask, reach: int) -> Any:
        find_box(image, photo, mask, reach)
        return groups._list_bounds(photo)

    groups._select_box = select_whole
    try:
        yield
    finally:
        groups._select_box = find_box


def make(feather: float = 6, **options: Any) -> Any:
    """A picture with an edit of a small ellipse."""
    inside.answer_with(inside.ALL_EDITS)
    image, _layer = inside.picture(WIDTH, HEIGHT, **options)
    select(image, REGION, feather)
    inside.edit(image, image.get_layers(), "attenuate")
    return image


def make_both(**options: Any) -> tuple[Any, Any]:
    """The same with lean groups, and with groups as large as the photo."""
    lean = make(**options)
    with whole_groups():
        return lean, make(**options)


def bounds(image: Any) -> list[list[Any]]:
    """Of each group of the topmost edit: the kind of edit and where it lies."""
    return [[read_note(layer).edits[0].name, *groups._list_bounds(layer)] for layer in find(image).layers]


def sizes() -> dict[str, Any]:
    """Where groups lie and what is selected: of a small region, and of one at the canvas' edge."""
    found = {}
    for name, rectangle in (("small", REGION), ("at the edge", (100, 70, 40, 40))):
        inside.answer_with(inside.ALL_EDITS)
        image, _layer = inside.picture(WIDTH, HEIGHT)
        select(image, rectangle, 0)
        selected = Gimp.Selection.bounds(image)[2:]
        inside.edit(image, image.get_layers(), "attenuate", background=True)
        made = find(image)
        around = {groups._list_bounds(layer) for layer in made.around}
        found[name] = {"groups": bounds(image), "selected": selected, "around": list(around)}
        image.delete()
    return found


def differences() -> dict[str, float]:
    """How far lean groups' pictures are from those of whole ones, by precision, shape and transformation."""
    found = {}
    shapes: dict[str, dict[str, Any]] = {
        **{precision: {"precision": precision} for precision in ("U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR")},
        "hard": {"feather": 0},
        "gray": {"base": "GRAY"},
        "transparent": {"alpha": "partial"},
        "with offset": {"size": (100, 70), "offset": (8, 6)},
    }
    for shape, options in shapes.items():
        for name, transform in TRANSFORMS.items() if shape in ("U8_NON_LINEAR", "hard") else [("none", None)]:
            for load in (False, True):
                seen = []
                for image in make_both(**options):
                    Gimp.Selection.none(image)
                    if transform is not None:
                        transform(image)
                    made = reloaded(image) if load else image
                    seen.append(visible(made))
                    made.delete()
                found[f"{shape}, {name}, {load}"] = worst(*seen)
    return found


def growing() -> dict[str, Any]:
    """Where groups lie as their region grows and shrinks, and whether the picture is what a new edit makes."""
    size = {"width": WIDTH, "height": HEIGHT}
    image = edited(size, edge="selected", background=False)
    before = bounds(image)
    give_edge(image, "object", grow=12.0)
    grown = bounds(image)
    other = edited(size, edge=Edge.OBJECT, grow=12.0, background=False)
    same = worst(visible(image), visible(other))
    give_edge(image, "selected")
    return {"before": before, "grown": grown, "difference": same, "after": bounds(image)}


def adjusting_old_ones() -> dict[str, Any]:
    """Edits of older versions, given another strength: their groups, and how far the picture is from a new edit's."""
    with whole_groups():
        old, off = make(), make()
    new = make()
    find(off).layers[0].set_apply_mask(False)
    before = visible(off)
    result: dict[str, Any] = {"before": bounds(old)}
    for image in (old, new):
        made = find(image)
        adjust.apply_values(image, made, made.base, replace(made.request, strength=60.0))
    result.update(after=bounds(old), new=bounds(new), difference=worst(visible(old), visible(new)))
    made = find(off)
    adjust.apply_values(off, made, made.base, made.request)
    result["switched off"] = [bounds(off)[0], visible(off) == before]
    return result


def painting() -> dict[str, Any]:
    """What colour in the layer that gives a group its size changes, and in its mask; where the group can be moved."""
    image = make()
    Gimp.Selection.none(image)
    group = find(image).layers[-1]
    (extent,) = group.get_children()
    pictures = [visible(image)]
    Gimp.context_set_foreground(Gegl.Color.new("white"))
    for drawable in (extent, group.get_mask()):
        drawable.edit_fill(Gimp.FillType.FOREGROUND)
        pictures.append(visible(image))
    group.set_offsets(5, 5)
    result = {"same": pictures[1] == pictures[0], "mask": pictures[2] != pictures[1], "moved": group.get_offsets()[1:]}
    image.delete()
    return result
