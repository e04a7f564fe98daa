# SPDX-License-Identifier: GPL-3.0-or-later
"""Malformed requests, slow senders and idle connections: each gets its status, and nobody else notices.

GIMP_SALIENCY_FUZZ=<number> sends another number of malformed requests than the 50,000 of the thorough run.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from gimp_saliency.shared.choices import Edge
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.request import EditRequest
from tests.model_server.processes import REAL_SERVER, StartServer, memory_at_rest, threads, wait_for
from tests.model_server.serve.hostile import malformed
from tests.model_server.serve.wire import EDITS, LOOK, PICTURE, REFINE, dial, exchange, post, received, status, whole

pytestmark = pytest.mark.alone

LIMIT = 5.0  # seconds until a refusal
THOROUGH = int(os.environ.get("GIMP_SALIENCY_FUZZ", "50000"))
CLIENTS = 8


@pytest.fixture
def server(start_server: StartServer) -> Iterator[int]:
    """A server's process id; at the end it must answer as at the start, and hold no connection."""
    process = start_server(command=REAL_SERVER)
    wait_for(lambda: (lifecycle.ask_health() or {}).get("state") == "ready")
    before = _good_answers()
    yield process.pid
    assert _good_answers() == before
    assert process.poll() is None
    wait_for(lambda: threads(process.pid) < 12)


def _good_answers() -> list[object]:
    edits = questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate"))
    proposals = questions.ask_proposals(PICTURE, 16, 16, EditRequest("emphasize", background=True), seed=3)
    look = questions.ask_look(PICTURE, 16, 16, PICTURE[:768])
    harmonies = [questions.ask_harmony(PICTURE, 16, 16, each) for each in (None, PICTURE[:256])]
    harmonies.append(questions.ask_harmonies(PICTURE, 16, 16, None, (), 7))
    return [
        *({**found, "milliseconds": 0} for found in (edits, proposals, look, *harmonies)),
        questions.ask_edge(PICTURE, 16, 16, Edge.AUTOMATIC, 0.0),
        questions.ask_refined(PICTURE, 16, 16, 4),
        questions.ask_saliency(PICTURE[:768], 16, 16),
    ]


def _send(seed: int, number: int) -> tuple[Counter[int], float]:
    """Send requests until that number was refused: how often which status came, and the longest wait for a refusal.

    A few are good after all; these wait for the networks.
    """
    random = Random(seed)
    codes: Counter[int] = Counter()
    slowest = 0.0
    while sum(codes.values()) - codes[200] < number:
        data = malformed(random)
        before = time.monotonic()
        answer = exchange(data)
        seconds = time.monotonic() - before
        code = whole(answer, data).status
        codes[code] += 1
        if code != 200:
            slowest = max(slowest, seconds)
    return codes, slowest


def _fuzz(pid: int, number: int, seed: int) -> tuple[Counter[int], float]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        parts = list(pool.map(lambda client: _send(seed + client, -(-number // CLIENTS)), range(CLIENTS)))
    return sum((codes for codes, _ in parts), Counter()), max(slowest for _, slowest in parts)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", [2000, pytest.param(THOROUGH, marks=pytest.mark.thorough)])
def test_malformed_requests(server: int, number: int) -> None:
    """A server that keeps memory grows with every round; one whose heap settles does not: the best of three counts."""
    _fuzz(server, number // 10, seed=0)  # threads, caches, the log's own buffers
    growths: list[float] = []
    while len(growths) < 3 and not (growths and min(growths) < 5):
        before = memory_at_rest(server)
        started = time.monotonic()
        codes, slowest = _fuzz(server, number, seed=1000 * (1 + len(growths)))
        seconds = time.monotonic() - started
        growths.append(memory_at_rest(server) - before)
        refused = sum(codes.values()) - codes[200]
        print(f"{refused} refused in {seconds:.0f} s: {dict(sorted(codes.items()))}")
        print(f"slowest refusal {slowest:.2f} s, memory {growths[-1]:+.1f} MB")
        assert refused >= number and slowest < LIMIT
        assert {400, 404, 405, 409, 411, 413, 414, 431, 505} <= codes.keys()
        assert not {500, 503} & codes.keys()
    assert min(growths) < 5


@pytest.mark.thorough
def test_slow_and_silent_clients(server: int) -> None:
    """Two hundred that say nothing, dozens that drip, some that never read; good requests pass them all."""
    # Its answer is more than a socket holds, and soon computed: the good requests wait for that.
    large = post(REFINE.replace("=16", "=512"), bytes(512 * 512 * 4), f"Content-Length: {512 * 512 * 4}")
    dripped = post(EDITS, PICTURE, "Content-Length: 1024")
    good = post(LOOK, PICTURE, "Content-Length: 1024")
    waits = []
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        silent = [stack.enter_context(dial()) for _ in range(200)]
        dripping = [stack.enter_context(dial()) for _ in range(40)]
        deaf = stack.enter_context(dial())
        deaf.sendall(large)
        at = 0
        while time.monotonic() - started < 3.5:
            for client in dripping:
                client.sendall(dripped[at : at + 1])
            at += 1
            before = time.monotonic()
            assert whole(exchange(good)).status == 200
            waits.append(time.monotonic() - before)
            time.sleep(0.05)
        for client in (*silent, *dripping):
            assert whole(received(client)).status == 408
        assert time.monotonic() - started < LIMIT
        wait_for(lambda: threads(server) < 12)  # the deaf one was given up, too
    median = sorted(waits)[len(waits) // 2]
    print(f"{len(waits)} good requests meanwhile, {1000 * median:.0f} ms in the median, {max(waits):.2f} s at most")
    assert len(waits) >= 5 and max(waits) < LIMIT


@pytest.mark.thorough
def test_pipelined_requests_get_one_answer(server: int) -> None:
    good = post(LOOK, PICTURE, "Content-Length: 1024")
    for data in (good * 2, good * 300, good + b"\0" * 100_000):
        assert whole(exchange(data)).status == 200


@pytest.mark.thorough
def test_clients_that_vanish(server: int) -> None:
    good = post(LOOK, PICTURE, "Content-Length: 1024")
    random = Random(1)
    for _ in range(300):
        with dial() as client:
            client.sendall(good[: random.randrange(len(good) + 1)])
    with ThreadPoolExecutor(CLIENTS) as pool:  # the queue of predictions that nobody waits for is soon gone
        codes = list(pool.map(lambda _: status(exchange(good)), range(CLIENTS)))
    assert codes == [200] * CLIENTS
