# SPDX-License-Identifier: GPL-3.0-or-later
"""Break a training off, to see that it can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from model_server.training import checkpoints


@contextmanager
def broken_off() -> Iterator[None]:
    """A training that ends after its first checkpoint, as a killed process would."""

    class Killed(Exception):
        pass

    original = checkpoints.save

    def save_once(*arguments: object, **rest: object) -> None:
        original(*arguments, **rest)  # type: ignore[arg-type]
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoints, "save", save_once)
        yield
