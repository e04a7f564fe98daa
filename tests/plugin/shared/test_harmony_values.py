# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers that make a layer match its photo: what they are, what of them is applied, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gimp_saliency.shared import styles
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.harmony import INPUTS, MOST_EV, SIDE, Harmony, HarmonyError, HarmonyRequest, Shading

BOX = (0.25, 0.1, 0.75, 1.0)
STYLE = (-4.0, 4.0, 0.5, *([0.0] * 7))


def fill(ev: float) -> tuple[tuple[float, ...], ...]:
    return ((ev,) * SIDE,) * SIDE


RAMP = tuple(tuple((column + row) / 31 - 1 for column in range(SIDE)) for row in range(SIDE))  # -1 to 1
DARKER, LIGHTER = (tuple(x**power for x in INPUTS) for power in (1.5, 0.5))
HARMONY = Harmony(DARKER, LIGHTER, INPUTS, Shading(BOX, RAMP))

shares = st.floats(0, 1)
curves = st.lists(shares, min_size=16, max_size=16).map(sorted).map(tuple)
spans = st.tuples(shares, shares).map(sorted).filter(lambda span: span[1] - span[0] > 1e-5)  # JSON keeps 1e-6
boxes = st.tuples(spans, spans).map(lambda each: (each[0][0], each[1][0], each[0][1], each[1][1]))
maps = st.lists(st.floats(-MOST_EV, MOST_EV), min_size=SIDE, max_size=SIDE).map(lambda row: (tuple(row),) * SIDE)
shadings = st.builds(Shading, boxes, maps)
harmonies = st.builds(Harmony, curves, curves, curves, st.none() | shadings)


def test_the_nodes_lie_on_gimp_s_samples() -> None:
    assert len(INPUTS) == 16 and (INPUTS[0], INPUTS[-1]) == (0, 1)
    assert [round(255 * x, 9) for x in INPUTS] == [17 * i for i in range(16)]


# --- JSON


@given(harmonies)
def test_what_is_written_is_read_again(harmony: Harmony) -> None:
    """But for what is rounded, and that once."""
    written = json.loads(json.dumps(harmony.to_json()))
    found = Harmony.from_json(written)
    assert found.to_json() == written
    for mine, theirs in zip(harmony.curves(), found.curves()):
        assert theirs == pytest.approx(mine, abs=0.51e-5)
    assert (found.shading is None) == (harmony.shading is None)
    if harmony.shading and found.shading:
        assert found.shading.box == pytest.approx(harmony.shading.box, abs=0.51e-6)
        assert found.shading.values[-1] == pytest.approx(harmony.shading.values[-1], abs=0.51e-3)


def test_json_is_as_the_protocol_says() -> None:
    written = HARMONY.to_json()
    assert set(written) == {"curves", "shading"} and set(written["shading"]) == {"box", "ev"}
    assert written["curves"][2] == [round(x, 5) for x in INPUTS]
    assert written["shading"]["box"] == [0.25, 0.1, 0.75, 1]
    assert written["shading"]["ev"][0][:2] == [-1, -0.968] and written["shading"]["ev"][31][31] == 1
    assert set(Harmony.neutral().to_json()) == {"curves"}
    # What else an answer or a parasite says does not count.
    assert Harmony.from_json({**written, "model": "harmonize-1", "milliseconds": 7}) == Harmony.from_json(written)
    assert Harmony.from_json({**written, "shading": None}) == replace(Harmony.from_json(written), shading=None)


CURVES = [list(INPUTS)] * 3
SHADING = {"box": [0, 0, 1, 1], "ev": [[0.0] * SIDE] * SIDE}
NO_NUMBERS = [math.nan, math.inf, -math.inf, None, "0.5", True, [], {}, 10**400, -0.001]


@pytest.mark.parametrize("content", [None, 7, "x", [], CURVES, {}, {"curves": None}, {"curves": {}}, {"curves": "rgb"}])
def test_what_has_no_curves_is_refused(content: Any) -> None:
    with pytest.raises(HarmonyError, match="There must be three curves"):
        Harmony.from_json(content)


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_there_are_three_curves(count: int) -> None:
    with pytest.raises(HarmonyError, match="There must be three curves"):
        Harmony.from_json({"curves": CURVES[:1] * count})


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("curve", [None, 7, "0" * 16, b"0" * 16, {}, [], list(INPUTS[:15]), [*INPUTS, 1.0]])
def test_a_curve_has_sixteen_nodes(curve: Any, channel: int) -> None:
    name = ("red", "green", "blue")[channel]
    with pytest.raises(HarmonyError, match=f"There must be 16 numbers of the curve of {name}"):
        Harmony.from_json({"curves": [*CURVES[:channel], curve, *CURVES[channel + 1 :]]})


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.001])
def test_a_node_is_a_share(value: Any) -> None:
    for place in (0, 15):
        curve = [*INPUTS[:place], value, *INPUTS[place + 1 :]]
        with pytest.raises(HarmonyError, match="of the curve of green must be from 0 to 1, not"):
            Harmony.from_json({"curves": [INPUTS, curve, INPUTS]})


@pytest.mark.parametrize("place", range(15))
def test_no_curve_falls(place: int) -> None:
    curve = [*INPUTS[:place], INPUTS[place + 1], INPUTS[place], *INPUTS[place + 2 :]]
    with pytest.raises(HarmonyError, match="The curve of blue must not fall"):
        Harmony.from_json({"curves": [INPUTS, INPUTS, curve]})


@pytest.mark.parametrize(
    ("shading", "sentence"),
    [
        *((shading, "The shading is damaged") for shading in (0, False, "none", [], [SHADING])),
        *(({**SHADING, "box": box}, "4 numbers of the shading's box") for box in (None, 1, "0011", [], [0, 0, 1], {})),
        *(({**SHADING, "box": [0, 0, 1, end]}, "box must be from 0 to 1, not") for end in (*NO_NUMBERS, 1.001)),
        *(({**SHADING, "box": box}, "box is empty") for box in ([0, 0, 0, 1], [0, 0.5, 1, 0.5], [0.6, 0, 0.5, 1])),
        *(({**SHADING, "ev": ev}, "must have 32 rows") for ev in (None, 0, "x" * 32, [], {}, [[0] * 32] * 31)),
        ({**SHADING, "ev": [[0] * 32] * 33}, "must have 32 rows"),
        *(({**SHADING, "ev": [[0] * 32] * 31 + [row]}, "32 numbers of the shading") for row in (None, 0, [0] * 31, "")),
        ({"ev": SHADING["ev"]}, "4 numbers of the shading's box"),
        ({"box": SHADING["box"]}, "must have 32 rows"),
    ],
)
def test_a_damaged_shading_is_refused(shading: Any, sentence: str) -> None:
    with pytest.raises(HarmonyError, match=sentence):
        Harmony.from_json({"curves": CURVES, "shading": shading})


@pytest.mark.parametrize("value", [*NO_NUMBERS[:-1], 1.001, -1.001])
def test_a_shading_is_of_a_stop_at_most(value: Any) -> None:
    for place in (0, 31):
        row = [*[0] * place, value, *[0] * (31 - place)]
        with pytest.raises(HarmonyError, match="of the shading must be from -1 to 1, not"):
            Harmony.from_json({"curves": CURVES, "shading": {**SHADING, "ev": [[0] * 32] * 31 + [row]}})


# --- strength


@given(harmonies)
def test_the_whole_strength_is_the_harmony_itself(harmony: Harmony) -> None:
    found = harmony.at_strength(1, 1)
    assert all(theirs == pytest.approx(mine, abs=1e-12) for mine, theirs in zip(harmony.curves(), found.curves()))
    assert found.shading == harmony.shading


@given(harmonies)
def test_no_strength_is_the_identity(harmony: Harmony) -> None:
    found = harmony.at_strength(0, 0)
    assert found == Harmony.neutral()
    assert not found.has_curves() and not found.has_shading()


@given(harmonies, st.floats(0, 2.25), st.floats(0, 2.25))
def test_any_strength_is_a_harmony(harmony: Harmony, colour: float, shading: float) -> None:
    """Which its own checks say: no curve falls, nothing leaves its range."""
    harmony.at_strength(colour, shading)


def test_curves_and_shading_have_strengths_of_their_own() -> None:
    found = HARMONY.at_strength(0.5, 0)
    assert found.red == pytest.approx([(x + y) / 2 for x, y in zip(INPUTS, DARKER)])
    assert found.blue == pytest.approx(INPUTS) and found.shading is None
    found = HARMONY.at_strength(0, 0.5)
    assert found.curves() == (INPUTS,) * 3 and found.shading is not None
    assert found.shading.box == BOX
    assert found.shading.values[0] == pytest.approx([ev / 2 for ev in RAMP[0]])


def test_more_than_all_of_it() -> None:
    """Half as far again, where there is room."""
    dip = (0.0, 0.2, *[0.2] * 6, *INPUTS[8:])
    found = Harmony(DARKER, LIGHTER, dip, Shading(BOX, RAMP)).at_strength(1.5, 1.5)
    assert found.red == pytest.approx([max(0, x + 1.5 * (y - x)) for x, y in zip(INPUTS, DARKER)])
    assert found.green == pytest.approx([min(1, x + 1.5 * (y - x)) for x, y in zip(INPUTS, LIGHTER)])
    assert found.blue[1] == pytest.approx(17 / 255 + 1.5 * (0.2 - 17 / 255))
    assert found.blue[2:8] == pytest.approx([found.blue[1]] * 6)  # it would fall
    assert found.shading is not None
    assert found.shading.values[0] == pytest.approx([max(-1, 1.5 * ev) for ev in RAMP[0]])


def test_what_changes_an_8_bit_value() -> None:
    assert HARMONY.has_curves() and HARMONY.has_shading()
    almost = tuple(min(1, x + 0.0009) for x in INPUTS)
    assert not Harmony(almost, INPUTS, INPUTS).has_curves()
    assert Harmony(INPUTS, INPUTS, (0.0011, *INPUTS[1:])).has_curves()
    assert not Harmony.neutral().has_shading()
    for ev, counts in ((0.0, False), (0.0049, False), (0.0051, True), (-0.0051, True)):
        values = (*fill(0.0)[1:], (*[0.0] * 31, ev))
        assert Harmony(INPUTS, INPUTS, INPUTS, Shading(BOX, values)).has_shading() == counts


# --- gray pictures, and what is asked


def test_a_gray_picture_gets_the_mean_curve() -> None:
    found = HARMONY.for_gray()
    assert found.red == found.green == found.blue
    assert found.red == pytest.approx([(a + b + c) / 3 for a, b, c in zip(DARKER, LIGHTER, INPUTS)])
    assert found.shading == HARMONY.shading


@given(harmonies)
def test_the_mean_of_three_curves_is_one(harmony: Harmony) -> None:
    """Which its own checks say."""
    harmony.for_gray()


@pytest.mark.parametrize(
    ("request_", "colour", "shading"),
    [
        (HarmonyRequest(), 1, 1),
        (HarmonyRequest(0.0), 0, 0),
        (HarmonyRequest(150.0), 1.5, 1.5),
        (HarmonyRequest(50.0, 100.0, 0.0), 0.5, 0),
        (HarmonyRequest(150.0, 50.0, 150.0), 0.75, 2.25),
    ],
)
def test_strengths_in_percent(request_: HarmonyRequest, colour: float, shading: float) -> None:
    assert request_.scale(HARMONY, gray=False) == HARMONY.at_strength(colour, shading)
    assert request_.scale(HARMONY, gray=True) == HARMONY.at_strength(colour, shading).for_gray()


def test_what_a_procedure_was_given() -> None:
    values = {"strength": 70, "colour": 80.0, "shading": 90.0, "style": None}
    config = SimpleNamespace(get_property=values.__getitem__)
    found = HarmonyRequest.from_config(config)
    assert found == HarmonyRequest(70.0, 80.0, 90.0) and isinstance(found.strength, float)
    values["style"] = "Pale"
    assert HarmonyRequest.from_config(config) == HarmonyRequest(70.0, 80.0, 90.0, "Pale")


def test_other_strengths_keep_the_style() -> None:
    """Of a procedure that has no argument for it."""
    made = HarmonyRequest(10.0, 20.0, 30.0, style_numbers=STYLE)
    values = {"strength": 70.0, "colour": 80.0, "shading": 90.0}
    found = made.with_strengths(SimpleNamespace(get_property=values.__getitem__))
    assert found == HarmonyRequest(70.0, 80.0, 90.0, style_numbers=STYLE)


@pytest.mark.parametrize("numbers", [STYLE[:9], (*STYLE, 0.0), (4.1, *STYLE[1:]), ("1", *STYLE[1:]), "0123456789", 3.0])
def test_numbers_that_are_no_style(numbers: Any) -> None:
    with pytest.raises(HarmonyError, match="the style"):
        HarmonyRequest(style_numbers=numbers)


def test_a_style_is_known_or_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among those of harmonies, not among those of edits."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    styles.EDITS.save("Pale", [4.0] * 10)
    assert HarmonyRequest().find_style() == ()
    with pytest.raises(UserError, match="There is no style «Pale»: save one in the dialog of Harmonize Layer first"):
        HarmonyRequest(style="Pale").find_style()
    styles.HARMONIES.save("Pale", STYLE)
    assert HarmonyRequest(style="Pale").find_style() == STYLE
    known = HarmonyRequest(style="Pale").with_style((1.0,) * 10)
    assert known.find_style() == (1.0,) * 10 and known.style == ""


# --- masks


@given(shadings)
def test_masks_of_two_layers_give_the_gains(shading: Shading) -> None:
    """One a stop darker: 1 - m / 2; one a stop lighter: 1 + m; never both."""
    darker, lighter = shading.list_masks()
    gains = [2**ev for row in shading.values for ev in row]
    assert len(darker) == len(lighter) == SIDE * SIDE
    for less, more, gain in zip(darker, lighter, gains):
        assert 0 <= less <= 1 and 0 <= more <= 1 and not (less and more)
        assert (1 - less / 2) * (1 + more) == pytest.approx(gain, abs=1e-15, rel=1e-15)


def test_masks_go_row_by_row() -> None:
    darker, lighter = Shading(BOX, RAMP).list_masks()
    assert darker[0] == 1 and darker[31] == lighter[31] == 0 and lighter[-1] == 1  # -1, 0, 1 EV
    assert lighter[SIDE + 31] == pytest.approx(2 ** (1 / 31) - 1) and darker[SIDE] == pytest.approx(2 - 2 ** (1 / 31))
