# SPDX-License-Identifier: GPL-3.0-or-later
"""Three tone curves in one picture, as GIMP's own dialog draws them: light on dark, a line for each channel."""

from __future__ import annotations

from gi.repository import Gtk

from ...shared.harmony import Curve, Harmony, find_output
from ...shared.words import _
from .pixbufs import make_pixbuf

_SIDE = 180  # px
_GROUND, _GRID, _LINE = 40, 70, 255  # values of each channel
_PARTS = 4  # of the grid along each side


class CurvePicture:
    """A picture of a harmony's curves, from black at the left and at the bottom to white."""

    def __init__(self) -> None:
        self.widget = Gtk.Image(halign=Gtk.Align.START)
        self.widget.set_size_request(_SIDE, _SIDE)  # so that a window has room for it before it is drawn
        self.widget.get_accessible().set_name(_("The tone curves of red, green and blue"))

    def show(self, harmony: Harmony) -> None:
        """Draw its curves; where all are the same the line is white."""
        pixels = _draw_ground()
        for channel, curve in enumerate(harmony.curves()):
            _draw_line(pixels, channel, curve)
        self.widget.set_from_pixbuf(make_pixbuf(bytes(pixels), _SIDE, _SIDE))


def _draw_ground() -> bytearray:
    """R'G'B' bytes of an empty grid."""
    lines = {round(part * (_SIDE - 1) / _PARTS) for part in range(_PARTS + 1)}
    plain = b"".join(bytes([_GRID if x in lines else _GROUND] * 3) for x in range(_SIDE))
    drawn = bytes([_GRID]) * (3 * _SIDE)
    return bytearray(b"".join(drawn if y in lines else plain for y in range(_SIDE)))


def _draw_line(pixels: bytearray, channel: int, curve: Curve) -> None:
    """A curve in one of the three channels, without gaps where it is steep."""
    before: int | None = None
    for x in range(_SIDE):
        row = round((_SIDE - 1) * (1 - find_output(curve, x / (_SIDE - 1))))
        first = row if before is None else before
        for y in range(min(first, row), max(first, row) + 1):
            pixels[3 * (y * _SIDE + x) + channel] = _LINE
        before = row
