# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered pictures as shots: who belongs together, which mask counts, and numbers that are asked for once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gimp_saliency.shared.edits import NAMES
from model_server.batch import masks, shots
from model_server.batch.jobs import Source, find_jobs
from tests.model_server.batch import test_batch_host
from tests.model_server.batch.test_batch_host import results, run

fake_gimp = test_batch_host.fake_gimp


def add(folder: Path, *names: str, mask: int | None = None) -> None:
    """Pictures, and unless it is None masks that are white or black everywhere."""
    for name in names:
        (folder / "in" / name).write_text(name)
        if mask is not None:
            add_mask(folder, Path(name).stem, mask)


def add_mask(folder: Path, name: str, value: int = 255) -> None:
    Image.new("L", (8, 8), value).save(folder / "masks" / f"{name}.png")


def said(folder: Path, name: str) -> list[str]:
    """Of a result: where each region's numbers are from, then its masks."""
    found = re.search(r"\[.*\]", (folder / "out" / name).read_text())
    assert found
    return json.loads(found[0])


def test_pictures_are_grouped_by_name_and_put_in_order_by_number() -> None:
    names = ("b2.png", "a_10.jpg", "a_9.jpg", "a_09.png", "b1.png", "title.jpg", "3.png", "x2y.png", "a_011.JPG")
    assert shots.group_frames(names) == {
        ("b", "png"): ["b1.png", "b2.png"],
        ("a_", "jpg"): ["a_9.jpg", "a_10.jpg", "a_011.JPG"],
        ("a_", "png"): ["a_09.png"],
        ("", "png"): ["3.png"],
    }


def test_masks_of_frames(tmp_path: Path) -> None:
    for name in ("shot", "shot_2", "shot_4"):
        (tmp_path / f"{name}.png").touch()
    folder = masks.MaskFolder(tmp_path)

    def found(title: str, *names: str) -> list[dict[int, Path]]:
        shot = shots.Shot((title, "png"), tmp_path, names, folder, tmp_path / "kept.edits.json")
        return [shot.find_masks(place) for place in range(len(names))]

    frames = found("shot_", *(f"shot_{number}.png" for number in range(1, 6)))
    assert [frame[0].name for frame in frames] == [f"shot{end}.png" for end in ("", "_2", "_2", "_4", "_4")]
    assert found("other_", "shot_1.png") == [{}]


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "P", "RGB", "RGBA", "LA"])
def test_black_masks(tmp_path: Path, mode: str) -> None:
    values = np.zeros((6, 8), np.uint16 if mode == "I;16" else np.uint8)
    for name, expected in (("black", True), ("white", False)):
        picture = Image.fromarray(values) if mode == "I;16" else Image.fromarray(values).convert(mode)
        picture.save(tmp_path / f"{name}.png")
        assert masks.is_black(tmp_path / f"{name}.png") == expected, name
        values[2:4, 3] = 255
    unseen = Image.new("RGBA", (8, 6), (255, 255, 255, 0))
    unseen.save(tmp_path / "unseen.png")
    assert masks.is_black(tmp_path / "unseen.png")
    (tmp_path / "text.png").write_text("This is no mask.")
    assert not masks.is_black(tmp_path / "text.png")


def test_animations_are_known(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "one.gif")
    frames[0].save(tmp_path / "still.png")
    (tmp_path / "bad.gif").write_text("This is no picture.")
    names = ("two.gif", "one.gif", "still.png", "bad.gif")
    assert [shots.is_animation(tmp_path, name) for name in names] == [True, False, False, False]
    place = tmp_path / "masks"
    place.mkdir()
    jobs = find_jobs(tmp_path, Source(masks.MaskFolder(place), frames=True), tmp_path / "out", None)
    assert {job.output.name for job in jobs} == {"bad.png", "one.png", "still.png", "two.gif"}
    assert [job.picture.name for job in jobs if job.moving] == ["two.gif"]
    assert not any(job.moving for job in find_jobs(tmp_path, Source(masks.MaskFolder(place)), tmp_path / "out", None))


def test_a_shot_is_asked_for_once(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "slow1.jpg", mask=0)
    add(fake_gimp, *(f"slow{number}.jpg" for number in range(2, 8)))
    add_mask(fake_gimp, "slow3")
    add_mask(fake_gimp, "slow6", 0)
    add(fake_gimp, "other01.png", "single.png", mask=255)
    assert run(fake_gimp, "--frames", "--jobs", "2") == 0
    assert "9 pictures edited, 0 failed." in capsys.readouterr().out
    for number in (1, 2, 6, 7):
        assert said(fake_gimp, f"slow{number}.jpg") == []
    for number in (3, 4, 5):
        assert said(fake_gimp, f"slow{number}.jpg") == ["slow3.jpg 0", "slow3.png"]
    assert said(fake_gimp, "other01.png") == ["other01.png 0", "other01.png"]
    assert said(fake_gimp, "single.png") == ["single.png"]
    kept = {"other#.png.edits.json", "slow#.jpg.edits.json"}
    assert {name for name in results(fake_gimp) if name.endswith(".json")} == kept
    assert not [name for name in results(fake_gimp) if name.startswith(".")]


def test_resume_takes_the_numbers_that_were_kept(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "a1.jpg", "a2.jpg", "a3.jpg", mask=255)
    assert run(fake_gimp, "--frames") == 0
    (fake_gimp / "out" / "a2.jpg").unlink()
    add_mask(fake_gimp, "a1", 0)  # asked now, it would be the second frame
    assert run(fake_gimp, "--frames", "--resume") == 0
    assert said(fake_gimp, "a2.jpg") == ["a1.jpg 0", "a2.png"]
    capsys.readouterr()
    (fake_gimp / "out" / "a2.jpg").unlink()
    assert run(fake_gimp, "--frames", "--resume", "--strength", "50") == 1
    begun = (
        "a2.jpg: Its shot was begun with direction attenuate, order best-realism, strength 100.0, boldness natural, "
        "edge automatic, background off, background-strength 100.0, style plain: take these again, or run without "
        "--resume.\n"
    )
    assert begun in capsys.readouterr().err
    for other in (["--background"], ["--boldness", "bold"], ["--edge", "soft"]):
        assert run(fake_gimp, "--frames", "--resume", *other) == 1
        assert begun in capsys.readouterr().err
    add_mask(fake_gimp, "a2__1")
    assert run(fake_gimp, "--frames", "--resume") == 1
    assert "a2.jpg: a#.jpg.edits.json lacks numbers of a mask: run again without --resume." in capsys.readouterr().err
    kept = fake_gimp / "out" / "a#.jpg.edits.json"
    odd = json.loads(kept.read_text())
    odd["regions"]["0"]["background"] = [1]
    for damaged in (
        json.dumps(odd),
        "",
        "[]",
        "{}",
        '{"regions": {"0": {"edits": [{"name": "x"}]}}}',
        '{"regions": {"a": 1}}',
    ):
        kept.write_text(damaged)
        assert run(fake_gimp, "--frames", "--resume") == 1
        assert "are damaged: run again without --resume." in capsys.readouterr().err
    assert run(fake_gimp, "--frames") == 0
    assert said(fake_gimp, "a1.jpg") == []
    assert said(fake_gimp, "a3.jpg") == ["a2.jpg 0", "a3.png"]
    assert said(fake_gimp, "a2.jpg") == ["a2.jpg 0", "a2.jpg 1", "a2.png", "a2__1.png"]


def test_resume_compares_the_kinds_of_edit(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those who kept no kinds, as earlier versions did, used all."""
    add(fake_gimp, "a1.jpg", "a2.jpg", mask=255)
    kept, again = fake_gimp / "out" / "a#.jpg.edits.json", ("--frames", "--resume")

    def remains(*options: str) -> str:
        (fake_gimp / "out" / "a2.jpg").unlink()
        assert run(fake_gimp, *again, *options) == 1
        return capsys.readouterr().err

    assert run(fake_gimp, "--frames") == 0
    assert "kinds" not in json.loads(kept.read_text())
    usual = "direction attenuate, order best-realism, strength 100.0, boldness natural, edge automatic, background off"
    usual += ", background-strength 100.0"
    then = "take these again, or run without --resume.\n"
    said = remains("--edits", "tone,exposure")
    assert f"a2.jpg: Its shot was begun with {usual}, style plain, edits all: {then}" in said
    assert run(fake_gimp, *again) == 0
    assert run(fake_gimp, "--frames", "--edits", "tone,exposure") == 0
    assert json.loads(kept.read_text())["kinds"] == ["exposure", "tone"]
    named = ",".join(name for name in NAMES if name in ("exposure", "tone"))
    assert f"a2.jpg: Its shot was begun with {usual}, style plain, edits {named}: {then}" in remains()
    assert run(fake_gimp, *again, "--edits", "exposure,tone") == 0
    odd = {**json.loads(kept.read_text()), "kinds": ["exposure", "vibrato"]}
    kept.write_text(json.dumps(odd))
    assert "are damaged: run again without --resume." in remains()


def test_a_shot_that_an_earlier_version_began(fake_gimp: Path) -> None:
    add(fake_gimp, "a1.jpg", "a2.jpg", mask=255)
    (fake_gimp / "out").mkdir()
    answer = {"edits": [{"name": "exposure", "ev": -0.5}], "model": "earlier 0", "frame": "a1.jpg"}
    settings = {"direction": "attenuate", "order": "best-realism", "strength": 100.0, "background": False}
    content = {"shot": "a#.jpg", **settings, "background_strength": 100.0, "style": "", "regions": {"0": answer}}
    (fake_gimp / "out" / "a#.jpg.edits.json").write_text(json.dumps(content, indent=1) + "\n")
    assert run(fake_gimp, "--frames", "--resume") == 0
    assert said(fake_gimp, "a2.jpg") == ["earlier 0", "a2.png"]
    assert run(fake_gimp, "--frames", "--resume", "--strength", "100") == 0


def test_bad_frames_are_named_and_the_others_go_on(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "bad1.jpg", "bad2.jpg", "x1.jpg", "dark1.jpg", "dark2.jpg", "lonely1.jpg")
    for name, value in (("bad", 255), ("x", 255), ("dark", 0)):
        add_mask(fake_gimp, name, value)
    assert run(fake_gimp, "--frames") == 1
    told = capsys.readouterr()
    assert "bad1.jpg: Do something else.\n" in told.err and "bad2.jpg: Do something else.\n" in told.err
    assert told.err.count("The masks of its shot are black everywhere: paint the region white in one.") == 2
    sentence = "lonely1.jpg: Its shot has no mask: put lonely1.png, or one for all, into the folder of masks."
    assert sentence in told.err
    assert "1 pictures edited, 5 failed." in told.out
    assert results(fake_gimp) == ["x#.jpg.edits.json", "x1.jpg"]


def test_a_shot_whose_first_frames_fail(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "s1.jpg", "s2.jpg", "s3.jpg", mask=255)
    for number, fault in ((1, "bad"), (2, "crash")):
        (fake_gimp / "in" / f"s{number}.jpg").write_text(fault)
    assert run(fake_gimp, "--frames", "--jobs", "2") == 1
    told = capsys.readouterr().err
    assert "s1.jpg: Do something else.\n" in told and "s2.jpg: GIMP crashed on it: try to open it in GIMP.\n" in told
    assert said(fake_gimp, "s3.jpg") == ["s3.jpg 0", "s3.png"]
