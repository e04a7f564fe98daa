# SPDX-License-Identifier: GPL-3.0-or-later
"""Animated GIF and WebP files: every frame a full picture, the same edits for all, written back."""

from __future__ import annotations

import struct
from pathlib import Path

from gi.repository import Gimp

from ..image.thumbnail import read_mask
from ..layers import frames
from ..shared.errors import UserError
from ..shared.words import _
from .files import run_export

ENDINGS = (".gif", ".webp")
FORMATS = ("gif", "webp", "xcf")  # of results
_COLOURS = 255  # of a GIF's palette; one more is for transparency
_LOOPS = b"NETSCAPE2.0\x03\x01"  # in a GIF, before the number of repetitions


def is_animation(image: Gimp.Image, path: str) -> bool:
    """Whether a loaded file is one."""
    return len(image.get_layers()) > 1 and path.lower().endswith(ENDINGS)


def unoptimize(image: Gimp.Image, path: str) -> Gimp.Image:
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


def find_first_present(image: Gimp.Image) -> Gimp.Layer:
    """The photo of the first frame with something of what is selected.  Raises UserError if there is none."""
    first: UserError | None = None
    for item in reversed(image.get_layers()):
        layer = frames.find_photo(item)
        try:
            if item.get_visible() and read_mask(image, layer):
                return layer
        except UserError as error:
            first = first or error
    raise first or UserError(_("All its frames are hidden: choose another picture."))


def merge_frames(image: Gimp.Image) -> None:
    """Make one layer of each frame again, with the name that it had: it says how long the frame is shown."""
    row = image.get_layers()
    for item, original in zip(row, row[1:]):
        if item.get_visible() and not original.get_visible():
            name = original.get_name()
            image.remove_layer(original)
            (item.merge() if isinstance(item, Gimp.GroupLayer) else item).set_name(name)  # a group holds its edits


def export(image: Gimp.Image, source: str, path: str, kind: str) -> None:
    """Write the frames ("gif" or "webp") as the source plays them.  Raises UserError.

    Turns the image into an indexed one for GIF: one palette for all frames, so that nothing flickers.
    """
    content = Path(source).read_bytes()
    loops = _read_loops(content)
    if kind == "webp":
        options = {
            "animation": True,
            "animation-loop": loops != 1,
            "lossless": b"VP8L" in content,
            "quality": 95.0,
            "minimize-size": False,
            **dict.fromkeys(("include-exif", "include-iptc", "include-xmp"), True),
            "include-color-profile": image.get_color_profile() is not None,
            "include-thumbnail": False,
        }
        run_export("file-webp-export", image, path, options)
    else:
        # Positioned dithering: what is the same in two frames gets the same dots.
        dither = Gimp.ConvertDitherType.FIXED
        image.convert_indexed(dither, Gimp.ConvertPaletteType.GENERATE, _COLOURS, False, False, "")
        run_export("file-gif-export", image, path, {"as-animation": True, "loop": loops is not None})
    _set_loops(Path(path), loops)


def _set_loops(path: Path, loops: int | None) -> None:
    """Let an animation play as often as its source: GIMP itself writes but once and for ever."""
    content = bytearray(path.read_bytes())
    place = _find_loops(content)
    if loops is not None and place:
        struct.pack_into("<H", content, place, loops)
        path.write_bytes(content)


def _read_loops(content: bytes) -> int | None:
    """How often a GIF or WebP is played (0: for ever); None where it does not say so."""
    place = _find_loops(content)
    return int(struct.unpack_from("<H", content, place)[0]) if 0 < place <= len(content) - 2 else None


def _find_loops(content: bytes | bytearray) -> int:
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
