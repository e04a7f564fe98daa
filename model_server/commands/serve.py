# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency serve`: the model server itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

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

    idle = 60.0 * settings.load().idle_minutes if options.idle is None else options.idle
    try:
        if not process.serve(lambda: load_predictor(options.networks), idle):
            print("The model server runs already.")
    except process.StartError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"The model server cannot use its folder ({error}); free some space or set GIMP_SALIENCY_RUNTIME.")
    return 0


def load_predictor(networks: Path | None) -> Any:
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
        from model_server.predict.attention import NetworkError, Predictor
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
