# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency stop`."""

from __future__ import annotations

import argparse

from gimp_saliency.shared.client import lifecycle

HELP = "stop the model server"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> int:
    """Stop the server, by force if it does not obey."""
    print("The model server has stopped." if lifecycle.stop(kill=True) else "No model server runs.")
    return 0
