# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency gimp`: GIMP itself, for the private one above all, which is on no menu."""

from __future__ import annotations

import argparse
import os

from model_server.commands.console import fail

HELP = "start the GIMP that the other commands use"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the command; all others are GIMP's."""
    parser.usage = "%(prog)s [-h] [--console] [pictures and options for GIMP]"
    parser.add_argument("--console", action="store_true", help="without a window")


def run(options: argparse.Namespace) -> int:
    """Run GIMP until it ends; its exit code."""
    from model_server.gimp.find import find_gimp
    from model_server.gimp.running import GimpError

    if not options.console and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return fail("There is no display for GIMP's window; use --console, or `gimp-saliency batch`.")
    try:
        with find_gimp().start(*options.for_gimp, console=options.console) as process:
            return process.wait()
    except GimpError as error:
        return fail(str(error))
