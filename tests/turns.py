# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests side by side in two processes, `pytest -n 2`: one for each GIMP, and some of the tests wait to be alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

_ROOM = Path(__file__)  # every process locks files that are there anyway
_DOOR = Path(__file__).with_name("__init__.py")


class OneGimpEach(LoadScopeScheduling):
    """Keeps the tests of a GIMP in one process, where they share what was started; the others go where there is time.

    Those that need both GIMPs, or the one that they name, go to the one of GIMP 3.0.
    """

    def _split_scope(self, nodeid: str) -> str:
        if "gimp32" in nodeid:
            return "gimp32"
        return "gimp30" if "gimp30" in nodeid or nodeid.startswith("tests/gimp/") else nodeid


@contextmanager
def turn(alone: bool) -> Iterator[None]:
    """Wait until no test runs that is to be alone, or, with `alone`, until no other one runs at all."""
    with _DOOR.open() as door, _ROOM.open() as room:
        # Who waits for the room holds the door, so that nobody else slips in before.
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
