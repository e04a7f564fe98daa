# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tests/typings/generate.py.
# mypy: disable-error-code="misc, override"
from typing import Final

from gi.repository import Gio, GLib, GObject

class Colorspace(GObject.GEnum):
    RGB: Final[Colorspace]

class InterpType(GObject.GEnum):
    NEAREST: Final[InterpType]
    BILINEAR: Final[InterpType]

class Pixbuf(GObject.Object, Gio.Icon, Gio.LoadableIcon):
    @classmethod
    def new(cls, colorspace: Colorspace, has_alpha: bool, bits_per_sample: int, width: int, height: int) -> Pixbuf: ...
    @classmethod
    def new_from_bytes(
        cls,
        data: GLib.Bytes,
        colorspace: Colorspace,
        has_alpha: bool,
        bits_per_sample: int,
        width: int,
        height: int,
        rowstride: int,
    ) -> Pixbuf: ...
    def add_alpha(self, substitute_color: bool, r: int, g: int, b: int) -> Pixbuf | None: ...
    def composite(
        self,
        dest: Pixbuf,
        dest_x: int,
        dest_y: int,
        dest_width: int,
        dest_height: int,
        offset_x: float,
        offset_y: float,
        scale_x: float,
        scale_y: float,
        interp_type: InterpType,
        overall_alpha: int,
    ) -> None: ...
    def copy(self) -> Pixbuf: ...
    def copy_area(
        self, src_x: int, src_y: int, width: int, height: int, dest_pixbuf: Pixbuf, dest_x: int, dest_y: int
    ) -> None: ...
    def fill(self, pixel: int) -> None: ...
    def get_height(self) -> int: ...
    def get_width(self) -> int: ...
    def new_subpixbuf(self, src_x: int, src_y: int, width: int, height: int) -> Pixbuf: ...
    def scale(
        self,
        dest: Pixbuf,
        dest_x: int,
        dest_y: int,
        dest_width: int,
        dest_height: int,
        offset_x: float,
        offset_y: float,
        scale_x: float,
        scale_y: float,
        interp_type: InterpType,
    ) -> None: ...
    def scale_simple(self, dest_width: int, dest_height: int, interp_type: InterpType) -> Pixbuf: ...
