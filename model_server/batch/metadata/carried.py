# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to carry from a picture's file into its result."""

from __future__ import annotations

from dataclasses import dataclass

Chunk = tuple[bytes, bytes]  # of a PNG: its type and its data
_HDR = (b"cICP", b"mDCV", b"cLLI")


@dataclass(frozen=True)
class Carried:
    """Blocks of bytes as they are in the file, empty where there are none.

    exif: a TIFF structure; xmp: a packet; more_xmp: what did not fit into it, segments of a JPEG; iptc: Photoshop's
    resource blocks; comment: of a JPEG; texts, colours: chunks of a PNG; profile: whether it has an ICC profile;
    parts: words for what else is in the file that no result gets.
    """

    exif: bytes = b""
    xmp: bytes = b""
    more_xmp: tuple[bytes, ...] = ()
    iptc: bytes = b""
    comment: bytes = b""
    texts: tuple[Chunk, ...] = ()
    colours: tuple[Chunk, ...] = ()
    profile: bool = False
    parts: tuple[str, ...] = ()

    def list_kinds(self) -> list[str]:
        """Words for what is in it."""
        kinds = {
            "EXIF": self.exif,
            "XMP": self.xmp,
            "further XMP": self.more_xmp,
            "colour chunks for HDR": [kind for kind, _data in self.colours if kind in _HDR],
            "IPTC": self.iptc,
            "the comment": self.comment,
            "texts": self.texts,
        }
        return [word for word, found in kinds.items() if found]
