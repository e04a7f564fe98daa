# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody but the user gets in, and nothing gets out: other users, web pages, files, code, the network."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gimp_saliency.shared import places, version
from gimp_saliency.shared.choices import Edge
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.request import EditRequest
from model_server.serve import process
from model_server.serve.worker import Worker
from tests.model_server.processes import REAL_SERVER, ROOT, StartServer, wait_for
from tests.model_server.serve.hostile import malformed
from tests.model_server.serve.wire import EDITS, PICTURE, Answer, exchange, received, whole

NOBODY = 65534
WATCHED_SERVER = [sys.executable, "-B", str(Path(__file__).with_name("watched_server.py"))]

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")

# All that is imported comes before the change: another user may not see this Python's files.
ATTEMPT = """
import encodings.idna, os, socket, sys
sys.path.insert(0, {root!r})
from gimp_saliency.shared.client import transport
os.setgroups([]); os.setgid({user}); os.setuid({user})
try:
    {attempt}
except Exception as error:
    print(type(error).__name__, error)
"""


def as_another_user(attempt: str) -> str:
    """What a process of another user prints that tries something; it shares nothing but the path's name."""
    code = ATTEMPT.format(root=str(ROOT / "plugin" / "saliency"), user=NOBODY, attempt=attempt)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


def connecting(path: Path) -> str:
    return (
        f"client = socket.socket(socket.AF_UNIX); client.settimeout(5); client.connect({str(path)!r}); "
        "client.sendall(b'GET /v1/health HTTP/1.1\\r\\n\\r\\n'); print('read', client.recv(1000))"
    )


@needs_root
def test_another_user_cannot_enter_the_folder(start_server: StartServer, runtime: Path) -> None:
    start_server()
    runtime.parent.chmod(0o711)
    for name in ("server.sock", "server.json", "server.lock"):
        assert as_another_user(f"print(open({str(runtime / name)!r}).read())").startswith("PermissionError")
    assert as_another_user(connecting(runtime / "server.sock")).startswith("PermissionError")
    assert as_another_user(f"print(os.listdir({str(runtime)!r}))").startswith("PermissionError")
    said = as_another_user("transport.request('GET', '/v1/health')")
    assert said.startswith("ServerError") and "belongs to another user; remove it or set GIMP_SALIENCY_RUNTIME" in said


@needs_root
def test_another_user_gets_no_answer_from_an_open_socket(start_server: StartServer, runtime: Path) -> None:
    """The kernel's word on who asks, alone: folder and socket are open to everybody."""
    start_server()
    expected = transport.request("POST", EDITS, PICTURE)[1]
    runtime.parent.chmod(0o711)
    runtime.chmod(0o777)
    (runtime / "server.sock").chmod(0o666)
    said = as_another_user(connecting(runtime / "server.sock"))
    assert said == "read b''" or said.startswith(("ConnectionResetError", "BrokenPipeError"))
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o777
    edits = [json.loads(answer)["edits"] for answer in (expected, transport.request("POST", EDITS, PICTURE)[1])]
    assert edits[0] == edits[1]
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700  # the plug-in's next call has closed it again


@dataclass
class Tcp:
    """A server on TCP."""

    port: int
    token: str

    def get(self, *headers: str, first: str = "GET /v1/health") -> Answer:
        lines = "\r\n".join((f"{first} HTTP/1.1", *headers, "", ""))
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.sendall(lines.encode())
            return whole(received(client), lines.encode())

    @property
    def host(self) -> str:
        return f"Host: 127.0.0.1:{self.port}"

    @property
    def secret(self) -> str:
        return f"Authorization: Bearer {self.token}"


@pytest.fixture
def tcp(start_server: StartServer, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Tcp:
    monkeypatch.setenv("GIMP_SALIENCY_TCP", "1")
    start_server()
    file = runtime / "server.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    facts = json.loads(file.read_text())
    return Tcp(facts["port"], facts["token"])


def test_tcp_asks_for_the_secret_and_the_host(tcp: Tcp) -> None:
    assert len(tcp.token) >= 43  # 256 bits
    assert tcp.get(tcp.host, tcp.secret).status == 200
    wrong = ("", "Bearer", "Bearer ", f"Bearer {tcp.token[:-1]}", f"Bearer {tcp.token}x", f"Basic {tcp.token}")
    for secret in (*wrong, f"bearer {tcp.token}", f"Bearer {tcp.token.swapcase()}", "Bearer é"):
        assert tcp.get(tcp.host, f"Authorization: {secret}").status == 401
    assert tcp.get(tcp.host).status == 401
    assert tcp.get(tcp.host, first=f"GET /v1/health?token={tcp.token}").status == 401
    # A page whose name was made to mean 127.0.0.1 sends the page's own name (DNS rebinding).
    for host in (
        "evil.example",
        f"evil.example:{tcp.port}",
        "127.0.0.1",
        f"localhost:{tcp.port}",
        "",
        f"[::1]:{tcp.port}",
    ):
        assert tcp.get(f"Host: {host}", tcp.secret).status == 403
    assert tcp.get(tcp.secret).status == 403


def test_tcp_listens_on_this_machine_alone(tcp: Tcp) -> None:
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert [row[1] for row in listening if row[1].endswith(f":{tcp.port:04X}") and row[3] == "0A"] == [
        f"0100007F:{tcp.port:04X}"
    ]


@pytest.mark.parametrize("path", ["/v1/edits", "/v1/health", "*", "/"])
def test_no_page_is_allowed_to_ask(tcp: Tcp, path: str) -> None:
    """No CORS: a browser that asks first gets a no, and none of its scripts may read an answer."""
    origin = "Origin: http://evil.example"
    asked = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
    preflight = f"OPTIONS {path}"
    answers = [
        tcp.get(tcp.host, origin, *asked, first=preflight),
        tcp.get(tcp.host, tcp.secret, origin, *asked, first=preflight),
        tcp.get("Host: evil.example", origin, *asked, first=preflight),
        tcp.get(tcp.host, tcp.secret, origin),
    ]
    assert [answer.status // 100 for answer in answers] == [4, 4, 4, 2]
    for answer in answers:
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@needs_root
def test_another_user_cannot_use_tcp(tcp: Tcp, runtime: Path) -> None:
    runtime.parent.chmod(0o711)
    assert as_another_user(f"print(open({str(runtime / 'server.json')!r}).read())").startswith("PermissionError")
    said = as_another_user(
        f"client = socket.create_connection(('127.0.0.1', {tcp.port}), 5); "
        f"client.sendall(b'GET /v1/health HTTP/1.1\\r\\n{tcp.host}\\r\\n\\r\\n'); print(client.recv(1000))"
    )
    assert "401 Unauthorized" in said and version.VERSION in said


def test_secrets_are_compared_in_constant_time(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each secret goes whole to the one comparison whose time tells nothing."""
    monkeypatch.setenv("GIMP_SALIENCY_TCP", "1")
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def recorded(given: bytes, right: bytes) -> bool:
        compared.append((given, right))
        return compare(given, right)

    monkeypatch.setattr(hmac, "compare_digest", recorded)
    folder = Path(places.runtime_folder())
    with process.Server(folder, Worker(lambda: None), folder / "log", 60) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            client = Tcp(server.port, server.token)
            secrets = ("", "x", f"Bearer {client.token[:-1]}", f"Bearer {client.token}")
            codes = [client.get(client.host, f"Authorization: {secret}").status for secret in secrets]
        finally:
            server.stop()
            thread.join(5)
    assert codes == [401, 401, 401, 200]
    assert compared == [(secret.encode(), f"Bearer {client.token}".encode()) for secret in secrets]


# What Python's libraries read to know the machine: processors, memory, time zone, release (onnxruntime does).
SYSTEM_FILES = ("/proc/self", "/sys/devices/system/cpu", "/etc/localtime", "/etc/os-release")

Event = tuple[Any, ...]
Watched = Callable[[], list[Event]]


@pytest.fixture(params=["unix", pytest.param("tcp", marks=pytest.mark.thorough)])
def watched(
    request: pytest.FixtureRequest, start_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    """A real server under an audit hook; gives what it did since the last look."""
    if request.param == "tcp":
        monkeypatch.setenv("GIMP_SALIENCY_TCP", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    record = tmp_path / "record"
    start_server(str(record), "serve", command=WATCHED_SERVER)
    wait_for(lambda: (lifecycle.ask_health() or {}).get("state") == "ready")
    seen = 0

    def look() -> list[Event]:
        nonlocal seen
        lines = record.read_text(encoding="utf-8").splitlines()
        new, seen = lines[seen:], len(lines)
        return [tuple(json.loads(line)) for line in new]

    yield look


def ask_everything() -> list[Any]:
    """Each route once; the answers without what may differ."""
    # Styles and the background one by one: together they take several seconds, more than a busy machine may have.
    edits = questions.ask_edits(PICTURE, 16, 16, EditRequest("attenuate", background=True))
    proposals = questions.ask_proposals(PICTURE, 16, 16, EditRequest("emphasize", 150.0), seed=1)
    look = questions.ask_look(PICTURE, 16, 16, PICTURE[:768])
    lifecycle.ask_health()
    return [
        *({**found, "milliseconds": 0} for found in (edits, proposals, look)),
        questions.ask_saliency(PICTURE[:768], 16, 16),
        questions.ask_edge(PICTURE, 16, 16, Edge.AUTOMATIC, 0.0),
        questions.ask_refined(PICTURE, 16, 16, 4),
    ]


def _writes(event: Event) -> bool:
    mode, flags = event[2], event[3]
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return bool(int(flags) & writing) or (mode != "None" and bool(set(str(mode)) & set("wax+")))


def test_it_touches_nothing_but_its_own(watched: Watched, runtime: Path) -> None:
    ask_everything()
    events = watched()
    opened = [event for event in events if event[0] == "open"]
    log = Path(os.environ["XDG_STATE_HOME"], "gimp-saliency")
    own = {str(log / "server.log"), *(str(runtime / name) for name in ("server.lock", "server.json", "server.part"))}
    # server.json is opened once more from the descriptor that os.open gave.
    written = {event[1] for event in opened if _writes(event)}
    assert {path for path in written if not isinstance(path, int)} <= own
    places = {*map(Path, SYSTEM_FILES), Path(os.environ["XDG_CONFIG_HOME"], "gimp-saliency", "settings.ini")}
    places |= {ROOT / "model_server", ROOT / "plugin", ROOT / "tests" / "model_server"}
    places |= {Path(path).resolve() for path in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix)}
    strange = [
        event
        for event in opened
        if not isinstance(event[1], int)
        and event[1] not in own
        and not places & {Path(event[1]), *Path(event[1]).parents, *Path(event[1]).resolve().parents}
    ]
    assert not strange
    assert not forbidden(events)


def held(pid: int) -> set[str]:
    """What a process has open beyond its standard streams."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed just now
            if int(descriptor.name) > 2:
                found.add(str(descriptor.readlink()))
    return found


def test_it_holds_nothing_but_its_own(watched: Watched, runtime: Path, tmp_path: Path) -> None:
    """What the kernel says of its open files, those of the libraries' own code included, once everything was used."""
    ask_everything()
    pid = lifecycle.ask_health()["pid"]  # type: ignore[index]
    log = Path(os.environ["XDG_STATE_HOME"], "gimp-saliency", "server.log")
    before = held(pid)
    local = {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines()[1:]}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].startswith("0100007F:"):
            local.add(fields[9])
    time.sleep(1.5)
    kept = before & held(pid)  # without the last answer's connection, which closes meanwhile
    assert {target for target in kept if target.startswith("/")} <= {
        str(log),
        str(runtime / "server.lock"),
        str(tmp_path / "record"),
    }
    sockets = {target[len("socket:[") : -1] for target in kept if target.startswith("socket:")}
    assert sockets and sockets <= local


def forbidden(events: list[Event]) -> list[Event]:
    """What a server has no business with: other sockets, other programs, pickles."""
    names: tuple[str, ...] = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class")
    names += ("urllib.", "http.client.", "smtplib.", "ftplib.", "webbrowser.", "socket.connect", "socket.getaddrinfo")
    family = socket.AF_UNIX if transport.has_unix_sockets() else socket.AF_INET
    return [
        event
        for event in events
        if event[0].startswith(names)
        or (event[0] == "socket.__new__" and event[2] != family)
        or (event[0] == "socket.bind" and family == socket.AF_INET and event[2] != "('127.0.0.1', 0)")
    ]


def test_requests_bring_neither_paths_nor_code(watched: Watched) -> None:
    """Once each route was used nothing is read, imported or compiled any more, whatever is asked."""
    expected = ask_everything()
    watched()
    assert ask_everything() == expected
    if transport.has_unix_sockets():
        random = Random(7)
        for _ in range(100):
            exchange(malformed(random))
        transport.request("POST", EDITS + "&path=/etc/passwd", PICTURE)
        transport.request("POST", "/v1/edits", b"\x80\x04cposix\nsystem\n(S'id'\ntR.")
    events = watched()
    assert len(events) >= 6  # the hook is still there
    assert not forbidden(events)
    assert {event[1] for event in events if event[0] == "open"} == {"/proc/self/statm"}
    code = ("import", "exec", "compile", "marshal.", "pickle.", "ctypes.dlopen", "os.")
    assert not [event for event in events if event[0].startswith(code)]


def _without_network() -> list[str]:
    command = ["unshare", "-n" if os.getuid() == 0 else "-rn"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("this system forbids network namespaces")
    return command


@pytest.mark.thorough
def test_it_needs_no_network(start_server: StartServer) -> None:
    alone = _without_network()
    interfaces = subprocess.run([*alone, "cat", "/proc/net/dev"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in interfaces.splitlines()[2:]] in ([], ["lo:"])  # a loopback that is down
    answers = []
    for command in (REAL_SERVER, [*alone, *REAL_SERVER]):
        process = start_server(command=command)
        answers.append(ask_everything())
        namespace = os.readlink(f"/proc/{lifecycle.ask_health()['pid']}/ns/net")  # type: ignore[index]  # noqa: PTH115
        assert (namespace == os.readlink("/proc/self/ns/net")) == (command is REAL_SERVER)  # noqa: PTH115
        lifecycle.stop()
        assert process.wait(5) == 0
    assert answers[0] == answers[1]
