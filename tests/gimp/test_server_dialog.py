# SPDX-License-Identifier: GPL-3.0-or-later
"""The model server's window in a real GIMP: what it says, its buttons, its keys."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared import places, settings, version
from gimp_saliency.shared.client import lifecycle
from tests.conftest import PROJECT, GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window, wait_for

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")


class ServerWindow(Window):
    """GIMP with the window open; what it shows is in a file that it writes all the time."""

    def __init__(self, display: str, pictures: Path | None, file: Path) -> None:
        super().__init__(display, None, pictures)  # type: ignore[arg-type]
        self.file = file

    def shown(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.file.read_text()) if self.file.exists() else {}
        return content

    def value(self, label: str) -> str:
        return str(self.shown().get("values", {}).get(label, ""))

    def wait_for_value(self, label: str, start: str) -> str:
        wait_for(lambda: self.value(label).startswith(start), f"«{label} {start}…»")
        return self.value(label)


@contextmanager
def _opened(gimp: GimpForTests, folder: Path, scheme: str = "dark", first: str = "pass") -> Iterator[ServerWindow]:
    gimp.console.close()  # else it may answer a wish for a server, and with its own settings
    name = uuid.uuid4().hex[:8]
    base = Path(gimp.env["GIMP3_DIRECTORY"]).parent  # what a private GIMP sees of the disk
    report, rc = base / f"{name}.json", base / f"{name}.rc"
    rc.write_text(f"(theme-color-scheme {scheme})\n" + Path(gimp.env["GIMP3_DIRECTORY"], "gimprc").read_text())
    search = [gimp.env["GIMP3_DIRECTORY"] + "/plug-ins/saliency"]
    script = PROJECT / "tests" / "gimp" / "server_window.py"
    run = f"exec(open({str(script)!r}).read(), {{'REPORT': {str(report)!r}}})"
    code = f"import sys; sys.path[:0] = {search!r}; {first}; {run}"
    options = ["-n", "--no-splash", f"--gimprc={rc}", "--batch-interpreter", "python-fu-eval", "-b", code]
    pictures = os.environ.get("GIMP_SALIENCY_SCREENSHOTS")
    with gui.screen() as display, (folder / "log").open("wb") as log:
        keywords = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        env = {**gimp.env, "DISPLAY": display, "XDG_CONFIG_HOME": str(base / "config")}
        with gimp.gimp.start(*options, console=False, env=env, **keywords):
            window = ServerWindow(display, Path(pictures) if pictures else None, report)
            window.activate("Model Server")
            wait_for(
                lambda: window.value("State:").startswith(("Running", "Not running")), "a first look at the server"
            )
            yield window


@contextmanager
def _silent_server() -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(places.socket_path())
        listener.listen(64)
        try:
            yield
        finally:
            Path(places.socket_path()).unlink()


@pytest.fixture
def no_server(gimp: GimpForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIMP_SALIENCY_RUNTIME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, gimp.env[name])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path(gimp.env["GIMP3_DIRECTORY"]).parent / "config"))
    lifecycle.stop(kill=True)


def test_start_restart_stop(gimp: GimpForTests, no_server: None, tmp_path: Path) -> None:
    with _opened(gimp, tmp_path) as window:
        assert window.value("State:").startswith("Not running")
        assert window.shown()["buttons"] == {"_Start": True, "_Restart": False, "_Close": True}
        assert window.shown()["focus"] == ["_Close"]
        window.keys("alt+s")
        window.wait_for_value("Model:", "edit")
        health = lifecycle.ask_health()
        assert health
        assert window.value("State:") == "Running"
        assert window.value("Process id:") == str(health["pid"])
        assert window.value("Version:") == version.VERSION
        assert window.value("Model:") == health["model"]
        assert "MB" in window.value("Memory:")
        for file, facts in health["networks"].items():
            assert file in window.value("Networks:").splitlines()
            assert any(facts["sha256"] in text.splitlines() for text in window.shown()["texts"])
        started = window.value("Started:")
        assert time.strftime("%Y") in started or ":" in started
        assert window.shown()["buttons"] == {"S_top": True, "_Restart": True, "_Close": True}
        window.keys("alt+r")
        wait_for(lambda: window.value("Process id:") not in ("–", str(health["pid"])), "another process")
        restarted = lifecycle.ask_health()
        assert restarted
        assert window.value("Process id:") == str(restarted["pid"])
        window.keys("alt+t")
        window.wait_for_value("State:", "Not running")
        assert window.value("Process id:") == "–"
        assert lifecycle.ask_health() is None


def test_keys(gimp: GimpForTests, no_server: None, tmp_path: Path) -> None:
    with _opened(gimp, tmp_path) as window:
        letters = [text[text.index("_") + 1].lower() for text in window.shown()["mnemonics"]]
        assert len(letters) == 4
        assert len(set(letters)) == 4, "the same letter twice"
        window.keys("alt+i", "ctrl+a", "3", "7", "Return")
        wait_for(lambda: settings.load().idle_minutes == 37, "a saved time-out")
        window.activate("Model Server")
        window.keys("Escape")
        wait_for(lambda: window.shown().get("closed"), "the window's end")


def test_failure_is_a_sentence(gimp: GimpForTests, no_server: None, tmp_path: Path) -> None:
    broken = "from gimp_saliency.shared.client import lifecycle; lifecycle.start_command = ['false']"
    with _opened(gimp, tmp_path, first=broken) as window:
        window.keys("alt+s")
        wait_for(lambda: any("failed to start" in text for text in window.shown()["texts"]), "the reason")
        assert window.value("State:").startswith("Not running")
        assert window.shown()["buttons"]["_Start"]


def test_what_others_do_is_seen(gimp: GimpForTests, no_server: None, tmp_path: Path) -> None:
    with _opened(gimp, tmp_path) as window:
        # A frozen server: it listens and never answers.
        with _silent_server():
            window.wait_for_value("State:", "Running, but it does not answer")
            assert any("did not answer within" in text for text in window.shown()["texts"])
        window.wait_for_value("State:", "Not running")
        assert not any("did not answer within" in text for text in window.shown()["texts"])


@pytest.mark.skipif("GIMP_SALIENCY_SCREENSHOTS" not in os.environ, reason="takes pictures for people only")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshots(gimp: GimpForTests, no_server: None, tmp_path: Path, scheme: str) -> None:
    version = f"{gimp.gimp.version[0]}.{gimp.gimp.version[1]}-{scheme}"
    with _opened(gimp, tmp_path, scheme) as window:
        window.screenshot(f"server-stopped-{version}")
        window.keys("alt+s")
        window.wait_for_value("Model:", "edit")
        window.keys("alt+i", "ctrl+a", "4", "2", "Tab")
        time.sleep(1)
        window.screenshot(f"server-{version}")
        window.keys("alt+t")
        window.wait_for_value("State:", "Not running")
        with _silent_server():
            window.wait_for_value("State:", "Running, but")
            time.sleep(1)
            window.screenshot(f"server-failed-{version}")
