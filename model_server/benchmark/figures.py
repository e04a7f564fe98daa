# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures, their targets, and the table that shows them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TURN = 4  # calls that count


@dataclass(frozen=True)
class Figure:
    """One measured number.  A ratio says the same on any machine; what has a unit is this machine's."""

    name: str
    value: float
    unit: str = "×"
    target: float | None = None
    more_is_better: bool = False

    def is_met(self) -> bool | None:
        """Whether the target is reached, None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target


def time_side_by_side(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each work, in turns, so that other load on the machine meets all of them alike.

    The first call of a turn finds another work's data in the processor's caches, and counts not.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            work()
            for _ in range(_TURN):
                start = time.perf_counter()
                work()
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def write_table(figures: list[Figure]) -> str:
    """All figures as Markdown."""
    lines = ["| figure | measured | target | |", "|---|---:|---:|---|"]
    for figure in figures:
        sign = "≥" if figure.more_is_better else "≤"
        target = "" if figure.target is None else f"{sign} {_write_number(figure.target, figure.unit)}"
        verdict = {None: "", True: "met", False: "missed"}[figure.is_met()]
        lines.append(f"| {figure.name} | {_write_number(figure.value, figure.unit)} | {target} | {verdict} |")
    return "\n".join(lines)


def describe_machine() -> str:
    """Processor, cores and load, for people."""
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        facts = []
    names = [line.partition(":")[2].strip() for line in facts if line.startswith("model name")]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores of {names[0] if names else 'an unknown processor'}{load}"


def _write_number(value: float, unit: str) -> str:
    digits = 0 if unit == "ms" and value >= 100 else 1 if unit in ("ms", "MB") else 2
    return f"{value:.{digits}f} {unit}"
