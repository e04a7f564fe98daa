# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "edit sample photographs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the command."""
    parser.add_argument("--output", type=Path, default=Path("gimp-saliency-demo"), metavar="DIR")


def run(options: argparse.Namespace) -> int:
    """Edit them and say where the pictures are."""
    from model_server.demo import run as demo

    return demo.main(["--output", str(options.output)])
