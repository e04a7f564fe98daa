# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long people wait for the dialog, and the image's memory: `python -m tests.gimp.benchmark [--gimp 3.0]`.

A real GIMP window on a virtual screen with a picture of 24 megapixels, if --width says nothing else; keys go in, the
dialog's own notes say when it was shown and painted.  Times that begin with a key hold what xdotool takes to press it,
some 10 ms.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from gimp_saliency.shared.client import lifecycle
from tests.conftest import session
from tests.gimp.gui import Window, opened, wait_for

WIDTH = 6000  # px: 24 megapixels
COLD_ROUNDS = 5
_DRAG = 150  # px
_PAUSE = 0.05  # seconds between two steps of a slider, as of a hand that drags it

Times = dict[str, list[float]]  # seconds, by what was waited for


def measure(window: Window, rounds: int, size: tuple[str, str] | None = None) -> Times:
    """All waits, some of them as often as `rounds`.  size: in px, that the dialog is given; None: its own."""
    times: Times = {}
    few = min(rounds, COLD_ROUNDS)
    with dialog(window, "Attenuate Selection"):  # starts the server, and all that GIMP itself reads only once
        if size:
            window.xdotool("windowsize", "--sync", window.find("Attenuate Selection"), *size)  # which is remembered
            window.calm()
    for _ in range(rounds):
        with dialog(window, "Attenuate Selection") as waits:
            add(times, "menu → dialog, warm server", waits[0])
            add(times, "menu → preview, warm server", waits[1])
    for _ in range(few):
        lifecycle.stop(kill=True)
        with dialog(window, "Attenuate Selection") as waits:
            add(times, "menu → dialog, cold server", waits[0])
            add(times, "menu → preview, cold server", waits[1])
    with dialog(window, "Attenuate Selection"):
        slide(window, rounds, times, "whole picture")
        window.keys("alt+e", "3")
        window.calm()
        slide(window, rounds, times, "zoomed in")
        window.keys("alt+e")
        for number in range(rounds):
            zoom = partial(window.keys, "3" if number % 2 else "1", pause=0)
            add(times, "zoom → sharp picture", sharpened(window, zoom))
        window.keys("1")
        window.calm()
        for number in range(rounds):
            add(times, "pan → sharp picture", sharpened(window, hold_picture(window, -1 if number % 2 else 1)))
    with dialog(window, "Attenuate Selection"):
        window.keys("alt+b")
        window.calm()
        slide(window, rounds, times, "with background")
        window.keys("alt+e", "3")
        window.calm()
        slide(window, rounds, times, "with background, zoomed in")
    with dialog(window, "Attenuate Selection", answer="alt+o"):
        pass
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit", limit=120)
    wait_for_gimp(window)
    for _ in range(few):
        with dialog(window, "Adjust Edit") as waits:
            add(times, "Adjust Edit: menu → dialog", waits[0])
            add(times, "Adjust Edit: menu → preview", waits[1])
    for _ in range(few):
        with dialog(window, "Attenuate Selection") as waits:
            add(times, "second edit: menu → dialog", waits[0])
            add(times, "second edit: menu → preview", waits[1])
    return times


def measure_others(window: Window, rounds: int) -> Times:
    """The waits of Retouch, and of Harmonize Layer for the selected part of the photo as a layer above it."""
    window.ask("(Gimp.Selection.save(image), Gimp.Selection.none(image), None)[-1]")
    window.ask("(image.set_selected_layers(image.get_layers()), None)[-1]")
    times = measure_tool(window, "Retouch", rounds)
    window.ask("(image.select_item(Gimp.ChannelOps.REPLACE, image.get_channels()[0]), None)[-1]")
    window.ask("inside.cut_out(image, image.get_layers()[0])")
    wait_for_gimp(window)
    return times | measure_tool(window, "Harmonize Layer", rounds)


def measure_tool(window: Window, entry: str, rounds: int) -> Times:
    """How long it takes from the menu to a tool's dialog, and to the picture in it."""
    times: Times = {}
    for _ in range(1 + rounds):
        with dialog(window, entry) as waits:
            add(times, f"{entry}: menu → dialog", waits[0])
            add(times, f"{entry}: menu → preview", waits[1])
    return {name: all_of_it[1:] for name, all_of_it in times.items()}  # the first one is what GIMP reads only once


@contextmanager
def dialog(window: Window, entry: str, answer: str = "Escape") -> Iterator[tuple[float, float]]:
    """The dialog, with all that it shows first; how long it took until it was there, and until it showed an edit."""
    counts = {event: len(window.notes(event)) for event in ("shown", "painted")}
    start = window.menu(entry)
    waits = [window.next_note(event, count)["at"] - start for event, count in counts.items()]
    window.activate(entry)
    window.calm()
    yield waits[0], waits[1]
    window.keys(answer, pause=0)
    wait_for(lambda: not window.find(entry), "the dialog's end")


def read_memory(window: Window) -> float:
    """What the image takes in GIMP, in MB, once nothing more is composed."""
    wait_for_gimp(window)

    def find() -> list[tuple[str, str]]:
        return re.findall(r"\(([\d.]+)\s(kB|MB|GB)\)", window.xdotool("getwindowname", window.find("GIMP$")))

    number, unit = wait_for(find, "a title that says it")[0]
    return float(number) * {"kB": 0.001, "MB": 1, "GB": 1000}[unit]


def wait_for_gimp(window: Window) -> None:
    """Wait until GIMP has composed the large picture, which delays all that it is asked."""
    quick = 0
    while quick < 10:
        start = time.monotonic()
        window.ask("image.get_width()")
        quick = quick + 1 if time.monotonic() - start < 0.03 else 0
        time.sleep(0.2)


def slide(window: Window, rounds: int, times: Times, view: str) -> None:
    """Move the slider of the strength."""
    window.keys("alt+n")
    for number in range(rounds):
        waited = painted(window, "Up" if number % 20 < 10 else "Down")
        note = window.notes("painted")[-1]
        add(times, f"slider → redraw, {view}", note["at"] - note["since"])
        add(times, f"key → redraw, {view}", waited)
        time.sleep(_PAUSE)


def painted(window: Window, key: str) -> float:
    """How long it takes from a key until the picture is painted anew."""
    count = len(window.notes("painted"))
    start = time.monotonic()
    window.keys(key, pause=0)
    return float(window.next_note("painted", count)["at"]) - start


def sharpened(window: Window, move: Callable[[], object]) -> float:
    """How long it takes from a move, which zooms or pans, until the picture is painted with all of its pixels."""
    count = len(window.notes("painted"))
    start = time.monotonic()
    move()
    waited = float(window.sharp_picture(count)["at"]) - start
    window.calm()
    return waited


def hold_picture(window: Window, direction: int) -> Callable[[], object]:
    """Press the mouse where the picture can be dragged; what drags it by _DRAG, forth (1) or back (-1)."""
    left, top, _width, _height = window.measure("Attenuate Selection")
    window.xdotool("mousemove", str(left + _DRAG + 40), str(top + _DRAG + 40), "mousedown", "1")
    move = str(direction * _DRAG), str(direction * _DRAG // 2)
    return partial(window.xdotool, "mousemove_relative", "--", *move, "mouseup", "1")


def add(times: Times, name: str, seconds: float) -> None:
    times.setdefault(name, []).append(seconds)


def make_scene(width: int, hard: bool = False) -> dict[str, Any]:
    """A picture of some pixels' width, and a soft or hard selection in it: what the driver's open_picture is told."""
    left, top, across, down, feather = (width * part // 240 for part in (60, 40, 100, 70, 0 if hard else 8))
    return {"enlarged": (width, width * 2 // 3), "ellipse": (left, top, across, down), "feather": feather}


def table(times: Times) -> str:
    """Medians and worst in milliseconds, as Markdown."""
    lines = ["| wait | median | worst | times |", "|---|---:|---:|---:|"]
    for name, all_of_it in times.items():
        median, worst = 1000 * statistics.median(all_of_it), 1000 * max(all_of_it)
        lines.append(f"| {name} | {median:.0f} ms | {worst:.0f} ms | {len(all_of_it)} |")
    return "\n".join(lines)


def machine() -> str:
    """Processor and cores."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in facts if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else 'an unknown processor'}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gimp", choices=("3.2", "3.0"), default="3.2", help="which of the GIMPs for tests")
    parser.add_argument("--rounds", type=int, default=20, help="how often each wait is measured (default: 20)")
    parser.add_argument("--width", type=int, default=WIDTH, help=f"of the picture, in pixels (default: {WIDTH})")
    parser.add_argument("--window", metavar="WxH", help="size of the dialog in pixels (default: what it needs)")
    parser.add_argument("--hard", action="store_true", help="select with a hard edge, so that another one is found")
    options = parser.parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users' Pythons keep what they compiled
    with contextmanager(session)(options.gimp) as gimp, tempfile.TemporaryDirectory() as folder:
        os.environ["GIMP_SALIENCY_RUNTIME"] = gimp.env["GIMP_SALIENCY_RUNTIME"]  # whose server is stopped
        size = tuple(options.window.split("x")) if options.window else None
        screen = {"size": f"{int(size[0]) + 100}x{int(size[1]) + 100}"} if size else {}
        scene = make_scene(options.width, options.hard)
        with opened(gimp, Path(folder), scene, preferences='(image-title-format "%f (%m)")', **screen) as window:
            before, memory = os.getloadavg()[0], read_memory(window)
            times = measure(window, options.rounds, size)
            edited = read_memory(window)
        with opened(gimp, Path(folder), scene, **screen) as window:  # a photo without an edit, which takes its time
            times |= measure_others(window, min(options.rounds, COLD_ROUNDS))
        load = f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after"
        print(f"GIMP {'.'.join(map(str, gimp.gimp.version))} on {machine()}, {load}\n\n{table(times)}\n")
        print(f"The image takes {memory:.1f} MB in GIMP, with one edit {edited:.1f} MB.")


if __name__ == "__main__":
    main()
