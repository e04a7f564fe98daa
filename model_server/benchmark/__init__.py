# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency benchmark`: what an edit costs, as ratios of two things measured side by side."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path


def run_benchmark(parts: tuple[str, ...], short: bool, file: Path | None) -> None:
    """Measure, print the table, and write it as JSON too if a file is named.

    parts: of "prediction", "server" and "gimp".  short: fewer rounds, neither composition nor batches.  Raises
    GimpError or ServerError.
    """
    # Here, so that the other commands need not load what they do not use.
    from model_server.benchmark import figures, in_gimp, prediction, serving

    found: list[figures.Figure] = []
    if "prediction" in parts:
        found += prediction.measure(rounds=15 if short else 60)
    if "server" in parts:
        found += serving.measure(starts=3 if short else 9, requests=100 if short else 1000)
    if "gimp" in parts:
        found += in_gimp.measure(rounds=3 if short else 9, short=short)
    print(f"On {figures.describe_machine()}:\n\n{figures.write_table(found)}")
    if file:
        content = {"machine": figures.describe_machine(), "figures": [asdict(figure) for figure in found]}
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
