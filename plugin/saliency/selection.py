# SPDX-License-Identifier: GPL-3.0-or-later
"""What is selected: set it from numbers, split it into parts, soften its edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import connection
from gi.repository import Babl, Gegl, Gimp

Tile = tuple[Any, bytes]  # a Gegl.Rectangle of the canvas, and 16-bit coverage

_TILE = 2048  # px; the largest side that the server refines at once
_STEP = 64  # px; tiles begin at multiples of it, where the server's tiles agree
_FARTHEST = 160.0  # px; the largest radius of refining
_REACH = 4  # how many radii a refined mask depends on what is around it


def select_values(image: Any, values: bytes, component: str, box: tuple[int, int, int, int] | None = None) -> None:
    """Select what the values say: one a pixel, rows from the top, of a babl component ("u8", "u16"), full = selected.

    box: x, y, width and height of the part of the canvas that they are for; outside nothing is selected.  None: all.
    Active layers stay active.
    """
    rectangle = Gegl.Rectangle.new(*(box or (0, 0, image.get_width(), image.get_height())))
    with _drawn(image, Gimp.ChannelOps.REPLACE) as (channel, buffer):
        buffer.set(rectangle, _coverage_format(image, channel, component), values)


@contextmanager
def _drawn(image: Any, operation: Any) -> Iterator[tuple[Any, Any]]:
    """A black channel of the canvas' size and its buffer; combined with the selection once it is drawn, then removed.

    Active layers stay active.
    """
    width, height = image.get_width(), image.get_height()
    channel = Gimp.Channel.new(image, "", width, height, 100, Gegl.Color.new("black"))
    layers = image.get_selected_layers()  # a new channel takes the place of what was active
    image.insert_channel(channel, None, 0)
    try:
        buffer = channel.get_buffer()
        yield channel, buffer
        buffer.flush()
        channel.update(0, 0, width, height)
        image.select_item(operation, channel)
    finally:
        image.remove_channel(channel)
        activate(image, layers)


def _coverage_format(image: Any, channel: Any, component: str) -> str:
    """The babl format in which to write coverage into a channel, so that it is the selection's when selected.

    In new 8-bit images GIMP keeps selections as linear values but channels as encoded ones, and copies the bytes; in
    8-bit images from XCF files both are encoded, everywhere else both are linear.
    """
    selected, own = (Babl.format_get_encoding(drawable.get_format()) for drawable in (image.get_selection(), channel))
    return f"Y {component}" if selected == own else f"Y' {component}"


def activate(image: Any, layers: list[Any]) -> None:
    """Make layers the active ones.  None leaves all as it is: GIMP would show an error."""
    if layers:
        image.set_selected_layers(layers)


def select_masks(image: Any, layers: list[Any]) -> None:
    """Select what the masks of the layers show together; a layer without one shows everything."""
    Gimp.Selection.none(image)
    for layer in layers:
        if layer.get_mask() is None:
            Gimp.Selection.all(image)
        else:
            image.select_item(Gimp.ChannelOps.ADD, layer.get_mask())


@contextmanager
def kept(image: Any) -> Iterator[Any]:
    """Gives the selection as a channel, and selects it again at the end.  Active layers stay active."""
    layers = image.get_selected_layers()
    selected = Gimp.Selection.save(image)
    activate(image, layers)
    try:
        yield selected
    finally:
        image.select_item(Gimp.ChannelOps.REPLACE, selected)
        image.remove_channel(selected)


def intersect_cells(image: Any, cells: bytes, width: int, height: int) -> None:
    """Unselect all pixels in the cells that are 0 of a coarse grid over the canvas; the cells are 0 or 255."""
    columns = [_start(x, image.get_width(), width) for x in range(width + 1)]
    rows = [_start(y, image.get_height(), height) for y in range(height + 1)]
    with _drawn(image, Gimp.ChannelOps.INTERSECT) as (_channel, buffer):
        for y in range(height):
            row = cells[y * width : (y + 1) * width]
            line = b"".join(row[x : x + 1] * (columns[x + 1] - columns[x]) for x in range(width))
            strip = Gegl.Rectangle.new(0, rows[y], image.get_width(), rows[y + 1] - rows[y])
            if strip.height:
                buffer.set(strip, "Y u8", line * strip.height)


def _start(cell: int, pixels: int, cells: int) -> int:
    """The first pixel that lies in a cell."""
    return -(-cell * pixels // cells)


def refining_radius(width: int, height: int, feather: float) -> float:
    """How far from the selection's edge an object's edge is sought, in pixels: the feather, else 1 % of the picture."""
    return min(_FARTHEST, feather if feather > 0 else max(1.0, 0.01 * max(width, height)))


def refined(image: Any, layer: Any, feather: float) -> list[Tile]:
    """The selection with an edge that follows the layer's picture, by tiles; the image stays as it is.

    feather: px, see `refining_radius`.  Raises connection.ServerError: the server's guided filter makes it.
    """
    width, height = image.get_width(), image.get_height()
    radius = refining_radius(width, height, feather)
    _, _, left, top, right, bottom = Gimp.Selection.bounds(image)
    margin = round(_REACH * radius)
    left, top = (max(0, (edge - margin) // _STEP * _STEP) for edge in (left, top))
    right, bottom = min(width, right + margin), min(height, bottom + margin)
    result = []
    for tile, inner in _tiles(left, top, right, bottom, margin):
        values = connection.ask_refined(_pixels(image, layer, tile), tile.width, tile.height, radius)
        x, y = inner.x - tile.x, inner.y - tile.y
        rows = (values[2 * (row * tile.width + x) :][: 2 * inner.width] for row in range(y, y + inner.height))
        result.append((inner, b"".join(rows)))
    return result


def select_tiles(image: Any, tiles: list[Tile]) -> None:
    """Select what `refined` gave."""
    with _drawn(image, Gimp.ChannelOps.REPLACE) as (channel, buffer):
        values = _coverage_format(image, channel, "u16")
        for box, coverage in tiles:
            buffer.set(box, values, coverage)


def _tiles(left: int, top: int, right: int, bottom: int, margin: int) -> Iterator[tuple[Any, Any]]:
    """Cover a box with tiles: what to send, with the margin around, and which inner part of it counts."""
    step = max(_STEP, (_TILE - 2 * margin) // _STEP * _STEP)
    outside = -(-margin // _STEP) * _STEP
    if right - left <= _TILE and bottom - top <= _TILE:
        step, outside = _TILE, 0
    for y in range(top, bottom, step):
        for x in range(left, right, step):
            inner = Gegl.Rectangle.new(x, y, min(step, right - x), min(step, bottom - y))
            x0, y0 = max(left, x - outside), max(top, y - outside)
            x1, y1 = min(right, x + step + margin), min(bottom, y + step + margin)
            yield Gegl.Rectangle.new(x0, y0, x1 - x0, y1 - y0), inner


def _pixels(image: Any, layer: Any, box: Any) -> bytes:
    """R'G'B'M bytes of the layer and the selection in a box of the canvas."""
    _, x, y = layer.get_offsets()
    on_layer = Gegl.Rectangle.new(box.x - x, box.y - y, box.width, box.height)
    picture = bytes(layer.get_buffer().get(on_layer, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.CLAMP))
    mask = bytes(image.get_selection().get_buffer().get(box, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))
    pixels = bytearray(4 * len(mask))
    for channel in range(3):
        pixels[channel::4] = picture[channel::3]
    pixels[3::4] = mask
    return bytes(pixels)
