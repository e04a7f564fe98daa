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
from gimp_saliency.shared.harmony import HarmonyError, HarmonyRequest
from gimp_saliency.shared.request import EditRequest, RequestError
from model_server.batch.remote import is_remote, parse_place
from model_server.commands.console import fail, make_number_type

if TYPE_CHECKING:
    from model_server.batch.cluster import ClusterRunner
    from model_server.batch.jobs import JobList, Request
    from model_server.batch.masks import Regions
    from model_server.batch.plan import Wish
    from model_server.batch.runner import Runner

HELP = "edit, retouch or harmonize a folder of pictures"
_OF_ATTENTION = ("boldness", "order", "edge", "background", "background_strength")
_OF_EDITS = ("edits", "frames")
_OF_HARMONIES = ("colour", "shading")
_OF_RETOUCHES = ("series",)
_RANKINGS = (Ranking.BEST_REALISM, Ranking.BEST_SALIENCY, Ranking.RANDOM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("input", type=parse_place, metavar="IN", help="the folder of pictures")
    add("output", type=parse_place, metavar="OUT", help="the folder for the results, made where it is missing")
    job = parser.add_mutually_exclusive_group()
    job.add_argument("--direction", choices=tuple(DIRECTIONS), help="less or more attention for the regions")
    harmonize = "match pasted parts to the photo below them: what masks show, or a layer of files with layers"
    job.add_argument("--harmonize", action="store_true", help=harmonize)
    retouch = "make whole pictures, or with --masks what these show, look as good as they can"
    job.add_argument("--retouch", action="store_true", help=retouch)
    masks = (
        "DIR/<name>.png or DIR/<name>__<k>.png, white = region; or a COCO file, or a folder of YOLO files; needed with "
        "--direction"
    )
    add("--masks", type=parse_place, metavar="DIR", help=masks)
    add("--labels", metavar="NAME,…", help="of COCO's or YOLO's labels those that are meant (default: all)")
    plan = "a table: picture,mask,direction,strength,tool; what a row leaves empty the other options say"
    add("--plan", type=Path, metavar="CSV", help=plan)
    add("--recursive", action="store_true", help="sub-folders, too; the results lie in sub-folders alike")
    percent = make_number_type(0, MOST)
    add("--strength", type=percent, default=100.0, help="percent, 0 to 150 (default: 100)")
    style = f"saved in GIMP for this tool, or with --retouch a look: {', '.join(LOOKS)} (default: the plain one)"
    add("--style", metavar="NAME", help=style)
    _add_edit_options(parser)
    share = "to be harmonized, in percent of the strength, 0 to 150 (default: 100)"
    add("--colour", type=percent, metavar="PERCENT", help=f"how far the colours are {share}")
    add("--shading", type=percent, metavar="PERCENT", help=f"how far light and shadow are {share}")
    layer = "of files with layers the one to change (default: what is visible; to harmonize: the topmost visible one)"
    add("--layer", metavar="NAME", help=layer)
    series = "retouch pictures alike that one camera took within minutes of each other"
    add("--series", action="store_true", help=series)
    add("--format", choices=("png", "jpg", "tif", "exr", "xcf"), help="(default: the picture's own, or png)")
    add("--dry-run", action="store_true", help="edit nothing: write pages with the pictures and their regions to OUT")
    add("--jobs", type=make_number_type(1, 64, int), help="GIMP processes at once (default: 1)")
    cluster = "a Dask scheduler, tcp://HOST:8786, whose workers edit; or local:N, workers on this machine"
    add("--cluster", metavar="ADDRESS", help=cluster)
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
    from model_server.gimp.running import GimpError

    _check_combination(options)
    if options.background_strength is not None and not options.background:
        return fail("--background-strength counts only with --background; add that.")
    try:
        jobs, request = _find_jobs(options)
        for note in jobs.notes:
            print(f"gimp-saliency: {note}", file=sys.stderr)
        todo = jobs.without_finished() if options.resume else jobs
        if options.dry_run:
            return _show_regions(todo)
        failed = _do(todo, request, options) if len(todo) else 0
    except (RequestError, BatchError, GimpError, UserError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        print("\nStopped; the same command with --resume goes on.", file=sys.stderr)
        return 130
    skipped = f", {len(jobs) - len(todo)} were finished before" if len(todo) < len(jobs) else ""
    print(f"{len(todo) - failed} pictures edited, {failed} failed{skipped}.")
    return 1 if failed else 0


def _do(jobs: JobList, request: Request, options: argparse.Namespace) -> int:
    """Do the jobs, showing the progress; how many failed."""
    from model_server.batch.progress import Summary, show_progress

    summary = Summary()
    run = _open_cluster if options.cluster else _open_runner
    try:
        with run(jobs, request, options) as runner:
            for result in show_progress(runner.run(jobs), len(jobs)):
                summary.add(result)
    finally:
        summary.print()
    return summary.failed


def _open_runner(jobs: JobList, request: Request, options: argparse.Namespace) -> Runner:
    """What does the jobs on this machine.  Raises BatchError, GimpError or ServerError."""
    from model_server.batch.runner import Runner
    from model_server.gimp.find import find_gimp

    gimps = find_gimp(), min(options.jobs or 1, len(jobs)), options.time_limit
    return Runner.with_gimps(*gimps, request, jobs.output, options.resume)


def _open_cluster(jobs: JobList, request: Request, options: argparse.Namespace) -> ClusterRunner:
    """What does the jobs on many machines.  Raises BatchError."""
    from model_server.batch.failures import BatchError

    try:
        from model_server.batch.cluster import ClusterRunner
    except ImportError as error:
        raise BatchError(f"Dask is missing ({error}): pip install 'gimp-saliency[cluster]', here and there.") from None
    return ClusterRunner(options.cluster, request, jobs.output, options.time_limit, options.resume)


def _show_regions(jobs: JobList) -> int:
    """Write pages with the pictures and what is meant of each; 1 if one could not be edited."""
    from model_server.batch.dry_run import show_regions

    pages, number, failures = show_regions(jobs)
    for failure in failures:
        print(failure, file=sys.stderr)
    if not pages:
        print("Nothing is left to be edited.")
        return 0
    where = f"{pages[0]} to {pages[-1].name}" if len(pages) > 1 else str(*pages)
    print(f"{number} pictures, {len(failures)} of which could not be edited; look at {where}.")
    return 1 if failures else 0


def _find_jobs(options: argparse.Namespace) -> tuple[JobList, Request]:
    """What is to be done, and what is asked where nothing else is said.

    Raises BatchError, RequestError, or UserError where there is no such style.
    """
    from model_server.batch.jobs import Source, find_jobs
    from model_server.batch.plan import PlannedJobs

    if options.plan:
        masks = _find_regions(options)
        folder = options.masks if options.masks and options.masks.is_dir() else None

        def ask(wish: Wish) -> Request:
            return _make_request(options, _Wish(options, wish))

        places = options.input, masks, folder, options.output
        planned = PlannedJobs(options.plan, *places, options.format, ask, options.layer or "")
        return planned, planned.request
    request = _make_request(options, _Wish(options))
    masks = _find_regions(options)
    keeps_layers = options.harmonize and masks is None
    source = Source(masks, options.layer or "", options.frames, options.series, options.recursive, keeps_layers)
    return find_jobs(options.input, source, options.output, options.format), request


def _find_regions(options: argparse.Namespace) -> Regions | None:
    """Where it is said what of the pictures is meant, if anywhere.  Raises BatchError."""
    from model_server.batch.annotations import CocoFile, YoloFolder, is_yolo_folder
    from model_server.batch.masks import MaskFolder

    if options.masks is None:
        return None
    labels = [label.strip() for label in (options.labels or "").split(",") if label.strip()]
    if options.masks.suffix.lower() == ".json":
        return CocoFile(options.masks, labels)
    if is_yolo_folder(options.masks):
        return YoloFolder(options.masks, labels, options.recursive)
    if labels:
        options.refuse("--labels: only with annotations as --masks; leave it out, or name a COCO file or YOLO's folder")
    beside = options.masks.resolve() == options.input.resolve()
    return MaskFolder(options.masks, options.recursive, beside)


def _check_combination(options: argparse.Namespace) -> None:
    """End the command, as argparse itself would, if options are missing or do not belong together."""
    tools = {"--direction": options.direction, "--harmonize": options.harmonize, "--retouch": options.retouch}
    tool = next((name for name, is_given in tools.items() if is_given), "")
    if not tool and options.plan is None:
        options.refuse("one of --direction, --harmonize, --retouch or --plan must be given")
    owners = {
        _OF_ATTENTION: ("--direction",),
        _OF_EDITS: ("--direction", "--retouch"),
        _OF_HARMONIES: ("--harmonize",),
        _OF_RETOUCHES: ("--retouch",),
    }
    for names, owning in owners.items():
        if options.plan is None and tool not in owning and (wrong := _list_given(options, names)):
            options.refuse(f"{wrong}: only with {' or '.join(owning)}, not with {tool}; leave out one or the other")
    if options.plan:
        if wrong := _list_given(options, ("frames", "series", "recursive")):
            options.refuse(f"{wrong}: not with --plan, whose rows name the pictures; leave out one or the other")
    elif options.masks is None and options.direction:
        options.refuse("--direction needs --masks: name the folder of masks")
    _check_places(options)
    if options.labels and options.masks is None:
        options.refuse("--labels needs --masks: name a COCO file or YOLO's folder")
    if options.masks and options.harmonize and options.layer is not None:
        options.refuse("--layer: not with --masks, which say what is to be harmonized; leave out one of both")
    if options.series and (options.masks or options.frames):
        options.refuse("--series is for whole pictures: leave out --masks and --frames")


def _check_places(options: argparse.Namespace) -> None:
    """The same for what belongs to one machine or to many."""
    if options.cluster and options.jobs is not None:
        options.refuse("--jobs: not with --cluster, whose workers are as many as you started; leave it out")
    remote = [path for path in (options.input, options.output, options.masks) if path and is_remote(path)]
    if remote and not options.cluster:
        options.refuse(f"{remote[0]}: URLs only with --cluster; name a folder")
    if remote and (wrong := _list_given(options, ("series", "dry_run", "plan", "frames"))):
        options.refuse(f"{wrong}: not with URLs; name folders that all machines share")


def _list_given(options: argparse.Namespace, names: Iterable[str]) -> str:
    """Which of some options without a default were given, as they are typed."""
    given = (name for name in names if getattr(options, name) is not None and getattr(options, name) is not False)
    return ", ".join(f"--{name.replace('_', '-')}" for name in given)


class _Wish:
    """What is asked for: by a row of a plan, where that says so, else by the command line."""

    def __init__(self, options: argparse.Namespace, row: Wish | None = None) -> None:
        own = "harmonize" if options.harmonize else "retouch" if options.retouch else "edit"
        is_other = bool(row and row.direction) and own != "edit"
        self.tool = (row.tool if row else "") or ("edit" if is_other else own)
        self.direction = (row.direction if row else "") or options.direction or ""
        self.strength = options.strength if row is None or row.strength is None else row.strength


def _make_request(options: argparse.Namespace, wish: _Wish) -> Request:
    """What is asked.  Raises RequestError, or UserError where there is no such style."""
    if wish.tool == "harmonize":
        return _make_harmony_request(options, wish.strength)
    names = NAMES if options.edits is None else [name.strip() for name in options.edits.split(",")]
    if wish.tool == "retouch":
        return _make_retouch_request(options, wish.strength, frozenset(names))
    request = EditRequest(
        wish.direction,
        wish.strength,
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


def _make_retouch_request(options: argparse.Namespace, strength: float, kinds: frozenset[str]) -> EditRequest:
    """What is asked of retouches.  Raises RequestError, or UserError where there is no such style."""
    style = options.style or Look.NEUTRAL.value
    look, saved = (style, "") if style in LOOKS else (Look.NEUTRAL.value, style)
    edge = Edge.AS_SELECTED
    request = EditRequest(RETOUCH, strength, kinds=kinds, style=saved, tool=RETOUCH, look=look, edge=edge)
    request.find_style()  # as for edits
    return request


def _make_harmony_request(options: argparse.Namespace, strength: float) -> HarmonyRequest:
    """What is asked of harmonies.  Raises UserError where there is no such style."""
    colour, shading = (100.0 if each is None else each for each in (options.colour, options.shading))
    request = HarmonyRequest(strength, colour, shading, options.style or "")
    try:
        HarmonyRequest.from_job(request.to_job())
    except HarmonyError as error:
        raise RequestError(str(error)) from error
    request.find_style()  # as for edits
    return request
