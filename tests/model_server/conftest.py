# SPDX-License-Identifier: GPL-3.0-or-later
"""Model servers as real processes, in a runtime folder of the test's own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared.client import lifecycle
from gimp_saliency.shared.errors import ServerError
from tests.model_server.processes import FAKE_SERVER, ROOT, StartServer, wait_for


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty runtime folder and an empty home for the log; short, as a socket's path must be."""
    with tempfile.TemporaryDirectory(prefix="gs-") as folder:
        path = Path(folder, "run")
        monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", str(path))
        monkeypatch.setenv("XDG_STATE_HOME", str(Path(folder, "state")))
        monkeypatch.setattr(lifecycle, "start_command", [])  # what `batch` sets is put back after the test
        yield path
        try:
            lifecycle.stop(kill=True)
        except ServerError:
            pass


@pytest.fixture
def start_server(runtime: Path) -> Iterator[StartServer]:
    """Starts a server process, waits for its answer, and ends it after the test."""
    processes: list[subprocess.Popen[Any]] = []

    def start(*arguments: str, command: list[str] | None = None) -> subprocess.Popen[Any]:
        process = subprocess.Popen([*(command or FAKE_SERVER), *arguments], cwd=ROOT)
        processes.append(process)
        wait_for(lambda: lifecycle.ask_health() is not None)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(5)


@pytest.fixture
def plugin_starts(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the command with which the plug-in's side starts the server."""

    def use(*arguments: str, command: list[str] | None = None) -> None:
        monkeypatch.setattr(lifecycle, "_read_command", lambda: [*(command or FAKE_SERVER), *arguments])

    return use
