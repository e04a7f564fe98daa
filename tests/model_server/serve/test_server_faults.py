# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server and its callers survive: each call ends right or in a sentence, and the next one works."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gimp_saliency.shared import places
from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.errors import ServerError
from gimp_saliency.shared.request import EditRequest
from model_server.serve import loading
from model_server.serve.worker import Worker
from tests.model_server.processes import FAKE_SERVER, REAL_SERVER, ROOT, StartServer, wait_for
from tests.model_server.serve.wire import EDITS, LOOK, PICTURE
from tests.model_server.stand_in_networks import VERSION, put_harmonize, put_older

NETWORKS = ROOT / "model_server" / "networks"
CLIENTS = 4

# The plug-in starts a server with an environment and a working folder of its own, as the installed command expects.
FAKE = f"""
import contextlib, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.model_server import fake_server
with contextlib.suppress(SystemExit):  # 0 also where another server runs already, like the real one
    fake_server.main()
"""
REAL = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from model_server.__main__ import main; sys.exit(main(['serve']))"
)

PluginStarts = Callable[..., None]


def ask(seed: int = 0) -> list[Any]:
    """The edits of one of many pictures."""
    picture = bytes([seed]) + PICTURE[1:]
    found: list[Any] = questions.ask_edits(picture, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))["edits"]
    return found


def is_sentence(text: str) -> bool:
    """Whether that is one sentence that says what to do."""
    return bool(re.fullmatch(r"[^\n]{10,300}[;,.] [^\n]+\.", text))


@pytest.mark.alone
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("code", "kills"),
    [
        (FAKE, 4),
        pytest.param(FAKE, 100, marks=pytest.mark.thorough),
        pytest.param(REAL, 20, marks=pytest.mark.thorough),
    ],
    ids=["few", "many", "real"],
)
def test_killed_at_any_moment(plugin_starts: PluginStarts, runtime: Path, code: str, kills: int) -> None:
    """Before, during and after requests of several clients, and while the next server starts."""
    options = ("--load-seconds", "0.05", "--seconds", "0.02") if code == FAKE else ()
    plugin_starts(*options, command=[sys.executable, "-c", code])
    right = [ask(seed) for seed in range(8)]
    over = threading.Event()

    def client(seed: int) -> Counter[str]:
        random, outcomes = Random(seed), Counter[str]()
        while not over.is_set():
            picture = random.randrange(len(right))
            before = time.monotonic()
            try:
                assert ask(picture) == right[picture]
                outcomes["right"] += 1
            except ServerError as error:
                assert is_sentence(str(error)), error
                outcomes[str(error)] += 1
            assert time.monotonic() - before < lifecycle.START_LIMIT + transport.ANSWER_LIMIT
        return outcomes

    random = Random(kills)
    killed: set[int] = set()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, seed) for seed in range(CLIENTS)]
        try:
            while len(killed) < kills:
                time.sleep(random.uniform(0, 0.25))
                pid = lifecycle._find_listener()
                if pid > 0 and lifecycle._kill(pid):
                    killed.add(pid)
                    if len(killed) % 4 == 0:
                        assert ask(0) == right[0]  # nobody kills meanwhile: the next call works
        finally:
            over.set()
        outcomes = sum((each.result(60) for each in clients), Counter[str]())
    print(f"{len(killed)} killed: {dict(outcomes)}")
    assert outcomes["right"] > kills
    assert [ask(seed) for seed in range(8)] == right


@pytest.mark.alone
@pytest.mark.thorough
def test_frozen_under_load(
    plugin_starts: PluginStarts, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several callers find it frozen at once; none of them kills the server that another one has started since."""
    frozen = start_server("--seconds", "0.05")
    plugin_starts(command=[sys.executable, "-c", FAKE])
    right = [ask(seed) for seed in range(CLIENTS)]
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 1.0)
    frozen.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(CLIENTS) as pool:
        assert list(pool.map(ask, range(CLIENTS))) == right
    assert frozen.wait(5) == -signal.SIGKILL


def test_only_the_frozen_server_is_killed(start_server: StartServer) -> None:
    process = start_server()
    assert lifecycle._find_listener() == process.pid
    assert lifecycle._kill(process.pid + 1)
    assert lifecycle.ask_health() and process.poll() is None
    assert lifecycle._kill(process.pid) and process.wait(5) == -signal.SIGKILL
    assert lifecycle._find_listener() == -1


def _no_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def test_no_byte_can_be_written(runtime: Path) -> None:
    process = subprocess.Popen(FAKE_SERVER, cwd=ROOT, preexec_fn=_no_room)
    try:
        wait_for(lambda: lifecycle.ask_health() is not None)
        assert ask()
        assert lifecycle.stop()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait(5)
    assert [path.name for path in runtime.iterdir()] == ["server.lock"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "gimp-saliency-test", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can make a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as out, pytest.raises(OSError, match="No space left"):
        while True:
            out.write(bytes(4096))


def test_full_disk(
    plugin_starts: PluginStarts, runtime: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home and runtime folder are full; once there is room again the log goes on."""
    monkeypatch.setenv("XDG_STATE_HOME", str(small_disk / "state"))
    monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", str(small_disk / "run"))
    plugin_starts(command=[sys.executable, "-c", FAKE])
    places.state_folder().mkdir(parents=True)
    places.runtime_folder()
    fill(small_disk / "filler")
    right = ask()
    for _ in range(20):
        assert ask() == right
    log = places.state_folder() / "server.log"
    assert log.stat().st_size == 0
    (small_disk / "filler").unlink()
    assert ask() == right
    wait_for(lambda: b"/v1/edits" in log.read_bytes())  # it is written once the answer is sent
    lifecycle.stop()


def damage(folder: Path, name: str, how: str) -> None:
    """Spoil one network file."""
    file = folder / name
    content = bytearray(file.read_bytes())
    file.unlink()  # it is a link to the shipped one
    if how == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif how == "one bit":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("edit.onnx", "one bit"),
        pytest.param("saliency.onnx", "truncated", marks=pytest.mark.thorough),
        pytest.param("operator-curves.onnx", "missing", marks=pytest.mark.thorough),
        pytest.param("manifest.json", "truncated", marks=pytest.mark.thorough),
        pytest.param("manifest.json", "missing", marks=pytest.mark.thorough),
    ],
)
def test_damaged_network(start_server: StartServer, tmp_path: Path, name: str, how: str) -> None:
    """A sentence on each request, and once the file is back the same server works."""
    folder = tmp_path / "networks"
    folder.mkdir()
    for file in NETWORKS.iterdir():
        (folder / file.name).symlink_to(file)
    damage(folder, name, how)
    start_server("--networks", str(folder), command=REAL_SERVER)
    for path in (EDITS, LOOK):
        code, answer = transport.request("POST", path, PICTURE)
        sentence = json.loads(answer)["error"]
        assert code == 503 and is_sentence(sentence) and "install.sh" in sentence, sentence
    with pytest.raises(ServerError) as error:
        ask()
    assert str(error.value) == sentence
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(NETWORKS / name)
    assert ask()
    assert lifecycle.ask_health()["state"] == "ready"  # type: ignore[index]


def test_networks_older_than_a_tool(start_server: StartServer, tmp_path: Path) -> None:
    """A sentence to who asks for it, all else works, and once they are new the same server has it."""
    folder = tmp_path / "networks"
    put_older(folder)
    start_server("--networks", str(folder), command=REAL_SERVER)
    with pytest.raises(ServerError, match=r"older than Harmonize Layer; run install\.sh again") as error:
        questions.ask_harmony(PICTURE, 16, 16)
    assert is_sentence(str(error.value))
    right = ask()
    with pytest.raises(ServerError, match="older than"):
        questions.ask_harmony(PICTURE, 16, 16)
    shutil.rmtree(folder)
    sha256 = put_harmonize(folder)
    found = questions.ask_harmony(b"\xff\0\x33\1" * 256, 16, 16)
    assert found["model"] == f"harmonize-{VERSION} ({sha256})" and found["milliseconds"] > 0
    assert [curve[-1] for curve in found["curves"]] == pytest.approx([1, 0, 0.2], abs=1e-4)
    assert found["shading"]["box"] == [0, 0, 1, 1] and found["shading"]["ev"][31][31] == 1
    assert ask() == right


def test_no_memory_for_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever library says so, and however: the sentence is about memory.  The next call tries again."""
    try:
        raise RuntimeError("onnxruntime cannot load edit.onnx.") from Exception("std::bad_alloc")
    except RuntimeError as error:
        ways = [MemoryError(), error, ImportError("libx.so: failed to map segment from shared object")]
    answers: Iterator[Any] = iter(ways)

    def predictor(_networks: Path | None) -> str:
        for error in answers:
            raise error
        return "predictor"

    monkeypatch.setattr(loading, "_import_and_load", predictor)
    worker = Worker(lambda: loading.load_predictor(None))
    try:
        wait_for(lambda: worker.state()["state"] == "failed")
        for _ in ways[1:]:
            with pytest.raises(RuntimeError, match="not enough memory for the networks; close other programs and try"):
                worker.run(lambda predictor: predictor, 5)
        assert worker.run(lambda predictor: predictor, 5) == "predictor"
    finally:
        worker.close()


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_little_memory(runtime: Path, plugin_starts: PluginStarts) -> None:
    """From hardly enough to start Python to enough: an answer or a sentence, and with memory the right answer."""
    plugin_starts(command=[sys.executable, "-c", REAL])
    right = ask()
    outcomes: dict[int, str] = {}
    for megabytes in range(60, 560, 50):
        lifecycle.stop()
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20}, -1))\n"
        plugin_starts(command=[sys.executable, "-c", limit + REAL])
        try:
            assert ask() == right
            outcomes[megabytes] = "right"
        except ServerError as error:
            assert is_sentence(str(error)), error
            outcomes[megabytes] = str(error)
        plugin_starts(command=[sys.executable, "-c", REAL])
        pid = lifecycle._find_listener()
        if pid > 0:  # other programs have ended
            resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert ask() == right
    print(json.dumps(outcomes, indent=1, ensure_ascii=False))
    assert outcomes[60] != "right" and outcomes[510] == "right"
    assert any("not enough memory" in outcome for outcome in outcomes.values())


@pytest.mark.alone
@pytest.mark.thorough
def test_the_clock_runs_backwards(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the server and at its caller, an hour at each look: all limits are measured with another clock."""
    command = [sys.executable, str(Path(__file__).with_name("watched_server.py")), "clock", "serve"]
    process = start_server("--idle", "1.5", command=command)
    now = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    right = ask()
    before = time.monotonic()
    while time.monotonic() - before < 2:
        assert ask() == right
        assert lifecycle.ask_health()
    assert process.wait(8) == 0  # idle, but not before
    assert lifecycle.ask_health() is None


@pytest.mark.alone
def test_logout_and_login(plugin_starts: PluginStarts, runtime: Path) -> None:
    """The session's folder goes with everything in it, while a request runs, and is there again a moment later."""
    plugin_starts("--seconds", "0.4", command=[sys.executable, "-c", FAKE])
    right = ask()
    old = lifecycle._find_listener()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ask)
        time.sleep(0.2)
        shutil.rmtree(runtime.parent)
        runtime.parent.mkdir(mode=0o700)
        assert running.result(5) == right
    assert ask() == right
    new = lifecycle._find_listener()
    assert new > 0 and new != old
    wait_for(lambda: not _is_alive(old))
    time.sleep(0.5)  # the old one has taken nothing of the new one's with it
    assert ask() == right and lifecycle._find_listener() == new


def _is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False


def test_lock_and_runtime_file_swept_away(start_server: StartServer, runtime: Path) -> None:
    """As cleaners of /tmp do with what is old: the next server takes over, the old one ends by itself."""
    old = start_server()
    (runtime / "server.lock").unlink()
    (runtime / "server.json").unlink()
    new = start_server()
    assert old.wait(5) == 0
    assert lifecycle.ask_health()["pid"] == new.pid  # type: ignore[index]
    assert (runtime / "server.json").exists()
