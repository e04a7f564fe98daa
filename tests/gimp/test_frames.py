# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving pictures in real GIMP: the same numbers in every frame, so that nothing flickers.

The model server's stand-in answers by every byte of the picture, so frames that were predicted anew would differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import GimpForTests
from tests.gimp import gui, test_looks
from tests.gimp.batch_folder import HEIGHT, WIDTH, Folder, photo, rectangle
from tests.gimp.gui import Window, wait_for
from tests.gimp.test_dialog import SELECTION, settled

INSIDE = rectangle() > 0
BLACK = np.zeros((HEIGHT, WIDTH), np.uint8)
DELAYS = [100, 50, 200, 70]
FRAMES = "Apply to all frames"


def moving(number: int, **options: Any) -> np.ndarray[Any, Any]:
    """A frame in which something moves outside of the region; within it all frames are the same."""
    pixels = photo(**options)
    pixels[2:8, 4 + 10 * number : 12 + 10 * number] = 250, 10, 10
    return pixels


def numbers_in(folder: Folder, *names: str) -> dict[str, list[Any]]:
    """Of each XCF file among the results the numbers in its layers, once for each edit."""
    paths = {name: str(folder.place / "out" / name) for name in names}
    return folder.gimp.run(f"import inside_frames\nresult = inside_frames.numbers_in({paths!r})")


def test_a_shot_has_the_numbers_of_its_first_frame_with_the_region(folder: Folder) -> None:
    masks = {8: BLACK, 9: rectangle(), 10: False, 11: BLACK, 12: rectangle()[::-1]}
    before = {number: folder.add(f"shot_{number}.png", moving(number - 8), mask) for number, mask in masks.items()}
    folder.add("other_1.png", photo(seed=3))
    assert folder.run(frames=True) == {}
    after = {number: np.asarray(folder.result(f"shot_{number}.png")) for number in masks}
    for unedited in (8, 11):
        assert np.array_equal(after[unedited], before[unedited])
    assert (after[9] != before[9])[INSIDE].any(-1).mean() > 0.9
    assert np.array_equal(after[9][INSIDE], after[10][INSIDE]), "the frames flicker"
    assert np.array_equal(after[10][~INSIDE], before[10][~INSIDE])
    assert (after[12] != before[12])[::-1][INSIDE].any(-1).mean() > 0.9
    kept = json.loads((folder.place / "out" / "shot_#.png.edits.json").read_text())
    assert kept["direction"] == "attenuate" and kept["regions"]["0"]["frame"] == "shot_9.png"
    other = json.loads((folder.place / "out" / "other_#.png.edits.json").read_text())
    assert other["regions"]["0"]["edits"] != kept["regions"]["0"]["edits"]

    assert folder.run("xcf", frames=True, processes=2) == {}
    found = numbers_in(folder, *(f"shot_{number}.xcf" for number in masks))
    assert found["shot_8.xcf"] == found["shot_11.xcf"] == []
    assert found["shot_9.xcf"] == found["shot_10.xcf"] == found["shot_12.xcf"] != []
    again = json.loads((folder.place / "out" / "shot_#.xcf.edits.json").read_text())
    assert found["shot_9.xcf"] == [again["regions"]["0"]["edits"]] == [kept["regions"]["0"]["edits"]]


def test_resumed_frames_get_the_numbers_that_were_kept(folder: Folder) -> None:
    for number in range(1, 4):
        folder.add(f"shot{number:03}.jpg", moving(number), False, quality=95, subsampling=0)
    Image.fromarray(rectangle()).save(folder.place / "masks" / "shot.png")  # for all of them
    assert folder.run(frames=True) == {}
    results = sorted((folder.place / "out").glob("*.jpg"))
    first = [np.asarray(folder.result(path.name)) for path in results]
    assert len(first) == 3
    for path in results[:2]:
        path.unlink()
    folder.add("shot002.jpg", photo(seed=9), False, quality=95)  # what the numbers would be asked of now is another
    (folder.place / "in" / "shot001.jpg").write_text("This is no picture.")
    assert set(folder.run(frames=True, resume=True)) == {"shot001.jpg"}
    folder.add("shot001.jpg", moving(1), False, quality=95, subsampling=0)
    folder.add("shot002.jpg", moving(2), False, quality=95, subsampling=0)
    results[1].unlink()
    assert folder.run(frames=True, resume=True) == {}
    for path, pixels in zip(results, first):
        assert np.array_equal(np.asarray(folder.result(path.name)), pixels), path.name
    results[0].unlink()
    failed = folder.run(frames=True, resume=True, strength=50.0)
    assert "was begun with direction attenuate, order best-realism, strength 100.0" in failed["shot001.jpg"]


def test_several_regions_of_a_shot(folder: Folder) -> None:
    """The second is edited after the first, in frames that lack one of them, too."""
    for number in range(1, 4):
        folder.add(f"s{number}.png", moving(number, seed=1), False)
    first, second = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    first[20:40, :30], second[20:40, 50:] = 255, 255
    for number, one, other in ((1, first, BLACK), (2, first, second), (3, BLACK, second)):
        Image.fromarray(one).save(folder.place / "masks" / f"s{number}__1.png")
        Image.fromarray(other).save(folder.place / "masks" / f"s{number}__2.png")
    assert folder.run(frames=True) == {}
    one, two, three = (np.asarray(folder.result(f"s{number}.png")) for number in (1, 2, 3))
    assert np.array_equal(one[first > 0], two[first > 0]) and np.array_equal(two[second > 0], three[second > 0])
    assert (one[second > 0] != two[second > 0]).any() and (three[first > 0] != two[first > 0]).any()
    kept = json.loads((folder.place / "out" / "s#.png.edits.json").read_text())["regions"]
    assert {region: answer["frame"] for region, answer in kept.items()} == {"1": "s1.png", "2": "s2.png"}


def frames_of(path: Path) -> tuple[list[np.ndarray[Any, Any]], list[int], int | None]:
    """An animation's frames, their delays in ms, and how often it is played."""
    with Image.open(path) as animation:
        frames, delays = [], []
        for number in range(animation.n_frames):
            animation.seek(number)
            frames.append(np.asarray(animation.convert("RGB")))
            delays.append(animation.info["duration"])
        return frames, delays, animation.info.get("loop")


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_animations(folder: Folder, ending: str) -> None:
    """GIFs as they come: frames that hold no more than what has changed since the one before."""
    options = {"save_all": True, "duration": DELAYS, "loop": 3, **({"lossless": True} if ending == "webp" else {})}
    frames = [Image.fromarray(moving(number)) for number in range(4)]
    if ending == "gif":  # with one palette: of its own Pillow gives each frame another, which flickers
        palette = frames[0].quantize(200, dither=Image.Dither.NONE)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    frames[0].save(folder.place / "in" / f"a.{ending}", append_images=frames[1:], **options)
    Image.fromarray(rectangle()).save(folder.place / "masks" / "a.png")
    before, delays, loops = frames_of(folder.place / "in" / f"a.{ending}")
    assert delays == DELAYS and loops == 3
    assert folder.run(frames=True) == {}
    after, delays, loops = frames_of(folder.place / "out" / f"a.{ending}")
    assert (delays, loops) == (DELAYS, 3)
    for old, new in zip(before, after):
        assert np.array_equal(new[INSIDE], after[0][INSIDE]), "the frames flicker"
        changed = np.abs(new.astype(int) - old)
        assert changed[INSIDE].mean() > 8
        if ending == "webp":
            assert not changed[~INSIDE].any()
        else:  # quantized anew
            assert changed[~INSIDE].mean() < 8
    assert folder.run("xcf", frames=True) == {}
    found = numbers_in(folder, "a.xcf")["a.xcf"]
    assert len(found) == 4 and all(each == found[0] for each in found)
    assert "has 4 frames, which png cannot hold" in folder.run("png", frames=True)[f"a.{ending}"]
    assert "has 4 frames or pages" in folder.run()[f"a.{ending}"]


def test_animation_whose_region_comes_later(folder: Folder) -> None:
    """Frames with transparency, two regions, played once."""
    rgba = [np.dstack([moving(number), np.full((HEIGHT, WIDTH), 255, np.uint8)]) for number in range(3)]
    rgba[0][INSIDE, 3] = 0
    frames = [Image.fromarray(frame) for frame in rgba]
    options = {"save_all": True, "duration": 80, "loop": 1, "lossless": True, "exact": True}
    frames[0].save(folder.place / "in" / "b.webp", append_images=frames[1:], **options)
    Image.fromarray(rectangle()).save(folder.place / "masks" / "b__1.png")
    other = rectangle()[::-1, ::-1]
    Image.fromarray(other).save(folder.place / "masks" / "b__2.png")
    assert folder.run(frames=True) == {}
    with Image.open(folder.place / "out" / "b.webp") as animation:
        assert animation.info["loop"] == 1
        after = []
        for number in range(3):
            animation.seek(number)
            after.append(np.asarray(animation.convert("RGBA")))
            assert animation.info["duration"] == 80
    assert not after[0][INSIDE, 3].any() and np.array_equal(after[1][INSIDE], after[2][INSIDE])
    assert (after[1] != rgba[1])[INSIDE].any(-1).mean() > 0.9
    assert np.array_equal(after[0][other > 0], after[2][other > 0])
    assert (after[0] != rgba[0])[other > 0].any(-1).mean() > 0.9
    neither = ~INSIDE & (other == 0)
    assert all(np.array_equal(new[neither], old[neither]) for new, old in zip(after, rgba))


def test_procedure(gimp: GimpForTests) -> None:
    result = gimp.run("import inside_frames\nresult = inside_frames.edit_all()")
    assert result["status"] == "success"
    assert result["frames"] == ["one (100ms)", "two (50ms)(replace)", "three (70ms)"]
    assert len(result["numbers"]) == 3 and all(each == result["numbers"][0] for each in result["numbers"])
    assert result["same inside"] and result["changed inside"] and result["same outside"]
    assert result["caption kept"] and result["active"] == "two (50ms)(replace)" and result["selection kept"]
    assert result["adjusted alike"] and result["adjusted"] and result["saved"]
    assert result["single"], "without frames the option changes the edit"
    assert result["one frame alone"], "without the option other frames were changed"
    assert result["undone after a fault"]


def test_background_of_all_frames(gimp: GimpForTests) -> None:
    result = gimp.run("import inside_frames\nresult = inside_frames.with_background()")
    assert len(result["numbers"]) == 3 and all(each == result["numbers"][0] for each in result["numbers"])
    assert max(result["alone"]) <= 1.01 / 255
    assert result["choices"] and result["outside as before"] and result["inside still edited"]


SENTENCES = {
    "small": "does not fill the picture",
    "group": "is a layer group",
    "locked": "is locked",
    "in a group": "in a group, and so no frame",
    "edited alone": "belongs to one frame",
}


def test_frames_that_cannot_be(gimp: GimpForTests) -> None:
    found = gimp.run("import inside_frames\nresult = inside_frames.sentences()")
    assert found.keys() == SENTENCES.keys()
    for name, (sentence, untouched) in found.items():
        assert SENTENCES[name] in sentence, name
        assert untouched, name


@pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")
def test_dialog(gimp: GimpForTests, tmp_path: Path) -> None:
    """The check box → OK → undo → redo; with a single layer there is none, and with other layers it is off."""
    with test_looks.profile(gimp) as own, gui.opened(own, tmp_path) as window:
        title = test_looks.open_dialog(window)
        alone = window.measure(title)
        assert not focus(window, FRAMES)
        window.keys("alt+o")
        wait_for(lambda: len(window.ask("state(image)['layers']")) > 1, "the edit")
        settled(window)
        test_looks.open_dialog(window)
        assert not focus(window, FRAMES), "the layers of an edit pass for frames"
        test_looks.answer(window, "Escape")
        window.activate("GIMP$")
        window.keys("ctrl+z")
        wait_for(lambda: len(window.ask("state(image)['layers']")) == 1, "one undo step")

        window.ask("__import__('inside_frames').add_frames(image, 2)")
        window.ask("image.clean_all()")
        before, selected = window.ask("state(image)"), window.selection()
        test_looks.open_dialog(window)
        window.calm()
        window.screenshot(f"frames-3.{gimp.gimp.version[1]}")
        left, top, width, height = window.measure(title)
        assert left >= 0 <= top and left + width <= 1280 and top + height <= 800
        assert height <= alone[3] + 40
        assert window.notes("cut")[-1]["texts"] == []
        assert focus(window, FRAMES)
        window.keys("space", "alt+o")
        wait_for(lambda: not window.find(title), "the dialog's end")
        wait_for(lambda: len(window.ask("state(image)['layers']")) == 6, "the edit")
        after = settled(window)
        numbers = window.ask("__import__('inside_frames').numbers(image)")
        assert len(numbers) == 3 and all(each == numbers[0] for each in numbers)
        gui.undo_and_redo(window, before, after, selected, SELECTION)
        window.keys("ctrl+z")
        wait_for(lambda: window.ask("state(image)['layers']") == before["layers"], "one undo step")

        window.ask("image.get_layers()[0].set_lock_content(True)")
        test_looks.open_dialog(window)
        assert not focus(window, FRAMES), "all frames can be chosen, though one of them is locked"
        window.keys("alt+o")
        wait_for(lambda: len(window.ask("inside.tree(image)")) > 3, "the edit of the active layer alone")


def focus(window: Window, control: str) -> bool:
    """Press Tab until the control has the focus; whether it is there."""
    for _ in range(30):
        count = len(window.notes("focus"))
        window.keys("Tab", pause=0.05)
        wait_for(lambda: len(window.notes("focus")) > count, "another focus", pause=0.02)  # noqa: B023
        if control in window.notes("focus")[-1]["on"]:
            return True
    return False
