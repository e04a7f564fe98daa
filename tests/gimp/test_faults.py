# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits in real GIMP while something goes wrong around them: the picture is untouched or completely edited."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.errors import ServerError
from gimp_saliency.shared.request import EditRequest
from model_server.gimp import start_command
from model_server.gimp.running import Gimp
from model_server.predict.networks import NETWORKS
from tests.conftest import GimpForTests
from tests.gimp.small_disk import fill, mounted
from tests.model_server.processes import FAKE_SERVER, wait_for

pytestmark = pytest.mark.thorough

KILLS = 16  # of the server of each GIMP, one during each edit or beside it
STORM = 5  # edits while the server is killed again and again
FREEZES = 6


@dataclass(frozen=True)
class Service:
    """A runtime folder of the test's own, and the server in it, which GIMP starts when it needs it."""

    place: Path  # short, as a socket's path must be
    gimps: dict[Gimp, GimpForTests] = field(default_factory=dict)  # that run scripts with it

    @property
    def runtime(self) -> Path:
        return self.place / "run"

    def inside(self, gimp: GimpForTests) -> GimpForTests:
        """The same GIMP with this service."""
        return self.gimps.setdefault(gimp.gimp, gimp.where(**_environment(self.place)))

    def run(self, gimp: GimpForTests, call: str, timeout: float = 500) -> Any:
        return self.inside(gimp).run(f"import inside_faults\nresult = inside_faults.{call}", timeout)

    def pid(self) -> int | None:
        """The server's process, None while there is none."""
        with suppress(OSError, ValueError, KeyError):
            pid = int(json.loads((self.runtime / "server.json").read_text())["pid"])
            if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z":
                return pid
        return None

    def started(self) -> int:
        """How many servers have served here so far."""
        return (self.place / "state" / "gimp-saliency" / "server.log").read_text().count("serving at")


def _environment(place: Path) -> dict[str, str]:
    return {"GIMP_SALIENCY_RUNTIME": str(place / "run"), "XDG_STATE_HOME": str(place / "state")}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="gs-") as place:
        service = Service(Path(place))
        service.runtime.mkdir(0o700)
        for name, value in _environment(service.place).items():
            monkeypatch.setenv(name, value)
        yield service
        for gimp in service.gimps.values():
            gimp.console.close()
        if pid := service.pid():
            os.kill(pid, signal.SIGKILL)


def serve_with(monkeypatch: pytest.MonkeyPatch, command: list[str], *options: str) -> None:
    """Another server than the real one for GIMP."""
    monkeypatch.setattr(start_command, "own_command", lambda: [*command, "serve", *options])


def is_sentence(message: Any) -> bool:
    return (
        isinstance(message, str)
        and "\n" not in message
        and "fault of the plug-in" not in message
        and message[-1] == "."
    )


def check(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """That all edits of one GIMP process are the same, or nothing and a sentence; returns those that failed."""
    failed = [result for result in results if result["status"] != "success"]
    assert all(result["untouched"] and is_sentence(result["message"]) for result in failed), failed
    assert len({result["result"] for result in results if result not in failed}) <= 1
    return failed


def is_alive(pid: int) -> bool:
    """Whether anything of the process is left but what its parent has not asked for."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return len(threads) > 1 or (threads[0] / "stat").read_text().rpartition(") ")[2][0] != "Z"
    except (OSError, IndexError):
        return False


class Attacker:
    """Sends the server, if there is one, a signal at a random moment of each of the rounds in GIMP."""

    def __init__(self, service: Service, sign: signal.Signals, times: int) -> None:
        self.moments: list[tuple[float, float]] = []  # of the signal, and when what was killed had gone
        self._service, self._sign, self._times = service, sign, times
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Attacker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        draw, place, seen = random.Random(5), self._service.place, ""
        while not self._ended.wait(0.01):
            number = (place / "round").read_text() if (place / "round").exists() else ""
            if not number or number == seen:
                continue
            seen = number
            lasts = float((place / "seconds").read_text())  # an edit, on a machine that may be busy
            turn = int(number) % 3
            if self._sign == signal.SIGKILL and turn < 2:
                # Certainly during an edit, or after one, as chance depends on how busy the machine is.
                self._wait_for_edit(number, is_over=turn == 1)
            else:
                self._ended.wait(draw.uniform(0, 1.5 * lasts))
            with suppress(ProcessLookupError):
                if pid := self._service.pid():
                    sent = time.monotonic()
                    os.kill(pid, self._sign)
                    # A killed server's socket takes questions until the last thread is gone, which may take a while.
                    while self._sign == signal.SIGKILL and is_alive(pid) and not self._ended.wait(0.002):
                        pass
                    self.moments.append((sent, time.monotonic()))
            if len(self.moments) == self._times:
                (place / "enough").touch()
            (place / "done").write_text(number)

    def _wait_for_edit(self, number: str, is_over: bool) -> None:
        """Until the edit of a round has ended, one way or the other, or else until it goes on and there is a server."""

        def said(name: str) -> bool:
            file = self._service.place / name
            return file.exists() and file.read_text() == number

        while not said("made") and not self._ended.wait(0.01):
            if not is_over and said("begun") and self._service.pid():
                break


@contextmanager
def load(clients: int) -> Iterator[None]:
    """Other clients that ask the server twice a second, if there is one."""
    picture = os.urandom(32 * 32 * 4)
    path = "/v1/edits?direction=attenuate&order=random&width=32&height=32"
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.5):
            with suppress(ServerError):
                transport.request("POST", path, picture, timeout=2.0)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(5)


def test_server_killed_at_any_moment(gimp: GimpForTests, service: Service) -> None:
    """One kill an edit: before, during or after it.  Whatever comes of that edit, the next one is made."""
    with load(2), Attacker(service, signal.SIGKILL, KILLS) as attacker:
        results = service.run(gimp, f"rounds({str(service.place)!r}, {3 * KILLS})")
    failed = check(results)
    assert results[0]["status"] == "success"  # nothing had happened yet
    during = [
        sum(sent < result["times"][1] and result["times"][0] < gone for sent, gone in attacker.moments)
        for result in results
    ]
    kills, made = len(attacker.moments), len(results) - len(failed)
    print(f"{kills} kills, {sum(during)} of them during an edit; {made} edits made, {len(failed)} refused")
    print({result["message"] for result in failed})
    assert kills == KILLS and sum(during) >= 5 and kills - sum(during) >= 5
    assert all(killed for killed, result in zip(during, results) if result["status"] != "success")
    assert service.run(gimp, "attempt()")["status"] == "success"


def test_server_killed_again_and_again(gimp: GimpForTests, service: Service) -> None:
    assert service.run(gimp, "attempt()")["status"] == "success"
    ended, kills = threading.Event(), 0

    def storm() -> None:
        nonlocal kills
        draw = random.Random(7)
        while not ended.wait(draw.uniform(0.05, 0.4)):
            if pid := service.pid():
                os.kill(pid, signal.SIGKILL)
                kills += 1

    with ThreadPoolExecutor(1) as pool:
        storming = pool.submit(storm)
        try:
            results = service.run(gimp, f"attempts({STORM})")
        finally:
            ended.set()
            storming.result(5)
    failed = check(results)
    longest = max(result["times"][1] - result["times"][0] for result in results)
    print(f"{kills} kills; {STORM - len(failed)} edits made, {len(failed)} not; the longest took {longest:.1f} s")
    assert kills >= STORM and longest < 45
    assert service.run(gimp, "attempt()")["status"] == "success"


def test_frozen_server_is_replaced(gimp: GimpForTests, service: Service) -> None:
    assert service.run(gimp, "attempt()")["status"] == "success"
    pid = service.pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    result = service.run(gimp, "attempt()")
    seconds = result["times"][1] - result["times"][0]
    print(f"an edit with a frozen server took {seconds:.1f} s")
    assert result["status"] == "success" and seconds < 45
    assert service.pid() not in (None, pid)


def test_server_frozen_at_any_moment(gimp: GimpForTests, service: Service) -> None:
    with Attacker(service, signal.SIGSTOP, FREEZES) as attacker:
        results = service.run(gimp, f"impatient_rounds(3.0, {str(service.place)!r}, {3 * FREEZES})")
    failed = check(results)
    assert results[0]["status"] == "success"  # nothing had happened yet
    longest = max(result["times"][1] - result["times"][0] for result in results)
    print(f"{len(attacker.moments)} times frozen; {len(failed)} edits not made, the longest took {longest:.1f} s")
    assert len(attacker.moments) == FREEZES and longest < 20
    assert service.run(gimp, "attempt()")["status"] == "success"


def test_strange_answers_are_sentences(gimp: GimpForTests, service: Service) -> None:
    results = service.run(gimp, "strange_answers()")
    assert len(results) == 22
    for name, result in results.items():
        assert result["status"] == "execution-error" and is_sentence(result["message"]), f"{name}: {result}"
        assert result["untouched"] and result["next works"], f"{name}: {result}"
        assert result["seconds"] < 10, f"{name}: {result}"
    print({name: result["message"] for name, result in results.items()})


def test_server_that_goes_while_it_refines(gimp: GimpForTests, service: Service) -> None:
    result = service.run(gimp, "refining_fails()")
    assert result["status"] == "execution-error" and result["untouched"], result


def test_server_of_another_version_is_replaced(
    gimp: GimpForTests, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = subprocess.Popen([*FAKE_SERVER, "serve", "--version", "0.0.9"])
    try:
        wait_for(service.pid)
        assert service.pid() == process.pid
        assert service.run(gimp, "attempt()")["status"] == "success"
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait(5)
    lifecycle.stop(kill=True)
    serve_with(monkeypatch, FAKE_SERVER, "--version", "0.0.9")
    result = service.run(gimp, "attempt()")
    assert result["untouched"] and "model server 0.0.9; run install.sh again" in result["message"], result
    lifecycle.stop(kill=True)


@pytest.mark.parametrize("damage", ["a flipped bit", "truncated", "missing"])
def test_damaged_network(
    gimp: GimpForTests, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    networks = tmp_path / "networks"
    shutil.copytree(NETWORKS, networks)
    file = networks / "edit.onnx"
    content = file.read_bytes()
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 4
    file.write_bytes({"a flipped bit": bytes(flipped), "truncated": content[:-1], "missing": b""}[damage])
    if damage == "missing":
        file.unlink()
    command = [sys.executable, "-m", "model_server"]
    serve_with(monkeypatch, command, "--networks", str(networks))
    result = service.run(gimp, "attempt()")
    print(result["message"])
    assert result["untouched"] and is_sentence(result["message"]), result
    assert "edit.onnx" in result["message"] and "run install.sh again" in result["message"]
    file.write_bytes(content)
    assert service.run(gimp, "attempt()")["status"] == "success"


def test_two_gimps_share_one_server(gimp30: GimpForTests, gimp32: GimpForTests, service: Service) -> None:
    calls = [(gimp30, "predictions([1, 2, 3, 4, 5, 6])"), (gimp32, "predictions([11, 12, 13, 14, 15, 16])")]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda call: service.run(*call), calls))
    assert service.started() == 1
    assert lifecycle.stop(kill=True)
    alone = [service.run(*call) for call in calls]
    for one, other in zip(together, alone):
        assert [names(edits) for edits in one] == [names(edits) for edits in other]
        for edits, same in zip(one, other):  # each process may round a thumbnail's pixels a little otherwise
            assert numbers(edits) == pytest.approx(numbers(same), abs=0.01)


def names(predicted: list[dict[str, Any]]) -> list[str]:
    assert len(predicted) == 7
    return [edit["name"] for edit in predicted]


def numbers(predicted: list[dict[str, Any]]) -> list[float]:
    values = [value for edit in predicted for name, value in sorted(edit.items()) if name != "name"]
    return [float(part) for value in values for part in (value if isinstance(value, list) else [value])]


def test_gimp_killed_during_an_edit(gimp: GimpForTests, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_with(monkeypatch, FAKE_SERVER, "--seconds", "1.5", "--idle", "6")
    mine = service.inside(gimp)
    search = [mine.env["GIMP3_DIRECTORY"] + "/plug-ins/saliency", str(Path(__file__).parent)]
    code = (
        f"import sys; sys.path[:0] = {search!r}; import inside_faults; inside_faults.rounds({str(service.place)!r}, 9)"
    )
    arguments = ("-i", "-d", "-f", "--batch-interpreter", "python-fu-eval", "-b", code, "--quit")
    quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with gimp.gimp.start(*arguments, env=mine.env, **quiet) as process:
        wait_for((service.place / "round").exists, 60)  # the second edit begins
        pid = service.pid()
        time.sleep(1.2)
        victims = [found for found in family(process.pid) if command_of(found).startswith("gimp-console")]
        assert len(victims) == 1
        os.kill(victims[0], signal.SIGKILL)
        wait_for(lambda: not [found for found in family(process.pid) if found != process.pid], 15)
    found = lifecycle.ask_health()
    assert pid and found and found["pid"] == pid
    picture = os.urandom(64 * 64 * 4)
    assert questions.ask_edits(picture, 64, 64, EditRequest("attenuate", ranking=Ranking.RANDOM))["edits"]
    wait_for(lambda: service.pid() is None, 20)  # idle
    assert service.started() == 1


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""


@pytest.mark.parametrize("kind", ["read-only", "full"])
def test_home_that_takes_nothing(
    gimp: GimpForTests, service: Service, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Server's log, caches, GIMP's profile: none of it can be written, and an edit works all the same."""
    home = service.place / "home"
    with mounted(home, "16m") as mount:
        shutil.copytree(gimp.env["GIMP3_DIRECTORY"], home / "profile")
        if kind == "full":
            fill(home)
        if kind == "read-only":
            assert mount("remount", "ro")
        names = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
        own = {**dict.fromkeys(names, str(home)), "GIMP3_DIRECTORY": str(home / "profile")}
        for name in names:
            monkeypatch.setenv(name, str(home))
        mine = service.inside(gimp).where(**own)
        with closing(mine.console):
            result = mine.run("import inside_faults\nresult = inside_faults.attempt()", 120)
        assert result["status"] == "success", result
        assert lifecycle.stop(kill=True)  # it holds its log open


def test_runtime_folder_that_is_full(gimp: GimpForTests, service: Service) -> None:
    """The server needs no room for its socket."""
    with mounted(service.runtime, "1m", "mode=700"):
        fill(service.runtime)
        result = service.run(gimp, "attempt()")
        assert result["status"] == "success", result
        assert lifecycle.stop(kill=True)
