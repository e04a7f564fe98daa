# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a selection's edge, with the shipped network and with stand-ins for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gimp_saliency.shared.choices import Edge
from model_server.predict.errors import NetworkError
from model_server.predict.fitting import Fitting
from model_server.predict.predictor import Predictor
from model_server.predict.soften import measure_width, soften_mask


def draw(size: tuple[int, int], box: tuple[int, int, int, int], shape: str = "ellipse") -> Any:
    """A mask (H, W), 0..255."""
    image = Image.new("L", size)
    getattr(ImageDraw.Draw(image), shape)(box, fill=255)
    return np.asarray(image)


def seen(selection: Any, truth: Any | None = None) -> Any:
    """A red thing on noisy grey, and the selection."""
    picture = np.random.default_rng(0).integers(110, 130, (*selection.shape, 3), np.uint8)
    if truth is not None:
        picture[truth > 127] = (200, 40, 30)
    return np.dstack([picture, selection])


def overlap(one: Any, other: Any) -> float:
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())


@pytest.fixture(scope="module")
def fitting() -> Fitting:
    return Predictor().fitting


BALL = draw((180, 150), (60, 40, 130, 110))
LOOSE = {
    "box": draw((180, 150), (50, 30, 142, 122), "rectangle"),
    "ellipse": draw((180, 150), (44, 30, 146, 124)),
    "shifted": draw((180, 150), (64, 30, 150, 122), "rectangle"),
}


@pytest.mark.parametrize("kind", list(LOOSE))
@pytest.mark.parametrize("edge", [Edge.AUTOMATIC, Edge.OBJECT])
def test_a_plain_object_is_found(fitting: Fitting, kind: str, edge: Edge) -> None:
    found = fitting.find_edge(seen(LOOSE[kind], BALL), edge)
    assert found.edge == Edge.OBJECT and found.expected is not None
    assert (found.mask <= LOOSE[kind]).all()
    assert overlap(found.mask, np.minimum(BALL, LOOSE[kind])) > 0.9


def test_a_plain_wall_is_softened(fitting: Fitting) -> None:
    wall = draw((180, 150), (50, 30, 142, 122))
    found = fitting.find_edge(seen(wall), Edge.AUTOMATIC)
    assert found.edge == Edge.SOFT
    assert (found.mask == soften_mask(wall)).all()


def test_a_mask_that_fits_is_left_alone(fitting: Fitting) -> None:
    found = fitting.find_edge(seen(BALL, BALL), Edge.AUTOMATIC)
    assert found.edge == Edge.AS_SELECTED and (found.mask == BALL).all()


def test_as_selected_asks_nobody() -> None:
    fitting = Predictor().fitting
    found = fitting.find_edge(seen(BALL, BALL), Edge.AS_SELECTED)
    assert (found.edge, found.expected) == (Edge.AS_SELECTED, None) and (found.mask == BALL).all()


def test_a_width_softens_the_object_too(fitting: Fitting) -> None:
    selection = LOOSE["box"]
    plain = fitting.find_edge(seen(selection, BALL), Edge.OBJECT).mask
    soft = fitting.find_edge(seen(selection, BALL), Edge.OBJECT, 8.0).mask
    assert (soft <= plain).all() and soft.sum() < 0.9 * plain.sum()


def test_an_object_may_go_beyond_the_selection(fitting: Fitting) -> None:
    half = draw((180, 150), (50, 30, 105, 122), "rectangle")  # the left of the ball, which ends at column 130
    kept = fitting.find_edge(seen(half, BALL), Edge.OBJECT).mask
    grown = fitting.find_edge(seen(half, BALL), Edge.OBJECT, grow=12.0).mask
    assert (kept <= half).all() and overlap(np.minimum(grown, half), kept) > 0.9
    assert (grown[60:90, 106:114] > 127).mean() > 0.8 and not grown[:, 118:].any()


@pytest.mark.parametrize("grow", [0.5, 1.0, 5.5, 400.0])
def test_growth_is_round_and_exact(fitting: Fitting, monkeypatch: pytest.MonkeyPatch, grow: float) -> None:
    selection = draw((40, 30), (12, 10, 13, 11), "rectangle")
    monkeypatch.setattr(
        fitting, "_run_network", lambda picture, selection: (np.ones((96, 96), np.float32), (0.9, 0.1, 0.0))
    )
    mask = fitting.find_edge(seen(selection), Edge.OBJECT, grow=grow).mask
    rows, columns = np.mgrid[:30, :40]
    distance = np.hypot(np.maximum(np.abs(columns - 12.5) - 0.5, 0), np.maximum(np.abs(rows - 10.5) - 0.5, 0))
    assert ((mask > 127) == (distance <= (grow if grow >= 1 else 0))).all()


class Network:
    """Finds what the test says, and expects of it what the test says."""

    def __init__(self, mask: float, expected: tuple[float, float, float]) -> None:
        self._mask, self._expected = mask, expected

    def run(self, _outputs: Any, inputs: dict[str, Any]) -> list[Any]:
        side = inputs["picture"].shape[2] // 2
        return [np.full((1, 1, side, side), self._mask, np.float32), np.array([self._expected], np.float32)]


@pytest.mark.parametrize(
    ("mask", "expected", "edge"),
    [
        (0.9, (0.8, 0.5, 0.0), Edge.OBJECT),
        (0.9, (0.45, 0.3, 0.0), Edge.SOFT),  # not sure of anything
        (0.9, (0.8, 0.79, 0.0), Edge.SOFT),  # hardly better than the selection
        (0.9, (0.8, 0.9, 0.9), Edge.AS_SELECTED),
        (0.0, (0.8, 0.5, 0.0), Edge.SOFT),  # nothing is left
    ],
)
def test_the_fit_is_taken_where_it_is_expected_to_be_better(
    mask: float, expected: tuple[float, float, float], edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = Predictor().fitting
    monkeypatch.setattr(fitting._networks, "session", lambda _name: Network(mask, expected))
    assert fitting.find_edge(seen(LOOSE["box"]), Edge.AUTOMATIC).edge == edge


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize(
    "picture",
    [np.zeros((16, 16, 4), np.uint8), np.full((15, 30, 4), 255, np.uint8), np.full((16, 16, 3), 255, np.uint8)],
    ids=["empty", "small", "no mask"],
)
def test_bad_pictures_are_value_errors(fitting: Fitting, edge: Edge, picture: Any) -> None:
    with pytest.raises(ValueError, match=r".+[:.] ?.*"):
        fitting.find_edge(picture, edge)


def test_no_network_is_loaded_for_a_soft_edge() -> None:
    predictor = Predictor()
    predictor.fitting.find_edge(seen(BALL), Edge.SOFT)
    assert predictor._networks._networks["edge.onnx"].session is None


def test_a_missing_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    fitting = Predictor().fitting

    def fail(_name: str) -> Any:
        raise NetworkError("The network is missing; install it again.")

    monkeypatch.setattr(fitting._networks, "session", fail)
    with pytest.raises(NetworkError, match="again"):
        fitting.find_edge(seen(BALL), Edge.AUTOMATIC)


@pytest.mark.parametrize("width", [0.0, 3.0, 12.0])
def test_a_soft_edge_lies_inside(width: float) -> None:
    soft = soften_mask(BALL, width)
    assert (soft <= BALL).all() and soft[75, 95] == 255 and (soft != BALL).any()
    row = soft[75, 58:95].astype(int)
    assert (np.diff(row) >= 0).all(), "it does not rise towards the middle"
    rise = int((row < 250).sum())
    assert abs(rise - (width or measure_width(BALL)) - 4) <= 4


def test_the_picture_s_edge_is_no_edge_of_the_mask() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[:, :40] = 255
    soft = soften_mask(mask, 8.0)
    assert (soft[:, 0] == 255).all() and (soft[0, :20] == 255).all() and (soft[:, 39] < 128).all()


def test_thin_things_are_not_softened_away() -> None:
    line = draw((200, 100), (20, 48, 180, 51), "rectangle")
    assert soften_mask(line).max() > 200


def test_a_mask_s_own_slopes_stay_below_it() -> None:
    ramp = np.tile(np.linspace(0, 255, 100).astype(np.uint8), (50, 1))
    assert (soften_mask(ramp, 6.0) <= ramp).all()
    assert measure_width(np.zeros((20, 20), np.uint8)) == 0 and not soften_mask(np.zeros((20, 20), np.uint8)).any()
