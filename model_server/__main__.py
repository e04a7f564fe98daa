# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `gimp-saliency`.

Each command imports what it needs when it runs, so that `serve` starts in a fraction of a second.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plugin.saliency import connection, settings

_PARTS = ("prediction", "server", "gimp")  # of the benchmark


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 failed, 2 wrong usage, 130 ended by Ctrl+C."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    options.for_gimp = rest
    if rest and options.command is not _gimp:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return options.command(options)
    except connection.ServerError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130


def _fail(sentence: str) -> int:
    print(f"gimp-saliency: {sentence}", file=sys.stderr)
    return 1


def _serve(options: argparse.Namespace) -> int:
    # One thread each: a prediction is short, and the memory of more threads would be held for nothing.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from model_server import server

    idle = 60.0 * settings.load().idle_minutes if options.idle is None else options.idle
    try:
        if not server.serve(lambda: _load(options.networks), idle):
            print("The model server runs already.")
    except server.StartError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"The model server cannot use its folder ({error}); free some space or set GIMP_SALIENCY_RUNTIME.")
    return 0


def _load(networks: Path | None) -> Any:
    """The predictor.  What it raises has one sentence for the user."""
    try:
        return _predictor(networks)
    except Exception as error:
        if _lacks_memory(error):
            sentence = "There is not enough memory for the networks; close other programs and try again."
            raise RuntimeError(sentence) from error
        raise


def _predictor(networks: Path | None) -> Any:
    try:
        from model_server.predictor import NetworkError, Predictor
    except ImportError as error:
        raise RuntimeError(f"The model server's packages are incomplete ({error}); run install.sh again.") from error
    try:
        return Predictor(networks) if networks else Predictor()
    except NetworkError:
        raise
    except Exception as error:
        reason = type(error).__name__
        raise RuntimeError(f"The networks cannot be loaded ({reason}); run «gimp-saliency check».") from error


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether that, or what led to it, was a lack of memory, in the words of Python, C++ or the loader of libraries."""
    words = ("bad_alloc", "failed to map segment", "Cannot allocate memory", "can't start new thread")
    while error:
        if isinstance(error, MemoryError) or any(word in str(error) for word in words):
            return True
        error = error.__cause__
    return False


def _stop(options: argparse.Namespace) -> int:
    print("The model server has stopped." if connection.stop(kill=True) else "No model server runs.")
    return 0


def _status(options: argparse.Namespace) -> int:
    found = connection.health()
    if found is None:
        print("No model server runs; GIMP starts it when it needs it.")
        return 1
    networks = found.pop("networks", {})
    for name, value in found.items():
        print(f"{name}: {value}")
    for name, facts in networks.items():
        print(f"{name}: {facts['bytes']} bytes, sha256 {facts['sha256']}…")
    return 0


def _check(options: argparse.Namespace) -> int:
    from model_server import check

    good = True
    for name, works, details in check.run():
        print(f"{'ok    ' if works else 'FAILED'}  {name}: {details}", flush=True)
        good = good and works
    return 0 if good else 1


def _gimp(options: argparse.Namespace) -> int:
    from model_server import gimp

    if not options.console and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return _fail("There is no display for GIMP's window; use --console, or `gimp-saliency batch`.")
    try:
        with gimp.find().start(*options.for_gimp, console=options.console) as process:
            return process.wait()
    except gimp.GimpError as error:
        return _fail(str(error))


def _demo(options: argparse.Namespace) -> int:
    from model_server import demo

    return demo.main(["--output", str(options.output)])


def _benchmark(options: argparse.Namespace) -> int:
    from model_server import benchmark, gimp

    try:
        benchmark.run(tuple(options.only), options.short, options.json)
    except gimp.GimpError as error:
        return _fail(str(error))
    return 0


def _batch(options: argparse.Namespace) -> int:
    from model_server import batch, gimp
    from plugin.saliency import styles
    from plugin.saliency.errors import UserError

    around = options.background_strength
    if around is not None and not options.background:
        return _fail("--background-strength counts only with --background; add that.")
    strengths = options.strength, options.background, 100.0 if around is None else around
    edit = batch.Edit(options.direction, options.order, *strengths, options.style)
    try:
        styles.numbers(options.style)  # before a GIMP is started for nothing
        jobs = batch.find_jobs(options.input, options.masks, options.output, options.format, options.frames)
        todo = [job for job in jobs if not (options.resume and job.output.exists())]
        limits = options.jobs, options.time_limit, options.resume
        failed = batch.run(gimp.find(), todo, edit, *limits) if todo else {}
    except (batch.BatchError, gimp.GimpError, UserError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        print("\nStopped; the same command with --resume goes on.", file=sys.stderr)
        return 130
    skipped = f", {len(jobs) - len(todo)} were finished before" if len(todo) < len(jobs) else ""
    print(f"{len(todo) - len(failed)} pictures edited, {len(failed)} failed{skipped}.")
    return 1 if failed else 0


def _number(low: float, high: float, kind: Callable[[str], float] = float) -> Callable[[str], Any]:
    """An argument's type: a number within a range."""

    def number(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"it must be from {low:g} to {high:g}")
        return value

    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gimp-saliency", description="Edits photographs in GIMP so that they draw the viewer's eye elsewhere."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {connection.VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="run the model server (GIMP starts it itself)")
    serve.add_argument(
        "--idle", type=float, metavar="SECONDS", help="end after so long without work (default: the settings')"
    )
    serve.add_argument("--networks", type=Path, metavar="FOLDER", help="other networks than the shipped ones")
    serve.set_defaults(command=_serve)

    stop = commands.add_parser("stop", help="stop the model server")
    stop.set_defaults(command=_stop)

    status = commands.add_parser("status", help="say whether the model server runs")
    status.set_defaults(command=_status)

    check = commands.add_parser("check", help="say what of the installation works, and what to do about the rest")
    check.set_defaults(command=_check)

    batch = commands.add_parser("batch", help="edit a folder of pictures")
    batch.add_argument("input", type=Path, metavar="IN", help="the folder of pictures")
    batch.add_argument("output", type=Path, metavar="OUT", help="the folder for the results, made where it is missing")
    batch.add_argument("--direction", choices=("attenuate", "emphasize"), required=True)
    batch.add_argument(
        "--masks", type=Path, metavar="DIR", required=True, help="DIR/<name>.png or DIR/<name>__<k>.png; white = region"
    )
    batch.add_argument("--strength", type=_number(0, 150), default=100.0, help="percent, 0 to 150 (default: 100)")
    batch.add_argument("--order", choices=("best-realism", "best-saliency", "random"), default="best-realism")
    batch.add_argument("--background", action="store_true", help="also edit what surrounds the regions")
    batch.add_argument(
        "--background-strength",
        type=_number(0, 150),
        metavar="PERCENT",
        help="of the background's edits, 0 to 150 (default: 100)",
    )
    batch.add_argument("--style", default="", metavar="NAME", help="a style saved in GIMP (default: the plain one)")
    batch.add_argument("--format", choices=("png", "jpg", "tif", "xcf"), help="(default: the picture's own, or png)")
    batch.add_argument(
        "--frames",
        action="store_true",
        help="moving pictures: NAME_0001.png, NAME_0002.png, … and animated GIFs and WebPs get the same numbers in all "
        "frames; a frame without a mask has the nearest earlier frame's, or DIR/NAME.png",
    )
    batch.add_argument("--jobs", type=_number(1, 64, int), default=1, help="GIMP processes at once (default: 1)")
    batch.add_argument("--resume", action="store_true", help="skip pictures whose result is there")
    batch.add_argument(
        "--time-limit", type=_number(1, 86400), default=300.0, metavar="SECONDS", help="for a picture (default: 300)"
    )
    batch.set_defaults(command=_batch)

    gimp = commands.add_parser(
        "gimp",
        help="start the GIMP that the other commands use",
        usage="%(prog)s [-h] [--console] [pictures and options for GIMP]",
    )
    gimp.add_argument("--console", action="store_true", help="without a window")
    gimp.set_defaults(command=_gimp)

    benchmark = commands.add_parser("benchmark", help="measure what an edit costs on this machine")
    benchmark.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS, help="(default: all)")
    benchmark.add_argument("--short", action="store_true", help="fewer rounds, and no batches")
    benchmark.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    benchmark.set_defaults(command=_benchmark)

    demo = commands.add_parser("demo", help="edit sample photographs")
    demo.add_argument("--output", type=Path, default=Path("gimp-saliency-demo"), metavar="DIR")
    demo.set_defaults(command=_demo)
    return parser


if __name__ == "__main__":
    sys.exit(main())
