# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures, masks and preferences as people have them, in real GIMP."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from model_server.__main__ import main
from model_server.gimp import start_command
from tests.conftest import GimpForTests
from tests.gimp.batch_folder import HEIGHT, WIDTH, Folder, photo, rectangle
from tests.model_server.batch.test_metadata import XMP, add_segments, make_exif

SERVER = start_command.own_command  # the real one, in whose place a fixture puts another
INSIDE = rectangle() > 0


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_field\nresult = inside_field.{call}")


def find(folder: Folder, *parts: str) -> str:
    return str(folder.place.joinpath(*parts))


@pytest.fixture
def command(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line on the folder's pictures; its exit code."""
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(folder.gimp.gimp.location))

    def call(*options: str, masks: bool = True) -> int:
        places = ["batch", find(folder, "in"), find(folder, "out")]
        return main([*places, *(["--masks", find(folder, "masks")] if masks else []), *options])

    return call


# In GIMP's window and in scripts


def test_locks_are_lifted_and_restored(gimp: GimpForTests) -> None:
    """Edits and changed edits of locked layers are those of unlocked ones, and the locks are there afterwards."""
    found = run(gimp, "locked_edits()")
    assert len(found) == 9
    for name, (same, kept, named, changed) in found.items():
        assert (same, kept, named, changed) == (True, True, True, True), name


@pytest.mark.parametrize("precision", ["HALF_LINEAR", "FLOAT_LINEAR", "FLOAT_NON_LINEAR", "DOUBLE_LINEAR"])
@pytest.mark.parametrize("way", ["layers", "pixels"])
def test_what_is_no_number_does_not_spread(gimp: GimpForTests, way: str, precision: str) -> None:
    found = run(gimp, f"lost_pixels({way!r}, {precision!r})")
    assert found["lost before"] == 3 and found["unchanged inside"] < 10
    if way == "pixels":
        assert found["lost after"] == 3 and found["changed outside"] == 0
    else:  # GIMP composes layers, which rounds
        assert found["lost after"] <= 3 and found["changed outside"] < 0.02


def test_light_beyond_white_stays_light(gimp: GimpForTests) -> None:
    """What GIMP's curves would cut off is spared them; elsewhere and in other pictures nothing is left out."""
    found = run(gimp, "highlights()")
    curved = ["contrast", "curves", "tone"]
    light, dark = found["light"], found["dark"]
    assert light["left out"] == light["with background"] == curved and light["in order"]
    before, after = light["most"]
    assert before > 5 and after > 0.6 * before
    assert dark["left out"] == [] and dark["with background"] == curved
    assert found["16 bit"] == []


def test_a_cut_out_beyond_white_is_a_sentence(gimp: GimpForTests) -> None:
    assert run(gimp, "harmonize_light()") == (
        "Parts of the layer are lighter than white, which curves would cut off: lower its exposure first."
    )


# Folders


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"])
def test_only_what_is_selected_changes(folder: Folder, monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """In each precision and profile, number for number, and by what the networks say."""
    monkeypatch.setattr(start_command, "own_command", SERVER)
    kind = "tif" if precision.startswith("FLOAT") else "png"
    soft = np.zeros((HEIGHT, WIDTH), np.uint8)
    soft[10:30, 20:40], soft[30:50, 60:90] = 255, 90
    for name in ("srgb", "adobe"):
        run(folder.gimp, f"save_picture({find(folder, 'in', f'{name}.{kind}')!r}, {precision!r}, {name == 'adobe'})")
        Image.fromarray(soft).save(find(folder, "masks", f"{name}.png"))
    assert folder.run(direction="emphasize") == {}
    for name in ("srgb", "adobe"):
        paths = (find(folder, place, f"{name}.{kind}") for place in ("in", "out"))
        before, after = (
            np.asarray(run(folder.gimp, f"read_light({path!r})")).reshape(HEIGHT, WIDTH, 3) for path in paths
        )
        # Floating-point numbers in a profile with a curve GIMP itself rounds as it reads and writes them.
        rounding = 2e-6 if kind == "tif" else 0
        assert np.abs(before - after)[soft == 0].max() <= rounding, name
        assert (before != after).any(-1)[soft > 0].mean() > 0.9, name


def test_light_in_files(folder: Folder, command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """OpenEXR stays what it is; what a format cannot hold is said."""
    light = np.reshape(run(folder.gimp, f"save_light({find(folder, 'in', 'a.exr')!r})"), (48, 64, 3))
    mask = np.zeros((48, 64), np.uint8)
    mask[8:32, 10:40] = 255
    Image.fromarray(mask).save(find(folder, "masks", "a.png"))
    assert command("--direction", "attenuate") == 0
    assert "a.exr: Parts are lighter than white: contrast, tone and curves" in capsys.readouterr().err
    after = np.reshape(run(folder.gimp, f"read_light({find(folder, 'out', 'a.exr')!r})"), (48, 64, 3))
    assert np.array_equal(after[mask == 0], light[mask == 0]) and (after[mask > 0] != light[mask > 0]).mean() > 0.9
    assert after.max() > 5
    assert command("--direction", "attenuate", "--format", "png") == 0
    assert "a.exr: png cannot hold what is lighter than white: it is cut off" in capsys.readouterr().err
    assert command("--direction", "attenuate", "--format", "tif") == 0
    assert "cannot hold" not in capsys.readouterr().err
    after = np.reshape(run(folder.gimp, f"read_light({find(folder, 'out', 'a.tif')!r})"), (48, 64, 3))
    assert np.abs(after - light)[mask == 0].max() < 1e-5 and after.max() > 5


def test_the_visible_picture_is_edited(folder: Folder) -> None:
    """Whatever was active when the file was saved; and all of its layers and locks are there in an XCF result."""
    names = run(folder.gimp, f"save_layered({find(folder, 'in')!r})")
    for name in names:
        Image.fromarray(rectangle()).save(find(folder, "masks", f"{Path(name).stem}.png"))
    assert folder.run("png") == {}
    plain = np.asarray(folder.result("plain.png").convert("RGB")).astype(int)
    for name in names:
        result = folder.result(f"{Path(name).stem}.png")
        assert result.mode == "RGB" and np.abs(np.asarray(result) - plain).max() <= 1, name
    assert folder.run() == {}
    for name in names:
        before, after = (run(folder.gimp, f"show({find(folder, place, name)!r})") for place in ("in", "out"))
        shown, seen = (
            np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(HEIGHT, WIDTH, 3).astype(int)
            for pixels, _layers, _locked in (before, after)
        )
        assert np.array_equal(shown[~INSIDE], seen[~INSIDE]), name
        assert np.abs(seen - plain).max() <= 1 and before[2] == after[2], name
        assert name == "floating.xcf" or set(before[1]) <= set(after[1]), name


def test_a_layer_by_its_name(folder: Folder, command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder.gimp, f"save_named({find(folder, 'in', 'a.xcf')!r})")
    Image.fromarray(np.full((HEIGHT, WIDTH), 255, np.uint8)).save(find(folder, "masks", "a.png"))
    before, layers, _locked = run(folder.gimp, f"show({find(folder, 'in', 'a.xcf')!r})")
    assert command("--direction", "attenuate", "--layer", "Sign", "--format", "png") == 0
    shown = np.frombuffer(base64.b64decode(before), np.uint8).reshape(HEIGHT, WIDTH, 3)
    changed = (np.asarray(folder.result("a.png").convert("RGB")) != shown).any(-1)
    assert changed[10:50, 20:60].mean() > 0.9
    changed[10:50, 20:60] = False
    assert not changed.any() and "Sign" in layers
    for name, sentence in (("Tree", "It has no layer «Tree»"), ("Hidden", "Its layer «Hidden» is hidden")):
        assert command("--direction", "attenuate", "--layer", name) == 1
        assert sentence in capsys.readouterr().err
    run(folder.gimp, f"save_nothing({find(folder, 'in', 'a.xcf')!r})")
    assert command("--direction", "attenuate") == 1
    assert "a.xcf: It shows nothing: make a layer of it visible, or name one with --layer." in capsys.readouterr().err


def test_pages_and_thumbnails(folder: Folder) -> None:
    pages = [Image.fromarray(photo(seed=seed)) for seed in (1, 2)]
    small = pages[0].resize((WIDTH // 4, HEIGHT // 4))
    before = folder.add("small.tif", np.asarray(pages[0]), save_all=True, append_images=[small])
    folder.add("pages.tif", np.asarray(pages[0]), save_all=True, append_images=pages[1:])
    failed = folder.run()
    assert failed == {"pages.tif": "It has 2 frames or pages: save the one to edit as a picture of its own."}
    after = np.asarray(folder.result("small.tif"))
    assert np.array_equal(after[~INSIDE], before[~INSIDE]) and (after != before)[INSIDE].mean() > 0.5


def test_indexed_pictures(folder: Folder) -> None:
    """They get as many colours as the edit needs."""
    picture = Image.fromarray(photo()).convert("P", palette=Image.Palette.ADAPTIVE)
    picture.save(find(folder, "in", "a.png"))
    picture.save(find(folder, "in", "b.gif"))
    for name in "ab":
        Image.fromarray(rectangle()).save(find(folder, "masks", f"{name}.png"))
    assert folder.run() == {}
    before = np.asarray(picture.convert("RGB"))
    for name in "ab":
        after = np.asarray(folder.result(f"{name}.png").convert("RGB"))
        assert np.array_equal(after[~INSIDE], before[~INSIDE]) and (after != before)[INSIDE].mean() > 0.5


def test_a_turned_picture_and_all_that_its_file_carries(
    folder: Folder, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mask as the picture is stored, EXIF with the camera's own notes, XMP with a face, the comment."""
    path = Path(find(folder, "in", "a.jpg"))
    x, y = np.indices((WIDTH, HEIGHT))[::-1]
    smooth = np.stack([60 + x, 80 + y, 200 - x], -1).astype(np.uint8)
    Image.fromarray(smooth).save(path, quality=98, exif=b"Exif\0\0" + make_exif(), comment=b"a comment")
    add_segments(path, (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP))
    stored = rectangle(WIDTH, HEIGHT)
    Image.fromarray(stored).save(find(folder, "masks", "a.png"))
    assert command("--direction", "attenuate") == 0
    assert "cannot hold" not in capsys.readouterr().err
    result = folder.result("a.jpg")
    assert result.size == (WIDTH, HEIGHT) and result.info["comment"] == b"a comment"
    change = np.abs(np.asarray(result).astype(int) - np.rot90(smooth, -1)).max(-1)
    assert change[np.rot90(stored, -1) > 0].mean() > 3 * change[np.rot90(stored, -1) == 0].mean()
    exif = result.getexif()
    assert exif.get(0x0112, 1) == 1 and exif.get_ifd(0x8769)[0x927C].startswith(b"camera's own")
    assert b'xmp:Rating="4"' in result.info["xmp"] and b'stArea:x="0.7" stArea:y="0.2"' in result.info["xmp"]


def test_colours_below_transparency_and_chunks(folder: Folder) -> None:
    alpha = np.dstack([photo(), np.where(np.indices((HEIGHT, WIDTH))[0] < 10, 0, 255).astype(np.uint8)])
    folder.add("a.png", alpha)
    chunk = PngInfo()
    chunk.add(b"gAMA", (45455).to_bytes(4, "big"))
    chunk.add_text("parameters", "a cup")
    before = folder.add("b.png", pnginfo=chunk)
    assert folder.run() == {}
    outside = np.asarray(folder.result("a.png"))[~INSIDE]
    assert np.array_equal(outside, alpha[~INSIDE])
    assert folder.run("jpg") == {}
    assert np.asarray(folder.result("a.jpg").convert("RGB"))[:6].min() > 240  # white, as the note says
    result = folder.result("b.png")
    assert result.info["parameters"] == "a cup" and result.info["gamma"] == pytest.approx(0.45455)
    assert "icc_profile" not in result.info and np.array_equal(np.asarray(result)[~INSIDE], before[~INSIDE])


def describe(picture: Any) -> tuple[Any, ...]:
    """All of a result but for when it was written."""
    exif = picture.getexif()
    tags = {tag: exif[tag] for tag in exif if tag not in (0x0132, 0x8769)}
    return picture.mode, picture.size, picture.info.get("icc_profile"), tags, picture.tobytes()


def test_gimp_s_preferences_do_not_matter(folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rotation, profiles, precision, metadata: the results are the same."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "A caption"
    folder.add("a.png", photo(WIDTH, HEIGHT), rectangle(), exif=exif)
    run(folder.gimp, f"save_picture({find(folder, 'in', 'b.png')!r}, 'U8_NON_LINEAR', True)")
    Image.fromarray(rectangle()).save(find(folder, "masks", "b.png"))
    assert folder.run() == {}
    plain = {name: describe(folder.result(name)) for name in ("a.png", "b.png")}
    settings = Path(folder.gimp.env["GIMP3_DIRECTORY"], "gimprc")
    before = settings.read_text() if settings.exists() else None
    choices = {
        "metadata-rotation-policy": "keep", "color-profile-policy": "convert-builtin", "import-promote-float": "yes",
        "import-promote-dither": "yes", "import-add-alpha": "yes", "export-metadata-exif": "no",
        "export-color-profile": "no",
    }  # fmt: skip
    settings.write_text((before or "") + "".join(f"\n({name} {value})" for name, value in choices.items()) + "\n")
    try:
        assert folder.run() == {}
    finally:
        if before is None:
            settings.unlink()
        else:
            settings.write_text(before)
    assert {name: describe(folder.result(name)) for name in plain} == plain


def test_a_plan(folder: Folder, command: Any) -> None:
    """Two directions and a retouch of one picture, one after the other; another one in a sub-folder."""
    before = folder.add("a.png", None, False)
    left, right = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    left[:, :30], right[:, 60:] = 255, 255
    for name, mask in (("left", left), ("right", right)):
        Image.fromarray(mask).save(find(folder, "masks", f"{name}.png"))
    (folder.place / "in" / "sub").mkdir()
    Image.fromarray(photo(seed=3)).save(find(folder, "in", "sub", "b.png"))
    plan = folder.place / "plan.csv"
    rows = ["picture,mask,direction,strength,tool", "a.png,left.png,attenuate,,", "a.png,right.png,emphasize,150,"]
    plan.write_text("\n".join([*rows, "sub/b.png,left.png,attenuate,,"]) + "\n")
    assert command("--plan", str(plan)) == 0
    after = np.asarray(folder.result("a.png"))
    for mask in (left, right):
        assert (after != before).any(-1)[mask > 0].mean() > 0.5
    assert np.array_equal(after[(left | right) == 0], before[(left | right) == 0])
    result = np.asarray(folder.result("sub/b.png"))
    assert np.array_equal(result[left == 0], photo(seed=3)[left == 0]) and (result != photo(seed=3)).any()
