# SPDX-License-Identifier: GPL-3.0-or-later
"""How the server starts, stays alone, and ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gimp_saliency.shared import version
from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.errors import ServerError
from gimp_saliency.shared.request import EditRequest
from tests.model_server.processes import FAKE_SERVER, REAL_SERVER, ROOT, StartServer, cpu_seconds, memory, wait_for

PICTURE = bytes(range(256)) * 4
EDITS = "/v1/edits?direction=attenuate&order=random&width=16&height=16"


@pytest.mark.alone
def test_ten_at_once_leave_one(runtime: Path) -> None:
    processes = [subprocess.Popen(FAKE_SERVER) for _ in range(10)]
    try:
        wait_for(lambda: sum(process.poll() is not None for process in processes) == 9)
        assert sorted(process.returncode for process in processes if process.returncode is not None) == [3] * 9
        alive = next(process for process in processes if process.poll() is None)
        assert lifecycle.ask_health()["pid"] == alive.pid  # type: ignore[index]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.alone
def test_ten_plugins_at_once_start_one(plugin_starts: Callable[..., None]) -> None:
    plugin_starts("--load-seconds", "0.3")
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(
                lambda _: questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM)),
                range(10),
            )
        )
    assert len({json.dumps(answer["edits"]) for answer in answers}) == 1


@pytest.mark.alone
def test_idle_exit(start_server: StartServer, runtime: Path) -> None:
    process = start_server("--idle", "0.6")
    for _ in range(4):  # requests keep it alive
        time.sleep(0.3)
        assert lifecycle.ask_health()
    assert process.wait(5) == 0
    assert lifecycle.ask_health() is None
    assert [path.name for path in runtime.iterdir()] == ["server.lock"]


def test_idle_minutes_come_from_the_settings(
    start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "gimp-saliency" / "settings.ini"
    file.parent.mkdir()
    file.write_text("[server]\nidle-minutes = 7\n")
    for arguments, minutes in ((["--idle", "90"], 1.5), ([], 7)):  # the command line wins
        process = start_server(*arguments, command=REAL_SERVER)
        assert lifecycle.ask_health()["idle_minutes"] == minutes  # type: ignore[index]
        process.terminate()
        assert process.wait(5) == 0


def test_restart(plugin_starts: Callable[..., None], start_server: StartServer) -> None:
    process = start_server()
    plugin_starts("--idle", "120")
    lifecycle.restart()
    assert process.wait(5) == 0
    assert lifecycle.ask_health()["idle_minutes"] == 2  # type: ignore[index]


def test_killed_server_is_replaced(plugin_starts: Callable[..., None], runtime: Path) -> None:
    plugin_starts()
    pids = set()
    for _ in range(3):
        assert questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))["edits"]
        pid = lifecycle.ask_health()["pid"]  # type: ignore[index]
        pids.add(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: lifecycle.ask_health() is None)
        assert (runtime / "server.sock").exists()  # stale
    assert len(pids) == 3


@pytest.mark.alone
def test_killed_during_a_request(plugin_starts: Callable[..., None], start_server: StartServer) -> None:
    process = start_server("--seconds", "20")
    plugin_starts()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(questions.ask_edits, PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))
        time.sleep(0.3)
        process.kill()
        assert answer.result(10)["edits"]


@pytest.mark.alone
def test_frozen_server_is_replaced(
    plugin_starts: Callable[..., None], start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start_server()
    plugin_starts()
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 1.0)
    process.send_signal(signal.SIGSTOP)
    assert questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))["edits"]
    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(start_server: StartServer, runtime: Path, sign: signal.Signals) -> None:
    process = start_server()
    process.send_signal(sign)
    assert process.wait(5) == 0
    assert [path.name for path in runtime.iterdir()] == ["server.lock"]


@pytest.mark.alone
def test_a_running_request_is_finished_at_the_end(start_server: StartServer) -> None:
    process = start_server("--seconds", "0.8")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(transport.request, "POST", EDITS, PICTURE)
        time.sleep(0.4)
        assert lifecycle.stop()
        assert answer.result(5)[0] == 200
    assert process.wait(5) == 0


@pytest.mark.alone
def test_stop_ends_a_frozen_server_by_force(start_server: StartServer) -> None:
    process = start_server()
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(ServerError, match="gimp-saliency stop"):
        lifecycle.stop()
    assert lifecycle.stop(kill=True)
    assert process.wait(5) == -signal.SIGKILL
    assert not lifecycle.stop()


@pytest.mark.alone
def test_other_version_is_replaced_once(plugin_starts: Callable[..., None], start_server: StartServer) -> None:
    old = start_server("--version", "0.0.9")
    plugin_starts()
    with ThreadPoolExecutor(5) as pool:  # several GIMPs meet the old server at once
        answers = list(
            pool.map(
                lambda _: questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM)),
                range(5),
            )
        )
    assert all(answer["edits"] for answer in answers)
    assert old.wait(5) == 0
    assert lifecycle.ask_health()["version"] == version.VERSION  # type: ignore[index]


def test_other_version_that_cannot_be_replaced(plugin_starts: Callable[..., None], start_server: StartServer) -> None:
    start_server("--version", "0.0.9")
    plugin_starts("--version", "0.0.9")
    with pytest.raises(ServerError, match=r"model server 0\.0\.9; run install\.sh again"):
        questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))


def test_socket_taken_away_ends_it(start_server: StartServer, runtime: Path) -> None:
    process = start_server()
    (runtime / "server.sock").unlink()
    assert process.wait(5) == 0


def test_only_the_user_can_enter(start_server: StartServer, runtime: Path) -> None:
    start_server()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (runtime, *runtime.iterdir())}
    assert modes.pop("run") == 0o700 and modes["server.sock"] == 0o600 and modes["server.json"] == 0o600


def test_the_log_is_bounded(start_server: StartServer) -> None:
    start_server()
    folder = Path(os.environ["XDG_STATE_HOME"], "gimp-saliency")
    for _ in range(2500):
        transport.request("GET", "/" + "x" * 120)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) == {"server.log", "server.log.1"}
    assert max(sizes.values()) <= 256 * 1024


def test_unwritable_home_is_no_obstacle(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc")
    start_server()
    assert transport.request("POST", EDITS, PICTURE)[0] == 200


def test_tcp_where_unix_sockets_are_missing(
    plugin_starts: Callable[..., None], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_TCP", "1")
    plugin_starts()
    assert questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", ranking=Ranking.RANDOM))["edits"]
    assert not (runtime / "server.sock").exists()
    facts = json.loads((runtime / "server.json").read_text())
    assert stat.S_IMODE((runtime / "server.json").stat().st_mode) == 0o600
    for line, expected in (
        (f"Host: 127.0.0.1:{facts['port']}", 401),
        (f"Host: 127.0.0.1:{facts['port']}\r\nAuthorization: Bearer x", 401),
        (f"Host: evil.example\r\nAuthorization: Bearer {facts['token']}", 403),
        (f"Host: 127.0.0.1:{facts['port']}\r\nAuthorization: Bearer {facts['token']}", 200),
    ):
        with socket.create_connection(("127.0.0.1", facts["port"]), 5) as client:
            client.sendall(f"GET /v1/health HTTP/1.1\r\n{line}\r\n\r\n".encode())
            assert client.recv(100).split()[1] == str(expected).encode()
    assert lifecycle.stop()


@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_damaged_networks_are_reported(start_server: StartServer, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "networks"
    if damage == "garbage":
        folder.mkdir()
        (folder / "manifest.json").write_text("{")
    start_server("--networks", str(folder), command=REAL_SERVER)
    code, answer = transport.request("POST", EDITS, PICTURE)
    found = lifecycle.ask_health()
    assert code == 503 and found and found["state"] == "failed"
    assert json.loads(answer)["error"] == found["error"]
    print(found["error"])


def measure_imports() -> float:
    """Processor time that a Python takes to import what the server cannot do without: how quick the machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import numpy, onnxruntime, PIL.Image"], check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.alone
def test_start_and_memory(runtime: Path) -> None:
    """Processor time to the first answer, in times of what importing its libraries takes; memory in use and at rest."""
    networks = ROOT / "model_server" / "networks" / "manifest.json"
    if not networks.exists():
        pytest.skip("no networks")
    libraries = measure_imports()
    before = time.monotonic()
    process = subprocess.Popen(REAL_SERVER, cwd=ROOT)
    try:
        picture = os.urandom(384 * 256 * 4)
        path = "/v1/edits?direction=attenuate&width=384&height=256&order="
        wait_for(lambda: lifecycle.ask_health() is not None)
        assert transport.request("POST", path + "best-realism", picture)[0] == 200
        seconds = time.monotonic() - before
        busy = cpu_seconds(process.pid)
        libraries = max(libraries, measure_imports())  # a machine may slow down meanwhile
        for i in range(99):
            assert transport.request("POST", path + ("random" if i % 10 else "best-realism"), picture)[0] == 200
        most = memory(process.pid)
        wait_for(lambda: memory(process.pid) < 120)
        rest = memory(process.pid)
        cost = f"{busy:.2f} s of CPU, {busy / libraries:.1f} imports"
        print(f"start to first answer {seconds:.2f} s ({cost}), {most:.0f} MB, at rest {rest:.0f} MB")
        assert busy < 5 * libraries and most < 200
    finally:
        process.terminate()
        process.wait(5)
