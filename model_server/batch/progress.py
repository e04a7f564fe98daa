# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a run: a bar on a terminal, each failure as it comes, and at the end what is to be known."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from model_server.batch.jobs import Failure, Result


class Summary:
    """What became of the jobs: a few numbers and sentences, however many there are."""

    def __init__(self) -> None:
        self.failed = 0
        self._notes: dict[str, tuple[int, str]] = {}  # how often, and of which picture first

    def add(self, result: Result) -> None:
        """Count a result."""
        if isinstance(result, Failure):
            self.failed += 1
            return
        for note in result.notes:
            number, first = self._notes.get(note, (0, result.job.name or result.job.picture.name))
            self._notes[note] = number + 1, first

    def print(self) -> None:
        """Say on stderr what the results lack."""
        for note, (number, first) in sorted(self._notes.items()):
            more = f" and {number - 1} more" if number > 1 else ""
            print(f"{first}{more}: {note.rstrip('.')}.", file=sys.stderr)


def show_progress(results: Iterable[Result], total: int) -> Iterator[Result]:
    """The same results, shown on stderr.  total: how many there will be."""
    for result in tqdm(results, total=total, unit=" pictures", disable=None):
        if isinstance(result, Failure):
            tqdm.write(str(result), file=sys.stderr)
        yield result
