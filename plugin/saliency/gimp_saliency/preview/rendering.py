# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a small picture by GEGL's own operations in this process, for the preview: a millisecond each.

The operations are those behind GIMP's filters, with the same numbers, in floating point and linear light.  GIMP itself
would have to be asked for every one of them, and its curves, which GEGL does not have, are here made of GEGL's curve of
a grey picture: GEGL is told that all numbers of the picture are grey values.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterable, Sequence

from gi.repository import Gegl

from ..shared.edits import CURVE_NODES, Edit, Slopes, curve_value, find_input

LINEAR = "RGB float"
GREY = "Y float"
_ENCODED = "R'G'B' float"
_STEPS = [i / 255 for i in range(256)]
# Of a curve.  A step of a bright channel can be ten times as high in a dark one, once the saturation was changed.
_SAMPLES = 32768


def make_buffer(
    width: int, height: int, babl_format: str, pixels: bytes | None = None, own: str = LINEAR
) -> Gegl.Buffer:
    """A GEGL buffer of the format `own` with these pixels of a babl format, rows from the top."""
    made = Gegl.Buffer.new(own, 0, 0, width, height)
    if pixels is not None:
        made.set(Gegl.Rectangle.new(0, 0, width, height), babl_format, pixels)
    return made


def copy_box(pixels: Gegl.Buffer, box: Gegl.Rectangle, own: str) -> Gegl.Buffer:
    """A copy, in a babl format, of a box of a buffer; the buffer itself if that is all of it."""
    extent = pixels.get_extent()
    if (box.width, box.height) == (extent.width, extent.height):
        return pixels
    made = Gegl.Buffer.new(own, 0, 0, box.width, box.height)
    pixels.copy(box, Gegl.AbyssPolicy.NONE, made, made.get_extent())
    return made


def apply_edits(
    source: Gegl.Buffer, mask: Gegl.Buffer, edits: Iterable[Edit], side: float
) -> Generator[None, None, Gegl.Buffer]:
    """Returns a buffer with the edits of a buffer, in this order, each blended through the mask in linear light.

    A generator, to be run on for the next of them.  source, mask: GEGL buffers of one size, in the formats LINEAR and
    GREY.  side: the longer side of the whole picture in the buffers' pixels, which sharpening goes by.
    """
    graph = _Graph(source, mask)
    for edit in edits:
        if edit.is_identity():
            continue
        if edit.is_curved:
            graph = _Graph(graph.compute(), mask)
            yield
            graph.blend(graph.add_source(_apply_curves(graph.picture, edit)))
            yield
        elif (gains := edit.gains()) is not None:
            graph.blend(graph.add_product(_fill_gains(source, gains)))
        else:
            graph.blend(graph.add_filter(edit.operation, edit.settings(side)))
    return graph.compute()


class _Graph:
    """GEGL's operations on one picture, run only when the result is wanted."""

    def __init__(self, picture: Gegl.Buffer, mask: Gegl.Buffer) -> None:
        self.picture = picture
        self._root = Gegl.Node()
        self._last = self._first = self.add_source(picture)
        self._mask = self.add_source(mask)

    def add_source(self, pixels: Gegl.Buffer) -> Gegl.Node:
        """A node that gives a buffer's pixels."""
        node = self._root.create_child("gegl:buffer-source")
        node.set_property("buffer", pixels)
        return node

    def add_filter(self, operation: str, settings: dict[str, float]) -> Gegl.Node:
        """A node that gives what an operation makes of the picture so far."""
        node = self._root.create_child(operation)
        for name, value in settings.items():
            node.set_property(name, value)
        self._last.link(node)
        return node

    def add_product(self, factors: Gegl.Buffer) -> Gegl.Node:
        """A node that gives the picture so far times a buffer."""
        return self._combine("gegl:multiply", self._last, self.add_source(factors))

    def blend(self, edited: Gegl.Node) -> None:
        """Lay an edited picture over the one so far, through the mask: that plus the mask times what it changes."""
        change = self._combine("gegl:subtract", edited, self._last)
        self._last = self._combine("gegl:add", self._combine("gegl:multiply", change, self._mask), self._last)

    def _combine(self, operation: str, one: Gegl.Node, other: Gegl.Node) -> Gegl.Node:
        """A node that gives what an operation makes of two pictures."""
        node = self._root.create_child(operation)
        one.link(node)
        other.connect_to("output", node, "aux")
        return node

    def compute(self) -> Gegl.Buffer:
        """A buffer of the picture so far."""
        if self._last is self._first:
            return self.picture
        made = _make_similar(self.picture)
        writer = self._root.create_child("gegl:write-buffer")
        writer.set_property("buffer", made)
        self._last.link(writer)
        writer.process()
        return made


def _fill_gains(picture: Gegl.Buffer, gains: tuple[float, float, float]) -> Gegl.Buffer:
    """A buffer of another's size that is full of the gains: GEGL may hold back its mixer of channels from a plug-in."""
    made = _make_similar(picture)
    colour = Gegl.Color.new("black")
    colour.set_rgba(*gains, 1.0)
    made.set_color(made.get_extent(), colour)
    return made


def _make_similar(picture: Gegl.Buffer) -> Gegl.Buffer:
    """An empty buffer of a picture's size."""
    extent = picture.get_extent()
    return make_buffer(extent.width, extent.height, LINEAR)


def _apply_curves(picture: Gegl.Buffer, edit: Edit) -> Gegl.Buffer:
    """What an edit's curves make of a picture, everywhere."""
    extent = picture.get_extent()
    encoded = bytes(picture.get(extent, 1.0, _ENCODED, Gegl.AbyssPolicy.NONE))
    channels = edit.curves()
    last = [channels.pop("value")] if "value" in channels else []
    if len(set(channels.values())) <= 1:
        encoded = _apply_curve(encoded, [*list(channels.values())[:1], *last])
    else:
        values = array("f", encoded)
        for channel, slopes in enumerate(channels.values()):
            values[channel::3] = array("f", _apply_curve(values[channel::3].tobytes(), [slopes, *last]))
        encoded = values.tobytes()
    return make_buffer(extent.width, extent.height, _ENCODED, encoded)


def _apply_curve(values: bytes, curves: Sequence[Slopes]) -> bytes:
    """One or two curves with these segment slopes, one after the other, at display-encoded values, floats."""
    # GEGL reads the curve anew for each piece of a buffer: whole tiles are the fewest pieces.
    config = Gegl.config()
    width, height = config.get_property("tile-width"), config.get_property("tile-height")
    tiles = -(-len(values) // (4 * width * height))
    padding = bytes(4 * width * height * tiles - len(values))
    grey = make_buffer(width, height * tiles, GREY, values + padding, own=GREY)
    result = Gegl.Buffer.new(GREY, 0, 0, width, height * tiles)
    root = Gegl.Node()
    reader, operation, writer = (
        root.create_child(f"gegl:{name}") for name in ("buffer-source", "contrast-curve", "write-buffer")
    )
    reader.set_property("buffer", grey)
    operation.set_property("sampling-points", _SAMPLES)
    operation.set_property("curve", _make_curve(curves))
    writer.set_property("buffer", result)
    reader.link(operation)
    operation.link(writer)
    writer.process()
    return bytes(result.get(result.get_extent(), 1.0, GREY, Gegl.AbyssPolicy.NONE))[: len(values)]


def _make_curve(curves: Sequence[Slopes]) -> Gegl.Curve:
    """One or two curves with these segment slopes, one after the other, as one of GEGL's.

    GEGL's curves are smooth: with a point at each 255th this one is straight between its corners.  Those of the second
    curve lie between these, where the first one reaches them, and are points, too.  GEGL takes each value for the
    sample below it: so a sample is the curve's value half a step further.
    """
    first, *others = curves
    corners = {find_input(first, x) for x in CURVE_NODES[1:-1]} if others else set()
    curve = Gegl.Curve.new(0, 1)
    for x in sorted(corners.union(_STEPS)):
        y = x
        for slopes in curves:
            y = curve_value(slopes, y)
        curve.add_point(_place_sample(x), y)
    return curve


def _place_sample(x: float) -> float:
    """Where GEGL's curve has to be what the edit's is at x."""
    return (x * _SAMPLES - 0.5) / (_SAMPLES - 1)
