# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs by a table: for each picture and mask what is to be done with it, in one run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import NamedTuple

from gimp_saliency.shared.choices import RETOUCH
from gimp_saliency.shared.harmony import TOOL as HARMONIZE
from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import RequestError
from model_server.batch.failures import BatchError
from model_server.batch.jobs import LAYERED, Job, Request, check_output, choose_output
from model_server.batch.masks import Mask, Regions

COLUMNS = ("picture", "mask", "direction", "strength", "tool")
EDIT = "edit"
TOOLS = (EDIT, HARMONIZE, RETOUCH)


class Wish(NamedTuple):
    """What a row asks for; an empty text or None: what the command line says."""

    direction: str
    strength: float | None
    tool: str


class _Row(NamedTuple):
    mask: str
    request: Request


class PlannedJobs:
    """The jobs of a table, by their pictures in its order; rows of one picture are done one after the other.

    request: what the first row asks.  notes: nothing is to be said of a table.
    """

    def __init__(
        self,
        plan: Path,
        folder: Path,
        regions: Regions | None,
        masks: Path | None,
        output: Path,
        suffix: str | None,
        ask: Callable[[Wish], Request],
        layer: str = "",
    ) -> None:
        """folder: what the pictures' paths begin at; masks: the same of masks, None: the table's folder.

        regions: where masks are found by name for rows that name none.  suffix: as for `jobs.choose_output`.  ask: what
        a row's wish is, all told; raises RequestError.  layer: see `jobs.Job`.  Raises BatchError.
        """
        self.output = output
        self.notes: list[str] = []
        self._folder, self._regions, self._suffix, self._layer = folder, regions, suffix, layer
        self._masks = masks or plan.parent
        self._rows = _read_rows(plan, ask)
        if not self._rows:
            raise BatchError(
                f"{plan} names no pictures: give it a row for each, below a line with {','.join(COLUMNS)}."
            )
        self.request = next(iter(self._rows.values()))[0].request
        self._skips_finished = False
        inputs = {self._find_picture(name).parent for name in self._rows}
        inputs |= {(self._masks / row.mask).parent for rows in self._rows.values() for row in rows if row.mask}
        for path in (folder, *inputs, *(regions.paths if regions else ())):
            check_output(output, [path])
        self._check_results()
        outputs: dict[Path, int] = {}
        for name in self._rows:
            outputs[self._choose_output(name)] = outputs.get(self._choose_output(name), 0) + 1
        self._twins = {path for path, number in outputs.items() if number > 1}

    def __len__(self) -> int:
        return sum(1 for name in self._rows if self._is_wanted(name))

    def __iter__(self) -> Iterator[Job]:
        for name in self._rows:
            if self._is_wanted(name):
                yield self._make_job(name)

    def without_finished(self) -> PlannedJobs:
        """Those alone whose result is not there yet."""
        left = copy(self)
        left._skips_finished = True
        return left

    def _check_results(self) -> None:
        """Raises BatchError where a result would replace a picture or a mask of another row."""
        used = {self._find_picture(name).resolve() for name in self._rows}
        used |= {(self._masks / row.mask).resolve() for rows in self._rows.values() for row in rows if row.mask}
        for name in self._rows:
            if self._choose_output(name).resolve() in used:
                raise BatchError(f"The result of {name} would replace an input; choose another output folder.")

    def _make_job(self, name: str) -> Job:
        steps: list[tuple[Mask | None, Request]] = []
        for row in self._rows[name]:
            if row.mask:
                steps.append((self._masks / row.mask, row.request))
            elif self._regions is not None:
                steps += [(mask, row.request) for _number, mask in self._regions.find(name)]
            elif isinstance(row.request, HarmonyRequest) or row.request.tool == RETOUCH:
                steps.append((None, row.request))
        output = self._choose_output(name)
        masks = tuple(mask for mask, _request in steps if mask is not None)
        picture = self._find_picture(name)
        return Job(
            picture, masks, output, is_twin=output in self._twins, layer=self._layer, steps=tuple(steps), name=name
        )

    def _find_picture(self, name: str) -> Path:
        return self._folder / name

    def _choose_output(self, name: str) -> Path:
        """Below the output folder as the picture lies below the folder of pictures, else by its name alone."""
        path = Path(name)
        is_below = not path.is_absolute() and ".." not in path.parts
        requests = (row.request for row in self._rows[name] if not row.mask)
        is_layered = self._regions is None and any(isinstance(request, HarmonyRequest) for request in requests)
        kept = LAYERED if is_layered else ()
        return choose_output(self.output, path.as_posix() if is_below else path.name, self._suffix, kept)

    def _is_wanted(self, name: str) -> bool:
        return not (self._skips_finished and self._choose_output(name).exists())


def _read_rows(plan: Path, ask: Callable[[Wish], Request]) -> dict[str, list[_Row]]:
    """What is asked of each picture.  Raises BatchError."""
    rows: dict[str, list[_Row]] = {}
    requests: dict[Wish, Request] = {}  # few different ones, however many rows
    try:
        with plan.open(encoding="utf-8-sig", newline="") as file:
            separator = max(",;\t", key=file.readline().count)  # what spreadsheets write, by country
            file.seek(0)
            table = csv.DictReader(file, delimiter=separator, skipinitialspace=True)
            _check_columns(plan, table.fieldnames or [])
            for row in table:
                cells = {(key or "").strip().lower(): (value or "").strip() for key, value in row.items() if key}
                if not any(cells.values()):
                    continue
                wish = _read_wish(cells)
                if wish not in requests:
                    requests[wish] = ask(wish)
                if not cells["picture"]:
                    raise RequestError("There is no picture in it.")
                rows.setdefault(cells["picture"], []).append(_Row(cells.get("mask", ""), requests[wish]))
    except RequestError as error:
        raise BatchError(f"Line {table.line_num} of {plan}: {error}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise BatchError(f"{plan} cannot be read ({reason}): save it as CSV in UTF-8.") from error
    return rows


def _check_columns(plan: Path, names: Sequence[str]) -> None:
    found = [name.strip().lower() for name in names]
    unknown = [name for name in found if name not in COLUMNS]
    if unknown or "picture" not in found:
        what = f"has no column {unknown[0]!r}" if unknown else "needs a column 'picture'"
        raise BatchError(f"A plan {what}: the first line of {plan} must name columns among {', '.join(COLUMNS)}.")


def _read_wish(cells: dict[str, str]) -> Wish:
    """Raises RequestError."""
    tool = cells.get("tool", "").lower()
    if tool and tool not in TOOLS:
        raise RequestError(f"The tool must be one of {', '.join(TOOLS)}, not {tool!r:.40}.")
    text = cells.get("strength", "").rstrip("% ")
    try:
        strength = float(text.replace(",", ".")) if text else None
    except ValueError:
        raise RequestError(f"The strength must be a number, not {text!r:.40}.") from None
    direction = cells.get("direction", "").lower()
    if direction and tool in (HARMONIZE, RETOUCH):
        raise RequestError(f"A direction goes with the tool {EDIT}, not with {tool}.")
    return Wish(direction, strength, tool)
