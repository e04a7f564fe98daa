# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions from one's own photographs: a folder of photographs and one of masks, or COCO-style annotations.

With folders, the photograph `street.jpg` has the masks `street.png` or `street__1.png`, `street__2.png` and so on, of
its size, white on the region.  A mask whose name holds "person" shows people; so does a COCO category of that name.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from gimp_saliency.shared.json_type import Json

from . import data

_PHOTOS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")


@dataclass
class DrawnRegion(data.Region):
    """A region that COCO annotations describe: polygons, or runs of unset and set pixels down the columns."""

    segmentation: Json = field(repr=False, default=None)

    def open_mask(self) -> Image.Image:
        return draw(self.segmentation, self.photo.size)


def draw(segmentation: Json, size: tuple[int, int]) -> Image.Image:
    """A COCO segmentation as mask of size (width, height); raises DataError for compressed runs."""
    if isinstance(segmentation, dict):
        runs = segmentation["counts"]
        if isinstance(runs, str):
            raise data.DataError("The annotations hold compressed masks: decode them to polygons or lists first.")
        values = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8) * 255
        return Image.fromarray(np.ascontiguousarray(values.reshape(size).T))
    mask = Image.new("L", size)
    for polygon in segmentation:
        ImageDraw.Draw(mask).polygon([float(value) for value in polygon], fill=255)
    return mask


def load_folders(photos: Path, masks: Path, smallest: float = 0.005, largest: float = 0.4) -> list[data.Region]:
    """The regions of a folder of photographs and one of masks whose share of the picture lies within the bounds."""
    for folder in (photos, masks):
        if not folder.is_dir():
            raise data.DataError(f"{folder} is no folder: name one with --photos and one with --masks.")
    regions = []
    for file in sorted(path for path in photos.iterdir() if path.suffix.lower() in _PHOTOS and "__" not in path.stem):
        with Image.open(file) as image:
            photo = data.Photo(file.stem, file, image.size)
        for mask in [masks / f"{file.stem}.png", *sorted(masks.glob(f"{file.stem}__*.png"))]:
            if mask == file or not mask.is_file():
                continue
            with Image.open(mask) as image:
                area = float(np.mean(np.asarray(image.convert("L")))) / 255
            if smallest <= area <= largest:
                regions.append(data.Region(photo, mask, "", "person" in mask.stem.lower(), area))
    if not regions:
        raise data.DataError(f"{masks} has no masks for the photographs in {photos}: name them <photo>__<number>.png.")
    return regions


def load_coco(photos: Path, annotations: Path, smallest: float = 0.005, largest: float = 0.4) -> list[data.Region]:
    """The instances of a COCO-style file whose share of the picture lies within the bounds."""
    try:
        content = json.loads(annotations.read_text(encoding="utf-8"))
        labels = {each["id"]: str(each["name"]) for each in content.get("categories", [])}
        images = {
            each["id"]: data.Photo(
                Path(each["file_name"]).stem, photos / each["file_name"], (int(each["width"]), int(each["height"]))
            )
            for each in content["images"]
        }
        regions: list[data.Region] = []
        for each in content["annotations"]:
            photo, label = images[each["image_id"]], labels.get(each.get("category_id"), "")
            area = float(np.mean(np.asarray(draw(each["segmentation"], photo.size)))) / 255
            if smallest <= area <= largest and photo.file.is_file():
                people = data.is_people("", label)
                regions.append(DrawnRegion(photo, annotations, label, people, area, each["segmentation"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise data.DataError(f"{annotations} is no COCO-style annotation file ({error}): check --coco.") from error
    if not regions:
        raise data.DataError(f"No instance of {annotations} has its photograph in {photos}: check --photos.")
    return regions


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that name one's own photographs."""
    parser.add_argument("--photos", type=Path, help="folder of own photographs, in place of those in --data")
    parser.add_argument("--masks", type=Path, help="folder of their masks: <photo>.png or <photo>__<number>.png")
    parser.add_argument("--coco", type=Path, help="COCO-style annotations of the photographs, in place of --masks")


def load_chosen(options: argparse.Namespace) -> list[data.Region]:
    """The regions that the options name; none if they name no photographs of one's own."""
    if options.photos is None:
        return []
    if options.coco is not None:
        return load_coco(options.photos, options.coco)
    return load_folders(options.photos, options.masks or options.photos)
