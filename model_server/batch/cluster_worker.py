# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker of a Dask cluster does: it keeps one GIMP and does a few pictures at a time with it."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Union

from distributed import Worker as DaskWorker
from distributed import WorkerPlugin, get_worker

from gimp_saliency.shared.client import lifecycle
from gimp_saliency.shared.errors import ServerError, UserError
from gimp_saliency.shared.harmony import TOOL as HARMONIZE
from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from gimp_saliency.shared.version import VERSION
from model_server.batch.failures import BatchError, EmptyMask, JobError, unwritten
from model_server.batch.gimp_worker import GimpWorker
from model_server.batch.jobs import Order, Request, Step
from model_server.batch.masks import is_black, read_mask
from model_server.batch.pictures import Shape, read_shape
from model_server.batch.remote import RemotePath, describe
from model_server.batch.runner import Worker
from model_server.gimp import start_command
from model_server.gimp.find import find_gimp
from model_server.gimp.running import GimpError

_MANIFEST = Path(__file__).parents[1] / "networks" / "manifest.json"
NAME = "gimp-saliency"  # of the plug-in of Dask's workers
Make = Callable[[Request, float], Worker]  # a worker for what is asked; seconds for a picture


@dataclass(frozen=True)
class Task:
    """One picture, as it goes to a worker.

    steps: with masks by their paths, and no values; output: where the result goes, None: it is not wanted; before: what
    `describe` said of that when the run began; is_frame: masks that are black are no failure.
    """

    picture: Path
    steps: tuple[Step, ...]
    output: Path | None
    suffix: str
    before: str = ""
    moving: bool = False
    layer: str = ""
    is_frame: bool = False


@dataclass(frozen=True)
class TaskResult:
    """What became of a task: the edits of its steps as JSON, sentences, why it has no result, and how long it took."""

    answers: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0


def do_tasks(packed: bytes) -> list[TaskResult]:
    """Do tasks in the worker that this is called in, one after the other.

    packed: what `pack_tasks` made of them: the scheduler would keep what it can unpack.
    """
    name, tasks = pickle.loads(packed)
    host = get_worker().plugins[name]
    assert isinstance(host, Host)  # the client has put it there
    return [host.do(task) for task in tasks]


def pack_tasks(name: str, tasks: Iterable[Task]) -> bytes:
    """Tasks for `do_tasks`, by the host with a name."""
    return pickle.dumps((name, list(tasks)))


def describe_installation() -> dict[str, str]:
    """What must be the same wherever pictures of one run are edited.  Raises GimpError."""
    gimp = ".".join(map(str, find_gimp().version))
    networks = hashlib.sha256(_MANIFEST.read_bytes()).hexdigest()[:8]  # which names each by its own
    return {"plug-in": VERSION, "networks": networks, "GIMP": gimp}


def make_gimp(request: Request, limit: float) -> Worker:
    """A worker with a GIMP of this machine.  Raises GimpError."""
    lifecycle.start_command = start_command.own_command()
    return GimpWorker(find_gimp(), request, limit)


@dataclass
class Host(WorkerPlugin):
    """Holds a worker's GIMP as long as the worker lives.

    request: as it goes into a job; parts: the folder for results that grow, where results are files; versions: what
    this installation must be, empty: anything.
    """

    request: Mapping[str, Any]
    limit: float
    parts: Union[Path, None]
    versions: Mapping[str, str]
    make: Make = make_gimp
    name: str = NAME  # each run has one of its own

    def setup(self, worker: DaskWorker) -> None:
        """Called by Dask as a worker begins."""
        self._lock = threading.Lock()  # one GIMP does one picture, however many threads the worker has
        self._worker: Worker | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="gimp-saliency-"))
        self._number = 0

    def teardown(self, worker: DaskWorker) -> None:
        """Called by Dask as a worker ends."""
        if self._worker is not None:
            self._worker.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def check(self) -> str:
        """Why this worker cannot take part, one sentence; empty if it can."""
        if not self.versions:
            return ""
        own = describe_installation()
        different = [
            f"{what} {own.get(what)}, not {wanted}" for what, wanted in self.versions.items() if own.get(what) != wanted
        ]
        return f"has {', '.join(different)}: install the same there" if different else ""

    def do(self, task: Task) -> TaskResult:
        """Do one picture.  Raises BatchError, GimpError or ServerError where no other could be done here either."""
        with self._lock:
            begin = time.monotonic()
            self._number += 1
            folder = self._scratch / str(self._number)  # there only if something is fetched, or to be sent
            try:
                if task.output is not None and describe(task.output) != task.before:
                    return TaskResult()  # by a worker that has died since, or whose word was lost
                outcome = self._do(task, folder)
            except JobError as error:
                outcome = TaskResult(error=str(error))
            except (BatchError, GimpError, ServerError, UserError):
                raise
            except OSError as error:
                outcome = TaskResult(error=str(unwritten(error)))
            except Exception as error:  # of whatever storage there is; the other pictures go on
                outcome = TaskResult(error=f"A worker failed on it ({error!r:.100}): try again with --resume.")
            finally:
                if folder.exists():
                    shutil.rmtree(folder, ignore_errors=True)
            return replace(outcome, seconds=time.monotonic() - begin)

    def _do(self, task: Task, folder: Path) -> TaskResult:
        """Do one picture, with a folder for copies of what lies elsewhere.  Raises JobError."""
        if self._worker is None:
            fault = self.check()
            if fault:
                raise BatchError(f"The worker {get_worker().address} {fault}.")
            self._worker = self.make(_read_request(self.request), self.limit)
        picture = _fetch(task.picture, folder)
        shape = read_shape(picture) if any(step.mask for step in task.steps) else None
        steps = [_read_step(step, shape, folder, task.is_frame) for step in task.steps]
        if task.is_frame:
            steps = [step for step in steps if step.values is not None or not (step.mask and is_black(step.mask))]
        place = self.parts or folder
        if place is folder:
            folder.mkdir(exist_ok=True)
        stem = f"{os.uname().nodename}-{os.getpid()}-{self._number}"
        done = place / f"{stem}-done{task.suffix}"
        part = place / f"{stem}{task.suffix}" if task.output is not None else None
        try:
            order = Order(picture, tuple(steps), done, part, task.moving, task.layer)
            outcome = self._worker.do(order)
            if task.output is not None:
                _publish(done, task.output, task.before)
        finally:
            with suppress(OSError):
                done.unlink(missing_ok=True)
        return TaskResult(tuple(answer.to_json() for answer in outcome.answers), outcome.notes)


def _read_request(content: Mapping[str, Any]) -> Request:
    codec = HarmonyRequest if content.get("tool") == HARMONIZE else EditRequest
    return codec.from_job(content)


def _fetch(path: Path, folder: Path) -> Path:
    """A file of this machine: a copy in the folder, where the path is a URL's.  Raises JobError."""
    if not isinstance(path, RemotePath):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    return path.fetch(folder)


def _read_step(step: Step, shape: Shape | None, folder: Path, is_frame: bool) -> Step:
    """A step with its mask's values.  Raises JobError."""
    if not step.mask:
        return step
    mask = _fetch(step.mask, folder / "mask") if isinstance(step.mask, PurePath) else step.mask
    try:
        return replace(step, mask=mask, values=read_mask(mask, shape))
    except EmptyMask:
        if is_frame:
            return replace(step, mask=mask)
        raise


def _publish(done: Path, output: Path, before: str) -> None:
    """Let a finished result appear, unless another worker's has meanwhile.  Raises JobError or OSError."""
    if describe(output) != before:
        return
    if isinstance(output, RemotePath):
        output.store(done)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    if not before:
        with suppress(FileExistsError):
            try:
                os.link(done, output)  # which replaces nothing
            except FileExistsError:
                raise
            except OSError:  # a file system without links
                done.replace(output)
        return
    done.replace(output)
