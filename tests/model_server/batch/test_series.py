# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs that belong together: by their camera and time, or by their numbers; one of them is asked for all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from gimp_saliency.shared import styles
from gimp_saliency.shared.request import EditRequest
from model_server.batch import series
from model_server.batch.answer import Answer
from model_server.batch.failures import JobError
from model_server.batch.jobs import Source, find_jobs
from model_server.batch.masks import MaskFolder
from tests.model_server.batch import test_batch_host
from tests.model_server.batch.test_batch_host import results, retouch

fake_gimp = test_batch_host.fake_gimp


def shoot(folder: Path, name: str, time: str = "", model: str = "A 1", changed: str = "") -> None:
    """A photograph that was taken, or written anew, at a time of one day."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = model
    if time:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"2024:05:17 {time}"
    if changed:
        exif[ExifTags.Base.DateTime] = f"2024:05:17 {changed}"
    Image.new("RGB", (8, 8)).save(folder / name, exif=exif)


def shoot_all(folder: Path, *names: str) -> None:
    """A minute after each other."""
    for minute, name in enumerate(names):
        shoot(folder, name, f"10:{minute:02}:00")


def group(folder: Path) -> list[list[str]]:
    return series.group_by_time(folder, sorted(path.name for path in folder.iterdir()))


def said(folder: Path, name: str) -> list[str]:
    """Of a result: where its numbers are from."""
    found = re.search(rb"(\[[^\[\]]*\])\d+$", (folder / "out" / name).read_bytes())
    assert found
    return json.loads(found[1])


# Who belongs together


def test_a_pause_of_minutes_begins_another_series(tmp_path: Path) -> None:
    """However long the whole takes."""
    times = {"a": "10:00:00", "b": "10:05:00", "c": "10:09:59", "d": "10:15:00", "e": "10:17:30", "f": "10:30:00"}
    for name, time in times.items():
        shoot(tmp_path, f"{name}.jpg", time)
    assert group(tmp_path) == [["a.jpg", "b.jpg", "c.jpg"], ["d.jpg", "e.jpg"]]


def test_a_series_is_in_the_order_in_which_it_was_taken(tmp_path: Path) -> None:
    shoot_all(tmp_path, "c.jpg", "a.png", "b.webp")
    assert group(tmp_path) == [["c.jpg", "a.png", "b.webp"]]


def test_cameras_are_kept_apart(tmp_path: Path) -> None:
    for number, model in enumerate(("A 1", "B 2", "A 1", "B 2", "C 3")):
        shoot(tmp_path, f"{number}.jpg", f"10:0{number}:00", model)
    assert group(tmp_path) == [["0.jpg", "2.jpg"], ["1.jpg", "3.jpg"]]


def test_the_time_of_writing_stands_in_for_that_of_taking(tmp_path: Path) -> None:
    shoot(tmp_path, "a.jpg", "10:00:00", changed="20:00:00")
    shoot(tmp_path, "b.jpg", changed="10:01:00")
    assert group(tmp_path) == [["a.jpg", "b.jpg"]]


def test_what_does_not_say_its_time_belongs_to_none(tmp_path: Path) -> None:
    shoot_all(tmp_path, "a.jpg", "b.jpg", "damaged.jpg")
    for name, time in (("none", ""), ("zeros", "00:00:60"), ("words", "at noon")):
        shoot(tmp_path, f"{name}.jpg", time)
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    (tmp_path / "text.jpg").write_text("This is no picture.")
    content = (tmp_path / "damaged.jpg").read_bytes()
    (tmp_path / "damaged.jpg").write_bytes(content.replace(b"2024:05:17", b"2024:99:17"))
    assert group(tmp_path) == [["a.jpg", "b.jpg"]]
    assert series.group_by_time(tmp_path, ["a.jpg", "b.jpg", "gone.jpg"]) == [["a.jpg", "b.jpg"]]


def test_of_a_time_with_padding_the_rest_counts(tmp_path: Path) -> None:
    shoot(tmp_path, "a.jpg", "10:00:00\0 ")
    shoot(tmp_path, "b.jpg", "10:00:00")
    assert group(tmp_path) == [["a.jpg", "b.jpg"]]


# Jobs of whole pictures


def test_without_masks_and_layers_all_of_a_picture_is_meant(tmp_path: Path) -> None:
    shoot_all(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "masks").mkdir()

    def find(source: Source) -> set[tuple[bool, int]]:
        return {(job.is_whole, len(job.masks)) for job in find_jobs(tmp_path, source, tmp_path / "out", None)}

    assert find(Source()) == find(Source(series=True)) == find(Source(frames=True)) == {(True, 0)}
    assert find(Source(layer="Tree")) == {(True, 0)}
    assert find(Source(MaskFolder(tmp_path / "masks"))) == {(False, 0)}


def test_series_come_after_all_others(tmp_path: Path) -> None:
    shoot_all(tmp_path, "d.jpg", "b.jpg")
    for name in ("a.png", "c.jpg", "e.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    jobs = find_jobs(tmp_path, Source(series=True), tmp_path / "out", None)
    found = list(jobs)
    assert [job.picture.name for job in found] == ["a.png", "c.jpg", "e.jpg", "d.jpg", "b.jpg"] and len(jobs) == 5
    assert [job.shot is not None for job in found] == [False] * 3 + [True] * 2 and found[3].shot is found[4].shot
    (tmp_path / "out").mkdir()
    for name in ("a.png", "d.jpg"):
        (tmp_path / "out" / name).touch()
    left = jobs.without_finished()
    assert [job.picture.name for job in left] == ["c.jpg", "e.jpg", "b.jpg"] and len(left) == 3


# What is asked, and when


def test_a_series_is_asked_for_once(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In its middle; who is in none is asked for by itself."""
    shoot_all(fake_gimp / "in", *(f"{name}.jpg" for name in "abcde"))
    shoot(fake_gimp / "in", "later.jpg", "12:00:00")
    (fake_gimp / "in" / "plain.jpg").write_text("plain")
    assert retouch(fake_gimp, "--series", "--jobs", "2") == 0
    assert "7 pictures edited, 0 failed." in capsys.readouterr().out
    assert [said(fake_gimp, f"{name}.jpg") for name in "abcde"] == [["c.jpg 0"]] * 5
    assert said(fake_gimp, "later.jpg") == said(fake_gimp, "plain.jpg") == []
    kept = json.loads((fake_gimp / "out" / "a.jpg#series.edits.json").read_text())
    answer = {"edits": [{"name": "exposure", "ev": -0.5}], "model": "c.jpg 0", "frame": "c.jpg"}
    assert kept["series"] == "a.jpg#series" and kept["tool"] == "retouch" and kept["regions"] == {"0": answer}
    assert [name for name in results(fake_gimp) if not name.endswith(".jpg")] == ["a.jpg#series.edits.json"]


def test_without_the_option_each_is_asked_for(fake_gimp: Path) -> None:
    shoot_all(fake_gimp / "in", "a.jpg", "b.jpg")
    assert retouch(fake_gimp) == 0
    assert said(fake_gimp, "a.jpg") == said(fake_gimp, "b.jpg") == [] and results(fake_gimp) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (("a.jpg", "bad1.jpg", "c.jpg"), "c.jpg"),
        (("a.jpg", "b.jpg", "bad1.jpg", "bad2.jpg"), "b.jpg"),
        (("a.jpg", "bad1.jpg", "bad2.jpg", "bad3.jpg"), "a.jpg"),
    ],
)
def test_where_the_middle_fails_another_one_is_asked_for(
    fake_gimp: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...], asked: str
) -> None:
    """First the later ones, then the nearest before."""
    shoot_all(fake_gimp / "in", *names)
    assert retouch(fake_gimp, "--series") == 1
    failed = [name for name in names if name.startswith("bad")]
    lines = capsys.readouterr().err.splitlines()
    said_so = sorted(line for line in lines if "Do something" in line)  # results come as they are done
    assert said_so == [f"{name}: Do something else." for name in failed]
    assert all(said(fake_gimp, name) == [f"{asked} 0"] for name in names if name not in failed)


def test_where_all_fail_each_says_why(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shoot_all(fake_gimp / "in", "bad1.jpg", "crash.jpg", "bad2.jpg")
    assert retouch(fake_gimp, "--series") == 1
    told = capsys.readouterr()
    assert "0 pictures edited, 3 failed." in told.out
    assert told.err.count("GIMP crashed on it: try to open it in GIMP.") == 3, "as the one that was to be asked for"
    assert results(fake_gimp) == []


def test_what_failed_for_all_is_not_asked_for_again(tmp_path: Path) -> None:
    """A GIMP that crashes takes seconds to start anew, for each picture of each picture."""
    asked: list[str] = []

    def fail(picture: Path, _masks: object, _known: object) -> Sequence[Answer]:
        asked.append(picture.name)
        raise JobError(f"{picture.name} is damaged.")

    kept = series.Series(tmp_path, ["a.jpg", "b.jpg", "c.jpg"], tmp_path / "a.edits.json")
    for _picture in range(3):
        with pytest.raises(JobError, match=r"b\.jpg is damaged"):
            kept.fetch_answers(EditRequest("retouch", tool="retouch"), False, fail, Path.write_text)
    assert asked == ["b.jpg", "c.jpg", "a.jpg"] and not kept.kept.exists()


def test_resume_takes_the_numbers_that_were_kept(fake_gimp: Path) -> None:
    shoot_all(fake_gimp / "in", "a.jpg", "b.jpg", "c.jpg")
    assert retouch(fake_gimp, "--series") == 0
    (fake_gimp / "out" / "c.jpg").unlink()
    kept = fake_gimp / "out" / "a.jpg#series.edits.json"
    kept.write_text(kept.read_text().replace("b.jpg 0", "earlier 0"))
    assert retouch(fake_gimp, "--series", "--resume") == 0
    assert said(fake_gimp, "c.jpg") == ["earlier 0"] and said(fake_gimp, "a.jpg") == ["b.jpg 0"]
    assert retouch(fake_gimp, "--series") == 0
    assert said(fake_gimp, "c.jpg") == ["b.jpg 0"]


def test_what_was_begun_otherwise_does_not_go_on(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    styles.RETOUCHES.save("Mine", [0.5] * 10)
    shoot_all(fake_gimp / "in", "a.jpg", "b.jpg")

    def remains(*options: str) -> str:
        (fake_gimp / "out" / "a.jpg").unlink(missing_ok=True)
        assert retouch(fake_gimp, "--series", "--resume", *options) == 1
        return capsys.readouterr().err

    then = ": take these again, or run without --resume.\n"
    assert retouch(fake_gimp, "--series") == 0
    for options in (("--strength", "50"), ("--style", "film"), ("--style", "Mine")):
        assert f"a.jpg: Its series was begun with strength 100.0, style neutral{then}" in remains(*options)
    assert f"strength 100.0, style neutral, edits all{then}" in remains("--edits", "tone")
    assert retouch(fake_gimp, "--series", "--style", "film") == 0
    assert f"strength 100.0, style film{then}" in remains()
    assert retouch(fake_gimp, "--series", "--style", "Mine", "--edits", "tone,exposure") == 0
    assert f"strength 100.0, style Mine, edits tone,exposure{then}" in remains("--style", "Mine")


@pytest.mark.parametrize(
    "change",
    [
        "",
        "[]",
        {"regions": None},
        {"regions": {"0": {"edits": [{"name": "vibrato"}]}}},
        {"regions": {"a": {"edits": []}}},
        {"look": "sepia"},
        {"people": None, "look_strength": "much"},
    ],
)
def test_damaged_numbers_are_a_sentence(
    fake_gimp: Path, capsys: pytest.CaptureFixture[str], change: str | dict[str, object]
) -> None:
    shoot_all(fake_gimp / "in", "a.jpg", "b.jpg")
    assert retouch(fake_gimp, "--series") == 0
    (fake_gimp / "out" / "a.jpg").unlink()
    kept = fake_gimp / "out" / "a.jpg#series.edits.json"
    kept.write_text(change if isinstance(change, str) else json.dumps({**json.loads(kept.read_text()), **change}))
    capsys.readouterr()
    assert retouch(fake_gimp, "--series", "--resume") == 1
    assert re.search(
        r"a\.jpg: .*a\.jpg#series\.edits\.json .*: run again without --resume\.\n", capsys.readouterr().err
    )


def test_kept_numbers_of_another_region_are_none(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else each picture would be asked for by itself, and none would match."""
    shoot_all(fake_gimp / "in", "a.jpg", "b.jpg")
    assert retouch(fake_gimp, "--series") == 0
    (fake_gimp / "out" / "a.jpg").unlink()
    kept = fake_gimp / "out" / "a.jpg#series.edits.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "regions": {}}))
    assert retouch(fake_gimp, "--series", "--resume") == 1
    assert "run again without --resume." in capsys.readouterr().err


def test_series_with_like_names_keep_their_own_numbers(fake_gimp: Path) -> None:
    """As two cameras give them, whose pictures differ in their endings alone."""
    for minute, name in enumerate("ab"):
        shoot(fake_gimp / "in", f"{name}.jpg", f"10:{minute:02}:00", "A 1")
        shoot(fake_gimp / "in", f"{name}.png", f"10:{minute:02}:00", "B 2")
    assert retouch(fake_gimp, "--series") == 0
    for name in ("a.jpg", "a.png"):
        (fake_gimp / "out" / name).unlink()
    assert retouch(fake_gimp, "--series", "--resume") == 0
    assert said(fake_gimp, "a.jpg") == ["b.jpg 0"] and said(fake_gimp, "a.png") == ["b.png 0"]


# Numbered pictures


def test_numbered_pictures_are_a_series_of_frames(fake_gimp: Path) -> None:
    """Whenever they were taken, if at all; what has no number goes by itself."""
    for name in ("a_1.jpg", "a_2.jpg", "a_10.jpg", "b1.png", "plain.jpg"):
        (fake_gimp / "in" / name).write_text(name)
    assert retouch(fake_gimp, "--frames") == 0
    assert [said(fake_gimp, f"a_{number}.jpg") for number in (1, 2, 10)] == [["a_2.jpg 0"]] * 3
    assert said(fake_gimp, "b1.png") == ["b1.png 0"] and said(fake_gimp, "plain.jpg") == []
    kept = [name for name in results(fake_gimp) if name.endswith(".json")]
    assert kept == ["a_#.jpg.edits.json", "b#.png.edits.json"]


def test_frames_with_masks_are_a_shot(fake_gimp: Path) -> None:
    """One that was begun without masks is another one."""
    for name in ("a1.jpg", "a2.jpg"):
        (fake_gimp / "in" / name).write_text(name)
        Image.new("L", (8, 8), 255).save(fake_gimp / "masks" / f"{Path(name).stem}.png")
    assert retouch(fake_gimp, "--frames", "--masks", str(fake_gimp / "masks")) == 0
    assert said(fake_gimp, "a2.jpg") == ["a1.jpg 0", "a2.png"]
    assert "shot" in json.loads((fake_gimp / "out" / "a#.jpg.edits.json").read_text())
