# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs without end: how many are alive at once, what happens to failures and at the end; stand-ins for GIMPs."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from gimp_saliency.shared.request import EditRequest
from model_server.batch import listing
from model_server.batch.failures import BatchError, JobError
from model_server.batch.gimp_worker import Outcome
from model_server.batch.jobs import Done, Failure, Job, Order, Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.runner import Runner

REQUEST = EditRequest("attenuate")
MANY = 20_000


class Idle:
    """A worker that does nothing, but knows how often and with how many others it was asked to."""

    at_once = 0
    lock = threading.Lock()

    def __init__(self) -> None:
        self.orders = 0
        self.is_closed = False
        self.most = 0

    def do(self, order: Order) -> Outcome:
        with self.lock:
            Idle.at_once += 1
            self.most = max(self.most, Idle.at_once)
        self.orders += 1
        try:
            if "bad" in order.picture.name:
                raise JobError("Do something else.")
            if "end" in order.picture.name:
                raise BatchError("There is no GIMP.")
            return Outcome()
        finally:
            with self.lock:
                Idle.at_once -= 1

    def close(self) -> None:
        self.is_closed = True


class Stream:
    """Jobs made one by one, and how many of them still exist."""

    def __init__(self, count: int, bad: int = 0) -> None:
        self._count = count
        self._bad = bad
        self.alive: weakref.WeakSet[Job] = weakref.WeakSet()
        self.made = 0

    def __iter__(self) -> Iterator[Job]:
        for number in range(self._count):
            name = f"{'bad' if self._bad and number % self._bad == 0 else 'p'}{number}"
            job = Job(Path("in", f"{name}.jpg"), (Path("masks", f"{name}.png"),), Path("out", f"{name}.jpg"))
            self.alive.add(job)
            self.made += 1
            yield job


@pytest.mark.parametrize("number", [1, 3])
def test_few_jobs_are_in_flight_however_many_there_are(tmp_path: Path, number: int) -> None:
    workers, stream, done, failed = [Idle() for _ in range(number)], Stream(MANY, bad=1000), 0, 0
    most_alive = most_ahead = 0
    with Runner(workers, REQUEST, tmp_path / "out") as runner:
        for result in runner.run(stream):
            most_ahead = max(most_ahead, stream.made - done - failed)
            most_alive = max(most_alive, len(stream.alive))
            done += isinstance(result, Done)
            failed += isinstance(result, Failure)
        assert runner.window == 2 * number
    assert (done, failed) == (MANY - MANY // 1000, MANY // 1000)
    assert most_ahead <= runner.window
    assert most_alive <= runner.window + 2  # the result at hand, and a job that is just being made
    assert sum(worker.orders for worker in workers) == MANY
    assert max(worker.most for worker in workers) <= number
    assert all(worker.is_closed for worker in workers)
    assert list((tmp_path / "out").iterdir()) == []


def test_failures_are_values(tmp_path: Path) -> None:
    with Runner([Idle()], REQUEST, tmp_path) as runner:
        results = list(runner.run(Stream(4, bad=2)))
    failures = [result for result in results if isinstance(result, Failure)]
    assert [str(failure) for failure in failures] == ["bad0.jpg: Do something else.", "bad2.jpg: Do something else."]
    assert [result.job.picture.name for result in results if isinstance(result, Done)] == ["p1.jpg", "p3.jpg"]


def test_what_concerns_all_jobs_ends_the_run(tmp_path: Path) -> None:
    worker, stream = Idle(), Stream(1000)
    jobs = (Job(Path(f"end{number}.jpg"), (Path("m.png"),), Path("o.jpg")) for number in range(5))
    with pytest.raises(BatchError, match="no GIMP"), Runner([worker], REQUEST, tmp_path) as runner:
        list(runner.run(jobs))
    assert worker.is_closed and worker.orders <= 2
    with pytest.raises(KeyboardInterrupt), Runner([worker], REQUEST, tmp_path) as runner:
        for _result in runner.run(stream):
            raise KeyboardInterrupt
    assert stream.made <= runner.window
    assert list(tmp_path.iterdir()) == []


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_jobs_are_found_anew_each_time(tmp_path: Path) -> None:
    names = ("a.jpg", "b.jpg", "b.png", "c.jpg", "s1.jpg", "s10.jpg", "s2.jpg", "t1.png")
    pictures, masks = touch(tmp_path / "in", *names), touch(tmp_path / "masks", "a.png", "b.PNG", "s2.png", "t.png")
    jobs = find_jobs(pictures, Source(MaskFolder(masks)), tmp_path / "out", None)
    assert [job.picture.name for job in jobs] == list(names) and len(jobs) == len(names)
    assert list(jobs) == list(jobs)
    touch(tmp_path / "out", "a.jpg", "s10.jpg")
    left = jobs.without_finished()
    assert [job.picture.name for job in left] == [name for name in names if name not in ("a.jpg", "s10.jpg")]
    assert len(left) == len(names) - 2 and len(jobs) == len(names)
    assert not any(job.is_twin for job in jobs)  # b.jpg and b.png keep their endings
    alike = find_jobs(pictures, Source(MaskFolder(masks)), tmp_path / "out", "png")
    assert [job.picture.name for job in alike if job.is_twin] == ["b.jpg", "b.png"]
    assert [[mask.name for mask in job.masks] for job in alike if job.is_twin] == [["b.PNG"], ["b.PNG"]]


def test_frames_come_shot_by_shot(tmp_path: Path) -> None:
    names = ("a.jpg", "s1.jpg", "s10.jpg", "s2.jpg", "t1.png", "z.jpg")
    pictures, masks = touch(tmp_path / "in", *names), touch(tmp_path / "masks", "a.png", "s2.png", "t.png")
    jobs = find_jobs(pictures, Source(MaskFolder(masks), frames=True), tmp_path / "out", None)
    assert len(jobs) == len(names)
    found = list(jobs)
    assert [job.picture.name for job in found] == ["a.jpg", "z.jpg", "s1.jpg", "s2.jpg", "s10.jpg", "t1.png"]
    assert [[mask.name for mask in job.masks] for job in found] == [
        ["a.png"],
        [],
        [],
        ["s2.png"],
        ["s2.png"],
        ["t.png"],
    ]
    assert [job.regions for job in found] == [(), (), (), (0,), (0,), (0,)]
    assert len({id(job.shot) for job in found if job.shot}) == 2
    shot = weakref.ref(found[2].shot)
    found.clear()
    assert shot() is None  # nobody else holds it


def test_names_are_found_by_bisection(tmp_path: Path) -> None:
    names = ("a.b.png", "a.png", "a.jpg", "a__02.png", "a__1.png", "a__1__2.png", "a__x.png", "ab.png", ".hidden.png")
    folder = MaskFolder(touch(tmp_path / "masks", *names, "a.txt"))
    found = [(number, mask.name) for number, mask in folder.find("a.tif")]
    assert found == [(0, "a.png"), (1, "a__1.png"), (2, "a__02.png")]
    assert [mask.name for _number, mask in folder.find("a__1.tif")] == ["a__1.png", "a__1__2.png"]
    assert folder.find("b.tif") == folder.find("") == folder.find(".hidden.tif") == []
    splits = {"a.JPG": ("a", "jpg"), "a.b.c": ("a.b", "c"), "a.": ("a.", ""), "a": ("a", ""), ".a": (".a", "")}
    assert {name: listing.split_name(name) for name in splits} == splits
