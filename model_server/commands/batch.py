# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency batch`: a folder of pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gimp_saliency.shared.choices import DIRECTIONS, LOOKS, MOST, RETOUCH, Boldness, Edge, Look, Ranking
from gimp_saliency.shared.edits import NAMES
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest, RequestError
from model_server.commands.console import fail, make_number_type

if TYPE_CHECKING:
    from model_server.batch.jobs import Jobs, Request, Source

HELP = "edit, retouch or harmonize a folder of pictures"
_OF_ATTENTION = ("boldness", "order", "edge", "background", "background_strength")
_OF_EDITS = ("edits", "frames")
_OF_HARMONIES = ("colour", "shading", "layer")
_OF_RETOUCHES = ("series",)
_RANKINGS = (Ranking.BEST_REALISM, Ranking.BEST_SALIENCY, Ranking.RANDOM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("input", type=Path, metavar="IN", help="the folder of pictures")
    add("output", type=Path, metavar="OUT", help="the folder for the results, made where it is missing")
    job = parser.add_mutually_exclusive_group(required=True)
    job.add_argument("--direction", choices=tuple(DIRECTIONS), help="less or more attention for the regions")
    harmonize = "match pasted parts to the photo below them: what masks show, or a layer of files with layers"
    job.add_argument("--harmonize", action="store_true", help=harmonize)
    retouch = "make whole pictures, or with --masks what these show, look as good as they can"
    job.add_argument("--retouch", action="store_true", help=retouch)
    masks = "DIR/<name>.png or DIR/<name>__<k>.png; white = region; needed with --direction"
    add("--masks", type=Path, metavar="DIR", help=masks)
    percent = make_number_type(0, MOST)
    add("--strength", type=percent, default=100.0, help="percent, 0 to 150 (default: 100)")
    style = f"saved in GIMP for this tool, or with --retouch a look: {', '.join(LOOKS)} (default: the plain one)"
    add("--style", metavar="NAME", help=style)
    _add_edit_options(parser)
    share = "to be harmonized, in percent of the strength, 0 to 150 (default: 100)"
    add("--colour", type=percent, metavar="PERCENT", help=f"how far the colours are {share}")
    add("--shading", type=percent, metavar="PERCENT", help=f"how far light and shadow are {share}")
    add("--layer", metavar="NAME", help="the one to harmonize, without --masks (default: the topmost visible one)")
    series = "retouch pictures alike that one camera took within minutes of each other"
    add("--series", action="store_true", help=series)
    add("--format", choices=("png", "jpg", "tif", "xcf"), help="(default: the picture's own, or png)")
    add("--jobs", type=make_number_type(1, 64, int), default=1, help="GIMP processes at once (default: 1)")
    add("--resume", action="store_true", help="skip pictures whose result is there")
    limit = "for a picture (default: 300)"
    add("--time-limit", type=make_number_type(1, 86400), default=300.0, metavar="SECONDS", help=limit)
    parser.set_defaults(refuse=parser.error)


def _add_edit_options(parser: argparse.ArgumentParser) -> None:
    """Those of edits alone; what is not given is None or False, so that it is known."""
    add, percent = parser.add_argument, make_number_type(0, MOST)
    bold = "how far the edits at 100 percent go (default: natural)"
    add("--boldness", choices=[each.value for each in Boldness], help=bold)
    order = "which order of the edits to take (default: best-realism)"
    add("--order", choices=[ranking.value for ranking in _RANKINGS], help=order)
    add("--edits", metavar="NAME,…", help=f"the kinds of edit to use, of {', '.join(NAMES)} (default: all)")
    edges = "of the regions: fitted to the object, softened, as in the masks, or what suits each (default: automatic)"
    add("--edge", choices=[edge.value for edge in Edge], help=edges)
    add("--background", action="store_true", help="also edit what surrounds the regions")
    around = "of the background's edits, 0 to 150 (default: 100)"
    add("--background-strength", type=percent, metavar="PERCENT", help=around)
    frames = (
        "moving pictures: NAME_0001.png, NAME_0002.png, … and animated GIFs and WebPs get the same numbers in all "
        "frames; a frame without a mask has the nearest earlier frame's, or DIR/NAME.png"
    )
    add("--frames", action="store_true", help=frames)


def run(options: argparse.Namespace) -> int:
    """Edit the pictures; 1 if one failed."""
    from model_server.batch.failures import BatchError
    from model_server.batch.jobs import find_jobs
    from model_server.gimp.running import GimpError

    _check_combination(options)
    if options.background_strength is not None and not options.background:
        return fail("--background-strength counts only with --background; add that.")
    try:
        request = _make_request(options)
        jobs = find_jobs(options.input, _find_source(options), options.output, options.format)
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


def _do(jobs: Jobs, request: Request, options: argparse.Namespace) -> int:
    """Do the jobs on this machine, showing the progress; how many failed."""
    from model_server.batch.jobs import Failure
    from model_server.batch.progress import show_progress
    from model_server.batch.runner import Runner
    from model_server.gimp.find import find_gimp

    gimps = find_gimp(), min(options.jobs, len(jobs)), options.time_limit
    with Runner.with_gimps(*gimps, request, jobs.output, options.resume) as runner:
        return sum(1 for result in show_progress(runner.run(jobs), len(jobs)) if isinstance(result, Failure))


def _find_source(options: argparse.Namespace) -> Source:
    """What of each picture is to be changed."""
    from model_server.batch.jobs import Source
    from model_server.batch.masks import MaskFolder

    masks = MaskFolder(options.masks) if options.masks else None
    layer = (options.layer or "") if options.harmonize and masks is None else None
    return Source(masks, layer, options.frames, options.series)


def _check_combination(options: argparse.Namespace) -> None:
    """End the command, as argparse itself would, if options are missing or do not belong together."""
    tool = "--direction" if options.direction else "--harmonize" if options.harmonize else "--retouch"
    owners = {
        _OF_ATTENTION: ("--direction",),
        _OF_EDITS: ("--direction", "--retouch"),
        _OF_HARMONIES: ("--harmonize",),
        _OF_RETOUCHES: ("--retouch",),
    }
    for names, tools in owners.items():
        if tool not in tools and (wrong := _list_given(options, names)):
            options.refuse(f"{wrong}: only with {' or '.join(tools)}, not with {tool}; leave out one or the other")
    if options.masks is None and options.direction:
        options.refuse("--direction needs --masks: name the folder of masks")
    if options.masks and options.layer is not None:
        options.refuse("--layer: not with --masks, which say what is to be harmonized; leave out one of both")
    if options.series and (options.masks or options.frames):
        options.refuse("--series is for whole pictures: leave out --masks and --frames")


def _list_given(options: argparse.Namespace, names: Iterable[str]) -> str:
    """Which of some options without a default were given, as they are typed."""
    given = (name for name in names if getattr(options, name) is not None and getattr(options, name) is not False)
    return ", ".join(f"--{name.replace('_', '-')}" for name in given)


def _make_request(options: argparse.Namespace) -> Request:
    """What is asked.  Raises RequestError, or UserError where there is no such style."""
    if options.harmonize:
        return _make_harmony_request(options)
    names = NAMES if options.edits is None else [name.strip() for name in options.edits.split(",")]
    if options.retouch:
        return _make_retouch_request(options, frozenset(names))
    request = EditRequest(
        options.direction,
        options.strength,
        Ranking(options.order or Ranking.BEST_REALISM),
        frozenset(names),
        background=options.background,
        background_strength=100.0 if options.background_strength is None else options.background_strength,
        style=options.style or "",
        edge=Edge(options.edge or Edge.AUTOMATIC),
        boldness=Boldness(options.boldness or Boldness.NATURAL),
    )
    request.find_style()  # before a GIMP is started for nothing
    return request


def _make_retouch_request(options: argparse.Namespace, kinds: frozenset[str]) -> EditRequest:
    """What is asked of retouches.  Raises RequestError, or UserError where there is no such style."""
    style = options.style or Look.NEUTRAL.value
    look, saved = (style, "") if style in LOOKS else (Look.NEUTRAL.value, style)
    edge = Edge.AS_SELECTED
    request = EditRequest(RETOUCH, options.strength, kinds=kinds, style=saved, tool=RETOUCH, look=look, edge=edge)
    request.find_style()  # as for edits
    return request


def _make_harmony_request(options: argparse.Namespace) -> HarmonyRequest:
    """What is asked of harmonies.  Raises UserError where there is no such style."""
    colour, shading = (100.0 if each is None else each for each in (options.colour, options.shading))
    request = HarmonyRequest(options.strength, colour, shading, options.style or "")
    request.find_style()  # as for edits
    return request
