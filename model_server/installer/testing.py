# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lanes of tests: `install.sh --check`, minutes and without GIMP, and `install.sh --test`, everything."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gimp_saliency.shared import places
from model_server.installer import environment, record, root_folder, system
from model_server.installer.system import SetupError, say

# What the tests of GIMP's window need on the host.
_WINDOW_TOOLS = {
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "openbox": "openbox",
}
# Four on two cores: tests in GIMP wait half of their time.  Those of a file stay together, as they share what was
# started, in the order of tests/conftest.py.
_SIDE_BY_SIDE = ("--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
_COVERAGE = ("--cov", "--cov-report=")
_NOTHING = 5  # pytest's exit code where no test was chosen


def check(arguments: Sequence[str]) -> None:
    """Run the rules of the house and the tests that need neither GIMP nor a quiet machine.  Raises SetupError."""
    python = _make_environment(record.load())
    with _environment(python) as env:
        _judge(_run(python, env, [*_SIDE_BY_SIDE, *_COVERAGE, *_choose("not gimp and not alone", arguments)]))
        _tell_coverage(python, env)


def test(arguments: Sequence[str]) -> None:
    """Run the whole suite: several tests at a time, then those that want to be alone.  Raises SetupError."""
    done = record.load()
    roots = _build_gimps(done)
    done.add("packages", *system.need(_WINDOW_TOOLS, _log()))
    done.save()
    python = _make_environment(done)
    with _environment(python) as env:
        env.update(roots)
        codes = [
            _run(python, env, [*_SIDE_BY_SIDE, *_COVERAGE, "--durations=20", *_choose("not alone", arguments)]),
            _run(python, env, ["--durations=20", *_choose("alone", arguments)]),
        ]
        _tell_coverage(python, env)
    _judge(*codes)


def _build_gimps(done: record.Record) -> dict[str, str]:
    """The GIMPs of both versions, built where they are not there yet; the variables that name them for the tests."""
    roots = {}
    for version in ("3.2", "3.0"):
        kept = places.data_folder() / f"gimp-{version}"
        parent = kept.parent if kept.is_dir() else places.cache_folder()
        root, packages = root_folder.build(parent, version, _log())
        done.add("packages", *packages)
        if not root.name.endswith(version):
            raise SetupError(
                f"The tests need GIMP {version}, and the system's mirror does not have it: use another mirror."
            )
        roots[f"GIMP_SALIENCY_TEST_GIMP_{version.replace('.', '')}"] = str(root)
    return roots


def _make_environment(done: record.Record) -> Path:
    """The Python of the tests' virtual environment."""
    done.will_make(places.cache_folder())
    done.will_make(places.state_folder())
    done.save()
    python = environment.make(places.cache_folder() / "test-venv", _log(), "test")
    say(f"Installed the tests' needs in {python.parents[1]}.")
    return python


@contextmanager
def _environment(python: Path) -> Iterator[dict[str, str]]:
    """Variables with a home of its own: no test meets the user's settings, nor leaves anything beside them."""
    with tempfile.TemporaryDirectory(prefix="gimp-saliency home ") as home:
        env = {**os.environ, "HOME": home, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        env["COVERAGE_FILE"] = str(Path(home, "coverage"))
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            env.pop(name, None)
        yield env


def _run(python: Path, env: dict[str, str], arguments: Sequence[str]) -> int:
    """Run pytest; its exit code."""
    return subprocess.run([str(python), "-m", "pytest", *arguments], cwd=environment.PROJECT, env=env).returncode


def _choose(marked: str, arguments: Sequence[str]) -> list[str]:
    """The arguments for a lane's tests; a `-m` among them, of which pytest heeds the last alone, narrows the lane."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", default="")
    own, rest = parser.parse_known_args(arguments)
    return ["-m", f"({marked}) and ({own.m})" if own.m else marked, *rest]


def _judge(*codes: int) -> None:
    """Raises SetupError if a run of pytest failed, or none found a test."""
    if any(code not in (0, _NOTHING) for code in codes) or set(codes) == {_NOTHING}:
        raise SetupError("Tests failed, or there were none: see above.")


def _tell_coverage(python: Path, env: dict[str, str]) -> None:
    command = [str(python), "-m", "coverage", "report", "--format=total"]
    found = subprocess.run(command, cwd=environment.PROJECT, env=env, capture_output=True, text=True)
    if found.returncode == 0:
        say(f"Coverage of what runs in the tests' own processes, not in GIMP or a server: {found.stdout.strip()} %.")


def _log() -> Path:
    return places.state_folder() / system.LOG
