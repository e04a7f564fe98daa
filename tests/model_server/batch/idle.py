# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for GIMP on the workers of a cluster; and what a million pictures cost a run.

python -m tests.model_server.batch.idle --pictures 1000000
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gimp_saliency.shared.request import EditRequest
from model_server.batch.cluster import ClusterRunner
from model_server.batch.failures import JobError
from model_server.batch.gimp_worker import Outcome
from model_server.batch.jobs import Done, Job, Order, Request

REQUEST = EditRequest("attenuate")


class Idle:
    """A worker that writes a few bytes, or fails, by the picture's name."""

    def do(self, order: Order) -> Outcome:
        name = order.picture.name
        if "bad" in name:
            raise JobError("Do something else.")
        if "killer" in name:
            os._exit(9)
        if "once" in name and not order.picture.with_suffix(".seen").exists():
            order.picture.with_suffix(".seen").touch()
            os._exit(9)
        if "slow" in name:
            time.sleep(0.2)
        order.output.write_text(f"{name} {os.getpid()}")
        return Outcome()

    def close(self) -> None:
        pass


def make_idle(request: Request, limit: float) -> Idle:
    """As `cluster_worker.Make`."""
    return Idle()


def list_jobs(number: int, output: Path) -> Iterator[Job]:
    """Whole pictures that are nowhere, made one by one."""
    for each in range(number):
        name = f"p{each}.jpg"
        yield Job(Path("in", name), (), output / name, is_whole=True, name=name)


def count_done(runner: ClusterRunner, number: int, output: Path) -> int:
    """Do so many jobs and remove their results; how many were done."""
    done = 0
    for result in runner.run(list_jobs(number, output)):
        done += isinstance(result, Done)
        result.job.output.unlink(missing_ok=True)
    return done


def measure(number: int, workers: int) -> tuple[float, float, float]:
    """Of a run of so many pictures: ms a picture, the client's own ms a picture, by how many MB its memory grew."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        with ClusterRunner(f"local:{workers}", REQUEST, output, 60, make=make_idle, check_versions=False) as runner:
            done = count_done(runner, number // 10, output)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            begin, own = time.perf_counter(), time.process_time()
            done += count_done(runner, number, output)
            took, used = time.perf_counter() - begin, time.process_time() - own
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert done == number + number // 10
    return took / number * 1000, used / number * 1000, grown / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What handing out pictures costs.")
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    took, own, grown = measure(options.pictures, options.workers)
    print(
        f"{options.pictures} pictures: {took:.3f} ms each, the client {own:.3f} ms; its memory grew by {grown:.1f} MB"
    )
