# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that appear whole or not at all: they grow in a folder of their own, beside the finished ones."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_server.batch.failures import BatchError, unwritten

_PREFIX = ".gimp-saliency-"  # of the folder's name; then the process id, or
_SHARED = "cluster-"  # and any other word
_DAY = 86400.0  # seconds


@contextmanager
def open_parts(output: Path, shared: bool = False) -> Iterator[Path]:
    """A folder for unfinished results, on the file system of the finished ones, as long as the block runs.

    shared: machines share it, and none can say whether a run of another one is alive.  Also removes the folders of dead
    runs.  Raises BatchError.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob(f"{_PREFIX}*"):
            if _is_left(old):
                shutil.rmtree(old, ignore_errors=True)
        parts = output / f"{_PREFIX}{_SHARED + uuid.uuid4().hex if shared else os.getpid()}"
        parts.mkdir(exist_ok=True)
    except OSError as error:
        raise BatchError(f"{output} cannot be written to ({error.strerror}); choose another folder.") from error
    try:
        yield parts
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def write_text(path: Path, text: str, parts: Path) -> None:
    """Write a small file, all or nothing.  Raises JobError."""
    part = parts / f"{os.getpid()}-{threading.get_ident()}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise unwritten(error) from None


def _is_left(folder: Path) -> bool:
    """Whether a folder is that of a dead run: of a process that is gone, or that nothing was put into for a day."""
    owner = folder.name[len(_PREFIX) :]
    if not owner.startswith(_SHARED):
        return not _is_alive(owner)
    return time.time() - folder.stat().st_mtime > _DAY


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        pass  # another user's
    return True
