# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin keeps its colour, whatever curves are predicted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.skin import find_skin, keep_skin

FAIR, DARK = (0.87, 0.67, 0.56), (0.45, 0.30, 0.22)
SKY, LEAF, GREY = (0.45, 0.62, 0.85), (0.30, 0.50, 0.20), (0.5, 0.5, 0.5)


def colours(*named: tuple[float, float, float]) -> np.ndarray:
    return np.repeat(np.array(named, np.float32), 50, 0)


def bend(values: np.ndarray, curves: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(channel, INPUTS, curve) for channel, curve in zip(values.T, curves)], 1)


def make_curves(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([np.array(INPUTS) ** power for power in (red, green, blue)], np.float32)


def is_warm(values: np.ndarray) -> np.ndarray:
    """Neither grey, nor bluer than red, nor greener."""
    red, green, blue = values.T
    return (red > blue) & (red > green)


def test_what_looks_like_skin() -> None:
    assert len(find_skin(colours(SKY, LEAF, GREY))) == 0
    found = find_skin(colours(FAIR, SKY, DARK))
    assert {tuple(each) for each in found} == {tuple(each) for each in colours(FAIR, DARK)}
    assert 1500 <= len(find_skin(np.tile(colours(FAIR), (200, 1)))) < 3000


def test_curves_that_turn_it_are_drawn_together() -> None:
    skin = find_skin(colours(FAIR, DARK))
    cold = make_curves(1.8, 1.0, 0.5)
    assert not is_warm(bend(skin, cold)).all()
    kept = keep_skin(cold, skin)
    assert is_warm(bend(skin, kept)).all()
    assert np.abs(kept.mean(0) - cold.mean(0)).max() < 1e-5  # as light as before
    assert np.ptp(kept, axis=0).max() > 0.05  # and as cold as may be


def test_what_turns_none_stays() -> None:
    mild, skin = make_curves(1.1, 1.0, 0.95), find_skin(colours(FAIR, DARK))
    assert np.array_equal(keep_skin(mild, skin), mild)
    cold = make_curves(1.8, 1.0, 0.5)
    assert keep_skin(cold, find_skin(colours(SKY))) is cold  # there is none
    assert keep_skin(cold, skin[:5]) is cold  # too little to be any


@settings(deadline=None)
@given(st.tuples(*[st.floats(0.3, 3)] * 3))
def test_curves_go_on_rising(powers: tuple[float, float, float]) -> None:
    kept = keep_skin(make_curves(*powers), find_skin(colours(FAIR, DARK)))
    assert (np.diff(kept, axis=1) >= -1e-6).all() and kept.min() >= 0 and kept.max() <= 1
