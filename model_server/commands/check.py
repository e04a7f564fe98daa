# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency check`."""

from __future__ import annotations

import argparse

HELP = "say what of the installation works, and what to do about the rest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> int:
    """Print a line for each thing that was checked; 1 if one does not work."""
    from model_server.installer import check

    good = True
    for name, works, details in check.run_checks():
        print(f"{'ok    ' if works else 'FAILED'}  {name}: {details}", flush=True)
        good = good and works
    return 0 if good else 1
