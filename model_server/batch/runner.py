# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency batch`: edits a folder of pictures in GIMP processes without a window.

This side lists the pictures, hands them to the GIMPs one at a time, and survives what may happen to a GIMP; the other
side is `plugin/saliency/folder_job.py`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from gimp_saliency.shared import places
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.request import EditRequest, Ranking
from model_server.batch import masks, shots
from model_server.gimp.plugin_copy import PACKAGE
from model_server.gimp.program import Gimp, server_command
from model_server.serve import process

FORMATS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "tif": "tif", "tiff": "tif", "xcf": "xcf"}
# What GIMP reads, beyond FORMATS; other files in the folder are not ours to complain about.
_READ_ONLY = re.compile("avif|bmp|dds|exr|fits|gif|hdr|heic|heif|jp2|jxl|ora|p[bgnp]m|pcx|psb|psd|qoi|tga|webp")
_DAMAGE = re.compile(rb"Premature end of JPEG file|Corrupt JPEG data[^\n]*|Reading (?:scanline|tile) failed[^\n]*")
_START_LIMIT = 120.0  # seconds; GIMP's first start looks at all its plug-ins
_QUIT_LIMIT = 2.0  # seconds for GIMP to end by itself
_PARTS = ".gimp-saliency-"  # where results grow, inside the output folder; then the process id


class BatchError(Exception):
    """The whole run cannot go on: one sentence."""


@dataclass(frozen=True)
class Job:
    """One picture, its masks in the order of editing, and where the result goes.

    shot: the moving picture that it is a frame of, with `regions`, the masks' numbers; moving: it is an animation.
    """

    picture: Path
    masks: tuple[Path, ...]
    output: Path
    shot: shots.Shot | None = None
    regions: tuple[int, ...] = ()
    moving: bool = False


def find_jobs(pictures: Path, masks: Path, output: Path, suffix: str | None, frames: bool = False) -> list[Job]:
    """The jobs for a folder's pictures, by name.  A job without masks will fail with a sentence.

    Masks are `<name>.png`, and `<name>__<k>.png` in the order of k.  suffix: the results' format; None keeps each
    picture's own, or takes png where that cannot be written.  frames: numbered pictures are the frames of shots, and
    animations are edited as such.  Raises BatchError.
    """
    found = [path for path in _listed(pictures) if _format(path) or _READ_ONLY.fullmatch(path.suffix.lower()[1:])]
    if not found:
        raise BatchError(f"There are no pictures in {pictures}; name the folder that holds them.")
    if output.resolve() == pictures.resolve():
        raise BatchError("The results would replace the pictures; choose another output folder.")
    by_name: dict[str, list[tuple[int, Path]]] = {}
    for path in _listed(masks):
        if path.suffix.lower() == ".png":
            by_name.setdefault(path.stem, []).append((0, path))
            if numbered := re.fullmatch(r"(.+)__([0-9]+)", path.stem, re.DOTALL):
                by_name.setdefault(numbered[1], []).append((int(numbered[2]), path))
    moving = {path for path in found if frames and shots.is_animation(path)}
    jobs = {
        path: Job(
            path,
            tuple(mask for _, mask in sorted(by_name.get(path.stem, []))),
            output / f"{path.stem}.{suffix or _format(path) or (path.suffix[1:].lower() if path in moving else 'png')}",
            moving=path in moving,
        )
        for path in found
    }
    if frames:
        named = {name: dict(sorted(each)) for name, each in by_name.items()}
        for (stem, _ending), row in shots.grouped(path for path in found if path not in moving).items():
            name = f"{stem}#{jobs[row[0]].output.suffix}"
            shot = shots.Shot(name, shots.with_masks(stem, row, named), output / f"{name}.edits.json")
            for frame in shot.frames:
                job, regions = jobs[frame.picture], tuple(frame.masks)
                paths = tuple(frame.masks[region] for region in regions)
                jobs[frame.picture] = replace(job, masks=paths, shot=shot, regions=regions)
    return list(jobs.values())


def run(
    gimp: Gimp, jobs: list[Job], edit: EditRequest, processes: int, limit: float, resume: bool = False
) -> dict[Path, str]:
    """Do the jobs, showing the progress; the pictures that failed, each with its reason.

    processes: how many GIMPs at once.  limit: seconds for a picture.  resume: frames get the numbers that an earlier
    run kept for their shot.  Raises BatchError, connection.ServerError, model_server.gimp.GimpError or
    KeyboardInterrupt, with no GIMP left running and no half-written result.
    """
    _check_server()
    failed: dict[Path, str] = {}
    same = Counter(job.output for job in jobs)
    read_masks: dict[int, Future[list[Any]]] = {}  # by the job's number
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        workers = [_Worker(gimp, edit, limit) for _ in range(min(processes, len(jobs)))]
        folders = {output: stack.enter_context(_parts(output)) for output in {job.output.parent for job in jobs}}
        free = list(workers)
        reader = stack.enter_context(ThreadPoolExecutor(1))  # reads the next masks while the GIMPs work
        pool = stack.enter_context(ThreadPoolExecutor(len(workers)))
        # On leaving, from below: drop the jobs that wait, end the GIMPs that the threads wait for, then the threads.
        for worker in workers:
            stack.callback(worker.close)
        for threads in (reader, pool):
            stack.callback(threads.shutdown, wait=False, cancel_futures=True)

        def read(number: int) -> None:
            if number < len(jobs):
                read_masks[number] = reader.submit(lambda: [masks.read(path) for path in jobs[number].masks])

        def do(number: int, job: Job) -> None:
            regions = read_masks.pop(number).result()
            read(number + len(workers))
            if not job.masks and not job.shot:
                raise _Failure(f"It has no mask: put {job.picture.stem}.png into the folder of masks.")
            if same[job.output] > 1:
                raise _Failure(f"Another picture's result has the same name, {job.output.name}: rename one of them.")
            parts, known = folders[job.output.parent], None
            if job.shot:
                job, regions, known = frame(job, regions, parts)
            with taken() as worker:
                worker.do(job, regions, known, parts)

        @contextmanager
        def taken() -> Iterator[_Worker]:
            worker = free.pop()
            try:
                yield worker
            finally:
                free.append(worker)

        def frame(job: Job, regions: list[Any], parts: Path) -> tuple[Job, list[Any], list[shots.Answer]]:
            """The job with the regions that the frame shows, as they were read, and the shot's numbers for them."""

            def predict(picture: Path, paths: list[Path], known: list[shots.Answer | None]) -> list[shots.Answer]:
                question = Job(picture, tuple(paths), job.output)
                with taken() as worker:
                    return worker.do(question, [masks.read(path) for path in paths], known)

            assert job.shot
            try:
                answers = job.shot.answers(edit.to_job(), resume, predict, lambda path, text: _write(path, text, parts))
            except shots.ShotError as error:
                raise _Failure(str(error)) from None
            found = zip(job.masks, job.regions, regions)
            shown = [each for each in found if each[2] is not None or not masks.is_black(each[0])]
            if any(region not in answers for _path, region, _read in shown):
                raise _Failure(f"{job.shot.kept.name} lacks numbers of a mask: run again without --resume.")
            seen = replace(job, masks=tuple(path for path, _region, _read in shown))
            return seen, [read for _path, _region, read in shown], [answers[region] for _path, region, _read in shown]

        for number in range(len(workers)):
            read(number)
        futures = {pool.submit(do, number, job): job for number, job in enumerate(jobs)}
        for future in tqdm(as_completed(futures), total=len(jobs), unit=" pictures", disable=None):
            try:
                future.result()
            except _Failure as failure:
                picture = futures[future].picture
                failed[picture] = str(failure)
                name = picture.name if picture.name.isprintable() else ascii(picture.name)
                tqdm.write(f"{name}: {failure}", file=sys.stderr)
    return failed


class _Failure(shots.ShotError):
    """One picture failed: the reason."""


class _Worker:
    """One GIMP at a time; after a crash the next job gets a new one."""

    def __init__(self, gimp: Gimp, edit: EditRequest, limit: float) -> None:
        self._gimp = gimp
        self._edit = edit
        self._limit = limit
        self._running: ExitStack | None = None
        self._process: subprocess.Popen[Any]
        self._socket: socket.socket
        self._stream: IO[str]
        self._log: IO[bytes]
        self._busy = False
        self._closed = False
        self._lock = threading.Lock()

    def do(
        self, job: Job, regions: list[Any], known: Sequence[shots.Answer | None] | None, parts: Path | None = None
    ) -> list[shots.Answer]:
        """Do a job; the edits of its regions.  Raises _Failure.

        regions: what `masks` read.  known: edits of theirs that are given, None those to predict.  parts: the folder
        in which the result grows; None: no result is wanted.
        """
        if self._closed:
            raise _Failure("The run was stopped.")
        if self._running is None:
            try:
                self._start()
            except OSError as error:
                raise BatchError(f"GIMP cannot be reached ({error}); run «gimp-saliency check».") from error
        part = parts / job.output.name if parts else None
        self._busy = True
        try:
            answer = self._ask(job, regions, known, part)
            if "error" in answer:
                raise _Failure(answer["error"])
            if damage := self._damage():
                raise _Failure(f"It is damaged ({damage}): replace it with a good copy.")
            if part:
                part.replace(job.output)
            return answer.get("edits", [])
        except socket.timeout:
            self._end()
            raise _Failure(f"GIMP took longer than {self._limit:.0f} s: raise --time-limit.") from None
        except (ConnectionError, ValueError):
            self._end()
            raise _Failure("GIMP crashed on it: try to open it in GIMP.") from None
        except OSError as error:
            raise _unwritten(error) from None
        finally:
            self._busy = False
            if part:
                part.unlink(missing_ok=True)

    def close(self) -> None:
        """End GIMP, for good."""
        self._closed = True
        self._end()

    def _ask(
        self, job: Job, regions: list[Any], known: Sequence[shots.Answer | None] | None, part: Path | None
    ) -> dict[str, Any]:
        paths = [str(mask.absolute()) for mask in job.masks]
        order: dict[str, Any] = {"picture": str(job.picture.absolute()), "masks": paths, "regions": regions}
        order.update(output=part and str(part.absolute()), edits=known, frames=job.moving)
        self._socket.settimeout(self._limit)
        self._log.truncate(0)  # GIMP says something about many pictures
        self._stream.write(json.dumps({**order, "format": job.output.suffix[1:], **self._edit.to_job()}) + "\n")
        self._stream.flush()
        return self._answer()

    def _damage(self) -> str:
        """What is missing from a JPEG or TIFF: GIMP fills it up and says so to nobody but its console."""
        self._log.seek(0)
        found = _DAMAGE.search(self._log.read(1 << 20))
        return found[0].decode("ascii", "replace").rstrip(".") if found else ""

    def _answer(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise ConnectionResetError
        return json.loads(line)

    def _start(self) -> None:
        """Start GIMP and wait until it is ready for a job.  Raises BatchError."""
        # The folder goes once GIMP is connected, so that nothing stays behind however this process ends.
        temporary = tempfile.TemporaryDirectory(prefix="b-", dir=places.runtime_folder())
        with ExitStack() as stack, temporary as folder, socket.socket(socket.AF_UNIX) as listener:
            self._log = stack.enter_context(Path(folder, "log").open("a+b"))
            address = str(Path(folder, "s"))
            listener.bind(address)
            listener.listen(1)
            code = (
                f"import sys; sys.path.append({str(PACKAGE.parent)!r}); from gimp_saliency.batch import job; "
                f"job.main({address!r}, {server_command(process.command()[:-1])!r})"
            )
            arguments = ("-i", "-d", "-f", "--batch-interpreter", "python-fu-eval", "-b", code, "--quit")
            english = {**os.environ, "LANGUAGE": "C"}  # as this command is, and what _DAMAGE knows
            quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": self._log, "stderr": self._log}
            gimp = self._gimp.start(*arguments, env=english, **quiet)
            self._process = stack.enter_context(gimp)
            try:
                self._socket = stack.enter_context(self._accept(listener))
                self._stream = stack.enter_context(self._socket.makefile("rw", encoding="utf-8"))
                self._answer()
            except (ConnectionError, socket.timeout, ValueError):
                self._log.seek(0)
                said = self._log.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise BatchError(f"GIMP does not start ({said}); run «gimp-saliency check».") from None
            with self._lock:
                self._running = stack.pop_all()
        if self._closed:
            self._end()

    def _accept(self, listener: socket.socket) -> socket.socket:
        """The connection from the starting GIMP.  Raises ConnectionError if it ends first, socket.timeout."""
        deadline = time.monotonic() + _START_LIMIT
        listener.settimeout(0.1)
        while True:
            try:
                client = listener.accept()[0]
                client.settimeout(_START_LIMIT)
                return client
            except socket.timeout:
                if time.monotonic() > deadline:
                    raise
                if self._closed or self._process.poll() is not None:
                    raise ConnectionError from None

    def _end(self) -> None:
        """End GIMP: it does so itself when the connection ends, unless it is at work."""
        with self._lock:
            running, self._running = self._running, None
        if running is None:
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # also wakes a thread that reads
        if not self._busy:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_QUIT_LIMIT)
        with suppress(OSError):  # the stream may hold a line that GIMP will never read
            running.close()


def _write(path: Path, text: str, parts: Path) -> None:
    """Write a small file, all or nothing.  Raises _Failure."""
    part = parts / path.name
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise _unwritten(error) from None


def _unwritten(error: OSError) -> _Failure:
    reason = f"The result cannot be written ({error.strerror})"
    return _Failure(f"{reason}: free some space or choose another output folder.")


def _check_server() -> None:
    """Ask for something small, so that broken networks are reported once and not for every picture."""
    lifecycle.start_command = process.command()
    questions.ask_edits(bytes(range(256)) * 4, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))


@contextmanager
def _parts(output: Path) -> Iterator[Path]:
    """A folder for unfinished results, on the same file system as the finished ones; also removes dead runs' ones."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob(f"{_PARTS}*"):
            if not _is_alive(old.name[len(_PARTS) :]):
                shutil.rmtree(old, ignore_errors=True)
        parts = output / f"{_PARTS}{os.getpid()}"
        parts.mkdir(exist_ok=True)
    except OSError as error:
        raise BatchError(f"{output} cannot be written to ({error.strerror}); choose another folder.") from error
    try:
        yield parts
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        pass  # another user's
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    """End as with Ctrl+C on SIGTERM and SIGHUP too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listed(folder: Path) -> Iterable[Path]:
    """The files of a folder, hidden ones left out, by name.  Raises BatchError."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise BatchError(f"{folder} cannot be read ({error.strerror}); name a folder that you can open.") from error


def _format(path: Path) -> str | None:
    return FORMATS.get(path.suffix.lower()[1:])
