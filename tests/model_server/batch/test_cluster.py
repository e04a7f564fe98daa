# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a Dask cluster: workers, schedulers and clients that die; stand-ins for GIMP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server.__main__ import main
from model_server.batch import cluster, cluster_worker, outputs
from model_server.batch.cluster import ClusterRunner
from model_server.batch.failures import BatchError
from model_server.batch.jobs import Done, Failure, Job
from model_server.batch.remote import RemotePath, describe
from tests.model_server.batch import test_batch_host
from tests.model_server.batch.idle import REQUEST, count_done, make_idle
from tests.model_server.batch.test_batch_host import add
from tests.model_server.processes import ROOT, wait_for

PATH = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugin/saliency'}"}

fake_gimp = test_batch_host.fake_gimp


class Processes:
    """A scheduler and workers of their own, as people start them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.port = 0

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """On the port of the one before, if there was one."""
        log = self._folder / f"scheduler-{len(self._started)}"
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"]
        process = self._start(log, "scheduler", *options)
        wait_for(lambda: "Scheduler at" in log.read_text(), 60)
        found = re.search(r"tcp://127\.0\.0\.1:(\d+)", log.read_text())
        assert found
        self.port = int(found[1])
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Without a nanny, so that it stays dead."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self._folder)]
        return self._start(self._folder / f"worker-{len(self._started)}", "worker", self.address, *options)

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()

    def _start(self, log: Path, *command: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as file:
            process = subprocess.Popen([sys.executable, "-m", "dask", *command], stdout=file, stderr=file, env=PATH)
        self._started.append(process)
        return process


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    folder = tmp_path / "dask"
    folder.mkdir()
    processes = Processes(folder)
    yield processes
    processes.close()


def list_jobs(folder: Path, *names: str) -> list[Job]:
    """Whole pictures of a folder, which is made with these in it."""
    for place in ("in", "out"):
        (folder / place).mkdir(exist_ok=True)
    for name in names:
        (folder / "in" / name).write_text(name)
    return [Job(folder / "in" / name, (), folder / "out" / name, is_whole=True, name=name) for name in names]


def open_runner(folder: Path, address: str = "local:2") -> ClusterRunner:
    return ClusterRunner(address, REQUEST, folder / "out", 60, make=make_idle, check_versions=False)


def read_results(folder: Path) -> dict[str, str]:
    """What is in the folder of results, hidden files too."""
    return {path.name: path.read_text().split()[0] for path in (folder / "out").iterdir()}


def test_workers_that_die(tmp_path: Path) -> None:
    """What took one with it is done by another one; what takes three is named; all others are done."""
    names = [f"p{number}.jpg" for number in range(40)]
    jobs = list_jobs(tmp_path, *names[:20], "once.jpg", "killer.jpg", "bad.jpg", *names[20:])
    with open_runner(tmp_path) as runner:
        assert runner.dashboard.startswith("http://")
        results = list(runner.run(jobs))
        assert runner.window in (2, 4)  # one may just be starting again
    failures = {result.job.name: result.reason for result in results if isinstance(result, Failure)}
    assert failures == {
        "bad.jpg": "Do something else.",
        "killer.jpg": "It ended 3 workers that did nothing else: leave it out, or open it in GIMP.",
    }
    done = sorted(result.job.name for result in results if isinstance(result, Done))
    assert done == sorted([*names, "once.jpg"])
    assert read_results(tmp_path) == {name: name for name in done}


def test_two_runs_on_one_cluster(tmp_path: Path, processes: Processes) -> None:
    """Each has a GIMP of its own on each worker, told what this run asks."""
    processes.start_scheduler()
    processes.start_worker()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    jobs = [list_jobs(tmp_path / name, *(f"slow{number}.jpg" for number in range(6))) for name in ("one", "two")]
    with (
        open_runner(tmp_path / "one", processes.address) as one,
        open_runner(tmp_path / "two", processes.address) as two,
    ):
        results = list(one.run(jobs[0][:3])) + list(two.run(jobs[1])) + list(one.run(jobs[0][3:]))
    assert len(results) == 12 and all(isinstance(result, Done) for result in results)
    assert all(len(read_results(tmp_path / name)) == 6 for name in ("one", "two"))


def test_a_bounded_number_is_in_flight(tmp_path: Path) -> None:
    made: list[int] = []
    most = 0

    def make_jobs(output: Path) -> Iterator[Job]:
        for number in range(3000):
            made.append(number)
            yield Job(Path("in", f"p{number}.jpg"), (), output / f"p{number}.jpg", is_whole=True)

    (tmp_path / "out").mkdir()
    with open_runner(tmp_path, "local:1") as runner:
        done = 0
        for result in runner.run(make_jobs(tmp_path / "out")):
            done += isinstance(result, Done)
            most = max(most, len(made) - done)
    assert done == 3000 and most <= (runner.window + 1) * cluster._LARGEST


def test_a_worker_is_killed_and_the_scheduler_restarted(tmp_path: Path, processes: Processes) -> None:
    """Nothing is lost and nothing is done twice into the same name."""
    names = [f"slow{number}.jpg" for number in range(30)]
    jobs = list_jobs(tmp_path, *names)
    scheduler = processes.start_scheduler()
    workers = [processes.start_worker() for _ in range(2)]
    found: dict[str, str] = {}
    with open_runner(tmp_path, processes.address) as runner:
        for number, result in enumerate(runner.run(jobs)):
            assert isinstance(result, Done) and result.job.name not in found
            found[result.job.name] = describe(result.job.output)
            if number == 5:
                workers[0].kill()
            if number == 12:
                scheduler.kill()
                scheduler.wait()
                for worker in workers:
                    worker.kill()
                restart = threading.Timer(0.5, lambda: (processes.start_scheduler(), processes.start_worker()))
                restart.start()
    restart.join()
    assert sorted(found) == sorted(names) and set(read_results(tmp_path)) == set(names)
    assert {name: describe(tmp_path / "out" / name) for name in names} == found  # each was written once


def test_what_is_there_already_is_not_done_again(tmp_path: Path) -> None:
    """A worker that died after its result had appeared, or whose word was lost."""
    (job,) = list_jobs(tmp_path, "a.jpg")
    task = cluster_worker.Task(job.picture, tuple(job.list_steps()), job.output, ".jpg", describe(job.output))
    host = cluster_worker.Host(REQUEST.to_job(), 60, tmp_path, {}, make_idle)
    host.setup(None)  # type: ignore[arg-type]
    try:
        host.do(task)
        first = describe(job.output)
        assert first and host.do(task).error == "" and describe(job.output) == first
        again = cluster_worker.Task(job.picture, task.steps, job.output, ".jpg", first)  # another run
        host.do(again)
        assert describe(job.output) != first
        done = tmp_path / "done"
        done.write_text("later")
        second = job.output.read_text()
        cluster_worker._publish(done, job.output, first)  # of a worker that took longer than the one in its place
        assert job.output.read_text() == second
    finally:
        host.teardown(None)  # type: ignore[arg-type]


def test_versions_must_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"plug-in": "9.9.9", "networks": "12345678", "GIMP": "3.2.6"}
    host = cluster_worker.Host(REQUEST.to_job(), 60, tmp_path, wanted, make_idle)
    own = {**wanted, "GIMP": "3.0.4", "plug-in": "0.1.0"}
    monkeypatch.setattr(cluster_worker, "describe_installation", lambda: own)
    assert host.check() == "has plug-in 0.1.0, not 9.9.9, GIMP 3.0.4, not 3.2.6: install the same there"
    own.update(wanted)
    assert host.check() == ""


@pytest.fixture
def fake_gimps(fake_gimp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same stand-ins for GIMP and server, which workers find, too."""
    monkeypatch.setenv("PYTHONPATH", PATH["PYTHONPATH"])
    return fake_gimp


def batch(pictures: object, results: object, masks: object, *options: str) -> int:
    places = [str(pictures), str(results), "--masks", str(masks), "--direction", "attenuate"]
    return main(["batch", *places, "--cluster", "local:2", *options])


def test_the_command(fake_gimps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimps, "a.jpg", "b.jpg", "bad.jpg", "crash.jpg", "hang.jpg", "c.png")
    (fake_gimps / "in" / "lonely.jpg").touch()
    places = [fake_gimps / name for name in ("in", "out", "masks")]
    assert batch(*places, "--time-limit", "5") == 1
    said = capsys.readouterr()
    assert "what Dask says of the run is at http://" in said.err
    assert "bad.jpg: Do something else.\n" in said.err and "crash.jpg: GIMP crashed on it: " in said.err
    assert "hang.jpg: GIMP took longer than 5 s: raise --time-limit.\n" in said.err
    assert "lonely.jpg: It has no mask: put lonely.png into the folder of masks.\n" in said.err
    assert "3 pictures edited, 4 failed." in said.out
    assert sorted(path.name for path in places[1].iterdir()) == ["a.jpg", "b.jpg", "c.png"]
    (places[1] / "a.jpg").unlink()
    (fake_gimps / "in" / "hang.jpg").unlink()
    assert batch(*places, "--resume") == 1
    assert "1 pictures edited, 3 failed, 2 were finished before." in capsys.readouterr().out


def test_a_run_with_other_versions_does_not_begin(
    fake_gimps: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(fake_gimps, "a.jpg")
    own = cluster_worker.describe_installation()
    assert own["GIMP"] == "3.2.6" and len(own["networks"]) == 8
    monkeypatch.setattr(cluster, "describe_installation", lambda: {**own, "plug-in": "9.9.9"})
    assert batch(*(fake_gimps / name for name in ("in", "out", "masks"))) == 1
    said = capsys.readouterr().err
    assert re.search(r"The worker tcp://\S+ has plug-in 0\.1\.0, not 9\.9\.9: install the same there\.", said)
    assert not list((fake_gimps / "out").iterdir())


def test_a_shot_is_asked_for_once(fake_gimps: Path) -> None:
    from PIL import Image

    for number in range(6):
        (fake_gimps / "in" / f"s{number}.jpg").write_text("frame")
    Image.new("L", (8, 8), 255).save(fake_gimps / "masks" / "s0.png")
    assert batch(*(fake_gimps / name for name in ("in", "out", "masks")), "--frames") == 0
    said = {(fake_gimps / "out" / f"s{number}.jpg").read_text().rpartition("]")[0] for number in range(6)}
    assert said == {'frame["s0.jpg 0", "s0.png"'}
    assert (fake_gimps / "out" / "s#.jpg.edits.json").exists()


def test_places_by_urls(fake_gimps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fetched to a scratch folder, and results that appear whole."""
    add(fake_gimps, "a.jpg", "b.jpg", "bad.jpg")
    (fake_gimps / "in" / "sub").mkdir()
    (fake_gimps / "in" / "sub" / "c.jpg").write_text("c")
    (fake_gimps / "masks" / "sub").mkdir()
    (fake_gimps / "masks" / "sub" / "c.png").touch()
    urls = [f"file://{fake_gimps / name}" for name in ("in", "out", "masks")]
    assert batch(*urls, "--recursive") == 1
    assert "bad.jpg: Do something else.\n" in capsys.readouterr().err
    results = sorted(str(path.relative_to(fake_gimps / "out")) for path in (fake_gimps / "out").rglob("*.*"))
    assert results == ["a.jpg", "b.jpg", "sub/c.jpg"]
    assert (fake_gimps / "out" / "sub" / "c.jpg").read_text().startswith("c")
    (fake_gimps / "out" / "a.jpg").unlink()
    assert batch(*urls, "--recursive", "--resume") == 1
    assert "1 pictures edited, 1 failed, 2 were finished before." in capsys.readouterr().out
    before = describe(fake_gimps / "out" / "b.jpg")
    assert batch(*urls, "--recursive") == 1  # all of it again
    assert "3 pictures edited, 1 failed." in capsys.readouterr().out
    assert describe(fake_gimps / "out" / "b.jpg") != before
    assert batch(urls[0], urls[0], urls[2]) == 1
    assert "The results would replace the pictures" in capsys.readouterr().err
    assert batch(f"{urls[0]}/nowhere", urls[1], urls[2]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_url_is_a_path() -> None:
    place = RemotePath("s3://bucket/a folder/b.jpg")
    assert (str(place), place.name, place.stem, str(place.parent)) == (
        "s3://bucket/a folder/b.jpg",
        "b.jpg",
        "b",
        "s3://bucket/a folder",
    )
    assert place == RemotePath("s3://bucket/a folder") / "b.jpg"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["in", "out", "--cluster", "local:2", "--jobs", "2"], "--jobs: not with --cluster"),
        (["s3://bucket/in", "out"], "s3://bucket/in: URLs only with --cluster"),
        (["in", "s3://bucket/out", "--cluster", "local:1", "--dry-run"], "--dry-run: not with URLs"),
    ],
)
def test_options_that_do_not_belong_together(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["batch", *options, "--retouch"])
    assert ended.value.code == 2 and sentence in capsys.readouterr().err


def test_there_is_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_TIME", 1)
    with pytest.raises(BatchError, match=r"no scheduler at tcp://127\.0\.0\.1:9 .*: start one with «dask scheduler»"):
        open_runner(tmp_path, "tcp://127.0.0.1:9").__enter__()
    with pytest.raises(BatchError, match="takes a number of workers, not 'many'"):
        open_runner(tmp_path, "local:many").__enter__()
    assert not list((tmp_path / "out").iterdir())


def test_no_worker_comes(tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1.0)
    processes.start_scheduler()
    with pytest.raises(BatchError, match="got no worker in 1 s: start some with «dask worker»"):
        open_runner(tmp_path, processes.address).__enter__()


def test_a_client_that_is_killed_is_followed_by_one_that_resumes(fake_gimps: Path) -> None:
    add(fake_gimps, *(f"slow{number}.jpg" for number in range(12)))
    places = [str(fake_gimps / name) for name in ("in", "out")]
    command = [sys.executable, "-m", "model_server", "batch", *places, "--masks", str(fake_gimps / "masks")]
    command += ["--direction", "attenuate", "--cluster", "local:1"]
    client = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: len(list((fake_gimps / "out").glob("*.jpg"))) > 2, 60)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    before = {path.name: describe(path) for path in (fake_gimps / "out").glob("*.jpg")}
    assert batch(*places, fake_gimps / "masks", "--resume") == 0
    after = {path.name: describe(path) for path in (fake_gimps / "out").glob("*.jpg")}
    assert len(after) == 12 and {name: after[name] for name in before} == before
    assert all(path.read_text().startswith(path.name) for path in (fake_gimps / "out").glob("*.jpg"))


def test_the_folders_of_dead_runs_go_after_a_day(tmp_path: Path) -> None:
    old, young = (tmp_path / f".gimp-saliency-cluster-{word}" for word in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (1e9, 1e9))
    with outputs.open_parts(tmp_path, shared=True) as parts:
        assert not old.exists() and young.exists() and parts.exists()
    assert not parts.exists() and young.exists()


def test_dask_is_loaded_for_clusters_alone() -> None:
    code = (
        "import sys, model_server.commands.batch, model_server.batch.runner, model_server.batch.dry_run; "
        "print([name for name in ('dask', 'distributed', 'fsspec', 'tornado') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], env=PATH, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.alone
def test_a_picture_costs_a_run_less_than_a_millisecond(tmp_path: Path) -> None:
    """In the client's own processor time, and no more memory for many pictures than for few."""
    import resource
    import time

    (tmp_path / "out").mkdir()
    with open_runner(tmp_path, "local:1") as runner:
        assert count_done(runner, 10_000, tmp_path / "out") == 10_000
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin = time.process_time()
        assert count_done(runner, 20_000, tmp_path / "out") == 20_000
        assert (time.process_time() - begin) / 20_000 < 1e-3
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # kB
