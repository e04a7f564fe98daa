# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders as sorted lists of names: text alone, so that a million files fit into memory, found by bisection."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from model_server.batch.failures import BatchError


def list_names(folder: Path, is_wanted: Callable[[str], bool]) -> list[str]:
    """The sorted names of a folder's files that are wanted, hidden ones left out.  Raises BatchError."""
    try:
        with os.scandir(folder) as entries:
            found = (entry.name for entry in entries if not entry.name.startswith(".") and _is_file(entry))
            return sorted(name for name in found if is_wanted(name))
    except OSError as error:
        raise BatchError(f"{folder} cannot be read ({error.strerror}); name a folder that you can open.") from error


def join_path(folder: Path, name: str) -> Path:
    """The path of a file.  With `folder / name` Python would note each name among those that it shares, for good."""
    return Path(os.path.join(folder, name))  # noqa: PTH118


def split_name(name: str) -> tuple[str, str]:
    """A file's name without its ending, and the ending: small letters, no dot."""
    stem, _dot, ending = name.rpartition(".")
    return (stem, ending.lower()) if stem and ending else (name, "")


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, say
        return False


def with_prefix(names: Sequence[str], prefix: str) -> Iterator[str]:
    """Of sorted names those that begin like this."""
    for place in range(bisect_left(names, prefix), len(names)):
        if not names[place].startswith(prefix):
            break
        yield names[place]


def with_stem(names: Sequence[str], stem: str) -> Iterator[str]:
    """Of sorted names those that are this one without their ending."""
    return (name for name in with_prefix(names, f"{stem}.") if split_name(name)[0] == stem)
