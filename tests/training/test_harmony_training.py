# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of Harmonize Layer: its operators, its pairs, its script for two steps, its file and its report."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gimp_saliency.shared.harmony import INPUTS, SIDE, Harmony, Shading
from model_server.predict.canvas import Format
from model_server.predict.harmonizer import HARMONIZE, Harmonizer, find_box
from model_server.predict.networks import NETWORKS, Networks
from model_server.predict.pool import make_pool
from model_server.training import checkpoints, data, export
from model_server.training.harmony import distortions, losses, operator, pairs, report, train
from model_server.training.harmony.network import HarmonyNetwork, Seen
from model_server.training.operators import decode, encode
from model_server.training.parallel import Team
from tests.training.breaking import broken_off

IDENTITY = torch.tensor([INPUTS] * 3)[None]


@pytest.fixture(scope="module")
def material(data_folder: Path) -> list[pairs.Material]:
    return pairs.load_material(data_folder, data.load_regions(data_folder), False, Team(1))


@pytest.fixture(scope="module")
def checkpoint(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network after two epochs of two steps."""
    out = tmp_path_factory.mktemp("harmony") / "harmonize.pt"
    train.main([*_options(data_folder, out), "--epochs", "2"])
    return out


def _options(folder: Path, out: Path) -> list[str]:
    return [
        "--data", str(folder), "--out", str(out), "--trunk", "lite0.pth", "--steps", "2", "--batch", "4",
        "--held", "20", "--threads", "1",
    ]  # fmt: skip


# Operators


def test_curves_are_piecewise_linear() -> None:
    rng = np.random.default_rng(0)
    curves = np.sort(rng.random((2, 3, len(INPUTS))), 2).astype(np.float32)
    picture = rng.random((2, 3, 9, 7)).astype(np.float32)
    found = operator.apply_curves(torch.from_numpy(picture), torch.from_numpy(curves)).numpy()
    for n in range(2):
        for c in range(3):
            wanted = np.interp(picture[n, c], INPUTS, curves[n, c])
            assert abs(found[n, c] - wanted).max() < 1e-5


def test_curves_at_the_ends_and_beyond() -> None:
    picture = torch.tensor([-0.5, 0.0, 1.0, 1.5])[None, None, None].expand(1, 3, 1, 4)
    assert torch.allclose(operator.apply_curves(picture, IDENTITY), picture.clamp(0, 1), atol=1e-6)


@pytest.mark.parametrize("ev", [-1.0, -0.37, 0.0, 0.5, 1.0])
def test_an_even_map_is_a_gain(ev: float) -> None:
    linear = torch.linspace(0, 0.45, 16)[None, None, None].expand(1, 3, 4, 16)
    shaded = operator.apply_shading(encode(linear), torch.full((1, 1, SIDE, SIDE), ev))
    assert torch.allclose(decode(shaded), linear * 2**ev, atol=2e-5)


def test_light_is_clipped_at_the_end_alone() -> None:
    """As GIMP does: a gain of 1.5 makes 0.9 of 0.6, and white of 0.8."""
    map_ = torch.full((1, 1, SIDE, SIDE), float(np.log2(1.5)))
    assert torch.allclose(operator.apply_shading(encode(torch.full((1, 3, 4, 4), 0.8)), map_), torch.ones(()))
    half = operator.apply_shading(encode(torch.full((1, 3, 4, 4), 0.6)), map_)
    assert torch.allclose(decode(half), torch.full((1, 3, 4, 4), 0.9), atol=1e-4)


def test_shading_is_for_the_box_of_the_mask() -> None:
    picture, mask = torch.full((1, 3, 20, 30), 0.5), torch.zeros(1, 1, 20, 30)
    mask[:, :, 5:15, 10:25] = 1
    shaded = operator.shade_boxes(picture, torch.full((1, SIDE, SIDE), -1.0), mask)
    changed = (shaded - picture).abs().amax(1) > 1e-3
    assert torch.equal(changed, mask[:, 0] > 0)


def test_a_map_is_spread_over_the_box_of_the_mask() -> None:
    """As the shading is that is applied."""
    mask = torch.zeros(1, 1, 20, 30)
    mask[:, :, 5:15, 10:25] = 1
    steps = torch.linspace(-3, 3, SIDE)
    values = (torch.sin(steps)[:, None] * torch.cos(steps))[None]
    spread = operator.spread_boxes(values, mask)
    assert torch.equal(spread[mask == 0], torch.zeros(450))
    gray = torch.full((1, 3, 20, 30), 0.5)
    found = torch.log2(decode(operator.shade_boxes(gray, values, mask))[:, :1] / decode(gray)[:, :1])
    assert (found - spread).abs().max() < 0.03  # between nodes the masks are linear, not the EV


def test_shading_agrees_with_its_masks() -> None:
    """The two masks that GIMP's layers get are those that the operator blends through."""
    values = np.random.default_rng(1).uniform(-1, 1, (SIDE, SIDE)).astype(np.float32)
    shading = Shading((0, 0, 1, 1), tuple(map(tuple, values.tolist())))
    darker, lighter = (torch.tensor(mask).view(SIDE, SIDE) for mask in shading.list_masks())
    linear = torch.full((1, 3, SIDE, SIDE), 0.3)
    by_hand = linear + darker * (linear / 2 - linear)
    by_hand = by_hand + lighter * (2 * by_hand - by_hand)
    found = decode(operator.apply_shading(encode(linear), torch.from_numpy(values)[None, None]))
    assert torch.allclose(found, by_hand, atol=2e-5)


# Pairs


@pytest.mark.parametrize("kind", list(pairs.KINDS))
def test_a_pair_differs_in_the_cutout_alone(material: list[pairs.Material], kind: str) -> None:
    for number in range(6):
        rng = np.random.default_rng(number)
        pair = pairs.draw_pair(material[0], rng, material[0].cutouts[number % len(material[0].cutouts)], kind)
        change = (pair.composite - pair.wanted).abs().amax(0)
        assert change[pair.mask[0] == 0].max() == 0
        assert (change.max() == 0) == (kind == "untouched")
        assert pair.around[pair.mask == 1].max() == 0


def test_pairs_for_training_repeat_with_their_seed(material: list[pairs.Material]) -> None:
    once, again, other = (pairs.draw_pairs(material, seed, 8) for seed in (5, 5, 6))
    assert all(torch.equal(a.composite, b.composite) for a, b in zip(once, again))
    assert any(a.composite.shape != b.composite.shape or not torch.equal(a.composite, b.composite)
               for a, b in zip(once, other))  # fmt: skip
    seen, wanted = pairs.stack(once)
    assert seen.picture.shape == wanted.shape and seen.cut.shape == (8, 5, 64, 64)


def test_tests_are_the_same_and_in_their_shares(material: list[pairs.Material]) -> None:
    first, again = (pairs.list_tests(material, 40) for _ in range(2))
    assert [each[1:] for each in first] == [each[1:] for each in again]
    counts = Counter(kind for _material, _cutout, kind, _seed in first)
    assert counts == {kind: round(40 * share) for kind, share in pairs.KINDS.items()}
    one, same = (pairs.make_test(*first[0]) for _ in range(2))
    assert torch.equal(one.composite, same.composite)


def test_tables_are_held_out(data_folder: Path) -> None:
    training, held = (distortions.load_tables(data_folder, each) for each in (False, True))
    assert len(training.tables) == len(training.forward) == 8
    assert 1 <= len(held.tables) <= 2 and 1 <= len(held.forward) <= 2
    assert min(float((one - other).abs().mean()) for one in training.tables for other in held.tables) >= 5 / 255


def test_twins_of_what_is_learned_are_no_tests(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder / "harmonize", tmp_path / "harmonize")
    file = tmp_path / "harmonize" / "luts" / "luts17.npz"
    with np.load(file) as archive:
        tables = archive["luts"]
    before = distortions.load_tables(data_folder, True).tables
    assert len(before) == 2
    tables[5] = tables[3]  # the second one that is held out, and one that is not
    np.savez(file, luts=tables)
    (left,) = distortions.load_tables(tmp_path, True).tables
    assert torch.equal(left, before[0])


def test_a_table_is_indexed_by_blue_green_red() -> None:
    """One that takes red away, another one that keeps all."""
    ramp = torch.linspace(0, 1, 17)
    blue, green, red = torch.meshgrid(ramp, ramp, ramp, indexing="ij")
    identity = torch.stack([red, green, blue])
    picture = torch.rand(3, 5, 6, generator=torch.Generator().manual_seed(0))
    for table, wanted in ((identity, picture), (identity * torch.tensor([0.0, 1, 1]).view(3, 1, 1, 1), None)):
        tables = distortions.Tables(table[None], torch.zeros(2, 3, 11), torch.zeros(2, 3, 11))
        changed = distortions.apply_table(picture, tables, np.random.default_rng(0))
        if wanted is None:
            assert (changed[0] <= picture[0] + 1e-6).all() and torch.allclose(changed[1:], picture[1:], atol=1e-5)
            assert (picture[0] - changed[0]).max() > 0.3
        else:
            assert torch.allclose(changed, wanted, atol=1e-5)


def test_another_light_and_back() -> None:
    """Of two lights that are gains, the second one's inverse is applied after the first one."""
    forward, reverse = torch.zeros(2, 2, 3, 11)
    for light, gain in enumerate((0.5, 0.8)):
        for channel in range(3):
            forward[light, channel, channel], reverse[light, channel, channel] = gain, 1 / gain
    tables = distortions.Tables(torch.zeros(1, 3, 17, 17, 17), forward, reverse)
    picture = torch.full((3, 2, 2), 0.4)
    changed = distortions.change_light(picture, tables, np.random.default_rng(0))
    assert any(torch.allclose(changed, picture * ratio, atol=1e-5) for ratio in (0.5 / 0.8, 0.8 / 0.5))


def test_transfer_brings_mean_and_deviation() -> None:
    generator = torch.Generator().manual_seed(3)
    picture = torch.rand(3, 40, 40, generator=generator) * 0.2 + 0.3
    other = torch.rand(3, 40, 40, generator=generator) * 0.3 + 0.4
    whole = torch.ones(1, 40, 40)
    changed = distortions.transfer_colours(picture, whole, other, whole)
    assert torch.allclose(changed.mean((1, 2)), other.mean((1, 2)), atol=1e-3)
    assert torch.allclose(changed.mean(0).std(), other.mean(0).std(), atol=1e-3)
    half = distortions.transfer_half(picture, whole, whole)
    assert torch.allclose(half, picture, atol=1e-4)  # to itself


# The script and the file


def test_a_resumed_training_repeats_an_unbroken_one(data_folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "harmonize.pt"
    options = [*_options(data_folder, out), "--epochs", "2"]
    with broken_off():
        train.main(options)
    assert checkpoints.load(out)["epoch"] == 1
    train.main([*options, "--resume"])
    unbroken = checkpoints.load(checkpoint)
    for name, value in checkpoints.load(out)["model"].items():
        assert torch.allclose(value, unbroken["model"][name], atol=1e-4), name


@pytest.mark.parametrize("stage", list(losses.STAGES))
def test_a_stage_leaves_all_else_as_it_is(stage: str, data_folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "harmonize.pt"
    options = ["--start", str(checkpoint), "--stage", stage, "--epochs", "1", "--frozen-epochs", "0"]
    train.main([*_options(data_folder, out), *options])
    before, after = (checkpoints.load(file)["model"] for file in (checkpoint, out))
    changed = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    wanted = {"shading": {"shading"}, "styles": {"vary"}, "curves": {"trunk", "likeness", "read", "curves"}}
    assert changed == wanted[stage]


def test_the_shading_learns_light_alone(material: list[pairs.Material]) -> None:
    """Its loss is that of what the curves leave, whatever they leave in the mean, and nothing where it is right."""
    network = HarmonyNetwork().eval()
    picture = torch.full((1, 3, 64, 96), 0.4)
    mask, around = torch.zeros(1, 1, 64, 96), torch.ones(1, 1, 64, 96)
    mask[:, :, 16:48, 24:72] = 1
    seen = Seen(picture, mask, around - mask, torch.rand(1, 5, 64, 64))
    slope = torch.linspace(-0.5, 0.5, SIDE).expand(1, SIDE, SIDE)
    sloped = operator.shade_boxes(picture, slope, mask)
    brighter = encode(1.3 * decode(sloped))
    with torch.no_grad():
        even, off, brighter_off = (losses.measure_shading(network, seen, each) for each in (picture, sloped, brighter))
    assert even < 1e-6 < off and brighter_off == pytest.approx(float(off), rel=0.1)
    network.shading.forward = lambda cut, hidden: slope  # type: ignore[method-assign]
    with torch.no_grad():
        assert losses.measure_shading(network, seen, sloped) < 0.05 * off


def test_only_the_best_style_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    network = HarmonyNetwork().eval()
    mask = torch.ones(2, 1, 64, 96)
    seen = Seen(torch.rand(2, 3, 64, 96), mask, mask, torch.rand(2, 5, 64, 64))
    wanted = seen.picture.clone()
    drawn = [torch.full((2, 10), value) for value in (3.0, 0.0, -2.0, 1.0, 2.0, -1.0, 4.0, -3.0)]
    monkeypatch.setattr(torch, "randn", lambda *shape: drawn.pop(0))
    with torch.no_grad():
        assert losses.measure_styles(network, seen, wanted).max() < 1e-4  # the plain one, which was among them
    assert not drawn


def test_the_plain_style_is_the_plain_answer(material: list[pairs.Material]) -> None:
    torch.manual_seed(0)
    network = HarmonyNetwork().eval()
    torch.nn.init.normal_(network.vary.read.weight, std=3)  # more than what is doubted
    seen = pairs.draw_pairs(material, 3, 1)[0].see()
    styles = torch.cat([torch.zeros(1, 10), torch.ones(1, 10), -torch.ones(1, 10)])
    with torch.no_grad():
        (plain, _shading), (styled, shading) = network.predict(seen), network.predict(seen, styles)
    assert torch.equal(styled[0], plain[0]) and styled.shape[0] == 3 and shading.shape[0] == 1
    assert min((styled[one] - styled[other]).abs().max() for one, other in ((0, 1), (0, 2), (1, 2))) > 1e-4


def test_masks_are_lent_to_photographs_without(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "_FOREIGN", 1.0)
    regions = data.load_regions(data_folder)
    bare = replace(next(each.photo for each in regions if not each.photo.portrait), name="bare")
    (material, *_rest) = pairs.load_material(data_folder, regions, False, Team(1), [bare])
    rng = np.random.default_rng(1)
    chosen = [pairs._choose_cutout(material, rng) for _ in range(300)]
    assert "bare" in {cutout.scene.name for cutout in chosen}
    for cutout in chosen:
        beside = cutout.mask.clone()
        beside[:, : cutout.scene.size[1], : cutout.scene.size[0]] = 0
        assert cutout.mask.max() > 0 and beside.max() == 0


def test_an_untrained_network_changes_nothing() -> None:
    network = HarmonyNetwork().eval()
    half = torch.ones(1, 1, 64, 96) / 2
    with torch.no_grad():
        curves, shading = network(
            torch.rand(1, 3, 64, 96), half, half, torch.rand(1, 5, 64, 64), torch.zeros(2, 10)
        )  # fmt: skip
    assert torch.allclose(curves, IDENTITY.expand(2, -1, -1), atol=1e-5)
    assert shading.abs().max() == 0


def test_curves_never_fall_and_stay_in_range() -> None:
    network = HarmonyNetwork().eval()
    torch.manual_seed(1)
    torch.nn.init.normal_(network.curves.weight, std=3)
    with torch.no_grad():
        masks = torch.rand(2, 1, 1, 64, 96)
        curves, _shading = network(torch.rand(1, 3, 64, 96), *masks, torch.rand(1, 5, 64, 64), torch.randn(4, 10))
    assert curves.min() >= 0 and curves.max() <= 1
    assert (curves[:, :, 1:] - curves[:, :, :-1]).min() >= -1e-6


def test_the_exported_network_agrees_with_torch(checkpoint: Path, tmp_path: Path) -> None:
    """And so does one that is read back from the file, to half floats."""
    for file in NETWORKS.iterdir():
        if file.suffix in (".onnx", ".json"):
            shutil.copyfile(file, tmp_path / file.name)
    export.main(["--harmony", str(checkpoint), "--out", str(tmp_path)])
    network, read = (train.load_network(path) for path in (checkpoint, tmp_path / HARMONIZE))
    harmonizer = Harmonizer(Networks(tmp_path, make_pool()))
    picture = np.random.default_rng(2).integers(0, 256, (150, 200, 4), np.uint8)
    picture[:, :, 3] = 0
    picture[40:90, 60:150, 3] = 255
    found = harmonizer.predict_harmony(picture)
    canvas = Format(192, 144, 32).place(picture)
    mask = canvas.place_mask(picture[:, :, 3]).clip(0, 1)
    pair = pairs.Pair(
        torch.from_numpy(canvas.picture[0]), torch.from_numpy(canvas.picture[0]), torch.from_numpy(mask[0]),
        torch.from_numpy(((1 - mask) * canvas.valid)[0]),
    )  # fmt: skip
    with torch.no_grad():
        (curves, shading), (read_curves, _shading) = (each.predict(pair.see()) for each in (network, read))
    assert abs(np.array(found.curves()) - curves[0].numpy()).max() < 2e-3
    assert found.shading is not None
    assert abs(np.array(found.shading.values) - shading[0].numpy()).max() < 2e-3
    assert (read_curves - curves).abs().max() < 2e-3
    left, top, right, bottom = find_box(mask)
    assert found.shading.box == pytest.approx((left / 192, top / 144, right / 192, bottom / 144))


def test_the_shipped_network_fits_its_limits() -> None:
    assert (NETWORKS / HARMONIZE).stat().st_size < 6e6


def test_the_report_measures(material: list[pairs.Material]) -> None:
    """Where nothing is done the errors are those of nothing; the right answer leaves none."""
    pair = pairs.make_test(*pairs.list_tests(material, 40)[0])
    neutral = Harmony.neutral()
    found = report.measure(pair, neutral, neutral, neutral)
    assert found.nothing == found.network == found.curves == found.constant > 0
    assert found.change == pytest.approx(0, abs=0.01) and found.second == pytest.approx(0, abs=0.01)
    right = pair._replace(wanted=report.apply(pair.composite, pair.mask, _brighten()))
    assert report.measure(right, _brighten(), neutral, neutral).network == 0


def test_half_of_a_photo_is_spoiled(material: list[pairs.Material]) -> None:
    """The half that is named, and the cut-out, stay as they are."""
    for number, each in enumerate(pairs.list_tests(material, 10)):
        pair = pairs.make_test(*each)
        spoiled, named = report.spoil_half(pair, np.random.default_rng(number))
        changed = (spoiled.composite - pair.composite).abs().amax(0, keepdim=True)
        assert changed[(named == 1) | (pair.mask == 1)].max() == 0 and changed.max() > 0.01
        assert torch.equal(spoiled.wanted, pair.wanted)
        assert (named * pair.around).sum() >= ((1 - named) * pair.around).sum()


def _brighten() -> Harmony:
    curve = tuple(x**0.8 for x in INPUTS)
    return Harmony(curve, curve, curve)
