# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs on this machine, on several GIMPs at once.

A bounded number of jobs is in flight, so memory stays flat however many there are.  Whatever else can turn jobs into
results, such as many machines, offers the same `run`.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Protocol

from gimp_saliency.shared.choices import RETOUCH, Ranking
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.batch import outputs
from model_server.batch.answer import Answer
from model_server.batch.failures import EmptyMask, JobError
from model_server.batch.gimp_worker import GimpWorker, Outcome
from model_server.batch.jobs import Done, Failure, Job, Order, Request, Result, Step
from model_server.batch.kept import Kept
from model_server.batch.masks import Mask, MaskValues, is_black, read_mask
from model_server.batch.pictures import Shape, read_shape
from model_server.batch.series import WHOLE
from model_server.gimp import start_command
from model_server.gimp.running import Gimp


class Worker(Protocol):
    """What carries out orders, one at a time."""

    def do(self, order: Order) -> Outcome:
        """Carry out an order, the result included.  Raises JobError."""

    def close(self) -> None:
        """End at once, for good, also while an order is being carried out in another thread."""


class JobRunner(ABC):
    """What turns jobs into results while its block does."""

    _resources: ExitStack  # what goes at the block's end

    def __exit__(self, *failure: object) -> None:
        self._resources.close()

    @abstractmethod
    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Do the jobs; their results as they come.

        Raises BatchError, ServerError or GimpError where none of the other jobs could be done either.
        """


class Runner(JobRunner):
    """Workers that run while its block does; at the end none is left, nor any half-written result."""

    def __init__(self, workers: Sequence[Worker], request: Request, output: Path, resume: bool = False) -> None:
        """output: the folder of all results; resume: frames get the numbers that an earlier run kept for their shot."""
        self.window = 2 * len(workers)  # jobs in flight: one that is done and one whose masks are read, for each worker
        self._workers = list(workers)
        self._free = list(workers)
        self._request = request
        self._output = output
        self._resume = resume
        self._numbers = count()  # of results that grow: names may be the same in several folders, or be too long
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
            stack.enter_context(interruptible())
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

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """As `JobRunner` says."""
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
        steps = self._reader.submit(read_steps, job)
        return self._pool.submit(self._do, job, steps)

    def _do(self, job: Job, steps: Future[list[Step]]) -> Result:
        """Do a job in one of the pool's threads, of which there are as many as workers."""
        worker = self._free.pop()
        try:
            outcome = worker.do(self._prepare(job, steps.result(), worker))
            return Done(job, outcome.answers, outcome.notes)
        except JobError as error:
            return Failure(job, str(error))
        finally:
            self._free.append(worker)

    def _prepare(self, job: Job, steps: list[Step], worker: Worker) -> Order:
        """What the worker is to do.  Raises JobError."""
        check_job(job, steps)
        if job.shot:
            steps = self._add_answers(job, job.shot, steps, worker)
        part = self._parts / f"{next(self._numbers)}{job.output.suffix}"
        return Order(job.picture, tuple(steps), job.output, part, job.moving, job.layer)

    def _add_answers(self, job: Job, shot: Kept, steps: list[Step], worker: Worker) -> list[Step]:
        """The steps of a frame, for the regions that it shows alone, with its shot's edits.  Raises JobError."""
        assert isinstance(self._request, EditRequest)  # shots of harmonies there are none
        predict = partial(_predict, worker, job.output)
        write = partial(outputs.write_text, parts=self._parts)
        return give_answers(job, steps, shot.fetch_answers(self._request, self._resume, predict, write))


def check_job(job: Job, steps: Sequence[Step]) -> None:
    """Raises JobError where a job cannot be done, whatever its picture is."""
    if not steps and not job.shot:
        raise JobError(f"It has no mask: {job.lacks or f'put {job.picture.stem}.png into the folder of masks'}.")
    if job.is_twin:
        raise JobError(f"Another picture's result has the same name, {job.output.name}: rename one of them.")
    inputs = (job.picture, *(step.mask for step in steps))
    for path in inputs if isinstance(job.output, Path) else ():
        if not isinstance(path, Path):
            continue
        if job.output.exists() and path.exists() and job.output.samefile(path) and not job.output.is_symlink():
            raise JobError(f"Its result would replace {path}: choose another output folder.")


def give_answers(job: Job, steps: Sequence[Step], answers: Mapping[int, Answer]) -> list[Step]:
    """The steps of a frame, for the regions that it shows alone, with the edits of each.  Raises JobError."""
    assert job.shot
    if job.is_whole:
        if list(answers) != [WHOLE]:
            raise JobError(f"{job.shot.kept.name} lacks the numbers: run again without --resume.")
        return [Step(known=answers[WHOLE])]
    found = zip(steps, job.regions)
    shown = [each for each in found if each[0].values is not None or (each[0].mask and not is_black(each[0].mask))]
    if any(region not in answers for _step, region in shown):
        raise JobError(f"{job.shot.kept.name} lacks numbers of a mask: run again without --resume.")
    return [replace(step, known=answers[region]) for step, region in shown]


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
    worker: Worker, output: Path, picture: Path, masks: Sequence[Mask], known: Sequence[Answer | None]
) -> tuple[Answer, ...]:
    """The edits of a picture's masks, as `kept.Predict` says."""
    shape = read_shape(picture)
    steps = [Step(mask, read_mask(mask, shape), answer) for mask, answer in zip(masks, known)]
    return worker.do(Order(picture, tuple(steps or [Step()]), output)).answers


def read_steps(job: Job) -> list[Step]:
    """What is to be done of a job, with the masks' values.  Raises JobError."""
    steps = job.list_steps()
    if not any(step.mask for step in steps):
        return steps
    shape = read_shape(job.picture)
    return [replace(step, values=_read_values(step.mask, shape, job)) if step.mask else step for step in steps]


def _read_values(mask: Mask, shape: Shape | None, job: Job) -> MaskValues | None:
    """A mask's values; of a frame's that is black None, which is no failure.  Raises JobError."""
    try:
        return read_mask(mask, shape)
    except EmptyMask:
        if job.shot:
            return None
        raise


@contextmanager
def interruptible() -> Iterator[None]:
    """End as with Ctrl+C on SIGTERM and SIGHUP too."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
