# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up photographs of any size: shapes in soft light with some grain, as large in a file as a camera's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

# The part of the picture that is edited: left, top, right and bottom as shares of its size.
REGION = (0.35, 0.3, 0.6, 0.65)


def make_photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """An RGB picture, the same for the same seed."""
    rng = np.random.default_rng(seed)
    light = Image.fromarray(rng.integers(40, 200, (9, 13, 3), dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(light)
    for _ in range(40):
        x, y, reach = (int(rng.integers(*ends)) for ends in ((0, width), (0, height), (width // 60, width // 8)))
        draw.ellipse((x, y, x + reach, y + reach * 3 // 4), fill=tuple(rng.integers(20, 235, 3).tolist()))
    grain = rng.integers(-6, 7, (height, width, 1), dtype=np.int16)
    return Image.fromarray((np.asarray(light) + grain).clip(0, 255).astype(np.uint8))


def make_request(width: int = 384, height: int = 256) -> npt.NDArray[np.uint8]:
    """What the server gets of such a photograph: R'G'B'M (height, width, 4)."""
    picture = np.dstack([np.asarray(make_photograph(width, height)), np.zeros((height, width), np.uint8)])
    left, top, right, bottom = REGION
    picture[int(top * height) : int(bottom * height), int(left * width) : int(right * width), 3] = 255
    return np.ascontiguousarray(picture)


def make_folder(where: Path, count: int, size: tuple[int, int], suffix: str) -> tuple[Path, Path]:
    """Folders of `count` photographs and of their masks."""
    pictures, masks = where / f"pictures-{suffix}", where / f"masks-{suffix}"
    for made in (pictures, masks):
        made.mkdir()
    width, height = size
    mask = Image.new("L", size)
    box = tuple(round(share * (width, height)[i % 2]) for i, share in enumerate(REGION))
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    mask.save(masks / "0.png")
    for number in range(count):
        make_photograph(*size, seed=number).save(pictures / f"{number}.{suffix}", quality=95)
        if number:
            (masks / f"{number}.png").hardlink_to(masks / "0.png")
    return pictures, masks
