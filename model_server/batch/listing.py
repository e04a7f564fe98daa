# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders as sorted lists of names: text alone, so that a million files fit into memory, found by bisection.

A name in a sub-folder is the path from the folder that was listed, with slashes.
"""

from __future__ import annotations

import os
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Union

from model_server.batch.failures import BatchError
from model_server.batch.remote import RemoteEntry, RemotePath

Entry = Union[os.DirEntry[str], RemoteEntry]


def list_names(
    folder: Path, is_wanted: Callable[[str], bool], recursive: bool = False, without: Collection[Path] = ()
) -> list[str]:
    """The sorted names of a folder's files that are wanted, hidden ones left out.  Raises BatchError.

    recursive: those of its sub-folders, too, hidden ones and `without` left out.
    """
    skipped = {path.resolve() for path in without}
    found: list[str] = []
    left = [""]
    while left:
        prefix = left.pop()
        for entry in _scan(folder, prefix):
            name = prefix + entry.name
            if _is_file(entry):
                if is_wanted(name):
                    found.append(name)
            elif recursive and _is_folder(entry) and _resolve(folder, name) not in skipped:
                left.append(f"{name}/")
    return sorted(found)


def has_folders(folder: Path, without: Collection[Path] = ()) -> bool:
    """Whether a folder has sub-folders, hidden ones and `without` left out.  Raises BatchError."""
    skipped = {path.resolve() for path in without}
    return any(_is_folder(entry) and _resolve(folder, entry.name) not in skipped for entry in _scan(folder, ""))


def join_path(folder: Path, name: str) -> Path:
    """The path of a file.  With `folder / name` Python would note each name among those that it shares, for good."""
    return type(folder)(os.path.join(folder, name))  # noqa: PTH118


def split_name(name: str) -> tuple[str, str]:
    """A file's name without its ending, and the ending: small letters, no dot."""
    folder, slash, own = name.rpartition("/")
    stem, _dot, ending = own.rpartition(".")
    return (folder + slash + stem, ending.lower()) if stem and ending else (name, "")


def normalize(name: str) -> str:
    """A name as all systems would spell it: some take an accent for a letter of its own."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def with_prefix(names: Sequence[str], prefix: str) -> Iterator[str]:
    """Of sorted names those that begin like this."""
    for place in range(bisect_left(names, prefix), len(names)):
        if not names[place].startswith(prefix):
            break
        yield names[place]


def with_stem(names: Sequence[str], stem: str) -> Iterator[str]:
    """Of sorted names those that are this one without their ending."""
    return (name for name in with_prefix(names, f"{stem}.") if split_name(name)[0] == stem)


def contains(names: Sequence[str], name: str) -> bool:
    """Whether a name is among sorted ones."""
    place = bisect_left(names, name)
    return place < len(names) and names[place] == name


def _scan(folder: Path, prefix: str) -> list[Entry]:
    """What is in a folder and not hidden.  Raises BatchError."""
    if isinstance(folder, RemotePath):
        return [entry for entry in folder.scan(prefix) if not entry.name.startswith(".")]
    try:
        with os.scandir(join_path(folder, prefix) if prefix else folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        where = join_path(folder, prefix)
        raise BatchError(f"{where} cannot be read ({error.strerror}); name a folder that you can open.") from error


def _resolve(folder: Path, name: str) -> Path:
    return join_path(folder, name).resolve()


def _is_file(entry: Entry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, say
        return False


def _is_folder(entry: Entry) -> bool:
    """Whether it is one in which nobody can go round in circles."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
