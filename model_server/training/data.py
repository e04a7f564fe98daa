# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs, region masks and fixations for training, with the aspect ratio kept.

The folder's layout and origin are described in MODEL_CARD.md.  A photograph lies on one side of the validation split
for all networks: `is_validation` decides by its name, and `validation.txt` beside this file is the resulting list
(`python -m model_server.training.data --data DIR` prints it).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

DATA = Path("../shared/data")

# Pictures are fit into LONG x SHORT or SHORT x LONG pixels, by their orientation, on a canvas whose sides are multiples
# of MULTIPLE.  More pixels bring nearly nothing (MODEL_CARD.md), and cost twice the time.
LONG, SHORT = 192, 144
MULTIPLE = 32

# Labels of CCP (a street-fashion set) are garments and skin: everything in it is on a person.
_PEOPLE_PREFIXES = ("ccp_", "hum_")
_PEOPLE_LABELS = ("person", "human", "man", "woman", "child", "boy", "girl", "people", "pedestrian", "face")


class DataError(SystemExit):
    """The data folder cannot be used: one sentence that says what is missing, the end of a training script."""


def is_validation(photo: str) -> bool:
    """Whether a photograph (by its name, such as "osie_1002") is held out: about one in ten, the same for ever."""
    return hashlib.sha256(photo.encode()).digest()[0] < 26


def is_test(photo: str) -> bool:
    """Whether a held-out photograph is one of those that no choice may be made on either: about every second one."""
    return is_validation(photo) and hashlib.sha256(photo.encode()).digest()[1] < 128


def is_people(file: str, label: str) -> bool:
    """Whether a mask shows a person or a part of one, by its file's source and its label in SOURCES.csv.

    "human segment" means segmented by humans, so it is no person.
    """
    words = label.lower().replace("_", " ").split()
    return file.startswith(_PEOPLE_PREFIXES) or (label != "human segment" and any(w in _PEOPLE_LABELS for w in words))


@dataclass
class Photo:
    """A photograph, kept compressed: decoding is cheap, thousands of decoded pictures are not."""

    name: str
    file: Path
    size: tuple[int, int]
    data: bytes = field(repr=False, default=b"")

    @property
    def portrait(self) -> bool:
        return self.size[1] > self.size[0]

    def open_picture(self) -> Image.Image:
        if not self.data:
            self.data = self.file.read_bytes()
        return Image.open(io.BytesIO(self.data)).convert("RGB")


@dataclass
class FixationPhoto(Photo):
    """A photograph with all viewers' fixations, [F, 2] pixels x, y; each viewer's forced first one is dropped.

    subjects [F] tells whose fixation it is.
    """

    fixations: np.ndarray[Any, Any] = field(repr=False, default_factory=lambda: np.zeros((0, 2)))
    subjects: np.ndarray[Any, Any] = field(repr=False, default_factory=lambda: np.zeros(0))


@dataclass
class Region:
    """One region of a photograph: its soft mask and whether it shows people."""

    photo: Photo
    file: Path
    label: str
    people: bool
    area: float

    def open_mask(self) -> Image.Image:
        return Image.open(self.file).convert("L")


@dataclass(frozen=True)
class Placement:
    """Which part of a photograph (box: left, top, right, bottom) fills which size at the canvas' top left corner."""

    box: tuple[float, float, float, float]
    size: tuple[int, int]
    canvas: tuple[int, int]
    flip: bool

    def place(self, image: Image.Image) -> np.ndarray[Any, Any]:
        """The placed image [h, w] or [h, w, c], uint8; the rest of the canvas repeats the last row and column."""
        placed = np.asarray(image.resize(self.size, Image.Resampling.BILINEAR, box=self.box, reducing_gap=2))
        if self.flip:
            placed = placed[:, ::-1]
        rest = [(0, self.canvas[1] - self.size[1]), (0, self.canvas[0] - self.size[0])]
        return np.pad(placed, rest + [(0, 0)] * (placed.ndim - 2), mode="edge")

    def mark_valid(self) -> Tensor:
        """1 on the picture, 0 on the rest of the canvas: [1, h, w]."""
        valid = torch.zeros(1, self.canvas[1], self.canvas[0])
        valid[:, : self.size[1], : self.size[0]] = 1
        return valid

    def place_points(self, xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Points of the photograph in canvas pixels, those outside the box left out."""
        left, top, right, bottom = self.box
        moved = (xy - (left, top)) * (self.size[0] / (right - left), self.size[1] / (bottom - top))
        if self.flip:
            moved[:, 0] = self.size[0] - moved[:, 0]
        inside = (moved >= 0).all(1) & (moved < self.size).all(1)
        return moved[inside]


def largest_size(portrait: bool) -> tuple[int, int]:
    """Width and height that pictures are fit into."""
    return (SHORT, LONG) if portrait else (LONG, SHORT)


def canvas_size(portrait: bool) -> tuple[int, int]:
    """Width and height of the canvas."""
    width, height = (-(-side // MULTIPLE) * MULTIPLE for side in largest_size(portrait))
    return width, height


def place_whole(photo: Photo) -> Placement:
    """The whole photograph, aspect kept, unflipped."""
    return _place_box(photo, (0.0, 0.0, float(photo.size[0]), float(photo.size[1])), flip=False)


def place_randomly(photo: Photo, rng: np.random.Generator) -> Placement:
    """A random flip and, three times out of four, a random part of the photograph (64 to 100 % of its area)."""
    width, height = photo.size
    flip = bool(rng.random() < 0.5)
    if rng.random() < 0.25:
        return _place_box(photo, (0.0, 0.0, float(width), float(height)), flip)
    w, h = width * rng.uniform(0.8, 1), height * rng.uniform(0.8, 1)
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return _place_box(photo, (left, top, left + w, top + h), flip)


def _place_box(photo: Photo, box: tuple[float, float, float, float], flip: bool) -> Placement:
    largest = largest_size(photo.portrait)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(largest[0] / width, largest[1] / height)
    size = (min(largest[0], max(1, round(width * scale))), min(largest[1], max(1, round(height * scale))))
    return Placement(box, size, canvas_size(photo.portrait), flip)


def to_tensor(placed: np.ndarray[Any, Any]) -> Tensor:
    """uint8 [h, w, 3] or [h, w] to float [3 or 1, h, w], 0..1."""
    array = np.ascontiguousarray(placed if placed.ndim == 3 else placed[:, :, None])
    return torch.from_numpy(array).permute(2, 0, 1).float() / 255


# What a user's selection may look like, and how often: as it is, grown, shrunk, feathered, a box around the object.
SELECTIONS = {"same": 0.55, "grow": 0.15, "shrink": 0.1, "feather": 0.12, "box": 0.08}


def vary_mask(mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The mask as a user's selection may be, of a kind drawn by SELECTIONS."""
    return imitate_selection(mask, str(rng.choice(list(SELECTIONS), p=list(SELECTIONS.values()))), rng)


def imitate_selection(mask: Image.Image, kind: str, rng: np.random.Generator) -> Image.Image:
    """The mask as a user's selection of one kind may be; never empty if the mask is not."""
    if kind == "grow":
        return mask.filter(ImageFilter.MaxFilter(int(rng.choice([3, 5, 9]))))
    if kind == "shrink":
        smaller = mask.filter(ImageFilter.MinFilter(int(rng.choice([3, 5]))))
        return smaller if smaller.getbbox() else mask
    if kind == "feather":
        return mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 6))))
    if kind == "box":
        box = mask.point([0] * 128 + [255] * 128).getbbox()
        if box:
            rectangle = Image.new("L", mask.size)
            rectangle.paste(255, box)
            return rectangle
    return mask


def load_fixations(data: Path) -> list[FixationPhoto]:
    """All photographs with fixations (OSIE, 15 viewers; Crowd, 16 viewers)."""
    photos = []
    for source in ("osie", "crowd"):
        file = data / "fixations" / f"{source}.npz"
        if not file.is_file():
            raise DataError(f"{file} is missing: point --data at the folder that MODEL_CARD.md describes.")
        with np.load(file) as archive:
            table = {key: archive[key] for key in archive.files}
        # A viewer's first fixation is where the subject or the picture changes.
        key = table["image_index"].astype(np.int64) * 1000 + table["subject"]
        first = np.concatenate([[True], key[1:] != key[:-1]])
        for index, name in enumerate(table["images"]):
            file = data / "fixations" / source / str(name)
            if not file.is_file():
                file = data / "train" / f"{source}_{name}"
            chosen = (table["image_index"] == index) & ~first
            size = (int(table["size"][index][0]), int(table["size"][index][1]))
            stem = f"{source}_{Path(str(name)).stem}"
            photos.append(FixationPhoto(stem, file, size, b"", table["xy"][chosen], table["subject"][chosen]))
    return photos


def load_regions(data: Path, smallest: float = 0.005, largest: float = 0.4) -> list[Region]:
    """All masked regions whose share of the picture lies within the bounds."""
    table = data / "train" / "SOURCES.csv"
    if not table.is_file():
        raise DataError(f"{table} is missing: point --data at the folder that MODEL_CARD.md describes.")
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    photos = {
        Path(row["file"]).stem: Photo(
            Path(row["file"]).stem, data / "train" / row["file"], (int(row["width"]), int(row["height"]))
        )
        for row in rows
        if row["kind"] == "image"
    }
    regions = []
    for row in rows:
        if row["kind"] != "mask" or not smallest <= float(row["area_frac"]) <= largest:
            continue
        photo = photos[row["file"].rsplit("__", 1)[0]]
        people = is_people(row["file"], row["label"])
        regions.append(Region(photo, data / "train" / row["file"], row["label"], people, area=float(row["area_frac"])))
    return regions


def split(items: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Photos or Regions to train on, to choose by and to report on."""
    names = [getattr(item, "photo", item).name for item in items]
    parts = [2 if is_test(name) else int(is_validation(name)) for name in names]
    training, validation, test = ([item for item, part in zip(items, parts) if part == k] for k in range(3))
    return training, validation, test


def choose_spaced(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of the items, evenly out of all."""
    return [items[i] for i in np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)]


def make_batches(items: list[Any], size: int, rng: np.random.Generator) -> Iterator[list[Any]]:
    """The items once, in random order, in batches of one orientation each; a rest smaller than a batch is kept."""
    result = []
    for portrait in (False, True):
        group = [item for item in items if getattr(item, "photo", item).portrait is portrait]
        order = rng.permutation(len(group))
        result += [[group[i] for i in order[k : k + size]] for k in range(0, len(group), size)]
    for index in rng.permutation(len(result)):
        yield result[index]


def main() -> None:
    parser = argparse.ArgumentParser(prog="model_server.training.data", description="Print the validation split.")
    parser.add_argument("--data", type=Path, default=DATA, help="data folder (default: %(default)s)")
    arguments = parser.parse_args()
    names = {photo.name for photo in load_fixations(arguments.data)}
    names |= {region.photo.name for region in load_regions(arguments.data, 0, 1)}
    print("\n".join(sorted(name for name in names if is_validation(name))))


if __name__ == "__main__":
    main()
