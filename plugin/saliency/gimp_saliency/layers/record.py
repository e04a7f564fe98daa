# SPDX-License-Identifier: GPL-3.0-or-later
"""What the layers of an edit say of themselves: JSON in a parasite."""

from __future__ import annotations

import json
from typing import Any

from gi.repository import Gimp

PERSISTENT_UNDOABLE = 3  # flags of a parasite: saved with the image, taken back by undo

# Layers of an edit carry their part of it as JSON under this name.  Its "role" is one of
PARASITE = "saliency-edit"

_MOST_BYTES = 1 << 16  # ours have about 2 kB

ADJUSTMENT = "adjustment"  # a pass-through group above the photo with one filter (GIMP 3.2)

HOLDER = "holder"  # a normal group in the place of a photo that is not opaque, with a copy of it

BAKED = "baked"  # a masked, edited copy above the photo (GIMP 3.0)

REPLACEMENT = "replacement"  # an edited copy in the place of a photo that is not opaque (GIMP 3.0)

# and of an adjustment that changes what is not selected the "part" is
BACKGROUND = "background"


def role(layer: Any) -> str | None:
    """The layer's role in an edit, None where it has none."""
    content = read_parasite(layer)
    return content.get("role") if content else None


def read_parasite(layer: Any) -> dict[str, Any] | None:
    """The layer's part of an edit, or None.  A file may hold anything, so anything unreadable counts as none."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    data = parasite.get_data()
    try:
        # GIMP's Python hands other bytes than ASCII, which ours are, out as negative numbers: a ValueError too.
        content = json.loads(bytes(data).rstrip(b"\0")) if len(data) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write_parasite(layer: Any, content: dict[str, Any]) -> None:
    """Attach the layer's part of an edit: saved with the image, taken back by undo."""
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, PERSISTENT_UNDOABLE, json.dumps(content).encode()))
