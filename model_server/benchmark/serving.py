# SPDX-License-Identifier: GPL-3.0-or-later
"""The server by itself: until its first answer, and what it holds."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.request import EditRequest
from model_server.benchmark import pictures
from model_server.benchmark.figures import Figure
from model_server.gimp import plugin_copy, start_command
from model_server.predict.networks import NETWORKS

_CALM = 1.5  # seconds after which the server has given back what it does not need
_MB = 1e6


def measure(starts: int, requests: int) -> list[Figure]:
    """Start to first answer, memory before and after requests, sizes on disk."""
    picture = pictures.make_request()
    height, width = picture.shape[:2]
    pixels = picture.tobytes()
    waits = []
    for _ in range(starts):
        with run_server(start=False):
            begin = time.perf_counter()
            questions.ask_edits(pixels, width, height, EditRequest("attenuate", ranking=Ranking("random")))
            waits.append(time.perf_counter() - begin)
    with run_server():
        questions.ask_edits(pixels, width, height, EditRequest("attenuate", ranking=Ranking("best-realism")))
        idle = _measure_memory()
        for number in range(requests):
            order = "best-realism" if number % 10 == 0 else "random"
            questions.ask_edits(pixels, width, height, EditRequest("attenuate", ranking=Ranking(order)))
        after = _measure_memory()
    package = NETWORKS.parent
    own = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    own = [path for path in own if not path.is_relative_to(package / "training")]  # which nobody installs
    installed = sum(path.stat().st_size for path in [*own, *plugin_copy.list_files().values()])
    networks = sum(path.stat().st_size for path in NETWORKS.iterdir())
    return [
        Figure("server: start to first answer", statistics.median(waits), "s", 0.5),
        Figure("server: memory when idle", idle / _MB, "MB", 120),
        Figure(f"server: memory gained by {requests} requests", (after - idle) / _MB, "MB", 5),
        Figure("disk: plug-in and server without Python packages", installed / _MB, "MB", 25),
        Figure("disk: networks", networks / _MB, "MB", 20),
    ]


@contextmanager
def run_server(start: bool = True) -> Iterator[None]:
    """A server of the benchmark's own, with a folder that goes.  Not start: the first question starts it."""
    with (
        tempfile.TemporaryDirectory(prefix="gs-") as folder,  # short, as a socket's path must be
        set_environment(GIMP_SALIENCY_RUNTIME=f"{folder}/run", XDG_STATE_HOME=f"{folder}/state"),
    ):
        lifecycle.start_command = start_command.own_command()
        try:
            if start:
                lifecycle.start()
            yield
        finally:
            lifecycle.stop(kill=True)


@contextmanager
def set_environment(**mine: str) -> Iterator[None]:
    """These environment variables for a while."""
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _measure_memory() -> int:
    """Bytes of the server at rest."""
    time.sleep(_CALM)
    health = lifecycle.ask_health()
    return int(health["memory"]) if health else 0
