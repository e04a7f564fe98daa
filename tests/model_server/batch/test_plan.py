# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs by a table; and what a run would do, without a GIMP."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.__main__ import main
from model_server.batch.failures import BatchError
from model_server.batch.jobs import Request
from model_server.batch.masks import MaskFolder
from model_server.batch.plan import PlannedJobs, Wish


def ask(wish: Wish) -> Request:
    strength = 100.0 if wish.strength is None else wish.strength
    if wish.tool == "harmonize":
        return HarmonyRequest(strength)
    if wish.tool == "retouch":
        return EditRequest("retouch", strength, tool="retouch")
    return EditRequest(wish.direction or "attenuate", strength)


def plan(folder: Path, text: str, masks: bool = False, encoding: str = "utf-8") -> PlannedJobs:
    (folder / "plan.csv").write_text(text, encoding=encoding)
    regions = MaskFolder(folder / "masks") if masks else None
    return PlannedJobs(
        folder / "plan.csv", folder / "in", regions, folder / "masks" if masks else None, folder / "out", None, ask
    )


def describe(jobs: PlannedJobs) -> list[tuple[str, list[tuple[str, str, float]], str]]:
    return [
        (
            job.name,
            [
                (mask.name if mask else "", getattr(request, "direction", "harmonize"), request.strength)
                for mask, request in job.steps
            ],
            str(job.output.relative_to(jobs.output)),
        )
        for job in jobs
    ]


def test_several_directions_in_one_run(tmp_path: Path) -> None:
    """Rows of one picture are one job, its steps in their order."""
    text = """picture,mask,direction,strength,tool
a.jpg,sign.png,attenuate,80,
b/c.jpg,c.png,emphasize,,edit
a.jpg,person.png,emphasize,,
d.png,,,50 %,retouch
e.png,e.png,,,harmonize
"""
    assert describe(plan(tmp_path, text)) == [
        ("a.jpg", [("sign.png", "attenuate", 80.0), ("person.png", "emphasize", 100.0)], "a.jpg"),
        ("b/c.jpg", [("c.png", "emphasize", 100.0)], "b/c.jpg"),
        ("d.png", [("", "retouch", 50.0)], "d.png"),
        ("e.png", [("e.png", "harmonize", 100.0)], "e.png"),
    ]


def test_tables_as_spreadsheets_write_them(tmp_path: Path) -> None:
    for text in (
        "Picture;Direction;Strength\r\na b.jpg;emphasize;62,5\r\n;;\r\n",
        'picture\tstrength\tdirection\n"a b.jpg"\t62.5\temphasize\n',
    ):
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "masks" / "a b.png").touch()
        found = describe(plan(tmp_path, text, masks=True, encoding="utf-8-sig"))
        assert found == [("a b.jpg", [("a b.png", "emphasize", 62.5)], "a b.jpg")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "needs a column 'picture'"),
        ("file,mask\na.jpg,a.png\n", "has no column 'file'"),
        ("picture\n", "names no pictures"),
        ("picture,direction\na.jpg,up\n", "Line 2 of .*: The direction must be attenuate or emphasize, not 'up'"),
        ("picture,strength\na.jpg,\nb.jpg,200\n", "Line 3 of .*: The strength must be a number from 0 to 150"),
        ("picture,strength\na.jpg,much\n", "Line 2 of .*: The strength must be a number, not 'much'"),
        ("picture,tool\na.jpg,blur\n", "The tool must be one of edit, harmonize, retouch, not 'blur'"),
        ("picture,tool\n,retouch\n", "Line 2 of .*: There is no picture in it"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BatchError, match=sentence):
        plan(tmp_path, text)


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="save it as CSV in UTF-8"):
        plan(tmp_path, "picture\nMüller.jpg\n", encoding="latin-1")
    with pytest.raises(BatchError, match="cannot be read"):
        PlannedJobs(tmp_path / "nowhere.csv", tmp_path, None, None, tmp_path / "out", None, ask)


def test_results_of_a_table(tmp_path: Path) -> None:
    """Never in the place of an input, and two never in one."""
    for folder in ("in", "out", "masks"):
        (tmp_path / folder).mkdir()
    jobs = plan(tmp_path, "picture,mask\na.jpg,m.png\nb/a.jpg,m.png\n/elsewhere/a.jpg,m.png\n")
    assert [(job.output.name, job.is_twin) for job in jobs] == [("a.jpg", True), ("a.jpg", False), ("a.jpg", True)]
    (tmp_path / "out" / "b").mkdir()
    (tmp_path / "out" / "b" / "a.jpg").touch()
    left = jobs.without_finished()
    assert len(jobs) == 3 and [job.name for job in left] == ["a.jpg", "/elsewhere/a.jpg"] and len(left) == 2
    for picture, mask in ((f"{tmp_path}/out/x.jpg", "m.png"), ("a.jpg", f"{tmp_path}/out/m.png")):
        with pytest.raises(BatchError, match="would replace"):
            plan(tmp_path, f"picture,mask\n{picture},{mask}\n")


def test_results_of_a_table_never_replace_its_inputs(tmp_path: Path) -> None:
    for folder in ("in/x", "masks"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("in/a.jpg", "in/x/a.jpg", "masks/a.png"):
        (tmp_path / name).touch()
    (tmp_path / "plan.csv").write_text("picture\na.jpg\n")
    regions = MaskFolder(tmp_path / "masks")
    with pytest.raises(BatchError, match="would replace"):
        PlannedJobs(tmp_path / "plan.csv", tmp_path / "in", regions, None, tmp_path / "masks", None, ask)
    (tmp_path / "plan.csv").write_text("picture,mask\na.jpg,m.png\nx/a.jpg,m.png\n")
    with pytest.raises(BatchError, match=r"The result of x/a\.jpg would replace an input"):
        PlannedJobs(tmp_path / "plan.csv", tmp_path / "in" / "x", None, None, tmp_path / "in", None, ask)
    with pytest.raises(BatchError, match="A direction goes with the tool edit, not with retouch"):
        plan(tmp_path, "picture,direction,tool\na.jpg,attenuate,retouch\n")


def test_a_dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pages with all pictures and their regions, and what could not be done; nothing is edited, without a GIMP."""
    for folder in ("in", "masks"):
        (tmp_path / folder).mkdir()
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 10:30] = 255
    for number in range(33):
        Image.new("RGB", (60, 40), (0, 0, 200)).save(tmp_path / "in" / f"p{number:02}.png")
        if number:
            Image.fromarray(mask if number != 5 else mask * 0).save(tmp_path / "masks" / f"p{number:02}.png")
    Image.new("RGB", (60, 60)).save(tmp_path / "in" / "square.png")
    Image.fromarray(mask).save(tmp_path / "masks" / "square.png")
    (tmp_path / "in" / "odd.xcf").touch()
    Image.fromarray(mask).save(tmp_path / "masks" / "odd.png")
    places = [str(tmp_path / name) for name in ("in", "out")]
    options = ["--masks", str(tmp_path / "masks"), "--direction", "attenuate", "--dry-run"]
    assert main(["batch", *places, *options]) == 1
    said = capsys.readouterr()
    assert "p00.png: It has no mask" in said.err and "p05.png: The mask" in said.err and "another shape" in said.err
    assert re.search(r"35 pictures, 3 of which could not be edited; look at .*-001\.jpg to .*-002\.jpg", said.out)
    pages = sorted((tmp_path / "out").iterdir())
    assert [page.name for page in pages] == ["contact-sheet-001.jpg", "contact-sheet-002.jpg"]
    page = np.asarray(Image.open(pages[0]).convert("RGB")).astype(int)
    blue = (page[..., 0] < 60) & (page[..., 2] > 150)
    dark = page.max(-1) < 40
    regions, all_of_two, beside = 28 * 400, 2 * 2400, 28 * 2000  # px
    assert 0.9 < blue.sum() / (regions + all_of_two) < 1.1 and dark.sum() > 0.9 * beside
    assert main(["batch", *places, "--retouch", "--dry-run"]) == 0
    (tmp_path / "plan.csv").write_text("picture,mask\np01.png,nowhere.png\ngone.png,p01.png\n")
    capsys.readouterr()
    assert main(["batch", *places, "--plan", str(tmp_path / "plan.csv"), *options]) == 1
    said = capsys.readouterr().err
    assert "p01.png: There is no " in said and "gone.png: There is no " in said
