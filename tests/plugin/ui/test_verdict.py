# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for how edited a region looks: the worse of realism and border, and what to do about it."""

from __future__ import annotations

import pytest

from gimp_saliency.ui.verdict import judge_attention, judge_edit


@pytest.mark.parametrize(
    ("realism", "border", "words", "advice"),
    [
        (0.9, 0.0, "unlikely", ""),
        (0.95, 1.5, "unlikely", ""),
        (0.81, 1.0, "unlikely", ""),
        (0.9, 1.51, "possibly: its border shows", "another edge, or less strength"),
        (0.9, 3.0, "possibly: its border shows", "another edge, or less strength"),
        (0.9, 3.01, "likely: its border shows", "another edge, or less strength"),
        (0.79, 1.5, "possibly: its colours", "less strength, or switch off"),
        (0.61, 1.5, "possibly: its colours", "less strength, or switch off"),
        (0.59, 1.5, "likely: its colours", "less strength, or switch off"),
        (0.79, 2.0, "possibly: its border shows", "another edge"),
        (0.79, 4.0, "likely: its border shows", "another edge"),
        (0.1, 2.0, "likely: its colours", "less strength"),
        (0.1, 4.0, "likely: its border shows", "another edge"),
    ],
)
def test_the_worse_of_both_is_said(realism: float, border: float, words: str, advice: str) -> None:
    found = judge_edit({"realism": 0.9}, {"realism": realism, "border": border})
    assert found.words == words and advice in found.advice
    assert bool(found.advice) == (words != "unlikely")


def test_without_a_border_the_critic_decides() -> None:
    assert judge_edit({"realism": 0.9}, {"realism": 0.9}).words == "unlikely"
    assert judge_edit({"realism": 0.9}, {"realism": 0.7}).words == "possibly: its colours"


@pytest.mark.parametrize(
    ("before", "border", "words"),
    [
        (0.21, 0.0, "unlikely"),
        (0.19, 0.0, "unsure"),
        (0.02, 0.0, "unsure"),
        (0.0, 1.4, "unsure"),
        (0.02, 1.6, "possibly: its border shows"),
        (0.02, 3.1, "likely: its border shows"),
    ],
)
def test_where_the_critic_doubts_the_untouched_region(before: float, border: float, words: str) -> None:
    """Its border is still measured, but nothing that the critic says sounds sure."""
    for realism in (0.0, before, 0.5):
        found = judge_edit({"realism": before}, {"realism": max(realism, before - 0.1), "border": border})
        assert found.words == words
        assert ("trust your eyes" in found.advice) == (words == "unsure")


def test_the_words_are_short() -> None:
    for realism in (0.9, 0.7, 0.3):
        for border in (0.0, 2.0, 9.0):
            found = judge_edit({"realism": 0.9}, {"realism": realism, "border": border})
            assert len(found.words) < 30 and len(found.advice) < 110


def test_what_viewers_disagree_on_is_the_change() -> None:
    before, after = {"saliency": 0.15, "viewers": [0.1, 0.2]}, {"saliency": 0.1, "viewers": [0.07, 0.13]}
    assert judge_attention(before, after) == pytest.approx((0.15, 0.1, 0.02))
    assert judge_attention(before, before)[2] == 0
