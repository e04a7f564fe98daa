# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a run: a bar on a terminal, and each failure as it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from model_server.batch.jobs import Failure, Result


def show_progress(results: Iterable[Result], total: int) -> Iterator[Result]:
    """The same results, shown on stderr.  total: how many there will be."""
    for result in tqdm(results, total=total, unit=" pictures", disable=None):
        if isinstance(result, Failure):
            tqdm.write(str(result), file=sys.stderr)
        yield result
