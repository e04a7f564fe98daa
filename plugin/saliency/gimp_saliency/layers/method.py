# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit in an image is, and what the two ways to make one have in common: live filters or baked pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol

from gi.repository import Gimp

from ..image.selection import Tile, intersect_cells, intersect_shapes, select_tiles
from ..image.shape import Shape
from ..shared.edits import Edit
from ..shared.request import EditRequest
from .record import EditRecord, read_id


class PartSelection(NamedTuple):
    """Which part of what is selected an edit is for.

    cells: those of a coarse grid (width, height) over the canvas that are the part's (255), None: all.  shapes: what
    the selection is cut down to, empty: it is not.  tiles: the refined mask; empty: it is as selected, with a soft edge
    of `feather` px.
    """

    cells: bytes | None = None
    grid: tuple[int, int] = (1, 1)
    tiles: tuple[Tile, ...] = ()
    feather: float = 0.0
    shapes: tuple[Shape, ...] = ()

    def is_all(self) -> bool:
        """Whether it is just what is selected."""
        return self.cells is None and not self.tiles and not self.shapes and self.feather <= 0

    def changes_edge(self) -> bool:
        """Whether it is what was selected there with another edge, which can be changed again later.

        A refined mask is taken for a selection of its own.
        """
        return not self.tiles and (bool(self.shapes) or self.feather > 0)

    def select_original(self, image: Gimp.Image, selected: Gimp.Channel | None) -> None:
        """Select the part as it was selected.  selected: see `select`."""
        self._replace(tiles=(), feather=0.0, shapes=()).select(image, selected)

    def select(self, image: Gimp.Image, selected: Gimp.Channel | None = None) -> None:
        """Select the part.  selected: a channel with all that was selected; None: it still is."""
        if selected is not None:
            image.select_item(Gimp.ChannelOps.REPLACE, selected)
        if self.tiles:
            select_tiles(image, self.tiles)
            return
        if self.shapes:
            intersect_shapes(image, self.shapes)
        if self.cells is not None:
            intersect_cells(image, self.cells, *self.grid)
        if self.feather > 0:
            Gimp.Selection.feather(image, self.feather)


class PartEdit(NamedTuple):
    """One part of the selection and its edits, as they are to be applied.

    around: edits of all that is not selected; whole: what that is not, None: the part's own selection.  alone: change
    nothing that lies below the photo, even where that cannot be seen.
    """

    edits: tuple[Edit, ...]
    selection: PartSelection
    record: EditRecord
    around: tuple[Edit, ...] = ()
    whole: PartSelection | None = None
    alone: bool = False


class FoundValues(NamedTuple):
    """What layers say now: base and background at 100 %, and the kinds whose filters no numbers here can say."""

    base: tuple[Edit, ...]
    by_hand: frozenset[str] = frozenset()
    background: tuple[Edit, ...] = ()
    around_by_hand: frozenset[str] = frozenset()
    has_background: bool = False  # whether that is on


class MadeEdit(NamedTuple):
    """An edit as it is in the image."""

    photo: Gimp.Layer  # the layer that it changes
    layers: list[Gimp.Layer]  # lowest first: of live edits the region's groups, one a filter, else the baked copy alone
    base: list[Edit]  # all values at 100 %, in order of application
    request: EditRequest
    record: EditRecord
    by_hand: frozenset[str] = frozenset()  # edits whose filter the user changed to what no numbers here can say
    around: Sequence[Gimp.Layer] = ()  # the background's groups, lowest first
    background: Sequence[Edit] = ()  # its values at 100 %; empty: they are not known
    around_by_hand: frozenset[str] = frozenset()
    parts: Sequence[Gimp.Layer] = ()  # the lowest layer of each part of the selection, this one's too
    common: Sequence[Gimp.Layer] = ()  # the background's groups of all parts, whichever part's edit they belong to

    def all_layers(self) -> list[Gimp.Layer]:
        """Of region and background, lowest first."""
        return [*self.layers, *self.around]

    def other_parts(self) -> list[Gimp.Layer]:
        """The lowest layer of each other part of the selection."""
        return [layer for layer in self.parts if read_id(layer) != self.record.id]


class Adder(Protocol):
    """A way to make edits."""

    def add(self, image: Gimp.Image, photo: Gimp.Layer, part: PartEdit, whole: Gimp.Channel | None) -> list[Gimp.Layer]:
        """Put an edit of what is selected above a photo; return the new layers, lowest first.

        whole: a channel with all that is not background; None: what is selected.  The photo, or the copy that takes
        its place, is the active layer then.  To be called inside an undo group.  Raises UserError.
        """


class Method(Adder, Protocol):
    """A way to make edits and to change them."""

    keeps_layers: ClassVar[bool]  # whether a changed edit has the same layers as before

    def read(self, layers: list[Gimp.Layer], around: list[Gimp.Layer], record: EditRecord, side: float) -> FoundValues:
        """What an edit's layers say now: their filters where these have been changed, else their notes."""

    def check(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """Raises UserError if the edit cannot be given other values; changes nothing."""

    def change(
        self,
        image: Gimp.Image,
        edit: MadeEdit,
        record: EditRecord,
        request: EditRequest,
        side: float,
        region: PartSelection | None,
    ) -> list[Gimp.Layer]:
        """Give an edit the values of a record and the settings of a request; return its layers, lowest first.

        region: what of the original selection the edit is for from now on; None: its masks stay as they are.  To be
        called inside an undo group, after `check`.
        """

    def select_region(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """Select what the edit is for.  Raises UserError."""

    def select_whole(self, image: Gimp.Image, edit: MadeEdit) -> bool:
        """Select all that is not background; False, anything selected, if that is the region.  Raises UserError."""

    def select_others(self, image: Gimp.Image, edit: MadeEdit) -> None:
        """Add to the selection what the other parts of the same selection are for.  Raises UserError."""
