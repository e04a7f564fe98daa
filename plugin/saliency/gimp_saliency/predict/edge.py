# SPDX-License-Identifier: GPL-3.0-or-later
"""A selection whose edge follows the picture: the server's guided filter refines its mask, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator

from gi.repository import Gegl, Gimp

from ..image.geometry import Box
from ..image.pixels import interleave_mask
from ..image.selection import Tile
from ..shared.client import questions

_TILE = 2048  # px; the largest side that the server refines at once

_STEP = 64  # px; tiles begin at multiples of it, where the server's tiles agree

_FARTHEST = 160.0  # px; the largest radius of refining

_REACH = 4  # how many radii a refined mask depends on what is around it


def refining_radius(width: int, height: int, feather: float) -> float:
    """How far from the selection's edge an object's edge is sought, in pixels: the feather, else 1 % of the picture."""
    return min(_FARTHEST, feather if feather > 0 else max(1.0, 0.01 * max(width, height)))


def fetch_refined_mask(image: Gimp.Image, layer: Gimp.Layer, feather: float) -> list[Tile]:
    """The selection with an edge that follows the layer's picture, by tiles; the image stays as it is.

    feather: px, see `refining_radius`.  Raises ServerError: the server's guided filter makes it.
    """
    width, height = image.get_width(), image.get_height()
    radius = refining_radius(width, height, feather)
    _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(image)
    margin = round(_REACH * radius)
    left, top = (max(0, (edge - margin) // _STEP * _STEP) for edge in (left, top))
    right, bottom = min(width, right + margin), min(height, bottom + margin)
    result = []
    for outer, inner in _tiles(left, top, right, bottom, margin):
        values = questions.ask_refined(_read_pixels(image, layer, outer), *outer[2:], radius)
        result.append((inner, _cut_coverage(values, outer, inner)))
    return result


def _tiles(left: int, top: int, right: int, bottom: int, margin: int) -> Iterator[tuple[Box, Box]]:
    """Cover a box with tiles: what to send, with the margin around, and which inner part of it counts."""
    step = max(_STEP, (_TILE - 2 * margin) // _STEP * _STEP)
    outside = -(-margin // _STEP) * _STEP
    if right - left <= _TILE and bottom - top <= _TILE:
        step, outside = _TILE, 0
    for y in range(top, bottom, step):
        for x in range(left, right, step):
            inner = x, y, min(step, right - x), min(step, bottom - y)
            x0, y0 = max(left, x - outside), max(top, y - outside)
            x1, y1 = min(right, x + step + margin), min(bottom, y + step + margin)
            yield (x0, y0, x1 - x0, y1 - y0), inner


def _cut_coverage(values: bytes, outer: Box, inner: Box) -> bytes:
    """The 16-bit values of the inner box among those of the outer one."""
    x, y = inner[0] - outer[0], inner[1] - outer[1]
    starts = (2 * (row * outer[2] + x) for row in range(y, y + inner[3]))
    return b"".join(values[start : start + 2 * inner[2]] for start in starts)


def _read_pixels(image: Gimp.Image, layer: Gimp.Layer, box: Box) -> bytes:
    """R'G'B'M bytes of the layer and the selection in a box of the canvas."""
    _ok, x, y = layer.get_offsets()
    on_layer = Gegl.Rectangle.new(box[0] - x, box[1] - y, *box[2:])
    picture = bytes(layer.get_buffer().get(on_layer, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.CLAMP))
    on_canvas = Gegl.Rectangle.new(*box)
    mask = bytes(image.get_selection().get_buffer().get(on_canvas, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))
    return interleave_mask(picture, mask)
