# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu entry in a real GIMP window: dialog, edit, one undo step, exact redo."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import PROJECT, GimpForTests

TOOLS = ("Xvfb", "openbox", "xdotool")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")


def wait_for(condition: Callable[[], Any], what: str, limit: float = 60) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {limit:g} s")


class Window:
    """A GIMP window on a screen of its own: keys go in by xdotool, questions by the driver's socket."""

    def __init__(self, display: str, connection: Connection, pictures: Path | None) -> None:
        self.env = {**os.environ, "DISPLAY": display}
        self.connection = connection
        self.pictures = pictures

    def ask(self, expression: str) -> Any:
        self.connection.send(expression)
        if not self.connection.poll(60):
            raise AssertionError(f"GIMP did not answer {expression!r} within 60 s")
        answer = self.connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def selection(self) -> np.ndarray:
        """The selected share of each pixel, 0..1."""
        return np.frombuffer(base64.b64decode(self.ask("inside.text(inside.selection(image))")), np.float64)

    def xdotool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments], env=self.env, capture_output=True, text=True, timeout=30
        ).stdout.strip()

    def find(self, title: str) -> str:
        """The id of the visible window with this in its title, "" if there is none."""
        return self.xdotool("search", "--onlyvisible", "--name", title).rpartition("\n")[2]

    def activate(self, title: str) -> None:
        window = wait_for(lambda: self.find(title), f"a window «{title}»")
        self.xdotool("windowactivate", "--sync", window)

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("key", key)
            time.sleep(0.5)  # menus open with a delay of their own

    def screenshot(self, name: str) -> None:
        """Keep a picture of the screen where $GIMP_SALIENCY_SCREENSHOTS names a folder."""
        if self.pictures:
            command = ["import", "-window", "root", str(self.pictures / f"{name}.png")]
            subprocess.run(command, env=self.env, timeout=30, check=True)


@contextmanager
def _screen() -> Iterator[str]:
    """A virtual screen with a window manager; its display name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, pass_fds=[writing], **quiet)  # type: ignore[call-overload]
    os.close(writing)
    try:
        with os.fdopen(reading) as file:
            display = f":{file.readline().strip()}"
        env = {**os.environ, "DISPLAY": display}
        manager = subprocess.Popen(["openbox"], env=env, **quiet)  # type: ignore[call-overload]
        try:
            yield display
        finally:
            manager.kill()
            manager.wait(10)
    finally:
        server.terminate()
        server.wait(10)


def _connect(address: str) -> Connection | None:
    try:
        return Client(address, "AF_UNIX")
    except OSError:
        return None


@pytest.fixture
def window(gimp: GimpForTests, tmp_path: Path) -> Iterator[Window]:
    address = str(Path(gimp.env["GIMP3_DIRECTORY"]).parent / f"driver-{uuid.uuid4().hex[:8]}")
    search = [gimp.env["GIMP3_DIRECTORY"] + "/plug-ins/saliency", str(PROJECT / "tests" / "gimp")]
    driver = PROJECT / "tests" / "gimp" / "driver.py"
    code = f"import sys; sys.path[:0] = {search!r}; exec(open({str(driver)!r}).read(), {{'ADDRESS': {address!r}}})"
    arguments = ["-n", "--no-splash", "--batch-interpreter", "python-fu-eval", "-b", code]
    folder = os.environ.get("GIMP_SALIENCY_SCREENSHOTS")
    with _screen() as display, (tmp_path / "log").open("wb") as log:
        env = {**gimp.env, "DISPLAY": display}
        keywords = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        with (
            gimp.gimp.start(*arguments, console=False, env=env, **keywords),
            wait_for(lambda: _connect(address), "GIMP's start") as connection,
        ):
            yield Window(display, connection, Path(folder) if folder else None)
            with suppress(OSError):
                connection.send("quit")


def test_menu_edit_undo_redo(gimp: GimpForTests, window: Window) -> None:
    version = f"{gimp.gimp.version[0]}.{gimp.gimp.version[1]}"
    before, selected = window.ask("state(image)"), window.selection()
    assert not before["dirty"]
    window.activate("GIMP$")
    window.keys("alt+r", "Up", "Right")  # Filters, its last entry Saliency, the first entry there
    window.screenshot(f"menu-{version}")
    window.keys("Return")
    window.activate("Attenuate Selection")
    time.sleep(1)
    window.screenshot(f"dialog-{version}")
    assert window.ask("state(image)") == before, "the dialog alone changed the image"
    window.keys("Return")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
    time.sleep(1)
    after = window.ask("state(image)")
    window.screenshot(f"edited-{version}")
    assert after["pixels"] != before["pixels"]
    assert after["channels"] == before["channels"]
    assert (window.selection() == selected).all()

    # GIMP 3.2 re-encodes the selection of an 8-bit image whenever it undoes a live filter: half a step of 1/255.
    tolerance = 0.0045 if gimp.is_32 else 0
    window.activate("GIMP$")
    window.keys("ctrl+z")
    wait_for(lambda: window.ask("state(image)['layers']") == before["layers"], "one undo step")
    assert window.ask("state(image)") == before
    assert abs(window.selection() - selected).max() <= tolerance
    window.keys("ctrl+y")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "redo")
    assert window.ask("state(image)") == after
    assert abs(window.selection() - selected).max() <= tolerance


def test_cancel_changes_nothing(window: Window) -> None:
    before = window.ask("state(image)")
    window.activate("GIMP$")
    window.keys("alt+r", "Up", "Right", "Return")
    window.activate("Attenuate Selection")
    window.keys("Escape")
    wait_for(lambda: not window.find("Attenuate Selection"), "the dialog's end")
    assert window.ask("state(image)") == before
