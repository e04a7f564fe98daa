# SPDX-License-Identifier: GPL-3.0-or-later
"""Animated GIF and WebP files for `folder_job`: every frame a full picture, the same edits for all, written back."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from gi.repository import Gimp

from ..image.thumbnail import read_mask
from ..layers import frames
from ..layers.record import HOLDER, role
from ..shared.errors import UserError
from ..shared.words import _

ENDINGS = (".gif", ".webp")
FORMATS = ("gif", "webp", "xcf")  # of results
_COLOURS = 255  # of a GIF's palette; one more is for transparency
_LOOPS = b"NETSCAPE2.0\x03\x01"  # in a GIF, before the number of repetitions


def is_animation(image: Any, path: str) -> bool:
    """Whether a loaded file is one."""
    return len(image.get_layers()) > 1 and path.lower().endswith(ENDINGS)


def unoptimized(image: Any, path: str) -> Any:
    """The animation in RGB with frames that are full pictures; the given image is deleted where it is another.

    A GIF's frames may hold no more than what differs from those before.  WebP's come complete from GIMP.
    """
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        image.convert_rgb()
    if not path.lower().endswith(".gif"):
        return image
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-animationunoptimize")
    values = None
    if procedure is not None:
        config = procedure.create_config()
        config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
        config.set_property("image", image)
        config.set_core_object_array("drawables", image.get_layers()[:1])
        values = procedure.run(config)
    if values is None or values.index(0) != Gimp.PDBStatusType.SUCCESS or values.length() < 2:
        raise UserError(
            _("GIMP cannot make its frames full pictures: open it there, choose Filters → Animation → Unoptimize.")
        )
    image.delete()
    return values.index(1)


def first_present(image: Any) -> Any:
    """The first frame with something of what is selected.  Raises UserError if there is none."""
    first: UserError | None = None
    for item in reversed(image.get_layers()):
        layer = frames.photo(item)
        try:
            if item.get_visible() and read_mask(image, layer):
                return layer
        except UserError as error:
            first = first or error
    raise first or UserError(_("All its frames are hidden: choose another picture."))


def merge(image: Any) -> None:
    """Make one layer of each frame again, with the name that it had: it says how long the frame is shown."""
    row = image.get_layers()
    for item, original in zip(row, row[1:]):
        if item.get_visible() and not original.get_visible():
            name = original.get_name()
            image.remove_layer(original)
            (item.merge() if role(item) == HOLDER else item).set_name(name)


def export_options(image: Any, source: str, kind: str) -> dict[str, Any]:
    """GIMP's procedure and its options for the frames ("gif" or "webp") as the source plays them.

    Turns the image into an indexed one for GIF: one palette for all frames, so that nothing flickers.
    """
    content = Path(source).read_bytes()
    loops = _loops(content)
    if kind == "webp":
        return {
            "procedure": "file-webp-export",
            "animation": True,
            "animation-loop": loops != 1,
            "lossless": b"VP8L" in content,
            "quality": 95.0,
            "minimize-size": False,
            **dict.fromkeys(("include-exif", "include-iptc", "include-xmp"), True),
            "include-color-profile": image.get_color_profile() is not None,
            "include-thumbnail": False,
        }
    # Positioned dithering: what is the same in two frames gets the same dots.
    image.convert_indexed(Gimp.ConvertDitherType.FIXED, Gimp.ConvertPaletteType.GENERATE, _COLOURS, False, False, "")
    return {"procedure": "file-gif-export", "as-animation": True, "loop": loops is not None}


def set_loops(source: str, result: str) -> None:
    """Let an animation play as often as its source: GIMP itself writes but once and for ever."""
    loops, path = _loops(Path(source).read_bytes()), Path(result)
    content = bytearray(path.read_bytes())
    place = _place_of_loops(content)
    if loops is not None and place:
        struct.pack_into("<H", content, place, loops)
        path.write_bytes(content)


def _loops(content: bytes) -> int | None:
    """How often a GIF or WebP is played (0: for ever); None where it does not say so."""
    place = _place_of_loops(content)
    return int(struct.unpack_from("<H", content, place)[0]) if 0 < place <= len(content) - 2 else None


def _place_of_loops(content: bytes | bytearray) -> int:
    """Where a GIF or WebP has its number of loops, two bytes; 0 if it has none."""
    if content[:3] == b"GIF":
        found = content.find(_LOOPS)
        return found + len(_LOOPS) if found > 0 else 0
    place = 12
    while content[:4] == b"RIFF" and place + 14 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        if kind == b"ANIM":
            return place + 12  # after the background's colour
        place += 8 + size + size % 2
    return 0
