# SPDX-License-Identifier: GPL-3.0-or-later
"""`gimp-saliency check`: every line of a good installation, and what it says of each fault."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gimp_saliency.shared import places, version
from gimp_saliency.shared.client import lifecycle
from model_server import __main__
from model_server.gimp import start_command
from model_server.gimp.plugin_copy import install_plugin
from model_server.installer import check
from model_server.predict import networks, predictor
from tests.model_server.processes import FAKE_SERVER, StartServer
from tests.stand_ins import GIMP, executable

LINES = [
    "Python packages",
    "networks",
    "size",
    "model server",
    "socket",
    "GIMP",
    "versions",
    "plug-in",
    "executable bit",
    "start command",
    "procedures",
]


@dataclass(frozen=True)
class Installed:
    """An installation with a stand-in for GIMP."""

    program: Path  # what the plug-in starts
    copy: Path  # the plug-in's folder
    gimp: Path
    lines: Callable[[], dict[str, tuple[bool, str]]]


@pytest.fixture
def installed(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    home = tmp_path / "h o'me"
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "GIMP3_DIRECTORY", "FLATPAK_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    stand_in = executable(tmp_path / "bin/gimp-console", GIMP)
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(stand_in))
    monkeypatch.setattr(start_command, "own_command", lambda: FAKE_SERVER)
    program = executable(home / "gimp-saliency", f"#!/bin/sh\necho gimp-saliency {version.VERSION}\n")
    copy = install_plugin(places.config_folder() / "GIMP/3.2", [str(program), "serve"])
    return Installed(program, copy, stand_in, lambda: {name: (good, text) for name, good, text in check.run_checks()})


@pytest.fixture
def plugin(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """The same, where only GIMP and the plug-in are looked at."""
    for name in ("_list_packages", "_try_networks", "_try_server", "_check_socket"):
        monkeypatch.setattr(check, name, lambda: "")
    return installed


def failed(lines: dict[str, tuple[bool, str]]) -> dict[str, str]:
    return {name: text for name, (good, text) in lines.items() if not good}


def test_a_good_installation(installed: Installed, runtime: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"ok      {name}" for name in LINES]
    said = dict(line[8:].split(": ", 1) for line in lines)
    assert "intact" in said["networks"]
    assert said["model server"].startswith("was started for this, process ")
    assert said["socket"] == f"{runtime}/server.sock, which only you can open"
    assert said["versions"] == f"plug-in and model server {version.VERSION}, GIMP 3.2.6"
    assert said["plug-in"] == str(installed.copy)
    assert said["procedures"] == "this GIMP knows all 6"


def test_what_fails_is_named_and_the_rest_is_tried(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "PACKAGES", ("numpy", "no-such-package"))
    monkeypatch.setattr(check, "_try_networks", lambda: "")
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(installed.copy))
    assert __main__.main(["check"]) == 1
    out = capsys.readouterr().out
    assert "FAILED  Python packages: no-such-package is missing from" in out
    assert "ok      model server: " in out and "FAILED  GIMP: " in out
    assert "procedures" not in out  # nobody to ask


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "missing"])
def test_networks(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "networks"
    shutil.copytree(networks.NETWORKS, folder)
    path = folder / "realism.onnx"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data if damage == "flipped bit" else data[:1000])
    if damage == "missing":
        path.unlink()
    monkeypatch.setattr(predictor, "Predictor", functools.partial(predictor.Predictor, folder))
    with pytest.raises(check.Problem, match=r"realism\.onnx.*install\.sh again"):
        check._try_networks()


def test_a_server_that_does_not_start_tells_why(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo noise >&2; echo 'gimp-saliency: The disk is full; free some space.' >&2; exit 1"
    monkeypatch.setattr(start_command, "own_command", lambda: ["/bin/sh", "-c", script])
    with pytest.raises(check.Problem, match=r"^It does not start: The disk is full; free some space\.$"):
        check._try_server()


def test_a_server_that_never_answers(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_command, "own_command", lambda: ["/bin/sh", "-c", "exec sleep 5"])
    monkeypatch.setattr(lifecycle, "START_LIMIT", 0.3)
    monkeypatch.setattr(check, "_LIMIT", 0.3)
    with pytest.raises(
        check.Problem, match=r"does not answer; run `gimp-saliency stop`.* read the end of .*server\.log"
    ):
        check._try_server()


def test_a_server_of_another_version_is_replaced(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    start_server("--version", "0.0.9")
    monkeypatch.setattr(start_command, "own_command", lambda: FAKE_SERVER)
    assert check._try_server().startswith("took the place of version 0.0.9, process ")
    assert (lifecycle.ask_health() or {})["version"] == version.VERSION


def test_a_socket_open_to_others(start_server: StartServer, runtime: Path) -> None:
    start_server()
    assert check._check_socket() == f"{runtime}/server.sock, which only you can open"
    (runtime / "server.sock").chmod(0o666)
    with pytest.raises(check.Problem, match=r"server\.sock is open to others \(mode 666\); run `gimp-saliency stop`"):
        check._check_socket()
    (runtime / "server.sock").unlink()
    with pytest.raises(check.Problem, match=r"server\.sock is missing .*; run `gimp-saliency stop`"):
        check._check_socket()


def test_the_port_where_unix_sockets_are_missing(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, start_server: StartServer
) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_TCP", "1")
    start_server()
    port = json.loads((runtime / "server.json").read_text())["port"]
    assert check._check_socket() == f"127.0.0.1:{port}, with a secret in {runtime}/server.json"
    (runtime / "server.json").chmod(0o644)
    with pytest.raises(check.Problem, match=r"server\.json is open to others"):
        check._check_socket()


def test_no_plugin(plugin: Installed) -> None:
    shutil.rmtree(plugin.copy)
    assert failed(plugin.lines()) == {"plug-in": f"It is not in {plugin.copy}; run install.sh again."}


def test_an_older_plugin(plugin: Installed) -> None:
    module = plugin.copy / "gimp_saliency/shared/version.py"
    module.write_text(module.read_text().replace(f'VERSION = "{version.VERSION}"', 'VERSION = "0.0.9"'))
    found = failed(plugin.lines())
    assert found["versions"].startswith(f"The plug-in in {plugin.copy} is version 0.0.9, not {version.VERSION}; run ")
    assert found["plug-in"].startswith(f"{module} is not what this version has; run install.sh again")
    assert found.keys() == {"versions", "plug-in"}


def test_an_older_copy_in_another_gimps_profile(plugin: Installed) -> None:
    other = install_plugin(places.config_folder() / "GIMP/3.0", [str(plugin.program), "serve"])
    assert not failed(plugin.lines())
    (other / "gimp_saliency/shared/words.py").write_text("")
    assert failed(plugin.lines())["plug-in"].startswith(
        f"{other}/gimp_saliency/shared/words.py is not what this version has"
    )


def test_a_profile_elsewhere(plugin: Installed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIMP3_DIRECTORY", str(tmp_path / "moved"))
    assert failed(plugin.lines())["plug-in"].startswith(f"It is not in {tmp_path}/moved/plug-ins/saliency; run")
    install_plugin(tmp_path / "moved", [str(plugin.program), "serve"])
    assert not failed(plugin.lines())


@pytest.mark.parametrize("name", ["shared/version.py", "ui/edit_dialog.py", "locale/de/LC_MESSAGES/saliency.mo"])
def test_a_missing_file(plugin: Installed, name: str) -> None:
    (plugin.copy / "gimp_saliency" / name).unlink()
    found = failed(plugin.lines())
    assert found["plug-in"].startswith(
        f"{plugin.copy / 'gimp_saliency' / name} cannot be read (No such file or directory); run install"
    )
    assert ("versions" in found) == (name == "shared/version.py")


def test_not_executable(plugin: Installed) -> None:
    program = plugin.copy / "saliency.py"
    program.chmod(0o644)
    found = failed(plugin.lines())
    assert found.keys() == {"executable bit", "procedures"}
    assert found["executable bit"].endswith(f"run `chmod +x '{program}'`.")


def test_a_gimp_without_python(plugin: Installed) -> None:
    plugin.gimp.write_text(plugin.gimp.read_text().replace("known = os", "known = False and os"))
    found = failed(plugin.lines())
    assert found.keys() == {"procedures"}
    assert "does not know plug-in-saliency-attenuate and " in found["procedures"]
    assert "python3-gi" in found["procedures"]


def test_a_gimp_that_crashes(plugin: Installed) -> None:
    plugin.gimp.write_text('#!/bin/sh\n[ "$1" = --version ] && echo version 3.2.6 || { echo "no libgegl"; exit 1; }\n')
    assert "ended with code 1 before its answer: no libgegl" in failed(plugin.lines())["procedures"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda plugin: plugin.program.unlink(), "does not run (FileNotFoundError); run install.sh again"),
        (lambda plugin: executable(plugin.program, "#!/bin/sh\nexit 3\n"), "does not run (code 3); run install.sh"),
        (lambda plugin: executable(plugin.program, "#!/bin/sh\necho x 0.0.9\n"), "a server that says x 0.0.9, not"),
        (lambda plugin: executable(plugin.program, "#!/bin/sh\n"), "a server that says nothing, not"),
        (lambda plugin: (plugin.copy / "server-command.json").write_text("{"), "is damaged; run install.sh again."),
        (lambda plugin: (plugin.copy / "server-command.json").write_text('{"command": [1]}'), "is damaged; run"),
        (
            lambda plugin: (plugin.copy / "server-command.json").unlink(),
            "finds no server; run install.sh again, or set",
        ),
    ],
)
def test_start_commands(
    plugin: Installed, monkeypatch: pytest.MonkeyPatch, change: Callable[[Installed], object], sentence: str
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    change(plugin)
    found = failed(plugin.lines())
    assert found.keys() == {"start command"}
    assert sentence in found["start command"]


def test_a_plugin_unpacked_by_hand(plugin: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    (plugin.copy / "server-command.json").unlink()
    monkeypatch.setenv("PATH", f"{plugin.program.parent}:{os.environ['PATH']}")
    assert not failed(plugin.lines())


def test_flatpaks_permissions(plugin: Installed, monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
    monkeypatch.delenv("GIMP_SALIENCY_GIMP")
    # As Flatpak: its own arguments, then GIMP's.
    executable(
        plugin.gimp.with_name("flatpak"),
        f'#!/bin/sh\nshift 1\nwhile [ "$1" != org.gimp.GIMP ]; do shift; done\n'
        f'shift; exec "{plugin.gimp}-for-flatpak" "$@"\n',
    )
    shutil.move(plugin.gimp, f"{plugin.gimp}-for-flatpak")
    monkeypatch.setenv("PATH", f"{plugin.gimp.parent}:/usr/bin:/bin")
    found = plugin.lines()
    assert found["GIMP"] == (True, "GIMP 3.2.6 (Flatpak)")
    assert found["permissions"][1].startswith(
        f"The Flatpak GIMP lacks access to {runtime}:create and the right to start "
    )
    rules = places.data_folder().parent / "flatpak/overrides/org.gimp.GIMP"
    rules.parent.mkdir(parents=True)
    rules.write_text(
        f"[Context]\nfilesystems={runtime}:create;\n\n[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n"
    )
    assert not failed(plugin.lines())


def test_the_installation_is_small() -> None:
    total, networks = check.measure_size()
    assert networks <= 20e6
    assert total <= 25e6
