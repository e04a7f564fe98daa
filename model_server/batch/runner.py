# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs on this machine, on several GIMPs at once.

A bounded number of jobs is in flight, so memory stays flat however many there are.  Whatever else can turn jobs into
results, such as many machines, offers the same `run`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Optional, Protocol

from gimp_saliency.shared.choices import RETOUCH, Ranking
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.batch import outputs
from model_server.batch.answer import Answer
from model_server.batch.failures import JobError
from model_server.batch.gimp_worker import GimpWorker
from model_server.batch.jobs import Done, Failure, Job, Order, Request, Result
from model_server.batch.masks import MaskValues, is_black, read_mask
from model_server.batch.series import WHOLE
from model_server.gimp import start_command
from model_server.gimp.running import Gimp

_Values = tuple[Optional[MaskValues], ...]  # of a job's masks, None where GIMP is to read one


class Worker(Protocol):
    """What carries out orders, one at a time."""

    def do(self, order: Order) -> tuple[Answer, ...]:
        """Carry out an order, the result included; the edits of its masks.  Raises JobError."""

    def close(self) -> None:
        """End at once, for good, also while an order is being carried out in another thread."""


class Runner:
    """Workers that run while its block does; at the end none is left, nor any half-written result."""

    def __init__(self, workers: Sequence[Worker], request: Request, output: Path, resume: bool = False) -> None:
        """output: the folder of all results; resume: frames get the numbers that an earlier run kept for their shot."""
        self.window = 2 * len(workers)  # jobs in flight: one that is done and one whose masks are read, for each worker
        self._workers = list(workers)
        self._free = list(workers)
        self._request = request
        self._output = output
        self._resume = resume
        self._resources = ExitStack()

    @classmethod
    def with_gimps(
        cls, gimp: Gimp, number: int, limit: float, request: Request, output: Path, resume: bool = False
    ) -> Runner:
        """A runner with a number of GIMPs.  limit: seconds for a picture.  Raises ServerError.

        First asks the model server for something small, so that broken networks are reported once and not for every
        picture.
        """
        lifecycle.start_command = start_command.own_command()
        _ask_for_something(request)
        return cls([GimpWorker(gimp, request, limit) for _ in range(number)], request, output, resume)

    def __enter__(self) -> Runner:
        """Raises BatchError if nothing can be written to the folder of results."""
        with ExitStack() as stack:
            stack.enter_context(_interruptible())
            self._parts = stack.enter_context(outputs.open_parts(self._output))
            self._reader = stack.enter_context(ThreadPoolExecutor(1))  # reads the next masks while the workers work
            self._pool = stack.enter_context(ThreadPoolExecutor(len(self._workers)))
            # At the end, from below: drop the jobs that wait, end what the threads wait for, then the threads.
            for worker in self._workers:
                stack.callback(worker.close)
            for threads in (self._reader, self._pool):
                stack.callback(threads.shutdown, wait=False, cancel_futures=True)
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *failure: object) -> None:
        self._resources.close()

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Do the jobs; their results as they come.

        Raises BatchError, ServerError or GimpError where none of the other jobs could be done either.
        """
        left = iter(jobs)
        in_flight: set[Future[Result]] = set()
        while True:
            in_flight.update(self._submit(job) for job in islice(left, self.window - len(in_flight)))
            if not in_flight:
                return
            done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
            while done:
                yield done.pop().result()

    def _submit(self, job: Job) -> Future[Result]:
        values = self._reader.submit(_read_masks, job.masks)
        return self._pool.submit(self._do, job, values)

    def _do(self, job: Job, values: Future[_Values]) -> Result:
        """Do a job in one of the pool's threads, of which there are as many as workers."""
        worker = self._free.pop()
        try:
            return Done(job, worker.do(self._prepare(job, values.result(), worker)))
        except JobError as error:
            return Failure(job, str(error))
        finally:
            self._free.append(worker)

    def _prepare(self, job: Job, values: _Values, worker: Worker) -> Order:
        """What the worker is to do.  Raises JobError."""
        if not (job.masks or job.shot or job.is_whole) and job.layer is None:
            raise JobError(f"It has no mask: put {job.picture.stem}.png into the folder of masks.")
        if job.is_twin:
            raise JobError(f"Another picture's result has the same name, {job.output.name}: rename one of them.")
        part = self._parts / job.output.name
        order = Order(
            job.picture, job.masks, values, job.output, part, moving=job.moving, layer=job.layer, is_whole=job.is_whole
        )
        return self._with_answers(job, order, worker) if job.shot else order

    def _with_answers(self, job: Job, order: Order, worker: Worker) -> Order:
        """The order of a frame, with the regions that it shows alone, and with its shot's edits.  Raises JobError."""
        assert job.shot and isinstance(self._request, EditRequest)  # shots of harmonies there are none
        predict = partial(_predict, worker, job.output)
        write = partial(outputs.write_text, parts=self._parts)
        answers = job.shot.fetch_answers(self._request, self._resume, predict, write)
        if job.is_whole:
            if list(answers) != [WHOLE]:
                raise JobError(f"{job.shot.kept.name} lacks the numbers: run again without --resume.")
            return replace(order, known=(answers[WHOLE],))
        found = zip(job.masks, job.regions, order.values)
        shown = [each for each in found if each[2] is not None or not is_black(each[0])]
        if any(region not in answers for _path, region, _values in shown):
            raise JobError(f"{job.shot.kept.name} lacks numbers of a mask: run again without --resume.")
        return replace(
            order,
            masks=tuple(path for path, _region, _values in shown),
            values=tuple(values for _path, _region, values in shown),
            known=tuple(answers[region] for _path, region, _values in shown),
        )


def _ask_for_something(request: Request) -> None:
    """Ask the model server for as little as there can be of this kind.  Raises ServerError."""
    pixels = bytes(range(256)) * 4, 16, 16
    if isinstance(request, HarmonyRequest):
        questions.ask_harmony(*pixels)
    elif request.tool == RETOUCH:
        questions.ask_retouch(*pixels, request.people)
    else:
        questions.ask_edits(*pixels, EditRequest("attenuate", ranking=Ranking.RANDOM))


def _predict(
    worker: Worker, output: Path, picture: Path, masks: Sequence[Path], known: Sequence[Answer | None]
) -> tuple[Answer, ...]:
    """The edits of a picture's masks, as `kept.Predict` says."""
    values, is_whole = _read_masks(masks), not masks
    return worker.do(Order(picture, tuple(masks), values, output, known=tuple(known), is_whole=is_whole))


def _read_masks(paths: Iterable[Path]) -> _Values:
    return tuple(read_mask(path) for path in paths)


@contextmanager
def _interruptible() -> Iterator[None]:
    """End as with Ctrl+C on SIGTERM and SIGHUP too."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
