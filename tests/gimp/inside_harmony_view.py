# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the dialog's views of a cut-out run inside GIMP: what they show against what OK makes."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp
from inside import visible
from inside_harmony import HEIGHT, SCENES, WIDTH, make_harmony, make_scene

from gimp_saliency.image.cutout import read_cutout
from gimp_saliency.layers.harmony.apply import apply_harmony
from gimp_saliency.preview.harmony_view import HarmonyView, HarmonyViews
from gimp_saliency.shared.harmony import Harmony, HarmonyRequest

WHOLE = (0, 0, WIDTH, HEIGHT)
BOX = (10, 8, 36, 28)


def differences() -> dict[str, list[int]]:
    """By scene and box: the largest differences before and after, of values 0..255, at the picture's own size."""
    found = {}
    for name, options in SCENES.items():
        for box in (WHOLE, BOX):
            image, layer = make_scene(**options)
            views = HarmonyViews(image, layer, read_cutout(image, layer))
            view = views.find_sharp(box, max(box[2:]))
            before, after = view.before, view.render(HarmonyRequest().scale(make_harmony(), views.is_gray))
            shown = _cut(visible(image, "R'G'B' u8"), box)
            part = views.is_part
            views.close()
            apply_harmony(image, layer, make_harmony(), HarmonyRequest(), "test", part)
            made = _cut(visible(image, "R'G'B' u8"), box)
            found[f"{name}, {box}"] = [_find_largest(before, shown), _find_largest(after, made)]
            image.delete()
    return found


def leftovers() -> list[int]:
    """How many images there are with views of several places, and once these are closed."""
    image, layer = make_scene()
    views = HarmonyViews(image, layer, read_cutout(image, layer))
    for box, longest in ((WHOLE, 64), (BOX, 36), (WHOLE, 64), (BOX, 18)):
        views.find_sharp(box, longest).render(make_harmony())
    counts = [len(Gimp.get_images())]
    views.close()
    counts.append(len(Gimp.get_images()))
    image.delete()
    return counts


def far() -> list[float]:
    """Of a large picture: width and height of the view of all of it, and mean differences before and after."""
    image, layer = make_scene()
    image.scale(2560, 1920)
    cutout = read_cutout(image, layer)
    views = HarmonyViews(image, layer, cutout)
    view: HarmonyView = views.find_sharp((0, 0, 2560, 1920), 600)
    before, after = view.before, view.render(make_harmony())
    size = view.width, view.height
    views.close()
    seen = [_see(image, size)]
    apply_harmony(image, layer, make_harmony(), HarmonyRequest(), "test", False)
    seen.append(_see(image, size))
    image.delete()
    return [*size, _find_mean(before, seen[0]), _find_mean(after, seen[1]), _find_mean(*seen)]


def strengths() -> list[bool]:
    """Whether nothing shows nothing, and more shows more."""
    image, layer = make_scene()
    view = HarmonyViews(image, layer, read_cutout(image, layer)).whole
    scaled = [HarmonyRequest(strength).scale(make_harmony(), gray=False) for strength in (0, 50, 100)]
    none, half, full = (view.render(each) for each in scaled)
    same = view.render(Harmony.neutral()) == view.before == none
    changes = [_find_mean(view.before, each) for each in (half, full)]
    view.close()
    image.delete()
    return [same, 0 < changes[0] < changes[1]]


def region() -> list[int]:
    """What of the canvas the view of the region shows: of a cut-out that is smaller than it."""
    image, layer = make_scene(size=(20, 10), offset=(22, 19))
    views = HarmonyViews(image, layer, read_cutout(image, layer))
    found = list(views.frame_region())
    views.close()
    image.delete()
    return found


def _see(image: Any, size: tuple[int, int]) -> bytes:
    """R'G'B' bytes of what is visible at a smaller size."""
    copy = image.duplicate()
    copy.flatten()
    copy.scale(*size)
    pixels = visible(copy, "R'G'B' u8")
    copy.delete()
    return pixels


def _cut(pixels: bytes, box: tuple[int, int, int, int]) -> bytes:
    x, y, width, height = box
    return b"".join(pixels[3 * (WIDTH * row + x) :][: 3 * width] for row in range(y, y + height))


def _find_largest(one: bytes, other: bytes) -> int:
    assert len(one) == len(other)
    return max(abs(a - b) for a, b in zip(one, other))


def _find_mean(one: bytes, other: bytes) -> float:
    assert len(one) == len(other)
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)
