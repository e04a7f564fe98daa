# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of edit that there are: one for each file in this folder that defines one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ..json_type import Json
from .base import Edit, EditError


def _find_kinds() -> Iterator[type[Edit]]:
    """The kinds that the files in this folder define."""
    for path in Path(__file__).parent.glob("*.py"):
        if path.stem not in ("__init__", "catalogue"):
            name = f"{__package__}.{path.stem}"
            yield from (found for found in vars(import_module(name)).values() if _is_kind(found, name))


def _is_kind(found: object, module: str) -> bool:
    """Whether a name in a module stands for a kind of edit that is defined there: one that has a name."""
    return isinstance(found, type) and issubclass(found, Edit) and "name" in vars(found) and found.__module__ == module


KINDS: dict[str, type[Edit]] = {kind.name: kind for kind in sorted(_find_kinds(), key=lambda kind: kind.place)}
NAMES = tuple(KINDS)
NEUTRAL: dict[str, Edit] = {name: kind.neutral() for name, kind in KINDS.items()}


def at_strength(edits: Iterable[Edit], t: float) -> list[Edit]:
    """Interpolate each edit from identity (t = 0) through the prediction (1) and beyond, in parameter space.

    EV linearly; scale, gains and slopes in their logarithm.  GazeShiftNet (ECCV 2020) does the same.
    """
    return [edit.at_strength(t) for edit in edits]


def for_gray(edits: Iterable[Edit]) -> list[Edit]:
    """What is left of the edits in a picture without colour."""
    return [left for edit in edits if (left := edit.for_gray()) is not None]


def reach(edits: Iterable[Edit], side: float) -> int:
    """How many pixels around it a pixel's result depends on.

    side: the longer side of the whole picture in these pixels.
    """
    return max((edit.reach(side) for edit in edits), default=0)


def to_json(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """The edits as JSON objects, in order of application."""
    return [edit.to_json() for edit in edits]


def from_json(objects: Json) -> list[Edit]:
    """The inverse of `to_json`.  Raises EditError on anything else, so that a stranger's data stays data."""
    if not isinstance(objects, list):
        raise EditError("The edits must be a list.")
    edits: list[Edit] = []
    for entry in objects:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in KINDS:
            raise EditError(f"Unknown edit {entry!r:.60}.")
        kind = KINDS[name]
        try:
            edits.append(kind(**{key: value for key, value in entry.items() if key != "name"}))
        except TypeError as error:
            raise EditError(f"The edit {kind.name} has other parameters.") from error
    return edits
