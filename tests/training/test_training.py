# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the training, and each script for two steps: it runs, resumes, exports; the server's side agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model_server.predictor import Predictor
from model_server.training import (
    checkpoints,
    colour,
    data,
    edit,
    evaluate,
    export,
    fixation_measures,
    operators,
    realism,
    regions,
    saliency,
)
from model_server.training.models import (
    Critic,
    EditNetwork,
    RealismCritic,
    SaliencyNetwork,
    SecondCritic,
    share,
)
from model_server.training.parallel import Team


@pytest.fixture(scope="session")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of all networks after two steps, and their export."""
    folder = tmp_path_factory.mktemp("runs")
    common = ["--data", str(data_folder), "--steps", "2", "--threads", "1"]
    saliency.main([*common, "--epochs", "2", "--frozen-epochs", "1", "--batch", "2", "--out", str(folder / "a.pt")])
    saliency.main([*common, "--epochs", "1", "--taps", "24", "96", "--out", str(folder / "b.pt"), "--batch", "2"])
    realism.main([*common, "--epochs", "2", "--out", str(folder / "critic.pt")])
    second = ["--kind", "pooled", "--taps", "32", "320", "--out", str(folder / "critic-2.pt")]
    realism.main([*common, "--epochs", "1", *second])
    judges = ["--viewers", str(folder / "a.pt"), str(folder / "b.pt"), "--critic", str(folder / "critic.pt")]
    prepared = ["--prepared", str(folder / "prepared.pt"), "--batch", "4"]
    edit.main([*common, "--epochs", "1", *prepared, *judges, "--out", str(folder / "edit.pt")])
    export.main(["--edit", str(folder / "edit.pt"), *judges, "--out", str(folder / "networks")])
    return folder


@contextmanager
def broken_off() -> Iterator[None]:
    """A training that ends after its first checkpoint, as a killed process would."""

    class Killed(Exception):
        pass

    original = checkpoints.save

    def save_once(*arguments: object, **rest: object) -> None:
        original(*arguments, **rest)  # type: ignore[arg-type]
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoints, "save", save_once)
        yield


def test_resumed_run_repeats_an_unbroken_one(data_folder: Path, runs: Path, tmp_path: Path) -> None:
    options = ["--data", str(data_folder), "--steps", "2", "--threads", "1", "--frozen-epochs", "1", "--batch", "2"]
    unbroken = checkpoints.load(runs / "a.pt")

    out = tmp_path / "a.pt"
    with broken_off():
        saliency.main([*options, "--epochs", "2", "--out", str(out)])
    assert checkpoints.load(out)["epoch"] == 1
    saliency.main([*options, "--epochs", "2", "--out", str(out), "--resume"])
    resumed = checkpoints.load(out)
    assert resumed["epoch"] == 2
    for name, value in unbroken["model"].items():
        assert torch.allclose(value, resumed["model"][name], atol=1e-5), name


def test_realism_and_edit_resume(data_folder: Path, runs: Path, tmp_path: Path) -> None:
    common = ["--data", str(data_folder), "--steps", "2", "--threads", "1", "--resume"]
    judges = ["--viewers", str(runs / "a.pt"), "--critic", str(runs / "critic.pt")]
    out = tmp_path / "edit.pt"
    for epochs in (1, 2):
        prepared = tmp_path / "prepared.pt"
        edit.main(
            [*common, "--epochs", str(epochs), "--batch", "4", *judges, "--out", str(out), "--prepared", str(prepared)]
        )
        assert checkpoints.load(out)["epoch"] == epochs
    critic = tmp_path / "critic.pt"
    with broken_off():
        realism.main([*common, "--epochs", "2", "--out", str(critic)])
    cut = critic.with_suffix(".windows.pt").stat().st_mtime_ns
    realism.main([*common, "--epochs", "2", "--out", str(critic)])
    assert critic.with_suffix(".windows.pt").stat().st_mtime_ns == cut
    unbroken = checkpoints.load(runs / "critic.pt")
    for name, value in checkpoints.load(critic)["model"].items():
        assert torch.allclose(value, unbroken["model"][name], atol=1e-4), name


@pytest.mark.parametrize("script", [saliency, realism, edit, export, evaluate])
def test_help_explains_itself(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        script.main(["--help"])
    assert end.value.code == 0
    assert "--" in capsys.readouterr().out


def test_missing_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="missing"):
        checkpoints.load(tmp_path / "none.pt")


def test_exported_networks_agree_with_torch(data_folder: Path, runs: Path) -> None:
    """The predictor's figures and edits, from ONNX, are those of the torch networks."""
    predictor = Predictor(runs / "networks")
    network, critic = export.load_edit(runs / "edit.pt"), realism.load_network(runs / "critic.pt")
    viewers = [saliency.load_network(runs / name) for name in ("a.pt", "b.pt")]
    rng = np.random.default_rng(5)
    for size in ((128, 192), (112, 192)):  # without and with padding
        picture = rng.integers(0, 255, (*size, 4), dtype=np.uint8)
        picture[:, :, 3] = 0
        picture[30:60, 40:120, 3] = 200
        figures = predictor.edits(picture, "emphasize", "best-realism", strength=0.7).figures
        assert figures
        whole = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        padding = (0, 0, 0, -size[0] % 32)
        encoded = F.pad(whole[:, :3], padding, mode="replicate")
        mask, valid = (F.pad(area, padding) for area in (whole[:, 3:], torch.ones_like(whole[:, 3:])))
        with torch.no_grad():
            numbers = network.describe(encoded, mask, valid)
            orders = operators.ALL_ORDERS
            parameters = network(numbers, torch.ones(24), orders) * 0.7
            linear = operators.decode(encoded).expand(24, -1, -1, -1)
            edited = operators.encode(operators.apply(linear, mask.expand(24, -1, -1, -1), parameters, orders))
            verdicts = critic(edited, mask, valid)
            best = int(verdicts.argmax())
            densities = torch.stack([viewer(edited, valid).exp() for viewer in viewers]).mean(0)
            shares = share(densities.log(), mask)
        assert figures.realism_after == pytest.approx(float(verdicts[best]), abs=1e-3)
        assert min(abs(float(s) - figures.saliency_after) for s in shares) < 1e-4
        assert figures.realism_before == pytest.approx(float(critic(encoded, mask, valid)[0]), abs=1e-3)


def test_manifest_says_what_was_exported(runs: Path) -> None:
    manifest = json.loads((runs / "networks" / "manifest.json").read_text())
    assert manifest["ranges"] == operators.RANGES
    assert manifest["input"] == export.INPUT
    for name, file in manifest["files"].items():
        assert file["bytes"] == (runs / "networks" / name).stat().st_size
    assert sum(file["bytes"] for file in manifest["files"].values()) < 20e6


@pytest.mark.thorough
def test_evaluation_runs(
    data_folder: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "is_validation", lambda photo: photo.endswith(("1", "2")))
    card = tmp_path / "card.md"
    names = ("cost", "fixations", "nonsense", "telling apart", "realism curves", "attenuate", "emphasize")
    places = "".join(f"<!-- evaluate {name} -->\nold\n<!-- end -->\n" for name in names)
    card.write_text(f"before\n{places}after\n")
    evaluate.main(
        [
            *("--data", str(data_folder), "--networks", str(runs / "networks"), "--viewers", str(runs / "a.pt")),
            *("--judges", str(runs / "b.pt"), "--critic", str(runs / "critic.pt"), "--edit", str(runs / "edit.pt")),
            *("--second-critic", str(runs / "critic-2.pt"), "--out", str(tmp_path), "--searched", "1"),
            *("--card", str(card)),
        ]
    )
    printed = capsys.readouterr().out
    assert "| wrong way, independent |" in printed and "| optimised |" in printed
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["attenuate"]["results"]["network"]["CIE76 outside"] == 0
    assert figures["attenuate"]["results"]["nothing"]["CIE76 inside"] < 1e-3
    for name in ("attenuate", "emphasize", "nonsense", "realism-curves"):
        assert (tmp_path / f"{name}.png").is_file()
    text = card.read_text()
    assert "old" not in text and text.startswith("before\n") and text.endswith("after\n")
    assert "| NSS |" in text and "| AUC, cast |" in text and "| share change, independent |" in text


def test_padding_changes_no_description() -> None:
    """A region is described alike on its own canvas and on a larger one that is padded, but for the padded edge."""
    torch.manual_seed(0)
    network = EditNetwork()
    small = torch.rand(1, 3, 2, 3).repeat_interleave(32, 2).repeat_interleave(32, 3)
    mask = torch.zeros(1, 1, 64, 96)
    mask[:, :, 20:40, 30:60] = 1
    valid = torch.ones(1, 1, 64, 96)
    grown = [torch.nn.functional.pad(x, (0, 64, 0, 64)) for x in (mask, valid)]
    wide = torch.nn.functional.pad(small, (0, 64, 0, 64), mode="replicate")
    count = regions.COLOUR_MAPS
    alone = network.describe(small, mask, valid)[:, : 7 * count]
    padded = network.describe(wide, *grown)[:, : 7 * count]
    assert torch.allclose(alone, padded, atol=0.02)


def test_density_is_a_distribution_over_the_picture() -> None:
    torch.manual_seed(0)
    network = SaliencyNetwork()
    valid = torch.ones(2, 1, 64, 96)
    valid[1, :, :, 48:] = 0
    with torch.no_grad():
        density = network(torch.rand(2, 3, 64, 96), valid).exp()
    assert torch.allclose(density.sum((1, 2)), torch.ones(2), atol=1e-5)
    assert float(density[1, :, 6:].sum()) == 0
    assert float(share(density.log(), valid)[1]) == pytest.approx(1, abs=1e-5)


def test_untrained_edit_network_leaves_the_picture() -> None:
    network = EditNetwork()
    numbers = torch.rand(1, network.region.in_features)
    assert torch.equal(network(numbers, torch.ones(24), operators.ALL_ORDERS), torch.zeros(24, 28))


@pytest.mark.parametrize("kind", [RealismCritic, SecondCritic])
def test_critic_takes_any_region(kind: type[Critic]) -> None:
    critic = kind().eval()
    mask = torch.zeros(3, 1, 64, 64)
    mask[1] = 1
    mask[2, :, 5, 5] = 0.01
    verdict = critic(torch.rand(3, 3, 64, 64), mask, torch.ones(3, 1, 64, 64))
    assert torch.isfinite(verdict).all() and ((verdict > 0) & (verdict < 1)).all()


def test_window_shows_the_region_and_its_surround() -> None:
    picture = torch.zeros(1, 3, 192, 256)
    picture[:, :, 60:100, 120:180] = 1
    mask = picture[:, :1].clone()
    seen = regions.window(picture, mask, side=120, reach=2.0)
    # 60 x 40 pixels in the middle of a square of 120: one pixel is one sample.
    assert torch.equal(seen[0, 0, 40:80, 30:90], torch.ones(40, 60))
    assert float(seen.sum()) == 3 * 40 * 60
    # At the picture's edge the square reaches out into nothing.
    mask = torch.zeros(1, 1, 192, 256)
    mask[:, :, :40, :40] = 1
    outside = regions.window(torch.ones_like(mask), mask, side=96, reach=2.4)
    assert float(outside[0, 0, :26, :26].max()) == 0 and float(outside[0, 0, 60:, 60:].min()) == 1


def test_lab_by_hand() -> None:
    colours = torch.tensor([[1.0, 0, 0], [1, 1, 1], [0, 0, 0]])[:, :, None, None]
    expected = torch.tensor([[53.24, 80.09, 67.20], [100, 0, 0], [0, 0, 0]])
    assert torch.allclose(colour.lab(colours)[:, :, 0, 0], expected, atol=0.02)


def test_tint_counts_colour_casts_and_not_saturation() -> None:
    before = torch.tensor([[50.0, 0, 0], [50, 60, 0], [50, 60, 0]])[:, :, None, None]
    after = torch.tensor([[70.0, 6, 0], [50, 70, 0], [50, 60, 6]])[:, :, None, None]
    grey, more, turned = colour.tint(before, after).flatten().sqrt().tolist()
    assert grey == pytest.approx(6)
    assert more < 1.5
    assert turned == pytest.approx(6)


def test_real_edits_are_smaller_than_fake_ones() -> None:
    rng = np.random.default_rng(0)
    real = torch.stack([realism.real_edit(rng) for _ in range(200)])
    kinds = [*realism.FAKES] * 50
    fake = torch.stack([realism.fake_edit(rng, people=bool(i % 2), kind=kind) for i, kind in enumerate(kinds)])
    assert float(real[:, 2:4].abs().max()) == 0
    assert float(real[:, 0].abs().max()) < 0.52
    assert float(fake.abs().sum(1).min()) > 0.1
    assert (real.abs().sum(1) == 0).any()


def test_area_under_curve() -> None:
    labels = torch.tensor([1.0, 1, 0, 0])
    assert realism.area_under_curve(torch.tensor([0.9, 0.8, 0.2, 0.1]), labels) == 1
    assert realism.area_under_curve(torch.tensor([0.1, 0.8, 0.2, 0.9]), labels) == 0.25


def test_fake_windows_differ_in_the_region_only(data_folder: Path) -> None:
    rng = np.random.default_rng(1)
    chosen = [region for region in data.load_regions(data_folder) if not region.photo.portrait][:3]
    windows = realism.cut_windows(RealismCritic(), chosen, rng, 1, False, Team(1))
    fakes = realism.edit_windows(windows, realism.draw_fakes(windows, rng), rng)
    change = (fakes - windows.picture.float() / 255).abs().amax(1, keepdim=True)
    assert float(change[windows.mask == 0].max()) < 1e-5
    assert float(change[windows.mask == 255].max()) > 0.02


def test_threads_share_a_batch_without_changing_its_gradient() -> None:
    weight = torch.arange(12.0).requires_grad_(True)
    gradients = []
    for threads in (1, 2, 5):
        weight.grad = None
        mean = Team(threads).backward(lambda rows: weight[rows].square(), 12)
        assert mean == pytest.approx(float(weight.detach().square().mean()))
        gradients.append(weight.grad)
    assert all(torch.allclose(gradient, gradients[0]) for gradient in gradients)  # type: ignore[arg-type]


def test_painted_nonsense_stays_within_the_picture() -> None:
    pictures = torch.rand(6, 3, 64, 96)
    assert torch.equal(saliency.painted(pictures, 0.0, np.random.default_rng(0)), pictures)
    nonsense = saliency.painted(pictures, 1.0, np.random.default_rng(0))
    changed = (nonsense != pictures).any(1).float().mean((1, 2))
    assert float(changed.min()) > 0 and float(changed.max()) < 1
    assert float(nonsense.min()) >= 0 and float(nonsense.max()) <= 1


def test_fixation_measures_by_hand() -> None:
    valid = torch.ones(1, 64, 96)
    counts = torch.zeros(8, 12)
    counts[2, 3] = 3
    flat = torch.full((8, 12), 1 / 96).log()
    peak = torch.full((8, 12), 0.5 / 95)
    peak[2, 3] = 0.5
    found = fixation_measures.measures(peak.log(), counts, valid, flat)
    assert found["AUC-Judd"] == 1
    assert found["information gain"] == pytest.approx(np.log2(0.5 * 96), rel=1e-5)
    assert found["NSS"] == pytest.approx((0.5 - 1 / 96) / float(peak.std()), rel=1e-4)
    assert fixation_measures.measures(flat, counts, valid, flat)["AUC-Judd"] == 0.5


def test_people_predict_people_who_look_alike() -> None:
    rng = np.random.default_rng(0)
    spot = np.array([[70.0, 40.0]]) + rng.normal(0, 2, (40, 2))
    photo = data.FixationPhoto("x", Path("x"), (256, 192), b"", spot, np.repeat([0, 1, 2, 3], 10))
    prior = torch.full((24, 32), 1 / 768).log()
    assert fixation_measures.people_predicting_people(photo, prior)["NSS"] > 5
    photo.fixations = rng.random((40, 2)) * (256, 192)
    assert fixation_measures.people_predicting_people(photo, prior)["NSS"] < 1


def test_parts_of_the_description_can_be_left_out() -> None:
    torch.manual_seed(0)
    network = EditNetwork()
    torch.nn.init.normal_(network.last.weight)
    origins = regions.origins(network.trunk.taps, whole=True)
    hidden = torch.tensor([origin in ("surround", "picture") for origin in origins])
    numbers = torch.rand(1, len(origins))
    changed = torch.where(hidden, torch.rand(1, len(origins)), numbers)
    orders, direction = operators.ALL_ORDERS[:1], torch.ones(1)
    assert not torch.allclose(network(numbers, direction, orders), network(changed, direction, orders))
    network.standardise.ignore(hidden)
    assert torch.allclose(network(numbers, direction, orders), network(changed, direction, orders), atol=1e-5)


def test_edit_region_agrees_with_the_operators() -> None:
    torch.manual_seed(3)
    picture, mask = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    mask[:, :, 4:20, 6:30] = torch.rand(16, 24)
    parameters, orders = torch.randn(1, 28) * 0.3, operators.ALL_ORDERS[7:8]
    edited, difference, _ = edit.edit_region(picture[0], mask[0], parameters[0], orders[0])
    linear = operators.decode(picture)
    whole = operators.apply(linear, mask, parameters, orders)
    assert torch.allclose(edited, operators.encode(whole)[0], atol=1e-5)
    change = colour.difference(colour.lab(linear), colour.lab(whole))
    assert float(difference) == pytest.approx(float(colour.inside(change, mask)), rel=1e-3)
