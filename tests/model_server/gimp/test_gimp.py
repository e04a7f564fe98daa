# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and running GIMP: with stand-ins that are shell scripts, and with the real ones."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gimp_saliency.shared import places
from model_server.gimp import plugin_copy, private_root, running, start_command
from model_server.gimp.find import find_gimp, is_snap
from model_server.gimp.running import Gimp, GimpError, run_script
from tests.conftest import GimpForTests
from tests.model_server.processes import wait_for


def make_program(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def version(path: Path, number: str) -> Path:
    """A stand-in for gimp-console of a version."""
    return make_program(path, f"echo 'GNU Image Manipulation Program version {number}'")


@pytest.fixture
def nothing_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system without any GIMP; the folder is its PATH."""
    for name in ("GIMP_SALIENCY_GIMP", "GIMP3_DIRECTORY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_without_gimp_the_sentence_says_what_to_do(nothing_found: Path) -> None:
    with pytest.raises(GimpError, match=r"install GIMP 3, or run install\.sh"):
        find_gimp()


def test_gimp_2_is_not_found(nothing_found: Path) -> None:
    version(nothing_found / "gimp-console", "2.10.34")
    with pytest.raises(GimpError, match="No GIMP 3"):
        find_gimp()


def test_the_newest_on_path_is_found(nothing_found: Path) -> None:
    version(nothing_found / "gimp-console", "2.10.38")
    version(nothing_found / "gimp-console-3.0", "3.0.4")
    newest = version(nothing_found / "gimp-console-3.2", "3.2.6")
    found = find_gimp()
    assert (found.version, found.kind, found.location) == ((3, 2, 6), "path", newest)
    assert found.make_command("-i") == [str(newest), "-i"]
    assert found.make_command(console=False) == [str(nothing_found / "gimp-3.2")]
    assert found.profile() == Path(os.environ["HOME"], ".config/GIMP/3.2")


def test_a_snap_does_not_count() -> None:
    assert is_snap(Path("/snap/bin/gimp"))
    assert not is_snap(Path("/usr/bin/gimp"))


def test_the_flatpak_is_found(nothing_found: Path, runtime: Path) -> None:
    make_program(nothing_found / "flatpak", "echo 'GNU Image Manipulation Program version 3.0.8'")
    found = find_gimp()
    assert (found.version, found.kind) == ((3, 0, 8), "flatpak")
    assert found.make_command("-i")[:2] == ["flatpak", "run"]
    assert f"--filesystem={runtime}" in found.make_command("-i")
    assert ".var/app/org.gimp.GIMP" in str(found.profile())
    (places.config_folder() / "GIMP").mkdir(parents=True)
    assert found.profile() == places.config_folder() / "GIMP/3.0"


def test_a_chosen_gimp_that_is_none(nothing_found: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(tmp_path))
    with pytest.raises(GimpError, match="is no GIMP 3"):
        find_gimp()


def test_a_private_gimp_without_bubblewrap(nothing_found: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version(places.data_folder() / "gimp-3.2/usr/bin/gimp-console", "3.2.6")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(GimpError, match="apt-get install bubblewrap"):
        find_gimp()


def test_the_private_view_takes_only_the_system_from_the_root_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether this machine has bubblewrap must not matter.
    monkeypatch.setattr(private_root.shutil, "which", lambda name: f"/usr/bin/{name}")
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/gimp-console").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    command = private_root.wrap_command(tmp_path, ["/usr/bin/true"])
    view = set(zip(command[1::3], command[2::3], command[3::3]))
    assert ("--ro-bind", str(tmp_path / "usr"), "/usr") in view
    assert ("--symlink", "usr/lib", "/lib") in view
    assert ("--dev-bind", "/tmp", "/tmp") in view
    assert "/usr/lib" not in command
    assert command[-2:] == ["--", "/usr/bin/true"]


def test_the_private_environment_drops_what_is_the_hosts() -> None:
    host = {
        "LD_PRELOAD": "x",
        "GI_TYPELIB_PATH": "x",
        "LC_NUMERIC": "de_DE",
        "LANG": "de_DE",
        "HOME": "/h",
        "DISPLAY": ":1",
        "GIMP3_DIRECTORY": "p",
    }
    fitted = private_root.adapt_environment(host)
    assert fitted.keys() & host.keys() == {"HOME", "DISPLAY", "GIMP3_DIRECTORY"}


@pytest.mark.parametrize(
    ("host", "languages"),
    [
        ({}, "C"),
        ({"LANG": "de_DE.UTF-8"}, "de_DE"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:de"}, "fr:de"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ca_ES.UTF-8@valencia"}, "ca_ES@valencia"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "sv_SE"}, "sv_SE"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de", "LC_ALL": "C.UTF-8"}, "C"),
        ({"LANG": "POSIX", "LANGUAGE": "de"}, "C"),
        ({"LANG": "csb_PL.UTF-8"}, "csb_PL"),
    ],
)
def test_the_private_gimp_speaks_the_users_language(host: dict[str, str], languages: str) -> None:
    fitted = private_root.adapt_environment({**host, "LC_NUMERIC": "de_DE.UTF-8"})
    assert fitted["LANGUAGE"] == languages
    assert "LC_NUMERIC" not in fitted  # decimal points everywhere


@pytest.mark.parametrize("requests", [True, False])
def test_the_start_command(requests: bool, tmp_path: Path) -> None:
    started = tmp_path / "started here"
    command = start_command.plugin_command([str(make_program(tmp_path / "gimp saliency", f'echo "$1" > "{started}"'))])
    env = {"GIMP_SALIENCY_RUNTIME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run(command, env={**env, "GIMP_SALIENCY_REQUEST": "1"} if requests else env, check=True, timeout=10)
    assert (tmp_path / "start").exists() == requests
    assert started.exists() == (not requests)
    assert requests or started.read_text() == "serve\n"


def test_the_start_command_in_a_flatpak(tmp_path: Path) -> None:
    # As the sandbox does: the host's program does not exist, flatpak-spawn does.
    make_program(tmp_path / "bin/flatpak-spawn", 'for each; do echo "$each"; done')
    (tmp_path / ".flatpak-info").touch()
    command = [
        part.replace("/.flatpak-info", f"{tmp_path}/.flatpak-info")
        for part in start_command.plugin_command(["/h o/g s"])
    ]
    env = {"GIMP_SALIENCY_RUNTIME": "/run/user/1000/g s", "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    said = subprocess.run(command, env=env, check=True, timeout=10, capture_output=True, text=True).stdout
    assert said.splitlines() == ["--host", "--env=GIMP_SALIENCY_RUNTIME=/run/user/1000/g s", "/h o/g s", "serve"]


def test_a_request_starts_the_server_on_the_host(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    server = ["/bin/sh", "-c", f"echo \"$OURS $GIMP_SALIENCY_RUNTIME\" > '{served}'"]
    monkeypatch.setattr(start_command, "own_command", lambda: server)
    monkeypatch.setattr(private_root, "wrap_command", lambda root, arguments: ["/bin/sh", "-c", arguments[1]])
    inside = Gimp((3, 2, 6), "private", tmp_path)
    ask = ': > "$GIMP_SALIENCY_RUNTIME/start"; sleep 20'
    with inside.start(ask, env={**os.environ, "OURS": "kept"}) as process:
        wait_for(lambda: served.exists() and served.read_text() != "")
        assert process.poll() is None
    assert served.read_text() == f"kept {runtime}\n"
    assert not (runtime / "start").exists()
    assert process.returncode == -signal.SIGTERM


def test_leaving_ends_the_whole_group(runtime: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    stubborn = make_program(tmp_path / "stubborn", f"trap '' TERM; sleep 600 & echo $! > '{pid}'; wait")
    shell = Gimp((3, 2, 6), "path", Path("/bin/sh"))
    began = time.monotonic()
    with shell.start("-c", f"'{stubborn}' & sleep 600"):
        wait_for(lambda: pid.exists() and pid.read_text().strip() != "")
    assert time.monotonic() - began < 100
    wait_for(lambda: not _runs(int(pid.read_text())))


def test_a_process_that_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked for its exit code, so it is still of the group."""
    signs: list[int] = []
    kill = os.killpg
    monkeypatch.setattr(os, "killpg", lambda group, sign: (signs.append(sign), kill(group, sign)))
    leader = subprocess.Popen(["sleep", "60"], preexec_fn=os.setpgrp)
    with subprocess.Popen(["true"], preexec_fn=lambda: os.setpgid(0, leader.pid)) as ended:
        wait_for(lambda: not _runs(ended.pid))
        running.end(leader)
    assert leader.returncode == -signal.SIGTERM
    assert signal.SIGKILL not in signs


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_that_cannot_be_started(runtime: Path, tmp_path: Path) -> None:
    with pytest.raises(GimpError, match="run install"), Gimp((3, 2, 6), "path", tmp_path / "no").start():
        pass


def test_the_plugin_is_copied_whole(tmp_path: Path) -> None:
    old = plugin_copy.plugin_folder(tmp_path)
    old.mkdir(parents=True)
    (old / "left over.py").touch()
    copy = plugin_copy.install_plugin(tmp_path, ["a b", "serve"])
    assert copy == old
    assert json.loads((copy / "server-command.json").read_text()) == {"command": ["a b", "serve"]}
    assert os.access(copy / "saliency.py", os.X_OK)
    package = plugin_copy.PACKAGE
    sources = {path.relative_to(package.parent).as_posix() for path in package.rglob("*.py")}
    found = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    catalogues = {f"gimp_saliency/locale/{language}/LC_MESSAGES/saliency.mo" for language in ("de", "fr")}
    assert found == {*sources, *catalogues, "saliency.py", "server-command.json", "manual.md"}
    assert [path.name for path in tmp_path.joinpath("plug-ins").iterdir()] == ["saliency"]


def test_without_the_source_tree_there_is_no_manual(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed = tmp_path / "lib" / "site-packages" / "gimp_saliency"
    shutil.copytree(plugin_copy.PACKAGE, installed)
    launcher = tmp_path / "share" / "saliency.py"
    launcher.parent.mkdir()
    shutil.copy(plugin_copy.find_launcher(), launcher)
    monkeypatch.setattr(plugin_copy, "PACKAGE", installed)
    monkeypatch.setattr(plugin_copy.metadata, "files", lambda name: [FoundFile(launcher)])
    copy = plugin_copy.install_plugin(tmp_path / "profile", ["serve"])
    assert (copy / "saliency.py").read_bytes() == launcher.read_bytes()
    assert (copy / "gimp_saliency" / "registration.py").is_file()
    assert not (copy / "manual.md").exists()


class FoundFile:
    """A file of an installed package, as importlib.metadata tells of it."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path

    def locate(self) -> Path:
        return self._path


def test_a_linked_plugin_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    target = tmp_path / "checkout"
    target.mkdir()
    (target / "mine.py").touch()
    link = plugin_copy.plugin_folder(tmp_path)
    link.parent.mkdir()
    link.symlink_to(target)
    plugin_copy.install_plugin(tmp_path, ["serve"])
    assert not link.is_symlink()
    assert (target / "mine.py").exists()


def test_profiles(nothing_found: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = Path(os.environ["HOME"])
    wanted = [
        home / ".config/GIMP/3.0",
        home / ".config/GIMP/3.2",
        home / ".var/app/org.gimp.GIMP/config/GIMP/3.0",
        places.data_folder() / "profile-3.2",
        tmp_path / "moved",
    ]
    for path in [*wanted, home / ".config/GIMP/2.10", home / ".config/GIMP/3.2.bak"]:
        path.mkdir(parents=True)
    monkeypatch.setenv("GIMP3_DIRECTORY", str(tmp_path / "moved"))
    assert plugin_copy.find_profiles() == sorted(wanted)


def test_profiles_on_other_systems(nothing_found: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Gimp((3, 2, 4), "path", Path("gimp-console"))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert found.profile() == Path.home() / "Library/Application Support/GIMP/3.2"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", "/Users/me/AppData/Roaming")
    assert found.profile() == Path("/Users/me/AppData/Roaming/GIMP/3.2")


def test_ending_where_there_are_no_process_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "killpg")
    with subprocess.Popen(["sleep", "60"]) as process:
        running.end(process)
    assert process.returncode == -signal.SIGKILL


def test_a_script_in_real_gimp(gimp: GimpForTests, tmp_path: Path) -> None:
    place = tmp_path / "ä b"
    place.mkdir()
    code = f"""
import os
from gi.repository import Gimp
open({str(place / "from inside")!r}, "w").write("x")
result = {{"version": Gimp.version(), "cwd": os.getcwd(), "home": os.path.expanduser("~")}}
"""
    answer = run_script(gimp.gimp, code, env=gimp.env)
    assert answer["version"] == ".".join(map(str, gimp.gimp.version))
    assert answer["cwd"] == str(Path.cwd())
    assert answer["home"] == str(Path.home())
    assert (place / "from inside").read_text() == "x"


def test_a_failing_and_a_slow_script_in_real_gimp(gimp32: GimpForTests) -> None:
    with pytest.raises(GimpError, match="ZeroDivisionError"):
        run_script(gimp32.gimp, "1 / 0", env=gimp32.env)
    with pytest.raises(GimpError, match="did not finish"):
        run_script(gimp32.gimp, "import time; time.sleep(60)", timeout=8, env=gimp32.env)


def test_real_gimp_knows_the_procedures(gimp: GimpForTests) -> None:
    assert plugin_copy.find_missing_procedures(gimp.gimp, Path(gimp.env["GIMP3_DIRECTORY"])) == []
