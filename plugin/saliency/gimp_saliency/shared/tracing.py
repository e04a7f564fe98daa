# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes what the plug-in does and when, in the file that $GIMP_SALIENCY_TRACE names: for tests and measurements.

One JSON object a line: "event", "at" (seconds of the system's monotonic clock) and what belongs to the event.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # What the server shares must load without GIMP.
    from gi.repository import Gtk

_FILE = os.environ.get("GIMP_SALIENCY_TRACE")

now = time.monotonic


def note(event: str, **facts: object) -> None:
    """Write a line, if a file is named."""
    if _FILE:
        with Path(_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "at": now(), **facts}) + "\n")


def painted(widget: Gtk.Widget, since: float | None, picture: bytes, **facts: object) -> None:
    """Note "painted" when the widget's window has been drawn the next time.

    since: when the reason came up; picture: R'G'B' bytes of what it shows then; facts: what else is to be noted.
    """
    clock = widget.get_frame_clock() if _FILE else None
    if clock:
        checksum = zlib.crc32(picture)

        def after_paint(*_arguments: object) -> None:
            clock.disconnect(handler)
            note("painted", since=since, picture=checksum, **facts)

        handler = clock.connect("after-paint", after_paint)
        widget.queue_draw()
