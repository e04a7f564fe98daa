# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the model server's program is when no installation wrote it down: the plug-in was unpacked by hand.

Standard library only.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .. import settings

NAME = "gimp-saliency"

# Where pipx and `uv tool` put programs on every system: GIMP's PATH need not hold it, above all on macOS.
_USUAL = "~/.local/bin"


def find_command() -> list[str]:
    """The command that starts the server, empty where its program is not found.

    The program is the one that the settings name (`program` in `[server]`), else `gimp-saliency` on PATH or in
    ~/.local/bin.
    """
    named = settings.load().program
    if named:
        found = shutil.which(os.path.expanduser(named))  # noqa: PTH111  # an unknown home is no error here
    else:
        found = shutil.which(NAME) or shutil.which(NAME, path=os.path.expanduser(_USUAL))  # noqa: PTH111
    return [str(Path(found)), "serve"] if found else []
