# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder job of Harmonize Layer in real GIMP: composites with masks, and files with layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gimp_saliency.shared import styles
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.harmony import INPUTS, Harmony, HarmonyRequest
from model_server.__main__ import main
from tests.gimp.batch_folder import HEIGHT, WIDTH, Folder, photo, rectangle

Pixels = np.ndarray[Any, Any]
STEP = 1 / 255
# As it starts, GIMP measures which of its conversions are the quickest, and takes those.  So what two of them make of
# the same picture in 16 bits may be a step apart: GIMP 3.0 gives that for certain where one has BABL_TOLERANCE=0.  In 8
# bits it is the same then, too.
ROUNDING = 1.01 / 65535
STYLE = (2.5, *([0.0] * 9))


def run(folder: Folder, call: str) -> Any:
    """What a function of inside_composites answers."""
    return folder.gimp.run(f"import inside_composites\nresult = inside_composites.{call}")


def find(folder: Folder, place: str, name: str) -> str:
    return str(folder.place / place / name)


def read_base(folder: Folder, name: str) -> Harmony:
    """The harmony at 100 % that the one record in a result with layers holds."""
    (record,) = run(folder, f"describe({find(folder, 'out', name)!r})")["records"]
    return Harmony.from_json(record["base"])


def soft() -> Pixels:
    return np.asarray(Image.fromarray(rectangle()).filter(ImageFilter.GaussianBlur(5)))


def decode(value: Pixels) -> Pixels:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encode(light: Pixels) -> Pixels:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def harmonize(before: Pixels, mask: Pixels, base: Harmony, request: HarmonyRequest) -> Pixels:
    """What becomes of display-encoded values 0..1, gray or in three channels, through a mask of 0..1.

    The stand-in's shading is the same everywhere.
    """
    harmony = request.scale(base, gray=before.ndim == 2)
    bent = [np.interp(before[..., i], INPUTS, curve) for i, curve in enumerate(harmony.curves()[: before.shape[-1]])]
    curved = np.interp(before, INPUTS, harmony.red) if before.ndim == 2 else np.stack(bent, -1)
    gain = 2.0 ** (harmony.shading.values[0][0] if harmony.shading else 0.0)
    share = mask if before.ndim == 2 else mask[..., None]
    light = decode(before)
    return encode(light + share * (np.minimum(1, decode(curved) * gain) - light))


def scale(pixels: Pixels) -> Pixels:
    """Values 0..1 of those in a file."""
    return pixels / np.iinfo(pixels.dtype).max


def test_composites_with_masks(folder: Folder) -> None:
    """Nothing changes outside of a mask, nor any alpha; inside it is what plain Python says, in layers and without."""
    mask = soft()
    alpha = np.dstack([photo(), np.where(np.indices((HEIGHT, WIDTH))[0] < 24, 120, 255).astype(np.uint8)])
    alpha[20:22, :, 3] = 0
    pictures = {"plain": photo(), "alpha": alpha, "gray": photo()[:, :, 0]}
    pictures["deep"] = photo()[:, :, 0].astype(np.uint16) * 257
    for name, pixels in pictures.items():
        folder.add(f"{name}.png", pixels, mask)
    assert folder.harmonize() == {}
    straight = {name: np.asarray(folder.result(f"{name}.png")) for name in pictures}
    assert folder.harmonize("xcf") == {}
    for name, before in pictures.items():
        after, base = straight[name], read_base(folder, f"{name}.xcf")
        assert after.shape == before.shape and after.dtype == before.dtype, name
        colours = slice(0, 3) if name == "alpha" else slice(None)
        seen = np.full(mask.shape, True)
        if name == "alpha":
            assert np.array_equal(after[..., 3], before[..., 3])
            seen = before[..., 3] > 0  # GIMP writes no colours of what is wholly transparent
        assert np.array_equal(after[seen & (mask == 0)], before[seen & (mask == 0)]), name
        expected = harmonize(scale(before)[..., colours], mask / 255, base, HarmonyRequest())
        difference = np.abs(scale(after)[..., colours] - expected)[seen].max()
        assert difference <= (1e-3 if name == "deep" else 1.5 * STEP), (name, difference / STEP)
        assert np.abs(expected - scale(before)[..., colours])[mask > 100].max() > 10 * STEP, name
        paths = find(folder, "out", f"{name}.xcf"), find(folder, "out", f"{name}.composed.png")
        run(folder, f"compose(*{paths!r}, {name == 'alpha'})")
        composed = np.asarray(folder.result(f"{name}.composed.png"))
        difference = np.abs(scale(composed) - scale(after)).max()
        assert difference <= (ROUNDING if name == "deep" else 0), (name, difference)


def test_the_server_sees_the_composite_and_the_mask(folder: Folder) -> None:
    before = folder.add("a.png")
    assert folder.harmonize("xcf") == {}
    pixels = np.dstack([before, rectangle()]).tobytes()
    answer = Harmony.from_json(questions.ask_harmony(pixels, WIDTH, HEIGHT))
    assert read_base(folder, "a.xcf").to_json() == answer.to_json()


def test_strengths(folder: Folder) -> None:
    before, mask = folder.add("a.png"), rectangle() / 255
    assert folder.harmonize("xcf") == {}
    base = read_base(folder, "a.xcf")
    found = []
    for strengths in ((50.0,), (100.0, 0.0), (100.0, 100.0, 0.0), (150.0, 60.0)):
        request = HarmonyRequest(*strengths)
        assert folder.harmonize(request=request) == {}
        found.append(scale(np.asarray(folder.result("a.png"))))
        difference = np.abs(found[-1] - harmonize(scale(before), mask, base, request)).max()
        assert difference <= 1.5 * STEP, (strengths, difference / STEP)
    assert all(np.abs(one - other).max() > 10 * STEP for one, other in zip(found, found[1:]))
    assert folder.harmonize(request=HarmonyRequest(0.0)) == {}
    assert np.array_equal(np.asarray(folder.result("a.png")), before)


def test_style(folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A saved style of harmonies is what the server is asked for, and what the layers note; others are refused."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    styles.HARMONIES.save("Faded", STYLE)
    styles.EDITS.save("Of edits", STYLE)
    before, mask = folder.add("a.png"), rectangle() / 255
    for style in ("", "Faded"):
        request = HarmonyRequest(style=style)
        assert folder.harmonize("xcf", request=request) == {}
        (record,) = run(folder, f"describe({find(folder, 'out', 'a.xcf')!r})")["records"]
        base = Harmony.from_json(record["base"])
        assert base.blue[-1] == pytest.approx(0.5 if style else 1, abs=1e-4)  # the stand-in's depends on the style
        assert record.get("style") == (list(STYLE) if style else None)
        assert folder.harmonize(request=request) == {}
        difference = np.abs(scale(np.asarray(folder.result("a.png"))) - harmonize(scale(before), mask, base, request))
        assert difference.max() <= 1.5 * STEP, style
    failed = folder.harmonize(request=HarmonyRequest(style="Of edits"))
    assert "There is no style «Of edits»: choose one of «Faded»." in failed["a.png"]


def test_several_pasted_parts(folder: Folder) -> None:
    """Each gets a layer and a harmony of its own."""
    before = folder.add("two.png", None, False)
    first, second = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    first[:20, :30], second[40:, 50:] = 255, 255
    for number, mask in ((1, first), (2, second)):
        Image.fromarray(mask).save(folder.place / "masks" / f"two__{number}.png")
    assert folder.harmonize() == {}
    changed = (np.asarray(folder.result("two.png")) != before).any(-1)
    assert not changed[(first | second) == 0].any()
    assert changed[first > 0].mean() > 0.9 and changed[second > 0].mean() > 0.9
    assert folder.harmonize("xcf") == {}
    described = run(folder, f"describe({find(folder, 'out', 'two.xcf')!r})")
    assert len(described["records"]) == 2 and not described["selected"] and len(described["shown"]) == 3


def test_of_no_strength_nothing_is_left(folder: Folder) -> None:
    before = folder.add("a.png")
    for kind in ("png", "xcf"):
        assert folder.harmonize(kind, request=HarmonyRequest(0)) == {}
    assert np.array_equal(np.asarray(folder.result("a.png")), before)
    assert len(run(folder, f"describe({find(folder, 'out', 'a.xcf')!r})")["layers"]) == 1


def test_parts_that_overlap_are_harmonized_one_after_the_other(folder: Folder) -> None:
    before = folder.add("twice.png", np.full((HEIGHT, WIDTH, 3), 60, np.uint8))
    (folder.place / "masks" / "twice.png").rename(folder.place / "masks" / "twice__1.png")
    Image.fromarray(rectangle()).save(folder.place / "masks" / "twice__2.png")
    assert folder.harmonize() == {}
    after, inside = np.asarray(folder.result("twice.png")), rectangle() > 0
    green = encode(2 * decode(scale(before[..., 1])))  # half a stop each; the stand-in's curve changes red alone
    assert np.abs(scale(after[..., 1]) - green)[inside].max() <= 1.5 * STEP
    assert np.array_equal(after[~inside], before[~inside])


@pytest.mark.parametrize("options", ["", "masked=True", "grouped=True", "precision='U16_NON_LINEAR'", "part=True"])
def test_the_topmost_visible_layer(folder: Folder, options: str) -> None:
    """As the tool would do it in the window, what a file keeps as selected included; in XCF it can be changed again."""
    source, result = find(folder, "in", "a.xcf"), find(folder, "out", "a.xcf")
    run(folder, f"save_scene({source!r}, {options})")
    assert folder.harmonize(masks=False) == {}
    found = run(folder, f"compare({source!r}, {result!r}, 'Cut-out')")
    assert found["far"] <= (ROUNDING if "U16" in options else 0), found
    assert found["changed"] > 10 * STEP and found["kept"], found
    assert found["part"] == [options.startswith("part")] * 2
    filters = run(folder, f"describe({result!r})")["filters"]
    assert filters.count("gimp:curves") == (1 if folder.gimp.is_32 else 0)


def test_the_layer_with_a_name(folder: Folder) -> None:
    source, result = find(folder, "in", "a.xcf"), find(folder, "out", "a.xcf")
    run(folder, f"save_scene({source!r}, other=True)")
    for name in ("Cut-out", "Other"):
        assert folder.harmonize(masks=False, layer=name) == {}
        found = run(folder, f"compare({source!r}, {result!r}, {name!r})")
        assert found["far"] == 0 and found["changed"] > 10 * STEP and found["kept"], found
        assert f"{name} harmonized" in run(folder, f"describe({result!r})")["layers"]


def test_formats_of_files_with_layers(folder: Folder) -> None:
    """PSD and ORA keep the layers, the harmony as pixels; where there is one layer, it is what is to be seen."""
    for kind in ("xcf", "psd", "ora"):
        run(folder, f"save_scene({find(folder, 'in', f'{kind}.{kind}')!r})")
    assert folder.harmonize(masks=False) == {}
    assert sorted(path.name for path in (folder.place / "out").iterdir()) == ["ora.ora", "psd.psd", "xcf.xcf"]
    for name in ("psd.psd", "ora.ora"):
        found = run(folder, f"describe({find(folder, 'out', name)!r})")
        assert found["layers"] == ["Above", "Cut-out harmonized", "Cut-out", "Photo"], name
        assert found["shown"] == ["Cut-out harmonized", "Photo"] and found["filters"] == [], name
    assert folder.harmonize("png", masks=False) == {}
    for kind in ("xcf", "psd", "ora"):
        assert folder.result(f"{kind}.png").mode == ("RGBA" if kind == "psd" else "RGB")  # GIMP gives its photo alpha
        paths = find(folder, "out", f"{kind}.{kind}"), find(folder, "out", f"{kind}.png")
        assert run(folder, f"compare_visible(*{paths!r})") <= 1.01 * STEP, kind
    assert folder.harmonize("psd", masks=False, request=HarmonyRequest(shading=0)) == {}
    for kind in ("xcf", "psd", "ora"):  # of curves alone GIMP 3.2 makes a filter of the layer itself
        found = run(folder, f"describe({find(folder, 'out', f'{kind}.psd')!r})")
        assert len(found["layers"]) == 4 and found["layers"][-1] == "Photo", kind
        assert len(found["shown"]) == 2 and found["shown"][-1] == "Photo" and found["filters"] == [], kind
        assert run(folder, f"differ({find(folder, 'out', f'{kind}.psd')!r})"), kind


def test_bad_files_are_named_and_good_ones_come_out_as_alone(folder: Folder) -> None:
    run(folder, f"save_scene({find(folder, 'in', 'good.xcf')!r})")
    assert folder.harmonize("png", masks=False) == {}
    alone = np.asarray(folder.result("good.png")).astype(int)
    made = find(folder, "in", "again.xcf")
    assert folder.harmonize(masks=False) == {}
    (folder.place / "out" / "good.xcf").rename(made)
    run(folder, f"save_scene({find(folder, 'in', 'hidden.xcf')!r}, hidden=True)")
    folder.add("flat.png", mask=False)
    (folder.place / "in" / "text.psd").write_text("This is no picture.")
    page = Image.fromarray(photo())
    page.save(folder.place / "in" / "pages.tif", save_all=True, append_images=[page])
    failed = folder.harmonize("png", masks=False)
    assert {name: reason.rpartition(": ")[2] for name, reason in failed.items()} == {
        "again.xcf": "take the file from before that, or another layer by --layer.",
        "flat.png": "save the cut-out as a layer above its photo, or give masks with --masks.",
        "hidden.xcf": "make the cut-out and its photo visible.",
        "pages.tif": "save the one to edit as a picture of its own.",
        "text.psd": "choose one that GIMP can open.",
    }
    # As it starts, GIMP measures which of its conversions are the quickest: a value in the middle may go either way.
    assert np.abs(np.asarray(folder.result("good.png")) - alone).max() <= 1
    failed = folder.harmonize("png", masks=False, layer="Cut-ou")
    assert failed["good.xcf"] == "It has no layer «Cut-ou»: give the name of one that it has with --layer."
    failed = folder.harmonize("png", masks=False, layer="Photo")
    assert failed["good.xcf"].startswith("The layer covers the whole picture: cut out what is to match")


def test_bad_composites_are_named(folder: Folder) -> None:
    before = folder.add("good.png")
    folder.add("black.png", mask=np.zeros((HEIGHT, WIDTH), np.uint8))
    folder.add("white.png", mask=np.full((HEIGHT, WIDTH), 255, np.uint8))
    folder.add("none.png", mask=False)
    folder.add("tiny.png", photo(4, 4), rectangle(4, 4))
    run(folder, f"save_scene({find(folder, 'in', 'layers.xcf')!r})")
    Image.fromarray(rectangle()).save(folder.place / "masks" / "layers.png")
    failed = folder.harmonize()
    assert {name: reason.rpartition(": ")[2] for name, reason in failed.items()} == {
        "black.png": "paint the region white.",
        "layers.xcf": "merge its layers, or leave the masks out to harmonize one of them.",
        "none.png": "put none.png into the folder of masks.",
        "tiny.png": "choose a larger one.",
        "white.png": "cut out what is to match the photo below it, or give the layer a layer mask.",
    }
    assert [path.name for path in (folder.place / "out").iterdir()] == ["good.png"]
    changed = (np.asarray(folder.result("good.png")) != before).any(-1)
    assert changed[rectangle() > 0].mean() > 0.9 and not changed[rectangle() == 0].any()


def test_the_command_line(folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(folder.gimp.gimp.location))
    for name in ("a", "b"):
        run(folder, f"save_scene({find(folder, 'in', f'{name}.xcf')!r}, other=True)")
    folder.add("flat.png")
    places = ["batch", find(folder, "in", ""), find(folder, "out", ""), "--harmonize", "--format", "png"]
    assert main([*places, "--layer", "Cut-out", "--jobs", "2"]) == 1
    said = capsys.readouterr()
    assert "2 pictures edited, 1 failed." in said.out and "flat.png: It has no second layer: " in said.err
    whole = np.asarray(folder.result("a.png")).astype(int)
    Path(find(folder, "out", "a.png")).unlink()
    assert main([*places, "--layer", "Cut-out", "--strength", "50", "--shading", "0", "--resume"]) == 1
    assert "1 pictures edited, 1 failed, 1 were finished before." in capsys.readouterr().out
    assert np.abs(np.asarray(folder.result("a.png")) - whole).max() > 10
    Path(find(folder, "in", "a.xcf")).unlink()
    Path(find(folder, "in", "b.xcf")).unlink()
    assert main([*places, "--masks", find(folder, "masks", "")]) == 0
    assert "1 pictures edited, 0 failed." in capsys.readouterr().out
