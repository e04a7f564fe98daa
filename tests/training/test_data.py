# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading, placing and splitting the training data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_server.training import data, examples

LIST = Path(data.__file__).parent / "validation.txt"


def test_people_are_known_by_label_and_source() -> None:
    assert data.is_people("coco_1__0.png", "person")
    assert data.is_people("ccp_1__0.png", "jeans")
    assert not data.is_people("bsds_1__0.png", "human segment")
    assert not data.is_people("lal_1__0.png", "mandarin")


def test_first_fixation_of_each_viewer_is_dropped(data_folder: Path) -> None:
    photos = data.load_fixations(data_folder)
    assert len(photos) == 12
    assert {len(photo.fixations) for photo in photos} == {8}
    assert photos[0].name == "osie_0" and photos[0].file.is_file()


def test_regions_within_the_bounds_are_found(data_folder: Path) -> None:
    regions = data.load_regions(data_folder)
    assert len(regions) == 12
    assert sum(region.people for region in regions) == 6
    assert not data.load_regions(data_folder, 0.5, 1)


def test_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    for load in (data.load_fixations, data.load_regions):
        with pytest.raises(data.DataError, match="--data"):
            load(tmp_path)


def test_split_is_by_photograph_and_fixed() -> None:
    assert data.is_validation("osie_1001") == ("osie_1001" in LIST.read_text().split())
    held_out = sum(data.is_validation(f"photo_{i}") for i in range(5000)) / 5000
    assert 0.08 < held_out < 0.12


def test_list_of_the_project_is_the_split_of_the_data() -> None:
    if not (data.DATA / "train").is_dir():
        pytest.skip("the training data is not here")
    names = {photo.name for photo in data.load_fixations(data.DATA)}
    names |= {region.photo.name for region in data.load_regions(data.DATA, 0, 1)}
    assert LIST.read_text().split() == sorted(name for name in names if data.is_validation(name))


def test_whole_photograph_keeps_its_aspect() -> None:
    photo = data.Photo("x", Path(), (400, 100))
    placement = data.place_whole(photo)
    assert placement.size == (192, 48) and placement.canvas == (192, 160)
    assert float(placement.mark_valid().sum()) == 192 * 48
    tall = data.place_whole(data.Photo("x", Path(), (300, 400)))
    assert tall.size == (144, 192) and tall.canvas == (160, 192)


def test_random_placement_keeps_aspect_and_moves_points_along() -> None:
    photo = data.Photo("x", Path(), (320, 480))
    for seed in range(20):
        placement = data.place_randomly(photo, np.random.default_rng(seed))
        left, top, right, bottom = placement.box
        scale = placement.size[0] / (right - left), placement.size[1] / (bottom - top)
        assert scale[0] == pytest.approx(scale[1], rel=0.01)
        corner = placement.place_points(np.array([[left + 0.01, top + 0.01]]))[0]
        assert corner[0] == pytest.approx(placement.size[0] if placement.flip else 0, abs=0.1)
        assert len(placement.place_points(np.array([[left - 5, top]]))) == 0


def test_picture_and_mask_are_placed_alike(data_folder: Path) -> None:
    region = data.load_regions(data_folder)[0]
    region.photo.data = b""
    batch = examples.load([region], np.random.default_rng(3))
    assert batch.picture.shape[2:] == batch.mask.shape[2:] == batch.valid.shape[2:]
    assert float(batch.mask.max()) > 0.9
    assert float((batch.mask * (1 - batch.valid)).sum()) == 0


def test_augmented_masks_are_never_empty(data_folder: Path) -> None:
    mask = data.load_regions(data_folder)[0].open_mask()
    for seed in range(30):
        assert data.vary_mask(mask, np.random.default_rng(seed)).getbbox()


def test_batches_hold_one_orientation_and_everything_once(data_folder: Path) -> None:
    regions = data.load_regions(data_folder)
    seen = []
    for batch in data.make_batches(regions, 4, np.random.default_rng(0)):
        assert len({region.photo.portrait for region in batch}) == 1
        seen += [region.file for region in batch]
    assert sorted(seen) == sorted(region.file for region in regions)
