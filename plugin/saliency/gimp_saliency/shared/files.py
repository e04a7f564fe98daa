# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written all or nothing."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Give a file this text, all or nothing; its folder is made if there is none.  Raises OSError."""
    import tempfile  # here: it takes as long as all else that the plug-in imports at GIMP's start

    file.parent.mkdir(parents=True, exist_ok=True)
    number, part = tempfile.mkstemp(prefix=f".{file.stem}-", dir=file.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(part, file)  # noqa: PTH105
    except BaseException:
        Path(part).unlink()
        raise
