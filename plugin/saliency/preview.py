# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows edits before they are made: a small copy of the picture in an image of its own, through the same filters.

GIMP's own filters on some hundred pixels take milliseconds, so every movement of a slider can be shown as it will be.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import baking
from adjustments import add_stack, dial
from canvas import GIMP_32
from edits import Edit
from gi.repository import Gegl, Gimp
from selection import select_values


@dataclass(frozen=True)
class Part:
    """A separate part of the region: its mask, and its edits in order of application."""

    mask: bytes
    edits: tuple[Edit, ...]
    feather: float = 0.0  # px of the preview
    component: str = "u8"  # of the mask's values; "u16": two bytes each, the machine's order


class Preview:
    """A picture of R'G'B' bytes (8-bit sRGB, rows from the top), and what edits make of it."""

    def __init__(self, picture: bytes, width: int, height: int) -> None:
        Gegl.init(None)
        self.picture, self.width, self.height = picture, width, height
        precision = Gimp.Precision.U8_NON_LINEAR if GIMP_32 else Gimp.Precision.FLOAT_LINEAR
        self._image = Gimp.Image.new_with_precision(width, height, Gimp.ImageBaseType.RGB, precision)
        self._image.undo_disable()
        self._photo = Gimp.Layer.new(
            self._image, "Photo", width, height, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL
        )
        self._image.insert_layer(self._photo, None, 0)
        self._whole = Gegl.Rectangle.new(0, 0, width, height)
        _write(self._photo, self._whole, "R'G'B' u8", picture)
        self._stack: list[list[Any]] = []  # GIMP 3.2: one group an edit, by part
        self._shown: list[Any] = []  # what the stack was built for
        self._selected: tuple[bytes, float] | None = None  # mask and feather of what is selected
        self._as_floats: dict[bytes, bytes] = {}  # GIMP 3.0: masks that have been shown

    def close(self) -> None:
        """Free the image.  To be called once."""
        self._image.delete()

    def show(self, parts: list[Part]) -> bytes:
        """R'G'B' bytes of the picture with the edits of each part."""
        return self._live(parts) if GIMP_32 else self._baked(parts)

    def _live(self, parts: list[Part]) -> bytes:
        wanted = [(part.mask, part.feather, [edit.name for edit in part.edits]) for part in parts]
        if wanted != self._shown:
            self._build(parts)
            self._shown = wanted
        else:
            for part, groups in zip(parts, self._stack):
                for edit, group in zip(part.edits, groups):
                    dial(group.get_filters()[0], edit, gray=False)
        data, _, _, bpp = self._image.get_thumbnail_data(self.width, self.height)
        rgba = bytes(data.get_data())
        if bpp == 3:
            return rgba
        picture = bytearray(3 * self.width * self.height)
        for channel in range(3):
            picture[channel::3] = rgba[channel::bpp]
        return bytes(picture)

    def _build(self, parts: list[Part]) -> None:
        for groups in self._stack:
            for group in groups:
                self._image.remove_layer(group)
        self._stack = []
        for part in parts:
            self._select(part)
            self._stack.append(add_stack(self._image, self._photo, list(part.edits), {}))
        Gimp.Selection.none(self._image)
        self._selected = None

    def _baked(self, parts: list[Part]) -> bytes:
        edited = self._photo.copy()
        self._image.insert_layer(edited, None, 0)
        for part in parts:
            self._select(part)
            for edit in part.edits:
                edited = baking.apply(edited, edit)
        picture = bytes(edited.get_buffer().get(self._whole, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE))
        self._image.remove_layer(edited)
        return picture

    def _select(self, part: Part) -> None:
        if self._selected == (part.mask, part.feather):
            return  # as when a slider moves
        self._selected = part.mask, part.feather
        if GIMP_32:
            select_values(self._image, part.mask, part.component)
        else:
            select_values(self._image, self._floats(part), "float")
        if part.feather > 0:
            Gimp.Selection.feather(self._image, part.feather)

    def _floats(self, part: Part) -> bytes:
        """The mask's values as GIMP keeps them here: babl takes a third of a second to find out how to make them."""
        if part.mask not in self._as_floats:
            kind, full = ("B", 255) if part.component == "u8" else ("H", 65535)
            self._as_floats[part.mask] = array("f", [value / full for value in array(kind, part.mask)]).tobytes()
        return self._as_floats[part.mask]


def _write(drawable: Any, whole: Any, babl_format: str, pixels: bytes) -> None:
    buffer = drawable.get_buffer()
    buffer.set(whole, babl_format, pixels)
    buffer.flush()
    drawable.update(0, 0, whole.width, whole.height)
