# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that a selection gets: fitted to the object that is meant, softened inwards, or left as it is."""

from __future__ import annotations

from typing import NamedTuple

from ..image.shape import Shape
from ..shared.choices import Edge
from ..shared.words import _

_WORDS = {
    Edge.OBJECT: _("fitted to the object"),
    Edge.SOFT: _("softened"),
    Edge.AS_SELECTED: _("as selected"),
}


class Part(NamedTuple):
    """One part of a selection: what becomes of its edge, and the mask that this gives it."""

    edge: Edge
    shape: Shape


class Outline(NamedTuple):
    """The edge that a selection gets.  parts: empty where the selection stays as it is."""

    parts: tuple[Part, ...] = ()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """What the selection is cut down to; empty: all of it stays."""
        return tuple(part.shape for part in self.parts)

    def describe(self, wanted: Edge) -> str:
        """What becomes of the edge, for people.  wanted: what was asked for."""
        found = {part.edge for part in self.parts}
        if len(found) > 1:
            return _("as suits each part")
        edge = found.pop() if found else Edge.AS_SELECTED
        if edge == Edge.SOFT and wanted == Edge.AUTOMATIC:
            return _("softened: no object is sure")
        return _WORDS[edge]


AS_SELECTED = Outline()
