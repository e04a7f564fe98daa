# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency batch`: a folder of pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gimp_saliency.shared import styles
from gimp_saliency.shared.choices import DIRECTIONS, MOST, Boldness, Edge, Ranking
from gimp_saliency.shared.edits import NAMES
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest, RequestError
from model_server.commands.console import fail, make_number_type

if TYPE_CHECKING:
    from model_server.batch.jobs import Jobs

HELP = "edit a folder of pictures"
_RANKINGS = (Ranking.BEST_REALISM, Ranking.BEST_SALIENCY, Ranking.RANDOM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("input", type=Path, metavar="IN", help="the folder of pictures")
    add("output", type=Path, metavar="OUT", help="the folder for the results, made where it is missing")
    add("--direction", choices=tuple(DIRECTIONS), required=True)
    masks = "DIR/<name>.png or DIR/<name>__<k>.png; white = region"
    add("--masks", type=Path, metavar="DIR", required=True, help=masks)
    percent = make_number_type(0, MOST)
    add("--strength", type=percent, default=100.0, help="percent, 0 to 150 (default: 100)")
    bold = "how far the edits at 100 % go (default: natural)"
    add("--boldness", choices=[each.value for each in Boldness], default=Boldness.NATURAL.value, help=bold)
    add("--order", choices=[ranking.value for ranking in _RANKINGS], default=Ranking.BEST_REALISM.value)
    add("--edits", metavar="NAME,…", help=f"the kinds of edit to use, of {', '.join(NAMES)} (default: all)")
    edges = "of the regions: fitted to the object, softened, as in the masks, or what suits each (default: automatic)"
    add("--edge", choices=[edge.value for edge in Edge], default=Edge.AUTOMATIC.value, help=edges)
    add("--background", action="store_true", help="also edit what surrounds the regions")
    around = "of the background's edits, 0 to 150 (default: 100)"
    add("--background-strength", type=percent, metavar="PERCENT", help=around)
    add("--style", default="", metavar="NAME", help="a style saved in GIMP (default: the plain one)")
    add("--format", choices=("png", "jpg", "tif", "xcf"), help="(default: the picture's own, or png)")
    frames = (
        "moving pictures: NAME_0001.png, NAME_0002.png, … and animated GIFs and WebPs get the same numbers in all "
        "frames; a frame without a mask has the nearest earlier frame's, or DIR/NAME.png"
    )
    add("--frames", action="store_true", help=frames)
    add("--jobs", type=make_number_type(1, 64, int), default=1, help="GIMP processes at once (default: 1)")
    add("--resume", action="store_true", help="skip pictures whose result is there")
    limit = "for a picture (default: 300)"
    add("--time-limit", type=make_number_type(1, 86400), default=300.0, metavar="SECONDS", help=limit)


def run(options: argparse.Namespace) -> int:
    """Edit the pictures; 1 if one failed."""
    from model_server.batch.failures import BatchError
    from model_server.batch.jobs import find_jobs
    from model_server.gimp.running import GimpError

    if options.background_strength is not None and not options.background:
        return fail("--background-strength counts only with --background; add that.")
    try:
        request = _request(options)
        styles.find_numbers(options.style)  # before a GIMP is started for nothing
        jobs = find_jobs(options.input, options.masks, options.output, options.format, options.frames)
        todo = jobs.without_finished() if options.resume else jobs
        failed = _do(todo, request, options) if len(todo) else 0
    except (RequestError, BatchError, GimpError, UserError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        print("\nStopped; the same command with --resume goes on.", file=sys.stderr)
        return 130
    skipped = f", {len(jobs) - len(todo)} were finished before" if len(todo) < len(jobs) else ""
    print(f"{len(todo) - failed} pictures edited, {failed} failed{skipped}.")
    return 1 if failed else 0


def _do(jobs: Jobs, request: EditRequest, options: argparse.Namespace) -> int:
    """Do the jobs on this machine, showing the progress; how many failed."""
    from model_server.batch.jobs import Failure
    from model_server.batch.progress import show_progress
    from model_server.batch.runner import Runner
    from model_server.gimp.find import find_gimp

    gimps = find_gimp(), min(options.jobs, len(jobs)), options.time_limit
    with Runner.with_gimps(*gimps, request, jobs.output, options.resume) as runner:
        return sum(1 for result in show_progress(runner.run(jobs), len(jobs)) if isinstance(result, Failure))


def _request(options: argparse.Namespace) -> EditRequest:
    """What is asked of each region.  Raises RequestError."""
    names = NAMES if options.edits is None else [name.strip() for name in options.edits.split(",")]
    return EditRequest(
        options.direction,
        options.strength,
        Ranking(options.order),
        frozenset(names),
        background=options.background,
        background_strength=100.0 if options.background_strength is None else options.background_strength,
        style=options.style,
        edge=Edge(options.edge),
        boldness=Boldness(options.boldness),
    )
