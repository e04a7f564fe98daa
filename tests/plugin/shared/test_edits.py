# SPDX-License-Identifier: GPL-3.0-or-later
"""The one definition of the edits: identity, strength, JSON, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gimp_saliency.shared import edits
from gimp_saliency.shared.edits import Contrast, Curves, Exposure, Saturation, Sharpening, Tone, WhiteBalance
from model_server.predict.vector import FIXED, NAMES, ORDERS

SLOPES = st.lists(st.floats(0.25, 4), min_size=8, max_size=8).map(tuple)
ANY_EDIT = st.one_of(
    st.floats(0, 5).map(Sharpening),
    st.floats(-3, 3).map(Contrast),
    SLOPES.map(Tone),
    st.floats(-3, 3).map(Exposure),
    st.floats(0.1, 3).map(Saturation),
    st.builds(WhiteBalance, st.floats(0.6, 1.6), st.floats(0.6, 1.6)),
    st.builds(Curves, SLOPES, SLOPES, SLOPES),
)
IDENTITIES = list(edits.NEUTRAL.values())


def _numbers(edit: Any) -> list[float]:
    values = [value for name, value in edits.to_json([edit])[0].items() if name != "name"]
    return [n for value in values for n in (value if isinstance(value, (list, tuple)) else [value])]


def test_identity() -> None:
    assert [edit.name for edit in IDENTITIES] == list(edits.NAMES)
    assert all(edit.is_identity() for edit in IDENTITIES)


def test_orders_begin_with_the_fixed_edits() -> None:
    assert len(set(ORDERS)) == 24
    for order in ORDERS:
        assert [NAMES[index] for index in order[:FIXED]] == ["sharpening", "contrast", "tone"]
        assert sorted(order) == list(range(7))


@given(ANY_EDIT)
def test_strength_runs_from_identity_to_the_edit(edit: Any) -> None:
    assert edit.at_strength(0).is_identity()
    assert _numbers(edit.at_strength(1)) == pytest.approx(_numbers(edit))


@given(ANY_EDIT)
def test_json_round_trip(edit: Any) -> None:
    through = edits.from_json(json.loads(json.dumps(edits.to_json([edit]))))
    assert through == [edit]


@given(ANY_EDIT)
def test_labels_are_short_words(edit: Any) -> None:
    assert edit.label()[0].isupper()
    assert len(edit.label()) < 40


def test_strength_is_logarithmic_where_factors_are() -> None:
    assert Saturation(0.25).at_strength(0.5) == Saturation(0.5)
    assert Exposure(-2).at_strength(1.5) == Exposure(-3)
    assert WhiteBalance(1.21, 0.81).at_strength(0.5).red == pytest.approx(1.1)
    assert Sharpening(0.06).at_strength(1.5).amount == pytest.approx(0.09)
    assert Contrast(-0.4).at_strength(0.5) == Contrast(-0.2)
    (slopes,) = Contrast(0.6).at_strength(0.5).curves().values()
    assert slopes == pytest.approx(Contrast(0.3).curves()["value"])


@given(ANY_EDIT)
def test_strength_150_is_still_an_edit(edit: Any) -> None:
    edits.from_json(edits.to_json([edit.at_strength(1.5)]))


@given(st.one_of(st.floats(-3, 3).map(Contrast), SLOPES.map(Tone), st.builds(Curves, SLOPES, SLOPES, SLOPES)))
def test_curves_are_monotonic_and_keep_black_and_white(edit: Any) -> None:
    assert edit.is_curved and edit.operation == "gimp:curves"
    for slopes in edit.curves().values():
        points = edits.curve_points(slopes)
        assert points[0] == (0, 0)
        assert points[-1] == (1, 1)
        assert all(a[1] < b[1] for a, b in zip(points, points[1:]))
        assert [edits.curve_value(slopes, x) for x, _ in points] == pytest.approx([y for _, y in points])


def test_contrast_turns_about_the_middle() -> None:
    for amount in (-0.6, 0.6):
        (slopes,) = Contrast(amount).curves().values()
        assert edits.curve_value(slopes, edits.CURVE_NODES[4]) == pytest.approx(edits.CURVE_NODES[4], abs=0.01)
        dark, light = (edits.curve_value(slopes, x) - x for x in (0.25, 0.75))
        assert dark * amount < 0 < light * amount


def test_channels_of_curves() -> None:
    curves = Curves((2,) * 8, (1,) * 8, (1,) * 8)
    assert list(curves.curves()) == ["red", "green", "blue"]
    assert list(curves.curves(gray=True)) == list(Tone((1,) * 8).curves()) == list(Contrast(1).curves()) == ["value"]


def test_curve_nodes_lie_on_gimps_samples() -> None:
    assert all(math.isclose(255 * x, round(255 * x)) for x in edits.CURVE_NODES)


@given(st.floats(0.5, 1.85), st.floats(0.5, 1.85))
def test_white_balance_keeps_luminance_and_suits_the_mixer(red: float, blue: float) -> None:
    gains = WhiteBalance(red, blue).gains()
    assert sum(gain * weight for gain, weight in zip(gains, edits.LUMINANCE)) == pytest.approx(sum(edits.LUMINANCE))
    assert max(gains) <= 2
    assert gains[0] / gains[1] == pytest.approx(red)


def test_gray_keeps_what_has_no_colour_and_one_curve() -> None:
    curve = Curves((2,) + (1,) * 7, (1,) * 8, (0.5,) + (1,) * 7)
    fixed = [Sharpening(0.05), Contrast(0.3), Tone((1.2,) * 4 + (0.9,) * 4)]
    kept = edits.for_gray([*fixed, Saturation(0.5), Exposure(1), WhiteBalance(1.1, 0.9), curve])
    assert kept[:3] == fixed
    assert [edit.name for edit in kept[3:]] == ["exposure", "curves"]
    assert isinstance(kept[4], Curves)
    assert kept[4].red == kept[4].green == kept[4].blue


NO_EDITS: list[Any] = [
    None,
    {},
    [3],
    [{}],
    [{"name": "blur"}],
    [{"name": ["exposure"]}],
    [{"name": "exposure"}],
    [{"name": "exposure", "ev": "1"}],
    [{"name": "exposure", "ev": True}],
    [{"name": "exposure", "ev": math.nan}],
    [{"name": "exposure", "ev": math.inf}],
    [{"name": "exposure", "ev": 1, "more": 2}],
    [{"name": "saturation", "scale": -1}],
    [{"name": "sharpening", "amount": -0.1}],
    [{"name": "contrast", "amount": "strong"}],
    [{"name": "tone", "slopes": [1] * 9}],
    [{"name": "white-balance", "red": 0, "blue": 1}],
    [{"name": "white-balance", "red": 1, "blue": 2}],
    [{"name": "curves", "red": [1] * 7, "green": [1] * 8, "blue": [1] * 8}],
    [{"name": "curves", "red": [0] * 8, "green": [1] * 8, "blue": [1] * 8}],
    [{"name": "curves", "red": "11111111", "green": [1] * 8, "blue": [1] * 8}],
]


@pytest.mark.parametrize("content", NO_EDITS, ids=str)
def test_anything_else_is_refused_with_a_sentence(content: Any) -> None:
    with pytest.raises(edits.EditError) as error:
        edits.from_json(content)
    assert str(error.value).endswith(".")


def test_contrast_and_tone_are_one_filter_in_colour() -> None:
    contrast, tone, exposure = edits.Contrast(0.3), edits.Tone((1.2,) * 4 + (0.8,) * 4), edits.Exposure(1)
    sharpening = edits.Sharpening(0.1)
    for order, together in (
        ([sharpening, contrast, tone, exposure], [["sharpening"], ["contrast", "tone"], ["exposure"]]),
        ([contrast, exposure, tone], [["contrast"], ["exposure"], ["tone"]]),
        ([tone, contrast], [["tone"], ["contrast"]]),
        ([tone], [["tone"]]),
        ([], []),
    ):
        joined = edits.join_edits(order, gray=False)
        assert [[part.name for part in edits.list_parts([each])] for each in joined] == together
        assert [list(names) for names in edits.join_names(edit.name for edit in order)] == together
        assert edits.list_parts(joined) == order
        assert edits.join_edits(order, gray=True) == order
    joined_edit = edits.join_edits([contrast, tone], gray=False)[0]
    assert set(joined_edit.curves()) == {"red", "green", "blue", "value"}
    assert joined_edit.curves()["red"] == contrast.curves()["value"]
    assert joined_edit.at_strength(0.5) == edits.Joined(contrast.at_strength(0.5), tone.at_strength(0.5))
    assert joined_edit.at_strength(0).is_identity() and not joined_edit.is_identity()


def test_curves_are_found_backwards() -> None:
    slopes = edits.Contrast(0.8).curves()["value"]
    for number in range(101):
        assert edits.curve_value(slopes, edits.find_input(slopes, number / 100)) == pytest.approx(number / 100)
        assert edits.find_input(slopes, edits.curve_value(slopes, number / 100)) == pytest.approx(number / 100)
