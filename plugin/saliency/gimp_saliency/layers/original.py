# SPDX-License-Identifier: GPL-3.0-or-later
"""What was selected before an edit gave it another edge: kept by a layer of the edit, so that the edge can be changed.

A parasite of the lowest layer that the edit had when it was made, and so no part of the picture that GIMP crops, moves
or turns along: it is of use only as long as picture and photo lie as they did.
"""

from __future__ import annotations

from gi.repository import Gimp

from ..image.thumbnail import read_srgb
from ..shared.errors import UserError
from ..shared.words import _
from .method import MadeEdit, Method
from .packing import pack_selection, read_packed, select_packed, unpack_selection
from .record import PERSISTENT_UNDOABLE

_ORIGINAL = "saliency-original-selection"  # name of the parasite
_LONGER = 16  # cells of the grid by which a photo is known again that was mirrored or turned


def pack_original(image: Gimp.Image) -> bytes:
    """All that is selected, for `keep_original`."""
    _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(image)
    return pack_selection(image, (left, top, right - left, bottom - top))


def keep_original(image: Gimp.Image, layer: Gimp.Layer, photo: Gimp.Layer, packed: bytes) -> None:
    """Let a layer of an edit of the photo keep what was selected; taken back by undo."""
    look = b"".join(_describe_look(image, photo)).hex().encode()
    values = b" ".join((_describe_place(image, photo), look, packed))
    layer.attach_parasite(Gimp.Parasite.new(_ORIGINAL, PERSISTENT_UNDOABLE, values))


def copy_original(layer: Gimp.Layer, other: Gimp.Layer) -> None:
    """Let another layer keep what this one does, if anything."""
    parasite = layer.get_parasite(_ORIGINAL)
    if parasite is not None:
        other.attach_parasite(parasite)


def check_original(image: Gimp.Image, edit: MadeEdit) -> None:
    """Raises UserError, a sentence for people, if it is not known any more what was selected."""
    if keeps_original(edit):
        unpack_selection(image, _read_original(image, edit))


def explain_edge(image: Gimp.Image, edit: MadeEdit) -> str:
    """Why the edge of an edit cannot be changed, one sentence; empty if it can."""
    try:
        check_original(image, edit)
    except UserError as error:
        return str(error)
    return ""


def select_original(image: Gimp.Image, edit: MadeEdit, method: Method) -> None:
    """Select what was selected before the edit got its edge: what it is for, if no layer keeps anything else.

    Raises UserError as `check_original`.
    """
    if keeps_original(edit):
        select_packed(image, _read_original(image, edit))
    else:
        method.select_region(image, edit)


def select_and_keep(image: Gimp.Image, edit: MadeEdit, method: Method) -> None:
    """The same, and from now on it is kept, whatever becomes of the masks."""
    select_original(image, edit, method)
    if not keeps_original(edit):
        keep_original(image, edit.all_layers()[0], edit.photo, pack_original(image))


def keeps_original(edit: MadeEdit) -> bool:
    """Whether a layer keeps what was selected, or did so and is gone; else that is what the edit is for."""
    return edit.record.keeps_selection or any(layer.get_parasite(_ORIGINAL) is not None for layer in edit.all_layers())


def _read_original(image: Gimp.Image, edit: MadeEdit) -> bytes:
    """What was packed.  Raises UserError where there is nothing, or picture or photo lie otherwise now."""
    kept = next((packed for layer in edit.all_layers() if (packed := read_packed(layer, _ORIGINAL))), b"")
    place, look, packed = kept.split(b" ", 2) if kept.count(b" ") >= 2 else (b"", b"", b"")
    if not packed:
        message = _("The layer that kept what was selected is gone: to change the edge, undo that or edit again.")
        raise UserError(message)
    if place != _describe_place(image, edit.photo) or _is_turned(look, _describe_look(image, edit.photo)):
        message = _(
            "Picture or layer were cropped, scaled, moved or turned since the edit: to change the edge, edit again."
        )
        raise UserError(message)
    return packed


def _describe_place(image: Gimp.Image, photo: Gimp.Layer) -> bytes:
    """Where canvas and photo lie."""
    _ok, x, y = photo.get_offsets()
    numbers = image.get_width(), image.get_height(), x, y, photo.get_width(), photo.get_height()
    return ",".join(map(str, numbers)).encode()


def _describe_look(image: Gimp.Image, photo: Gimp.Layer) -> list[bytes]:
    """The photo's green, row by row of a coarse grid."""
    whole = 0, 0, photo.get_width(), photo.get_height()
    rgba, width, _height = read_srgb(image, photo, (_LONGER, _LONGER), whole)
    green = rgba[1::4]
    return [green[start : start + width] for start in range(0, len(green), width)]


def _is_turned(kept: bytes, rows: list[bytes]) -> bool:
    """Whether a photo with the look that was kept (hexadecimal) has been mirrored or turned, to be these rows.

    One that was only painted on is still most like itself.
    """
    try:
        before = bytes.fromhex(kept.decode("ascii"))
    except ValueError:
        return True
    upright = [rows]
    if len(rows) == len(rows[0]):
        upright.append([bytes(column) for column in zip(*rows)])
    ways = [way for each in upright for way in (each, each[::-1])]
    as_it_is, *turned = [b"".join(row[::step] for row in way) for way in ways for step in (1, -1)]
    return any(2 * _measure_distance(before, other) < _measure_distance(before, as_it_is) for other in turned)


def _measure_distance(one: bytes, other: bytes) -> int:
    return sum(abs(a - b) for a, b in zip(one, other))
