# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit costs beside its parts, held against what it cost before.

`python -m model_server benchmark --short --json tests/costs.json` writes the figures to compare with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_server.benchmark.figures import Figure, time_side_by_side, write_table
from tests.conftest import PROJECT, GimpForTests

COSTS = PROJECT / "tests" / "costs.json"
WORSE = 1.5  # times


def ratios(file: Path) -> dict[str, dict[str, Any]]:
    figures = json.loads(file.read_text(encoding="utf-8"))["figures"]
    return {figure["name"]: figure for figure in figures if figure["unit"] == "×"}


@pytest.mark.alone
@pytest.mark.thorough
def test_no_ratio_is_much_worse_than_it_was(gimp32: GimpForTests, tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    command = [sys.executable, "-m", "model_server", "benchmark", "--short", "--json", str(file)]
    env = {**os.environ, "GIMP_SALIENCY_GIMP": str(gimp32.gimp.location)}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    now, before = ratios(file), ratios(COSTS)
    assert set(now) == set(before)
    for name, figure in now.items():
        worse = figure["value"] / before[name]["value"]
        if figure["more_is_better"]:
            worse = 1 / worse
        assert worse < WORSE, f"{name}: {figure['value']:.2f}, it was {before[name]['value']:.2f}"


def test_table_names_what_was_missed() -> None:
    figures = [
        Figure("quick", 1.25, "×", 1.5),
        Figure("slow", 3, "s", 0.5),
        Figure("many", 7.5, "×", 8, more_is_better=True),
        Figure("size", 14.54, "MB"),
    ]
    assert [figure.is_met() for figure in figures] == [True, False, False, None]
    assert write_table(figures).splitlines()[2:] == [
        "| quick | 1.25 × | ≤ 1.50 × | met |",
        "| slow | 3.00 s | ≤ 0.50 s | missed |",
        "| many | 7.50 × | ≥ 8.00 × | missed |",
        "| size | 14.5 MB |  |  |",
    ]


def test_works_take_turns() -> None:
    turns: list[str] = []
    medians = time_side_by_side({name: lambda name=name: turns.append(name) for name in "ab"}, 2)
    assert turns == [*"aaaaabbbbb"] * 2
    assert set(medians) == {"a", "b"} and all(seconds >= 0 for seconds in medians.values())
