# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder job in real GIMP: masks, formats, metadata, bad pictures, memory."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFilter
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

import model_server
from gimp_saliency.shared import styles
from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.request import EditRequest
from model_server.__main__ import main
from model_server.batch.gimp_worker import GimpWorker
from model_server.gimp import start_command
from tests.gimp.batch_folder import HEIGHT, WIDTH, Folder, measure_memory, photo, rectangle

SERVER = start_command.own_command  # the real one, in whose place a fixture puts another
NETWORKS = Path(model_server.__file__).with_name("networks")
DESCRIPTION, ORIENTATION, EXIF, EXPOSURE_TIME = 0x010E, 0x0112, 0x8769, 0x829A


def linear(pixels: Any) -> Any:
    value = np.asarray(pixels) / (65535 if pixels.dtype == np.uint16 else 255)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def test_bit_depth_profile_and_metadata_are_kept(folder: Folder) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[DESCRIPTION] = "A caption"
    exif.get_ifd(EXIF)[EXPOSURE_TIME] = IFDRational(1, 125)
    eight = folder.add("eight.png", icc_profile=profile, exif=exif)
    folder.add("jpeg.jpg", icc_profile=profile, exif=exif, quality=98, subsampling=0)
    folder.add("tiff.tif", icc_profile=profile, exif=exif)
    sixteen = np.full((HEIGHT, WIDTH), 1, np.uint16) * np.arange(0, WIDTH * 600, 600, dtype=np.uint16)
    folder.add("sixteen.png", sixteen)
    floating = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    folder.add("float.tif", floating)
    alpha = np.dstack([photo(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    alpha[:8, :, 3] = 100
    folder.add("alpha.png", alpha)
    assert folder.run() == {}
    inside = rectangle() > 0
    for name in ("eight.png", "jpeg.jpg", "tiff.tif"):
        result = folder.result(name)
        assert result.mode == "RGB" and result.info["icc_profile"] == profile, name
        assert result.getexif()[DESCRIPTION] == "A caption", name
        if name != "tiff.tif":  # Pillow cannot write this one
            assert result.getexif().get_ifd(EXIF)[EXPOSURE_TIME] == IFDRational(1, 125), name
    after = np.asarray(folder.result("eight.png"))
    assert np.array_equal(after[~inside], eight[~inside])
    assert np.array_equal(np.asarray(folder.result("tiff.tif"))[~inside], eight[~inside])
    assert (linear(after[inside]) / np.maximum(linear(eight[inside]), 1e-3)).mean() < 0.95
    deep = np.asarray(folder.result("sixteen.png"))
    assert deep.dtype == np.uint16 and np.array_equal(deep[~inside], sixteen[~inside])
    assert len(np.unique(deep[inside] % 257)) > 10  # not 8 bits blown up
    exact = np.asarray(folder.result("float.tif"))
    assert exact.dtype == np.float32 and np.abs(exact - floating)[~inside].max() < 1e-6
    assert np.array_equal(np.asarray(folder.result("alpha.png"))[~inside], alpha[~inside])


def test_pixels_are_what_the_layers_show(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without layers are edited in the box around the selection alone, here by what the networks say."""
    monkeypatch.setattr(start_command, "own_command", SERVER)
    soft = np.asarray(Image.fromarray(rectangle()).filter(ImageFilter.GaussianBlur(5)))
    alpha = np.dstack([photo(), np.where(np.indices((HEIGHT, WIDTH))[0] < 24, 120, 255).astype(np.uint8)])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    folder.add("plain.png", mask=soft, icc_profile=profile)
    folder.add("alpha.png", alpha, mask=soft)
    folder.add("gray.png", photo()[:, :, 0], mask=soft)
    folder.add("deep.png", photo()[:, :, 0].astype(np.uint16) * 257, mask=soft)
    names = ("plain", "alpha", "gray", "deep")
    assert folder.run(direction="emphasize") == {}
    straight = {name: np.asarray(folder.result(f"{name}.png")) for name in names}
    assert folder.run("xcf", direction="emphasize") == {}
    for name in names:
        source, shown = (str(folder.place / "out" / f"{name}.{suffix}") for suffix in ("xcf", "composed.png"))
        _compose(folder, source, shown, has_alpha=name == "alpha")
        composed = np.asarray(folder.result(f"{name}.composed.png"))
        assert composed.shape == straight[name].shape and composed.dtype == straight[name].dtype, name
        before = np.asarray(Image.open(folder.place / "in" / f"{name}.png"))
        assert (straight[name] != before).any() and np.array_equal(straight[name][soft == 0], before[soft == 0]), name
        difference = np.abs(composed.astype(int) - straight[name]).max()
        assert difference <= (1 if composed.dtype == np.uint8 else 2), (name, difference)


def _compose(folder: Folder, source: str, result: str, has_alpha: bool = False) -> None:
    """Write what the layers of an XCF file show as PNG."""
    folder.gimp.run(f"""
from gi.repository import Gimp, Gio
from gimp_saliency.batch import files
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({source!r}))
assert len(image.get_layers()) > 1
files.export_visible(image, {result!r}, "png", {has_alpha!r})
result = 0
""")


def test_xcf_keeps_the_edit_editable(folder: Folder) -> None:
    folder.add("a.png")
    assert folder.run("xcf") == {}
    path = str(folder.place / "out" / "a.xcf")
    layers = folder.gimp.run(
        "import inside\nfrom gi.repository import Gimp, Gio\n"
        f"image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({path!r}))\n"
        "result = inside.tree(image), Gimp.Selection.bounds(image)[1]\nimage.delete()"
    )
    (edit, photo), selected = layers
    assert not selected and "saliency-edit" in edit[4] and photo[4] == []
    assert edit[3] == (["gegl:exposure"] if folder.gimp.is_32 else [])


def test_background(folder: Folder) -> None:
    """The rest of the picture gets edits of its own; files without layers show what the layers of an XCF file do."""
    before = folder.add("a.png")
    gray = folder.add("gray.png", photo()[:, :, 0])
    names = {"a": before, "gray": gray}
    assert folder.run() == {}
    alone = {name: np.asarray(folder.result(f"{name}.png")) for name in names}
    assert folder.run(background=True) == {}
    inside = rectangle() > 0
    both = {name: np.asarray(folder.result(f"{name}.png")) for name in names}
    for name in names:
        assert np.array_equal(both[name][inside], alone[name][inside]), name
        assert (both[name] != names[name])[~inside].mean() > 0.5, name
    assert folder.run(background=True, background_strength=0.0) == {}
    assert all(np.array_equal(np.asarray(folder.result(f"{name}.png")), alone[name]) for name in names)
    assert folder.run("xcf", background=True) == {}
    for name in names:
        source, shown = (str(folder.place / "out" / f"{name}.{suffix}") for suffix in ("xcf", "composed.png"))
        _compose(folder, source, shown)
        composed = np.asarray(folder.result(f"{name}.composed.png"))
        assert np.abs(composed.astype(int) - both[name]).max() <= 1, name


def test_style(folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A saved style is what the server is asked for; a name that is none is refused."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    styles.EDITS.save("Faded", (4.0,) * 10)
    before = folder.add("a.png")
    outside = rectangle() == 0
    results = []
    for style in ("", "Faded"):
        assert folder.run(background=True, style=style) == {}
        results.append(np.asarray(folder.result("a.png")))
        assert (results[-1] != before)[outside].mean() > 0.5
    assert (results[0] != results[1])[outside].mean() > 0.5  # the stand-in's saturation depends on the style
    assert np.array_equal(results[0][~outside], results[1][~outside])
    failed = folder.run(style="Nobody")
    assert "choose one of «Faded»" in failed["a.png"]


def test_kinds_of_edit(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line, in files with and without layers; the stand-in says exposure, around it saturation, too."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    styles.EDITS.save("Faded", (4.0,) * 10)  # what its saturation depends on
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(folder.gimp.gimp.location))
    before, inside = folder.add("a.png"), rectangle() > 0
    places = [str(folder.place / "in"), str(folder.place / "out"), "--masks", str(folder.place / "masks")]

    def edit(*options: str) -> np.ndarray[Any, Any]:
        assert main(["batch", *places, "--direction", "attenuate", "--background", "--style", "Faded", *options]) == 0
        return np.asarray(folder.result("a.png"))

    everything, exposure, saturation = edit(), edit("--edits", "exposure"), edit("--edits", "saturation,tone")
    assert np.array_equal(exposure[inside], everything[inside]) and (exposure != before)[inside].mean() > 0.5
    assert np.array_equal(saturation[inside], before[inside])
    for one, other in ((exposure, before), (saturation, before), (exposure, everything), (saturation, everything)):
        assert (one != other)[~inside].mean() > 0.5
    assert np.array_equal(edit("--edits", "tone,curves"), before)
    edit("--edits", "saturation,tone", "--format", "xcf")
    path = str(folder.place / "out" / "a.xcf")
    _compose(folder, path, str(folder.place / "out" / "composed.png"))
    assert np.abs(np.asarray(folder.result("composed.png")).astype(int) - saturation).max() <= 1
    names = folder.gimp.run(
        "import inside\nfrom gi.repository import Gimp, Gio\n"
        f"image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({path!r}))\n"
        "result = str(inside.tree(image))\nimage.delete()"
    )
    assert "Saturation" in names and "Exposure" not in names
    capsys.readouterr()
    assert main(["batch", *places, "--direction", "attenuate", "--edits", "exposure,vibrato"]) == 1
    assert "There is no edit 'vibrato'; choose among " in capsys.readouterr().err


def test_grey_is_coverage(folder: Folder) -> None:
    """A pixel under mask value v is v / 255 of the way to the edit, in linear light."""
    values = {"white": 255, "half": 128, "quarter": 64}
    for name, value in values.items():
        pixels = np.full((HEIGHT, WIDTH, 3), 180, np.uint8)
        folder.add(f"{name}.png", pixels, np.full((HEIGHT, WIDTH), value, np.uint8))
    assert folder.run() == {}
    before = linear(np.uint8(180))
    for name, value in values.items():
        # The stand-in's exposure depends on the picture's bytes, mask included.
        thumbnail = bytes([180, 180, 180, value]) * (WIDTH * HEIGHT)
        ev = questions.ask_edits(thumbnail, WIDTH, HEIGHT, EditRequest("attenuate"))["edits"][0]["ev"]
        expected = before + value / 255 * (before * 2**ev - before)
        assert linear(np.asarray(folder.result(f"{name}.png"))).mean() == pytest.approx(expected, abs=0.005), name


def test_masks_of_all_kinds_select_the_same(folder: Folder) -> None:
    """Grey, colour, palette, 16 bit, transparency, a gamma chunk, and other sizes."""
    ramp = np.tile(np.arange(WIDTH, dtype=np.uint8) * 2, (HEIGHT, 1))
    colour = np.repeat(ramp[..., None], 3, -1)
    white = np.dstack([np.full_like(colour, 255), ramp])
    double = np.kron(ramp, np.ones((2, 2), np.uint8))
    folder.add("grey.png", None, ramp)
    for name, mask in {
        "colour": colour,
        "white": white,
        "double": double,
        "deep": ramp.astype(np.uint16) * 257,
    }.items():
        folder.add(f"{name}.png", None, mask)
    folder.add("palette.png", None, False)
    Image.fromarray(ramp).convert("P").save(folder.place / "masks" / "palette.png")
    folder.add("gamma.png", None, False)
    chunk = PngInfo()
    chunk.add(b"gAMA", (100000).to_bytes(4, "big"))
    Image.fromarray(ramp).save(folder.place / "masks" / "gamma.png", pnginfo=chunk)
    assert folder.run() == {}
    expected = np.asarray(folder.result("grey.png"))
    for name in ("colour", "white", "double", "deep", "palette", "gamma"):
        assert np.array_equal(np.asarray(folder.result(f"{name}.png")), expected), name


def test_several_regions_one_after_the_other(folder: Folder) -> None:
    before = folder.add("two.png", None, False)
    first, second = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    first[:20, :30], second[40:, 50:] = 255, 255
    Image.fromarray(first).save(folder.place / "masks" / "two__1.png")
    Image.fromarray(second).save(folder.place / "masks" / "two__2.png")
    assert folder.run() == {}
    changed = (np.asarray(folder.result("two.png")) != before).any(-1)
    inside = (first | second) > 0
    assert not changed[~inside].any()
    assert changed[first > 0].mean() > 0.9 and changed[second > 0].mean() > 0.9


def test_pictures_come_out_upright(folder: Folder) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    pixels = photo()
    folder.add("turned.png", pixels, rectangle(WIDTH, HEIGHT), exif=exif)
    assert folder.run() == {}
    result = folder.result("turned.png")
    assert result.size == (HEIGHT, WIDTH) and result.getexif().get(ORIENTATION, 1) == 1
    outside = rectangle(WIDTH, HEIGHT) == 0
    assert np.array_equal(np.asarray(result)[outside], np.rot90(pixels, -1)[outside])


def test_bad_pictures_are_named_and_good_ones_come_out_as_alone(folder: Folder) -> None:
    odd = "e 'f\" \n\U0001f600 #%.png"
    for name in ("a.png", "-n.png", odd, "z.png"):
        folder.add(name)
    assert folder.run() == {}
    alone = {path.name: path.read_bytes() for path in (folder.place / "out").iterdir()}
    pixels = {name: np.asarray(folder.result(name)) for name in alone}
    (folder.place / "in" / "text.jpg").write_text("This is no picture.")
    (folder.place / "in" / "empty.png").touch()
    (folder.place / "masks" / "text.png").write_bytes((folder.place / "masks" / "a.png").read_bytes())
    (folder.place / "masks" / "empty.png").write_bytes((folder.place / "masks" / "a.png").read_bytes())
    folder.add("tiny.png", photo(1, 1), rectangle(4, 4))
    folder.add("long.png", photo(20, 1500), rectangle(20, 1500))
    folder.add("black.png", None, np.zeros((HEIGHT, WIDTH), np.uint8))
    folder.add("nomask.png", None, False)
    folder.add("textmask.png", None, False)
    (folder.place / "masks" / "textmask.png").write_text("This is no mask.")
    folder.add("half.jpg", quality=95)
    half = folder.place / "in" / "half.jpg"
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    frames = [Image.fromarray(photo(seed=seed)) for seed in (1, 2)]
    folder.add("frames.gif", save_all=True, append_images=frames)
    failed = folder.run()
    assert {name: reason.split(": ", 1)[-1] for name, reason in failed.items()} == {
        "text.jpg": "choose one that GIMP can open.",
        "empty.png": "choose one that GIMP can open.",
        "tiny.png": "choose a larger one.",
        "long.png": "crop it so that no side is more than 24 times the other.",
        "black.png": "paint the region white.",
        "nomask.png": "put nomask.png into the folder of masks.",
        "textmask.png": "choose one that GIMP can open.",
        "half.jpg": "replace it with a good copy.",
        "frames.gif": "save the one to edit as a picture of its own.",
    }
    assert {path.name for path in (folder.place / "out").iterdir()} == set(alone)
    for name in alone:
        assert np.array_equal(np.asarray(folder.result(name)), pixels[name]), name


@pytest.mark.skipif(not (NETWORKS / "manifest.json").exists(), reason="no networks")
def test_a_killed_server_is_started_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png", "c.png"):
        folder.add(name)
    pids: set[int] = set()
    ask = GimpWorker._ask

    def kill_and_ask(worker: GimpWorker, *arguments: Any) -> Any:
        pid = lifecycle.ask_health()["pid"]  # type: ignore[index]
        pids.add(pid)
        os.kill(pid, signal.SIGKILL)
        return ask(worker, *arguments)

    monkeypatch.setattr(GimpWorker, "_ask", kill_and_ask)
    assert folder.run(ranking=Ranking.RANDOM) == {}
    assert len(pids) == 3


def test_memory_stays_flat(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(15):
        folder.add(f"p{i:02}.jpg", photo(600, 900, seed=i), rectangle(600, 900))
    sizes = measure_memory(monkeypatch)
    assert folder.run() == {}
    print(f"memory of GIMP and its plug-ins in MB after each picture: {[round(size) for size in sizes]}")
    # The lowest of some: an export plug-in that is just ending may be counted.
    assert min(sizes[-5:]) < min(sizes[3:8]) * 1.05 + 5
