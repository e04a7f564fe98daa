# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the edits of one region go before a border shows, and the pictures that they make.

Pictures have the shape [1, 3, H, W], display-encoded 0..1.  An order of application is an index into
`Vocabulary.orders`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from gimp_saliency.shared.edits import Edit
from gimp_saliency.shared.request import EditRequest
from model_server.predict.canvas import Floats
from model_server.predict.editor import Editor
from model_server.predict.scene import Scene
from model_server.predict.vector import Vocabulary

# Where a border would show too much, an edit goes so much less far than a straight line says, so many times; what comes
# so near to what may show is not taken further.
_SAFE, _STEPS, _NEAR = 0.97, 5, 0.85


@dataclass
class _Taken:
    """How much of an edit is taken, 0..1, what shows of a border, and the picture, kept until it is asked for."""

    factor: float
    border: float
    picture: Floats | None

    def hand_over(self) -> Floats | None:
        picture, self.picture = self.picture, None
        return picture


class Plan:
    """What the edit network said of one region, as far as it is to go, in all orders of application.  Thread-safe."""

    def __init__(
        self,
        inside: Floats,
        around: Floats | None,
        request: EditRequest,
        words: Vocabulary,
        scene: Scene,
        most_border: float,
    ) -> None:
        """inside, around: [orders, COUNT]; around: None if nobody asked for it.  most_border: that may show."""
        self._most_border = most_border
        self.request = request
        self._inside, self._around, self._words, self._scene = inside, around, words, scene
        self._taken: dict[int, _Taken] = {}  # of the orders that have been measured: of the region, and with all
        self._taken_around: dict[int, _Taken] = {}
        self._usual = 1.0  # factor to begin with
        self._strength, self._strength_around = request.strength / 100, request.background_strength / 100

    def measure_first(self) -> None:
        """Let the first order say how far the others are likely to go, which saves most of their time."""
        self._usual = self._limit(0).factor

    def render(self, index: int) -> Floats:
        """The picture [1, 3, H, W], its region edited in the order of that index, at the strength asked for."""
        taken = self._limit(index)
        made = taken.hand_over()  # which need not be kept any longer
        if made is not None and self._strength == 1:
            return made
        return self._apply(index, taken.factor * self._strength, 0.0)

    def sketch(self, index: int) -> Floats:
        """About the same of `Scene.sketch`, much quicker."""
        return self._apply(index, self._usual * self._strength, 0.0, self._scene.sketch.editor)

    def render_whole(self, index: int) -> Floats:
        """The same as `render` with what surrounds the region edited, too."""
        made = self._limit_around(index).hand_over()
        if made is not None and self._strength == self._strength_around == 1:
            return made
        return self._apply_all(index, self._scene.editor)

    def sketch_whole(self, index: int) -> Floats:
        """The same as `render_whole` of `Scene.sketch`."""
        return self._apply_all(index, self._scene.sketch.editor)

    def to_edits(self, index: int) -> tuple[list[Edit], list[Edit] | None]:
        """The edits of region and surround at strength 1, in the order of that index."""
        order = self._words.orders[index]
        outer = None
        if self._around is not None:
            outer = self._words.to_edits(self._around[index] * np.float32(self._limit_around(index).factor), order)
        return self._words.to_edits(self._inside[index] * np.float32(self._limit(index).factor), order), outer

    def _limit(self, index: int) -> _Taken:
        """How much of the region's edits is taken, so that no border shows."""
        if index not in self._taken:
            self._taken[index] = self._take(lambda factor: self._apply(index, factor, 0.0), 0.0, self._usual)
        return self._taken[index]

    def _limit_around(self, index: int) -> _Taken:
        """How much of the surround's edits is taken, as far as those of the region leave room."""
        if index not in self._taken_around:
            inside = self._limit(index)
            apply = partial(self._apply, index, inside.factor)
            self._taken_around[index] = self._take(apply, inside.border, 1.0)
        return self._taken_around[index]

    def _take(self, edit: Callable[[float], Floats], least: float, start: float) -> _Taken:
        """As much of an edit as can be taken before a border shows.

        least: the border of the picture with nothing of it, no more than may show.  From there the border grows nearly
        as the parameters do, so hardly ever more than one step is needed.  start: what to try first.
        """
        room = self._most_border - least
        found: _Taken | None = None
        factor = start
        for _step in range(_STEPS):
            picture = edit(factor)
            shown = self._scene.border(picture) - least
            if shown <= room:
                found = _Taken(factor, least + shown, picture)
                if factor >= 1 or shown >= _NEAR * room:
                    break
            elif found:  # it was worth a try
                break
            factor = min(1.0, factor * _SAFE * room / shown) if shown > 0 else 1.0
        return found or _Taken(0.0, least, edit(0.0))

    def _apply_all(self, index: int, editor: Editor) -> Floats:
        """The picture of an editor, edited in region and surround at the strengths asked for."""
        inside, around = self._limit(index).factor, self._limit_around(index).factor
        return self._apply(index, inside * self._strength, around * self._strength_around, editor)

    def _apply(self, index: int, inside: float, around: float, editor: Editor | None = None) -> Floats:
        """The picture, or that of another editor, with so much of the parameters in the region and around it."""
        outer = None if self._around is None or not around else self._around[index] * np.float32(around)
        editor = editor or self._scene.editor
        return editor.apply(self._inside[index] * np.float32(inside), outer, self._words.orders[index])
