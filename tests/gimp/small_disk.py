# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system of the test's own, which can be full or read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, size: str, *options: str) -> Iterator[Callable[..., bool]]:
    """A small file system of memory on a folder; gives a function that mounts it again with other options."""
    folder.mkdir(exist_ok=True)

    def mount(*more: str) -> bool:
        line = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options, *more]), "tmpfs", str(folder)]
        return not subprocess.run(line, capture_output=True, timeout=10).returncode

    if os.geteuid() or not shutil.which("mount") or not mount():
        pytest.skip("only the superuser can mount a file system of its own")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], timeout=10, check=True)  # an ending server may use it


def fill(folder: Path) -> Path:
    """Write a file until not a byte more can be written; that file."""
    path = folder / "fill"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path
