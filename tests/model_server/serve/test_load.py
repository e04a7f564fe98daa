# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients, many hours' work, and what a busy server says of itself.

GIMP_SALIENCY_LOAD_SECONDS=600 lets the 32 clients ask for ten minutes instead of one.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gimp_saliency.shared.choices import Edge, Ranking
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.request import EditRequest
from tests.model_server.processes import REAL_SERVER, StartServer, memory_at_rest, wait_for
from tests.model_server.serve.wire import exchange, whole

SECONDS = float(os.environ.get("GIMP_SALIENCY_LOAD_SECONDS", "60"))
CLIENTS = 32
EDITS = 10_000

Question = Callable[[], Any]


@pytest.fixture
def server(start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A real server's process id."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    process = start_server(command=REAL_SERVER)
    wait_for(lambda: (lifecycle.ask_health() or {}).get("state") == "ready")
    yield process.pid
    assert process.poll() is None


def picture(seed: int, width: int, height: int) -> bytes:
    """Something with light, shade and colours, and a round region of its own."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (5, 7, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = random.integers(-8, 9, (height, width, 3))
    pixels = np.clip(np.asarray(smooth).astype(int) + grain, 0, 255).astype(np.uint8)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    centre = random.uniform(0.3, 0.7, 2)
    mask = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 < 0.06).astype(np.uint8) * np.uint8(255)
    return np.dstack([pixels, mask]).tobytes()


def timeless(answer: dict[str, Any]) -> str:
    """All of an answer but how long it took."""
    return json.dumps({**answer, "milliseconds": 0, "map": str(answer.get("map"))})


def questions_of(client: int) -> list[Question]:
    """What a window asks, for a picture of the client's own."""
    width, height = 384, 256
    pixels = picture(client, width, height)
    rgb = np.frombuffer(pixels, np.uint8).reshape(-1, 4)[:, :3].tobytes()
    direction = ("attenuate", "emphasize")[client % 2]
    styles = None if client % 2 else client
    return [
        lambda: timeless(questions.ask_edits(pixels, width, height, EditRequest(direction))),
        lambda: timeless(questions.ask_look(pixels, width, height, rgb)),
        lambda: questions.ask_edge(pixels, width, height, Edge.OBJECT, 0.0),
        lambda: timeless(questions.ask_harmony(pixels, width, height)),
        lambda: timeless(questions.ask_harmonies(pixels, width, height, None, (), client)),
        lambda: repr(questions.ask_retouch(pixels, width, height, True, (rgb, width, height))),
        lambda: questions.ask_refined(pixels, width, height, 8),
        lambda: timeless(
            questions.ask_edits(pixels, width, height, EditRequest(direction, 50.0, ranking=Ranking.RANDOM))
        ),
        lambda: questions.ask_saliency(rgb, width, height),
        lambda: timeless(questions.ask_proposals(pixels, width, height, EditRequest(direction), seed=styles)),
        lambda: timeless(questions.ask_edits(pixels, width, height, EditRequest(direction, background=True))),
    ]


class Client:
    """Asks one thing after the other.  Each answer must stay the first one to its question."""

    def __init__(self, number: int) -> None:
        asked = list(enumerate(questions_of(number)))
        first = number % len(asked)
        self._questions = cycle(asked[first:] + asked[:first])
        self._answers: dict[int, Any] = {}
        self.waits: list[float] = []

    def ask_until(self, end: float) -> None:
        """Ask as fast as the answers come."""
        while (before := time.monotonic()) < end:
            number, question = next(self._questions)
            answer = question()
            self.waits.append(time.monotonic() - before)
            assert self._answers.setdefault(number, answer) == answer


def peak(pid: int) -> float:
    """The most resident memory that a process had since the last look, in MB."""
    process = Path(f"/proc/{pid}")
    lines = (process / "status").read_text(encoding="ascii").splitlines()
    (process / "clear_refs").write_text("5")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


@pytest.mark.alone
@pytest.mark.thorough
@pytest.mark.timeout(900 + SECONDS)
def test_many_clients_at_once(server: int) -> None:
    """The first half against the second, in periods that begin when the server has given back what it can."""
    clients = [Client(number) for number in range(CLIENTS)]
    period = min(20.0, SECONDS / 6)
    peaks, rests = [], []  # MB, of each period
    for _period in range(round(SECONDS / period)):
        peak(server)
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(Client.ask_until, clients, CLIENTS * [time.monotonic() + period]))
        peaks.append(peak(server))
        rests.append(memory_at_rest(server))
    means = sorted(mean(client.waits) for client in clients)
    print(f"{sum(len(client.waits) for client in clients)} answers to {CLIENTS} clients in {SECONDS:.0f} s")
    print(f"longest wait {max(max(client.waits) for client in clients):.2f} s")
    print(f"mean wait: median client {median(means):.3f} s, slowest client {means[-1]:.3f} s")
    print(f"peaks: {', '.join(f'{size:.1f}' for size in peaks)} MB")
    print(f"at rest: {', '.join(f'{size:.1f}' for size in rests)} MB")
    assert means[-1] < 3 * median(means)
    assert median(peaks[3:]) - median(peaks[:3]) < 5  # the typical peak; a single one is chance
    assert rests[-1] - rests[2] < 5


def health_waits(seconds: float) -> list[float]:
    """How long the server took to say how it is, asked every few milliseconds; in milliseconds, the longest last."""
    waits = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = time.monotonic()
        assert whole(exchange(b"GET /v1/health HTTP/1.1\r\n\r\n")).status == 200
        waits.append(1000 * (time.monotonic() - before))
        time.sleep(0.005)
    return sorted(waits)


@pytest.mark.alone
@pytest.mark.thorough
def test_health_waits_for_no_prediction(server: int) -> None:
    """While predictions run one after the other.

    A server that blocks does so every time, a machine that is busy otherwise does not: the best of three rounds counts.
    """
    pixels = picture(0, 384, 384)
    over = threading.Event()

    def predict() -> int:
        number = 0
        while not over.is_set():
            questions.ask_proposals(pixels, 384, 384, EditRequest("attenuate"))
            number += 1
        return number

    longest: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        predictions = pool.submit(predict)
        try:
            while len(longest) < 3 and not (longest and min(longest) < 50):
                waits = health_waits(20)
                longest.append(waits[-1])
                typical, most = waits[len(waits) // 2], waits[-len(waits) // 100]
                print(f"{len(waits)} health checks: {typical:.1f} ms in the median,", end=" ")
                print(f"99 % within {most:.1f} ms, {waits[-1]:.1f} ms at most")
        finally:
            over.set()
        print(f"{predictions.result()} predictions meanwhile")
    assert min(longest) < 50


@pytest.mark.alone
@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_the_last_of_many_edits_is_the_first(server: int) -> None:
    """Ten thousand edits in one life.  Most are of narrow pictures, which are small to the networks."""
    photos = [picture(seed, 384, 256) for seed in range(4)]
    strips = [picture(seed, 384, 24) for seed in range(16)]
    orders = ("best-realism", "random", "best-saliency", "variant-1")

    def edits(pixels: bytes, height: int, number: int) -> str:
        direction = ("attenuate", "emphasize")[number % 2]
        return timeless(
            questions.ask_edits(pixels, 384, height, EditRequest(direction, ranking=Ranking(orders[number // 2 % 4])))
        )

    def photographs() -> list[str]:
        return [edits(pixels, 256, number) for pixels in photos for number in range(8)]

    first = photographs()
    asked = len(first)
    known: dict[tuple[int, int], str] = {}
    before, started = memory_at_rest(server), time.monotonic()
    while asked < EDITS - len(first):
        # "random" is one prediction, the other orders take several.
        number = 2 + asked % 2 if asked % 50 else asked // 50 % 8
        strip = asked % 16
        answer = edits(strips[strip], 24, number)
        assert known.setdefault((strip, number), answer) == answer
        asked += 1
    assert photographs() == first
    asked += len(first)
    seconds, after = time.monotonic() - started, memory_at_rest(server)
    print(f"{asked} edits, {seconds:.0f} s, memory {before:.1f} to {after:.1f} MB")
    assert asked == EDITS and after - before < 5
