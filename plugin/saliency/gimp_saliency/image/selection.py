# SPDX-License-Identifier: GPL-3.0-or-later
"""What is selected: set it from numbers, split it into parts, soften its edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import ne

from gi.repository import Babl, Gegl, Gimp

from .geometry import Box
from .pixels import copy_pixels
from .shape import Shape, find_level

Tile = tuple[Box, bytes]  # a box of the canvas and its coverage, 16 bit

_TILE = 256  # px; what is enlarged at once, or filled where no edge runs through it
_HALF = bytes(128) + b"\1" * 128
_BETWEEN = (0.05, 0.95)  # coverage that is neither in nor out
_DIAGONAL = 0.8  # the length of a line beside that of the steps that it takes on a grid, on average
_SOFT = 1.5  # selected px for each px of the edge's length that are neither in nor out: 3 px of a steady slope


def select_values(
    image: Gimp.Image,
    values: bytes,
    component: str,
    box: Box | None = None,
    operation: Gimp.ChannelOps = Gimp.ChannelOps.REPLACE,
) -> None:
    """Select what the values say: one a pixel, rows from the top, of a babl component ("u8", "u16"), full = selected.

    box: the part of the canvas that they are for; outside nothing is selected.  None: all.  operation: how this is
    combined with the selection.  Active layers stay active.
    """
    rectangle = Gegl.Rectangle.new(*(box or (0, 0, image.get_width(), image.get_height())))
    with draw_selection(image, operation) as (channel, buffer):
        buffer.set(rectangle, coverage_format(image, channel, component), values)


def select_tiles(image: Gimp.Image, tiles: Iterable[Tile]) -> None:
    """Select what the tiles say; outside nothing is selected.  Active layers stay active."""
    with draw_selection(image, Gimp.ChannelOps.REPLACE) as (channel, buffer):
        values = coverage_format(image, channel, "u16")
        for box, coverage in tiles:
            buffer.set(Gegl.Rectangle.new(*box), values, coverage)


@contextmanager
def draw_selection(image: Gimp.Image, operation: Gimp.ChannelOps) -> Iterator[tuple[Gimp.Channel, Gegl.Buffer]]:
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
        activate_layers(image, layers)


def coverage_format(image: Gimp.Image, channel: Gimp.Channel, component: str) -> str:
    """The babl format in which to write coverage into a channel, so that it is the selection's when selected.

    In new 8-bit images GIMP keeps selections as linear values but channels as encoded ones, and copies the bytes; in
    8-bit images from XCF files both are encoded, everywhere else both are linear.
    """
    selected, own = (Babl.format_get_encoding(drawable.get_format()) for drawable in (image.get_selection(), channel))
    return f"Y {component}" if selected == own else f"Y' {component}"


def activate_layers(image: Gimp.Image, layers: Sequence[Gimp.Layer]) -> None:
    """Make layers the active ones.  None leaves all as it is: GIMP would show an error."""
    if layers:
        image.set_selected_layers(layers)


def select_masks(image: Gimp.Image, layers: Sequence[Gimp.Layer]) -> None:
    """Select what the masks of the layers show together; a layer without one shows everything."""
    Gimp.Selection.none(image)
    add_masks(image, layers)


def add_masks(image: Gimp.Image, layers: Sequence[Gimp.Layer]) -> None:
    """Add to the selection what the masks of the layers show; a layer without one shows everything."""
    for layer in layers:
        mask = layer.get_mask()
        if mask is None:
            Gimp.Selection.all(image)
        elif _is_encoded_alike(image, mask):
            image.select_item(Gimp.ChannelOps.ADD, mask)
        else:
            with draw_selection(image, Gimp.ChannelOps.ADD) as (channel, _buffer):
                copy_pixels(mask, channel, [(0, 0, mask.get_width(), mask.get_height())], layer.get_offsets()[1:])


def correct_mask(image: Gimp.Image, layer: Gimp.Layer) -> None:
    """Let the layer's mask, which was made from the selection, show what is selected."""
    mask = layer.get_mask()
    if mask is not None and not _is_encoded_alike(image, mask):
        _ok, x, y = layer.get_offsets()
        box = x, y, mask.get_width(), mask.get_height()
        copy_pixels(image.get_selection(), mask, [box], (-x, -y))


def _is_encoded_alike(image: Gimp.Image, mask: Gimp.LayerMask) -> bool:
    """Whether GIMP, which copies bytes, makes mask and selection of each other without a change.

    In 8-bit images from XCF files selections are display-encoded, and layer masks linear.
    """
    selected, own = (Babl.format_get_encoding(drawable.get_format()) for drawable in (image.get_selection(), mask))
    return selected == own


@contextmanager
def preserve_selection(image: Gimp.Image) -> Iterator[Gimp.Channel]:
    """Gives the selection as a channel, and selects it again at the end.  Active layers stay active."""
    with _save_selection(image) as selected:
        try:
            yield selected
        finally:
            image.select_item(Gimp.ChannelOps.REPLACE, selected)


@contextmanager
def _save_selection(image: Gimp.Image) -> Iterator[Gimp.Channel]:
    """Gives the selection as a channel, which is removed at the end.  Active layers stay active."""
    layers = image.get_selected_layers()
    selected = Gimp.Selection.save(image)
    activate_layers(image, layers)
    try:
        yield selected
    finally:
        layers = image.get_selected_layers()
        image.remove_channel(selected)
        activate_layers(image, layers)  # where there is another channel, that has become active


def is_soft(image: Gimp.Image, mask: bytes, width: int) -> bool:
    """Whether the selection has a soft edge, wider than one that is smooth for the eye.

    mask: the selection on a grid of this width over the canvas.
    """
    marked = mask.translate(_HALF)
    rows = [marked[start : start + width] for start in range(0, len(marked), width)]
    along = sum(row.count(b"\0\1") + row.count(b"\1\0") for row in rows)
    across = sum(sum(map(ne, row, below)) for row, below in zip(rows, rows[1:]))
    length = max(1, along + across) * image.get_width() / width * _DIAGONAL
    found = image.get_selection().histogram(Gimp.HistogramChannel.VALUE, *_BETWEEN)
    return bool(found.count > _SOFT * length)


def intersect_cells(image: Gimp.Image, cells: bytes, width: int, height: int) -> None:
    """Unselect all pixels in the cells that are 0 of a coarse grid over the canvas; the cells are 0 or 255."""
    columns = [_first_pixel(x, image.get_width(), width) for x in range(width + 1)]
    rows = [_first_pixel(y, image.get_height(), height) for y in range(height + 1)]
    with draw_selection(image, Gimp.ChannelOps.INTERSECT) as (_channel, buffer):
        for y in range(height):
            row = cells[y * width : (y + 1) * width]
            line = b"".join(row[x : x + 1] * (columns[x + 1] - columns[x]) for x in range(width))
            strip = Gegl.Rectangle.new(0, rows[y], image.get_width(), rows[y + 1] - rows[y])
            if strip.height:
                buffer.set(strip, "Y u8", line * strip.height)


def _first_pixel(cell: int, pixels: int, cells: int) -> int:
    """The first pixel that lies in a cell."""
    return -(-cell * pixels // cells)


def intersect_shapes(image: Gimp.Image, shapes: Sequence[Shape]) -> None:
    """Select what the shapes leave of the selection, smoothly, at full size.  Active layers stay active."""
    inside = [shape for shape in shapes if not shape.reach]
    beyond = [shape for shape in shapes if shape.reach]
    if not beyond:
        _intersect(image, inside)
        return
    if not inside:
        _grow_into(image, beyond)
        return
    with _save_selection(image) as selected:
        _grow_into(image, beyond)
        with _save_selection(image) as grown:
            image.select_item(Gimp.ChannelOps.REPLACE, selected)
            _intersect(image, inside)
            image.select_item(Gimp.ChannelOps.ADD, grown)


def _grow_into(image: Gimp.Image, shapes: Sequence[Shape]) -> None:
    """Let the selection grow as far as it may, and unselect what the shapes leave out then."""
    Gimp.Selection.grow(image, round(max(shape.reach for shape in shapes)))
    _intersect(image, shapes)


def _intersect(image: Gimp.Image, shapes: Sequence[Shape]) -> None:
    """Unselect what the shapes leave out."""
    Gegl.init(None)
    left, top = (min(shape.box[axis] for shape in shapes) for axis in (0, 1))
    right, bottom = (max(shape.box[axis] + shape.box[axis + 2] for shape in shapes) for axis in (0, 1))
    with draw_selection(image, Gimp.ChannelOps.INTERSECT) as (channel, buffer):
        values = coverage_format(image, channel, "u8")
        root = Gegl.Node()
        union = _enlarge(root, shapes[0])
        for shape in shapes[1:]:
            total = root.create_child("gegl:add")
            union.link(total)
            _enlarge(root, shape).connect_to("output", total, "aux")
            union = total
        for tile in _cut_tiles((left, top, right - left, bottom - top)):
            place = Gegl.Rectangle.new(*tile)
            level = find_level(shapes, tile)
            if level is None:  # an edge runs through it
                enlarged = Gegl.Buffer.new("Y u8", *tile)
                union.blit_buffer(enlarged, place, 0, Gegl.AbyssPolicy.NONE)
                buffer.set(place, values, bytes(enlarged.get(place, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)))
            elif level:
                buffer.set(place, values, bytes((level,)) * (tile[2] * tile[3]))


def _cut_tiles(box: Box) -> Iterator[Box]:
    """Cover a box with tiles."""
    left, top, width, height = box
    for y in range(0, height, _TILE):
        for x in range(0, width, _TILE):
            yield left + x, top + y, min(_TILE, width - x), min(_TILE, height - y)


def _enlarge(root: Gegl.Node, shape: Shape) -> Gegl.Node:
    """A node that gives a shape at full size, in its place."""
    # With its edge repeated around it, so that nothing fades at the canvas' edge.
    width, height = shape.width + 2, shape.height + 2
    rows = [shape.mask[start : start + shape.width] for start in range(0, len(shape.mask), shape.width)]
    padded = b"".join(row[:1] + row + row[-1:] for row in [rows[0], *rows, rows[-1]])
    small = Gegl.Buffer.new("Y u8", 0, 0, width, height)
    small.set(Gegl.Rectangle.new(0, 0, width, height), "Y u8", padded)
    x, y, box_width, box_height = shape.box
    across, down = box_width / shape.width, box_height / shape.height
    steps = (
        ("gegl:buffer-source", {"buffer": small}),
        ("gegl:scale-ratio", {"x": across, "y": down}),
        ("gegl:translate", {"x": x - across, "y": y - down}),
        ("gegl:crop", {"x": x, "y": y, "width": box_width, "height": box_height}),
    )
    last: Gegl.Node | None = None
    for operation, settings in steps:
        node = root.create_child(operation)
        for name, value in settings.items():
            node.set_property(name, value)
        if last is not None:
            last.link(node)
        last = node
    assert last is not None
    return last
