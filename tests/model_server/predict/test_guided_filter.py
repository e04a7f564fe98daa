# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks refined to edges, on made-up pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model_server.predict.edge import TILE, refine_mask

RADII = (1, 2.5, 6, 11, 32, 70)


def picture(colour: Any, mask: Any) -> Any:
    return np.dstack([np.asarray(colour), np.asarray(mask)]).astype(np.uint8)


def disc(height: int, width: int, radius: float) -> Any:
    y, x = np.mgrid[:height, :width]
    return (x - width / 2) ** 2 + (y - height / 2) ** 2 < radius**2


def photo(seed: int, height: int, width: int) -> Any:
    """Noise of several sizes in all four channels."""
    rng = np.random.default_rng(seed)
    layers = [np.kron(rng.random((height // n + 1, width // n + 1, 4)), np.ones((n, n, 1))) for n in (1, 8, 60)]
    return (sum(layer[:height, :width] for layer in layers) * 85).astype(np.uint8)


@pytest.mark.parametrize("error", [-5, -3, 3, 5])
@pytest.mark.parametrize("colours", [((200, 60, 50), (40, 80, 120)), ((128, 128, 128), (150, 150, 150))])
@pytest.mark.parametrize("noise", [0, 4])
def test_the_mask_moves_to_the_objects_edge(error: int, colours: Any, noise: float) -> None:
    rng = np.random.default_rng(1)
    truth = disc(240, 300, 70)
    colour = np.where(truth[:, :, None], *colours) + rng.normal(0, noise, (240, 300, 3))
    rough = disc(240, 300, 70 + error)
    refined = refine_mask(picture(colour.clip(0, 255), rough * 255), 20) > 32767
    assert (refined != truth).sum() < 0.2 * (rough != truth).sum()


def test_where_the_picture_is_flat_the_mask_is_blurred() -> None:
    mask = np.zeros((100, 160))
    mask[:, 80:] = 255
    ramp = refine_mask(picture(np.full((100, 160, 3), 90), mask), 12)[50].astype(float) / 65535
    assert (np.diff(ramp) >= 0).all() and np.diff(ramp).max() < 0.06
    assert ramp[79] == pytest.approx(1 - ramp[80], abs=1e-3)
    assert not ramp[:50].any() and (ramp[110:] == 1).all()


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("value", [0, 255])
def test_constant_masks_stay_exactly(radius: float, value: int) -> None:
    noisy = photo(2, 150, 170)
    noisy[:, :, 3] = value
    assert (refine_mask(noisy, radius) == value * 257).all()


@pytest.mark.parametrize("radius", RADII)
def test_nothing_changes_beyond_the_reach(radius: float) -> None:
    size, half = 700, 350
    noisy = photo(3, 40, size)
    noisy[:, :half, 3], noisy[:, half:, 3] = 0, 255
    refined = refine_mask(noisy, radius)
    assert not refined[:, : int(half - 4 * radius)].any()
    assert (refined[:, int(half + 4 * radius) :] == 65535).all()


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("corner", [(0, 0), (1, 2), (3, 1)])
def test_a_tiles_interior_is_the_whole_pictures(radius: float, corner: tuple[int, int]) -> None:
    whole = photo(4, 900, 1000)
    margin = int(4 * radius) + 1
    top, left = (place * TILE for place in corner)
    bottom, right = min(900, top + 2 * margin + 150), min(1000, left + 2 * margin + 131)
    tile = refine_mask(whole[top:bottom, left:right], radius)
    # At the picture's own edges a tile has no margin.
    inside = np.s_[top and margin : bottom - top - margin, left and margin : right - left - margin]
    expected = refine_mask(whole, radius)[top:bottom, left:right][inside]
    assert expected.size > 10000
    assert np.abs(tile[inside].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (67, 1), (2, 3), (129, 257)])
@pytest.mark.parametrize("radius", [1, 9, 256])
def test_any_shape(shape: tuple[int, int], radius: float) -> None:
    refined = refine_mask(photo(5, *shape), radius)
    assert refined.shape == shape and refined.dtype == np.uint16


def test_grey_pictures_guide_too() -> None:
    """All channels equal: the covariance has rank 1."""
    truth = disc(100, 100, 30)
    refined = refine_mask(picture(np.repeat(truth[:, :, None] * 200, 3, 2), truth * 255), 8)
    assert (refined == truth * 65535).mean() > 0.95
    assert ((refined > 32767) == truth).all()
