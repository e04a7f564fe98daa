# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a cut-out match its photo: what the network is shown, and what becomes of its answer."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.harmony import INPUTS, Harmony, Shading
from gimp_saliency.shared.request import PLAIN, EditRequest
from model_server.predict.errors import NetworkError
from model_server.predict.harmonizer import Harmonizer, cut_window, find_box
from model_server.predict.orders import SAME
from model_server.predict.predictor import Predictor
from model_server.predict.styles import sample_styles
from model_server.serve.worker import Worker
from tests.model_server.stand_in_networks import put_harmonize, put_older, put_without_styles

LEFT, RIGHT = (51, 102, 204), (255, 0, 153)  # 0.2, 0.4, 0.8 and 1, 0, 0.6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks with a stand-in for the one that harmonizes."""
    found = tmp_path_factory.mktemp("harmonize") / "networks"
    put_harmonize(found)
    return found


@pytest.fixture
def predictor(folder: Path) -> Predictor:
    return Predictor(folder)


@pytest.fixture
def harmonizer(predictor: Predictor) -> Harmonizer:
    return predictor.harmonizer


class Network:
    """Keeps what it is shown, and answers what the test says."""

    def __init__(self, curves: Any = INPUTS, shading: Any = 0.0) -> None:
        self._curves, self._shading = curves, shading
        self.seen: dict[str, Any] = {}
        self.runs = 0

    def run(self, outputs: list[str], inputs: dict[str, Any]) -> list[Any]:
        assert outputs == ["curves", "shading"]
        self.seen = inputs
        self.runs += 1
        curves = np.broadcast_to(np.array(self._curves, np.float32), (len(inputs["style"]), 3, 16))
        return [curves, np.broadcast_to(np.array(self._shading, np.float32), (1, 32, 32))]

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("picture", "mask", "around", "cut", "style")]


def put_in_place(monkeypatch: pytest.MonkeyPatch, harmonizer: Harmonizer, network: Network) -> Network:
    monkeypatch.setattr(harmonizer._networks, "session", lambda _name: network)
    return network


def compose(width: int, height: int, box: tuple[int, int, int, int], coverage: int = 255) -> Any:
    """A photo whose left half is LEFT and whose right half is RIGHT, and a cut-out: half without red, half all red."""
    picture = np.zeros((height, width, 4), np.uint8)
    picture[:, : width // 2, :3] = LEFT
    picture[:, width // 2 :, :3] = RIGHT
    left, top, right, bottom = box
    picture[top:bottom, left:right] = (0, 128, 128, coverage)
    picture[top:bottom, (left + right) // 2 : right, 0] = 255
    return picture


# --- the window


def make_planes(height: int = 144, width: int = 192, seed: int = 0) -> Any:
    return np.random.default_rng(seed).random((1, 5, height, width), np.float32)


def test_a_window_of_its_own_size_is_a_piece_of_the_canvas() -> None:
    planes = make_planes()
    cut = cut_window(planes, (32, 48, 64, 80))
    assert cut.shape == (1, 5, 64, 64) and cut.dtype == np.float32
    assert (cut == planes[:, :, 32:96, 16:80]).all()


@pytest.mark.parametrize(("columns", "rows"), [(0, 0), (160, 112), (0, 112), (160, 0)])
def test_beyond_the_picture_colours_go_on_and_nothing_is_covered(columns: int, rows: int) -> None:
    """At its four corners; a quarter of the window hangs over at each of two sides."""
    planes = make_planes()
    cut = cut_window(planes, (columns, rows, columns + 32, rows + 32))
    y, x = np.arange(rows - 16, rows + 48), np.arange(columns - 16, columns + 48)
    inside = ((y >= 0) & (y < 144))[:, None] & ((x >= 0) & (x < 192))
    assert inside.sum() == 48 * 48
    repeated = planes[:, :, y.clip(0, 143)[:, None], x.clip(0, 191)]
    assert (cut[:, :3] == repeated[:, :3]).all()
    assert (cut[:, 3:] == repeated[:, 3:] * inside).all()


def test_a_large_window_is_shrunk_with_triangles() -> None:
    """By two: a pixel gives its sample 3/8, and the one beside it 1/8, along each side."""
    planes = np.zeros((1, 5, 144, 192), np.float32)
    planes[0, 3, 60, 81] = 1
    cut = cut_window(planes, (60, 40, 124, 104))[0]  # the window's corner: 28, 8
    expected = np.zeros((64, 64))
    expected[25:27, 26:28] = np.outer([1 / 8, 3 / 8], [3 / 8, 1 / 8])  # row 52 of it, column 53
    assert np.abs(cut[3] - expected).max() < 1e-6
    assert not cut[[0, 1, 2, 4]].any()


def test_a_window_around_one_pixel() -> None:
    """In the corner: two pixels wide, so that the 64 samples lie 1/32 px apart; between pixels it is bilinear."""
    planes = np.zeros((1, 5, 144, 192), np.float32)
    planes[0, :, 0, 0] = 1
    cut = cut_window(planes, (0, 0, 1, 1))[0]
    x = -0.5 + (np.arange(64) + 0.5) / 32
    covered = 1 - np.abs(x - 0.5)
    assert np.abs(cut[3:] - np.outer(covered, covered)).max() < 1e-6
    colour = np.where(x < 0.5, 1, covered)  # which goes on beyond the corner
    assert np.abs(cut[:3] - np.outer(colour, colour)).max() < 1e-6


def weigh(start: float, length: float, count: int, reach: int) -> Any:
    """How much pixels from -reach to count + reach give each sample of a window, on a plane without end."""
    step = length / 64
    middles = start + (np.arange(64) + 0.5) * step
    weights = (1 - np.abs(np.arange(-reach, count + reach) + 0.5 - middles[:, None]) / max(1, step)).clip(0)
    return weights / weights.sum(1, keepdims=True)


@settings(max_examples=60, database=None)
@given(st.data())
def test_any_window_is_that_of_a_plane_without_end(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    planes = make_planes(height, width)
    reach = 64
    around = [(0, 0), (0, 0), (reach, reach), (reach, reach)]
    wide = np.concatenate([np.pad(planes[:, :3], around, "edge"), np.pad(planes[:, 3:], around)], axis=1)
    rows = weigh(top - (bottom - top) / 2, 2 * (bottom - top), height, reach)
    columns = weigh(left - (right - left) / 2, 2 * (right - left), width, reach)
    cut = cut_window(planes, (left, top, right, bottom))
    assert np.abs(cut - rows @ wide @ columns.T).max() < 1e-5


def test_a_canvas_s_padding_changes_no_window() -> None:
    planes = make_planes()
    padding = [(0, 0), (0, 0), (0, 16), (0, 32)]
    padded = np.concatenate([np.pad(planes[:, :3], padding, "edge"), np.pad(planes[:, 3:], padding)], axis=1)
    for box in ((150, 100, 192, 144), (0, 0, 192, 144), (191, 143, 192, 144)):
        assert (cut_window(padded, box) == cut_window(planes, box)).all()


def test_the_box_holds_what_is_covered_by_more_than_a_255th() -> None:
    mask = np.zeros((1, 1, 20, 30), np.float32)
    mask[0, 0, 4, 6] = 1 / 255
    assert find_box(mask) == (6, 4, 7, 5)  # there is nothing else
    mask[0, 0, 10:12, 20:25] = 1.01 / 255
    assert find_box(mask) == (20, 10, 25, 12)
    mask[0, 0, 0, 0] = mask[0, 0, 19, 29] = 1
    assert find_box(mask) == (0, 0, 30, 20)


# --- what the network is shown


@pytest.mark.parametrize(
    ("width", "height", "canvas"), [(384, 288, (192, 144)), (288, 384, (144, 192)), (288, 288, (144, 144))]
)
def test_the_network_sees_the_canvas(
    harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch, width: int, height: int, canvas: tuple[int, int]
) -> None:
    """Lying, upright, square: padded to multiples of 32, where nothing is covered and nothing counts."""
    network = put_in_place(monkeypatch, harmonizer, Network())
    box = (width // 3, height // 3, 2 * width // 3, 2 * height // 3)
    harmony = harmonizer.predict_harmony(compose(width, height, box))
    across, down = canvas
    full = (-(-down // 32) * 32, -(-across // 32) * 32)
    assert network.seen.pop("style").shape == (1, 10)
    shapes = {name: value.shape for name, value in network.seen.items()}
    assert shapes == {"picture": (1, 3, *full), "mask": (1, 1, *full), "around": (1, 1, *full), "cut": (1, 5, 64, 64)}
    assert {value.dtype for value in network.seen.values()} == {np.dtype(np.float32)}
    mask, around = network.seen["mask"][0, 0], network.seen["around"][0, 0]
    middle = (slice(down // 3, 2 * down // 3), slice(across // 3, 2 * across // 3))
    assert (mask[middle] == 1).all() and mask.sum() == mask[middle].sum()
    assert (around[:down, :across] == 1 - mask[:down, :across]).all()
    assert not around[down:].any() and not around[:, across:].any()
    picture = network.seen["picture"][0]
    assert np.abs(picture[:, down - 1, 0] - np.array(LEFT) / 255).max() < 1e-6
    assert (picture[:, down:, 0] == picture[:, down - 1 : down, 0]).all()
    assert harmony.shading is not None and harmony.shading.box == pytest.approx((1 / 3, 1 / 3, 2 / 3, 2 / 3))


def test_half_of_what_is_half_covered_counts(harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch) -> None:
    network = put_in_place(monkeypatch, harmonizer, Network())
    reference = np.full((288, 384), 51, np.uint8)
    harmonizer.predict_harmony(compose(384, 288, (96, 96, 192, 192), coverage=102), reference)
    mask, around = network.seen["mask"][0, 0], network.seen["around"][0, 0]
    assert mask[70, 70] == pytest.approx(0.4) and around[70, 70] == pytest.approx(0.6 * 0.2)
    assert mask[10, 10] == 0 and around[10, 10] == pytest.approx(0.2)
    cut = network.seen["cut"][0]  # the middle of it is the cut-out's, its corner is not
    assert cut[3:, 30, 30] == pytest.approx([0.4, 0.12]) and cut[3:, 0, 0] == pytest.approx([0, 0.2])


@pytest.mark.parametrize("coverage", [1, 255])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (383, 0), (0, 255), (383, 255), (190, 0), (383, 100), (200, 120)])
def test_a_cut_out_of_one_pixel(
    harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch, x: int, y: int, coverage: int
) -> None:
    """In the corners, at the border, and so faint that its coverage is less than what makes a box elsewhere."""
    network = put_in_place(monkeypatch, harmonizer, Network())
    harmony = harmonizer.predict_harmony(compose(384, 256, (x, y, x + 1, y + 1), coverage))
    assert harmony.shading is not None
    left, top, right, bottom = harmony.shading.box
    assert 0 <= left <= (x + 0.5) / 384 <= right <= 1 and right - left <= 3 / 192
    assert 0 <= top <= (y + 0.5) / 256 <= bottom <= 1 and bottom - top <= 3 / 128
    cut = network.seen["cut"]
    assert np.isfinite(cut).all() and cut[0, 3].max() > 0 and cut.min() >= 0 and cut.max() <= 1


# --- its answer


def test_a_lying_composite(harmonizer: Harmonizer) -> None:
    """The stand-in's curves end at the photo's mean, half LEFT and half RIGHT; its shading is what is red."""
    harmony = harmonizer.predict_harmony(compose(384, 288, (128, 96, 256, 192)))
    check_curves(harmony, (0.6, 0.2, 0.7))
    assert harmony.shading is not None
    assert harmony.shading.box == (64 / 192, 48 / 144, 128 / 192, 96 / 144)
    # A sample is two pixels of the canvas wide: in the middle 1/8 of each is the other half's.
    row = harmony.shading.values[16]
    assert row[1:31] == pytest.approx([*[-1] * 14, -0.75, 0.75, *[1] * 14], abs=1e-6)


def test_an_upright_composite(harmonizer: Harmonizer) -> None:
    """The canvas is padded at its right, whose colour would count more if the padding did."""
    harmony = harmonizer.predict_harmony(compose(288, 384, (96, 64, 192, 320)))
    check_curves(harmony, (0.6, 0.2, 0.7))
    assert harmony.shading is not None
    assert harmony.shading.box == (48 / 144, 32 / 192, 96 / 144, 160 / 192)
    column = [row[8] for row in harmony.shading.values]
    assert column[2:30] == pytest.approx([-1] * 28, abs=1e-6)


def check_curves(harmony: Harmony, ends: tuple[float, float, float]) -> None:
    for curve, end in zip(harmony.curves(), ends):
        assert curve == pytest.approx([end * x for x in INPUTS], abs=1e-4)  # sums of float32


def test_the_part_to_match(harmonizer: Harmonizer) -> None:
    picture = compose(384, 288, (128, 96, 256, 192))
    everything = np.full((288, 384), 255, np.uint8)
    check_curves(harmonizer.predict_harmony(picture, everything), (0.6, 0.2, 0.7))
    left = everything.copy()
    left[:, 100:] = 0
    check_curves(harmonizer.predict_harmony(picture, left), (0.2, 0.4, 0.8))
    right = left[:, ::-1]
    check_curves(harmonizer.predict_harmony(picture, right), (1, 0, 0.6))
    faint = (right > 0).astype(np.uint8)  # 1 of 255 is as good a choice
    check_curves(harmonizer.predict_harmony(picture, faint), (1, 0, 0.6))


def test_an_answer_beyond_the_ranges_is_brought_back(harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch) -> None:
    curve = [-0.1, 0.2, 0.1999999, 0.3, *[0.5] * 10, 1.0000001, 0.9999999]
    put_in_place(monkeypatch, harmonizer, Network(curve, [-3.0] * 16 + [1.00001] * 16))
    harmony = harmonizer.predict_harmony(compose(64, 48, (10, 10, 20, 20)))
    expected = np.array([0, 0.2, 0.2, 0.3, *[0.5] * 10, 1, 1], np.float32).tolist()
    assert harmony.red == harmony.green == harmony.blue == tuple(expected)
    assert harmony.shading is not None
    assert harmony.shading.values == ((-1.0,) * 16 + (1.0,) * 16,) * 32
    assert Harmony.from_json(json.loads(json.dumps(harmony.to_json()))) is not None


@pytest.mark.parametrize("answer", [{"curves": np.nan}, {"shading": np.nan}])
def test_what_is_no_number_is_no_answer(
    harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    put_in_place(monkeypatch, harmonizer, Network(**answer))
    with pytest.raises(ValueError, match="must be from"):
        harmonizer.predict_harmony(compose(64, 48, (10, 10, 20, 20)))


# --- styles


def style_of(first: float) -> tuple[float, ...]:
    return (first, *PLAIN[1:])


def test_the_style_is_the_network_s(harmonizer: Harmonizer) -> None:
    """Of the stand-in the first number alone counts, a fifth for each 1."""
    picture = compose(384, 288, (128, 96, 256, 192))
    plain = harmonizer.predict_harmony(picture)
    assert harmonizer.predict_harmony(picture, style=PLAIN) == plain
    styled = harmonizer.predict_harmony(picture, style=style_of(-2.5))
    check_curves(styled, (0.3, 0.1, 0.35))
    assert styled.shading == plain.shading
    left = np.full((288, 384), 255, np.uint8)
    left[:, 100:] = 0
    check_curves(harmonizer.predict_harmony(picture, left, style_of(2.5)), (0.1, 0.2, 0.4))


@pytest.mark.parametrize("asked", [PLAIN, style_of(3)])
def test_proposals_begin_with_what_is_asked_for(harmonizer: Harmonizer, asked: tuple[float, ...]) -> None:
    """Each is what is predicted in its style, and each is drawn from the seed."""
    picture = compose(384, 288, (128, 96, 256, 192))
    reference = np.full((288, 384), 200, np.uint8)
    found = harmonizer.propose(picture, reference, asked, 5)
    assert len(found) == 4 and found[0].style == asked
    assert {each.style for each in found[1:]} <= set(sample_styles(5))
    for each in found:
        alone = harmonizer.predict_harmony(picture, reference, each.style)
        for one, other in zip(alone.curves(), each.harmony.curves()):
            assert one == pytest.approx(other, abs=1e-5)
        assert each.harmony.shading == found[0].harmony.shading
    assert harmonizer.propose(picture, reference, asked, 5) == found
    assert harmonizer.propose(picture, reference, asked, 6)[1:] != found[1:]


def test_each_proposal_is_the_one_least_like_those_before(
    harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By how much darker each is: of 0, .1, .2, .5, .6, .7, .71 first the farthest from 0, then from both, …"""
    numbers = (0.5, 1.0, 2.5, 3.0, 3.5, 3.55)
    drawn = [style_of(number) for number in numbers]
    monkeypatch.setattr("model_server.predict.harmonizer.sample_styles", lambda _seed: drawn)
    # A gray cut-out over white: its lightness is all that the curves change.
    picture = np.full((96, 128, 4), (255, 255, 255, 0), np.uint8)
    picture[30:60, 40:90] = (128, 128, 128, 255)
    found = harmonizer.propose(picture, None, PLAIN, 0)
    assert [each.style[0] for each in found] == [0, 3.55, 2.5, 1.0]


def test_all_styles_are_asked_for_at_once(harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch) -> None:
    network = put_in_place(monkeypatch, harmonizer, Network())
    found = harmonizer.propose(GOOD, None, style_of(1), 3)
    assert network.runs == 1
    assert np.allclose(network.seen["style"], [style_of(1), *sample_styles(3)])
    assert network.seen["style"].dtype == np.float32
    assert [each.style for each in found] == [style_of(1)], "what looks the same is offered"


def test_what_nobody_can_tell_apart_is_left_out(harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [style_of(0.01), style_of(2), style_of(2.01)]
    monkeypatch.setattr("model_server.predict.harmonizer.sample_styles", lambda _seed: drawn)
    found = harmonizer.propose(compose(384, 288, (128, 96, 256, 192)), None, PLAIN, 0)
    assert len(found) == 2 and found[0].style == PLAIN and found[1].style in drawn[1:]
    assert SAME < 10, "of colours that differ by a tenth of the range"


def test_what_is_beside_the_cut_out_counts_not(harmonizer: Harmonizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A black cut-out, which no curve through the origin changes, before a light photo."""
    picture = np.full((96, 128, 4), (250, 250, 250, 0), np.uint8)
    picture[30:60, 40:90] = (0, 0, 0, 255)
    assert len(harmonizer.propose(picture, None, PLAIN, 0)) == 1


# --- refusals

GOOD = compose(64, 48, (10, 10, 20, 20))
EVERYWHERE = GOOD | np.array([0, 0, 0, 255], np.uint8)


@pytest.mark.parametrize(
    ("picture", "reference", "sentence"),
    [
        (GOOD * np.array([1, 1, 1, 0], np.uint8), None, "Nothing of the layer is in the picture; move it"),
        (EVERYWHERE, None, "covers the whole photo, so that nothing is left to match; erase or mask"),
        (GOOD, np.zeros((48, 64), np.uint8), "The selection holds nothing of the photo to match; select a part"),
        (GOOD, GOOD[:, :, 3], "The selection holds nothing of the photo to match; select a part"),
        (GOOD, GOOD[:, :63, 3], "one for each pixel"),
        (GOOD, np.ones((48, 64), np.float32), "one for each pixel"),
        (GOOD[:15], None, "16 pixels"),
        (GOOD[:, :, :3], None, "4 channels"),
    ],
)
def test_what_cannot_be_harmonized_is_a_sentence(
    harmonizer: Harmonizer, picture: Any, reference: Any, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        harmonizer.predict_harmony(picture, reference)
    with pytest.raises(ValueError, match=sentence):
        harmonizer.propose(picture, reference, PLAIN, 0)


def test_the_least_of_the_photo_is_enough(harmonizer: Harmonizer) -> None:
    """One pixel of which a 255th is seen, beside a layer that hides all else."""
    picture = EVERYWHERE.copy()
    picture[40, 50, 3] = 254
    only = np.zeros((48, 64), np.uint8)
    only[40, 50] = 1
    for reference in (None, only):
        check_curves(harmonizer.predict_harmony(picture, reference), (1, 0, 0.6))


# --- the file


def test_it_is_loaded_when_it_is_first_asked_for(predictor: Predictor) -> None:
    networks = predictor._networks._networks
    predictor.attention.predict_edits(GOOD, EditRequest("attenuate", ranking=Ranking.RANDOM), figures=False)
    with pytest.raises(ValueError, match="Nothing of the layer"):
        predictor.harmonizer.predict_harmony(np.zeros_like(GOOD))
    assert networks["harmonize.onnx"].session is None
    other = Predictor(predictor._networks._folder)
    other.harmonizer.predict_harmony(GOOD)
    loaded = {name for name, network in other._networks._networks.items() if network.session is not None}
    assert loaded == {"harmonize.onnx"}
    assert "harmonize.onnx" in predictor.networks
    predictor.load()
    assert networks["harmonize.onnx"].session is not None


def test_the_model_is_named(tmp_path: Path) -> None:
    sha256 = put_harmonize(tmp_path / "networks", version=12)
    predictor = Predictor(tmp_path / "networks")
    assert predictor.harmonizer.model == f"harmonize-12 ({sha256})"
    assert predictor.model.startswith("edit-")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    put_older(tmp_path / "older")
    return tmp_path / "older"


def test_older_networks_do_everything_else(older: Path) -> None:
    predictor = Predictor(older)
    assert "harmonize.onnx" not in predictor.networks and predictor.harmonizer.model == ""
    predictor.load()
    assert predictor.attention.predict_edits(GOOD, EditRequest("attenuate", ranking=Ranking.RANDOM)).edits
    with pytest.raises(NetworkError, match=r"older than Harmonize Layer; run install\.sh again"):
        predictor.harmonizer.predict_harmony(GOOD)
    with pytest.raises(ValueError, match="Nothing of the layer"):
        predictor.harmonizer.predict_harmony(np.zeros_like(GOOD))


def test_a_network_that_knows_no_styles_is_older(tmp_path: Path) -> None:
    put_without_styles(tmp_path / "older")
    predictor = Predictor(tmp_path / "older")
    predictor.load()
    for ask in (
        lambda: predictor.harmonizer.predict_harmony(GOOD),
        lambda: predictor.harmonizer.propose(GOOD, None, PLAIN, 0),
    ):
        with pytest.raises(NetworkError, match=r"older than Harmonize Layer; run install\.sh again"):
            ask()
    assert predictor.attention.predict_edits(GOOD, EditRequest("attenuate", ranking=Ranking.RANDOM)).edits


def test_the_worker_goes_on_with_older_networks(older: Path) -> None:
    worker = Worker(lambda: Predictor(older))
    try:
        for _ in range(2):
            with pytest.raises(NetworkError, match="older"):
                worker.run(lambda predictor: predictor.harmonizer.predict_harmony(GOOD), 20)
            assert worker.state()["state"] == "failed"
            assert worker.run(lambda predictor: predictor.attention.look(GOOD), 20)
            assert worker.state()["state"] == "ready"
    finally:
        worker.close()


@pytest.mark.parametrize("how", ["truncated", "missing", "no version"])
def test_a_damaged_file_is_refused_at_once(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "networks"
    put_harmonize(folder)
    file, manifest = folder / "harmonize.onnx", folder / "manifest.json"
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:100])
    elif how == "missing":
        file.unlink()
    else:
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "harmonize": None}))
    with pytest.raises(NetworkError, match=r"run install\.sh again"):
        Predictor(folder)


def test_a_shading_of_the_smallest_box_survives_json() -> None:
    """What is rounded there must still be a box."""
    box = (191 / 192, 143 / 144, 1.0, 1.0)
    harmony = Harmony(INPUTS, INPUTS, INPUTS, Shading(box, ((0.0,) * 32,) * 32))
    found = Harmony.from_json(json.loads(json.dumps(harmony.to_json())))
    assert found.shading is not None and found.shading.box == pytest.approx(box, abs=1e-6)
