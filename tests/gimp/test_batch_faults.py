# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder job in real GIMP against bad pictures, interruptions and full disks; and 200 of all kinds in one run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gimp_saliency.shared.client import lifecycle
from model_server.__main__ import main
from model_server.batch.failures import BatchError
from model_server.batch.jobs import Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.outputs import open_parts
from tests.gimp.batch_folder import HEIGHT, WIDTH, Folder, measure_memory, photo, rectangle
from tests.gimp.small_disk import mounted
from tests.model_server.processes import FAKE_SERVER, ROOT, wait_for

pytestmark = pytest.mark.thorough

PICTURES = 200
NOBODY = 65534


def damaged_jpeg(folder: Folder, name: str) -> None:
    """A JPEG with noise in the middle of its data."""
    folder.add(name, photo(160, 240), rectangle(160, 240), quality=95)
    path = folder.place / "in" / name
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = random.Random(1).randbytes(400)
    path.write_bytes(content)


def test_pictures_of_all_kinds(folder: Folder) -> None:
    cmyk = Image.fromarray(photo()).convert("CMYK")
    for name, mask in (("cmyk", rectangle()), ("twin", rectangle()[::-1, ::-1])):  # the same, another region
        cmyk.save(folder.place / "in" / f"{name}.jpg", quality=95)
        Image.fromarray(mask).save(folder.place / "masks" / f"{name}.png")
    sixteen = (photo().astype(np.uint16)[:, :, 0] * 257).astype(np.uint16)
    folder.add("sixteen.png", sixteen)
    folder.add("float.tif", photo()[:, :, 0].astype(np.float32) / 255)
    small = folder.add("small mask.png", None, rectangle(HEIGHT // 2, WIDTH // 2))
    folder.add("another shape.png", None, rectangle(HEIGHT, WIDTH // 2))
    still = Image.fromarray(photo()).convert("P")
    still.save(folder.place / "in" / "still.gif")
    Image.fromarray(rectangle()).save(folder.place / "masks" / "still.png")
    folder.add("grey.jpg", photo()[:, :, 0], quality=95)
    folder.add("wide.png", photo(20, 30000), rectangle(20, 30000))
    folder.add("one.png", photo(1, 1), np.full((1, 1), 255, np.uint8))
    damaged_jpeg(folder, "damaged.jpg")
    folder.add("tail.jpg", quality=95)
    tail = folder.place / "in" / "tail.jpg"
    tail.write_bytes(tail.read_bytes() + b"more than a JPEG" * 10)
    (folder.place / "in" / "zeros.png").write_bytes(bytes(5000))
    Image.fromarray(rectangle()).save(folder.place / "masks" / "zeros.png")
    for suffix in ("png", "tif", "gif", "webp"):
        folder.add(f"half {suffix}.{suffix}", photo(160, 240), rectangle(160, 240))
        half = folder.place / "in" / f"half {suffix}.{suffix}"
        half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    failed = folder.run()
    print(failed)
    assert {name: reason.rpartition(": ")[2] for name, reason in failed.items()} == {
        "another shape.png": "export it at the picture's size.",
        "damaged.jpg": "replace it with a good copy.",
        "half gif.gif": "replace it with a good copy.",
        "half png.png": "choose one that GIMP can open.",
        "half tif.tif": "replace it with a good copy.",
        "half webp.webp": "choose one that GIMP can open.",
        "one.png": "choose a larger one.",
        "wide.png": "crop it so that no side is more than 24 times the other.",
        "zeros.png": "choose one that GIMP can open.",
    }
    inside = rectangle() > 0
    one, other = (np.asarray(folder.result(f"{name}.jpg")).astype(int) for name in ("cmyk", "twin"))
    naive = np.asarray(cmyk.convert("RGB"))
    outside = ~inside & ~inside[::-1, ::-1]
    assert np.corrcoef(one[outside].ravel(), naive[outside].ravel())[0, 1] > 0.95  # GIMP converts by a profile
    assert np.abs(one - other)[outside].mean() < 3  # what was edited, and each JPEG's own noise around it
    assert one[inside].mean() < other[inside].mean() - 2
    changed = (np.asarray(folder.result("small mask.png")) != small).any(-1)
    assert changed[inside].mean() > 0.9 and changed[~inside].mean() < 0.15
    assert np.asarray(folder.result("sixteen.png")).dtype == np.uint16
    assert np.asarray(folder.result("float.tif")).dtype == np.float32
    assert folder.result("grey.jpg").mode == "L"


def test_results_that_exist(chosen: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    """They are replaced, unless --resume; a folder in the place of one is a sentence."""
    for name in ("a.png", "b.png", "c.png"):
        chosen.add(name)
    out = chosen.place / "out"
    (out / "c.png").mkdir(parents=True)
    (out / "a.png").write_text("somebody's")
    assert command(chosen, "--resume") == 0
    assert (out / "a.png").read_text() == "somebody's"
    assert command(chosen) == 1
    said = capfd.readouterr().err
    assert "c.png: The result cannot be written (Is a directory): " in said
    assert chosen.result("a.png").size == (WIDTH, HEIGHT)
    assert {path.name for path in out.iterdir()} == {"a.png", "b.png", "c.png"}


def command(folder: Folder, *options: str) -> int:
    """`gimp-saliency batch` in this process; its exit code."""
    return main(["batch", *arguments(folder), *options])


def arguments(folder: Folder) -> list[str]:
    masks = ["--masks", str(folder.place / "masks")]
    return [str(folder.place / "in"), str(folder.place / "out"), *masks, "--direction", "attenuate"]


@pytest.fixture
def chosen(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The same, with the GIMP that the command line finds."""
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(folder.gimp.gimp.location))
    return folder


@contextmanager
def as_nobody() -> Iterator[None]:
    """As the superuser, whom no mode holds back: be somebody else for a while."""
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if superuser:
            os.seteuid(0)


def test_folders_that_are_closed() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        for name in ("in", "masks", "out", "closed"):
            Path(place, name).mkdir(mode=0o755)
        Path(place, "in", "a.png").touch()
        Path(place, "closed").chmod(0)
        Path(place, "out").chmod(0o555)
        with as_nobody():
            for pictures, masks in (("closed", "masks"), ("in", "closed")):
                with pytest.raises(BatchError, match=r"closed cannot be read \(Permission denied\); name a"):
                    find_jobs(Path(place, pictures), Source(MaskFolder(Path(place, masks))), Path(place, "out"), None)
            with (
                pytest.raises(BatchError, match=r"out cannot be written to \(Permission denied\); choose"),
                open_parts(Path(place, "out")),
            ):
                pass


def test_disk_that_is_full(chosen: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    out = chosen.place / "out"
    with mounted(out, "128k"):
        chosen.add("a.png")
        chosen.add("large.png", photo(600, 900), rectangle(600, 900))
        chosen.add("z.png")
        assert command(chosen) == 1
        said = capfd.readouterr().err
        print(said)
        assert "large.png: The result cannot be written (" in said and "free some space" in said
        assert {path.name for path in out.iterdir()} == {"a.png", "z.png"}
        assert chosen.result("z.png").size == (WIDTH, HEIGHT)


def test_disk_that_is_read_only(chosen: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    with mounted(chosen.place / "out", "128k") as mount:
        assert mount("remount", "ro")
        chosen.add("a.png")
        assert command(chosen) == 1
        assert "cannot be written to (Read-only file system); choose another folder." in capfd.readouterr().err


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_resumed(chosen: Folder, sign: signal.Signals) -> None:
    """Stopped several times, then finished: what was done stays, nothing half-written is ever seen."""
    names = [f"p{number:02}.png" for number in range(12)]
    for seed, name in enumerate(names):
        chosen.add(name, photo(300, 400, seed), rectangle(300, 400))
    out = chosen.place / "out"
    runtime = Path(os.environ["GIMP_SALIENCY_RUNTIME"])
    code = (
        f"import signal, sys; sys.path.insert(0, {str(ROOT)!r}); from model_server import __main__; "
        "from model_server.gimp import start_command; "
        # A suite that was started in the background has Ctrl+C ignored, and its children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"start_command.own_command = lambda: [*{FAKE_SERVER!r}, 'serve']; sys.exit(__main__.main())"
    )
    draw, finished = random.Random(int(sign)), dict[str, tuple[int, int]]()

    def results() -> dict[str, tuple[int, int]]:
        found = {path.name: path for path in out.glob("*.png")} if out.exists() else {}
        for path in found.values():
            with Image.open(path) as picture:
                picture.load()
                assert picture.size == (400, 300)
        return {name: (path.stat().st_ino, path.stat().st_mtime_ns) for name, path in found.items()}

    for stop in range(3):
        line = [sys.executable, "-c", code, "batch", *arguments(chosen), "--resume"]
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            wanted = min(len(finished) + 1, len(names) - 1)
            wait_for(partial(_has_results, out, wanted), 60)
            time.sleep(draw.uniform(0, 0.5))
            gimps = descendants(process.pid)
            process.send_signal(sign)
            code_ = process.wait(20)
            assert code_ == (130 if sign == signal.SIGINT else -9), stop
        wait_for(partial(_have_ended, gimps), 20)
        assert {path.name for path in runtime.iterdir()} - {"gimp-saliency"} == {
            "server.json",
            "server.lock",
            "server.sock",
        }
        now = results()
        assert {name: now.get(name) for name in finished} == finished
        finished = now
        if sign == signal.SIGINT:
            assert all(path.suffix == ".png" for path in out.iterdir())
    print(f"{len(finished)} of {len(names)} were finished after three stops by {sign.name}")
    assert command(chosen, "--resume") == 0
    now = results()
    assert {name: now.get(name) for name in finished} == finished
    assert sorted(path.name for path in out.iterdir()) == names
    partly = {name: np.asarray(chosen.result(name)) for name in names}
    shutil.rmtree(out)
    assert command(chosen) == 0
    for name in names:
        assert np.array_equal(np.asarray(chosen.result(name)), partly[name]), name


def _has_results(folder: Path, number: int) -> bool:
    return len(list(folder.glob("*.png"))) >= number


def _have_ended(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if "fake_server" not in Path(f"/proc/{child}/cmdline").read_text():
                found += [int(child), *descendants(int(child))]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def mixed(folder: Folder, count: int) -> set[str]:
    """Put pictures of all kinds into the folder; the names of the bad ones."""
    bad = set()
    for number in range(count):
        kind = number % 20
        name, pixels, mask, save = f"p{number:03}", photo(seed=number), rectangle(), dict[str, Any]()
        suffix = (".png", ".jpg", ".tif")[number % 3]
        if kind in (1, 4, 7):  # bad ones
            bad.add(name + ".jpg")
            if kind == 1:
                (folder.place / "in" / f"{name}.jpg").write_text("no picture")
                Image.fromarray(mask).save(folder.place / "masks" / f"{name}.png")
            elif kind == 4:
                damaged_jpeg(folder, f"{name}.jpg")
            else:
                folder.add(f"{name}.jpg", pixels, False)
            continue
        if kind == 10:
            bad.add(name + ".png")
            folder.add(f"{name}.png", pixels, np.zeros_like(mask))
            continue
        if kind == 2:
            pixels, suffix = (pixels[:, :, 0].astype(np.uint16) * 256 + number).astype(np.uint16), ".png"
        elif kind == 3:
            pixels, suffix = pixels[:, :, 0].astype(np.float32) / 255, ".tif"
        elif kind == 5:
            pixels = pixels[:, :, 0]
        elif kind == 6:
            pixels, suffix = np.dstack([pixels, rectangle() // 2 + 100]), ".png"
        elif kind == 8:
            pixels, mask = photo(200, 300, number), rectangle(200, 300)
        elif kind == 9:
            mask = rectangle(HEIGHT * 2, WIDTH * 2)
        elif kind == 11:
            mask = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
        elif kind == 12:
            name = f"{name} 'odd' \"\n\U0001f600"
        elif kind == 13:
            name = f"-{name}"
        if suffix == ".jpg":
            save["quality"] = 95
        folder.add(name + suffix, pixels, mask, **save)
    return bad


def test_two_hundred_mixed_pictures(
    chosen: Folder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = mixed(chosen, PICTURES)
    with monkeypatch.context() as patch:
        sizes = measure_memory(patch)
        began = time.monotonic()
        assert command(chosen) == 1
        seconds = time.monotonic() - began
    said = capfd.readouterr()
    assert f"{PICTURES - len(bad)} pictures edited, {len(bad)} failed." in said.out
    for name in bad:
        lines = [line for line in said.err.splitlines() if line.startswith(f"{name}: ")]
        assert len(lines) == 1 and lines[0].endswith("."), name
    results = sorted(path.name for path in (chosen.place / "out").iterdir())
    good = sorted(path.name for path in (chosen.place / "in").iterdir() if path.name not in bad)
    assert results == good
    early, late = (float(np.median(sizes[at : at + 30])) for at in (len(sizes) // 2 - 30, len(sizes) - 30))
    print(f"{PICTURES} pictures, {len(bad)} of them bad, in {seconds:.0f} s; memory of GIMP and its plug-ins")
    print(f"{early:.0f} MB before the half, {late:.0f} MB at the end: {[round(size) for size in sizes[::10]]}")
    assert late < early * 1.05  # GIMP 3.0 itself keeps about 0.1 MB a picture
    together = {name: chosen.result(name) for name in results}
    everything = [chosen.place / "in", chosen.place / "masks"]
    for folder in everything:
        folder.rename(folder.with_name(f"all {folder.name}"))
    step = 18 if chosen.gimp.is_32 else 27  # each start of GIMP takes its time
    alone = results[::step]
    assert len(alone) >= 135 // step
    for name in alone:
        for folder in [*everything, chosen.place / "out"]:
            shutil.rmtree(folder, ignore_errors=True)
        for folder in everything:
            folder.mkdir()
        shutil.copy(chosen.place / "all in" / name, chosen.place / "in")
        shutil.copy(chosen.place / "all masks" / f"{Path(name).stem}.png", chosen.place / "masks")
        assert command(chosen) == 0
        result = chosen.result(name)
        assert result.mode == together[name].mode, name
        here, there = np.asarray(result), np.asarray(together[name])
        # As it starts, GIMP measures which of its conversions are the quickest: floats may differ in their last digit.
        most = 2.0**-22 if here.dtype == np.float32 else 0.0
        assert np.abs(here.astype(float) - there.astype(float)).max() <= most, name
    assert lifecycle.ask_health()
