# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of a selection inside GIMP: what becomes of it at full size, and what an edit makes of it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import inside
from gi.repository import Gimp

from gimp_saliency.image.selection import intersect_shapes, is_soft
from gimp_saliency.image.shape import Shape
from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.layers.apply import apply_plan
from gimp_saliency.predict.outline_finder import OutlineFinder
from gimp_saliency.predict.plan import predict_plan
from gimp_saliency.shared.choices import Edge
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.request import EditRequest

SIZE = 96, 64
HALF = bytes(255 if column < 16 else 0 for _row in range(32) for column in range(32))  # the left half


def _values(image: Any) -> list[float]:
    data = inside.selection(image)
    return list(struct.unpack(f"{len(data) // 8}d", data))


def _column(values: list[float], column: int) -> list[float]:
    return values[column :: SIZE[0]]


def cut_each_type() -> dict[str, dict[str, Any]]:
    """Cut hard and soft selections of every kind of image down to a half; what is left, by description."""
    results = {}
    for precision in inside.PRECISIONS:
        for feather in (0, 12):
            image, layer = inside.picture(*SIZE, precision=precision)
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 90, 64)
            if feather:
                Gimp.Selection.feather(image, feather)
            before = _values(image)
            intersect_shapes(image, [Shape((0, 0, 96, 64), 32, 32, HALF)])
            after = _values(image)
            results[f"{precision} {feather}"] = {
                "most more": max(b - a for a, b in zip(before, after)),
                "inside": max(
                    abs(a - b) for column in range(44) for a, b in zip(*(_column(x, column) for x in (before, after)))
                ),
                "outside": max(max(_column(after, column)) for column in range(52, 96)),
                "active": image.get_selected_layers() == [layer],
                "channels": len(image.get_channels()),
            }
            image.delete()
    return results


def grow_each_type() -> dict[str, dict[str, Any]]:
    """Let a shape go beyond a rectangle in every kind of image; what is selected then, by description."""
    results = {}
    for precision in inside.PRECISIONS:
        image, layer = inside.picture(*SIZE, precision=precision)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 20, 40, 20)
        intersect_shapes(image, [Shape((0, 0, 96, 64), 32, 32, HALF, 6.0)])
        values = _values(image)
        rows = [values[start : start + SIZE[0]] for start in range(0, len(values), SIZE[0])]
        results[precision] = {
            "inside": min(min(row[15:44]) for row in rows[20:40]),
            "grown": [row[30] for row in (rows[15], rows[44])] + [rows[30][15]],
            "beyond": [row[30] for row in (rows[12], rows[47])] + [rows[30][12]],
            "cut": max(max(row[52:]) for row in rows),
            "active": image.get_selected_layers() == [layer],
            "channels": len(image.get_channels()),
        }
        image.delete()
    return results


def cut_by_several() -> list[float]:
    """Two shapes whose boxes overlap: selection in the first, between both, in the second, and outside of all boxes."""
    image, _layer = inside.picture(*SIZE)
    Gimp.Selection.all(image)
    left = Shape((0, 0, 60, 64), 32, 32, HALF)  # its left half: 0 to 30
    right = Shape((40, 0, 40, 64), 32, 32, HALF)  # 40 to 60
    intersect_shapes(image, [left, right])
    values = _values(image)
    image.delete()
    return [values[32 * SIZE[0] + column] for column in (0, 10, 35, 50, 75, 90)]


def tell_soft() -> dict[str, bool]:
    """Which selections are taken for soft."""
    found = {}
    for name, side in (("small", 200), ("large", 1600)):
        image = Gimp.Image.new(side, side, Gimp.ImageBaseType.RGB)
        layer = Gimp.Layer.new(image, "", side, side, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        for shape in ("ellipse", "rectangle"):
            for feather in (0, 1, 20):
                draw: Callable[..., Any] = getattr(image, f"select_{shape}")
                draw(Gimp.ChannelOps.REPLACE, side / 4, side / 4, side / 2, side / 3)
                if feather:
                    Gimp.Selection.feather(image, feather)
                seen = read_thumbnail(image, layer)
                found[f"{name} {shape} {feather}"] = is_soft(image, seen.mask, seen.width)
        image.delete()
    return found


class _Server:
    """In the server's place: finds the left half of what it is shown."""

    def __init__(self, edge: Edge = Edge.OBJECT) -> None:
        self.asked: list[tuple[int, int, str, float, float]] = []
        self._edge = edge

    def ask_edge(
        self, picture: bytes, width: int, height: int, edge: Edge, radius: float, grow: float
    ) -> questions.FoundEdge:
        self.asked.append((width, height, edge.value, radius, grow))
        mask = bytearray(b"\xff" * (width * height) if grow else picture[3::4])
        for row in range(height):
            mask[row * width + width // 2 : (row + 1) * width] = bytes(width - width // 2)
        return questions.FoundEdge(self._edge if edge == Edge.AUTOMATIC else edge, bytes(mask))


def edit_fitted(edge: str, feather: float = 0.0, grow: float = 0.0, **options: Any) -> dict[str, Any]:
    """An edit of a rectangle that is cut down to its left half; what has changed, where, and what can be undone."""
    inside.answer_with(inside.ALL_EDITS)
    server = _Server()
    questions.ask_edge = server.ask_edge
    image, layer = inside.picture(*SIZE, **options)
    image.undo_enable()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 24, 16, 40, 32)
    before, selected = inside.visible(image), inside.selection(image)
    request = EditRequest("attenuate", edge=Edge(edge), feather=feather, grow=grow)
    thumbnail = read_thumbnail(image, layer)
    finder = OutlineFinder(image, layer, [], thumbnail)
    finder.look(request)
    seen = finder.see(request)
    plan = predict_plan(seen, request)
    apply_plan(image, layer, plan, request, SIZE, outline=finder.enlarge(request))
    after = inside.visible(image)
    changed = [before[32 * i : 32 * i + 32] != after[32 * i : 32 * i + 32] for i in range(SIZE[0] * SIZE[1])]
    result = {
        "asked": server.asked,
        "columns": sorted({i % SIZE[0] for i, each in enumerate(changed) if each}),
        "rows": sorted({i // SIZE[0] for i, each in enumerate(changed) if each}),
        "seen": sum(1 for value in seen.mask if value),
        "selection kept": inside.selection(image) == selected,
        "channels": len(image.get_channels()),
    }
    image.delete()
    return result


def fit_parts(grow: float = 0.0) -> dict[str, Any]:
    """Two parts of a selection, of which the server keeps one and cuts the other."""
    server = _Server()

    def ask_edge(*question: Any) -> questions.FoundEdge:
        found = server.ask_edge(*question)
        return found if len(server.asked) == 1 else found._replace(edge=Edge.AS_SELECTED)

    questions.ask_edge = ask_edge
    image, layer = inside.picture(*SIZE)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 4, 10, 40, 40)  # the larger part, which comes first
    image.select_rectangle(Gimp.ChannelOps.ADD, 56, 10, 20, 40)
    finder = OutlineFinder(image, layer, [], read_thumbnail(image, layer))
    request = EditRequest("attenuate", grow=grow)
    finder.look(request)
    intersect_shapes(image, finder.enlarge(request).shapes)
    line = _values(image)[30 * SIZE[0] : 31 * SIZE[0]]
    image.delete()
    return {"asked": server.asked, "line": line}


def fit_selection(left: int, top: int, width: int, height: int, **arguments: Any) -> dict[str, Any]:
    """The menu entry, with the real server behind, for a rectangle on a red disc: selected before and after."""
    image, layer = inside.picture(*SIZE)
    pixels = bytearray(inside.read(layer, "R'G'B' u8"))
    for y in range(16, 48):  # a red disc on grey
        for x in range(SIZE[0]):
            is_in = (x - 44) ** 2 + (y - 32) ** 2 < 14**2
            pixels[3 * (y * SIZE[0] + x) : 3 * (y * SIZE[0] + x) + 3] = (220, 30, 20) if is_in else (90, 100, 110)
    for y in [*range(16), *range(48, 64)]:
        pixels[3 * y * SIZE[0] : 3 * (y + 1) * SIZE[0]] = bytes((90, 100, 110)) * SIZE[0]
    inside.write(layer, bytes(pixels), "R'G'B' u8")
    image.undo_enable()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, left, top, width, height)
    before = _values(image)
    image.clean_all()
    status, message = inside.call("plug-in-saliency-fit", image, [layer], **arguments)
    after = _values(image)
    image.delete()
    return {
        "status": status,
        "message": message,
        "selected": [sum(before), sum(after)],
        "most more": max(b - a for a, b in zip(before, after)),
        "middle": after[32 * SIZE[0] + 44],
    }
