# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice among the 24 orders, on made-up pictures."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from model_server.candidates import CHOICES, SAME, Candidates
from plugin.saliency.edits import ORDERS

POOL = ThreadPoolExecutor(2)
MASK = np.zeros((1, 1, 8, 8), np.float32)
MASK[..., 2:6, 2:6] = 1


def candidates(greys: list[float], sign: float = 1.0) -> Candidates:
    """Orders whose pictures are grey; the first ones as given, the rest like the first.

    The darker, the more real; the brighter, the more attention.
    """
    greys = [*greys, *[greys[0]] * (len(ORDERS) - len(greys))]

    def edited(index: int) -> Any:
        return np.full((1, 3, 8, 8), greys[index], np.float32)

    share, realism = (lambda picture: float(picture.mean())), (lambda picture: -float(picture.mean()))
    return Candidates(edited, share, realism, MASK, sign, POOL)


def test_variants_are_farthest_from_what_was_chosen_before() -> None:
    found = candidates([0.3, 0.9, 0.5, 0.62, 0.4])
    assert [found.chosen(choice) for choice in CHOICES] == [0, 1, 3, 2]
    assert found.distinct() == dict(zip(CHOICES, [0, 1, 3, 2]))


def test_most_attention_depends_on_the_direction() -> None:
    assert candidates([0.3, 0.9], sign=-1.0).chosen("best-saliency") == 0


def test_lookalikes_are_left_out_but_answer() -> None:
    found = candidates([0.3, 0.3 + 0.8 * SAME, 0.3 + 0.4 * SAME])
    assert found.distinct() == {"best-realism": 0}
    assert [found.chosen(choice) for choice in CHOICES] == [0, 1, 2, 3]
    assert candidates([0.3, 0.3 + 1.2 * SAME]).distinct() == {"best-realism": 0, "best-saliency": 1}


@pytest.mark.parametrize(("choice", "looks"), [("best-realism", "realism"), ("best-saliency", "share")])
def test_a_choice_runs_one_network_only(choice: str, looks: str) -> None:
    runs = {"realism": 0, "share": 0}

    def count(name: str) -> Any:
        def judge(picture: Any) -> float:
            runs[name] += 1
            return 0.0

        return judge

    def edited(index: int) -> Any:
        return np.zeros((1, 3, 8, 8), np.float32)

    Candidates(edited, count("share"), count("realism"), MASK, 1.0, POOL).chosen(choice)
    assert runs.pop(looks) == 24 and not any(runs.values())


def test_pictures_are_let_go_at_once() -> None:
    found = candidates([0.3, 0.5])
    found.distinct()
    alive = weakref.ref(found)
    gc.disable()
    try:
        del found
        assert alive() is None
    finally:
        gc.enable()
