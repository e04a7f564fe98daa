# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pictures a minute a folder's run edits, with GIMPs of one command and with workers of a cluster.

GIMP_SALIENCY_GIMP=... python -m tests.gimp.folder_rates --pictures 40
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from PIL import Image

from gimp_saliency.shared.request import EditRequest
from model_server.batch.cluster import ClusterRunner
from model_server.batch.jobs import Done, Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.runner import Runner
from model_server.gimp.find import find_gimp
from tests.gimp.batch_folder import photo, rectangle

SIZE = 1200, 1600  # height and width in px
FIRST = 4  # pictures that are not measured: GIMPs and server start
REQUEST = EditRequest("attenuate")


def fill(folder: Path, number: int) -> None:
    """Make so many pictures, each with a mask."""
    for name in ("in", "masks"):
        (folder / name).mkdir()
    for each in range(number):
        Image.fromarray(photo(*SIZE, seed=each)).save(folder / "in" / f"p{each}.jpg", quality=92)
        Image.fromarray(rectangle(*SIZE)).save(folder / "masks" / f"p{each}.png")


def measure(folder: Path, runner: Runner | ClusterRunner) -> float:
    """Pictures a minute."""
    jobs = find_jobs(folder / "in", Source(MaskFolder(folder / "masks")), folder / "out", None)
    ends = []
    with runner:
        for result in runner.run(jobs):
            assert isinstance(result, Done), result
            ends.append(time.perf_counter())
    shutil.rmtree(folder / "out")
    return (len(ends) - FIRST) / (ends[-1] - ends[FIRST - 1]) * 60


def main() -> None:
    parser = argparse.ArgumentParser(description="How many pictures a minute a folder's run edits.")
    parser.add_argument("--pictures", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, options.pictures)
        rates = {}
        for workers in (1, 2):
            gimps = Runner.with_gimps(find_gimp(), workers, 300, REQUEST, folder / "out")
            rates[f"--jobs {workers}"] = measure(folder, gimps)
            cluster = ClusterRunner(f"local:{workers}", REQUEST, folder / "out", 300)
            rates[f"--cluster local:{workers}"] = measure(folder, cluster)
    for name, rate in rates.items():
        print(f"{name}: {rate:.1f} pictures a minute")
    for kind in ("--jobs ", "--cluster local:"):
        print(f"two workers against one, {kind.strip()}: {rates[f'{kind}2'] / rates[f'{kind}1']:.2f} ×")
    for workers in (1, 2):
        ratio = rates[f"--jobs {workers}"] / rates[f"--cluster local:{workers}"]
        print(f"--jobs {workers} against --cluster local:{workers}: {ratio:.2f} ×")


if __name__ == "__main__":
    main()
