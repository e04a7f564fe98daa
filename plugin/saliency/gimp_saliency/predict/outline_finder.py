# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the edge that a selection gets: the server does, on a small picture of each part of the selection."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gi.repository import Gimp

from ..image.geometry import Box
from ..image.selection import is_soft
from ..image.shape import Shape, cut_mask, resample
from ..image.thumbnail import Thumbnail, read_box
from ..shared.choices import Edge
from ..shared.client import questions
from ..shared.framing import Bounds, frame_selection
from ..shared.request import EditRequest
from .outline import AS_SELECTED, Outline, Part
from .parts import cells, within

_SMALL = 384  # px; the longer side of what is sent for a first look
_LARGE = 768  # px; of what is sent for the edit itself
_LEAST = 16  # px; the server takes no smaller pictures


class _Sight(NamedTuple):
    """What is seen of one part of a selection: a box of the canvas, the part alone as its mask.

    around: where no other part of the selection is (255).
    """

    box: Box
    seen: Thumbnail
    around: bytes = b""


class OutlineFinder:
    """Finds the outline of what is selected; GIMP is not asked by `find` and `see`, which are for any one thread."""

    def __init__(self, image: Gimp.Image, layer: Gimp.Layer, edits: Sequence[Gimp.Layer], thumbnail: Thumbnail) -> None:
        """edits: the layers of edits directly above the layer, lowest first.  thumbnail: of canvas and selection."""
        self._image, self._layer, self._edits, self._thumbnail = image, layer, edits, thumbnail
        self._canvas = image.get_width(), image.get_height()
        self._is_soft: bool | None = None  # not known yet
        self._sights: dict[int, list[_Sight]] = {}  # by the room around the selection
        self._found: dict[tuple[Edge, float, float], Outline] = {}

    def look(self, request: EditRequest) -> None:
        """Read what `find` needs to know for a request like this."""
        if request.wanted_edge == Edge.AS_SELECTED:
            return
        if self._is_soft is None:
            self._is_soft = is_soft(self._image, self._thumbnail.mask, self._thumbnail.width)
        room = _choose_room(request)
        if room not in self._sights:
            self._sights[room] = list(self._read_sights(room, _SMALL))

    def find(self, request: EditRequest) -> Outline:
        """The outline that the request wants, after `look`.  Raises ServerError."""
        edge = request.wanted_edge
        key = edge, request.feather, request.own_growth
        if edge == Edge.AS_SELECTED or (edge == Edge.AUTOMATIC and self._is_soft):
            return AS_SELECTED
        if key not in self._found:
            parts = tuple(_find_part(sight, edge, request) for sight in self._sights[_choose_room(request)])
            stays = all(part.edge == Edge.AS_SELECTED for part in parts)
            self._found[key] = AS_SELECTED if stays else Outline(parts)
        return self._found[key]

    def see(self, request: EditRequest) -> Thumbnail:
        """The thumbnail with the mask that the request's outline leaves, after `look`.  Raises ServerError."""
        seen = self._thumbnail
        mask = cut_mask(self.find(request).shapes, seen.mask, (seen.width, seen.height), (0, 0, *self._canvas))
        return seen.with_mask(mask)

    def enlarge(self, request: EditRequest) -> Outline:
        """The same outline as `find`, as fine as the edit itself needs it.  Raises ServerError."""
        found = self.find(request)
        if all(part.edge != Edge.OBJECT or max(part.shape.box[2:]) <= _SMALL for part in found.parts):
            return found
        parts = zip(found.parts, self._read_sights(_choose_room(request), _LARGE))
        return Outline(
            tuple(_find_part(sight, part.edge, request) if part.edge == Edge.OBJECT else part for part, sight in parts)
        )

    def _read_sights(self, room: int, longest: int) -> Iterator[_Sight]:
        """See each part of the selection, with room (px) around it to grow, the longer side `longest` px at most."""
        seen = self._thumbnail
        grid = seen.width, seen.height
        found = cells(seen.mask, *grid)
        if len(found) < 2:
            _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(self._image)
            yield self._read_sight((left, top, right, bottom), room, longest)
            return
        for cell in found:
            bounds = _find_bounds(within(seen.mask, cell), grid, self._canvas)
            sight = self._read_sight(bounds, room, longest)
            size = sight.seen.width, sight.seen.height
            own = resample(cell, grid, (0, 0, *self._canvas), size, sight.box)
            yield _Sight(sight.box, sight.seen.with_mask(within(sight.seen.mask, own)), own)

    def _read_sight(self, bounds: Bounds, room: int, longest: int) -> _Sight:
        left, top, right, bottom = bounds
        widest = left - room, top - room, right + room, bottom + room
        left, top, right, bottom = frame_selection(widest, *self._canvas)
        box = left, top, right - left, bottom - top
        return _Sight(box, read_box(self._image, self._layer, self._edits, box, longest))


def _find_part(sight: _Sight, edge: Edge, request: EditRequest) -> Part:
    """request: how wide its edge is to be, and how far it may go."""
    seen = sight.seen
    if min(seen.width, seen.height) >= _LEAST and any(seen.mask):
        scale = seen.width / sight.box[2]
        found = questions.ask_edge(*seen, edge, request.feather * scale, request.own_growth * scale)
        if found.edge != Edge.AS_SELECTED:
            # What grows must not grow into what is another part's.
            mask = within(found.mask, sight.around) if sight.around else found.mask
            reach = request.own_growth if found.edge == Edge.OBJECT else 0.0
            return Part(found.edge, Shape(sight.box, seen.width, seen.height, mask, reach))
    return Part(Edge.AS_SELECTED, Shape(sight.box, seen.width, seen.height, sight.around))


def _choose_room(request: EditRequest) -> int:
    """How much around a selection is seen (px) for it to grow: in few steps, so that few sights are needed."""
    return 1 << math.ceil(math.log2(request.own_growth)) if request.own_growth >= 1 else 0


def _find_bounds(mask: bytes, size: tuple[int, int], canvas: tuple[int, int]) -> Bounds:
    """Left, top, right, bottom on the canvas of what is not 0 in a mask of all of it."""
    width, height = size
    rows = [row for row in range(height) if any(mask[row * width : (row + 1) * width])]
    columns = [column for column in range(width) if any(mask[column::width])]
    across, down = canvas[0] / width, canvas[1] / height
    return columns[0] * across, rows[0] * down, (columns[-1] + 1) * across, (rows[-1] + 1) * down
