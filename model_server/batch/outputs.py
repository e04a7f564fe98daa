# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that appear whole or not at all: they grow in a folder of their own, beside the finished ones."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_server.batch.failures import BatchError, unwritten

_PREFIX = ".gimp-saliency-"  # of the folder's name; then the process id


@contextmanager
def open_parts(output: Path) -> Iterator[Path]:
    """A folder for unfinished results, on the file system of the finished ones, as long as the block runs.

    Also removes the folders of dead runs.  Raises BatchError.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob(f"{_PREFIX}*"):
            if not _is_alive(old.name[len(_PREFIX) :]):
                shutil.rmtree(old, ignore_errors=True)
        parts = output / f"{_PREFIX}{os.getpid()}"
        parts.mkdir(exist_ok=True)
    except OSError as error:
        raise BatchError(f"{output} cannot be written to ({error.strerror}); choose another folder.") from error
    try:
        yield parts
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def write_text(path: Path, text: str, parts: Path) -> None:
    """Write a small file, all or nothing.  Raises JobError."""
    part = parts / path.name
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise unwritten(error) from None


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        pass  # another user's
    return True
