# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a border that an edit shows, on made-up pictures, and that no edit shows much of one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gimp_saliency.shared.choices import DIRECTIONS, Ranking
from gimp_saliency.shared.request import EditRequest
from model_server.predict.attention import Attention
from model_server.predict.border import LIMIT, Border, to_lab
from model_server.predict.predictor import Predictor
from model_server.predict.soften import soften_mask
from tests.model_server.predict.test_attention import scene

SIZE = 96, 128
FAINT = 0.5  # less than the border of what the networks say
VALID = np.ones((1, 1, *SIZE), np.float32)


def disc(radius: int = 30) -> Any:
    """A hard mask (H, W), 0..255."""
    image = Image.new("L", SIZE[::-1])
    ImageDraw.Draw(image).ellipse((64 - radius, 48 - radius, 64 + radius, 48 + radius), fill=255)
    return np.asarray(image)


def darken(picture: Any, mask: Any, by: float = 0.15) -> Any:
    return picture - by * mask


def measure(picture: Any, mask: Any) -> float:
    area = mask[None, None].astype(np.float32) / 255
    return Border(picture, area, VALID).measure(darken(picture, area))


def test_lab_is_that_of_the_cie() -> None:
    colours = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 1], [0.5, 0.5, 0.5]], np.float32)
    # Bruce Lindbloom's calculator, D65.
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86], [53.39, 0, 0]]
    assert to_lab(colours) == pytest.approx(np.array(expected), abs=0.05)
    assert to_lab(np.array([[1.2, -0.1, 0]], np.float32)) == pytest.approx(to_lab(np.array([[1, 0, 0]], np.float32)))


def test_nothing_done_shows_nothing() -> None:
    picture = np.random.default_rng(0).random((1, 3, *SIZE), np.float32)
    assert Border(picture, disc()[None, None] / np.float32(255), VALID).measure(picture.copy()) == 0


def test_a_hard_edge_on_a_plain_sky_shows() -> None:
    sky = np.full((1, 3, *SIZE), 0.6, np.float32)
    hard, soft = measure(sky, disc()), measure(sky, soften_mask(disc()))
    assert hard > 4 * LIMIT and soft < hard / 4
    # All pairs of neighbours have the same step: that of the edit, where the picture has none.
    lab = to_lab(np.full((2, 3), 0.6, np.float32) - np.array([[0], [0.15]], np.float32))
    assert hard == pytest.approx(float(np.linalg.norm(lab[0] - lab[1])), rel=1e-3)


def test_what_happens_at_an_edge_of_the_picture_counts_little() -> None:
    mask = disc()
    picture = np.full((1, 3, *SIZE), 0.9, np.float32)
    picture[:, :, mask > 127] = 0.4
    assert measure(picture, mask) < LIMIT / 4


@pytest.mark.parametrize("mask", [np.zeros(SIZE, np.uint8), np.full(SIZE, 255, np.uint8)], ids=["none", "all"])
def test_without_a_contour_there_is_no_border(mask: Any) -> None:
    assert measure(np.full((1, 3, *SIZE), 0.6, np.float32), mask) == 0


def test_faint_masks_have_a_contour_too() -> None:
    faint = disc() // 8
    assert measure(np.full((1, 3, *SIZE), 0.6, np.float32), faint) > 0.5


def test_the_padding_is_no_border() -> None:
    valid = VALID.copy()
    valid[..., 64:] = 0
    mask = np.zeros((1, 1, *SIZE), np.float32)
    mask[..., :64] = 1
    picture = np.full((1, 3, *SIZE), 0.6, np.float32)
    assert Border(picture, mask, valid).measure(darken(picture, mask)) == 0


@pytest.fixture(scope="module")
def bold() -> Attention:
    """One whose edits may show any border."""
    return Predictor(most_border=math.inf).attention


@pytest.mark.parametrize("direction", list(DIRECTIONS))
@pytest.mark.parametrize("ranking", [Ranking.BEST_REALISM, Ranking.RANDOM])
@pytest.mark.parametrize("background", [False, True])
def test_no_edit_shows_more_than_hardly_anybody_sees(
    bold: Attention, direction: str, ranking: Ranking, background: bool
) -> None:
    careful, picture = Predictor(most_border=FAINT).attention, scene(7)
    picture[..., :3] = picture[..., :3].mean((0, 1)).astype(np.uint8)  # a plain wall, where everything shows
    request = EditRequest(direction, ranking=ranking, background=background)
    before = bold.predict_edits(picture, request)
    after = careful.predict_edits(picture, request)
    assert before.border > FAINT >= after.border
    # 0.85 is near enough, with a background twice; but an order whose background takes the step back looks most real.
    assert after.border > 0.7 * FAINT or (background and ranking is Ranking.BEST_REALISM)
    more = careful.predict_edits(picture, replace(request, strength=150.0, background=False))
    assert more.border > FAINT, "the user may want more"


@pytest.mark.parametrize("direction", list(DIRECTIONS))
@pytest.mark.parametrize("background", [False, True])
def test_no_order_shows_more(direction: str, background: bool) -> None:
    """Their borders differ, so each has a limit of its own; what surrounds the region takes what room is left."""
    attention = Predictor(most_border=FAINT).attention
    plain, found = scene(7), []
    plain[..., :3] = plain[..., :3].mean((0, 1)).astype(np.uint8)
    for picture in (plain, scene(8)):
        judged = attention._judge(attention._make_scene(picture), EditRequest(direction, background=background))
        found += [judged.outcomes.border(index) for index in range(24)]
    assert 0.8 * FAINT < max(found) <= FAINT


def test_the_limit_is_that_of_the_measure() -> None:
    picture = scene(7)
    picture[..., :3] = picture[..., :3].mean((0, 1)).astype(np.uint8)
    request = EditRequest("emphasize", ranking=Ranking.RANDOM)
    assert 0.8 * LIMIT < Predictor().attention.predict_edits(picture, request).border <= LIMIT


def test_what_shows_no_border_goes_as_far_as_ever(bold: Attention) -> None:
    picture = scene(7)
    picture[..., 3] = 255
    request = EditRequest("attenuate", ranking=Ranking.RANDOM)
    assert Predictor().attention.predict_edits(picture, request) == bold.predict_edits(picture, request)


def test_a_look_beside_the_original() -> None:
    attention, picture = Predictor().attention, scene(7)
    picture[..., :3] = 128
    original = picture[..., :3].copy()
    picture[..., :3] = np.where(picture[..., 3:] > 127, original // 2, original)
    assert attention.look(picture).border is None
    found = attention.look(picture, original).border
    assert found is not None and found > LIMIT
    picture[..., :3] = original
    assert attention.look(picture, original).border == 0
