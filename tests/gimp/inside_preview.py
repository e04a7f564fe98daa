# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the dialog's preview run inside GIMP."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import inside
from gi.repository import Gimp

from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.layers.apply import apply_plan
from gimp_saliency.predict.parts import parts
from gimp_saliency.predict.plan import Planned, split_regions
from gimp_saliency.preview import rendering
from gimp_saliency.preview.view import View
from gimp_saliency.preview.views import Views
from gimp_saliency.shared import edits
from gimp_saliency.shared.request import EditRequest

CASES: dict[str, dict[str, Any]] = {
    "region": {},
    "background": {"background": True},
    "background at a strength of its own": {"background": True, "background_strength": 40.0, "strength": 130.0},
    "soft": {"background": True, "feather": 6.0},
    "some edits off": {"background": True, "kinds": frozenset(("sharpening", "tone", "curves", "exposure"))},
    "parts": {"background": True, "separate": True},
    "soft parts": {"background": True, "separate": True, "feather": 4.0},
}


def differences(base: str) -> dict[str, int]:
    """Of each case, the largest difference of 8-bit values between the view of a small picture and the real edit."""
    results = {}
    for number, (name, settings) in enumerate(CASES.items()):
        draw = random.Random(number)
        image, layer = _picture(number, base)
        request = EditRequest("attenuate", **settings)
        thumbnail, view = _view(image, layer)
        plan = _plan(draw, thumbnail, request)
        grid = thumbnail.width, thumbnail.height
        view.render(plan, replace(request, strength=20.0), grid)  # what is shown next must not depend on it
        shown = view.render(plan, request, grid)
        view.close()
        apply_plan(image, layer, plan, request, grid)
        real = inside.visible(image, "R'G'B' u8")
        results[name] = max(abs(a - b) for a, b in zip(shown, real))
        image.delete()
    return results


def step_by_step() -> list[int]:
    """The same settings in a view that has shown others, and in a new one: the largest difference of 8-bit values.

    What the view keeps of what it has shown must not be seen.
    """
    draw = random.Random(5)
    image, layer = _picture()
    thumbnail, view = _view(image, layer)
    grid = thumbnail.width, thumbnail.height
    plan = _plan(draw, thumbnail, EditRequest("attenuate", background=True))
    found = []
    for number in range(20):
        request = EditRequest(
            "attenuate",
            strength=draw.choice((60.0, 100.0, 150.0)),
            feather=draw.choice((0.0, 0.0, 5.0)),
            background=draw.random() < 0.8,
            background_strength=draw.choice((50.0, 100.0)),
            kinds=frozenset(name for name in edits.NAMES if draw.random() < 0.8),
        )
        if number % 5 == 4:
            plan = _plan(draw, thumbnail, request)
        _, other = _view(image, layer)
        shown, afresh = view.render(plan, request, grid), other.render(plan, request, grid)
        found.append(max(abs(a - b) for a, b in zip(shown, afresh)))
        other.close()
    view.close()
    image.delete()
    return found


def left_off() -> dict[str, int]:
    """Of each case, the largest difference of 8-bit values between a view rendered at once, and after others.

    These were rendered step by step, with another strength, one to its end and the next one not.
    """
    results = {}
    for number, (name, settings) in enumerate(CASES.items()):
        draw = random.Random(number)
        image, layer = _picture(number)
        request = EditRequest("attenuate", **settings)
        thumbnail, view = _view(image, layer)
        plan = _plan(draw, thumbnail, request)
        grid = thumbnail.width, thumbnail.height
        whole = view.render(plan, request, grid)
        *steps, again = view.render_step_by_step(plan, request, grid)
        assert again == whole
        *steps, other = view.render_step_by_step(plan, replace(request, strength=20.0), grid)
        assert len(steps) > 2 and not any(steps) and other != whole
        unfinished = view.render_step_by_step(plan, replace(request, strength=60.0), grid)
        assert next(unfinished) is None
        *steps, found = view.render_step_by_step(plan, request, grid)
        assert found is not None
        results[name] = max(abs(a - b) for a, b in zip(found, whole))
        view.close()
        image.delete()
    return results


BOXES = [(0, 0, 60, 50), (10, 0, 60, 50), (4, 9, 60, 50), (16, 6, 60, 50), (16, 6, 50, 50), (0, 0, 12, 12)]


def panned(is_sharpened: bool) -> list[dict[str, Any]]:
    """Of each box that is looked at after another one: how far it is from the same box of the whole picture.

    Of sharpened ones only what sees all that is around it; share: of the box that was rendered for it.
    """
    image, layer = _picture()
    thumbnail = read_thumbnail(image, layer)
    views = Views(image, layer, thumbnail)
    kinds = frozenset(edits.NAMES) if is_sharpened else frozenset(edits.NAMES) - {"sharpening"}
    request = EditRequest("attenuate", background=True, kinds=kinds)
    plan = _plan(random.Random(1), thumbnail, request)
    margin = edits.reach(plan[0].edits, 96) if is_sharpened else 0
    whole = views.whole.render(plan, request, views.grid)
    found = []
    for x, y, width, height in BOXES:
        with _count_pixels() as rendered:
            view = views.find_sharp((x, y, width, height), max(width, height))
            if x == 4:  # one that a hand leaves off
                next(view.render_step_by_step(plan, request, views.grid))
                continue
            shown = view.render(plan, request, views.grid)
        rows = [
            (shown[3 * (width * row + margin) :], whole[3 * (96 * (y + row) + x + margin) :])
            for row in range(margin, height - margin)
        ]
        values = 3 * (width - 2 * margin)
        difference = max(abs(a - b) for one, other in rows for a, b in zip(one[:values], other[:values]))
        found.append({"difference": difference, "share": sum(rendered) / (2 * width * height)})
    views.close()
    image.delete()
    return found


@contextmanager
def _count_pixels() -> Iterator[list[int]]:
    """How many are rendered of each part of the picture that is."""
    counts: list[int] = []
    apply_edits = rendering.apply_edits

    def count(source: Any, *arguments: Any) -> Any:
        counts.append(source.get_extent().width * source.get_extent().height)
        return apply_edits(source, *arguments)

    rendering.apply_edits = count
    try:
        yield counts
    finally:
        rendering.apply_edits = apply_edits


def _picture(seed: int = 1, base: str = "RGB") -> tuple[Any, Any]:
    """Two selected parts.  8-bit values, but not an 8-bit image: GIMP rounds selections there, as the view does not."""
    image, layer = inside.picture(96, 72, base, seed=seed)
    image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 8, 10, 40, 36)
    image.select_rectangle(Gimp.ChannelOps.ADD, 60, 40, 30, 28)
    return image, layer


def _view(image: Any, layer: Any) -> tuple[Any, Any]:
    thumbnail = read_thumbnail(image, layer)
    size = image.get_width(), image.get_height()
    return thumbnail, View(thumbnail, (0, 0, *size), size, layer.is_gray())


def _plan(draw: random.Random, thumbnail: Any, request: Any) -> list[Any]:
    cells = [cells for _pixels, cells in split_regions(thumbnail, request.separate)]
    assert len(cells) == (
        len(parts(thumbnail.pixels[3::4], thumbnail.width, thumbnail.height)) if request.separate else 1
    )
    around = inside.random_edits(draw) if request.background else []
    return [
        Planned(edits.at_strength(inside.random_edits(draw), 0.7), each, around if not number else ())
        for number, each in enumerate(cells)
    ]
