# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency benchmark`."""

from __future__ import annotations

import argparse
from pathlib import Path

from model_server.commands.console import fail

HELP = "measure what an edit costs on this machine"
_PARTS = ("prediction", "server", "gimp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the command."""
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS, help="(default: all)")
    parser.add_argument("--short", action="store_true", help="fewer rounds, neither composition nor batches")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")


def run(options: argparse.Namespace) -> int:
    """Measure, and print the table."""
    from model_server import benchmark
    from model_server.gimp.running import GimpError

    try:
        benchmark.run_benchmark(tuple(options.only), options.short, options.json)
    except GimpError as error:
        return fail(str(error))
    return 0
