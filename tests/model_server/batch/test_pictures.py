# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are pictures, which are masks, and what results must not replace."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from model_server.batch.failures import BatchError, JobError
from model_server.batch.jobs import Job, Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.pictures import split_masks
from model_server.batch.runner import check_job


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder.mkdir(exist_ok=True)
    return folder


def find(pictures: Path, masks: Path | None, output: Path, recursive: bool = False) -> dict[str, tuple[list[str], str]]:
    """Of each picture its masks' and its result's names."""
    beside = masks == pictures
    source = Source(MaskFolder(masks, recursive, beside) if masks else None, recursive=recursive)
    return {
        job.name: ([str(mask.relative_to(masks)) for mask in job.masks], str(job.output.relative_to(output)))  # type: ignore
        for job in find_jobs(pictures, source, output, None)
    }


def test_masks_beside_their_pictures(tmp_path: Path) -> None:
    names = (
        "a.jpg",
        "a.png",
        "b.jpg",
        "b__1.png",
        "b__2.png",
        "c.tif",
        "c_mask.png",
        "d.jpg",
        "d.jpg.png",
        "x__1.png",
        "y.png",
    )
    folder = touch(tmp_path / "in", *names)
    assert find(folder, folder, tmp_path / "out") == {
        "a.jpg": (["a.png"], "a.jpg"),
        "b.jpg": (["b__1.png", "b__2.png"], "b.jpg"),
        "c.tif": (["c_mask.png"], "c.tif"),
        "d.jpg": (["d.jpg.png"], "d.jpg"),
        "x__1.png": ([], "x__1.png"),  # a photo's own name
        "y.png": ([], "y.png"),
    }
    other = touch(tmp_path / "other", "a.heic", "a.png", "b.psd", "b_mask.png")
    assert find(other, other, tmp_path / "out") == {"a.heic": (["a.png"], "a.png"), "b.psd": (["b_mask.png"], "b.png")}
    assert split_masks(["p.png", "q__1.png"]) == (["p.png", "q__1.png"], [])


def test_a_number_may_be_of_a_picture_s_own_name(tmp_path: Path) -> None:
    pictures, masks = touch(tmp_path / "in", "x.jpg", "x__1.jpg"), touch(tmp_path / "masks", "x__1.png", "x__2.png")
    found = find(pictures, masks, tmp_path / "out")
    assert found["x.jpg"][0] == ["x__2.png"] and found["x__1.jpg"][0] == ["x__1.png"]
    pictures, masks = touch(tmp_path / "in2", "x.jpg", "x__01.jpg"), touch(tmp_path / "masks2", "x__01.png")
    assert find(pictures, masks, tmp_path / "out")["x.jpg"][0] == []


def test_endings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = touch(tmp_path / "in", "a.jfif", "b.jpe", "c.JIF", "d.exr", "e.hdr", "f.heic", "g.txt", "h.dng", "i.CR3")
    jobs = find_jobs(folder, Source(), tmp_path / "out", None)
    assert {job.name: job.output.name for job in jobs} == {
        "a.jfif": "a.jpg", "b.jpe": "b.jpg", "c.JIF": "c.jpg", "d.exr": "d.exr", "e.hdr": "e.exr", "f.heic": "f.png",
    }  # fmt: skip
    (note,) = jobs.notes
    assert "holds 2 raw files, which were passed over: develop to TIFF or JPEG first" in note
    with pytest.raises(BatchError, match="holds a raw file, which was passed over"):
        find_jobs(touch(tmp_path / "raw", "a.NEF"), Source(), tmp_path / "out", None)


def test_sub_folders(tmp_path: Path) -> None:
    pictures = touch(tmp_path / "in", "top.jpg", "monday/a.jpg", "tuesday/a.jpg", "tuesday/late/a.jpg", ".git/a.jpg")
    masks = touch(tmp_path / "masks", "top.png", "monday/a.png", "tuesday/late/a__1.png")
    assert find(pictures, masks, tmp_path / "out", recursive=True) == {
        "monday/a.jpg": (["monday/a.png"], "monday/a.jpg"),
        "top.jpg": (["top.png"], "top.jpg"),
        "tuesday/a.jpg": ([], "tuesday/a.jpg"),
        "tuesday/late/a.jpg": (["tuesday/late/a__1.png"], "tuesday/late/a.jpg"),
    }
    jobs = find_jobs(pictures, Source(MaskFolder(masks)), tmp_path / "out", None)
    assert len(jobs) == 1 and "sub-folders of" in jobs.notes[0] and "--recursive takes them, too" in jobs.notes[0]
    assert not any(job.is_twin for job in find_jobs(pictures, Source(recursive=True), tmp_path / "out", None))
    with pytest.raises(BatchError, match="--recursive takes them, too"):
        find_jobs(touch(tmp_path / "only", "monday/a.jpg"), Source(), tmp_path / "out", None)


def test_masks_and_results_among_the_pictures(tmp_path: Path) -> None:
    """Their folders are none of the pictures'."""
    pictures = touch(tmp_path / "in", "a.jpg", "masks/a.png", "b/c.jpg")
    source = Source(MaskFolder(pictures / "masks", recursive=True), recursive=True)
    assert [job.name for job in find_jobs(pictures, source, tmp_path / "out", None)] == ["a.jpg", "b/c.jpg"]
    touch(pictures, "results/a.jpg")
    jobs = find_jobs(pictures, Source(MaskFolder(pictures / "masks")), pictures / "results", None)
    assert [job.name for job in jobs] == ["a.jpg"] and jobs.notes  # b is a sub-folder


@pytest.mark.parametrize(
    ("pictures", "masks", "output", "sentence"),
    [
        ("in", "masks", "in", "replace the pictures"),
        ("in", "masks", "masks", "replace the masks"),
        ("in", "masks", "link", "replace the masks"),
        ("in", "in", "in", "replace the pictures"),
        ("in", "masks", "in/sub", "lie among the pictures"),
        ("in", "masks", "masks/sub", "lie among the masks"),
        ("in/sub", "masks", "in", "replace"),
    ],
)
def test_results_never_replace_what_they_are_made_from(
    tmp_path: Path, pictures: str, masks: str, output: str, sentence: str
) -> None:
    touch(tmp_path / "in", "a.png", "sub/a.png", "sub/sub/a.png")
    touch(tmp_path / "masks", "a.png", "sub/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "masks")
    places = [tmp_path / each for each in (pictures, masks, output)]
    source = Source(MaskFolder(places[1], True, pictures == masks), recursive=True)
    with pytest.raises((BatchError, JobError), match=sentence):
        for job in find_jobs(places[0], source, places[2], None):
            check_job(job, job.list_steps())


def test_a_result_that_is_an_input_by_another_name(tmp_path: Path) -> None:
    pictures, output = touch(tmp_path / "in", "a.png"), touch(tmp_path / "out")
    os.link(pictures / "a.png", output / "a.png")
    job = Job(pictures / "a.png", (), output / "a.png", is_whole=True)
    with pytest.raises(JobError, match="Its result would replace"):
        check_job(job, job.list_steps())
    (output / "a.png").unlink()
    (output / "a.png").symlink_to(pictures / "a.png")
    check_job(job, job.list_steps())  # the link is replaced, and the picture stays


def test_names_are_equal_however_they_are_spelled(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "Müller é") for form in ("NFC", "NFD"))
    pictures = touch(tmp_path / "in", f"{composed} 1.jpg", f"{apart} 2.jpg")
    masks = touch(tmp_path / "masks", f"{apart} 1.png", f"{composed} 2.png", f"{apart} 2__1.png")
    found = find(pictures, masks, tmp_path / "out")
    assert found[f"{composed} 1.jpg"][0] == [f"{apart} 1.png"]
    assert found[f"{apart} 2.jpg"][0] == [f"{composed} 2.png", f"{apart} 2__1.png"]
