# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions from folders of one's own photographs and from COCO-style annotations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model_server.training import data, own_photos


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("street", "beach"):
        Image.new("RGB", (80, 60), "gray").save(folder / f"{name}.jpg")
    return folder


def _mask(path: Path, box: tuple[int, int, int, int]) -> None:
    mask = Image.new("L", (80, 60))
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    mask.save(path)


def test_masks_are_found_by_name_and_size(photos: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    _mask(masks / "street.png", (0, 0, 19, 29))
    _mask(masks / "street__person.png", (10, 10, 29, 39))
    _mask(masks / "beach__1.png", (0, 0, 79, 59))  # the whole picture is no region
    found = own_photos.load_folders(photos, masks)
    assert [(r.photo.name, r.people) for r in found] == [("street", False), ("street", True)]
    assert found[0].area == pytest.approx(600 / 4800)
    assert found[0].open_mask().size == found[0].photo.size == (80, 60)


def test_folder_without_masks_is_a_sentence(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no masks for the photographs"):
        own_photos.load_folders(photos, tmp_path)
    with pytest.raises(SystemExit, match="no folder"):
        own_photos.load_folders(photos, tmp_path / "nowhere")


def test_coco_polygons_and_runs(photos: Path, tmp_path: Path) -> None:
    runs = [60 * 10, 60 * 20, 60 * 50]  # ten columns left free, twenty set, the rest free
    annotations = {
        "images": [{"id": 5, "file_name": "street.jpg", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "stop sign"}],
        "annotations": [
            {"image_id": 5, "category_id": 1, "segmentation": [[10, 10, 40, 10, 40, 40, 10, 40]]},
            {"image_id": 5, "category_id": 2, "segmentation": {"counts": runs, "size": [60, 80]}},
        ],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(annotations))
    person, sign = own_photos.load_coco(photos, file)
    assert person.people and not sign.people and sign.label == "stop sign"
    assert person.area == pytest.approx(31 * 31 / 4800, rel=0.01)
    columns = np.flatnonzero(np.asarray(sign.open_mask()).all(0))
    assert (columns[0], columns[-1]) == (10, 29)


@pytest.mark.parametrize("content", ["no json", "{}", '{"images": [], "annotations": []}', "[]"])
def test_bad_annotations_are_a_sentence(photos: Path, tmp_path: Path, content: str) -> None:
    file = tmp_path / "instances.json"
    file.write_text(content)
    with pytest.raises(data.DataError, match=r"check --(coco|photos)"):
        own_photos.load_coco(photos, file)


def test_compressed_runs_are_a_sentence() -> None:
    with pytest.raises(data.DataError, match="compressed"):
        own_photos.draw({"counts": "abc", "size": [60, 80]}, (80, 60))
