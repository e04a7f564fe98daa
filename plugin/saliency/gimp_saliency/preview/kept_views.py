# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of a picture, each made when it is wanted and kept until something else is wanted in its place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..image.geometry import Box

_DRAFT = 320  # px; of a view while something is moved
_ENOUGH = 1.1  # how much larger a view can be shown than it is
_AROUND = 0.3  # how much of the region's size is shown around it, on each side
_ICON = 132  # px; of the region's small view, twice what is shown of it
_NARROWEST = 48  # px; of what is shown of a tiny region


class Keepable(Protocol):
    """A view of a box of the canvas: px of the canvas, and its own width and height."""

    width: int
    height: int
    box: Box

    def close(self) -> None:
        """Free what belongs to GIMP.  To be called once."""


View = TypeVar("View", bound=Keepable)


@dataclass(frozen=True)
class _Kept(Generic[View]):
    """A view, and what it was wanted for."""

    box: Box
    longest: int
    view: View


class KeptViews(ABC, Generic[View]):
    """The views of one layer."""

    def __init__(self, canvas: tuple[int, int], grid: tuple[int, int]) -> None:
        """canvas: of the image, in px; grid: width and height of what the networks see of it."""
        self.canvas, self.grid = canvas, grid
        self._kept: dict[str, _Kept[View]] = {}  # by what they are for

    @abstractmethod
    def _make(self, box: Box, longest: int, before: View | None) -> View:
        """A view of a box, its long side of so many px if the picture has them.

        before: the one that is closed and was kept in its place.
        """

    @abstractmethod
    def frame_region(self) -> Box:
        """The region's bounds with some surroundings, on the canvas."""

    @property
    def whole(self) -> View:
        """The view of all of it that the networks see."""
        return self._find("whole", (0, 0, *self.canvas), max(self.grid))

    @property
    def icon(self) -> View:
        """A small view of the region."""
        return self._find("icon", self.frame_region(), _ICON)

    def find_sharp(self, box: Box, longest: int) -> View:
        """A view of a box as it is shown, its long side that long if the picture has so many pixels there."""
        return self.whole if self.is_sharp(self.whole, box, longest) else self._find("sharp", box, longest)

    def find_draft(self, box: Box, longest: int) -> View:
        """The same, drawn quickly enough to follow a hand."""
        if box == (0, 0, *self.canvas):
            return self.whole
        if min(longest, max(box[2:])) <= _ENOUGH * _DRAFT:
            return self.find_sharp(box, longest)
        return self._find("draft", box, _DRAFT)

    def is_sharp(self, view: View, box: Box, longest: int) -> bool:
        """Whether a view is what `find_sharp` gives, or as good."""
        return view.box == box and min(longest, max(box[2:])) <= _ENOUGH * max(view.width, view.height)

    @property
    def made(self) -> Mapping[str, View]:
        """The views that there are, by what they are for."""
        return {name: kept.view for name, kept in self._kept.items()}

    def close(self) -> None:
        """Free GIMP's images.  To be called once."""
        for view in self.made.values():
            view.close()

    def _frame(self, bounds: tuple[int, int, int, int]) -> Box:
        """A region's bounds (left, top, right, bottom) with some surroundings, on the canvas."""
        left, top, right, bottom = bounds
        sides = max(right - left, _NARROWEST), max(bottom - top, _NARROWEST)
        width, height = (min(whole, round(side * (1 + 2 * _AROUND))) for whole, side in zip(self.canvas, sides))
        x = min(max(0, round((left + right - width) / 2)), self.canvas[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), self.canvas[1] - height)
        return x, y, width, height

    def _find(self, name: str, box: Box, longest: int) -> View:
        """The view that is kept for something, made anew if it is of another box or size."""
        kept = self._kept.get(name)
        if kept is None or (kept.box, kept.longest) != (box, longest):
            if kept is not None:
                self._kept.pop(name).view.close()
            view = self._make(box, longest, kept.view if kept else None)
            self._kept[name] = kept = _Kept(box, longest, view)
        return kept.view
