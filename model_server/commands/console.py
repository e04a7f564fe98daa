# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any


def fail(sentence: str) -> int:
    """Say why a command failed; its exit code."""
    print(f"gimp-saliency: {sentence}", file=sys.stderr)
    return 1


def make_number_type(low: float, high: float, kind: Callable[[str], float] = float) -> Callable[[str], Any]:
    """An argument's type: a number within a range."""

    def number(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"it must be from {low:g} to {high:g}")
        return value

    return number
