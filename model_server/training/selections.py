# SPDX-License-Identifier: GPL-3.0-or-later
"""Selections as people make them, drawn around an object whose true mask is known, or on a part of a surface.

All are hard (0 or 255) but those that fit already, which may be soft.  Lengths are shares of the object's longer side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gimp_saliency.shared.framing import Bounds

Rng = np.random.Generator
Mask = Image.Image  # of mode L

# How often each kind is drawn around an object.
LOOSE = {
    "box": 0.22, "ellipse": 0.27, "lasso": 0.15, "dilated": 0.12, "shifted": 0.06, "cut": 0.06, "stroke": 0.03,
    "fitting": 0.09,
}  # fmt: skip

# Labels (as parts of words) of what has no shape of its own: a selection in it means just what it says.
_SURFACES = (
    "sky", "road", "water", "sea", "river", "sand", "snow", "field", "grass", "mountain", "street", "beach", "foliage",
    "trees", "wall", "floor", "ground",
)  # fmt: skip


def is_surface(label: str, area: float) -> bool:
    """Whether a region is a surface rather than an object, by its label in SOURCES.csv and its share of the picture."""
    words = label.lower()
    return any(word in words for word in _SURFACES) or (words == "human segment" and area > 0.2)


def find_bounds(mask: Mask) -> Bounds | None:
    """What more than half selected pixels take up: left, top, right, bottom; None where there are none."""
    return mask.point([0] * 128 + [255] * 128).getbbox()


def draw_selection(truth: Mask, kind: str, rng: Rng) -> Mask:
    """A selection of one kind of LOOSE around what the mask shows; the mask itself where that leaves nothing."""
    bounds = find_bounds(truth)
    if bounds is None:
        return truth
    drawn = _KINDS[kind](truth, bounds, rng)
    return drawn if find_bounds(drawn) else truth


def draw_around(truth: Mask, kind: str, rng: Rng) -> Mask | None:
    """An "ellipse" or a "box" around what the mask shows, as tight as people draw them; None where it shows nothing."""
    bounds = find_bounds(truth)
    if bounds is None:
        return None
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    if kind == "box":
        return _draw(truth.size, _grow_bounds(bounds, rng, 0.0, 0.04), rng, "box")
    half = (bounds[2] - bounds[0]) / 2 * rng.uniform(1.0, 1.2), (bounds[3] - bounds[1]) / 2 * rng.uniform(1.0, 1.2)
    shift = rng.normal(0, 0.02, 2) * longer
    x, y = (bounds[0] + bounds[2]) / 2 + shift[0], (bounds[1] + bounds[3]) / 2 + shift[1]
    return _draw(truth.size, (x - half[0], y - half[1], x + half[0], y + half[1]), rng, "ellipse")


def draw_part(surface: Mask, rng: Rng) -> Mask | None:
    """A selection of a part of a surface, most of it on the surface, which goes on around it; None if none is found."""
    on = np.asarray(surface) >= 128
    rows, columns = np.nonzero(on)
    if len(rows) < 400:
        return None
    for _attempt in range(12):
        place = rng.integers(len(rows))
        middle = float(columns[place]), float(rows[place])
        half = math.sqrt(len(rows)) * rng.uniform(0.12, 0.45)
        shape = half * math.exp(rng.normal(0, 0.3)), half * math.exp(rng.normal(0, 0.3))
        box = middle[0] - shape[0], middle[1] - shape[1], middle[0] + shape[0], middle[1] + shape[1]
        drawn = _draw(surface.size, box, rng, str(rng.choice(["ellipse", "box", "blob"])))
        selected = np.asarray(drawn) >= 128
        if selected.sum() >= 100 and on[selected].mean() > 0.85 and selected.sum() < 0.6 * len(rows):
            return drawn
    return None


def _draw(size: tuple[int, int], box: Bounds, rng: Rng, shape: str) -> Mask:
    """An ellipse, a box or a blob in a box."""
    drawn = Image.new("L", size)
    pen = ImageDraw.Draw(drawn)
    if shape == "box":
        pen.rectangle(box, fill=255)
    elif shape == "ellipse":
        pen.ellipse(box, fill=255)
    else:
        middle, half = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), ((box[2] - box[0]) / 2, (box[3] - box[1]) / 2)
        angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        radii = 0.85 + _draw_waves(angles, rng, 0.12)
        pen.polygon(
            [
                (middle[0] + half[0] * r * math.cos(a), middle[1] + half[1] * r * math.sin(a))
                for a, r in zip(angles, radii)
            ],
            fill=255,
        )
    return drawn


def _draw_waves(angles: np.ndarray[Any, Any], rng: Rng, size: float) -> np.ndarray[Any, Any]:
    """The wobble of a hand along a closed line."""
    waves = np.zeros_like(angles)
    for number in range(2, 9):
        waves += rng.normal(0, size / number) * np.cos(number * angles + rng.uniform(0, 2 * math.pi))
    return waves


def _grow_bounds(bounds: Bounds, rng: Rng, least: float, most: float) -> Bounds:
    """Move each side outwards by a random share of the bounds' longer side."""
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    out = rng.uniform(least, most, 4) * longer
    return bounds[0] - out[0], bounds[1] - out[1], bounds[2] + out[2], bounds[3] + out[3]


def _draw_box(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    return _draw(truth.size, _grow_bounds(bounds, rng, -0.02, 0.2), rng, "box")


def _draw_ellipse(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    """From one that touches the bounds' sides to one that goes round their corners with room to spare."""
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    factor, shift = rng.uniform(1.0, 1.55, 2), rng.normal(0, 0.03, 2)
    x, y = (bounds[0] + bounds[2]) / 2 + shift[0] * width, (bounds[1] + bounds[3]) / 2 + shift[1] * height
    half = width * factor[0] / 2, height * factor[1] / 2
    return _draw(truth.size, (x - half[0], y - half[1], x + half[0], y + half[1]), rng, "ellipse")


def _draw_lasso(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    """A line by hand that goes round the object at a changing distance."""
    on = np.asarray(truth) >= 128
    rows, columns = np.nonzero(on)
    x, y = columns.mean(), rows.mean()
    angles = np.linspace(-math.pi, math.pi, 64, endpoint=False)
    place = ((np.arctan2(rows - y, columns - x) + math.pi) / (2 * math.pi) * len(angles)).astype(int) % len(angles)
    radii = np.zeros(len(angles))
    np.maximum.at(radii, place, np.hypot(rows - y, columns - x))
    radii = np.max([np.roll(radii, k) for k in (-2, -1, 0, 1, 2)], 0)
    radii = np.mean([np.roll(radii, k) for k in (-1, 0, 1)], 0)
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    radii = np.maximum(3, radii + longer * (rng.uniform(0.01, 0.16) + _draw_waves(angles, rng, 0.06)))
    drawn = Image.new("L", truth.size)
    points = [(x + r * math.cos(a), y + r * math.sin(a)) for a, r in zip(angles, radii)]
    ImageDraw.Draw(drawn).polygon(points, fill=255)
    return drawn


def _draw_dilated(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    """The mask, grown: as of a magic wand or a brush that went too far."""
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    width = max(1.0, longer * rng.uniform(0.015, 0.1))
    level = int(rng.uniform(8, 50))
    return truth.filter(ImageFilter.GaussianBlur(width)).point([0] * level + [255] * (256 - level))


def _draw_shifted(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    x, y = rng.uniform(-0.12, 0.12, 2) * longer
    grown = _draw_dilated(truth, bounds, rng)
    return grown.transform(truth.size, Image.Transform.AFFINE, (1, 0, x, 0, 1, y))


def _draw_cut(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    """A box, ellipse or lasso that cuts off one side of the object."""
    drawn = _KINDS[str(rng.choice(["box", "ellipse", "lasso"]))](truth, bounds, rng)
    share, side = rng.uniform(0.08, 0.3), rng.integers(4)
    kept = list(bounds)
    length = bounds[2 + side % 2] - bounds[side % 2]
    kept[side] += share * length if side < 2 else -share * length
    pen = ImageDraw.Draw(drawn)
    width, height = truth.size
    off = [(0, 0, kept[0], height), (0, 0, width, kept[1]), (kept[2], 0, width, height), (0, kept[3], width, height)]
    pen.rectangle(off[side], fill=0)
    return drawn


def _draw_stroke(truth: Mask, bounds: Bounds, rng: Rng) -> Mask:
    """A few lines of a brush on the object."""
    rows, columns = np.nonzero(np.asarray(truth) >= 128)
    places = rng.integers(len(rows), size=int(rng.integers(2, 5)))
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    drawn = Image.new("L", truth.size)
    points = [(float(columns[k]), float(rows[k])) for k in places]
    ImageDraw.Draw(drawn).line(points, fill=255, width=max(3, int(longer * rng.uniform(0.05, 0.2))), joint="curve")
    return drawn


def _draw_fitting(truth: Mask, _bounds: Bounds, rng: Rng) -> Mask:
    """The mask itself, now and then with a softer edge."""
    if rng.random() < 0.5:
        return truth
    return truth.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 3))))


_KINDS: dict[str, Callable[[Mask, Bounds, Rng], Mask]] = {
    "box": _draw_box,
    "ellipse": _draw_ellipse,
    "lasso": _draw_lasso,
    "dilated": _draw_dilated,
    "shifted": _draw_shifted,
    "cut": _draw_cut,
    "stroke": _draw_stroke,
    "fitting": _draw_fitting,
}
