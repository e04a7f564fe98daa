# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions from COCO's JSON and YOLO's text files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_server.batch.annotations import CocoFile, Drawing, YoloFolder, is_yolo_folder
from model_server.batch.failures import BatchError, JobError
from model_server.batch.masks import read_mask
from model_server.batch.pictures import Shape

SQUARE = [10, 5, 29, 5, 29, 24, 10, 24]


def pack(counts: list[int]) -> str:
    """As COCO's own tools write counts: five bits a letter, from the third on the difference from the last but one."""
    text = ""
    for place, count in enumerate(counts):
        value = count - (counts[place - 2] if place > 2 else 0)
        while True:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)
            text += chr((group | (0x20 if more else 0)) + 48)
            if not more:
                break
    return text


def write_coco(folder: Path, *annotations: dict[str, Any]) -> Path:
    path = folder / "annotations.json"
    content = {
        "images": [
            {"id": 7, "file_name": "a.jpg", "width": 60, "height": 40},
            {"id": 8, "file_name": "sub/b.jpg", "width": 60, "height": 40},
            {"id": 9, "file_name": "other/b.jpg", "width": 60, "height": 40},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "sign"}],
        "annotations": [{"id": number, "iscrowd": 0, **each} for number, each in enumerate(annotations)],
    }
    path.write_text(json.dumps(content))
    return path


def draw(found: Any) -> np.ndarray[Any, Any]:
    ((number, drawing),) = found
    assert number == 0
    return drawing.draw((60, 40)) > 0


def test_coco_s_outlines(tmp_path: Path) -> None:
    path = write_coco(
        tmp_path,
        {"image_id": 7, "category_id": 1, "segmentation": [SQUARE]},
        {"image_id": 7, "category_id": 2, "segmentation": [], "bbox": [40, 10, 9, 9]},
    )
    everything = draw(CocoFile(path).find("a.jpg"))
    assert everything[5:25, 10:30].all() and everything[10:20, 40:50].all() and everything.sum() == 500
    person = draw(CocoFile(path, ["person"]).find("a.jpg"))
    assert person[5:25, 10:30].all() and person.sum() == 400
    assert CocoFile(path, ["sign"]).find("z.jpg") == []
    with pytest.raises(BatchError, match="has no label 'dog'; choose among person, sign"):
        CocoFile(path, ["dog"])
    values = read_mask(CocoFile(path, ["person"]).find("a.jpg")[0][1], Shape((120, 80)))
    assert values and values.size == (60, 40) and values.box == (10, 5, 20, 20)


def test_coco_s_counted_pixels(tmp_path: Path) -> None:
    """As lists and as text; down the columns from the left."""
    region = np.zeros((40, 60), bool)
    region[3:30, 7:21] = region[8:11, 40:55] = True
    flat = region.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, len(flat)]).tolist()
    for each in (counts, pack(counts)):
        path = write_coco(
            tmp_path, {"image_id": 7, "category_id": 1, "segmentation": {"size": [40, 60], "counts": each}}
        )
        assert np.array_equal(draw(CocoFile(path).find("a.jpg")), region)
    path = write_coco(tmp_path, {"image_id": 7, "category_id": 1, "segmentation": {"size": [40, 60], "counts": [5]}})
    with pytest.raises(JobError, match="is damaged"):
        draw(CocoFile(path).find("a.jpg"))
    path = write_coco(tmp_path, {"image_id": 7, "category_id": 1, "segmentation": {"counts": [5]}})
    with pytest.raises(JobError, match=r"Its annotation 0 in .* is damaged"):
        draw(CocoFile(path).find("a.jpg"))


def test_coco_s_names(tmp_path: Path) -> None:
    """By the path, or by the name alone where only one picture has it."""
    ring = {"category_id": 1, "segmentation": [SQUARE]}
    path = write_coco(tmp_path, *({"image_id": number, **ring} for number in (7, 8)))
    coco = CocoFile(path)
    assert coco.find("sub/b.jpg") and not coco.find("b.jpg") and coco.find("x/a.jpg") and not coco.find("other/b.jpg")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": 3}', '{"images": [], "annotations": [{}]}', "\0"])
def test_files_that_are_no_coco(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BatchError, match="is no COCO file"):
        CocoFile(tmp_path / "a.json")


def test_yolo(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    assert not is_yolo_folder(labels)
    outline = "0 " + " ".join(str(value / size) for value, size in zip(SQUARE, [60, 40] * 4))
    (labels / "a.txt").write_text(f"{outline}\n1 0.75 0.375 0.15 0.25\n\n")
    (labels / "b.txt").write_text("0 1 2\n")
    (labels / "empty.txt").touch()
    assert is_yolo_folder(labels)
    everything = draw(YoloFolder(labels).find("a.jpg"))
    assert everything[5:24, 10:29].all() and everything[11:19, 41:49].all() and everything.sum() < 560
    assert YoloFolder(labels).find("empty.jpg") == YoloFolder(labels).find("c.jpg") == []
    with pytest.raises(JobError, match=r"b\.txt is no YOLO file \(2 numbers in a line\)"):
        draw(YoloFolder(labels).find("b.jpg"))
    assert draw(YoloFolder(labels, ["1"]).find("a.jpg")).sum() < 120
    for name, text in (
        ("data.yaml", "train: x\nnames:\n  0: person\n  1: 'sign'\nnc: 2\n"),
        ("data.yaml", "names: ['person', \"sign\"]\n"),
        ("data.yaml", "names:\n- person\n- sign\n"),
        ("classes.txt", "person\nsign\n"),
    ):
        (tmp_path / name).write_text(text)
        assert draw(YoloFolder(labels, ["sign"]).find("a.jpg")).sum() < 120, name
        with pytest.raises(BatchError, match="has no label 'dog'; choose among 0, 1, person, sign"):
            YoloFolder(labels, ["dog"])
        (tmp_path / name).unlink()


def test_shares_of_an_unknown_picture() -> None:
    with pytest.raises(JobError, match="shares of a picture of unknown size: give a mask as PNG"):
        Drawing(Path("a.txt"), ((0.1, 0.1, 0.5, 0.1, 0.5, 0.5),)).draw(None)
