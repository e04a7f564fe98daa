# SPDX-License-Identifier: GPL-3.0-or-later
"""Why networks cannot be used, in sentences.  Imports nothing, so that it is there even where libraries are not."""

from __future__ import annotations

REINSTALL = "run install.sh again to put the networks back."
NO_MEMORY = "There is not enough memory for the networks; close other programs and try again."

# The words of Python, C++ and the loader of libraries for a lack of memory.
_SHORTAGES = ("bad_alloc", "failed to map segment", "Cannot allocate memory", "can't start new thread")


class NetworkError(Exception):
    """The networks cannot be used: one sentence that says why and what to do."""


def is_shortage(error: BaseException | None) -> bool:
    """Whether that, or what led to it, was a lack of memory."""
    while error:
        if isinstance(error, MemoryError) or any(words in str(error) for words in _SHORTAGES):
            return True
        error = error.__cause__
    return False
