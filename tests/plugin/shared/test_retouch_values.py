# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks and what lies between them, and what is asked of a retouch."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gimp_saliency.shared import styles
from gimp_saliency.shared.choices import LOOKS, MOST, Edge, Look
from gimp_saliency.shared.edits import NAMES, Curves, Edit, Exposure, Saturation, Tone, WhiteBalance
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest, RequestError
from gimp_saliency.shared.retouch import MATCH, mix_looks, read_style, weigh_looks, write_style

STEEP = (0.5, 0.5, 1, 1, 1, 1, 1.5, 1.5)
LIFTED = (2.0, 1, 1, 1, 1, 1, 1, 1)
NEUTRAL: list[Edit] = [Exposure(0.5), WhiteBalance(1, 1), Saturation(1), Tone(STEEP), Curves.neutral()]
FOUND: dict[str, list[Edit]] = {
    "neutral": NEUTRAL,
    "warm": [Exposure(0.7), WhiteBalance(1.44, 0.64), Saturation(1.21), Tone(STEEP), Curves.neutral()],
    "cool": [Exposure(0.5), WhiteBalance(0.81, 1.21), Saturation(1), Tone(STEEP), Curves.neutral()],
    "film": [Exposure(0.1), WhiteBalance(1, 1), Saturation(0.81), Tone(LIFTED), Curves(LIFTED, STEEP, STEEP)],
    MATCH: [Exposure(-1), WhiteBalance(1, 1.5), Saturation(0.5), Tone(STEEP), Curves.neutral()],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the saved styles."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "gimp-saliency"


def retouch(**values: Any) -> EditRequest:
    return EditRequest("retouch", tool="retouch", **values)


def to_numbers(edits: list[Edit]) -> list[float]:
    return [number for edit in edits for number in edit.to_vector()]


# Between looks


@pytest.mark.parametrize("weights", [{}, {"warm": 0.0}, {"neutral": 1.0}, {"neutral": 0.3, "film": 0.0}])
def test_without_a_look_of_its_own_it_is_the_neutral_one(weights: dict[str, float]) -> None:
    assert to_numbers(mix_looks(FOUND, weights)) == pytest.approx(to_numbers(NEUTRAL))


@pytest.mark.parametrize("name", list(FOUND))
def test_all_of_a_look_is_that_look(name: str) -> None:
    mixed = mix_looks(FOUND, {name: 1.0})
    assert [edit.name for edit in mixed] == [edit.name for edit in NEUTRAL]
    assert to_numbers(mixed) == pytest.approx(to_numbers(FOUND[name]))


@pytest.mark.parametrize(
    ("weight", "ev", "red", "blue", "scale"), [(0.5, 0.6, 1.2, 0.8, 1.1), (1.5, 0.8, 1.728, 0.512, 1.331)]
)
def test_between_and_beyond_stops_are_linear_and_factors_geometric(
    weight: float, ev: float, red: float, blue: float, scale: float
) -> None:
    exposure, balance, saturation, tone, _curves = mix_looks(FOUND, {"warm": weight})
    assert isinstance(exposure, Exposure) and exposure.ev == pytest.approx(ev)
    assert isinstance(balance, WhiteBalance) and (balance.red, balance.blue) == pytest.approx((red, blue))
    assert isinstance(saturation, Saturation) and saturation.scale == pytest.approx(scale)
    assert isinstance(tone, Tone) and tone.slopes == pytest.approx(Tone(STEEP).slopes)


def test_half_a_look_bends_curves_half_as_much() -> None:
    """The steepness of each segment beside the others': a curve always runs from 0 to 1."""
    *_rest, tone, curves = mix_looks(FOUND, {"film": 0.5})
    between = tuple(math.sqrt(one * other) for one, other in zip(STEEP, LIFTED))
    assert isinstance(tone, Tone) and tone.slopes == pytest.approx(Tone(between).slopes)
    assert isinstance(curves, Curves)
    assert curves.red == pytest.approx(Tone(tuple(map(math.sqrt, LIFTED))).slopes)
    assert curves.blue == pytest.approx(Tone(tuple(map(math.sqrt, STEEP))).slopes)


def test_looks_add_up() -> None:
    exposure, balance, saturation, *_rest = mix_looks(FOUND, {"warm": 1.0, "film": 0.5})
    assert isinstance(exposure, Exposure) and exposure.ev == pytest.approx(0.5 + 0.2 - 0.2)
    assert isinstance(balance, WhiteBalance) and balance.red == pytest.approx(1.44)
    assert isinstance(saturation, Saturation) and saturation.scale == pytest.approx(1.21 * 0.9)


def test_a_kind_goes_no_further_than_it_can() -> None:
    _exposure, balance, saturation, *_rest = mix_looks(FOUND, {"warm": 4.0, "cool": -1.5})
    assert balance == WhiteBalance(1.85, 0.5)
    assert isinstance(saturation, Saturation) and saturation.scale == pytest.approx(1.21**4)


def test_not_even_exposure_goes_further() -> None:
    """Which has a limit of its own, far beyond what a photograph bears."""
    dark, light = [Exposure(-4)], [Exposure(6)]
    (exposure,) = mix_looks({"neutral": dark, "warm": light}, {"warm": 1.5})
    assert isinstance(exposure, Exposure) and exposure.ev == pytest.approx(10)


@settings(max_examples=50, database=None)
@given(st.dictionaries(st.sampled_from(LOOKS[:4]), st.floats(-0.5, 1.5)))
def test_any_mixture_is_edits_of_the_same_kinds(weights: dict[str, float]) -> None:
    assert [edit.name for edit in mix_looks(FOUND, weights)] == [edit.name for edit in NEUTRAL]


@pytest.mark.parametrize(
    ("base", "look", "share", "weights"),
    [
        ("neutral", "film", 1.0, {"neutral": 0, "film": 1}),
        ("neutral", "film", 0.25, {"neutral": 0.75, "film": 0.25}),
        ("warm", "film", 1.5, {"warm": -0.5, "film": 1.5}),
        ("warm", "warm", 0.25, {"warm": 1}),
        ("neutral", MATCH, 0.5, {"neutral": 0.5, MATCH: 0.5}),
    ],
)
def test_a_share_leads_from_one_look_to_the_other(
    base: str, look: str, share: float, weights: dict[str, float]
) -> None:
    assert weigh_looks(base, look, share) == pytest.approx(weights)


def test_from_one_look_to_itself_there_is_no_way() -> None:
    mixed = mix_looks(FOUND, weigh_looks("film", "film", 1.5))
    assert to_numbers(mixed) == pytest.approx(to_numbers(FOUND["film"]))


# Looks as a style that can be saved


def test_a_style_is_read_as_it_was_written() -> None:
    numbers = write_style({"neutral": 0.4, "warm": -0.5, "soft": 1.5})
    assert numbers == (-0.5, 0, 0, 0, 1.5, 0, 0, 0, 0, 0) and len(numbers) == styles.NUMBERS
    weights = read_style(numbers)
    assert weights == {"warm": -0.5, "cool": 0, "film": 0, "punchy": 0, "soft": 1.5}
    assert write_style(weights) == numbers


def test_what_is_written_can_be_saved() -> None:
    """Also of a look beyond a look beyond …: styles have a limit."""
    numbers = write_style({"film": 1.5**4, "warm": -5.0})
    styles.RETOUCHES.save("Far", numbers)
    assert styles.RETOUCHES.find_numbers("Far") == write_style({"film": 4.0, "warm": -4.0})


def test_styles_of_retouches_are_others() -> None:
    styles.RETOUCHES.save("Mine", write_style({"film": 0.5}))
    assert styles.RETOUCHES.path.name == "retouch-styles.json"
    assert not styles.EDITS.path.exists() and not styles.HARMONIES.path.exists()
    assert retouch(style="Mine").find_style() == write_style({"film": 0.5})
    styles.RETOUCHES.delete("Mine")
    with pytest.raises(UserError, match="save one in the dialog of Retouch first"):
        retouch(style="Mine").find_style()


# What is asked


def test_a_plain_retouch() -> None:
    request = retouch()
    assert (request.look, request.base_look, request.look_strength, request.people) == ("neutral", "neutral", 100, True)
    assert request.find_weights() == {"neutral": 1}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tool": "paint"}, "The tool must be one of attention, retouch, not 'paint'"),
        ({"direction": "attenuate"}, "The direction must be retouch, not 'attenuate'"),
        ({"tool": "attention"}, "The direction must be attenuate or emphasize, not 'retouch'"),
        ({"look": "sepia"}, "The look must be one of neutral, warm, cool, film, punchy, soft, not 'sepia'"),
        ({"base_look": ""}, "The look must be one of neutral, warm, cool, film, punchy, soft, not ''"),
        ({"look_strength": 150.1}, "The look's strength must be a number from 0 to 150, not 150.1"),
        ({"look_strength": math.nan}, "The look's strength must be"),
    ],
)
def test_a_wrong_retouch_is_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        EditRequest(**{"direction": "retouch", "tool": "retouch", **wrong})


@pytest.mark.parametrize(
    "request_",
    [
        retouch(edge=Edge.AS_SELECTED),
        retouch(
            strength=80.0, kinds=frozenset({"tone", "curves"}), frames=True, style="Mine", edge=Edge.AS_SELECTED,
            look="film", base_look="warm", look_strength=12.5, people=False,
        ),
        retouch(look=MATCH, edge=Edge.AS_SELECTED),
    ],
)  # fmt: skip
def test_a_job_brings_a_retouch_back(request_: EditRequest) -> None:
    assert EditRequest.from_job({"picture": "a", **json.loads(json.dumps(request_.to_job()))}) == request_


def test_a_job_names_its_tool_where_it_is_a_retouch_alone() -> None:
    """So that jobs of attention are as earlier versions wrote them."""
    assert "tool" not in EditRequest("attenuate").to_job()
    job = retouch().to_job()
    assert job["tool"] == "retouch" and "kinds" not in job and "frames" not in job
    assert not {"direction", "order", "boldness", "background", "edge"} & set(job)


@pytest.mark.parametrize(
    "wrong", [{"look": "sepia"}, {"look": None}, {"strength": 151}, {"look_strength": "much"}, {"kinds": ["vibrato"]}]
)
def test_a_wrong_job_of_a_retouch_is_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        EditRequest.from_job({**retouch().to_job(), **wrong})


@pytest.mark.parametrize("reference", [None, object()])
def test_the_settings_of_a_dialog(reference: object) -> None:
    """An image to match goes before the look."""
    values = {"strength": 80.0, **dict.fromkeys(NAMES, True), "tone": False, "frames": True, "style": None}
    values.update({"look": "soft", "base-look": "cool", "look-strength": 30.0, "people": False, "reference": reference})
    request = EditRequest.retouch_from_config(SimpleNamespace(get_property=values.__getitem__))
    assert request == retouch(
        strength=80.0,
        kinds=frozenset(NAMES) - {"tone"},
        frames=True,
        edge=Edge.AS_SELECTED,
        look="soft" if reference is None else MATCH,
        base_look="cool",
        look_strength=30.0,
        people=False,
    )


@pytest.mark.parametrize(
    ("settings_", "weights"),
    [
        ({"look": "film"}, {"neutral": 0, "film": 1}),
        ({"look": "film", "look_strength": 40.0}, {"neutral": 0.6, "film": 0.4}),
        ({"look": "film", "base_look": "cool", "look_strength": MOST}, {"cool": -0.5, "film": 1.5}),
        ({"look": "film", "strength": 50.0}, {"neutral": 0, "film": 1}),
        ({"look": MATCH, "base_look": "cool", "look_strength": 40.0}, {"cool": 0.6, MATCH: 0.4}),
    ],
)
def test_the_weights_of_a_look(settings_: dict[str, Any], weights: dict[str, float]) -> None:
    assert retouch(**settings_).find_weights() == pytest.approx(weights)


def test_the_weights_of_a_saved_style() -> None:
    """It stands in the place of the look: at half of the strength it is half of the style and half of the base."""
    styles.RETOUCHES.save("Mine", write_style({"film": 0.8, "cool": -0.4}))
    rest = {"warm": 0.0, "punchy": 0.0, "soft": 0.0}
    whole = retouch(style="Mine", look="soft").find_weights()
    assert whole == pytest.approx({"neutral": 0, **rest, "film": 0.8, "cool": -0.4})
    half = retouch(style="Mine", base_look="cool", look_strength=50.0).find_weights()
    assert half == pytest.approx({**rest, "film": 0.4, "cool": 0.3})
    known = retouch(style_numbers=write_style({"soft": 1.0})).find_weights()
    assert known["soft"] == 1 and known["film"] == 0


def test_another_photograph_goes_before_a_saved_style() -> None:
    styles.RETOUCHES.save("Mine", write_style({"film": 0.8}))
    assert retouch(style="Mine", look=MATCH).find_weights() == {"neutral": 0, MATCH: 1}


def test_a_style_that_is_gone_is_a_sentence() -> None:
    styles.EDITS.save("Mine", [0.5] * styles.NUMBERS)
    with pytest.raises(UserError, match="There is no style «Mine»"):
        retouch(style="Mine").find_weights()


def test_looks_have_words_of_their_own() -> None:
    assert LOOKS[0] == Look.NEUTRAL.value and MATCH not in LOOKS and len(LOOKS) - 1 <= styles.NUMBERS
    for words in ([each.label for each in Look], [each.help for each in Look]):
        assert len(set(words)) == len(Look) and all(words)
