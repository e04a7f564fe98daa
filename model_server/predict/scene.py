# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture and its region, and what viewers, critic and border say of what is made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from model_server.predict.border import Border
from model_server.predict.canvas import Canvas, Floats
from model_server.predict.detail import Detail
from model_server.predict.editor import Editor
from model_server.predict.judges import CELL, Judges
from model_server.predict.orders import Measure

# Of a sketch: every so many rows and columns, if so many pixels of the region are left.
_THIN, _ENOUGH = 3, 100


@dataclass(frozen=True)
class Scene:
    """One region of a picture.  Thread-safe."""

    canvas: Canvas
    mask: Floats  # [1, 1, H, W] of the canvas, 0..1
    editor: Editor
    judges: Judges

    @cached_property
    def sketch(self) -> Scene:
        """Every third row and column of it, for what looks at single colours; all of it where the region is small."""
        mask = np.ascontiguousarray(self.mask[:, :, ::_THIN, ::_THIN])
        if np.count_nonzero(mask) < _ENOUGH:
            return replace(self)  # which no cycle keeps until the garbage collector comes
        return Scene(self.canvas.thin(_THIN), mask, self.editor.thin(_THIN), self.judges)

    def share(self, picture: Floats) -> float:
        """The share of attention that falls into the region of a picture like this one, edited: 0..1."""
        return self.judges.measure_share(picture, self.mask, self.canvas.valid)

    def realism(self, picture: Floats) -> float:
        """How real the region of a picture like this one looks, edited: 0..1."""
        return self.judges.measure_realism(picture, self.mask, self.canvas.valid)

    def border(self, picture: Floats) -> float:
        """How much of a border an edit of the region shows in a picture like this one, edited: see `border.Border`."""
        return self._border.measure(picture)

    @cached_property
    def detail(self) -> Detail:
        """Of the region: what an edit leaves of its local contrast."""
        return Detail(self.canvas.picture, self.mask)

    @cached_property
    def _border(self) -> Border:
        return Border(self.canvas.picture, self.mask, self.canvas.valid)

    @cached_property
    def share_before(self) -> float:
        """`share` of the picture as it is."""
        return self._looked_at[0]

    @cached_property
    def density(self) -> Floats:
        """Where viewers look in the picture as it is: [1, H/8, W/8], adds up to 1."""
        return self._looked_at[1]

    def make_empty_density(self) -> Floats:
        """What has the shape of `density`, without asking anybody."""
        height, width = (side // CELL for side in self.canvas.valid.shape[2:])
        return np.zeros((1, height, width), np.float32)

    @cached_property
    def _looked_at(self) -> tuple[float, Floats]:
        return self.judges.look_first(self.canvas.picture, self.mask, self.canvas.valid)

    @cached_property
    def realism_before(self) -> float:
        """`realism` of the picture as it is."""
        return self.realism(self.canvas.picture)

    def make_measure(self, background: bool) -> Measure:
        """How different two edited pictures are: in the region, and around it if that is edited, too."""
        return Measure(self.mask, self.canvas.valid - self.mask) if background else Measure(self.mask)
