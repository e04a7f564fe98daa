# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong: with the whole run, or with one picture while the others go on."""

from __future__ import annotations

import errno


class BatchError(Exception):
    """The whole run cannot go on: one sentence that says what to do."""


class JobError(Exception):
    """One picture cannot be edited: one sentence that says what to do."""


class EmptyMask(JobError):
    """A mask that shows no region: of a frame that is no failure."""


def unwritten(error: OSError) -> JobError:
    """The error for a result that the system does not let be written."""
    reason = f"The result cannot be written ({error.strerror})"
    if error.errno == errno.ENAMETOOLONG:
        return JobError(f"{reason}: give the picture a shorter name.")
    return JobError(f"{reason}: free some space or choose another output folder.")
