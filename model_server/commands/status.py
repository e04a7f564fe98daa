# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency status`."""

from __future__ import annotations

import argparse

from gimp_saliency.shared.client import lifecycle

HELP = "say whether the model server runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> int:
    """Print what the server says of itself; 1 if none runs."""
    found = lifecycle.ask_health()
    if found is None:
        print("No model server runs; GIMP starts it when it needs it.")
        return 1
    networks = found.pop("networks", {})
    for name, value in found.items():
        print(f"{name}: {value}")
    for name, facts in networks.items():
        print(f"{name}: {facts['bytes']} bytes, sha256 {facts['sha256']}…")
    return 0
