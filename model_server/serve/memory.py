# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of this process: how much it is, and what glibc does with freed memory.

Glibc keeps it for the next prediction, or gives it back.  Other C libraries decide for themselves.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h: M_TRIM_THRESHOLD and so on
_ALWAYS, _NEVER = 1 << 16, 1 << 30  # bytes free at a heap's end from which on these are given back
_LARGEST = 32 << 20  # bytes; the most that glibc takes for the threshold of a block with a mapping of its own

_C: Any = None if sys.platform == "win32" else ctypes.CDLL(None)
_GLIBC = hasattr(_C, "mallopt") and hasattr(_C, "malloc_trim")
if _GLIBC:
    _C.malloc.restype = ctypes.c_void_p
    _C.free.argtypes = (ctypes.c_void_p,)


def keep() -> None:
    """Keep what is freed, until it is to be given back.  To be called before other threads allocate.

    What glibc gives back in between is taken anew a moment later: a busy server's memory would go up and down by a
    tenth.  There are two heaps, since two threads judge at once; with more it would grow in its first answers.
    """
    if _GLIBC:
        _C.mallopt(_ARENA_MAX, 2)
        _C.mallopt(_MMAP_THRESHOLD, _LARGEST)
        _C.mallopt(_TRIM_THRESHOLD, _NEVER)


def give_back() -> None:
    """Return to the system what is free in the first heap, and at the end of the calling thread's.

    malloc_trim leaves the end of all heaps but the first, where one is cut only by freeing something large in it.
    """
    if _GLIBC:
        _C.mallopt(_TRIM_THRESHOLD, _ALWAYS)
        _C.free(_C.malloc(2 * _ALWAYS))
        _C.malloc_trim(0)
        _C.mallopt(_TRIM_THRESHOLD, _NEVER)


def measure() -> int:
    """Resident bytes of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0
