# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs on many machines, the workers of a Dask cluster.

Dask starts workers, moves tasks of dead ones to others and says when a scheduler is gone; what is done here is to hand
out pictures, few at a time, and to keep each from being done twice.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from distributed import CancelledError, Client, Future, KilledWorker, LocalCluster, Scheduler
from distributed import Worker as DaskWorker
from distributed.comm import CommClosedError

from gimp_saliency.shared.edits import EditError
from gimp_saliency.shared.request import EditRequest
from model_server.batch.answer import Answer
from model_server.batch.cluster_worker import (
    NAME,
    Host,
    Make,
    Task,
    TaskResult,
    describe_installation,
    do_tasks,
    make_gimp,
    pack_tasks,
)
from model_server.batch.failures import BatchError, JobError, unwritten
from model_server.batch.jobs import Done, Failure, Job, Request, Result, Step
from model_server.batch.kept import Kept
from model_server.batch.masks import Mask
from model_server.batch.outputs import open_parts, write_text
from model_server.batch.remote import RemotePath, describe, is_remote
from model_server.batch.runner import JobRunner, check_job, give_answers, interruptible

LOCAL = "local:"
# Of a future whose result does not come; before Python 3.11 the two time-outs are not the same.
_LOST = (CancelledError, CommClosedError, TimeoutError, asyncio.TimeoutError, OSError)
_DEATHS = 3  # workers that a picture may take with it
_PATIENCE = 600.0  # seconds to wait for a scheduler, or for a first worker
_CONNECT_TIME = 30  # seconds for a scheduler to answer
_TICK = 2.0  # seconds between looks at whether the cluster is still there
_AHEAD = 2  # bundles for each worker: one that is done, and one that waits
_BUNDLE_TIME = 0.5  # seconds; so much work goes to a worker in one go, where a picture takes less
_LARGEST = 256  # pictures in a bundle


@dataclass(frozen=True)
class _Bundle:
    """Pictures that go to a worker in one go: one, where it takes its time."""

    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]

    def split(self) -> list[_Bundle]:
        """One for each picture."""
        return [_Bundle((job,), (task,)) for job, task in zip(self.jobs, self.tasks)]


class ClusterRunner(JobRunner):
    """As `runner.Runner`, with the workers of a cluster."""

    def __init__(
        self,
        address: str,
        request: Request,
        output: Path,
        limit: float,
        resume: bool = False,
        make: Make = make_gimp,
        check_versions: bool = True,
    ) -> None:
        """address: of a scheduler, or `local:N` for N workers here.  limit: seconds for a picture.

        make: what a worker edits with.  check_versions: plug-in, networks and GIMP must be the same everywhere.
        """
        self.window = 0  # bundles in flight at most
        self._address, self._request, self._output = address, request, output
        self._limit, self._resume, self._make = limit, resume, make
        self._check_versions = check_versions
        self._name = f"{NAME}-{uuid.uuid4().hex}"  # of what the workers keep for this run
        self._resources = ExitStack()
        self._client: Client | None = None
        self._cluster: LocalCluster | None = None
        self._parts: Path | None = None
        self._in_flight: dict[Future, _Bundle] = {}
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._again: deque[_Bundle] = deque()  # whose worker, or scheduler, is gone
        # One picture each, which were on three workers that died, but maybe beside the one that was to blame: done in
        # the end, with nothing else on the cluster.
        self._suspects: deque[_Bundle] = deque()
        self._alone: _Bundle | None = None
        self._size = 1  # pictures in the next bundle
        self._next_look = 0.0  # when to see whether the cluster has changed

    def __enter__(self) -> ClusterRunner:
        """Raises BatchError, GimpError or ServerError."""
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is to be known is said in sentences
        with ExitStack() as stack:
            stack.enter_context(interruptible())
            if not is_remote(self._output):
                self._parts = stack.enter_context(open_parts(self._output, shared=True))
            stack.callback(self._disconnect)
            self._connect()
            print(f"gimp-saliency: what Dask says of the run is at {self.dashboard}", file=sys.stderr)
            self._resources = stack.pop_all()
        return self

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """As `JobRunner` says."""
        left = iter(jobs)
        while True:
            yield from self._fill(left)
            if not self._in_flight:
                if not self._suspects:
                    return
                self._alone = self._suspects.popleft()
                self._submit(self._alone)
            yield from self._collect()

    # To the cluster

    def _fill(self, left: Iterator[Job]) -> Iterator[Result]:
        """Hand out pictures until enough are in flight; the failures of those that cannot be."""
        while len(self._in_flight) < self.window:
            if self._again:
                self._submit(self._again.popleft())
                continue
            jobs: list[Job] = []
            tasks: list[Task] = []
            while len(jobs) < self._size:
                job = next(left, None)
                if job is None:
                    break
                try:
                    tasks.append(self._make_task(job))
                    jobs.append(job)
                except JobError as error:
                    yield Failure(job, str(error))
                except OSError as error:
                    yield Failure(job, str(unwritten(error)))
            if not jobs:
                return
            self._submit(_Bundle(tuple(jobs), tuple(tasks)))

    def _make_task(self, job: Job) -> Task:
        """Raises JobError."""
        steps = job.list_steps()
        check_job(job, steps)
        if job.shot:
            steps = self._add_answers(job, job.shot, steps)
        output = job.output.absolute()
        before, is_frame = describe(output), job.shot is not None
        steps = list(map(_make_absolute, steps))
        return Task(
            job.picture.absolute(), tuple(steps), output, output.suffix, before, job.moving, job.layer, is_frame
        )

    def _add_answers(self, job: Job, shot: Kept, steps: list[Step]) -> list[Step]:
        """The steps of a frame, with its shot's edits, which are predicted before its frames are spread."""
        assert isinstance(self._request, EditRequest)  # shots of harmonies there are none
        return give_answers(job, steps, shot.fetch_answers(self._request, self._resume, self._predict, self._write))

    def _predict(self, picture: Path, masks: Sequence[Mask], known: Sequence[Answer | None]) -> Sequence[Answer]:
        """As `kept.Predict` says."""
        steps = [_make_absolute(Step(mask, known=answer)) for mask, answer in zip(masks, known)]
        task = Task(picture.absolute(), tuple(steps or [Step()]), None, ".png")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            future = self._ask_client().submit(do_tasks, pack_tasks(self._name, [task]), pure=False)
            try:
                (result,) = future.result(max(_PATIENCE, 2 * self._limit))
                return _read_answers(result)
            except KilledWorker:
                raise JobError(_describe_killer()) from None
            except _LOST:
                self._reconnect()
        raise BatchError(f"The cluster {self._address} does not answer: look at its scheduler, then add --resume.")

    def _write(self, path: Path, text: str) -> None:
        if isinstance(path, RemotePath):
            path.write_text(text)
        else:
            assert self._parts is not None
            write_text(path, text, self._parts)

    def _submit(self, bundle: _Bundle) -> None:
        future = self._ask_client().submit(do_tasks, pack_tasks(self._name, bundle.tasks), pure=False)
        self._in_flight[future] = bundle
        future.add_done_callback(self._ended.put)

    # From the cluster

    def _collect(self) -> Iterator[Result]:
        """The results of the next bundle, or none for a while."""
        if time.monotonic() > self._next_look:
            self._look_after()
            self._next_look = time.monotonic() + _TICK
        try:
            future = self._ended.get(timeout=_TICK)
        except queue.Empty:
            return
        bundle = self._in_flight.pop(future, None)
        if bundle is None:  # from before a scheduler went
            return
        try:
            results: list[TaskResult] = future.result(_TICK)
        except (KilledWorker, *_LOST) as error:
            yield from self._recover(future, bundle, error)
            return
        self._choose_size(results)
        for job, result in zip(bundle.jobs, results):
            yield _read_result(job, result)

    def _recover(self, future: Future, bundle: _Bundle, error: Exception) -> Iterator[Result]:
        """What becomes of pictures whose results do not come."""
        if isinstance(error, KilledWorker):
            yield from self._accuse(bundle)
        elif future.status == "error":  # of the work itself
            yield from (Failure(job, f"A worker failed on it ({error!r:.100}).") for job in bundle.jobs)
        elif self._ask_client().status == "running" and not future.cancelled():
            # The worker that had the result has died, and another one does the work again.
            self._in_flight[future] = bundle
            future.add_done_callback(self._ended.put)
        else:
            self._again.append(bundle)
            self._reconnect()

    def _accuse(self, bundle: _Bundle) -> Iterator[Result]:
        """Find out which picture it is that workers die of."""
        if bundle is self._alone:
            yield Failure(bundle.jobs[0], _describe_killer())
        elif len(bundle.jobs) == 1:
            self._suspects.append(bundle)
        else:
            self._size = 1
            self._again.extend(bundle.split())  # one of them is it

    def _choose_size(self, results: Sequence[TaskResult]) -> None:
        """Let bundles take their time, but never more than twice what the last one took."""
        mean = sum(result.seconds for result in results) / len(results)
        wanted = int(_BUNDLE_TIME / mean) if mean > 0 else _LARGEST
        self._size = max(1, min(wanted, 2 * self._size, _LARGEST))

    def _look_after(self) -> None:
        """Notice that the scheduler or all workers are gone, or that there are more."""
        client = self._ask_client()
        if client.status != "running":
            self._reconnect()
            return
        self._count_workers(client)

    # The cluster itself

    def _ask_client(self) -> Client:
        assert self._client is not None  # it is connected
        return self._client

    def _connect(self) -> None:
        """Raises BatchError, GimpError or OSError."""
        versions = describe_installation() if self._check_versions else {}
        try:
            if self._address.startswith(LOCAL):
                self._cluster = self._cluster or _start_local(self._address)
            self._client = client = Client(self._cluster or self._address, timeout=_CONNECT_TIME, set_as_default=False)
        except (OSError, ValueError, TimeoutError, asyncio.TimeoutError) as error:
            message = f"There is no scheduler at {self._address} ({error!s:.100}): start one with «dask scheduler»."
            raise BatchError(message) from error
        host = Host(
            self._request.to_job(),
            self._limit,
            self._parts and self._parts.absolute(),
            versions,
            self._make,
            self._name,
        )
        try:
            client.run_on_scheduler(_limit_deaths)
            self._count_workers(client)
            client.register_plugin(host)
            for worker, fault in client.run(_check_host, self._name).items():
                if fault:
                    raise BatchError(f"The worker {worker} {fault}.")
        except BatchError:
            raise
        except Exception as error:  # whatever a worker without this package says
            message = f"A worker cannot take part ({error!s:.200}): install gimp-saliency[cluster] on all machines."
            raise BatchError(message) from error

    def _count_workers(self, client: Client) -> None:
        """Choose how many bundles are in flight; wait for a first worker.  Raises BatchError."""
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            if self._cluster is None:
                print(f"gimp-saliency: {self._address} has no workers yet; waiting.", file=sys.stderr)
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except (TimeoutError, asyncio.TimeoutError, OSError) as error:
                message = f"{self._address} got no worker in {_PATIENCE:.0f} s: start some with «dask worker»."
                raise BatchError(message) from error
            workers = 1
        self.window = _AHEAD * workers

    def _reconnect(self) -> None:
        """Wait for the scheduler, and hand out anew what was in flight.  Raises BatchError."""
        self._again.extend(self._in_flight.values())
        self._in_flight.clear()
        self._close_client()
        if self._cluster is not None:
            raise BatchError("The local cluster has ended: run again with --resume.")
        print("gimp-saliency: the scheduler is gone; waiting for it to come back.", file=sys.stderr)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._connect()
                return
            except BatchError:
                if time.monotonic() > deadline:
                    raise
                self._close_client()
                time.sleep(_TICK)

    def _disconnect(self) -> None:
        if self._client is not None:
            with suppress(Exception):  # the scheduler may be gone
                self._client.unregister_worker_plugin(self._name)
        self._close_client()
        if self._cluster is not None:
            with suppress(Exception):
                self._cluster.close(timeout=10)
            self._cluster = None

    def _close_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):  # it may be closed already, by itself
                client.close(timeout=5)

    @property
    def dashboard(self) -> str:
        """The address of Dask's own page on the run."""
        return str(self._ask_client().dashboard_link)


def _make_absolute(step: Step) -> Step:
    """For workers, which may be at work anywhere."""
    return replace(step, mask=step.mask.absolute()) if isinstance(step.mask, (Path, RemotePath)) else step


def _start_local(address: str) -> LocalCluster:
    """Raises BatchError."""
    number = address.removeprefix(LOCAL)
    if not number.isdigit() or not int(number):
        raise BatchError(f"--cluster local:N takes a number of workers, not {number!r:.20}.")
    return LocalCluster(
        n_workers=int(number), threads_per_worker=1, silence_logs=logging.CRITICAL, dashboard_address="127.0.0.1:0"
    )


def _limit_deaths(dask_scheduler: Scheduler) -> None:
    dask_scheduler.allowed_failures = _DEATHS - 1


def _check_host(name: str, dask_worker: DaskWorker) -> str:
    host = dask_worker.plugins[name]
    assert isinstance(host, Host)  # the client has put it there
    return host.check()


def _read_answers(result: TaskResult) -> Sequence[Answer]:
    """Raises JobError."""
    if result.error:
        raise JobError(result.error)
    try:
        return [Answer.from_json(answer) for answer in result.answers]
    except (EditError, KeyError, TypeError, AttributeError) as error:
        raise JobError(
            f"A worker sent no usable edits ({error!r:.60}): install the same version everywhere."
        ) from error


def _read_result(job: Job, result: TaskResult) -> Result:
    try:
        answers = _read_answers(result)
    except JobError as error:
        return Failure(job, str(error))
    return Done(job, tuple(answers), result.notes)


def _describe_killer() -> str:
    return f"It ended {_DEATHS} workers that did nothing else: leave it out, or open it in GIMP."
