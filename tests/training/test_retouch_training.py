# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of Retouch: its pairs, its network, its script for two steps, its file and its measures."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import Tensor

from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.edits import CURVE_NODES, SEGMENTS, Exposure, Saturation
from model_server.predict.retouch_map import CONDITION, ORDER
from model_server.predict.retoucher import RETOUCH
from model_server.predict.vector import COUNT, PLACES, to_parameters
from model_server.training import checkpoints, data, export
from model_server.training.colour import to_lab
from model_server.training.operators import decode, encode
from model_server.training.parallel import Team
from model_server.training.retouch import measures, network, pairs, report, train
from model_server.training.retouch.looks import list_looks
from model_server.training.retouch.network import RetouchNetwork
from tests.training.breaking import broken_off

EXPOSURE = PLACES["exposure"].start
SOFT = LOOKS.index("soft")


def make_picture(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """From black to white, with a little colour: nobody would have to retouch it."""
    width, height = size
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 40, (6, 8, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    ramp = np.broadcast_to(np.linspace(0, 215, width)[None, :, None], (height, width, 3))
    return (ramp + np.asarray(coarse)).astype(np.uint8)


def place(picture: np.ndarray, name: str = "test") -> pairs.Photo:
    """A picture on its canvas."""
    height, width = picture.shape[:2]
    photo = data.Photo(name, Path(name), (width, height))
    photo.open_picture = lambda: Image.fromarray(picture)  # type: ignore[method-assign]
    return pairs.place_photo(photo)


@pytest.fixture(scope="module")
def folder(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The usual data, with good photographs and with scenes before and after for training and to choose by."""
    found = tmp_path_factory.mktemp("retouch") / "data"
    shutil.copytree(data_folder, found)
    rows = []
    for name in _choose_names("good_{}", lambda name: int(data.is_validation(name)) + data.is_test(name), (6, 4, 0)):
        Image.fromarray(make_picture((64, 48), len(rows))).save(found / "train" / f"{name}.jpg", quality=95)
        rows.append([f"{name}.jpg", "image", 64, 48, "", ""])
        rows.append([f"{name}__0.png", "mask", 64, 48, "cup", "0.1"])
    with (found / "train" / "SOURCES.csv").open("a", newline="") as table:
        csv.writer(table).writerows(rows)
    _write_scenes(found / "retouch")
    return found


def _write_scenes(folder: Path) -> None:
    """Dark pictures and their best version, of each kind for each part."""
    folder.mkdir()
    rows = [["file", "kind"]]
    for kind, parts in (("sice_{}", (2, 1, 1)), ("fivek_{}", (2, 0, 1))):
        for scene in _choose_names(kind, lambda name: pairs.PARTS.index(pairs.choose_part(name)), parts):
            best = make_picture((64, 48), len(rows))
            for ending, label, picture in (
                ("0", "input", best // 2),
                ("1", "input", best // 3),
                ("best", "best", best),
            ):
                Image.fromarray(picture).save(folder / f"{scene}_{ending}.jpg", quality=95)
                rows.append([f"{scene}_{ending}.jpg", label])
    rows += [["style_a_0.jpg", "input"], ["style_a_best.jpg", "best"]]  # which is none of them, nor is there a file
    with (folder / "SOURCES.csv").open("w", newline="") as table:
        csv.writer(table).writerows(rows)


def _choose_names(pattern: str, find_part: Callable[[str], int], counts: Sequence[int]) -> list[str]:
    """So many names for each of some parts."""
    names = [pattern.format(number) for number in range(500)]
    parts = [[name for name in names if find_part(name) == part] for part in range(len(counts))]
    return [name for part, count in zip(parts, counts) for name in part[:count]]


@pytest.fixture(scope="module")
def team() -> Team:
    return Team(1)


@pytest.fixture(scope="module")
def material(folder: Path, team: Team) -> list[pairs.Material]:
    return pairs.load_material(folder, "training", team)


# Photographs and scenes


def test_a_good_photograph_is_one() -> None:
    for size in ((64, 48), (48, 64), (384, 100)):
        assert pairs.is_good(place(make_picture(size)))


def cover(picture: np.ndarray, start: int, end: int, value: int | Sequence[int]) -> np.ndarray:
    """With columns of one grey or colour."""
    covered = picture.copy()
    covered[:, start:end] = value
    return covered


@pytest.mark.parametrize(
    "spoil",
    [
        lambda picture: cover(picture, 10, 54, 40),
        lambda picture: cover(picture, 10, 54, 225),
        lambda picture: 70 + 2 * (picture // 3),
        lambda picture: 2 * (picture // 3),
        lambda picture: (picture * [1, 0.96, 0.86]).astype(np.uint8),
        lambda picture: cover(picture, 10, 54, (200, 60, 60)),
        lambda picture: cover(picture, 60, 64, 255),
        lambda picture: cover(picture, 0, 4, 0),
    ],
    ids=["dark", "light", "no black", "no white", "tinted", "coloured", "clipped white", "clipped black"],
)
def test_a_photograph_to_retouch_is_no_good_one(spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    assert not pairs.is_good(place(spoil(make_picture((64, 48)))))


def test_the_padding_of_a_canvas_is_no_part_of_a_photograph() -> None:
    """Which is as large as that of the others of its orientation."""
    for size, shape in (((384, 100), (96, 128)), ((100, 384), (128, 96)), ((300, 300), (96, 128))):
        photo = place(make_picture(size))
        assert photo.picture.shape == (3, *shape) and photo.picture.dtype == torch.uint8
        valid = pairs.mark_valid(photo)
        assert valid.shape == (1, *shape) and valid.sum() == photo.size[0] * photo.size[1]
        assert valid[0, : photo.size[1], : photo.size[0]].all()


def name_scene(photo: pairs.Photo) -> str:
    return photo.name.rsplit("_", 1)[0]


def test_a_scene_is_for_one_part(folder: Path, team: Team) -> None:
    """Those of experts are too few to choose by."""
    found = {part: pairs.load_retouched(folder, part, team) for part in pairs.PARTS}
    scenes = {part: {pair.before.name.rsplit("_", 1)[0] for pair in each} for part, each in found.items()}
    assert (
        not scenes["training"] & (scenes["validation"] | scenes["test"]) and not scenes["validation"] & scenes["test"]
    )
    kinds = {part: sorted(name.split("_")[0] for name in each) for part, each in scenes.items()}
    assert kinds == {"training": ["fivek"] * 2 + ["sice"] * 2, "validation": ["sice"], "test": ["fivek", "sice"]}
    assert {part: len(each) for part, each in found.items()} == {"training": 8, "validation": 2, "test": 4}
    for pair in found["training"]:
        assert (
            pair.before.name.rsplit("_", 1)[0] == pair.after.name.rsplit("_", 1)[0] and pair.after.name[-4:] == "best"
        )
        assert pair.before.picture.float().mean() < 0.7 * pair.after.picture.float().mean()


def test_most_scenes_are_for_training() -> None:
    for kind, shares in (("sice", (0.7, 0.1, 0.2)), ("fivek", (0.67, 0, 0.33))):
        parts = [pairs.choose_part(f"{kind}_{number}") for number in range(1000)]
        assert [parts.count(part) / 1000 for part in pairs.PARTS] == pytest.approx(shares, abs=0.05)


def test_materials_are_of_one_orientation(material: list[pairs.Material]) -> None:
    landscape, portrait = material
    assert len(landscape.good) >= 6 and {pair.before.name[:4] for pair in landscape.exposure} == {"sice"}
    assert {pair.before.name[:5] for pair in landscape.expert} == {"fivek"} and not portrait.expert
    assert {photo.picture.shape[1:] for photo in landscape.good} == {(96, 128)}
    assert {photo.picture.shape[1:] for photo in portrait.good} <= {(128, 96)}


def test_without_the_table_there_is_a_sentence(data_folder: Path, team: Team) -> None:
    with pytest.raises(data.DataError, match=r"SOURCES\.csv is missing: point --data"):
        pairs.load_retouched(data_folder, "training", team)


# Edits that make worse


def test_no_edits_change_nothing() -> None:
    picture = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(pairs.apply_vector(picture, torch.zeros(2, COUNT)), picture, atol=1e-5)


def test_edits_are_applied_in_the_order_of_a_retouch() -> None:
    """Exposure in linear light before the saturation, which leaves grey alone."""
    gray = torch.full((1, 3, 4, 4), 0.25)
    vector = torch.tensor([to_parameters([Exposure(1.0), Saturation(2.0)])])
    assert torch.allclose(pairs.apply_vector(gray, vector), encode(2 * decode(gray)), atol=1e-5)
    assert ORDER == ("exposure", "white-balance", "saturation", "tone", "curves")
    bright = torch.tensor([0.9, 0.2, 0.2]).view(1, 3, 1, 1)
    assert pairs.apply_vector(bright, vector).max() == pytest.approx(1, abs=1e-5)


def test_distortions_are_of_the_kinds_that_are_predicted() -> None:
    drawn = torch.stack([pairs.draw_distortion(np.random.default_rng(seed)) for seed in range(60)])
    used = {name for name, place in PLACES.items() if drawn[:, place].any()}
    assert used == set(ORDER) and torch.isfinite(drawn).all()
    again = torch.stack([pairs.draw_distortion(np.random.default_rng(seed)) for seed in range(60)])
    assert torch.equal(drawn, again) and len(torch.unique(drawn, dim=0)) == 60


def test_most_distortions_darken_and_pale() -> None:
    """As photographs are before they are retouched."""
    drawn = torch.stack([pairs.draw_distortion(np.random.default_rng(seed)) for seed in range(400)])
    for place in ("exposure", "saturation"):
        values = drawn[:, PLACES[place]]
        assert (values < 0).sum() > 1.5 * (values > 0).sum()


def test_distortions_of_no_amount_are_none() -> None:
    for seed in range(20):
        assert not pairs.draw_distortion(np.random.default_rng(seed), 0.0).any()


# Pairs


@pytest.fixture
def pair() -> pairs.Pair:
    """One whose canvas is padded, at its right."""
    photo = place(make_picture((70, 64)))
    assert photo.size[0] < photo.picture.shape[2]
    return pairs.make_distorted(photo, np.random.default_rng(1))


def test_what_is_made_worse_is_known() -> None:
    """But for what a veil does, where there is one."""
    photo = place(make_picture((64, 48)))
    made = [pairs.make_distorted(photo, np.random.default_rng(seed)) for seed in range(12)]
    assert {pair.is_made for pair in made} == {True, False}
    for pair in made:
        again = pairs.round_bytes(pairs.apply_vector(pair.base[None], pair.distortion[None])[0])
        assert torch.equal(again, pair.before) is pair.is_made
        assert torch.equal(pair.wanted, photo.picture.float() / 255) and torch.equal(pair.base, pair.wanted)


def test_a_good_one_is_left_as_it_is() -> None:
    """Also with a look of its own."""
    photo = place(make_picture((64, 48)))
    made = [pairs.make_good(photo, np.random.default_rng(seed)) for seed in range(30)]
    assert all(torch.equal(pair.before, pair.wanted) and pair.is_made for pair in made)
    assert {bool(pair.distortion.any()) for pair in made} == {True, False}
    for pair in made:
        again = pairs.round_bytes(pairs.apply_vector(pair.base[None], pair.distortion[None])[0])
        assert torch.allclose(again, pair.before, atol=1.01 / 255)
    assert not pairs.make_good(photo).distortion.any()


def test_a_mirrored_pair_has_its_padding_where_it_was(pair: pairs.Pair) -> None:
    flipped = pairs._flip(pair)
    width = int(pair.valid[0, 0].sum())
    assert torch.equal(flipped.valid, pair.valid)
    for before, after in zip(pair[:4], flipped[:4]):
        assert after.shape == before.shape
        assert torch.equal(after[..., :width], before[..., :width].flip(2))


def test_a_part_of_a_pair_fills_its_place(pair: pairs.Pair) -> None:
    """The same part of all its pictures."""
    same = pair._replace(before=pair.wanted)
    for seed in range(8):
        cut = pairs._cut(same, np.random.default_rng(seed))
        assert torch.equal(cut.valid, pair.valid) and torch.equal(cut.before, cut.wanted)
        assert cut.before.shape == pair.before.shape and not torch.equal(cut.before, pair.wanted)
        assert cut.before.min() >= pair.wanted.min() - 1e-6 and cut.before.max() <= pair.wanted.max() + 1e-6


def test_batches_repeat_with_their_seed(material: list[pairs.Material]) -> None:
    once, again, other = (pairs.draw_batch(material, seed, 6) for seed in (3, 3, 4))
    assert all(torch.equal(one, two) for one, two in zip(once, again))
    assert once.before.shape != other.before.shape or not torch.equal(once.before, other.before)
    assert once.before.shape[0] == once.valid.shape[0] == len(once.is_made) == 6
    assert once.points.shape == once.wanted.shape == once.base.shape == (6, 3, 1, once.points.shape[3])
    assert once.distortion.shape == (6, COUNT) and once.is_made.dtype == torch.bool


def test_losses_are_measured_on_the_picture_alone() -> None:
    photo = place(make_picture((70, 64)))
    inside = pairs.mark_valid(photo)
    pair = pairs.make_good(photo)._replace(before=inside.expand(3, -1, -1))
    assert pairs.stack([pair], np.random.default_rng(0)).points.min() == 1


@pytest.mark.parametrize("kind", list(pairs.KINDS))
def test_tests_are_always_the_same(folder: Path, team: Team, kind: str) -> None:
    held = pairs.load_material(folder, "test" if kind == "expert" else "validation", team)
    first, again = (pairs.list_tests(held, kind, 6) for _ in range(2))
    assert first and all(torch.equal(one.before, two.before) for one, two in zip(first, again))
    if kind in ("exposure", "expert"):
        assert not any(pair.is_made for pair in first)
    if kind == "distorted":
        assert len(first) == 6 > len({pair.wanted.numpy().tobytes() for pair in first}), (
            "each is made worse several times"
        )


# The network


@pytest.fixture(scope="module")
def answering() -> RetouchNetwork:
    """One with random weights, that says a lot."""
    torch.manual_seed(0)
    found = RetouchNetwork().eval().requires_grad_(False)
    for head in (found.plain, found.looks, found.match[2]):
        torch.nn.init.normal_(head.weight, std=0.3)
    return found


def make_batch(count: int = 1) -> tuple[Tensor, Tensor]:
    photos = [place(make_picture((64, 48), seed)) for seed in range(count)]
    return torch.stack([each.picture for each in photos]) / 255, torch.stack([pairs.mark_valid(p) for p in photos])


def test_an_untrained_network_says_the_looks_alone() -> None:
    picture, valid = make_batch()
    with torch.no_grad():
        parameters, condition, matched = RetouchNetwork().eval()(picture * 0.5, valid, torch.zeros(1, CONDITION))
    assert parameters.shape == (len(LOOKS), COUNT) and condition.shape == (1, CONDITION) and matched.shape == (1, COUNT)
    assert torch.allclose(parameters, list_looks(), atol=1e-6)
    assert not parameters[0].any() and not matched.any()


def test_each_look_is_another_one() -> None:
    looks = list_looks()
    assert looks.shape == (len(LOOKS), COUNT) and not looks[0].any()
    distances = [float((one - other).abs().max()) for k, one in enumerate(looks) for other in looks[:k]]
    assert min(distances) > 0.05
    unused = [name for name in PLACES if name not in ORDER]
    assert not any(looks[:, PLACES[name]].any() for name in unused)


def test_what_it_says_is_in_its_ranges(answering: RetouchNetwork) -> None:
    picture, valid = make_batch(3)
    with torch.no_grad():
        plain = answering.predict(picture * 0.3, valid).parameters[:, 0]
        loud = answering._make(100 * torch.randn(50, network._RAW), None)
    assert plain.any() and loud[:, EXPOSURE].min() == 0, "it darkens, and clipped white turns grey"
    for name, place in PLACES.items():
        most = network.RANGES.get(name, 0.0)
        assert plain[:, place].abs().max() <= most + 1e-6
        assert loud[:, place].abs().max() == pytest.approx(most, abs=1e-3)


def test_where_it_would_darken_it_still_learns() -> None:
    values = torch.tensor([-0.5, 0.0, 0.5], requires_grad=True)
    cut = network._cut_below_zero(values)
    cut.sum().backward()
    assert cut.tolist() == [0, 0, 0.5] and values.grad is not None
    assert values.grad[2] == 1 and 0 < values.grad[0] < 1


def test_the_headroom_is_what_white_lacks() -> None:
    """Of all but a few pixels, in stops, by the brightest channel; the padding counts not."""
    picture, valid = torch.full((4, 3, 32, 32), 0.1), torch.ones(4, 1, 32, 32)
    picture[:, 2] = encode(torch.tensor(0.25))
    picture[1, :, 0, :11] = 1
    picture[2, 0, 0, :12] = 1
    picture[3, :, 16:] = 1
    valid[3, :, 16:] = 0
    assert network.find_headroom(picture, valid).tolist() == pytest.approx([2, 2, 0, 2], abs=1e-3)
    assert torch.isfinite(network.find_headroom(torch.zeros(1, 3, 32, 32), valid[:1])).all()


def test_exposure_is_limited_by_the_headroom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of the looks, and of what matches another photograph."""
    monkeypatch.setattr(network, "_DOUBT", 0.0)
    always_lighter = RetouchNetwork().eval().requires_grad_(False)
    for head in (always_lighter.plain, always_lighter.match[2]):
        head.bias[0] = 10.0
    picture, valid = torch.full((1, 3, 96, 128), float(encode(torch.tensor(0.25)))), torch.ones(1, 1, 96, 128)
    parameters, _condition, matched = always_lighter(picture, valid, torch.zeros(1, CONDITION))
    assert matched[0, EXPOSURE] == pytest.approx(2, abs=1e-3)
    assert parameters[:, EXPOSURE].tolist() == pytest.approx([2] * len(LOOKS), abs=1e-3)
    white = torch.ones_like(picture)
    parameters, _condition, matched = always_lighter(white, valid, torch.zeros(1, CONDITION))
    assert not parameters[:, EXPOSURE].any() and not matched[:, EXPOSURE].any()
    assert list_looks()[SOFT, EXPOSURE] > 0, "a look that lightens was among them"


def test_the_curve_is_empty_below_black() -> None:
    """In shares of its segments, after the exposure."""
    _zero, first, second, *_rest = CURVE_NODES
    parameters = torch.zeros(5, COUNT)
    parameters[4, EXPOSURE] = 1
    half_as_light = float(encode(decode(torch.tensor(first)) / 2))
    dark = torch.tensor([0, first, (first + second) / 2, 1, half_as_light])
    found = network.find_empty(dark, parameters)
    wanted = torch.zeros(5, SEGMENTS)
    wanted[1:, 0], wanted[2, 1], wanted[3] = 1, 0.5, 1
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize(("raw", "slope"), [(10.0, -network._DEEPEST), (-10.0, 0.0)])
def test_what_is_empty_can_be_cut_off(raw: float, slope: float) -> None:
    """That alone, and never the other way: black does not get lighter."""
    numbers = torch.zeros(1, network._RAW)
    numbers[0, 4] = raw
    room = network.Room(torch.tensor([5.0]), torch.tensor([CURVE_NODES[1]]))
    with torch.no_grad():
        made = RetouchNetwork()._make(numbers, room)[0]
    first = PLACES["tone"].start
    assert made[first] == pytest.approx(slope, abs=1e-3)
    made[first] = 0
    assert made.abs().max() < 1e-4


def test_change_is_measured_inside_the_picture() -> None:
    """In CIE76, as the scores are."""
    photo = place(make_picture((70, 64)))
    picture, valid = photo.picture[None] / 255, pairs.mark_valid(photo)[None]
    vector = torch.tensor([to_parameters([Exposure(-1.0)])])
    assert network.measure_change(picture, valid, torch.zeros(1, COUNT)) < 1e-3
    change = network.measure_change(picture, valid, vector)
    wanted = measures.measure_error(picture[0], pairs.apply_vector(picture, vector)[0], valid[0])
    assert float(change) == pytest.approx(wanted, rel=0.05) and wanted > 5
    picture[:, :, valid[0, 0] == 0] = 0
    assert network.measure_change(picture, valid, vector) == pytest.approx(float(change), rel=1e-5)


def test_small_changes_are_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes hardly anything is left out, and all else drawn in by as much."""
    monkeypatch.setattr(network, "_DOUBT", 2.0)
    doubted = network._doubt(torch.ones(4, COUNT), torch.tensor([0.0, 1.9, 4.0, 20.0]))
    assert doubted[:, 0].tolist() == pytest.approx([0, 0, 0.5, 0.9], abs=1e-3)
    assert torch.equal(doubted, doubted[:, :1].expand(-1, COUNT))


def test_a_network_doubts_what_it_says_but_not_while_it_learns(
    answering: RetouchNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, valid = make_batch()
    monkeypatch.setattr(network, "_DOUBT", 1000.0)
    with torch.no_grad():
        assert not answering.predict(picture, valid).parameters[:, 0].any()
        answering.train()
        try:
            assert answering.predict(picture, valid).parameters[:, 0].any()
        finally:
            answering.eval()


def test_padding_changes_no_description(answering: RetouchNetwork) -> None:
    """But for what the trunk sees beside the picture's edge."""
    photo = place(make_picture((64, 48)))
    picture, valid = photo.picture[None] / 255, pairs.mark_valid(photo)[None]
    padded = torch.nn.functional.pad(picture, (0, 32, 0, 32), mode="replicate")
    wider = torch.nn.functional.pad(valid, (0, 32, 0, 32))
    colours, same = network.describe_colours(picture, valid), network.describe_colours(padded, wider)
    assert torch.allclose(colours, same, atol=1e-4)


# The script and the file


def _options(folder: Path, out: Path) -> list[str]:
    return [
        "--data", str(folder), "--out", str(out), "--trunk", "lite0.pth", "--steps", "2", "--batch", "4",
        "--held", "3", "--threads", "1", "--epochs", "2", "--frozen-epochs", "1",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network after two epochs of two steps."""
    out = tmp_path_factory.mktemp("retouch") / "retouch.pt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_PROBES", 32)
        train.main(_options(folder, out))
    return out


def test_a_resumed_training_repeats_an_unbroken_one(
    folder: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_PROBES", 32)
    out = tmp_path / "retouch.pt"
    options = _options(folder, out)
    with broken_off():
        train.main(options)
    assert checkpoints.load(out)["epoch"] == 1
    train.main([*options, "--resume"])
    unbroken = checkpoints.load(checkpoint)
    for name, value in checkpoints.load(out)["model"].items():
        assert torch.allclose(value, unbroken["model"][name], atol=1e-4), name


def test_the_trunk_learns_when_it_may(folder: Path, checkpoint: Path) -> None:
    """In the second epoch, beside all the rest."""
    before = RetouchNetwork()
    before.trunk.load("lite0.pth", folder / "weights")
    after = checkpoints.load(checkpoint)["model"]
    changed = {name.split(".")[0] for name, value in before.named_parameters() if not torch.equal(after[name], value)}
    assert changed == {"trunk", "read", "plain", "looks", "match"}


def test_the_exported_network_agrees_with_torch(answering: RetouchNetwork, tmp_path: Path) -> None:
    """Exactly with the one that is read back from the file, whose weights were rounded."""
    export.export_retouch(answering, tmp_path)
    assert (tmp_path / RETOUCH).stat().st_size <= 3e6, "it ships"
    read = train.load_network(tmp_path / RETOUCH)
    session = onnxruntime.InferenceSession(tmp_path / RETOUCH, providers=["CPUExecutionProvider"])
    for size in ((64, 48), (48, 64), (384, 20)):
        photo = place(make_picture(size, 5))
        rows, columns = (-(-side // 32) * 32 for side in photo.size[::-1])
        picture = photo.picture[None, :, :rows, :columns] / 255 * 0.6
        valid = pairs.mark_valid(photo)[None, :, :rows, :columns]
        reference = torch.rand(1, CONDITION, generator=torch.Generator().manual_seed(1))
        inputs = {"picture": picture.numpy(), "valid": valid.numpy(), "reference": reference.numpy()}
        found = session.run(None, inputs)
        with torch.no_grad():
            same, near = (each(picture, valid, reference) for each in (read, answering))
        for one, other, third in zip(found, same, near):
            assert np.abs(one - other.numpy()).max() < 2e-3
            assert np.abs(one - third.numpy()).max() < 0.25 * max(1.0, float(third.abs().max()))
        assert np.abs(found[0] - list_looks().numpy()).max() > 0.1 and np.abs(found[2]).max() > 0.1


def test_a_checkpoint_is_read_as_it_was(checkpoint: Path) -> None:
    loaded = train.load_network(checkpoint)
    assert not loaded.training and not any(each.requires_grad for each in loaded.parameters())
    for name, value in checkpoints.load(checkpoint)["model"].items():
        assert torch.equal(loaded.state_dict()[name], value), name


@pytest.mark.parametrize("script", [train, report])
def test_help_explains_itself(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        script.main(["--help"])
    assert end.value.code == 0 and "--data" in capsys.readouterr().out


# Measures


def test_automatic_contrast_reaches_from_black_to_white() -> None:
    photo = place(make_picture((64, 48)) // 4 + 90)
    stretched = measures.stretch_contrast(photo.picture / 255, pairs.mark_valid(photo))
    assert stretched.amin((1, 2)).tolist() == [0] * 3 and stretched.amax((1, 2)).tolist() == [1] * 3


def test_the_right_answer_has_no_error() -> None:
    photo = place(make_picture((64, 48)))
    pair = pairs.make_good(photo)._replace(before=pairs.round_bytes(photo.picture / 255 * 0.5))
    right, nothing = (measures.compare(pair, each, each) for each in (pair.wanted, pair.before))
    assert right.network < 1e-3 and right.change == pytest.approx(right.nothing) and right.nothing > 10
    assert nothing.network == nothing.nothing == right.nothing and nothing.change < 1e-3
    assert right.again == nothing.again < 1e-3


def test_what_was_clipped_before_is_not_counted() -> None:
    photo = place(make_picture((128, 96)))
    pair = pairs.make_good(photo)
    before, after = torch.full((2, 3, 96, 128), 0.5)
    before[:, :10], after[:, :20] = 1, 1
    after[0, 95] = 0  # one channel is enough
    found = measures.measure_clipping(pair._replace(before=before), after)
    assert found == pytest.approx(11 / 96)


def test_a_little_worse_is_worse() -> None:
    """Of two photographs one got worse; what is clipped and changed is told, too."""
    scores = [measures.Score(10, 8, 4, 6, 1, 0.01), measures.Score(10, 12, 11, 2, 3, 0.03)]
    said = measures.summarise("distorted", scores)
    assert "(2): nothing 10.0, automatic 10.0, network 7.5 = 0.75 of the better; worse 50%" in said
    assert "changes by 4.0 (median), again by 2.0, 2.00% more clipped" in said
    assert "worse" not in measures.summarise("good", scores)


def test_lab_is_that_of_the_other_measures() -> None:
    one, other = (torch.full((3, 4, 4), value) for value in (0.5, 0.6))
    lightness = [float(to_lab(decode(each)[None])[0, 0, 0, 0]) for each in (one, other)]
    found = measures.measure_error(one, other, torch.ones(1, 4, 4))
    assert found == pytest.approx(lightness[1] - lightness[0], abs=1e-3)
