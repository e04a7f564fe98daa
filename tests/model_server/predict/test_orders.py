# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice among orders and among styles, on made-up pictures."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gimp_saliency.shared.choices import PROPOSED, Ranking
from gimp_saliency.shared.request import PLAIN, EditRequest
from gimp_saliency.shared.styles import Style
from model_server.predict.border import to_lab
from model_server.predict.orders import SAME, Candidates, Measure
from model_server.predict.styles import DRAWN, choose_styles, is_worthy, sample_styles
from model_server.predict.vector import ORDERS

POOL = ThreadPoolExecutor(2)
MASK = np.zeros((1, 1, 8, 8), np.float32)
MASK[..., 2:6, 2:6] = 1


class Greys:
    """The darker, the more real; the brighter, the more attention."""

    def share(self, picture: Any) -> float:
        return float(picture.mean())

    def realism(self, picture: Any) -> float:
        return -float(picture.mean())

    def border(self, picture: Any) -> float:
        return 0.0


LEVELS = np.linspace(0, 1, 4096, dtype=np.float32)
LIGHTNESS = to_lab(np.repeat(LEVELS[:, None], 3, 1))[:, 0]


def make_grey(lightness: float) -> float:
    """The display-encoded grey of that L*, 0..100: greys differ by their lightness, in CIE76."""
    return float(np.interp(lightness, LIGHTNESS, LEVELS))


def candidates(greys: list[float], sign: float = 1.0) -> Candidates:
    """Orders whose pictures are grey; the first ones as given, the rest like the first."""
    greys = [*greys, *[greys[0]] * (len(ORDERS) - len(greys))]

    def edited(index: int) -> Any:
        return np.full((1, 3, 8, 8), greys[index], np.float32)

    return Candidates(edited, edited, Greys(), Measure(MASK), sign, len(ORDERS), POOL)


def test_variants_are_farthest_from_what_was_chosen_before() -> None:
    found = candidates([0.3, 0.9, 0.5, 0.62, 0.4])
    assert [found.choose(choice) for choice in PROPOSED] == [0, 1, 3, 2]
    assert found.choose_distinct() == dict(zip(PROPOSED, [0, 1, 3, 2]))


def test_an_order_is_judged_by_both_at_once() -> None:
    found = candidates([0.25, 0.75])
    assert found.border(1) == 0
    assert found.judge(1) == (found.share(1), found.realism(1)) == (0.75, -0.75)


def test_most_attention_depends_on_the_direction() -> None:
    assert candidates([0.3, 0.9], sign=-1.0).choose(Ranking.BEST_SALIENCY) == 0


def test_lookalikes_are_left_out_but_answer() -> None:
    found = candidates([make_grey(lightness) for lightness in (30, 30 + 0.8 * SAME, 30 + 0.4 * SAME)])
    assert found.choose_distinct() == {"best-realism": 0}
    assert [found.choose(choice) for choice in PROPOSED] == [0, 1, 2, 3]
    distinct = candidates([make_grey(lightness) for lightness in (30, 30 + 1.2 * SAME)]).choose_distinct()
    assert distinct == {"best-realism": 0, "best-saliency": 1}


@pytest.mark.parametrize(("choice", "looks"), [("best-realism", "realism"), ("best-saliency", "share")])
def test_a_choice_runs_one_network_and_once_for_what_looks_alike(choice: str, looks: str) -> None:
    runs = {"realism": 0, "share": 0, "border": 0}

    def count(name: str) -> Any:
        def judge(picture: Any) -> float:
            runs[name] += 1
            return 0.0

        return judge

    def edited(index: int) -> Any:
        return np.full((1, 3, 8, 8), 0.3 * (index % 3) + 0.0001 * index, np.float32)

    judge = SimpleNamespace(**{name: count(name) for name in runs})
    Candidates(edited, edited, judge, Measure(MASK), 1.0, len(ORDERS), POOL).choose(choice)
    assert runs.pop(looks) == 3 and not any(runs.values())


def test_no_more_than_eight_are_judged() -> None:
    """The first one and those that differ most from all that are chosen before, whatever their places."""
    lights = np.cumsum(np.linspace(2, 3, len(ORDERS))) + 20  # no two steps are the same
    found = candidates([make_grey(lightness) for lightness in lights])
    chosen = found._judged
    assert len(chosen) == 8 and chosen[:3] == [0, 23, 13]
    assert max(min(abs(lights[i] - lights[j]) for j in chosen) for i in range(len(ORDERS))) < 7


def test_pictures_are_let_go_at_once() -> None:
    found = candidates([0.3, 0.5])
    found.choose_distinct()
    alive = weakref.ref(found)
    gc.disable()
    try:
        del found
        assert alive() is None
    finally:
        gc.enable()


def test_areas_count_alike_however_large() -> None:
    one, other = np.zeros((2, 1, 3, 8, 8), np.float32)
    other[..., 2:6, 2:6], other[..., 7, 7] = make_grey(40), make_grey(80)
    small = np.zeros_like(MASK)
    small[..., 7, 7] = 1
    for areas, expected in (((MASK,), 40), ((small,), 80), ((MASK, small), 120), ((MASK, np.zeros_like(MASK)), 40)):
        measure = Measure(*areas)
        assert measure.compare(measure.cut(one), measure.cut(other)) == pytest.approx(expected, abs=0.01)


def test_of_a_large_area_some_pixels_are_enough() -> None:
    area = np.zeros((1, 1, 200, 300), np.float32)
    area[..., 50:, :] = 1
    one, other = np.zeros((2, 1, 3, 200, 300), np.float32)
    other[..., 100:, :] = make_grey(30)
    measure = Measure(area)
    assert len(measure.cut(one)) <= 4000
    assert measure.compare(measure.cut(one), measure.cut(other)) == pytest.approx(20, abs=0.1)


def test_styles_are_drawn_from_a_seed() -> None:
    styles = sample_styles(7)
    assert styles == sample_styles(7) and not set(styles) & set(sample_styles(8))
    assert len(set(styles)) == DRAWN and PLAIN not in styles
    numbers = np.array([sample_styles(seed) for seed in range(200)])
    assert abs(numbers.mean()) < 0.05 and abs(numbers.std() - 1) < 0.05 and np.abs(numbers).max() <= 4
    for style in styles:
        assert EditRequest("attenuate", style_numbers=style).style_numbers == style
        assert [float(f"{number:.3f}") for number in style] == list(style)


@pytest.mark.parametrize(
    ("moved", "realism", "worthy"),
    [(0.01, 0.5, True), (0.01, 0.43, True), (0.01, 0.41, False), (0.0, 0.5, False), (-0.01, 0.9, False)],
)
def test_what_a_style_must_be_worth(moved: float, realism: float, worthy: bool) -> None:
    assert is_worthy(moved, realism, beside=0.5) == worthy


def styles(lights: list[float], moved: list[float]) -> dict[Style, tuple[Any, float]]:
    seen = [make_seen(light) for light in lights]
    return {(float(number),): each for number, each in enumerate(zip(seen, moved))}


def make_seen(lightness: float) -> Any:
    """What a measure takes of a region of that L*."""
    return np.full((16, 3), (lightness, 0, 0), np.float32)


def test_styles_are_chosen_as_orders_are() -> None:
    first, measure = make_seen(50), Measure(MASK)
    # The one that moves most, then the farthest from it and the first, then the farthest from all three.
    found = choose_styles(first, styles([60, 70, 20, 90], [0.1, 0.4, 0.3, 0.2]), measure)
    assert found == {"best-saliency": (1.0,), "variant-1": (2.0,), "variant-2": (3.0,)}
    # Those that look like one before are left out.
    close = 50 + 0.5 * SAME
    assert choose_styles(first, styles([close, 70, 70 + 0.5 * SAME], [0.9, 0.4, 0.3]), measure) == {
        "best-saliency": (1.0,)
    }
    assert choose_styles(first, styles([close], [1.0]), measure) == choose_styles(first, {}, measure) == {}
