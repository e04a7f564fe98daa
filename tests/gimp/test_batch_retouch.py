# SPDX-License-Identifier: GPL-3.0-or-later
"""`batch --retouch` in real GIMP: whole pictures, what masks show, series, frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms

from tests.gimp.batch_folder import HEIGHT, WIDTH, Folder, photo, rectangle


def read_exposure(folder: Folder, name: str) -> float:
    """The exposure at 100 % that a result in layers notes."""
    path = str(folder.place / "out" / name)
    found = folder.gimp.run(f"""
from gi.repository import Gimp, Gio
from gimp_saliency.layers.record import read_record
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({path!r}))
record = read_record(image.get_layers()[0])
result = [record.tool, record.base[0].ev]
""")
    assert found[0] == "retouch"
    return float(found[1])


def add_taken(folder: Folder, name: str, time: str, seed: int) -> None:
    """A picture that says when it was taken."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "A camera"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"2026:07:01 {time}"
    folder.add(name, photo(seed=seed), mask=False, exif=exif)


def test_whole_pictures(folder: Folder) -> None:
    """Nothing but the pictures is needed; depth, profile, transparency and size stay."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    before = {"a.png": folder.add("a.png", mask=False, icc_profile=profile)}
    before["gray.png"] = folder.add("gray.png", photo()[:, :, 0], mask=False)
    before["deep.png"] = folder.add("deep.png", photo()[:, :, 0].astype(np.uint16) * 257, mask=False)
    alpha = np.dstack([photo(), np.where(np.indices((HEIGHT, WIDTH))[0] < 24, 120, 255).astype(np.uint8)])
    before["alpha.png"] = folder.add("alpha.png", alpha, mask=False)
    assert folder.retouch() == {}
    for name, pixels in before.items():
        after = np.asarray(folder.result(name))
        assert after.shape == pixels.shape and after.dtype == pixels.dtype, name
        assert (after != pixels).mean() > 0.5, name
    assert folder.result("a.png").info["icc_profile"] == profile
    assert np.array_equal(np.asarray(folder.result("alpha.png"))[:, :, 3], alpha[:, :, 3])


def test_what_masks_show(folder: Folder) -> None:
    before = folder.add("a.png")
    assert folder.retouch(masks=True) == {}
    after, inside = np.asarray(folder.result("a.png")), rectangle() > 0
    assert np.array_equal(after[~inside], before[~inside]) and (after[inside] != before[inside]).any()


def test_layers_and_pixels_are_alike(folder: Folder) -> None:
    before = folder.add("a.png", mask=False)
    assert folder.retouch(look="warm", strength=60.0) == {}
    straight = np.asarray(folder.result("a.png")).astype(int)
    assert folder.retouch("xcf", look="warm", strength=60.0) == {}
    source, shown = (str(folder.place / "out" / name) for name in ("a.xcf", "composed.png"))
    folder.gimp.run(f"""
from gi.repository import Gimp, Gio
from gimp_saliency.batch import files
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({source!r}))
files.export_visible(image, {shown!r}, "png", False)
result = 0
""")
    assert np.abs(np.asarray(folder.result("composed.png")) - straight).max() <= 1
    assert (straight != before).any()


def test_a_series_gets_the_same_numbers(folder: Folder) -> None:
    """Those of the picture in its middle; what was taken later, or does not say when, gets its own."""
    for number, time in enumerate(("12:00:00", "12:03:00", "12:04:00", "12:30:00")):
        add_taken(folder, f"{number}.png", time, number)
    folder.add("4.png", photo(seed=4), mask=False)
    assert folder.retouch("xcf", series=True) == {}
    values = [read_exposure(folder, f"{number}.xcf") for number in range(5)]
    assert values[0] == values[1] == values[2] and len(set(values)) == 3
    kept = folder.place / "out" / "0.png#series.edits.json"
    assert json.loads(kept.read_text())["regions"]["0"]["frame"] == "1.png"
    (folder.place / "out" / "2.xcf").unlink()
    assert folder.retouch("xcf", series=True, resume=True) == {}
    assert read_exposure(folder, "2.xcf") == values[0]
    (folder.place / "out" / "2.xcf").unlink()
    failed = folder.retouch("xcf", series=True, resume=True, look="film")
    assert "was begun with" in failed["2.png"] and "style neutral" in failed["2.png"]


def test_numbered_frames_get_the_same_numbers(folder: Folder) -> None:
    for number in range(3):
        folder.add(f"shot_{number}.png", photo(seed=number), mask=False)
    assert folder.retouch("xcf", frames=True) == {}
    assert len({read_exposure(folder, f"shot_{number}.xcf") for number in range(3)}) == 1


def test_an_animation(folder: Folder) -> None:
    frames = [Image.fromarray(photo(seed=number)) for number in range(3)]
    path = folder.place / "in" / "moving.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80, lossless=True)
    assert folder.retouch(frames=True) == {}
    before, after = (_read_frames(each) for each in (path, folder.place / "out" / "moving.webp"))
    assert len(after) == 3
    assert all((one != other).any() for one, other in zip(before, after))


def _read_frames(path: Path) -> list[Any]:
    with Image.open(path) as animation:
        found = []
        for number in range(animation.n_frames):
            animation.seek(number)
            found.append(np.asarray(animation.convert("RGB")))
        return found


def test_a_bad_picture_is_a_sentence(folder: Folder) -> None:
    (folder.place / "in" / "bad.png").write_bytes(b"no picture")
    folder.add("good.png", mask=False)
    failed = folder.retouch()
    assert list(failed) == ["bad.png"] and "cannot be read" in failed["bad.png"]
    assert folder.result("good.png").size == (WIDTH, HEIGHT)
