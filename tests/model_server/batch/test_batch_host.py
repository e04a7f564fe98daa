# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder job's host side, with a stand-in for GIMP that crashes, hangs and fails on request."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.shared import styles
from gimp_saliency.shared.edits import NAMES
from gimp_saliency.shared.harmony import HarmonyError, HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.__main__ import main
from model_server.batch import progress
from model_server.batch.jobs import Done, Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.runner import Runner
from model_server.gimp import start_command
from model_server.gimp.find import find_gimp
from tests.model_server.processes import FAKE_SERVER, ROOT, wait_for


@pytest.fixture
def fake_gimp(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty `in`, an empty `masks`, a stand-in for GIMP, and a stand-in for the model server."""
    for name in ("in", "masks"):
        (tmp_path / name).mkdir()
    program = tmp_path / "gimp-console"
    stand_in = Path(__file__).with_name("fake_gimp.py")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')  # either may hold a space
    program.chmod(0o755)
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(program))
    monkeypatch.setattr(start_command, "own_command", lambda: FAKE_SERVER)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # of the saved styles
    return tmp_path


def add(folder: Path, *names: str) -> None:
    for name in names:
        (folder / "in" / name).write_text(name)
        (folder / "masks" / f"{Path(name).stem}.png").touch()


def run(folder: Path, *options: str) -> int:
    places = [str(folder / "in"), str(folder / "out"), "--masks", str(folder / "masks")]
    return main(["batch", *places, "--direction", "attenuate", *options])


def results(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def test_masks_are_found_by_name(tmp_path: Path) -> None:
    names = ("a.JPG", "b.png", "c.webp", "d.tiff", "notes.txt", ".hidden.jpg", "x[1]*.png")
    masks = ("a.png", "b__10.png", "b__2.png", "c.png", "c__1.png", "x[1]*.png", "d.jpg", "other.png")
    for place, files in (("in", names), ("masks", masks)):
        (tmp_path / place).mkdir()
        for name in files:
            (tmp_path / place / name).touch()
    jobs = find_jobs(tmp_path / "in", Source(MaskFolder(tmp_path / "masks")), tmp_path / "out", None)
    assert [(job.picture.name, [mask.name for mask in job.masks], job.output.name) for job in jobs] == [
        ("a.JPG", ["a.png"], "a.jpg"),
        ("b.png", ["b__2.png", "b__10.png"], "b.png"),
        ("c.webp", ["c.png", "c__1.png"], "c.png"),
        ("d.tiff", ["d.jpg"], "d.tif"),
        ("x[1]*.png", ["x[1]*.png"], "x[1]*.png"),
    ]
    jobs = find_jobs(tmp_path / "in", Source(MaskFolder(tmp_path / "masks")), tmp_path / "out", "xcf")
    assert {job.output.suffix for job in jobs} == {".xcf"}


@pytest.mark.parametrize(
    ("pictures", "output", "sentence"),
    [
        ("nowhere", "out", r"cannot be read \(No such file or directory\); name a folder that you can open"),
        ("masks", "out", "There are no pictures in .*; name the folder that holds them"),
        ("in", "in", "would replace the pictures; choose another output folder"),
        ("in", "file", r"cannot be written to \(.+\); choose another folder"),
    ],
)
def test_folders_that_cannot_be(
    fake_gimp: Path, pictures: str, output: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (fake_gimp / "in" / "a.jpg").touch()
    (fake_gimp / "masks" / "a.png").touch()
    (fake_gimp / "masks" / "a.png").rename(fake_gimp / "masks" / "a.txt")
    (fake_gimp / "file").touch()
    options = ["--masks", str(fake_gimp / "masks"), "--direction", "attenuate"]
    assert main(["batch", str(fake_gimp / pictures), str(fake_gimp / output), *options]) == 1
    assert re.search(sentence, capsys.readouterr().err)


@pytest.mark.alone
def test_one_bad_picture_does_not_stop_the_others(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "e 'f\" \n\U0001f600.jpg"
    add(fake_gimp, "a.jpg", "bad.jpg", "crash.jpg", odd, "bad\n.jpg", "hang.jpg", "-n.jpg", "same.jpg", "same.png")
    (fake_gimp / "in" / "lonely.jpg").touch()
    assert run(fake_gimp, "--format", "png", "--time-limit", "1", "--jobs", "2") == 1
    said = capsys.readouterr()
    assert "bad.jpg: Do something else.\n" in said.err and "'bad\\n.jpg': Do something else.\n" in said.err
    assert "crash.jpg: GIMP crashed on it: try to open it in GIMP.\n" in said.err
    assert "hang.jpg: GIMP took longer than 1 s: raise --time-limit.\n" in said.err
    assert "lonely.jpg: It has no mask: put lonely.png into the folder of masks.\n" in said.err
    assert said.err.count("Another picture's result has the same name, same.png: rename one of them.") == 2
    assert "3 pictures edited, 7 failed." in said.out
    assert results(fake_gimp) == ["-n.png", "a.png", "e 'f\" \n\U0001f600.png"]


@pytest.mark.alone
def test_several_processes_share_the_work(fake_gimp: Path) -> None:
    add(fake_gimp, *(f"slow{i}.jpg" for i in range(8)))
    before = time.monotonic()
    assert run(fake_gimp, "--jobs", "4") == 0
    assert time.monotonic() - before < 8 * 0.4
    pids = {(fake_gimp / "out" / f"slow{i}.jpg").read_text().rpartition("]")[2] for i in range(8)}
    assert len(pids) == 4
    wait_for(lambda: not any(Path("/proc", pid).exists() for pid in pids))


def test_one_process_does_all_the_work(fake_gimp: Path) -> None:
    add(fake_gimp, *(f"p{i}.jpg" for i in range(20)))
    assert run(fake_gimp) == 0
    assert len({(fake_gimp / "out" / f"p{i}.jpg").read_text().rpartition("]")[2] for i in range(20)}) == 1


def told(folder: Path) -> dict[str, Any]:
    """The settings that GIMP was handed for told.jpg, those of the only step among them."""
    job = json.loads((folder / "out" / "told.jpg").read_text().removeprefix("told.jpg").splitlines()[0])
    (step,) = job.pop("steps")
    return {**job, **step, "mask": Path(step["mask"]).name}


def test_what_gimp_is_told(fake_gimp: Path) -> None:
    add(fake_gimp, "told.jpg")
    assert run(fake_gimp) == 0
    plain = {"direction": "attenuate", "order": "best-realism", "strength": 100, "format": "jpg", "frames": False}
    plain.update(background=False, background_strength=100, style="", edits=None, region=None, edge="automatic")
    plain.update(boldness="natural", layer="", mask="told.png")
    assert told(fake_gimp) == plain
    styles.EDITS.save("Pale & blue", [0.5] * 10)
    options = ["--strength", "80", "--background", "--background-strength", "60", "--style", "Pale & blue"]
    assert run(fake_gimp, *options) == 0
    wish = {"strength": 80, "background": True, "background_strength": 60, "style": "Pale & blue"}
    assert told(fake_gimp) == {**plain, **wish}
    assert run(fake_gimp, "--background", "--boldness", "bold") == 0
    assert told(fake_gimp) == {**plain, "background": True, "boldness": "bold"}
    assert run(fake_gimp, "--edits", "tone, contrast") == 0
    assert told(fake_gimp) == {**plain, "kinds": ["contrast", "tone"]}
    assert run(fake_gimp, "--edits", ",".join(NAMES)) == 0
    assert told(fake_gimp) == plain


@pytest.mark.parametrize("names", ["exposure,vibrato", "", "Exposure", "exposure;tone"])
def test_edits_that_are_not_there(
    fake_gimp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], names: str
) -> None:
    add(fake_gimp, "a.jpg")
    monkeypatch.setenv("FAKE_GIMP", "broken")  # it is not even started
    assert run(fake_gimp, "--edits", names) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("gimp-saliency: There is no edit '")
    assert all(name in said for name in NAMES)
    assert not (fake_gimp / "out").exists()


@pytest.mark.parametrize("saved", [[], ["Pale", "Warm"]])
def test_a_style_that_is_not_there(
    fake_gimp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], saved: list[str]
) -> None:
    add(fake_gimp, "a.jpg")
    for name in saved:
        styles.EDITS.save(name, [0.5] * 10)
    monkeypatch.setenv("FAKE_GIMP", "broken")  # it is not even started
    assert run(fake_gimp, "--style", "Cold") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("gimp-saliency: ") and "Cold" in said
    assert all(name in said for name in saved)
    assert not (fake_gimp / "out").exists()
    styles.EDITS.path.parent.mkdir(parents=True, exist_ok=True)
    styles.EDITS.path.write_text("{")
    assert run(fake_gimp, "--style", "Pale") == 1
    assert "damaged" in capsys.readouterr().err
    monkeypatch.delenv("FAKE_GIMP")
    assert run(fake_gimp) == 0  # without a style the file does not matter


def test_a_backgrounds_strength_needs_a_background(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "a.jpg")
    assert run(fake_gimp, "--background-strength", "50") == 1
    assert "--background-strength counts only with --background; add that." in capsys.readouterr().err


def harmonize(folder: Path, *options: str) -> int:
    return main(["batch", str(folder / "in"), str(folder / "out"), "--harmonize", *options])


def test_what_gimp_is_told_to_harmonize(fake_gimp: Path) -> None:
    add(fake_gimp, "told.jpg")
    masks = ["--masks", str(fake_gimp / "masks")]
    plain = {"tool": "harmonize", "strength": 100, "colour": 100, "shading": 100, "style": ""}
    plain.update(format="jpg", frames=False, edits=None, region=None, layer="", mask="told.png")
    assert harmonize(fake_gimp, *masks) == 0
    assert told(fake_gimp) == plain
    assert harmonize(fake_gimp, *masks, "--strength", "80", "--colour", "0", "--shading", "150") == 0
    assert told(fake_gimp) == {**plain, "strength": 80, "colour": 0, "shading": 150}
    styles.HARMONIES.save("Pale & blue", [0.5] * 10)
    assert harmonize(fake_gimp, *masks, "--style", "Pale & blue") == 0
    assert told(fake_gimp) == {**plain, "style": "Pale & blue"}
    assert harmonize(fake_gimp) == 0
    assert told(fake_gimp) == {**plain, "mask": ""}
    assert harmonize(fake_gimp, "--layer", "Tree #1") == 0
    assert told(fake_gimp) == {**plain, "mask": "", "layer": "Tree #1"}


def test_a_harmonys_job_is_read_as_it_was_written() -> None:
    request = HarmonyRequest(80.0, 0.0, 150.0, "Pale")
    job = {"picture": "a.png", **json.loads(json.dumps(request.to_job()))}
    assert HarmonyRequest.from_job(job) == request
    for wrong in ({"strength": 151}, {"colour": -1}, {"shading": "all"}, {"strength": True}, {"colour": None}):
        with pytest.raises(HarmonyError, match="the strengths must be from 0 to 150"):
            HarmonyRequest.from_job({**job, **wrong})
    with pytest.raises(HarmonyError, match="style must be a name"):
        HarmonyRequest.from_job({**job, "style": 3})


def test_a_harmonys_style_that_is_not_there(
    fake_gimp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A style of edits is none of harmonies."""
    add(fake_gimp, "a.jpg")
    styles.EDITS.save("Pale", [0.5] * 10)
    styles.HARMONIES.save("Warm", [0.5] * 10)
    monkeypatch.setenv("FAKE_GIMP", "broken")  # it is not even started
    assert harmonize(fake_gimp, "--style", "Pale") == 1
    assert capsys.readouterr().err == "gimp-saliency: There is no style «Pale»: choose one of «Warm».\n"
    assert not (fake_gimp / "out").exists()


def retouch(folder: Path, *options: str) -> int:
    return main(["batch", str(folder / "in"), str(folder / "out"), "--retouch", *options])


def test_what_gimp_is_told_to_retouch(fake_gimp: Path) -> None:
    """The whole picture, or what masks show, each as it is: nothing of it is fitted."""
    add(fake_gimp, "told.jpg")
    plain = {"tool": "retouch", "strength": 100, "style": "", "look": "neutral", "base_look": "neutral"}
    plain.update(look_strength=100, people=True, format="jpg", frames=False, edits=None, region=None, layer="", mask="")
    assert retouch(fake_gimp) == 0
    assert told(fake_gimp) == plain
    assert retouch(fake_gimp, "--strength", "80", "--edits", "tone,exposure") == 0
    assert told(fake_gimp) == {**plain, "strength": 80, "kinds": ["exposure", "tone"]}
    assert retouch(fake_gimp, "--masks", str(fake_gimp / "masks")) == 0
    assert told(fake_gimp) == {**plain, "mask": "told.png"}


def test_a_retouch_s_style_is_a_look_or_a_saved_one(fake_gimp: Path) -> None:
    add(fake_gimp, "told.jpg")
    styles.RETOUCHES.save("Pale & blue", [0.5] * 10)
    styles.RETOUCHES.save("punchy", [0.5] * 10)
    for name, wish in (
        ("neutral", {"look": "neutral", "style": ""}),
        ("film", {"look": "film", "style": ""}),
        ("punchy", {"look": "punchy", "style": ""}),
        ("Pale & blue", {"look": "neutral", "style": "Pale & blue"}),
    ):
        assert retouch(fake_gimp, "--style", name) == 0
        assert {key: told(fake_gimp)[key] for key in wish} == wish


def test_a_retouch_s_style_that_is_not_there(
    fake_gimp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A style of edits is none of retouches."""
    add(fake_gimp, "a.jpg")
    styles.EDITS.save("Pale", [0.5] * 10)
    monkeypatch.setenv("FAKE_GIMP", "broken")  # it is not even started
    assert retouch(fake_gimp, "--style", "Pale") == 1
    sentence = "There is no style «Pale»: save one in the dialog of Retouch first."
    assert capsys.readouterr().err == f"gimp-saliency: {sentence}\n"
    styles.RETOUCHES.save("Warm", [0.5] * 10)
    assert retouch(fake_gimp, "--style", "Pale") == 1
    assert capsys.readouterr().err == "gimp-saliency: There is no style «Pale»: choose one of «Warm».\n"
    assert retouch(fake_gimp, "--edits", "vibrato") == 1
    assert capsys.readouterr().err.startswith("gimp-saliency: There is no edit 'vibrato'")
    assert not (fake_gimp / "out").exists()


def test_retouches_fail_and_resume_as_edits(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None of them lacks a mask, unless there is a folder of these."""
    add(fake_gimp, "a.jpg", "bad.png", "crash.xcf", "same.gif", "same.webp", "z.psd")
    (fake_gimp / "masks" / "a.png").unlink()
    assert retouch(fake_gimp, "--jobs", "2") == 1
    said = capsys.readouterr()
    assert "bad.png: Do something else.\n" in said.err and "crash.xcf: GIMP crashed on it: " in said.err
    assert said.err.count("Another picture's result has the same name, same.png: rename one of them.") == 2
    assert "2 pictures edited, 4 failed." in said.out
    assert results(fake_gimp) == ["a.jpg", "z.png"]
    assert retouch(fake_gimp, "--resume") == 1
    assert "0 pictures edited, 4 failed, 2 were finished before." in capsys.readouterr().out
    assert retouch(fake_gimp, "--masks", str(fake_gimp / "masks")) == 1
    assert "a.jpg: It has no mask: put a.png into the folder of masks.\n" in capsys.readouterr().err


def test_help_names_all_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["batch", "--help"])
    said = capsys.readouterr().out
    options = ["--direction", "--harmonize", "--retouch", "--masks", "--style", "--boldness", "--colour", "--shading"]
    options += ["--layer", "--series", "--frames", "--resume"]
    assert ended.value.code == 0 and all(f"  {option}" in said for option in options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--harmonize", "--direction", "attenuate"], "not allowed with argument"),
        (["--retouch", "--direction", "attenuate"], "not allowed with argument"),
        (["--retouch", "--harmonize"], "not allowed with argument"),
        (["--masks", "masks"], "one of --direction, --harmonize, --retouch or --plan must be given"),
        (["--direction", "attenuate"], "--direction needs --masks: name the folder of masks"),
        (["--harmonize", "--edge", "soft"], "--edge: only with --direction, not with --harmonize"),
        (["--harmonize", "--background", "--edge", "soft"], "--edge, --background: only with --direction, not with"),
        (["--harmonize", "--edits", "tone", "--frames"], "--edits, --frames: only with --direction or --retouch, not"),
        (["--harmonize", "--background", "--frames"], "--background: only with --direction, not with --harmonize"),
        (["--harmonize", "--series"], "--series: only with --retouch, not with --harmonize"),
        (["--harmonize", "--background-strength", "0"], "--background-strength: only with --direction"),
        (["--harmonize", "--boldness", "natural"], "--boldness: only with --direction"),
        (["--harmonize", "--order", "random"], "--order: only with --direction"),
        (["--harmonize", "--edits", "tone"], "--edits: only with --direction or --retouch"),
        (["--harmonize", "--masks", "masks", "--frames"], "--frames: only with --direction or --retouch"),
        (["--harmonize", "--masks", "masks", "--layer", "Tree"], "--layer: not with --masks"),
        (["--harmonize", "--shading", "151"], "argument --shading: it must be from 0 to 150"),
        (["--direction", "attenuate", "--masks", "masks", "--colour", "0"], "--colour: only with --harmonize"),
        (["--direction", "attenuate", "--masks", "masks", "--series"], "--series: only with --retouch, not with"),
        (["--retouch", "--edge", "selected"], "--edge: only with --direction, not with --retouch"),
        (["--retouch", "--order", "random", "--boldness", "bold"], "--boldness, --order: only with --direction, not"),
        (["--retouch", "--background"], "--background: only with --direction, not with --retouch"),
        (["--retouch", "--background-strength", "0"], "--background-strength: only with --direction"),
        (["--retouch", "--colour", "0"], "--colour: only with --harmonize, not with --retouch"),
        (["--retouch", "--series", "--masks", "masks"], "--series is for whole pictures: leave out --masks and"),
        (["--retouch", "--series", "--frames"], "--series is for whole pictures: leave out --masks and --frames"),
    ],
)
def test_options_that_do_not_belong_together(
    fake_gimp: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add(fake_gimp, "a.jpg")
    with pytest.raises(SystemExit) as ended:
        main(["batch", str(fake_gimp / "in"), str(fake_gimp / "out"), *options])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("usage: gimp-saliency batch") and sentence in said
    assert not (fake_gimp / "out").exists()


def test_harmonies_fail_and_resume_as_edits(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "a.jpg", "bad.png", "crash.xcf", "same.gif", "same.webp", "z.psd")
    (fake_gimp / "masks" / "a.png").unlink()
    assert harmonize(fake_gimp, "--jobs", "2") == 1
    said = capsys.readouterr()
    assert "bad.png: Do something else.\n" in said.err and "crash.xcf: GIMP crashed on it: " in said.err
    assert said.err.count("Another picture's result has the same name, same.png: rename one of them.") == 2
    assert "2 pictures edited, 4 failed." in said.out
    assert results(fake_gimp) == ["a.jpg", "z.psd"]
    assert harmonize(fake_gimp, "--resume") == 1
    assert "0 pictures edited, 4 failed, 2 were finished before." in capsys.readouterr().out
    assert harmonize(fake_gimp, "--masks", str(fake_gimp / "masks")) == 1
    assert "a.jpg: It has no mask: put a.png into the folder of masks.\n" in capsys.readouterr().err
    assert results(fake_gimp) == ["a.jpg", "z.png", "z.psd"]


def test_formats_of_harmonized_layers(tmp_path: Path) -> None:
    """Those keep their format that hold layers; not where masks say what is to be changed, nor if another is asked."""
    for place, files in (("in", ("a.psd", "b.ORA", "c.xcf", "d.tiff", "e.psb", "f.webp")), ("masks", ())):
        (tmp_path / place).mkdir()
        for name in files:
            (tmp_path / place / name).touch()

    def found(masks: Path | None, suffix: str | None = None) -> list[str]:
        source = Source(MaskFolder(masks)) if masks else Source(layer="Tree", keeps_layers=True)
        jobs = find_jobs(tmp_path / "in", source, tmp_path / "out", suffix)
        assert {(job.layer, job.is_whole) for job in jobs} == {("", False) if masks else ("Tree", True)}
        return [job.output.name for job in jobs]

    assert found(None) == ["a.psd", "b.ora", "c.xcf", "d.tif", "e.png", "f.png"]
    assert found(tmp_path / "masks") == ["a.png", "b.png", "c.xcf", "d.tif", "e.png", "f.png"]
    assert set(found(None, "jpg")) == {f"{name}.jpg" for name in "abcdef"}


def test_resume(fake_gimp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(fake_gimp, "a.jpg", "b.jpg")
    (fake_gimp / "out").mkdir()
    (fake_gimp / "out" / "a.jpg").write_text("finished")
    dead = fake_gimp / "out" / ".gimp-saliency-99999999"
    dead.mkdir()
    (dead / "b.jpg").write_text("half of it")
    assert run(fake_gimp, "--resume") == 0
    assert "1 pictures edited, 0 failed, 1 were finished before." in capsys.readouterr().out
    assert (fake_gimp / "out" / "a.jpg").read_text() == "finished"
    assert results(fake_gimp) == ["a.jpg", "b.jpg"]
    assert run(fake_gimp) == 0
    assert (fake_gimp / "out" / "a.jpg").read_text().startswith("a.jpg")


def test_gimp_that_does_not_start(
    fake_gimp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(fake_gimp, "a.jpg")
    monkeypatch.setenv("FAKE_GIMP", "broken")
    assert run(fake_gimp) == 1
    sentence = "GIMP does not start (no interpreter python-fu-eval); run «gimp-saliency check»."
    assert sentence in capsys.readouterr().err
    assert not (fake_gimp / "out").exists() or results(fake_gimp) == []


def test_server_that_does_not_start(
    fake_gimp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(fake_gimp, "a.jpg")
    monkeypatch.setattr(start_command, "own_command", lambda: ["/bin/sh", "-c", "exit 7", "serve"])
    assert run(fake_gimp) == 1
    assert "The model server failed to start (code 7); run «gimp-saliency check»" in capsys.readouterr().err


@pytest.mark.alone
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interruption(fake_gimp: Path, runtime: Path, sign: signal.Signals) -> None:
    add(fake_gimp, "a.jpg", "hang1.jpg", "hang2.jpg", "z.jpg")
    code = (
        f"import signal, sys; sys.path.insert(0, {str(ROOT)!r}); from model_server import __main__; "
        "from model_server.gimp import start_command; "
        # A suite that was started in the background has Ctrl+C ignored, and its children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"start_command.own_command = lambda: {FAKE_SERVER!r}; sys.exit(__main__.main())"
    )
    places = [str(fake_gimp / "in"), str(fake_gimp / "out"), "--masks", str(fake_gimp / "masks")]
    command = [sys.executable, "-c", code, "batch", *places, "--direction", "attenuate", "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        done, parts = fake_gimp / "out" / "a.jpg", fake_gimp / "out" / f".gimp-saliency-{process.pid}"
        wait_for(lambda: done.exists() and len(list(parts.iterdir())) == 2)
        children = children_of(process.pid)
        assert len(children) == 2
        before = time.monotonic()
        process.send_signal(sign)
        assert process.wait(15) == (-9 if sign == signal.SIGKILL else 130)
        assert time.monotonic() - before < 10
        assert {path.name for path in runtime.iterdir()} == {"server.json", "server.lock", "server.sock"}
        assert process.stderr
        if sign != signal.SIGKILL:
            assert process.stderr.read() == "\nStopped; the same command with --resume goes on.\n"
            assert results(fake_gimp) == ["a.jpg"]
            assert not any(Path("/proc", pid).exists() for pid in children)
    for pid in children:
        if Path("/proc", pid).exists():  # in a real GIMP the job ends, and then it sees that the socket is closed
            os.kill(int(pid), signal.SIGKILL)
    for name in ("hang1.jpg", "hang2.jpg"):
        (fake_gimp / "in" / name).unlink()
    assert run(fake_gimp, "--resume") == 0
    assert results(fake_gimp) == ["a.jpg", "z.jpg"]


def children_of(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    found = {child for task in tasks for child in (task / "children").read_text().split()}
    return [child for child in found if "fake_gimp" in Path(f"/proc/{child}/cmdline").read_text()]


def test_progress_is_shown_on_a_terminal(fake_gimp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(fake_gimp, "a.jpg")
    shown: dict[str, object] = {}

    def tqdm(items: object, **options: object) -> object:
        shown.update(options)
        return items

    monkeypatch.setattr(progress, "tqdm", tqdm)
    jobs = find_jobs(fake_gimp / "in", Source(MaskFolder(fake_gimp / "masks")), fake_gimp / "out", None)
    with Runner.with_gimps(find_gimp(), 1, 60, EditRequest("attenuate"), jobs.output) as runner:
        (result,) = progress.show_progress(runner.run(jobs), len(jobs))
    assert isinstance(result, Done)
    assert shown["total"] == 1 and shown["unit"] == " pictures"
