# SPDX-License-Identifier: GPL-3.0-or-later
"""A data folder of tiny synthetic photographs, laid out like the real one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

PHOTOS = 6


# Random weights of each trunk, under the names that the tests ask for.
TRUNK_FILES = {
    "mobilenet-v2": ("mnv2_imagenet_from_int8_fp16.pth", "mnv2_deeplab_voc_fp16.pth"),
    "efficientnet-lite0": ("lite0.pth",),
}


def _photo(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of two orientations with two masks each, fixations, and random trunk weights."""
    from model_server.training.trunk import TRUNKS, Trunk

    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    (folder / "train").mkdir()
    (folder / "weights").mkdir()
    rows = []
    for index in range(PHOTOS):
        name, size = f"coco_{index}", (64, 48) if index % 2 else (48, 64)
        _photo(rng, size).save(folder / "train" / f"{name}.jpg")
        rows.append([f"{name}.jpg", "image", *size, "", ""])
        for k, label in enumerate(("person", "cup")):
            mask = Image.new("L", size)
            ImageDraw.Draw(mask).ellipse((8 + 10 * k, 10, 30 + 10 * k, 34), fill=255)
            mask.save(folder / "train" / f"{name}__{k}.png")
            rows.append([f"{name}__{k}.png", "mask", *size, label, f"{np.mean(np.asarray(mask)) / 255:.4f}"])
    with (folder / "train" / "SOURCES.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["file", "kind", "width", "height", "label", "area_frac"])
        writer.writerows(rows)
    for source in ("osie", "crowd"):
        (folder / "fixations" / source).mkdir(parents=True)
        names = [f"{k}.jpg" for k in range(PHOTOS)]
        for name in names:
            _photo(rng, (64, 48)).save(folder / "fixations" / source / name)
        count = PHOTOS * 2 * 5
        np.savez(
            folder / "fixations" / f"{source}.npz",
            images=np.array(names),
            size=np.array([[64, 48]] * PHOTOS, np.int16),
            image_index=np.repeat(np.arange(PHOTOS), 10).astype(np.int16),
            subject=np.tile(np.repeat([0, 1], 5), PHOTOS).astype(np.int8),
            xy=(rng.random((count, 2)) * (64, 48)).astype(np.float32),
        )
    torch.manual_seed(0)
    for kind, files in TRUNK_FILES.items():
        trunk = Trunk(tuple(sorted({stage[1] for stage in TRUNKS[kind]})))
        weights = {name: (value * 2).half() for name, value in trunk.state_dict().items()}
        for file in files:
            torch.save(weights, folder / "weights" / file)
    _write_tables(folder / "harmonize", rng)
    _write_composites(folder / "harmonize", rng)
    return folder


def _write_tables(folder: Path, rng: np.random.Generator) -> None:
    """Colour tables that bend the colours, and polynomials that scale them, as Harmonize learns from."""
    (folder / "luts").mkdir(parents=True)
    (folder / "illuminants").mkdir()
    ramp = np.linspace(0, 1, 17)
    identity = np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij")[::-1], -1)  # [b][g][r] -> r, g, b
    tables = [identity ** rng.uniform(0.6, 1.6, 3) for _ in range(10)]
    np.savez(folder / "luts" / "luts17.npz", luts=(np.stack(tables) * 65535).astype(np.uint16))
    gains = rng.uniform(0.7, 1.3, (10, 3))
    polynomials = np.zeros((2, 10, 3, 11))
    for way, values in enumerate((gains, 1 / gains)):
        for channel in range(3):
            polynomials[way, :, channel, channel] = values[:, channel]
    np.savez(folder / "illuminants" / "ccharmony_train.npz", forward=polynomials[0], reverse=polynomials[1])


def _write_composites(folder: Path, rng: np.random.Generator) -> None:
    """Pictures with something pasted in, and cut-outs with their coverage."""
    (folder / "composites").mkdir()
    (folder / "cutouts").mkdir()
    coverage = Image.new("L", (64, 48))
    ImageDraw.Draw(coverage).ellipse((10, 8, 40, 36), fill=255)
    for number in range(8):
        _photo(rng, coverage.size).save(folder / "composites" / f"mix_{number}.jpg")
        coverage.save(folder / "composites" / f"mix_{number}__0.png")
    for number in range(2):
        _photo(rng, coverage.size).save(folder / "cutouts" / f"cut_{number}_fg.jpg")
        coverage.save(folder / "cutouts" / f"cut_{number}_alpha.png")
