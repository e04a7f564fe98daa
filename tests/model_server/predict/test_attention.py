# SPDX-License-Identifier: GPL-3.0-or-later
"""The attention tool with the shipped networks."""

from __future__ import annotations

import gc
import json
import math
import shutil
import weakref
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gimp_saliency.shared.choices import DIRECTIONS, PROPOSED, Boldness, Ranking
from gimp_saliency.shared.edits import to_json
from gimp_saliency.shared.request import PLAIN, EditRequest
from model_server.predict import attention as module
from model_server.predict.attention import Attention
from model_server.predict.errors import NetworkError
from model_server.predict.networks import NETWORKS
from model_server.predict.predictor import Predictor
from model_server.predict.styles import sample_styles
from model_server.predict.vector import FIXED, NAMES

STYLE = (1.5, -2.0, 0.5, 1.0, -0.5, 2.5, -1.0, 0.0, 1.0, -1.5)


@pytest.fixture(scope="module")
def attention() -> Attention:
    return Predictor().attention


def put_in_place(monkeypatch: pytest.MonkeyPatch, attention: Attention, network: Any) -> None:
    """Let another network than the shipped one predict the edits."""
    monkeypatch.setattr(attention._networks._networks["edit.onnx"], "session", network)


def scene(seed: int, height: int = 144, width: int = 192) -> Any:
    """A made-up picture: a coloured disc, the region, on a noisy gradient."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    disc = (x - width * rng.uniform(0.3, 0.7)) ** 2 + (y - height * rng.uniform(0.3, 0.7)) ** 2 < (height / 5) ** 2
    ground = rng.uniform(40, 200, 3) + (x / width * 50)[:, :, None] + rng.normal(0, 12, (height, width, 3))
    picture = np.where(disc[:, :, None], rng.uniform(30, 220, 3) + rng.normal(0, 8, (height, width, 3)), ground)
    return np.dstack([picture.clip(0, 255), disc * 255]).astype(np.uint8)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("order", Ranking)
def test_prediction_holds_each_edit_once_and_sane_figures(attention: Attention, direction: str, order: str) -> None:
    prediction = attention.predict_edits(scene(1), EditRequest(direction, ranking=order))
    assert sorted(edit.name for edit in prediction.edits) == sorted(NAMES)
    assert [edit.name for edit in prediction.edits[:FIXED]] == list(NAMES[:FIXED])
    assert prediction.background is None and prediction.style == PLAIN
    assert all(0 <= figure <= 1 for figure in asdict(prediction.figures).values())
    assert attention.predict_edits(scene(1), EditRequest(direction, ranking=order), figures=False) == replace(
        prediction, figures=None
    )


def test_edits_differ_between_pictures_and_directions(attention: Attention) -> None:
    answers = [
        to_json(attention.predict_edits(scene(s), EditRequest(d, ranking=Ranking.RANDOM)).edits)
        for s in range(3)
        for d in DIRECTIONS
    ]
    assert len({json.dumps(sorted(answer, key=lambda edit: edit["name"])) for answer in answers}) == 6


def test_directions_move_attention_their_way(attention: Attention) -> None:
    moved = {
        d: [attention.predict_edits(scene(s), EditRequest(d, ranking=Ranking.BEST_SALIENCY)) for s in range(6)]
        for d in DIRECTIONS
    }
    for direction, sign in DIRECTIONS.items():
        changes = [sign * (p.figures.saliency_after / p.figures.saliency_before - 1) for p in moved[direction]]
        assert np.mean(changes) > 0.02, (direction, changes)


def test_same_picture_same_answer(attention: Attention) -> None:
    for order in Ranking:
        request = EditRequest("attenuate", ranking=order, background=True)
        assert attention.predict_edits(scene(2), request) == Predictor().attention.predict_edits(scene(2), request)


def test_best_orders_are_best(attention: Attention) -> None:
    picture = scene(4)
    real = attention.predict_edits(picture, EditRequest("emphasize", ranking=Ranking.BEST_REALISM))
    seen = attention.predict_edits(picture, EditRequest("emphasize", ranking=Ranking.BEST_SALIENCY))
    assert real.figures.realism_after >= seen.figures.realism_after
    assert seen.figures.saliency_after >= real.figures.saliency_after


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("strength", [1.0, 0.3])
@pytest.mark.parametrize("background", [False, True])
def test_proposals_are_what_edits_gives(
    attention: Attention, direction: str, strength: float, background: bool
) -> None:
    picture = scene(6)
    request = EditRequest(
        direction, 100 * strength, background=background, background_strength=50.0, style_numbers=STYLE
    )
    proposals = attention.propose(picture, request)
    assert list(proposals) == [choice for choice in PROPOSED if choice in proposals] and "best-realism" in proposals
    for choice, prediction in proposals.items():
        assert prediction == attention.predict_edits(picture, replace(request, ranking=choice))
    orders = [tuple(edit.name for edit in prediction.edits) for prediction in proposals.values()]
    assert len(set(orders)) == len(orders)


def test_nothing_to_choose_at_strength_0(attention: Attention) -> None:
    for wish in (
        EditRequest("attenuate", 0.0),
        EditRequest("attenuate", 0.0, background=True, background_strength=0.0),
    ):
        assert list(attention.propose(scene(6), wish)) == ["best-realism"]
        assert list(attention.propose(scene(6), wish, seed=1)) == ["best-realism"]
        assert len(attention.predict_edits(scene(6), replace(wish, ranking=Ranking.VARIANT_2)).edits) == len(NAMES)


def test_look_agrees_with_the_other_answers(attention: Attention) -> None:
    picture = scene(7)
    look = attention.look(picture)
    prediction = attention.predict_edits(picture, EditRequest("attenuate", ranking=Ranking.RANDOM))
    assert look.viewers[0] == pytest.approx(prediction.figures.saliency_before, rel=1e-5)
    assert look.realism == pytest.approx(prediction.figures.realism_before, rel=1e-5)
    assert np.array_equal(look.grey, attention.map_saliency(picture[:, :, :3]))


def test_peak_makes_maps_comparable(attention: Attention) -> None:
    """What is lost at one place of the picture is found elsewhere: all of the attention is one."""
    for seed in range(3):
        look = attention.look(scene(seed))
        assert 0 < look.peak < 1
        # A cell of the grid is 8 x 8 pixels here.
        assert look.grey.sum() / 255 * look.peak / 64 == pytest.approx(1, abs=0.05)


def test_strength_changes_the_figures_not_the_edits(attention: Attention) -> None:
    whole = attention.predict_edits(scene(3), EditRequest("attenuate", ranking=Ranking.RANDOM))
    none = attention.predict_edits(scene(3), EditRequest("attenuate", strength=0.0, ranking=Ranking.RANDOM))
    assert none.edits == whole.edits
    assert none.figures.saliency_after == pytest.approx(none.figures.saliency_before, abs=1e-6)
    assert none.figures.realism_after == pytest.approx(none.figures.realism_before, abs=1e-5)


@pytest.mark.parametrize("shape", [(16, 16), (16, 384), (384, 16), (31, 33), (384, 384)])
def test_any_shape_and_the_smallest_mask(attention: Attention, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 4), dtype=np.uint8)
    picture[:, :, 3] = 0
    picture[shape[0] // 2, shape[1] // 2, 3] = 1
    prediction = attention.predict_edits(picture, EditRequest("emphasize", background=True, ranking=Ranking.RANDOM))
    assert np.isfinite([prediction.figures.saliency_after, prediction.figures.realism_after]).all()
    assert attention.map_saliency(picture[:, :, :3]).shape == shape


def test_whole_picture_selected(attention: Attention) -> None:
    picture = scene(5)
    picture[:, :, 3] = 255
    assert attention.predict_edits(
        picture, EditRequest("attenuate", ranking=Ranking.RANDOM)
    ).figures.saliency_before == pytest.approx(1, abs=1e-3)


def test_saliency_map_sees_the_odd_one(attention: Attention) -> None:
    picture = np.full((192, 256, 3), 120, np.uint8)
    picture[60:100, 40:80] = (220, 30, 30)
    grey = attention.map_saliency(picture)
    assert grey.dtype == np.uint8 and grey.max() >= 200
    assert grey[60:100, 40:80].mean() > 2 * grey[120:, 140:].mean()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda p: {"picture": p[:, :, :3]}, "4 channels"),
        (lambda p: {"picture": p[:15]}, "16 pixels"),
        (lambda p: {"picture": p * np.array([1, 1, 1, 0], np.uint8)}, "mask is empty"),
    ],
)
def test_bad_input_is_a_sentence(attention: Attention, spoil: Callable[[Any], dict[str, Any]], sentence: str) -> None:
    arguments = {"picture": scene(1), "request": EditRequest("attenuate", ranking=Ranking.RANDOM), **spoil(scene(1))}
    with pytest.raises(ValueError, match=sentence):
        attention.predict_edits(**arguments)


@pytest.mark.parametrize("ask", ["look", "propose"])
def test_an_empty_mask_is_a_sentence_everywhere(attention: Attention, ask: str) -> None:
    picture = scene(1) * np.array([1, 1, 1, 0], np.uint8)
    with pytest.raises(ValueError, match="mask is empty"):
        getattr(attention, ask)(picture, *([EditRequest("attenuate")] if ask == "propose" else []))


@pytest.mark.parametrize("name", ["edge.onnx", "edit.onnx", "manifest.json", "realism.onnx"])
def test_spoilt_networks_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "networks"
    shutil.copytree(NETWORKS, folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(NetworkError, match=r"install\.sh"):
        Predictor(folder)
    (folder / name).unlink()
    with pytest.raises(NetworkError, match=r"install\.sh"):
        Predictor(folder)


def test_the_shipped_files_are_small() -> None:
    assert sum(path.stat().st_size for path in NETWORKS.glob("*.onnx")) < 20e6
    assert (NETWORKS / "saliency.onnx").stat().st_size < 8e6


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_edits_go_as_far_as_they_are_believable(
    attention: Attention, direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The critic decides between the factors: with one that likes all it is the largest, else the smallest."""
    monkeypatch.setattr(module, "_BOLDNESS", {Boldness.NATURAL: module._Allowed(0.0, 0.2, math.inf)})
    monkeypatch.setattr(module, "LEAST", 0.0)
    monkeypatch.setattr(attention, "_most_border", math.inf)
    picture = scene(8)
    untouched = attention._make_scene(picture).canvas.picture
    reach = {}
    for verdict in (1.0, 0.0):
        with monkeypatch.context() as patch:
            patch.setattr(
                attention._judges,
                "measure_realism",
                lambda seen, *_areas, verdict=verdict: 1.0 if np.array_equal(seen, untouched) else verdict,
            )
            chosen = {
                edit.name: edit
                for edit in attention.predict_edits(picture, EditRequest(direction, ranking=Ranking.BEST_REALISM)).edits
            }
            reach[verdict] = chosen["exposure"].ev  # type: ignore[union-attr]
    factors = module._FACTORS
    assert reach[1.0] / reach[0.0] == pytest.approx(factors[-1] / factors[0], rel=1e-3)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("ranking", [Ranking.BEST_REALISM, Ranking.RANDOM])
def test_boldness_is_how_far_edits_go(attention: Attention, direction: str, ranking: Ranking) -> None:
    """Bolder ones change more on the mean of some pictures, with the critic's consent and without."""
    free = Attention(attention._networks, attention._pool, most_border=math.inf)
    changes = []
    for boldness in Boldness:
        request = EditRequest(direction, ranking=ranking, boldness=boldness)
        changes.append([measure_change(free, scene(seed), request) for seed in range(6)])
    subtle, natural, bold = np.mean(changes, 1)
    assert subtle < natural < bold


def measure_change(attention: Attention, picture: Any, request: EditRequest) -> float:
    """The mean CIE76 of the region that an edit changes."""
    edits = attention.predict_edits(picture, request, figures=False).edits
    made, words = attention._make_scene(picture), attention._words
    order = [words.kinds.index(edit.name) for edit in edits]
    edited = made.editor.apply(np.array(words.to_parameters(edits), np.float32), None, order)
    measure = made.make_measure(background=False)
    return measure.compare(measure.cut(made.canvas.picture), measure.cut(edited))


def test_boldness_bounds_what_changes(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little the critic minds."""
    monkeypatch.setattr(attention._judges, "measure_realism", lambda *_: 1.0)
    for direction in DIRECTIONS:
        for boldness in Boldness:
            # Another order than the one that it is measured in changes a little more or less.
            most = module._BOLDNESS[boldness].change * 1.15
            assert measure_change(attention, scene(4), EditRequest(direction, boldness=boldness)) <= most


def test_boldness_is_what_realism_may_cost(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a critic whose verdict falls as the edit grows, each boldness goes as far as it may and no further."""
    free, picture = Attention(attention._networks, attention._pool, most_border=math.inf), scene(8)
    untouched = free._make_scene(picture).canvas.picture

    def fall(seen: Any, *_areas: Any) -> float:
        return 1 - 4 * float(np.abs(seen - untouched).mean())

    monkeypatch.setattr(free._judges, "measure_realism", fall)
    costs = []
    for boldness in Boldness:
        figures = free.predict_edits(picture, EditRequest("emphasize", boldness=boldness)).figures
        costs.append(figures.realism_before - figures.realism_after)
    assert costs[0] < costs[1] < costs[2]
    assert all(cost <= module._BOLDNESS[boldness].realism + 0.01 for cost, boldness in zip(costs, Boldness))


def test_the_background_is_another_set_in_the_same_order(attention: Attention) -> None:
    picture = scene(9)
    alone = attention.predict_edits(picture, EditRequest("emphasize", ranking=Ranking.RANDOM))
    both = attention.predict_edits(picture, EditRequest("emphasize", background=True, ranking=Ranking.RANDOM))
    assert both.edits == alone.edits and both.background is not None
    assert [edit.name for edit in both.background] == [edit.name for edit in both.edits]
    assert to_json(both.background) != to_json(both.edits)
    for order in (Ranking.BEST_REALISM, Ranking.BEST_SALIENCY):
        off = attention.predict_edits(
            picture, EditRequest("emphasize", background=True, background_strength=0.0, ranking=order)
        )
        plain = attention.predict_edits(picture, EditRequest("emphasize", ranking=order))
        assert (off.edits, off.figures) == (plain.edits, plain.figures)


def test_a_background_with_edits_changes_the_figures(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the shipped network says of the background: here it says to darken it."""
    run = attention._networks.session("edit.onnx").run

    class Darker:
        def run(self, *arguments: Any) -> Any:
            inside, around = run(*arguments)
            around[:] = 0
            around[:, 0] = -3
            return inside, around

    put_in_place(monkeypatch, attention, Darker())
    monkeypatch.setattr(attention, "_most_border", math.inf)
    picture, request = scene(4), EditRequest("emphasize", ranking=Ranking.RANDOM, background=True)
    figures = [
        attention.predict_edits(picture, replace(request, background_strength=strength)).figures
        for strength in (0.0, 50.0, 100.0)
    ]
    assert len({figure.saliency_before for figure in figures}) == 1
    assert len({figure.saliency_after for figure in figures}) == 3
    evs = [edit.ev for edit in attention.predict_edits(picture, request).background or [] if edit.name == "exposure"]
    assert evs == [-3.0]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_background_helps(attention: Attention, direction: str) -> None:
    """On the mean of some pictures attention goes further with the background than without."""
    helped = []
    for seed in range(6):
        request = EditRequest(direction, ranking=Ranking.RANDOM, background=True)
        both, alone = (
            attention.predict_edits(scene(seed), replace(request, background_strength=strength)).figures
            for strength in (100.0, 0.0)
        )
        helped.append(request.sign * (both.saliency_after / alone.saliency_after - 1))
    assert np.mean(helped) > 0, helped


@pytest.mark.parametrize("realism", [0.9, 0.19])
def test_where_the_critic_doubts_what_nobody_touched_no_more_is_taken_than_was_learned(
    attention: Attention, monkeypatch: pytest.MonkeyPatch, realism: float
) -> None:
    """A critic that says the same of every picture lets edits go as far as they may otherwise."""
    monkeypatch.setattr(attention._judges, "measure_realism", lambda *_arguments: realism)
    made, request = attention._make_scene(scene(6)), EditRequest("attenuate", boldness=Boldness.BOLD)
    inside, _around = attention._run_network(made, request)
    factor = attention._choose_factor(made, request, inside[0] * np.float32(0.1))
    assert factor == (2.5 if realism > 0.2 else 1.0)


def test_what_nobody_sees_is_left_out(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    """A faint edit beside a strong one, as many as nobody sees together, and never all that there is."""
    run = attention._networks.session("edit.onnx").run
    places = attention._words.places

    class Faint:
        def __init__(self, **numbers: float) -> None:
            self.numbers = numbers

        def run(self, names: Any, inputs: Any) -> Any:
            inside, around = run(names, inputs)
            kept = np.zeros_like(inside)
            for kind, number in self.numbers.items():
                kept[:, places[kind]] = number
            return kept, around

    def list_kinds(**numbers: float) -> list[str]:
        put_in_place(monkeypatch, attention, Faint(**numbers))
        found = attention.predict_edits(scene(4), EditRequest("attenuate"))
        return [each.name for each in found.edits if not each.is_identity()]

    assert list_kinds(exposure=-0.5, saturation=0.008) == ["exposure"]
    assert list_kinds(saturation=0.008) == ["saturation"]
    many = {"exposure": -0.5, "saturation": 0.02, "contrast": 0.02, "tone": 0.02}
    left = list_kinds(**many)
    assert "exposure" in left and 1 < len(left) < len(many), "together they can be seen"


@pytest.mark.parametrize("ranking", list(Ranking))
def test_the_background_leaves_the_region_as_it_was_edited(attention: Attention, ranking: Ranking) -> None:
    """Its edits are chosen by the region alone, and the figures are those of both."""
    request = EditRequest("attenuate", ranking=ranking)
    alone = attention.predict_edits(scene(5), request)
    both = attention.predict_edits(scene(5), replace(request, background=True))
    assert both.edits == alone.edits and both.background and alone.background is None
    assert both.figures != alone.figures
    without = attention.predict_edits(scene(5), replace(request, background=True, background_strength=0.0))
    assert without.figures == alone.figures


def test_the_network_is_told_where_viewers_look_and_how_bold_to_be(
    attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the background alone: without it no viewer is asked."""
    seen: list[Any] = []
    run = attention._networks.session("edit.onnx").run

    class Listening:
        def run(self, names: Any, inputs: Any) -> Any:
            seen.append(inputs)
            return run(names, inputs)

    put_in_place(monkeypatch, attention, Listening())
    picture = scene(4)
    for background, boldness in ((False, Boldness.BOLD), (True, Boldness.SUBTLE)):
        request = EditRequest("emphasize", ranking=Ranking.RANDOM, background=background, boldness=boldness)
        attention.predict_edits(picture, request, figures=False)
    alone, both = seen
    assert alone["boldness"].tolist() == [1.0] and both["boldness"].tolist() == [-1.0]
    assert alone["density"].shape == both["density"].shape == (1, 20, 24) and not alone["density"].any()
    assert both["density"].sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("background", [False, True])
def test_a_sketch_says_how_orders_differ(attention: Attention, background: bool) -> None:
    """As well as the pictures themselves, within a fifth, and that of a small region is the picture itself."""
    made = attention._make_scene(scene(4))
    request = EditRequest("emphasize", boldness=Boldness.BOLD, background=background)
    judged, whole = attention._judge(made, request), made.make_measure(background)
    pairs = [(0, 7), (0, 16), (5, 23)]
    render = judged.plan.render_whole if background else judged.plan.render
    pictures = [[whole.cut(render(index)) for index in pair] for pair in pairs]
    sketched = [judged.outcomes._difference(*pair) for pair in pairs]
    assert sketched == pytest.approx([whole.compare(*pair) for pair in pictures], rel=0.2)
    small = scene(4)
    small[:, :, 3] = 0
    small[50:58, 60:70, 3] = 255
    made = attention._make_scene(small)
    assert made.sketch.mask is made.mask


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("width", [8, 60])
def test_pictures_are_let_go_at_once(attention: Attention, width: int, background: bool) -> None:
    """Of a small region and a large one."""
    picture = scene(4)
    picture[:, :, 3] = 0
    picture[30:90, 40 : 40 + width, 3] = 255
    made = attention._make_scene(picture)
    judged = attention._judge(made, EditRequest("attenuate", background=background))
    judged.predict(max(judged.candidates.choose_distinct().values()))
    alive = weakref.ref(made)
    gc.disable()
    try:
        del made, judged
        assert alive() is None
    finally:
        gc.enable()


def test_a_style_is_handed_to_the_network(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    run = attention._networks.session("edit.onnx").run

    class Listening:
        def run(self, names: Any, inputs: Any) -> Any:
            seen.append(inputs["style"].tolist())
            return run(names, inputs)

    put_in_place(monkeypatch, attention, Listening())
    assert (
        attention.predict_edits(scene(4), EditRequest("emphasize", style_numbers=STYLE, ranking=Ranking.RANDOM)).style
        == STYLE
    )
    assert seen == [[list(STYLE)]]
    found = attention.propose(scene(4), EditRequest("emphasize", style_numbers=STYLE), seed=5)
    assert found["best-realism"].style == STYLE
    assert np.allclose(seen[1], [STYLE])
    assert np.allclose(sorted(seen[2:]), sorted([list(style)] for style in sample_styles(5)))  # side by side


def test_drawn_styles_are_worth_it(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the shipped network makes of styles: here the first number is more exposure, the second more colour."""
    run = attention._networks.session("edit.onnx").run

    class Styled:
        def run(self, names: Any, inputs: Any) -> Any:
            inside, around = run(names, inputs)
            inside[:, 0:2] += inputs["style"][0, :2] * np.float32(0.2)
            return inside, around

    put_in_place(monkeypatch, attention, Styled())
    picture, kinds = scene(4), 0
    for direction, sign in DIRECTIONS.items():
        for seed in range(2):
            found = attention.propose(picture, EditRequest(direction), seed=seed)
            assert found == attention.propose(picture, EditRequest(direction), seed=seed)
            assert list(found) == [choice for choice in PROPOSED if choice in found]
            first, *others = found.values()
            assert first == attention.predict_edits(picture, EditRequest(direction, ranking=Ranking.BEST_REALISM))
            assert len({each.style for each in found.values()}) == len(found)
            for each in others:
                assert each.style in sample_styles(seed)
                assert each == attention.predict_edits(
                    picture, EditRequest(direction, style_numbers=each.style, ranking=Ranking.BEST_REALISM)
                )
                assert sign * (each.figures.saliency_after - each.figures.saliency_before) > 0
                assert each.figures.realism_after >= first.figures.realism_after - 0.08
                kinds += 1
    assert kinds > 2


def test_shipped_styles_differ(attention: Attention) -> None:
    """The styles of the shipped network are styles: other numbers, other edits."""
    wishes = [
        EditRequest("emphasize", ranking=Ranking.RANDOM, style_numbers=style)
        for style in (PLAIN, *sample_styles(1)[:3])
    ]
    answers = {json.dumps(to_json(attention.predict_edits(scene(4), wish).edits)) for wish in wishes}
    assert len(answers) == 4
