# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked, and that it survives being written down."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gimp_saliency.shared import styles
from gimp_saliency.shared.choices import PROPOSED, Boldness, Edge, Ranking
from gimp_saliency.shared.edits import NAMES, Exposure, Saturation
from gimp_saliency.shared.request import PLAIN, EditRequest, RequestError

STYLE = (0.5, -1.25, 3.0, 4.0, -4.0, 0.0, 0.001, 0.0, 0.0, 0.0)
WHOLE = EditRequest(
    "emphasize",
    80.0,
    Ranking.VARIANT_1,
    frozenset({"exposure", "curves"}),
    frames=True,
    background=True,
    background_strength=50.0,
    style="Pale",
    edge=Edge.SOFT,
    boldness=Boldness.BOLD,
)


def test_a_plain_request() -> None:
    request = EditRequest("attenuate")
    assert (request.strength, request.background, request.background_strength) == (100.0, False, 100.0)
    assert (request.style, request.style_numbers, request.ranking) == ("", (), Ranking.BEST_REALISM)
    assert request.kinds == frozenset(NAMES) and request.tool == "attention" and request.boldness is Boldness.NATURAL
    assert (request.sign, EditRequest("emphasize").sign) == (-1.0, 1.0)
    assert EditRequest("attenuate", style_numbers=[0] * styles.NUMBERS).style_numbers == PLAIN  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"direction": "sideways"}, "The direction must be attenuate or emphasize, not 'sideways'"),
        ({"strength": -0.1}, "The strength must be a number from 0 to 150"),
        ({"strength": math.nan}, "The strength must be"),
        ({"background_strength": 160}, "The background's strength must be a number from 0 to 150"),
        ({"feather": 501}, "The soft edge must be a number from 0 to 500"),
        ({"boldness": "rude"}, "The boldness must be one of subtle, natural, bold"),
        ({"grow": -1}, "The growth must be a number from 0 to 500"),
        ({"ranking": "alphabetical"}, "The order must be one of best-realism"),
        ({"kinds": frozenset({"exposure", "vibrato"})}, "There is no edit 'vibrato'; choose among sharpening"),
        ({"style_numbers": (0.0,) * 9}, "The style must be 10 numbers from -4 to 4"),
        ({"style_numbers": (0.0,) * 11}, "The style must be"),
        ({"style_numbers": (4.1, *PLAIN[1:])}, "The style must be"),
        ({"style_numbers": (math.nan, *PLAIN[1:])}, "The style must be"),
    ],
)
def test_a_wrong_request_is_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        EditRequest(**{"direction": "attenuate", **wrong})


def test_what_is_left_of_edits() -> None:
    edits = [Exposure(1.0), Saturation(0.25)]
    request = EditRequest("attenuate", 50.0, background=True, background_strength=150.0)
    assert request.scale_edits(edits, gray=False) == [Exposure(0.5), Saturation(0.5)]
    assert request.scale_edits(edits, gray=True) == [Exposure(0.5)]
    assert request.scale_background(edits, gray=True) == [Exposure(1.5)]
    assert EditRequest("attenuate").scale_background(edits, gray=False) == []
    assert EditRequest("attenuate", kinds=frozenset({"saturation"})).scale_edits(edits, gray=True) == []


@pytest.mark.parametrize(
    "request_",
    [
        EditRequest("attenuate"),
        EditRequest("emphasize", 12.5, Ranking.RANDOM, boldness=Boldness.SUBTLE),
        EditRequest("attenuate", 150.0, background=True, background_strength=0.0, style_numbers=STYLE),
    ],
)
def test_a_query_brings_it_back(request_: EditRequest) -> None:
    query = {name: str(value) for name, value in request_.to_query().items()}
    assert EditRequest.from_query({**query, "order": request_.ranking.value, "width": "64"}) == request_


def test_a_saved_style_goes_out_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(styles.EDITS, "find_numbers", {"Pale": STYLE}.__getitem__)
    query = EditRequest("attenuate", style="Pale").to_query()
    assert EditRequest.from_query({"direction": "attenuate", "style": query["style"]}).style_numbers == STYLE


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("direction", "up", "direction must be one of attenuate, emphasize"),
        ("order", "alphabetical", "order must be one of best-realism"),
        ("boldness", "rude", "boldness must be one of subtle, natural, bold"),
        ("strength", "1.6", "strength must be a number from 0 to 1.5"),
        ("strength", "1_0", "strength must be a number"),
        ("background", "yes", "background must be one of 0, 1"),
        ("background_strength", "-1", "background_strength must be a number"),
        ("style", "1,2", "style must be 10 numbers from -4 to 4 with commas between"),
    ],
)
def test_a_wrong_query_is_a_sentence(name: str, value: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        EditRequest.from_query({"direction": "attenuate", name: value})


def test_a_job_brings_it_back() -> None:
    for request in (WHOLE, EditRequest("attenuate")):
        assert EditRequest.from_job(json.loads(json.dumps(request.to_job()))) == request


def test_jobs_of_earlier_versions_are_read() -> None:
    assert EditRequest.from_job({"direction": "attenuate", "strength": 80, "order": "random"}) == EditRequest(
        "attenuate", 80.0, Ranking.RANDOM
    )


@pytest.mark.parametrize("wrong", [{"direction": "up"}, {"order": "?"}, {"kinds": ["vibrato"]}, {"strength": "much"}])
def test_a_wrong_job_is_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        EditRequest.from_job({**WHOLE.to_job(), **wrong})


def test_the_settings_of_a_dialog() -> None:
    values = {"strength": 80.0, "order": "best-saliency", **dict.fromkeys(NAMES, True), "curves": False}
    values.update({"feather": 3.5, "refine": True, "separate": True, "frames": False, "style": None})
    values.update({"background": True, "background-strength": 20.0, "edge": "soft", "grow": 6.0, "boldness": "subtle"})
    request = EditRequest.from_config(SimpleNamespace(get_property=values.__getitem__), "emphasize")
    assert request == EditRequest(
        "emphasize",
        80.0,
        Ranking.BEST_SALIENCY,
        frozenset(NAMES) - {"curves"},
        3.5,
        refine=True,
        separate=True,
        background=True,
        background_strength=20.0,
        edge=Edge.SOFT,
        grow=6.0,
        boldness=Boldness.SUBTLE,
    )


@pytest.mark.parametrize(
    ("settings", "wanted", "feather"),
    [
        ({}, Edge.AUTOMATIC, 0),
        ({"feather": 4.0}, Edge.AS_SELECTED, 4),
        ({"refine": True}, Edge.AS_SELECTED, 0),
        ({"edge": Edge.SOFT, "feather": 4.0}, Edge.SOFT, 0),
        ({"edge": Edge.OBJECT, "refine": True}, Edge.AS_SELECTED, 0),
        ({"edge": Edge.AS_SELECTED, "feather": 4.0}, Edge.AS_SELECTED, 4),
    ],
)
def test_feather_and_refine_override_an_automatic_edge(settings: dict[str, Any], wanted: Edge, feather: float) -> None:
    request = EditRequest("attenuate", grow=5.0, **settings)
    assert (request.wanted_edge, request.own_feather) == (wanted, feather)
    assert request.own_growth == (5.0 if wanted in (Edge.AUTOMATIC, Edge.OBJECT) else 0.0)
    assert replace(request, grow=6.0).has_other_edge(request) is (request.own_growth > 0)


def test_degrees_of_boldness_have_words_of_their_own() -> None:
    for words in ([each.label for each in Boldness], [each.help for each in Boldness]):
        assert len(set(words)) == len(Boldness) and all(words)


def test_rankings_have_words_of_their_own() -> None:
    assert [each.value for each in PROPOSED] == ["best-realism", "best-saliency", "variant-1", "variant-2"]
    for words in (
        [each.label for each in Ranking],
        [each.help for each in Ranking],
        [each.caption for each in PROPOSED],
    ):
        assert len(set(words)) == len(words) and all(words)
