# SPDX-License-Identifier: GPL-3.0-or-later
"""Real GIMPs for the tests, each with a profile of its own that holds the plug-in.

`./install.sh --test` builds both versions and names their root folders in the environment.  Without them the tests in
GIMP skip.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from gimp_saliency.shared import places
from gimp_saliency.shared.client import lifecycle
from model_server.gimp.find import find_private
from model_server.gimp.plugin_copy import find_missing_procedures, install_plugin
from model_server.gimp.running import Gimp
from model_server.gimp.start_command import plugin_command
from tests.gimp.console import Console

PROJECT = Path(__file__).resolve().parents[1]
_GIMPS = ("gimp", "gimp32", "gimp30")  # fixtures
# Folders and files of tests that take long.
_LONG = ("training", "predict", "test_house.py", "test_security.py", "test_packages.py", "gimp")

# As a user's Python does, those that tests start keep what they compiled: a plug-in starts some hundred times.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# hypothesis' own deadline of 200 ms an example would judge how busy the machine is.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def _find_room(path: Path) -> str | None:
    """Which of _LONG a file of tests is or belongs to."""
    return next((room for room in _LONG if room in path.relative_to(PROJECT).parts), None)


@pytest.hookimpl(tryfirst=True)  # before markers choose among the tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a GIMP; skip what wants to be alone where pytest runs several.

    What takes minutes of one process comes first, lest the others wait for it at the end.
    """
    items.sort(key=lambda item: _LONG.index(room) if (room := _find_room(item.path)) else len(_LONG))
    for item in items:
        if set(_GIMPS) & set(getattr(item, "fixturenames", ())):
            item.add_marker("gimp")
        if "PYTEST_XDIST_WORKER" in os.environ and item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.skip(reason="it wants to be alone: run it without -n"))


@dataclass(frozen=True)
class GimpForTests:
    """A GIMP, the environment in which it sees the plug-in and a runtime folder of its own, and a console of it."""

    gimp: Gimp
    env: dict[str, str]
    console: Console

    @classmethod
    def with_plugin(cls, gimp: Gimp, env: dict[str, str]) -> GimpForTests:
        """env: names the profile that holds the plug-in.  Who runs scripts closes the console at the end."""
        folders = [env["GIMP3_DIRECTORY"] + "/plug-ins/saliency", str(PROJECT / "tests" / "gimp")]
        return cls(gimp, env, Console(gimp, env, folders))

    def where(self, **env: str) -> GimpForTests:
        """The same GIMP with other values of these environment variables, and with a console of its own."""
        return self.with_plugin(self.gimp, {**self.env, **env})

    @property
    def is_32(self) -> bool:
        return self.gimp.version >= (3, 2, 0)

    def run(self, code: str, timeout: float = 240.0) -> Any:
        """Run Python in gimp-console, with the plug-in's folder and tests/gimp importable; return its `result`."""
        return self.console.run(code, timeout)


def _gimp(version: str) -> Gimp:
    named = os.environ.get(f"GIMP_SALIENCY_TEST_GIMP_{version.replace('.', '')}")
    roots = (
        [Path(named)]
        if named
        else [places.cache_folder() / f"gimp-{version}", places.data_folder() / f"gimp-{version}"]
    )
    found = next((gimp for place in roots if (gimp := find_private(place))), None)
    if found is None and named:
        pytest.fail(f"There is no GIMP in {named}: run ./install.sh --test again.")
    if found is None:
        pytest.skip(f"no GIMP {version} for tests: ./install.sh --test builds it")
    return found


def session(version: str) -> Iterator[GimpForTests]:
    """A GIMP ("3.0" or "3.2") with a new profile; at the end its server ends too."""
    found = _gimp(version)
    with tempfile.TemporaryDirectory(prefix="gs-") as folder:  # short, as a socket's path must be
        profile, runtime = Path(folder, "profile"), Path(folder, "run")
        install_plugin(profile, plugin_command())
        # Without these the window greets with dialogs that would hide what a test does.
        known = f'(config-version "{".".join(map(str, found.version))}")'
        (profile / "gimprc").write_text(f"{known}\n(show-welcome-dialog no)\n(check-updates no)\n")
        env = {
            **os.environ,
            "GIMP3_DIRECTORY": str(profile),
            "GIMP_SALIENCY_RUNTIME": str(runtime),
            "XDG_STATE_HOME": str(Path(folder, "state")),
            "XDG_CONFIG_HOME": str(Path(folder, "config")),  # what a test's window remembers
        }
        # The server that the plug-in asks for is started beside GIMP, by this process.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", env["XDG_STATE_HOME"])
            # GIMP's first start in a profile asks all plug-ins what they are, which takes its time.
            missing = find_missing_procedures(found, profile)
            assert not missing, f"{found.describe()} does not know {missing}"
            tested = GimpForTests.with_plugin(found, env)
            with closing(tested.console):
                yield tested
            patch.setenv("GIMP_SALIENCY_RUNTIME", str(runtime))
            lifecycle.stop(kill=True)


@pytest.fixture(scope="session")
def gimp32() -> Iterator[GimpForTests]:
    """GIMP 3.2, the home of the plug-in."""
    yield from session("3.2")


@pytest.fixture(scope="session")
def gimp30() -> Iterator[GimpForTests]:
    """GIMP 3.0, which is served too."""
    yield from session("3.0")


@pytest.fixture(scope="session", params=["gimp32", pytest.param("gimp30", marks=pytest.mark.thorough)])
def gimp(request: pytest.FixtureRequest) -> GimpForTests:
    """Both, one after the other."""
    found: GimpForTests = request.getfixturevalue(request.param)
    return found
