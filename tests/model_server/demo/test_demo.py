# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's own parts: regions, masks, samples, contact sheet.  The way through GIMP is the folder job's."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model_server.demo import run, samples
from model_server.demo.contact_sheet import Entry, draw_sheet

SQUARE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]


def test_every_photograph_has_a_region_for_each_direction() -> None:
    regions = run.load_regions()
    shown = {(region.stem, region.direction) for region in regions}
    stems = {"astronaut", "chelsea", "coffee", "rocket"}
    assert shown == {(stem, direction) for stem in stems for direction in ("attenuate", "emphasize")}
    for region in regions:
        points = [point for polygon in region.polygons for point in polygon]
        assert all(0 <= value <= 1 for point in points for value in point)
        covered = np.asarray(run.draw_mask(region.polygons, (300, 200))).mean() / 255
        assert 0.003 < covered < 0.3, region


def test_the_mask_is_white_inside_black_outside_and_soft_between() -> None:
    values = np.asarray(run.draw_mask([SQUARE], (400, 200)))
    assert values.shape == (200, 400)
    assert (values[100, 200], values[10, 10], values[100, 20]) == (255, 0, 0)
    edge = values[100, 90:111].astype(int)
    assert (np.diff(edge) >= 0).all()
    assert ((edge > 20) & (edge < 235)).sum() >= 2
    assert abs(values.mean() / 255 - 0.25) < 0.01


def test_the_contact_sheet_shows_all() -> None:
    red, blue = Image.new("RGB", (60, 40), (200, 0, 0)), Image.new("RGBA", (60, 40), (0, 0, 200, 255))
    entries = [Entry(red, blue, [SQUARE], "attenuate", "a", "Exposure −0.61 EV, " * 30) for _ in range(3)]
    sheet = np.asarray(draw_sheet(entries, "heading"))
    for colour in (200, 0, 0), (0, 0, 200):
        columns = (sheet == colour).all(axis=2).any(axis=0)
        rows = (sheet == colour).all(axis=2).any(axis=1)
        assert np.count_nonzero(np.diff(columns.astype(int)) == 1) >= 2  # in both columns of entries
        assert np.count_nonzero(np.diff(rows.astype(int)) == 1) == 2  # in two rows


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """pip brings a wheel with one photograph; the list takes its command lines."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "scikit_image-1-py3-none-any.whl", "w") as archive:
            archive.writestr("skimage/data/coffee.png", b"coffee")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "ca che"))
    monkeypatch.setattr(samples.subprocess, "run", run)
    return commands


def test_samples_are_fetched_once(wheel: list[list[str]]) -> None:
    for _ in range(2):
        assert samples.fetch(["coffee.png"])["coffee.png"].read_bytes() == b"coffee"
    assert len(wheel) == 1
    assert "--no-deps" in wheel[0]


def test_a_wheel_without_the_photograph(wheel: list[list[str]]) -> None:
    with pytest.raises(samples.SamplesError, match=r"has no other\.png"):
        samples.fetch(["other.png"])


def test_pip_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    failed = subprocess.CompletedProcess([], 1, "", "retrying\nERROR: no route\n")
    monkeypatch.setattr(samples.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(samples.SamplesError, match=r"ERROR: no route.*check the network"):
        samples.fetch(["coffee.png"])
