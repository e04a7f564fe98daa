# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual's pictures of the windows: `python -m tests.gimp.screenshots docs`.

Needs the sample photographs that `./install.sh --demo` fetches, and a GIMP 3.2 for tests.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from gimp_saliency.shared import places
from model_server import demo
from tests.conftest import session
from tests.gimp.gui import Window, opened, wait_for


def dialog(window: Window, entry: str) -> None:
    """Open an entry's dialog and wait for all that it asks the server."""
    count = len(window.notes("measured"))
    window.menu(entry)
    window.activate(entry)
    window.next_note("measured", count)
    window.calm()


def take(window: Window) -> None:
    """One picture after the other, as a user would come by."""
    window.xdotool("mousemove", "0", "0")  # where it calls forth no tooltip
    dialog(window, "Emphasize Selection")
    window.screenshot("dialog", "Emphasize Selection")
    window.keys("alt+k")
    window.calm()
    window.screenshot("mask", "Emphasize Selection")
    window.keys("alt+k", "alt+a")
    window.calm()
    window.screenshot("attention", "Emphasize Selection")
    window.keys("alt+e", "alt+b")
    window.calm()
    window.keys("alt+m")
    window.calm(2.0)
    window.screenshot("styles", "Emphasize Selection")
    window.keys("alt+b")
    window.calm()
    window.keys("alt+o")
    wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
    window.ended()
    dialog(window, "Adjust Edit")
    window.screenshot("adjust", "Adjust Edit")
    window.keys("Escape")
    wait_for(lambda: not window.find("Adjust Edit"), "the dialog's end")
    window.menu("Model Server")
    window.activate("Model Server")
    window.keys("Tab", pause=2)
    window.screenshot("model-server", "Model Server")
    window.keys("Escape")


def take_harmony(window: Window, cup: Path) -> None:
    """The cup before a rocket at dawn."""
    regions = json.loads((Path(demo.__file__).parent / "regions.json").read_text(encoding="utf-8"))
    polygon = next(each["polygons"][0] for each in regions if each["region"] == "the cup")
    window.ask(f"inside.paste_part(image, {str(cup)!r}, {polygon!r}, 420, (116, 60))")
    window.xdotool("mousemove", "0", "0")
    window.menu("Harmonize Layer")
    window.activate("Harmonize Layer")
    window.next_note("judged", 0)
    window.calm()
    window.screenshot("harmonize", "Harmonize Layer")
    window.keys("Escape")


def take_retouch(window: Window) -> None:
    """A photo as dull as a camera may leave it."""
    window.ask(
        "(Gimp.Selection.none(image), "
        "image.get_layers()[0].levels(Gimp.HistogramChannel.VALUE, 0, 1, True, 0.9, 0.06, 0.5, True), "
        "image.get_layers()[0].hue_saturation(Gimp.HueRange.ALL, 0, 0, -30, 0), Gimp.displays_flush(), None)[-1]"
    )
    window.xdotool("mousemove", "0", "0")
    window.menu("Retouch")
    window.activate("Retouch")
    window.next_note("judged", 0)
    window.calm()
    window.screenshot("retouch", "Retouch")
    window.keys("Escape")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__))
    parser.add_argument("folder", type=Path, help="where the pictures go")
    os.environ["GIMP_SALIENCY_SCREENSHOTS"] = str(parser.parse_args().folder.absolute())
    with contextmanager(session)("3.2") as gimp, tempfile.TemporaryDirectory() as folder:
        photo = Path(gimp.env["GIMP3_DIRECTORY"]).with_name("coffee.png")  # GIMP may not see the cache
        shutil.copyfile(places.cache_folder() / "samples" / photo.name, photo)
        scene = {"file": str(photo), "ellipse": (165, 4, 252, 260), "feather": 0}  # loosely around the cup
        with opened(gimp, Path(folder), scene) as window:
            take(window)
        with opened(gimp, Path(folder), scene) as window:
            take_retouch(window)
        rocket = photo.with_name("rocket.jpg")
        shutil.copyfile(places.cache_folder() / "samples" / rocket.name, rocket)
        with opened(gimp, Path(folder), {"file": str(rocket), "ellipse": (0, 0, 9, 9), "feather": 0}) as window:
            take_harmony(window, photo)


if __name__ == "__main__":
    main()
