# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft edges of masks that are faint, small or thin, and of widths that leave little: something always stays."""

from __future__ import annotations

import numpy as np
import pytest

from model_server.predict.soften import measure_width, soften_mask


def rectangle(height: int, width: int, value: int = 255) -> np.ndarray:
    mask = np.zeros((200, 240), np.uint8)
    mask[50 : 50 + height, 60 : 60 + width] = value
    return mask


@pytest.mark.parametrize("value", [1, 40, 127, 128, 255])
def test_a_faint_mask_keeps_its_value_inside(value: int) -> None:
    faint, whole = rectangle(80, 100, value), rectangle(80, 100)
    assert measure_width(faint) == measure_width(whole)
    soft = soften_mask(faint)
    assert soft.max() == soft[90, 110] == value and (soft <= faint).all()
    assert (soft == np.minimum(faint, soften_mask(whole))).all()


@pytest.mark.parametrize("width", [0.0, 8.0, 60.0, 500.0])
@pytest.mark.parametrize("size", [(100, 100), (80, 30), (2, 100), (1, 1)], ids=str)
def test_no_width_takes_a_mask_away(width: float, size: tuple[int, int]) -> None:
    mask = rectangle(*size)
    soft = soften_mask(mask, width)
    assert soft.max() > 160 and (soft <= mask).all()


def test_a_wider_edge_leaves_less() -> None:
    sums = [int(soften_mask(rectangle(120, 120), width).sum()) for width in (2.0, 6.0, 14.0, 30.0)]
    assert sums == sorted(sums, reverse=True) and len(set(sums)) == 4


@pytest.mark.parametrize("value", [0, 40, 255])
@pytest.mark.parametrize("width", [0.0, 500.0])
def test_without_an_edge_nothing_changes(value: int, width: float) -> None:
    mask = np.full((30, 40), value, np.uint8)
    assert (soften_mask(mask, width) == mask).all()
