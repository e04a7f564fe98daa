# SPDX-License-Identifier: GPL-3.0-or-later
"""A real GIMP window on a virtual screen: keys go in, states, screenshots and the dialog's own notes come out."""

from __future__ import annotations

import base64
import json
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

from tests.conftest import PROJECT, GimpForTests

TOOLS = ("Xvfb", "openbox", "xdotool")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]


def wait_for(condition: Callable[[], Any], what: str, limit: float = 60, pause: float = 0.1) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(pause)
    raise AssertionError(f"{what} did not happen within {limit:g} s")


class Window:
    """A GIMP window on a screen of its own: keys go in by xdotool, questions by the driver's socket."""

    def __init__(self, display: str, connection: Connection, pictures: Path | None, trace: Path | None = None) -> None:
        self.env = {**os.environ, "DISPLAY": display}
        self.connection = connection
        self.pictures = pictures
        self.trace = trace

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

    def measure(self, title: str) -> tuple[int, int, int, int]:
        """Left, top, width and height of a window, in pixels of the screen."""
        lines = self.xdotool("getwindowgeometry", "--shell", self.find(title)).splitlines()
        facts = dict(line.split("=", 1) for line in lines)
        return int(facts["X"]), int(facts["Y"]), int(facts["WIDTH"]), int(facts["HEIGHT"])

    def activate(self, title: str) -> None:
        window = wait_for(lambda: self.find(title), f"a window «{title}»")
        self.xdotool("windowactivate", "--sync", window)

    def keys(self, *keys: str, pause: float = 0.5) -> None:
        """Press keys; menus open with a delay of their own."""
        for key in keys:
            self.xdotool("key", key)
            time.sleep(pause)

    def menu(self, entry: str) -> float:
        """Choose an entry of Filters → Saliency by its English name; when (on the notes' clock)."""
        self.activate("GIMP$")
        self.keys("alt+r", "Up", "Right", *["Down"] * ENTRIES.index(entry))
        chosen = time.monotonic()
        self.keys("Return", pause=0)
        return chosen

    def screenshot(self, name: str, window: str = "") -> None:
        """Keep a picture of the screen, or of one window, where $GIMP_SALIENCY_SCREENSHOTS names a folder."""
        if self.pictures:
            found = self.find(window) if window else "root"
            command = ["import", "-window", found, str(self.pictures / f"{name}.png")]
            subprocess.run(command, env=self.env, timeout=30, check=True)

    def notes(self, event: str) -> list[dict[str, Any]]:
        """What the dialog has noted of an event so far, oldest first."""
        if self.trace is None or not self.trace.is_file():
            return []
        lines = self.trace.read_text(encoding="utf-8").splitlines()
        found = (json.loads(line) for line in lines if line.endswith("}"))
        return [note for note in found if note["event"] == event]

    def next_note(self, event: str, after: int, limit: float = 60) -> dict[str, Any]:
        """The first note of an event beyond the first `after` ones."""
        wait_for(lambda: len(self.notes(event)) > after, f"the note «{event}»", limit, pause=0.02)
        return self.notes(event)[after]

    def ended(self, limit: float = 60) -> None:
        """Wait until the plug-in has ended all that was chosen: it works step by step, each of which can be seen."""
        wait_for(lambda: len(self.notes("begun")) == len(self.notes("ended")), "the plug-in's end", limit)

    def sharp_picture(self, after: int = 0) -> dict[str, Any]:
        """The dialog's picture as sharp as it gets, which comes soon after a rougher one: its note.

        after: how many notes of painting do not count.
        """

        def find() -> dict[str, Any] | None:
            notes = self.notes("painted")
            return notes[-1] if len(notes) > after and notes[-1]["sharp"] else None

        return dict(wait_for(find, "a sharp picture"))

    def calm(self, calm: float = 1.0) -> None:
        """Wait until the dialog waits for no answer, and has painted and measured nothing new for some seconds."""
        started = time.monotonic()  # the notes' clock

        def is_calm() -> bool:
            spins = self.notes("spins")
            notes = [*self.notes("painted"), *self.notes("measured"), *spins]
            last = max([started, *(note["at"] for note in notes)])
            return time.monotonic() > last + calm and not (spins and spins[-1]["still"])

        wait_for(is_calm, "the dialog's rest")


def undo_and_redo(
    window: Window, before: dict[str, Any], after: dict[str, Any], selected: np.ndarray, tolerance: float = 0.0
) -> None:
    """One Ctrl+Z takes everything back, Ctrl+Y brings all of it again.

    before, after: the driver's states of the image without and with the change; selected: what is selected in both, to
    within the tolerance.
    """
    window.activate("GIMP$")
    for keys, wanted in (("ctrl+z", before), ("ctrl+y", after)):
        window.keys(keys)
        layers = wanted["layers"]
        wait_for(lambda: window.ask("state(image)['layers']") == layers, f"what {keys} is for")  # noqa: B023
        assert window.ask("state(image)") == wanted
        assert abs(window.selection() - selected).max() <= tolerance


# As they stand in the menu, which GIMP sorts.
ENTRIES = (
    "Attenuate Selection",
    "Emphasize Selection",
    "Harmonize Layer",
    "Retouch",
    "Adjust Edit",
    "Repeat Edit on Layer",
    "Fit Selection to Object",
    "Saliency Map",
    "Model Server",
)


@contextmanager
def screen(size: str = "1280x800") -> Iterator[str]:
    """A virtual screen with a window manager; its display name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
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


@contextmanager
def opened(
    gimp: GimpForTests,
    folder: Path,
    scene: dict[str, Any] | None = None,
    size: str = "1280x800",
    env: dict[str, str] | None = None,
    preferences: str = "",
) -> Iterator[Window]:
    """GIMP's window with the driver's picture in it; its output goes to a log in the folder.

    scene: arguments of the driver's open_picture; size: of the screen; preferences: lines of a gimprc.
    """
    base = Path(gimp.env["GIMP3_DIRECTORY"]).parent  # what a private GIMP sees of the disk
    name = uuid.uuid4().hex[:8]
    address, trace, rc = (base / f"{name}.{kind}" for kind in ("socket", "trace", "rc"))
    rc.write_text(preferences + "\n" + Path(gimp.env["GIMP3_DIRECTORY"], "gimprc").read_text())
    search = [gimp.env["GIMP3_DIRECTORY"] + "/plug-ins/saliency", str(PROJECT / "tests" / "gimp")]
    driver = PROJECT / "tests" / "gimp" / "driver.py"
    names = {"ADDRESS": str(address), "SCENE": scene or {}}
    code = f"import sys; sys.path[:0] = {search!r}; exec(open({str(driver)!r}).read(), {names!r})"
    # Without brushes and fonts for painting, which nothing here needs.
    arguments = ["-n", "-d", "-f", "--no-splash", f"--gimprc={rc}", "--batch-interpreter", "python-fu-eval", "-b", code]
    pictures = os.environ.get("GIMP_SALIENCY_SCREENSHOTS")
    with screen(size) as display, (folder / "log").open("ab") as log:
        all_env = {**gimp.env, "DISPLAY": display, "GIMP_SALIENCY_TRACE": str(trace), **(env or {})}
        keywords = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        with (
            gimp.gimp.start(*arguments, console=False, env=all_env, **keywords),
            wait_for(lambda: _connect(str(address)), "GIMP's start") as connection,
        ):
            yield Window(display, connection, Path(pictures) if pictures else None, trace)
            with suppress(OSError):
                connection.send("quit")


def _connect(address: str) -> Connection | None:
    try:
        return Client(address, "AF_UNIX")
    except OSError:
        return None
