# SPDX-License-Identifier: GPL-3.0-or-later
"""install.sh with real files in a home of the test's own; only GIMP and pip are stand-ins, so it takes seconds."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gimp_saliency.shared import version
from model_server.installer import flatpak, record, root_folder, system
from model_server.installer.root_folder import DEBIAN, choose_mirror
from tests.model_server.processes import FAKE_SERVER, wait_for
from tests.stand_ins import FLATPAK, GIMP, executable

PROJECT = Path(__file__).resolve().parents[1]

# A virtual environment that is there already: pip "installs" the command.
_PYTHON = """#!/bin/sh
case "$*" in *"pip install"*)
  for last; do :; done
  [ -f "$last/pyproject.toml" ] || exit 1
  command="${0%/*}/gimp-saliency"
  printf '#!/bin/sh\\n' > "$command"
  chmod +x "$command" ;;
esac
"""


@dataclass(frozen=True)
class Home:
    """A user's home, with a stand-in GIMP on the PATH."""

    path: Path
    env: dict[str, str]

    def install(self, *arguments: str, script: Path = PROJECT / "install.sh") -> subprocess.CompletedProcess[str]:
        self.seed()
        command = [str(script), *arguments]
        return subprocess.run(command, env=self.env, cwd=self.path, capture_output=True, text=True, timeout=60)

    def seed(self) -> None:
        executable(self.path / ".local/share/gimp-saliency/venv/bin/python", _PYTHON)

    def files(self) -> set[str]:
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*")}

    @property
    def copy(self) -> Path:
        return self.path / ".config/GIMP/3.2/plug-ins/saliency"


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="gs-") as folder:  # short, as a socket's path must be
        path = Path(folder, "h o'me")
        path.mkdir()
        executable(Path(folder, "bin/gimp-console-3.2"), GIMP)
        # Whatever goes wrong, no test installs packages or builds a root folder.
        for name in ("apt-get", "mmdebstrap"):
            executable(Path(folder, "bin", name), "#!/bin/sh\nexit 1\n")
        programs = f"{folder}/bin:{Path(sys.executable).parent}:/usr/bin:/bin"
        runtime = Path(folder, "run")
        runtime.mkdir()
        yield Home(path, {"HOME": str(path), "PATH": programs, "GIMP_SALIENCY_RUNTIME": f"{runtime}/gimp-saliency"})


def test_help(home: Home) -> None:
    done = home.install("--help")
    assert done.returncode == 0
    for option in ("--demo", "--check", "--test", "--uninstall", "--help", "--output"):
        assert option in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["--demo", "--test"],
        ["--check", "--test"],
        ["--output", "x"],
        ["--demo", "--output"],
        ["--", "-k", "x"],
    ],
)
def test_wrong_arguments(home: Home, arguments: list[str]) -> None:
    done = home.install(*arguments)
    assert done.returncode == 2
    assert "install.sh: " in done.stderr
    assert "--- " not in done.stderr


def test_install(home: Home) -> None:
    done = home.install()
    assert done.returncode == 0, done.stderr
    assert "GIMP knows plug-in-saliency-attenuate." in done.stdout
    assert "GIMP knows plug-in-saliency-emphasize." in done.stdout
    assert os.access(home.copy / "saliency.py", os.X_OK)
    program = home.path / ".local/share/gimp-saliency/venv/bin/gimp-saliency"
    assert str(program) in (home.copy / "server-command.json").read_text()
    assert (home.path / ".local/bin/gimp-saliency").resolve() == program.resolve()


def test_again_changes_nothing(home: Home) -> None:
    assert home.install().returncode == 0
    before = home.files()
    done = home.install()
    assert done.returncode == 0, done.stderr
    assert home.files() == before


def test_over_an_older_version(home: Home) -> None:
    assert home.install().returncode == 0
    before = home.files()
    module = home.copy / "gimp_saliency/shared/version.py"
    current = module.read_text()
    module.write_text(current.replace(f'VERSION = "{version.VERSION}"', 'VERSION = "0.0.9"'))
    (home.copy / "gimp_saliency/left_over.py").touch()
    (home.copy / "saliency.py").chmod(0o644)
    (home.copy / "server-command.json").write_text("{}")
    with subprocess.Popen([*FAKE_SERVER, "--version", "0.0.9"], env={**home.env, "PYTHONPATH": str(PROJECT)}) as older:
        try:
            runtime = Path(home.env["GIMP_SALIENCY_RUNTIME"])
            wait_for((runtime / "server.sock").exists)
            done = home.install()
            assert done.returncode == 0, done.stderr
            assert "Stopped the model server of the earlier installation." in done.stdout
            assert older.wait(5) == 0
        finally:
            older.kill()
    assert home.files() == before | {".local/state/gimp-saliency/server.log"}
    assert module.read_text() == current


def test_every_profile_gets_the_plugin(home: Home) -> None:
    for name in (".config/GIMP/3.0", ".config/GIMP/2.10", ".var/app/org.gimp.GIMP/config/GIMP/3.0"):
        (home.path / name).mkdir(parents=True)
    done = home.install()
    assert done.returncode == 0, done.stderr
    copies = {path for path in home.files() if path.endswith("plug-ins/saliency")}
    assert copies == {
        ".config/GIMP/3.0/plug-ins/saliency",
        ".config/GIMP/3.2/plug-ins/saliency",
        ".var/app/org.gimp.GIMP/config/GIMP/3.0/plug-ins/saliency",
    }


def test_from_a_clone_with_spaces_in_its_path(home: Home, tmp_path: Path) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    for name in ("install.sh", "pyproject.toml"):
        shutil.copy(PROJECT / name, clone)
    for name in ("model_server", "plugin"):
        skipped = shutil.ignore_patterns("__pycache__", ".*_cache", "*.onnx", "runs")
        shutil.copytree(PROJECT / name, clone / name, ignore=skipped)
    before = set(clone.rglob("*"))
    done = home.install(script=clone / "install.sh")
    assert done.returncode == 0, done.stderr
    assert set(clone.rglob("*")) == before  # installing leaves nothing in the clone


def test_uninstall_leaves_nothing_of_ours_and_all_of_the_users(home: Home) -> None:
    own = home.path / ".config/GIMP/3.2/plug-ins/mine/mine.py"
    executable(own, "")
    values = home.path / ".config/GIMP/3.2/plug-in-settings"
    values.mkdir()
    (values / "GimpProcedureConfig-plug-in-other.last").touch()
    before = home.files() | {".local", ".local/share"}  # the stand-in environment was there before
    assert home.install().returncode == 0
    (values / "GimpProcedureConfig-plug-in-saliency-attenuate.last").touch()
    (home.path / ".config/gimp-saliency").mkdir()
    (home.path / ".config/gimp-saliency/settings.ini").touch()
    (home.path / ".cache/gimp-saliency/gimp-3.0/locked").mkdir(parents=True)
    (home.path / ".cache/gimp-saliency/gimp-3.0/locked").chmod(0o500)
    done = home.install("--uninstall")
    assert done.returncode == 0, done.stderr
    assert home.files() == before
    assert own.exists()
    assert not Path(home.env["GIMP_SALIENCY_RUNTIME"]).exists()


def test_uninstall_without_an_installation(home: Home) -> None:
    done = subprocess.run(
        [str(PROJECT / "install.sh"), "--uninstall"], env=home.env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert home.files() == set()


def test_uninstall_names_the_system_packages_that_stay(home: Home) -> None:
    assert home.install().returncode == 0
    noted = home.path / ".local/share/gimp-saliency/install.json"
    noted.write_text(noted.read_text().replace('"packages": []', '"packages": ["bubblewrap"]'))
    assert "stay: bubblewrap" in home.install("--uninstall").stdout


def test_another_program_of_that_name_stays(home: Home) -> None:
    executable(home.path / ".local/bin/gimp-saliency", "mine")
    assert "stays" in home.install().stdout
    home.install("--uninstall")
    assert (home.path / ".local/bin/gimp-saliency").read_text() == "mine"


def test_a_gimp_that_does_not_load_the_plugin(home: Home) -> None:
    stand_in = Path(home.env["PATH"].split(":")[0], "gimp-console-3.2")
    stand_in.write_text(stand_in.read_text().replace("known = os", "known = False and os"))
    done = home.install()
    assert done.returncode == 1
    assert "does not know plug-in-saliency-attenuate" in done.stdout
    assert "python3-gi" in done.stderr


def test_a_failing_pip_says_why_and_what_to_do(home: Home) -> None:
    python = home.path / ".local/share/gimp-saliency/venv/bin/python"
    executable(python, '#!/bin/sh\ncase "$*" in *"pip install"*) echo "ERROR: no route" >&2; exit 1;; esac\n')
    done = subprocess.run([str(PROJECT / "install.sh")], env=home.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ERROR: no route" in done.stderr
    assert "Check the network" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_one_at_a_time(home: Home) -> None:
    runtime = Path(home.env["GIMP_SALIENCY_RUNTIME"])
    runtime.mkdir(mode=0o700)
    with (runtime / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = home.install()
    assert done.returncode == 1
    assert "Another install.sh is at work" in done.stderr


def test_the_administrators_command_for_an_ordinary_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(system, "is_root", lambda: False)
    monkeypatch.setattr(system, "is_debian_like", lambda: True)
    with pytest.raises(system.SetupError, match=r"apt-get update && apt-get install -y pack-a pack-b"):
        system.need({"no-such-program": "pack-b", "/no/such/file": "pack-a", "sh": "dash"}, tmp_path / "log")
    monkeypatch.setattr(system, "is_debian_like", lambda: False)
    with pytest.raises(system.SetupError, match="package manager"):
        system.need({"no-such-program": "pack-b"}, tmp_path / "log")


def test_the_mirror_is_the_distributions_own() -> None:
    security = ["http://m/debian-security/", "bookworm-security", "main", "Debian", "Debian-Security"]
    updates = ["http://m/updates/", "bookworm-updates", "main", "Debian", "Debian"]
    release = ["http://m/debian/", "bookworm", "main", "Debian", "Debian"]
    other = ["http://other/", "bookworm", "main", "Other", "Other"]
    assert choose_mirror([other, security, updates, release], "Debian", "bookworm") == "http://m/debian/"
    with pytest.raises(system.SetupError, match="No Debian mirror"):
        choose_mirror([other], "Debian", "bookworm")


def test_the_mirror_before_the_first_update() -> None:
    unknown = "$(ORIGIN)"
    entries = [
        ["http://m/debian-security/", "bookworm-security", "main", unknown, unknown],
        ["http://m/debian/", "bookworm", "main", unknown, unknown],
    ]
    assert choose_mirror(entries, "Debian", "bookworm") == "http://m/debian/"


def test_the_mirror_from_a_list_of_mirrors(tmp_path: Path) -> None:
    (tmp_path / "mirrors").write_text("# ours\nhttp://m/debian\tpriority:1\n")
    entry = [f"mirror+file:{tmp_path}/mirrors/", "trixie", "main", "Debian", "Debian"]
    assert choose_mirror([entry], "Debian", "trixie") == "http://m/debian"


def test_a_half_built_root_folder_never_has_the_final_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried: list[str] = []

    def bootstrap(new: Path, suite: str, *_: object) -> None:
        tried.append(suite)
        (new / "usr/bin").mkdir(parents=True)
        if suite == "forky":
            raise system.SetupError("no such release")
        (new / "usr/bin/gimp-console-3.0").touch()
        (new / "usr/bin/gimp-console").touch()

    monkeypatch.setattr(root_folder, "distribution", lambda: DEBIAN)
    monkeypatch.setattr(root_folder, "need", lambda *_: [])
    monkeypatch.setattr(root_folder, "mirror", lambda _: "http://m/debian/")
    monkeypatch.setattr(root_folder, "_bootstrap", bootstrap)
    root, _ = root_folder.build(tmp_path, "3.2", tmp_path / "log")
    assert tried == ["forky", "trixie"]
    assert root == tmp_path / "gimp-3.0"
    assert [path.name for path in tmp_path.iterdir()] == ["gimp-3.0"]
    assert root_folder.build(tmp_path, "3.0", tmp_path / "log")[0] == root
    assert tried == ["forky", "trixie"]  # it is there


@pytest.mark.parametrize("profile", [".var/app/org.gimp.GIMP/config/GIMP/3.2", ".config/GIMP/3.2"])
def test_flatpak(home: Home, profile: str) -> None:
    if profile.startswith(".config"):
        (home.path / ".config/GIMP").mkdir(parents=True)
    programs = Path(home.env["PATH"].split(":")[0])
    (programs / "gimp-console-3.2").rename(programs / "gimp-for-flatpak")
    executable(programs / "flatpak", FLATPAK)
    before = home.files() | {".local", ".local/share"}  # the stand-in environment was there before
    session = Path(home.env["GIMP_SALIENCY_RUNTIME"]).parent
    home.env["XDG_RUNTIME_DIR"] = str(session)
    home.env.pop("GIMP_SALIENCY_RUNTIME")
    done = home.install()
    assert done.returncode == 0, done.stderr
    assert "Using GIMP 3.2.6 (Flatpak)." in done.stdout
    assert [path for path in home.files() if path.endswith("plug-ins/saliency")] == [f"{profile}/plug-ins/saliency"]
    rules = (home.path / ".local/share/flatpak/overrides/org.gimp.GIMP").read_text()
    assert "filesystems=xdg-run/gimp-saliency:create;" in rules
    assert "org.freedesktop.Flatpak=talk" in rules
    assert home.install().returncode == 0  # again: the permissions are there
    done = home.install("--uninstall")
    assert done.returncode == 0, done.stderr
    assert home.files() == before
    assert not list(session.iterdir())


def test_flatpak_permissions_that_the_user_gave_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("GIMP_SALIENCY_RUNTIME", raising=False)
    rules = tmp_path / "flatpak/overrides/org.gimp.GIMP"
    both = "/mine;xdg-run/gimp-saliency:create;"
    spawn = "[Session Bus Policy]\\norg.freedesktop.Flatpak=talk\\n"
    text = f"#!/bin/sh\nprintf '[Context]\\nfilesystems={both}\\n{spawn}' > '{rules}'\n"
    executable(tmp_path / "bin/flatpak", text)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    executable(rules, "[Context]\nfilesystems=/mine;\n")
    done = record.Record()
    flatpak.allow(done)
    assert flatpak.missing() == []
    flatpak.withdraw(done)
    assert rules.read_text().split() == ["[Context]", "filesystems=/mine;"]
    assert len(flatpak.missing()) == 2


def test_flatpak_that_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    executable(tmp_path / "bin/flatpak", "#!/bin/sh\necho 'no such app' >&2; exit 1\n")
    with pytest.raises(
        system.SetupError, match=r"\(no such app\): run `flatpak override --user .* org.gimp.GIMP` by hand"
    ):
        flatpak.allow(record.Record())


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize(
    ("own", "marked"),
    [((), "not gimp and not alone"), (("-m", "not thorough"), "(not gimp and not alone) and (not thorough)")],
)
def test_check_needs_no_gimp(home: Home, code: int, own: tuple[str, ...], marked: str) -> None:
    (Path(home.env["PATH"].split(":")[0]) / "gimp-console-3.2").unlink()
    asked = home.path / "asked"
    script = f"""#!/bin/sh\necho "$*" >> "{asked}"\ncase "$*" in *pytest*) exit {code};; *report*) echo 80;; esac\n"""
    executable(home.path / ".cache/gimp-saliency/test-venv/bin/python", script)
    done = home.install("--check", "--", *own, "-k", "some of them")
    assert done.returncode == code, done.stderr
    assert ("Tests failed" in done.stderr) == bool(code) and "Traceback" not in done.stderr
    assert code or " 80 %" in done.stdout
    (tests,) = [line for line in asked.read_text().splitlines() if "pytest" in line]
    assert tests.endswith(f" -m {marked} -k some of them")


def test_line_ends_and_executable_bits() -> None:
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=PROJECT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    modes = {line.split("\t")[1]: line.split()[0] for line in listed.stdout.splitlines()}
    programs = {"install.sh", ".ci/run", "plugin/saliency/saliency.py"}
    assert {name for name, mode in modes.items() if mode == "100755"} == programs & modes.keys()
    for name in modes:
        if name.endswith((".py", ".sh", ".md", ".toml", ".json", ".svg")) or name in programs:
            assert b"\r" not in (PROJECT / name).read_bytes(), name


@pytest.mark.parametrize("script", ["install.sh", ".ci/run"])
def test_bash_accepts_the_script(script: str) -> None:
    subprocess.run(["bash", "-n", str(PROJECT / script)], check=True, timeout=10)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(PROJECT / script)], check=True, timeout=60)
