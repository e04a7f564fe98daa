# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a photograph look good: what the network is shown, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gimp_saliency.shared.choices import LOOKS, Ranking
from gimp_saliency.shared.edits import Curves, Edit, Exposure, Saturation, Tone, WhiteBalance, curve_points
from gimp_saliency.shared.request import EditRequest
from gimp_saliency.shared.retouch import MATCH
from model_server.predict.canvas import Floats
from model_server.predict.editor import decode, encode
from model_server.predict.errors import NetworkError
from model_server.predict.networks import NETWORKS
from model_server.predict.predictor import Predictor
from model_server.predict.retouch_map import CONDITION, ORDER
from model_server.predict.retoucher import RETOUCH, Retoucher
from model_server.predict.skin import turns_hue
from model_server.predict.vector import COUNT, PLACES, to_parameters
from tests.model_server.stand_in_networks import COOL, FILM, PUNCHY, put_older, put_retouch

SKY, LEAF, SKIN = (51, 102, 204), (153, 204, 51), (222, 171, 143)
WHOLE = 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks with a stand-in for the one that retouches."""
    found = tmp_path_factory.mktemp("retouch") / "networks"
    put_retouch(found)
    return found


@pytest.fixture
def predictor(folder: Path) -> Predictor:
    return Predictor(folder)


@pytest.fixture
def retoucher(predictor: Predictor) -> Retoucher:
    return predictor.retoucher


class Network:
    """Keeps what it is shown, and answers what the test says: exposure of the film look, and all of what matches."""

    def __init__(self, film: float = 0.0, matched: Sequence[float] = (0.0,) * COUNT) -> None:
        self._film, self._matched = film, matched
        self.seen: list[dict[str, Any]] = []

    def run(self, _outputs: None, inputs: dict[str, Any]) -> list[Any]:
        self.seen.append(inputs)
        parameters = np.zeros((len(LOOKS), COUNT), np.float32)
        parameters[LOOKS.index("film"), PLACES["exposure"]] = self._film
        return [parameters, np.ones((1, CONDITION), np.float32), np.array([self._matched], np.float32)]


def put_in_place(monkeypatch: pytest.MonkeyPatch, retoucher: Retoucher, network: Network) -> Network:
    others = retoucher._networks.session
    monkeypatch.setattr(retoucher._networks, "session", lambda name: network if name == RETOUCH else others(name))
    return network


def fill(width: int, height: int, colour: tuple[int, int, int] = SKY, mask: int = WHOLE) -> Any:
    picture = np.empty((height, width, 4), np.uint8)
    picture[:] = (*colour, mask)
    return picture


GOOD = fill(64, 48)


def find_ev(edits: list[Edit]) -> float:
    exposure = edits[0]
    assert isinstance(exposure, Exposure)
    return exposure.ev


# What the network is shown


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(384, 288, (128, 96)), (288, 384, (96, 128)), (300, 300, (96, 96)), (384, 20, (128, 7))],
)
def test_the_network_sees_the_canvas(
    retoucher: Retoucher, monkeypatch: pytest.MonkeyPatch, width: int, height: int, size: tuple[int, int]
) -> None:
    """Lying, upright, square and narrow: padded to multiples of 32, where nothing counts."""
    network = put_in_place(monkeypatch, retoucher, Network())
    retoucher.predict_looks(fill(width, height))
    (seen,) = network.seen
    full = (-(-size[1] // 32) * 32, -(-size[0] // 32) * 32)
    shapes = {name: value.shape for name, value in seen.items()}
    assert shapes == {"picture": (1, 3, *full), "valid": (1, 1, *full), "reference": (1, CONDITION)}
    assert {value.dtype for value in seen.values()} == {np.dtype(np.float32)}
    assert np.abs(seen["picture"][0, :, -1, -1] - np.array(SKY) / 255).max() < 1e-6
    assert seen["valid"][0, 0, : size[1], : size[0]].all() and seen["valid"].sum() == size[0] * size[1]
    assert not seen["reference"].any()


@pytest.mark.parametrize("box", [(40, 30, 200, 130), (0, 0, 16, 16), (368, 272, 384, 288), (40, 0, 56, 288)])
@pytest.mark.parametrize("mask", [1, WHOLE])
def test_the_box_that_the_mask_covers_is_looked_at(
    retoucher: Retoucher, box: tuple[int, int, int, int], mask: int
) -> None:
    """All of it, though less be selected: a diagonal, say."""
    left, top, right, bottom = box
    picture = fill(384, 288, mask=0)
    picture[top:bottom, left:right, :3] = LEAF
    picture[top, left, 3] = picture[bottom - 1, right - 1, 3] = mask
    assert find_ev(retoucher.predict_looks(picture)["neutral"]) == pytest.approx(0.6, abs=1e-5)


@pytest.mark.parametrize("box", [(40, 30, 55, 288), (0, 0, 384, 15), (100, 100, 101, 101)])
def test_of_a_mask_too_small_to_judge_the_whole_picture_is(
    retoucher: Retoucher, box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box
    picture = fill(384, 288, mask=0)
    picture[top:bottom, left:right] = (*SKY, WHOLE)
    assert find_ev(retoucher.predict_looks(picture)["neutral"]) == pytest.approx(0.2, abs=1e-5)


# Its answer


def test_each_look_is_the_same_kinds_in_order(retoucher: Retoucher) -> None:
    found = retoucher.predict_looks(fill(96, 64))
    assert tuple(found) == LOOKS
    assert {tuple(edit.name for edit in edits) for edits in found.values()} == {ORDER}


def test_each_look_is_what_the_network_says(retoucher: Retoucher) -> None:
    """The stand-in's exposure is the mean of red, half SKY and half LEAF."""
    picture = fill(128, 96)
    picture[:, 64:, :3] = LEAF
    found = retoucher.predict_looks(picture, people=False)
    exposure = pytest.approx(0.4, abs=1e-5)
    assert [find_ev(edits) for edits in found.values()] == [exposure] * len(LOOKS)
    plain = [WhiteBalance(1, 1), Saturation(1), Tone.neutral(), Curves.neutral()]
    assert found["neutral"][1:] == found["warm"][1:] == found["soft"][1:] == plain
    assert to_numbers(found["cool"][1:]) == pytest.approx(to_numbers([COOL, *plain[1:]]))
    assert to_numbers(found["film"][1:]) == pytest.approx(to_numbers([*plain[:3], FILM]), abs=1e-6)
    assert to_numbers(found["punchy"][1:]) == pytest.approx(to_numbers([plain[0], *PUNCHY, plain[3]]), abs=1e-6)


def to_numbers(edits: list[Edit]) -> list[float]:
    return [number for edit in edits for number in edit.to_vector()]


def test_another_photograph_s_look_is_added(retoucher: Retoucher) -> None:
    """Its own size and padding change nothing; the stand-in's answer is how much more red it has."""
    alone = retoucher.predict_looks(fill(96, 64))
    found = retoucher.predict_looks(fill(96, 64), reference=fill(170, 300, LEAF)[:, :, :3])
    matched = found.pop(MATCH)
    assert find_ev(matched) == pytest.approx(0.4, abs=1e-5) and matched[1:] == alone["neutral"][1:]
    assert found == alone


def test_the_network_is_shown_both_photographs(retoucher: Retoucher, monkeypatch: pytest.MonkeyPatch) -> None:
    network = put_in_place(monkeypatch, retoucher, Network())
    retoucher.predict_looks(fill(128, 96), reference=fill(96, 128, LEAF)[:, :, :3])
    other, own = network.seen
    assert other["picture"].shape[2:] == (128, 96) and own["picture"].shape[2:] == (96, 128)
    assert not other["reference"].any() and (own["reference"] == 1).all()


@pytest.mark.parametrize("answer", [{"film": np.nan}, {"film": np.inf}, {"matched": (np.nan,) * COUNT}])
def test_what_is_no_number_is_no_answer(
    retoucher: Retoucher, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    put_in_place(monkeypatch, retoucher, Network(**answer))
    with pytest.raises(ValueError, match="says no numbers"):
        retoucher.predict_looks(fill(64, 48), reference=fill(64, 48)[:, :, :3])


# People


def edit_skin(edits: list[Edit]) -> tuple[Floats, Floats]:
    """Skin before and after exposure, white balance and curves, by hand."""
    exposure, balance, _saturation, _tone, curves = edits
    assert isinstance(exposure, Exposure) and isinstance(balance, WhiteBalance) and isinstance(curves, Curves)
    before = np.repeat(np.array([SKIN], np.float32) / 255, 50, 0)
    encoded = encode(decode(before) * np.array(balance.gains(), np.float32) * np.float32(2**exposure.ev))
    corners = [curve_points(slopes) for slopes in curves.channels()]
    bent = [np.interp(channel, *zip(*points)) for channel, points in zip(encoded.T, corners)]
    return before, np.stack(bent, 1).astype(np.float32)


@pytest.mark.parametrize("look", ["cool", "film"])
def test_skin_keeps_its_hue(retoucher: Retoucher, look: str) -> None:
    picture = fill(128, 96, SKIN)
    free, kept = (retoucher.predict_looks(picture, people)[look] for people in (False, True))
    assert turns_hue(*edit_skin(free)) and not turns_hue(*edit_skin(kept))
    assert kept[0] == free[0], "it is as light as before"


def test_as_much_of_a_cast_stays_as_skin_can_bear(retoucher: Retoucher) -> None:
    picture = fill(128, 96, SKIN)
    full, tamed = (retoucher.predict_looks(picture, people)["cool"][1] for people in (False, True))
    shares = np.divide(tamed.to_vector(), full.to_vector())
    assert shares[0] == pytest.approx(shares[1]) and 0 < shares[0] < 1


def test_curves_are_drawn_together_for_skin(retoucher: Retoucher) -> None:
    """To what they are on average, but for the factor by which each runs from 0 to 1."""
    picture = fill(128, 96, SKIN)
    full, tamed = (retoucher.predict_looks(picture, people)["film"][-1] for people in (False, True))
    free, kept = (np.reshape(curves.to_vector(), (3, -1)) for curves in (full, tamed))
    assert np.ptp(kept, axis=0).max() < np.ptp(free, axis=0).max() - 0.1
    assert np.ptp(kept.mean(0) - free.mean(0)) < 1e-5


def test_what_turns_no_skin_stays(retoucher: Retoucher) -> None:
    picture = fill(128, 96, SKIN)
    free, kept = (retoucher.predict_looks(picture, people) for people in (False, True))
    for name in ("neutral", "warm", "punchy", "soft"):
        assert to_numbers(kept[name]) == pytest.approx(to_numbers(free[name]), abs=1e-6)


def casts(retoucher: Retoucher, picture: Any, people: bool) -> list[float]:
    """The numbers of the looks that no skin bears."""
    found = retoucher.predict_looks(picture, people)
    return to_numbers([*found["cool"], *found["film"]])


@pytest.mark.parametrize("colour", [SKY, (128, 128, 128)])
def test_where_there_is_no_skin_all_of_it_stays(retoucher: Retoucher, colour: tuple[int, int, int]) -> None:
    picture = fill(128, 96, colour)
    assert casts(retoucher, picture, True) == pytest.approx(casts(retoucher, picture, False), abs=1e-6)


def test_skin_beside_the_box_is_not_looked_at(retoucher: Retoucher) -> None:
    picture = fill(128, 96, SKIN, mask=0)
    picture[20:60, 20:60] = (*SKY, WHOLE)
    assert casts(retoucher, picture, True) == pytest.approx(casts(retoucher, picture, False), abs=1e-6)
    picture[0, 0, 3] = WHOLE
    assert casts(retoucher, picture, True) != pytest.approx(casts(retoucher, picture, False), abs=1e-2)


def test_the_padding_adds_no_skin(retoucher: Retoucher) -> None:
    """It goes on with the last row, whose few pixels are too little to be skin."""
    picture = fill(128, 70)
    picture[-1, :15, :3] = SKIN
    assert casts(retoucher, picture, True) == pytest.approx(casts(retoucher, picture, False), abs=1e-6)


def test_the_look_of_another_photograph_turns_no_skin(retoucher: Retoucher, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, retoucher, Network(matched=to_parameters([COOL])))
    free, kept = (
        retoucher.predict_looks(fill(96, 64, SKIN), people, GOOD[:, :, :3])[MATCH] for people in (False, True)
    )
    assert turns_hue(*edit_skin(free)) and not turns_hue(*edit_skin(kept))


# Refusals


@pytest.mark.parametrize(
    ("picture", "reference", "sentence"),
    [
        (GOOD[:, :, :3], None, "bytes of 4 channels"),
        (GOOD.astype(np.float32), None, "bytes of 4 channels"),
        (GOOD[:15], None, "at least 16 pixels"),
        (GOOD[:, :15], None, "at least 16 pixels"),
        (GOOD, GOOD, "bytes of 3 channels"),
        (GOOD, GOOD[:, :, 0], "bytes of 3 channels"),
        (GOOD, GOOD[:, :15, :3], "at least 16 pixels"),
    ],
)
def test_what_is_no_picture_is_a_sentence(retoucher: Retoucher, picture: Any, reference: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        retoucher.predict_looks(picture, reference=reference)


# The file


def test_it_is_loaded_when_it_is_first_asked_for(predictor: Predictor) -> None:
    networks = predictor._networks._networks
    predictor.attention.predict_edits(GOOD, EditRequest("attenuate", ranking=Ranking.RANDOM), figures=False)
    assert networks[RETOUCH].session is None
    other = Predictor(predictor._networks._folder)
    other.retoucher.predict_looks(GOOD)
    assert {name for name, network in other._networks._networks.items() if network.session is not None} == {RETOUCH}
    assert RETOUCH in predictor.networks


def test_the_model_is_named(tmp_path: Path) -> None:
    sha256 = put_retouch(tmp_path / "networks", version=12)
    assert Predictor(tmp_path / "networks").retoucher.model == f"retouch-12 ({sha256})"


def test_older_networks_do_everything_else(tmp_path: Path) -> None:
    put_older(tmp_path / "older", "retouch")
    predictor = Predictor(tmp_path / "older")
    assert RETOUCH not in predictor.networks and predictor.retoucher.model == ""
    assert predictor.attention.predict_edits(GOOD, EditRequest("attenuate", ranking=Ranking.RANDOM)).edits
    with pytest.raises(NetworkError, match=r"older than Retouch; run install\.sh again"):
        predictor.retoucher.predict_looks(GOOD)
    with pytest.raises(ValueError, match="at least 16 pixels"):
        predictor.retoucher.predict_looks(GOOD[:15])


def test_a_damaged_file_is_refused_at_once(tmp_path: Path) -> None:
    put_retouch(tmp_path / "networks")
    file = tmp_path / "networks" / RETOUCH
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(NetworkError, match=r"run install\.sh again"):
        Predictor(tmp_path / "networks")


# The shipped network


@pytest.fixture(scope="module")
def shipped() -> Retoucher:
    return Predictor().retoucher


def make_photo(seed: int, width: int = 200, height: int = 150) -> Any:
    """Something with a sky, skin and noise."""
    rng = np.random.default_rng(seed)
    picture = fill(width, height, (176, 133, 108))
    picture[: height // 2, :, :3] = np.linspace((90, 140, 220), (200, 210, 230), width).astype(np.uint8)
    picture[:, :, :3] = (picture[:, :, :3] * rng.uniform(0.5, 1, 3) + rng.normal(0, 9, (height, width, 3))).clip(0, 255)
    return picture


@pytest.mark.parametrize(
    "picture",
    [make_photo(0), make_photo(1, 150, 200), fill(64, 48, (0, 0, 0)), fill(16, 16, (255, 255, 255)), fill(384, 16)],
    ids=["photo", "upright", "black", "white", "narrow"],
)
def test_any_picture_has_all_looks(shipped: Retoucher, picture: Any) -> None:
    """Finite ones, whose kinds are those that are promised, and the same when asked twice."""
    reference = make_photo(2)[:, :, :3]
    found = shipped.predict_looks(picture, reference=reference)
    assert tuple(found) == (*LOOKS, MATCH)
    for edits in found.values():
        assert tuple(edit.name for edit in edits) == ORDER
        assert np.isfinite(to_numbers(edits)).all()
    assert shipped.predict_looks(picture, reference=reference) == found


def test_looks_are_different_ones(shipped: Retoucher) -> None:
    found = shipped.predict_looks(make_photo(0))
    numbers = [to_numbers(edits) for edits in found.values()]
    differences = [np.abs(np.subtract(a, b)).max() for k, a in enumerate(numbers) for b in numbers[:k]]
    assert min(differences) > 0.02


def test_the_shipped_network_fits_its_limits() -> None:
    assert (NETWORKS / RETOUCH).stat().st_size <= 3e6
