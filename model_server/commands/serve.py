# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency serve`: the model server itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from gimp_saliency.shared import settings
from model_server.commands.console import fail

HELP = "run the model server (GIMP starts it itself)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the command."""
    parser.add_argument(
        "--idle", type=float, metavar="SECONDS", help="end after so long without work (default: the settings')"
    )
    parser.add_argument("--networks", type=Path, metavar="FOLDER", help="other networks than the shipped ones")


def run(options: argparse.Namespace) -> int:
    """Serve until stopped or idle."""
    # One thread each: a prediction is short, and the memory of more threads would be held for nothing.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from model_server.serve import process
    from model_server.serve.loading import load_predictor

    idle = 60.0 * settings.load().idle_minutes if options.idle is None else options.idle
    try:
        if not process.serve(lambda: load_predictor(options.networks), idle):
            print("The model server runs already.")
    except process.StartError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"The model server cannot use its folder ({error}); free some space or set GIMP_SALIENCY_RUNTIME.")
    return 0
