# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin keeps its colour, whatever curves are predicted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.skin import choose_share, find_skin, keep_skin, turns_hue

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


def is_redder(limit: float) -> Callable[[np.ndarray, np.ndarray], bool]:
    return lambda before, after: bool((after - before)[:, 0].max() > limit)


@pytest.mark.parametrize(("limit", "share"), [(0.5, 1.0), (0.4, 1.0), (0.21, 0.5), (0.05, 0.1), (0.01, 0.0), (-1, 0.0)])
def test_the_largest_share_that_skin_bears(limit: float, share: float) -> None:
    """In tenths; of a change that makes it redder by 0.4.  Where not even nothing is little enough, nothing."""
    skin = colours(DARK)
    reddening = np.array([0.4, 0, 0], np.float32)
    assert choose_share(skin, lambda share: skin + share * reddening, is_redder(limit + 1e-6)) == pytest.approx(share)


@pytest.mark.parametrize(("count", "share"), [(0, 1.0), (19, 1.0), (20, 0.0)])
def test_too_little_skin_bears_everything(count: int, share: float) -> None:
    skin = colours(DARK)[:count]
    assert choose_share(skin, lambda _share: skin, is_redder(-1)) == share


def turn(values: np.ndarray, degrees: float) -> np.ndarray:
    """Colours with other hues: about the grey axis, which in Lab is nearly so many degrees."""
    grey = values.mean(1, keepdims=True)
    angle, rest, axis = np.radians(degrees), values - grey, np.full(3, 1 / np.sqrt(3))
    turned = rest * np.cos(angle) + np.cross(axis, rest) * np.sin(angle)
    return np.asarray(grey + turned, np.float32)


@pytest.mark.parametrize(("degrees", "is_turned"), [(0, False), (4, False), (-4, False), (16, True), (-16, True)])
def test_a_hue_may_turn_by_some_degrees(degrees: float, is_turned: bool) -> None:
    skin = colours(FAIR, DARK)
    assert turns_hue(skin, turn(skin, degrees)) is is_turned


def test_lighter_or_paler_skin_has_its_hue() -> None:
    skin = colours(FAIR, DARK)
    assert not turns_hue(skin, skin * np.float32(0.8))
    assert not turns_hue(skin, (0.5 * skin + 0.5 * skin.mean(1, keepdims=True)).astype(np.float32))


def test_what_is_grey_has_turned() -> None:
    """Though it be of the same hue."""
    skin = colours(FAIR, DARK)
    assert turns_hue(skin, (0.04 * skin + 0.96 * skin.mean(1, keepdims=True)).astype(np.float32))


def test_hue_counts_by_its_chroma() -> None:
    """Pale skin may turn further, where all the other stays."""
    skin = colours(FAIR, (0.62, 0.57, 0.54))
    after = skin.copy()
    after[50:] = turn(skin[50:], 20)
    assert turns_hue(skin[50:], after[50:]) and not turns_hue(skin, after)
