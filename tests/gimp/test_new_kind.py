# SPDX-License-Identifier: GPL-3.0-or-later
"""A new kind of edit is one new file: then procedures, layers, dialogs, read-back and batch have it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import PROJECT, GimpForTests
from tests.gimp import gui, test_looks
from tests.gimp.batch_folder import Folder

FOLDER = "gimp_saliency/shared/edits"  # of the kinds, in the plug-in's folder
VIBRANCE = '''
"""Chroma in CIE LCh."""

from __future__ import annotations

from dataclasses import dataclass

from .base import TOLERANCE, Edit, Slider, check_number, format_signed


@dataclass(frozen=True)
class Vibrance(Edit):
    """`gegl:hue-chroma`.  Identity 0."""

    name = "vibrance"
    title = "Vibrance"
    mnemonic = "Vibrance"
    help = "Whether to change the vibrance"
    place = 55
    operation = "gegl:hue-chroma"
    sliders = (Slider("amount", "Amount of vibrance", -100, 100, 1),)
    has_colour = True

    amount: float

    def __post_init__(self):
        object.__setattr__(self, "amount", check_number("vibrance", self.amount, -100, 100))

    @classmethod
    def neutral(cls):
        return cls(0)

    def at_strength(self, t):
        return Vibrance(min(100.0, max(-100.0, self.amount * t)))

    def is_identity(self):
        return abs(self.amount) < TOLERANCE

    def label(self):
        return f"Vibrance {format_signed(self.amount, 0)}"

    def settings(self, side):
        return {"chroma": self.amount}

    @classmethod
    def from_settings(cls, values, changed):
        return cls(values["chroma"])
'''


@pytest.fixture(scope="module")
def vibrant(gimp: GimpForTests) -> Iterator[GimpForTests]:
    """The GIMP with the new kind in its copy of the plug-in, and nothing else."""
    with test_looks.profile(gimp) as own:
        folder = Path(own.env["GIMP3_DIRECTORY"])
        (folder / "plug-ins/saliency" / FOLDER / "vibrance.py").write_text(VIBRANCE)
        (folder / "pluginrc").unlink()  # what GIMP knows of the plug-in without it
        yield own
        own.console.close()


def test_it_is_made_read_back_and_adjusted(vibrant: GimpForTests) -> None:
    found: dict[str, Any] = vibrant.run(INSIDE.format(live=vibrant.is_32))
    assert found["argument"], "the procedures have no switch for it"
    assert found["labels"] == ["Vibrance +30", "Exposure +0.50 EV"]
    assert found["base"] == [{"name": "vibrance", "amount": 30.0}, {"name": "exposure", "ev": 0.5}]
    assert found["changed"] > 0.01, "the picture is as it was"
    assert found["without"] == ["Exposure +0.50 EV"], "its switch has no effect"
    assert found["half"] == ["Vibrance +15", "Exposure +0.25 EV"]
    if vibrant.is_32:
        assert found["operation"] == "gegl:hue-chroma"
        assert found["by hand"] == [{"name": "vibrance", "amount": 12.0}, {"name": "exposure", "ev": 0.5}]


INSIDE = """
import inside
from gi.repository import Gimp
from gimp_saliency.layers import adjust
from gimp_saliency.shared.edits import KINDS, Exposure, to_json

def labels(made):
    shown = made.request.scale_edits(made.base, False)
    return [edit.label() for edit in shown if not edit.is_identity()]

result = {{"argument": "vibrance" in str(inside.registered("plug-in-saliency-emphasize"))}}
inside.answer_with([KINDS["vibrance"](30.0), Exposure(0.5)])
image, layer = inside.picture()
inside.select(image)
before = inside.visible(image, "R'G'B' float")
layers = inside.edit(image, [layer], "emphasize")
after = inside.visible(image, "R'G'B' float")
import array
one, other = array.array("f", before), array.array("f", after)
result["changed"] = max(abs(a - b) for a, b in zip(one, other))
made = adjust.find_edit(image, layers[:1])
result["labels"], result["base"] = labels(made), to_json(made.base)
from dataclasses import replace
adjust.apply_values(image, made, made.base, replace(made.request, strength=50.0))
made = adjust.find_edit(image, [image.get_layers()[0]])
result["half"] = labels(made)
adjust.apply_values(image, made, made.base, replace(made.request, strength=100.0))
if {live}:
    group = next(each for each in layers if "Vibrance" in each.get_name())
    (live,) = group.get_filters()
    result["operation"] = live.get_operation_name()
    live.get_config().set_property("chroma", 12.0)
    live.update()
    result["by hand"] = to_json(adjust.find_edit(image, layers[:1]).base)
image, layer = inside.picture()
inside.select(image)
layers = inside.edit(image, [layer], "emphasize", kinds=frozenset({{"exposure"}}))
result["without"] = labels(adjust.find_edit(image, layers[:1]))
"""


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_it_is_in_the_dialog(vibrant: GimpForTests, tmp_path: Path) -> None:
    with gui.opened(vibrant, tmp_path) as window:
        test_looks.open_dialog(window)
        window.calm()
        before = window.sharp_picture()["picture"]
        for _step in range(60):
            window.keys("Tab", pause=0.1)
            if "Amount of vibrance" in [note["on"] for note in window.notes("focus")][-1]:
                break
        focus = [note["on"] for note in window.notes("focus")]
        assert "CheckButton Vibrance" in focus and "Amount of vibrance" in focus[-1], focus
        if not focus[-1].startswith("SpinButton"):
            window.keys("Tab", pause=0.1)
        window.keys("ctrl+a", "8", "0", "Return", pause=0.1)
        window.calm()
        assert window.sharp_picture()["picture"] != before, "the preview does not show it"
        window.screenshot("new-kind")
        window.keys("alt+o")
        gui.wait_for(lambda: "Vibrance +80" in str(window.ask("state(image)['layers']")), "the edit's layers")


def test_batch_takes_it(folder: Folder, tmp_path: Path) -> None:
    """By name, and in numbers that were kept for a shot."""
    tree = tmp_path / "tree"
    for name in ("model_server", "plugin"):
        skipped = shutil.ignore_patterns("__pycache__", "training", "runs")
        shutil.copytree(PROJECT / name, tree / name, ignore=skipped)
    (tree / "plugin/saliency" / FOLDER / "vibrance.py").write_text(VIBRANCE)
    before = folder.add("shot_1.png")
    kept = {"direction": "emphasize", "order": "best-realism", "strength": 100.0, "background": False}
    kept.update(background_strength=100.0, style="", kinds=["vibrance"])
    edits = [{"name": "vibrance", "amount": 60.0}]
    answers = {"0": {"edits": edits, "model": "test", "frame": "shot_1.png"}}
    (folder.place / "out").mkdir()
    content = {"shot": "shot_#.png", **kept, "regions": answers}
    (folder.place / "out" / "shot_#.png.edits.json").write_text(json.dumps(content))
    command = [sys.executable, "-m", "model_server", "batch", str(folder.place / "in"), str(folder.place / "out")]
    command += ["--masks", str(folder.place / "masks"), "--direction", "emphasize", "--frames", "--resume"]

    def run(names: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "GIMP_SALIENCY_GIMP": str(folder.gimp.gimp.location)}
        return subprocess.run(
            [*command, "--edits", names],
            cwd=tree,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
        )

    wrong = run("vibrance,vibrato")
    assert wrong.returncode == 1 and "vibrato" in wrong.stderr and "vibrance" in wrong.stderr
    done = run("vibrance")
    assert done.returncode == 0, done.stderr
    after = np.asarray(Image.open(folder.place / "out" / "shot_1.png"))
    changed = (after != before).any(-1)
    mask = np.asarray(Image.open(folder.place / "masks" / "shot_1.png")) > 0
    assert changed[mask].mean() > 0.5 and not changed[~mask].any()
