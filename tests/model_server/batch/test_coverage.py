# SPDX-License-Identifier: GPL-3.0-or-later
"""What masks of all kinds select: the same region, however a program writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from model_server.batch.coverage import read_coverage
from model_server.batch.failures import EmptyMask, JobError
from model_server.batch.masks import is_black, read_mask
from model_server.batch.pictures import Shape

WIDTH, HEIGHT = 60, 40
INSIDE = np.zeros((HEIGHT, WIDTH), bool)
INSIDE[8:30, 12:50] = True
Y, X = np.indices((HEIGHT, WIDTH))
RAMP = (X * 4).astype(np.uint8)
PHOTO = np.stack([X * 4, Y * 6, 255 - X * 3], -1).astype(np.uint8)


def write(folder: Path, pixels: Any, mode: str | None = None, name: str = "m.png", **save: Any) -> Path:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(folder / name, **save)
    return folder / name


def read(path: Path) -> Any:
    with Image.open(path) as mask:
        return read_coverage(mask)


def paint(inside: int, outside: int = 0, kind: type = np.uint8) -> Any:
    return np.where(INSIDE, kind(inside), kind(outside))


def make_palette(*colours: tuple[int, int, int]) -> Image.Image:
    picture = Image.fromarray(paint(1), "P")
    picture.putpalette([value for colour in colours for value in colour])
    return picture


CUT_OUT = np.dstack([PHOTO, paint(255)])
GRAY_CUT_OUT = np.dstack([PHOTO[:, :, 0] // 2 + 60, paint(255)])
PAINTED = np.dstack([np.repeat(paint(255)[..., None], 3, -1), np.full((HEIGHT, WIDTH), 255, np.uint8)])
PAINTED[:4, :, 3] = 0


@pytest.mark.parametrize(
    "mask",
    [
        paint(255),
        paint(1),
        paint(3),
        paint(65535, 0, np.uint16),
        paint(1, 0, np.uint16),
        paint(255, 0, np.uint16),
        paint(1000, 0, np.uint16),
        paint(1, 0, np.int32),
        paint(255, 0, np.int32),
        Image.fromarray(paint(255)).convert("1"),
        make_palette((0, 0, 0), (128, 0, 0)),
        make_palette((0, 0, 0), (0, 0, 64)),
        make_palette((0, 0, 0), (1, 1, 1)),
        make_palette((40, 0, 0), (0, 80, 200)),
        np.where(INSIDE[..., None], np.uint8([0, 0, 128]), np.uint8(0)),
        CUT_OUT,
        Image.fromarray(GRAY_CUT_OUT, "LA"),
        np.dstack([np.full_like(PHOTO, 255), paint(255)]),
        np.dstack([np.zeros_like(PHOTO), paint(255)]),
        PAINTED,
    ],
    ids=[
        "grey", "0 and 1", "label 3", "16 bit", "16 bit of 0 and 1", "8 bit in 16", "labels in 16 bit",
        "32 bit of 0 and 1", "8 bit in 32", "1 bit", "palette", "dark palette", "grey palette of labels",
        "palette without black",
        "colour of a label", "cut-out", "grey cut-out", "white on transparent", "silhouette", "painted on transparent",
    ],
)  # fmt: skip
def test_the_same_region(tmp_path: Path, mask: Any) -> None:
    values = read(write(tmp_path, mask, name="m.tif" if getattr(mask, "dtype", None) == np.int32 else "m.png"))
    full = np.iinfo(values.dtype).max
    assert np.array_equal(values, np.where(INSIDE, full, 0))


@pytest.mark.parametrize(("ending", "tolerance"), [("jpg", 0), ("tif", 0), ("webp", 0), ("bmp", 0), ("gif", 0)])
def test_other_formats(tmp_path: Path, ending: str, tolerance: int) -> None:
    """Also those with losses: what is nearly black is black, so that nothing else is selected."""
    values = read(write(tmp_path, paint(255), name=f"m.{ending}"))
    near = np.asarray(Image.fromarray(INSIDE).convert("L").filter(ImageFilter.MaxFilter(5))) > 0
    assert not values[~near].any() and (values[INSIDE] == 255).mean() > 0.95
    if ending not in ("jpg", "webp"):
        assert np.array_equal(values, paint(255))


@pytest.mark.parametrize(
    ("mask", "wanted"),
    [
        (RAMP, RAMP),
        (np.repeat(RAMP[..., None], 3, -1), RAMP),
        (RAMP.astype(np.uint16) * 257, RAMP.astype(np.uint16) * 257),
        (np.dstack([np.full_like(PHOTO, 255), RAMP]), RAMP),
        (np.full_like(RAMP, 64), np.full_like(RAMP, 64)),
        ((RAMP / 255).astype(np.float32), RAMP.astype(np.uint16) * 257),
    ],
    ids=["grey", "colours", "16 bit", "alpha", "flat", "0 to 1"],
)
def test_soft_masks_stay_soft(tmp_path: Path, mask: Any, wanted: Any) -> None:
    is_float = mask.dtype == np.float32
    values = read(write(tmp_path, mask, name="m.tif" if is_float else "m.png"))
    assert np.array_equal(values, wanted)


def test_labels_by_their_numbers(tmp_path: Path) -> None:
    """Of classes and of instances, with or without a ground of -1; not one grey value everywhere."""
    for values, kind, name in (
        ((0, 17), np.uint8, "m.png"),
        ((0, 5, 17, 90), np.uint8, "m.png"),
        ((0, 26001), np.uint16, "m.png"),
        ((-1, 0, 17), np.int32, "m.tif"),
    ):
        numbers = np.zeros((HEIGHT, WIDTH), kind)
        numbers[:4] = values[0] if values[0] < 0 else 0
        for place, value in enumerate(value for value in values if value > 0):
            numbers[8 + 5 * place : 13 + 5 * place, 12:50] = value
        assert np.array_equal(read(write(tmp_path, numbers, name=name)) > 0, numbers > 0), values
        assert read(tmp_path / name).max() == 255, values


def test_noise_of_compression_selects_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 9, (HEIGHT, WIDTH)).astype(np.uint8)
    assert not read(write(tmp_path, noise, name="m.jpg", quality=95)).any()


def test_a_mask_lies_as_its_picture_is_stored_or_seen(tmp_path: Path) -> None:
    """By EXIF's eight numbers; the mask's own flag counts, too."""
    seen = np.zeros((HEIGHT, WIDTH), np.uint8)
    seen[2:12, 4:30] = 255
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = {
            1: seen, 2: seen[:, ::-1], 3: seen[::-1, ::-1], 4: seen[::-1],
            5: seen.T, 6: np.rot90(seen), 7: seen[::-1, ::-1].T, 8: np.rot90(seen, -1),
        }[orientation]  # fmt: skip
        shape = Shape((WIDTH, HEIGHT), orientation)
        flagged = read_mask(write(tmp_path, np.ascontiguousarray(turned), exif=exif), shape)
        assert flagged and flagged.size == (WIDTH, HEIGHT) and flagged.box == (4, 2, 26, 10), orientation
        if orientation >= 5:  # else both have the same shape, and it is taken as it is seen
            stored = read_mask(write(tmp_path, np.ascontiguousarray(turned)), shape)
            assert stored and stored.size == (WIDTH, HEIGHT) and stored.box == (4, 2, 26, 10), orientation


def test_masks_of_other_sizes_and_shapes(tmp_path: Path) -> None:
    for size in ((30, 20), (120, 80), (90, 60), (61, 41)):
        small = Image.fromarray(paint(255)).resize(size)
        assert read_mask(write(tmp_path, small), Shape((WIDTH, HEIGHT)))
    for size in ((40, 40), (60, 60), (64, 64), (60, 36), (40, 60)):
        with pytest.raises(
            JobError, match=rf"has another shape \({size[0]}×{size[1]}\) than the picture \(60×40\): exp"
        ):
            read_mask(write(tmp_path, Image.fromarray(paint(255)).resize(size)), Shape((WIDTH, HEIGHT)))


def test_masks_that_show_nothing(tmp_path: Path) -> None:
    black = write(tmp_path, np.zeros((HEIGHT, WIDTH), np.uint8))
    with pytest.raises(EmptyMask, match="black everywhere: paint the region white"):
        read_mask(black, None)
    assert is_black(black)
    stray = np.zeros((2000, 3000), np.uint8)
    stray[5:9, 5:9] = 255
    path = write(tmp_path, stray, name="stray.png")
    with pytest.raises(EmptyMask, match=r"shows next to nothing \(16 pixels\): paint the region white"):
        read_mask(path, Shape((3000, 2000)))
    assert not is_black(path)
    (tmp_path / "text.png").write_text("no mask")
    assert read_mask(tmp_path / "text.png", None) is None and not is_black(tmp_path / "text.png")
