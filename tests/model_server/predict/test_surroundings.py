# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit of the edits around a region, on pictures whose best edit is known, and with the shipped networks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from gimp_saliency.shared.request import EditRequest
from model_server.predict import background
from model_server.predict.networks import NETWORKS
from model_server.predict.predictor import Predictor
from model_server.predict.vector import COUNT, ORDERS, SHARPENING

Floats = npt.NDArray[np.float32]

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.uniform(0.3, 0.7, (1, 3, 24, 32)).astype(np.float32)


def edited(parameters: Floats) -> Floats:
    """Exposure brightens all, the red gain reddens all; the rest does nothing."""
    result = PICTURE + np.float32(0.1) * parameters[0]
    result[:, 0] += np.float32(0.1) * parameters[2]
    return result.astype(np.float32)


def fit(gain: background.Gain, start: Floats) -> Floats:
    with ThreadPoolExecutor(2) as pool:
        return background.fit_background(start, edited, gain, pool)(start)


def change(parameters: Floats) -> float:
    return float(np.linalg.norm(background.LAB @ (edited(parameters) - PICTURE).reshape(3, -1), axis=0).mean())


@pytest.mark.parametrize("sign", [-1, 1])
def test_goes_where_attention_moves(sign: int) -> None:
    start = np.zeros(COUNT, np.float32)
    found = fit(lambda picture: sign * float(picture.mean()), start)
    assert np.sign(found[0]) == sign and abs(found[0]) > 10 * abs(found[4:]).max()
    assert change(found) == pytest.approx(background.CHANGE, rel=0.05)


def test_prefers_what_is_less_visible() -> None:
    """Both move as much attention; reddening is the more visible, by the distance in Lab."""
    found = fit(lambda picture: float(picture[:, 0].mean()), np.zeros(COUNT, np.float32))
    assert found[0] > found[2]


def test_keeps_a_start_that_is_better() -> None:
    """Attention that falls on both sides of the start: no step is as good as none."""
    start = np.zeros(COUNT, np.float32)
    start[0] = background.CHANGE / change(np.eye(1, COUNT, dtype=np.float32)[0])
    at = float(edited(start).mean())
    found = fit(lambda picture: -abs(float(picture.mean()) - at), start)
    assert found == pytest.approx(start, abs=1e-3)


def test_what_nobody_sees_stays_within_its_bounds() -> None:
    """In a picture where no edit shows, such as a black one."""
    start = np.full(COUNT, 0.02, np.float32)
    with ThreadPoolExecutor(2) as pool:
        fit = background.fit_background(start, lambda parameters: np.zeros_like(PICTURE), lambda picture: 0.0, pool)
    assert np.isfinite(fit(start)).all() and abs(fit(start)).max() < 1


def test_amounts_never_change_their_sign() -> None:
    """Sharpening is never negative, in whatever style or order the fit is used."""
    start = np.full(COUNT, 3.0, np.float32)
    with ThreadPoolExecutor(2) as pool:
        fit = background.fit_background(start, edited, lambda picture: float(picture.mean()), pool)
    assert 0 < fit.scale < 1
    assert fit(np.full((len(ORDERS), COUNT), 0.001, np.float32))[:, SHARPENING].min() > 0


@pytest.mark.parametrize("direction", ["attenuate", "emphasize"])
def test_suits_the_picture(direction: str) -> None:
    """With the shipped networks the background helps; an answer that no critic judges is not fitted."""
    if not (NETWORKS / "manifest.json").exists():
        pytest.skip("no networks")
    attention = Predictor().attention
    picture = np.random.default_rng(1).integers(0, 256, (96, 128, 4), np.uint8)
    picture[..., 3] = 0
    picture[30:60, 40:80, 3] = 255
    wish = EditRequest(direction, background=True)
    scene = attention._make_scene(picture)
    judged = attention._judge(scene, wish)
    assert judged.fit is not None
    alone = attention._judge(scene, replace(wish, background_strength=0.0), fit=judged.fit)
    assert wish.sign * (judged.candidates.share(0) - alone.candidates.share(0)) > 0
    assert attention._judge(scene, wish, judged=False).fit is None
    assert attention._judge(scene, EditRequest(direction)).fit is None
