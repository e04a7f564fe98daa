# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the training, and each script for two steps: it runs, resumes, exports; the server's side agrees."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F

from gimp_saliency.shared.choices import DIRECTIONS, Boldness
from gimp_saliency.shared.edits import Edit, Exposure, Saturation, Tone
from gimp_saliency.shared.request import EditRequest
from model_server.predict.border import Border
from model_server.predict.detail import Detail
from model_server.predict.networks import NETWORKS
from model_server.predict.predictor import Predictor
from model_server.predict.vector import CONTRAST, COUNT, NAMES, PREDICTED, SHARPENING, STYLE, Vocabulary
from model_server.training import (
    checkpoints,
    colour,
    contours,
    data,
    edge,
    edit,
    evaluate,
    export,
    exported,
    fakes,
    fixation_measures,
    keep,
    operators,
    realism,
    regions,
    saliency,
    trials,
)
from model_server.training.models import (
    Critic,
    EditNetwork,
    RealismCritic,
    SaliencyNetwork,
    SecondCritic,
    StyleReader,
    Wish,
    measure_share,
)
from model_server.training.parallel import Team
from model_server.training.reports import ablations, baselines
from model_server.training.reports import cost as cost_report
from model_server.training.reports import edits as edit_report
from model_server.training.reports import realism as realism_report
from tests.training.breaking import broken_off

MOBILE_NET = "mnv2_imagenet_from_int8_fp16.pth"
SMALL = ["--batch", "4", "--held", "6", "--rounds", "1", "--contour-pairs", "2"]
CRITIC_TRUNK = ["--trunk", "lite0.pth", *SMALL]
EDIT_TRUNK = ["--trunk", "lite0.pth", "--batch", "4"]
SMALL_TRUNK = ["--trunk", "mobilenet-v2", "--batch", "4"]


@pytest.fixture(scope="session")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of all networks after two steps, and their export."""
    folder = tmp_path_factory.mktemp("runs")
    common = ["--data", str(data_folder), "--steps", "2", "--threads", "1"]
    saliency.main([*common, "--epochs", "2", "--frozen-epochs", "1", "--batch", "2", "--out", str(folder / "a.pt")])
    saliency.main([*common, "--epochs", "1", "--taps", "24", "96", "--out", str(folder / "b.pt"), "--batch", "2"])
    realism.main([*common, "--epochs", "2", *CRITIC_TRUNK, "--out", str(folder / "critic.pt")])
    second = [
        "--kind",
        "pooled",
        "--taps",
        "32",
        "320",
        *SMALL,
        "--trunk",
        MOBILE_NET,
        "--out",
        str(folder / "critic-2.pt"),
    ]
    realism.main([*common, "--epochs", "1", *second])
    judges = ["--viewers", str(folder / "a.pt"), str(folder / "b.pt"), "--critic", str(folder / "critic.pt")]
    prepared = ["--prepared", str(folder / "prepared.pt"), *EDIT_TRUNK]
    edit.main([*common, "--epochs", "1", *prepared, *judges, "--out", str(folder / "edit.pt")])
    edge.main([*common, "--epochs", "2", *SMALL_TRUNK, "--out", str(folder / "edge.pt")])
    found = ["--edit", str(folder / "edit.pt"), "--edge", str(folder / "edge.pt")]
    export.main([*found, *judges, "--out", str(folder / "networks")])
    return folder


def test_strengths_are_factors_on_the_parameters(runs: Path, tmp_path: Path) -> None:
    judges = ["--viewers", str(runs / "a.pt"), "--critic", str(runs / "critic.pt")]
    strengths = ["--attenuate", "1.5", "--emphasize", "1.2", "--attenuate-background", "0.5"]
    export.main(["--edit", str(runs / "edit.pt"), *judges, *strengths, "--out", str(tmp_path)])
    area, picture = np.ones((1, 1, 64, 96), np.float32), np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    found = {}
    for folder in (runs / "networks", tmp_path):
        session = onnxruntime.InferenceSession(folder / "edit.onnx", providers=["CPUExecutionProvider"])
        for sign in (-1, 1):
            inputs = {
                "picture": picture,
                "mask": area,
                "valid": area,
                "density": np.full((1, 8, 12), 1 / 96, np.float32),
            }
            wish = {"direction": np.array([sign], np.float32), "boldness": np.zeros(1, np.float32)}
            found[folder, sign] = session.run(None, inputs | wish | {"style": np.zeros((1, STYLE), np.float32)})
    for sign, factors in ((-1, (1.5, 0.5)), (1, (1.2, 1.0))):
        for side, factor in enumerate(factors):
            assert np.abs(found[tmp_path, sign][side]).max() > 0
            assert np.allclose(found[tmp_path, sign][side], factor * found[runs / "networks", sign][side], atol=1e-6)


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
        prepared = ["--prepared", str(tmp_path / "prepared.pt"), *EDIT_TRUNK]
        edit.main([*common, "--epochs", str(epochs), *judges, "--out", str(out), *prepared])
        assert checkpoints.load(out)["epoch"] == epochs
    critic = tmp_path / "critic.pt"
    with broken_off():
        realism.main([*common, *CRITIC_TRUNK, "--epochs", "2", "--out", str(critic)])
    placed = critic.with_suffix(".canvases.pt").stat().st_mtime_ns
    realism.main([*common, *CRITIC_TRUNK, "--epochs", "2", "--out", str(critic)])
    assert critic.with_suffix(".canvases.pt").stat().st_mtime_ns == placed
    unbroken = checkpoints.load(runs / "critic.pt")
    for name, value in checkpoints.load(critic)["model"].items():
        assert torch.allclose(value, unbroken["model"][name], atol=1e-4), name


def test_edge_training_resumes(data_folder: Path, runs: Path, tmp_path: Path) -> None:
    common = ["--data", str(data_folder), "--steps", "2", "--threads", "1", *SMALL_TRUNK, "--epochs", "2"]
    out = tmp_path / "edge.pt"
    with broken_off():
        edge.main([*common, "--out", str(out)])
    assert checkpoints.load(out)["epoch"] == 1
    edge.main([*common, "--out", str(out), "--resume"])
    unbroken = checkpoints.load(runs / "edge.pt")
    for name, value in checkpoints.load(out)["model"].items():
        assert torch.allclose(value, unbroken["model"][name], atol=1e-4), name


def test_the_exported_edge_network_agrees_with_torch(runs: Path, tmp_path: Path) -> None:
    network = edge.load_network(runs / "edge.pt")
    shutil.copy(runs / "networks" / "manifest.json", tmp_path)
    export.main(["--edge", str(runs / "edge.pt"), "--out", str(tmp_path)])
    assert json.loads((tmp_path / "manifest.json").read_text())["files"].keys() == {"edge.onnx"}
    session = onnxruntime.InferenceSession(tmp_path / "edge.onnx", providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for side in (96, 192):
        picture, selection = rng.random((1, 3, side, side), np.float32), np.zeros((1, 1, side, side), np.float32)
        selection[:, :, side // 4 : side // 2] = 1
        mask, expected = session.run(None, {"picture": picture, "selection": selection})
        seen = torch.from_numpy(picture), torch.from_numpy(selection)
        with torch.no_grad():
            found, mirrored = network(*seen), network(*(x.flip(3) for x in seen))
        meant = (found.mask.sigmoid() + mirrored.mask.sigmoid().flip(3)) / 2
        # Weights are kept as half floats.
        assert np.abs(mask - meant.numpy()).max() < 0.02
        assert np.abs(expected - (found.expected.sigmoid() + mirrored.expected.sigmoid()).numpy() / 2).max() < 0.02


@pytest.mark.parametrize("script", [saliency, realism, edit, edge, export, keep, evaluate])
def test_help_explains_itself(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        script.main(["--help"])
    assert end.value.code == 0
    assert "--" in capsys.readouterr().out


def test_judges_are_kept_in_little_space(runs: Path, tmp_path: Path) -> None:
    """A kept network has half of the bytes, without what its training needs, and says nearly the same."""
    keep.main([str(runs / "b.pt"), str(runs / "critic-2.pt"), "--out", str(tmp_path)])
    picture, mask = torch.rand(1, 3, 64, 96), torch.zeros(1, 1, 64, 96)
    mask[:, :, 20:50, 30:70] = 1
    areas = mask, torch.ones_like(mask)
    for name, load in (("b.pt", saliency.load_network), ("critic-2.pt", realism.load_network)):
        assert (tmp_path / name).stat().st_size < 0.55 * (runs / name).stat().st_size
        before, kept = load(runs / name), load(tmp_path / name)
        if isinstance(kept, SaliencyNetwork) and isinstance(before, SaliencyNetwork):
            assert torch.allclose(before(picture, areas[1]), kept(picture, areas[1]), atol=0.02)
        else:
            assert torch.allclose(before(picture, *areas), kept(picture, *areas), atol=0.02)


def test_the_judges_of_the_repository_can_be_asked() -> None:
    assert keep.JUDGES.is_dir()
    files = sorted(keep.JUDGES.glob("*.pt"))
    assert sum(file.stat().st_size for file in files) < 15e6
    picture, mask = torch.rand(1, 3, 64, 96), torch.zeros(1, 1, 64, 96)
    mask[:, :, 20:50, 30:70] = 1
    for file in files:
        if file.name.startswith("viewer"):
            density = saliency.load_network(file)(picture, torch.ones_like(mask)).exp()
            assert float(density.sum()) == pytest.approx(1, abs=1e-4)
        else:
            assert 0 < float(realism.load_network(file)(picture, mask, torch.ones_like(mask))) < 1
    assert any(file.name.startswith("critic") for file in files)


def test_missing_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="missing"):
        checkpoints.load(tmp_path / "none.pt")


@pytest.mark.parametrize("background", [False, True])
def test_exported_networks_agree_with_torch(runs: Path, background: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The predictor's figures and edits, from ONNX, are those of the torch networks, as far as these go."""
    monkeypatch.setattr("model_server.predict.attention._FACTORS", (1.0,))
    predictor = Predictor(runs / "networks", most_border=math.inf)
    network, critic = export.load_edit(runs / "edit.pt"), realism.load_network(runs / "critic.pt")
    viewer = saliency.load_network(runs / "a.pt")
    rng = np.random.default_rng(5)
    style = tuple(rng.standard_normal(STYLE))
    request = EditRequest(
        "emphasize",
        70.0,
        background=background,
        background_strength=120.0,
        style_numbers=style,
        boldness=Boldness.SUBTLE,
    )
    orders = operators.ALL_ORDERS
    for size in ((128, 192), (112, 192)):  # without and with padding
        picture = rng.integers(0, 255, (*size, 4), dtype=np.uint8)
        picture[:, :, 3] = 0
        picture[30:60, 40:120, 3] = 200
        figures = predictor.attention.predict_edits(picture, request).figures
        assert figures
        whole = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        padding = (0, 0, 0, -size[0] % 32)
        encoded = F.pad(whole[:, :3], padding, mode="replicate")
        mask, valid = (F.pad(area, padding) for area in (whole[:, 3:], torch.ones_like(whole[:, 3:])))
        areas = whole[:, 3:].expand(24, -1, -1, -1)
        with torch.no_grad():
            numbers = network.describe(encoded, mask, valid, viewer(encoded, valid).exp())
            styles = torch.tensor([style]).float().expand(24, -1)
            inside, around = network(numbers, Wish(torch.ones(24), -torch.ones(24), orders, styles))
            linear = operators.decode(whole[:, :3]).expand(24, -1, -1, -1)
            edited = operators.apply(linear, areas, inside * 0.7, orders, 192.0, clip=False)
            if background:
                edited = operators.apply(edited, 1 - areas, around * 1.2, orders, 192.0)
            edited = F.pad(operators.encode(edited), padding, mode="replicate")
            if not background:
                edited[:, :, size[0] :] = encoded[:, :, size[0] :]
            verdicts = critic(edited, mask, valid)
            best = int(verdicts.argmax())
            shares = measure_share(viewer(edited, valid), mask)
        assert figures.realism_after == pytest.approx(float(verdicts[best]), abs=1e-3)
        assert min(abs(float(s) - figures.saliency_after) for s in shares) < 1e-3  # weights are kept as half floats
        assert figures.realism_before == pytest.approx(float(critic(encoded, mask, valid)[0]), abs=1e-3)


def test_exported_networks_can_be_read_back(runs: Path) -> None:
    """What a training starts from is what was exported, and it is what the checkpoint holds, but for half floats."""
    networks = runs / "networks"
    pairs = (
        (export.load_edit(networks / "edit.onnx"), export.load_edit(runs / "edit.pt")),
        (realism.load_network(networks / "realism.onnx"), realism.load_network(runs / "critic.pt")),
        (saliency.load_network(networks / "saliency.onnx"), saliency.load_network(runs / "a.pt")),
    )
    for read, trained in pairs:
        state = trained.state_dict()
        assert read.state_dict().keys() == state.keys()
        for name, value in read.state_dict().items():
            halved = state[name].half().float()
            assert name == "centre" or torch.equal(value, state[name]) or torch.equal(value, halved), name


def test_shipped_edit_network_is_what_its_file_computes() -> None:
    strengths = json.loads((NETWORKS / "manifest.json").read_text())["strengths"]
    session = onnxruntime.InferenceSession(NETWORKS / "edit.onnx", providers=["CPUExecutionProvider"])
    network = export.load_edit(NETWORKS / "edit.onnx")
    rng = np.random.default_rng(2)
    picture, style = rng.random((1, 3, 96, 128), np.float32), rng.standard_normal((1, STYLE)).astype(np.float32)
    mask, valid = np.zeros((1, 1, 96, 128), np.float32), np.ones((1, 1, 96, 128), np.float32)
    mask[:, :, 20:60, 30:80] = 1
    areas = {"picture": picture, "mask": mask, "valid": valid, "density": rng.random((1, 12, 16), np.float32) / 96}
    with torch.no_grad():
        numbers = network.describe(*(torch.from_numpy(area) for area in areas.values()))
        for sign, direction in ((-1.0, "attenuate"), (1.0, "emphasize")):
            goal = {"direction": np.array([sign], np.float32), "boldness": np.array([0.5], np.float32)}
            inputs = {**areas, **goal, "style": style}
            styles = torch.from_numpy(style).expand(24, -1)
            wish = Wish(torch.full((24,), sign), torch.full((24,), 0.5), operators.ALL_ORDERS, styles)
            sides = network(numbers, wish)
            for found, side, name in zip(session.run(None, inputs), sides, (direction, f"{direction}-background")):
                assert np.abs(found - strengths[name] * side.numpy()).max() < 1e-4


def test_another_file_is_no_network_to_start_from(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="another network"):
        export.load_edit(runs / "networks" / "saliency.onnx")
    with pytest.raises(SystemExit, match="missing"):
        export.load_edit(tmp_path / "edit.onnx")
    state = exported.read_edit(runs / "networks" / "edit.onnx")
    with pytest.raises(SystemExit, match="built otherwise"):
        exported.load_edit(EditNetwork(hidden=128), state, runs / "networks" / "edit.onnx")


def test_trainings_start_from_exported_networks(data_folder: Path, runs: Path, tmp_path: Path) -> None:
    networks = runs / "networks"
    common = ["--data", str(data_folder), "--steps", "1", "--threads", "1", "--epochs", "1"]
    still = ["--rate", "0", "--batch", "4", "--out", str(tmp_path / "edit.pt"), "--prepared", str(tmp_path / "p.pt")]
    judges = ["--viewers", str(networks / "saliency.onnx"), "--critic", str(networks / "realism.onnx")]
    edit.main([*common, *still, *judges, "--start", str(networks / "edit.onnx")])
    before = exported.read_edit(networks / "edit.onnx")
    for name, value in checkpoints.load(tmp_path / "edit.pt")["model"].items():
        assert torch.equal(value, before[name]), name
    none = ["--rate", "0", "--trunk-rate", "0", "--batch", "2"]
    saliency.main([*common, *none, "--start", str(networks / "saliency.onnx"), "--out", str(tmp_path / "viewer.pt")])
    realism.main(
        [*common, *none, *SMALL, "--start", str(networks / "realism.onnx"), "--out", str(tmp_path / "critic.pt")]
    )
    trained = (saliency.load_network(tmp_path / "viewer.pt"), realism.load_network(tmp_path / "critic.pt"))
    for network, known in zip(trained, ("a.pt", "critic.pt")):
        before = checkpoints.load(runs / known)["model"]
        for name, value in network.state_dict().items():
            known_value = before[name].half().float() if before[name].numel() >= 256 else before[name]
            assert name == "centre" or torch.allclose(value, known_value, atol=1e-6), name


def test_manifest_says_what_was_exported(runs: Path) -> None:
    manifest = json.loads((runs / "networks" / "manifest.json").read_text())
    assert manifest["ranges"] == operators.RANGES
    assert manifest["input"] == export.INPUT
    assert Vocabulary.from_json(manifest["predicts"]) == PREDICTED
    assert set(manifest["strengths"]) == {"attenuate", "emphasize", "attenuate-background", "emphasize-background"}
    assert manifest["version"] == export.VERSION
    assert {f"operator-{name}.onnx" for name in NAMES} < set(manifest["files"])
    for name, file in manifest["files"].items():
        assert file["bytes"] == (runs / "networks" / name).stat().st_size
    assert sum(file["bytes"] for file in manifest["files"].values()) < 20e6


@pytest.mark.thorough
def test_evaluation_runs(
    data_folder: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("is_validation", "is_test"):
        monkeypatch.setattr(data, name, lambda photo: photo.endswith("1"))
    for module, name, few in (
        (cost_report, "TIMES", 1), (baselines, "DRAWS", 4), (baselines, "STEPS", 2),
        (baselines, "MANY_STEPS", 2), (edit_report, "MOVES", 3),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, few)
    card = tmp_path / "card.md"
    names = ["cost", "fixations", "nonsense", "telling apart", "realism curves", "fits"]
    names += [f"{borders}{direction}" for direction in DIRECTIONS for borders in ("", "borders ")]
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
    assert (
        "| wrong way, independent |" in printed
        and "| optimised |" in printed
        and "| for attention alone, CIE76 20 |" in printed
    )
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["attenuate"]["results"]["network"]["CIE76 outside"] == 0
    assert figures["attenuate"]["results"]["nothing"]["CIE76 inside"] < 1e-3
    places = figures["attenuate"]["background"]["places"]
    assert places["region"]["CIE76 outside"] == 0 < places["background"]["CIE76 outside"]
    assert places["background"]["CIE76 inside"] < places["both"]["CIE76 inside"]
    assert set(figures["attenuate"]["background"]["orders"]) == set(ablations.ORDERS)
    assert 0 <= figures["emphasize"]["styles"]["styles"]["share of worthy styles"] <= 1
    for name in (*DIRECTIONS, "nonsense", "realism-curves", "attenuate-box-1", "emphasize-ellipse-1"):
        assert (tmp_path / f"{name}.png").is_file()
    text = card.read_text()
    assert "\nold\n" not in text and text.startswith("before\n") and text.endswith("after\n")
    assert "| fitted, median |" in text and "| border, median |" in text
    assert (
        "| NSS |" in text
        and "| cast |" in text
        and "| border, with the border measure |" in text
        and "| share change, independent |" in text
    )


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
    density = torch.rand(1, 8, 12) / 96
    alone = network.describe(small, mask, valid, density)
    padded = network.describe(wide, *grown, torch.nn.functional.pad(density, (0, 8, 0, 8)))
    assert torch.allclose(alone[:, : 7 * count], padded[:, : 7 * count], atol=0.02)
    # Of colours near and far, and of what viewers look at, what no trunk sees.
    colours = slice(regions.count_numbers(network.trunk.taps, whole=True), network.counts[0])
    assert torch.allclose(alone[:, colours], padded[:, colours], atol=0.02)
    watched = slice(network.counts[0], network.counts[0] + 2 * count)
    assert torch.allclose(alone[:, watched], padded[:, watched], atol=0.02)


def test_density_is_a_distribution_over_the_picture() -> None:
    torch.manual_seed(0)
    network = SaliencyNetwork()
    valid = torch.ones(2, 1, 64, 96)
    valid[1, :, :, 48:] = 0
    with torch.no_grad():
        density = network(torch.rand(2, 3, 64, 96), valid).exp()
    assert torch.allclose(density.sum((1, 2)), torch.ones(2), atol=1e-5)
    assert float(density[1, :, 6:].sum()) == 0
    assert float(measure_share(density.log(), valid)[1]) == pytest.approx(1, abs=1e-5)


def test_where_viewers_look_is_for_the_background_alone() -> None:
    torch.manual_seed(0)
    network = EditNetwork().eval()
    for head in (network.inside, network.around):
        torch.nn.init.normal_(head.last.weight, std=0.3)
    picture, mask = torch.rand(1, 3, 64, 96), torch.zeros(1, 1, 64, 96)
    mask[:, :, 20:40, 30:60] = 1
    corner = torch.zeros(1, 8, 12)
    corner[:, :2, :2] = 0.25
    wish = Wish.make_plain(torch.ones(1))
    with torch.no_grad():
        (inside, around), (same, other) = (
            network(network.describe(picture, mask, torch.ones_like(mask), density), wish)
            for density in (torch.full((1, 8, 12), 1 / 96), corner)
        )
    assert torch.equal(inside, same) and float((around - other).abs().max()) > 0.01


def test_untrained_edit_network_leaves_the_picture() -> None:
    network = EditNetwork()
    numbers = torch.rand(1, sum(network.counts))
    wish = Wish(torch.ones(24), torch.zeros(24), operators.ALL_ORDERS, torch.randn(24, STYLE))
    for parameters in network(numbers, wish):
        assert parameters.shape == (24, COUNT)
        assert not parameters[:, :SHARPENING].any() and not parameters[:, SHARPENING + 1 :].any()
        # A trace of it must be there to be learned from, as long as nobody sees it.
        assert 0 < float(parameters[:, SHARPENING].detach().max()) < 0.01


def test_style_enters_the_edits_and_can_be_read() -> None:
    """The reader learns what the edits say of their style, and nothing from edits that say nothing."""
    torch.manual_seed(0)
    network, reader = EditNetwork(), StyleReader()
    for head in (network.inside, network.around):
        torch.nn.init.normal_(head.last.weight, std=0.3)
    numbers, wish = torch.rand(1, sum(network.counts)), Wish.make_plain(torch.ones(64))
    style, direction, both = torch.randn(64, STYLE), wish.direction, torch.arange(64) % 2 == 0
    with torch.no_grad():
        inside, around = network(numbers, wish._replace(style=style))
    assert float(inside.std(0).max()) > 0.01 and float(around.std(0).max()) > 0.01
    # Where nothing is edited around, the reader sees nothing of it.
    changed = torch.where(both[:, None], around, torch.rand(64, COUNT))
    assert torch.equal(reader(inside, around, direction, both), reader(inside, changed, direction, both))
    optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
    for _ in range(300):
        optimizer.zero_grad()
        loss = (reader(inside, around, direction, both) - style).square().mean()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.5 * float(style.square().mean())


def test_change_around_gets_dearer_while_there_is_too_much() -> None:
    objective = edit.Objective(change_weight=(0.04, 0.02))
    scores = {"attenuate both change": 1.64, "emphasize both change": 2.44}
    assert edit.rebalance(objective, scores, 2.0).change_weight == pytest.approx((0.032, 0.024))
    scores = {"attenuate both change": 9.0, "emphasize both change": 1.0}
    assert edit.rebalance(objective, scores, 2.0).change_weight == pytest.approx((0.08, 0.01))
    assert edit.rebalance(objective, {}, 2.0) == objective


def test_parts_and_orders_of_edits() -> None:
    edits: list[Edit] = [Tone((0.5,) * 4 + (1.5,) * 4), Saturation(0.5), Exposure(1)]
    assert ablations.reorder(edits, ("exposure", "contrast", "tone")) == [edits[2], edits[0]]
    assert ablations.keep_kinds(edits, ("exposure", "contrast", "tone")) == [edits[0], edits[2]]
    for names in ablations.ORDERS.values():
        assert sorted(names) == sorted(NAMES)


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
    seen = regions.cut_window(picture, mask, side=120, reach=2.0)
    # 60 x 40 pixels in the middle of a square of 120: one pixel is one sample.
    assert torch.equal(seen[0, 0, 40:80, 30:90], torch.ones(40, 60))
    assert float(seen.sum()) == 3 * 40 * 60
    # At the picture's edge the square reaches out into nothing.
    mask = torch.zeros(1, 1, 192, 256)
    mask[:, :, :40, :40] = 1
    outside = regions.cut_window(torch.ones_like(mask), mask, side=96, reach=2.4)
    assert float(outside[0, 0, :26, :26].max()) == 0 and float(outside[0, 0, 60:, 60:].min()) == 1


def test_lab_by_hand() -> None:
    colours = torch.tensor([[1.0, 0, 0], [1, 1, 1], [0, 0, 0]])[:, :, None, None]
    expected = torch.tensor([[53.24, 80.09, 67.20], [100, 0, 0], [0, 0, 0]])
    assert torch.allclose(colour.to_lab(colours)[:, :, 0, 0], expected, atol=0.02)


def test_tint_counts_colour_casts_and_not_saturation() -> None:
    before = torch.tensor([[50.0, 0, 0], [50, 60, 0], [50, 60, 0]])[:, :, None, None]
    after = torch.tensor([[70.0, 6, 0], [50, 70, 0], [50, 60, 6]])[:, :, None, None]
    grey, more, turned = colour.measure_tint(before, after).flatten().sqrt().tolist()
    assert grey == pytest.approx(6)
    assert more < 1.5
    assert turned == pytest.approx(6)


def test_real_edits_are_smaller_than_fake_ones() -> None:
    rng = np.random.default_rng(0)
    small = torch.stack([fakes.draw_small(rng) for _ in range(200)])
    moderate = torch.stack([fakes.draw_moderate(rng, people=False) for _ in range(200)])
    people = torch.stack([fakes.draw_moderate(rng, people=True) for _ in range(200)])
    assert float(small[:, 0].abs().max()) <= 0.5 < float(moderate[:, 0].abs().max()) <= 1.1
    assert float(people[:, 0].abs().max()) <= 0.75 * 1.1
    assert float(small[:, 2:4].abs().max()) <= 0.05 and not moderate[:, 2:4].any()
    places = {"exposure": 0, "saturation": 1, "contrast-": CONTRAST, "contrast+": CONTRAST, "sharpening": SHARPENING}
    for kind in fakes.FAKES:
        strong = torch.stack([fakes.draw_strong(rng, people=bool(i % 2), kind=kind) for i in range(60)])
        assert float(strong.abs().amax(1).min()) > 0.15, kind
        if kind in places:
            rest = strong.clone()
            rest[:, places[kind]] = 0
            assert not rest.any(), kind
            assert float(strong[:, places[kind]].abs().min()) > float(moderate[:, places[kind]].abs().max()) * 0.4


def test_masks_do_not_tell_real_from_fake() -> None:
    """Moderate edits are real through a mask that fits and fake through a hard loose one; small ones are real."""
    rng = np.random.default_rng(0)
    real = {shape: torch.stack([fakes.draw_real(rng, False, shape) for _ in range(200)]) for shape in fakes.Shape}
    assert all((drawn.abs().sum(1) == 0).any() for drawn in real.values())
    assert float(real[fakes.Shape.HARD][:, 0].abs().max()) <= 0.5 < float(real[fakes.Shape.FITTED][:, 0].abs().max())
    hard = torch.stack([fakes.draw_fake(rng, False, False, fakes.Shape.HARD) for _ in range(200)])
    fitted = torch.stack([fakes.draw_fake(rng, False, False, fakes.Shape.FITTED) for _ in range(200)])
    moderate = [int((drawn.abs().amax(1) < 0.56).sum()) for drawn in (hard, fitted)]
    assert moderate[0] > 3 * moderate[1]


def test_area_under_curve() -> None:
    labels = torch.tensor([1.0, 1, 0, 0])
    assert realism.measure_auc(torch.tensor([0.9, 0.8, 0.2, 0.1]), labels) == 1
    assert realism.measure_auc(torch.tensor([0.1, 0.8, 0.2, 0.9]), labels) == 0.25


def test_edits_stay_within_the_masks(data_folder: Path) -> None:
    chosen = [region for region in data.load_regions(data_folder) if not region.photo.portrait][:4]
    (group,) = trials.place_regions(chosen, np.random.default_rng(1), 1, False, Team(1))
    fitted, hard, soft = group.masks.float().sum((2, 3)).unbind(1)
    assert (hard > 1.05 * fitted).all() and torch.allclose(soft, hard, rtol=0.15)
    for kind in trials.KINDS:
        for trial in trials.make_trials([group], kind, 3, Team(1)):
            change = (trial.pictures - trial.batch.picture.float() / 255).abs().amax(2, keepdim=True)
            assert float(change[trial.masks == 0].max()) < 1e-5
            if kind == "sharpening":  # smooth pictures have no detail that it could show in
                continue
            assert trial.visible.any(), kind
            fake = change[1][(trial.masks[1] == 1) & trial.visible[:, None, None, None]]
            assert float(fake.mean()) > 0.02, kind
            assert torch.equal(trial.masks[0], trial.masks[1]) == (kind != trials.BORDER)


def test_what_hardly_shows_is_no_fake() -> None:
    """An edit of black shows nothing: it is drawn anew some times, and then counts as nothing."""
    rng, black, mask = np.random.default_rng(0), torch.zeros(3, 32, 32), torch.ones(1, 32, 32)
    drawn: list[torch.Tensor] = []

    def draw() -> torch.Tensor:
        drawn.append(fakes.draw_strong(rng, False, "exposure"))
        return drawn[-1]

    edited, visible = trials.edit_visibly(black, mask, torch.ones(1, 32, 32, dtype=torch.uint8), draw, rng)
    assert not visible and len(drawn) == 3 and torch.equal(edited, black)
    assert trials.edit_visibly(black + 0.2, mask, torch.ones(1, 32, 32, dtype=torch.uint8), draw, rng)[1]


def test_contours_tell_a_border_from_an_object() -> None:
    """A step of one sign along the mask, where nothing else is, against an object's ragged edge and a rim."""
    torch.manual_seed(0)
    mask = torch.zeros(1, 1, 96, 96)
    mask[:, :, 30:66, 30:66] = 1
    valid, flat = torch.ones_like(mask), torch.full((1, 3, 96, 96), 0.5)
    blocks = (torch.rand(1, 1, 24, 24) > 0.5).repeat_interleave(4, 2).repeat_interleave(4, 3)
    inner = torch.zeros_like(mask)
    inner[:, :, 31:65, 31:65] = 1
    pictures = {
        "flat": flat, "stepped": flat + 0.1 * mask, "ragged": flat + 0.2 * blocks, "rim": flat + 0.1 * (mask - inner)
    }  # fmt: skip
    found = {name: contours.describe(picture, mask, valid)[0] for name, picture in pictures.items()}
    assert all(each.shape == (contours.NUMBERS,) for each in found.values())
    light = colour.to_lab(operators.decode(torch.tensor([0.5, 0.6]).view(2, 1, 1, 1).expand(2, 3, 1, 1)))[
        :, 0
    ].flatten()
    step = float(light[1] - light[0]) / 10
    assert float(found["flat"][0]) == pytest.approx(0, abs=1e-3)
    signed, coherence = {name: each[0] for name, each in found.items()}, {name: each[9] for name, each in found.items()}
    assert float(signed["stepped"]) == float(signed["rim"]) == pytest.approx(step, rel=1e-3)
    assert float(coherence["stepped"]) > 0.95 > 0.6 > float(coherence["ragged"])
    # Over four pixels on each side a rim of one is a quarter of a step, but at corners, where the line runs along it.
    wide = 2 * 13
    assert step / 4 <= float(found["rim"][wide]) < step / 3
    assert float(found["stepped"][wide]) == pytest.approx(step, rel=1e-3)
    # Inside out it is the same step the other way, and one mask may serve many pictures.
    turned = contours.describe(flat - 0.1 * (1 - mask) + 0.1, 1 - mask, valid)[0]
    assert float(turned[0]) == pytest.approx(-step, rel=1e-3)
    both = contours.describe(torch.cat([flat, pictures["stepped"]]), mask, valid)
    assert torch.allclose(both, torch.stack([found["flat"], found["stepped"]]), atol=1e-5)


def test_of_a_long_contour_some_is_enough() -> None:
    """A mask of noise has more contour than anybody needs; what is said of it stays the same."""
    torch.manual_seed(1)
    mask, valid = (torch.rand(1, 1, 128, 160) > 0.5).float(), torch.ones(1, 1, 128, 160)
    picture = 0.5 + 0.1 * mask.expand(-1, 3, -1, -1)
    some = contours.describe(picture, mask, valid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contours, "_MOST", 1 << 20)
        assert torch.allclose(some, contours.describe(picture, mask, valid), atol=0.05)


@pytest.mark.parametrize("hard", [True, False])
def test_the_border_of_the_training_is_the_servers(hard: bool) -> None:
    rng = np.random.default_rng(4)
    before = rng.random((1, 3, 64, 96), np.float32)
    mask, valid = np.zeros((1, 1, 64, 96), np.float32), np.ones((1, 1, 64, 96), np.float32)
    mask[..., 10:40, 20:90] = 1 if hard else rng.random((30, 70), np.float32)
    valid[..., 80:] = 0
    after = np.clip(before * (1 - 0.4 * mask), 0, 1)
    pictures = (torch.from_numpy(each[0]) for each in (before, after, mask, valid))
    assert float(contours.measure_border(*pictures)) == pytest.approx(
        Border(before, mask, valid).measure(after), rel=0.05 if not hard else 1e-3
    )
    everything = torch.ones(1, 64, 96)
    assert float(contours.measure_border(*torch.rand(2, 3, 64, 96), everything, everything)) == 0


def test_fog_and_paleness_are_told_from_darkness() -> None:
    """Of the local contrast darkness may take its part, fog not; of the chroma brightness may, fading not."""
    torch.manual_seed(1)
    picture, mask = 0.3 + 0.4 * torch.rand(3, 32, 32), torch.zeros(1, 32, 32)
    mask[:, 6:28, 6:28] = 1
    found = {}
    for name, place, value in (
        ("nothing", 0, 0.0), ("dark", 0, -1.0), ("bright", 0, 0.5), ("fog", CONTRAST, -1.0), ("pale", 1, -1.0)
    ):  # fmt: skip
        parameters = torch.zeros(COUNT)
        parameters[place] = value
        found[name] = edit.edit_picture(picture, mask, torch.ones_like(mask), parameters, None, operators.ALL_ORDERS[0])
    assert float(found["nothing"].kept) == pytest.approx(1, abs=1e-3)
    assert float(found["nothing"].vivid) == pytest.approx(1, abs=1e-3)
    assert float(found["dark"].kept) > 0.9 and float(found["bright"].vivid) > 0.9
    assert float(found["fog"].kept) < 0.7 and float(found["pale"].vivid) < 0.7
    assert float(found["fog"].border) > 0.1 > 1000 * float(found["nothing"].border)


def test_the_detail_of_the_training_is_the_servers() -> None:
    torch.manual_seed(5)
    picture, mask = 0.3 + 0.4 * torch.rand(3, 32, 48), torch.zeros(1, 32, 48)
    mask[:, 6:28, 6:40] = 1
    parameters = torch.zeros(COUNT)
    parameters[0], parameters[CONTRAST] = -0.5, -0.6
    done = edit.edit_picture(picture, mask, torch.ones_like(mask), parameters, None, operators.ALL_ORDERS[0])
    kept = Detail(picture[None].numpy(), mask[None].numpy()).measure_kept(done.picture[None].numpy())
    assert float(done.kept) == pytest.approx(kept, abs=2e-3) and kept < 0.8


def test_boldness_moves_the_limits() -> None:
    """The same edit costs least when it is to be bold; a fog costs whatever was asked for."""
    numbers = {name: torch.tensor([1.0]) for name in ("tint", "difference_around", "tint_around", "change")}
    losses = {}
    for name, kept in (("clear", 1.0), ("fog", 0.5)):
        far = {"gain": 0.3, "realism": -0.1, "difference": 16.0, "kept": kept, "vivid": 1.0, "border": 1.3}
        outcome = edit.Outcome(**{key: torch.tensor([value]) for key, value in far.items()}, **numbers)
        for boldness in (-1.0, 0.0, 1.0):
            raw, wish = torch.zeros(1, operators.RAW), Wish.make_plain(-torch.ones(1), boldness)
            edits = edit.Edits(raw, raw, wish, torch.zeros(1).bool())
            losses[name, boldness] = float(edit.Objective()(outcome, edits, torch.zeros(1).bool()))
    assert losses["clear", -1.0] > losses["clear", 0.0] > losses["clear", 1.0]
    assert losses["fog", 1.0] > losses["clear", 1.0] + 1


def test_contours_need_none() -> None:
    """Everything selected, nothing but one pixel, a mask that ends with the picture: finite numbers, and a gradient."""
    valid = torch.ones(1, 1, 32, 32)
    valid[:, :, :, 20:] = 0
    one, half = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    one[:, :, 3, 0], half[:, :, :, :20] = 0.01, 1
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    for mask in (torch.ones(1, 1, 32, 32), one, half):
        numbers = contours.describe(picture, mask, valid)
        (gradient,) = torch.autograd.grad(numbers.sum(), picture)
        assert torch.isfinite(numbers).all() and torch.isfinite(gradient).all()
    assert not contours.describe(picture, half, valid)[0, :6].any(), "a step into the padding"


def test_peaks_are_counted() -> None:
    assert realism_report.count_peaks(torch.tensor([0.1, 0.5, 0.9, 0.4])) == 1
    assert realism_report.count_peaks(torch.tensor([0.1, 0.5, 0.495, 0.9, 0.4])) == 1
    assert realism_report.count_peaks(torch.tensor([0.6, 0.2, 0.7, 0.1])) == 2
    assert realism_report.count_peaks(torch.tensor([0.1, 0.5, 0.3, 0.6])) == 2


def test_threads_share_a_batch_without_changing_its_gradient() -> None:
    weight = torch.arange(12.0).requires_grad_(True)
    gradients = []
    for threads in (1, 2, 5):
        weight.grad = None
        mean = Team(threads).run_backward(lambda rows: weight[rows].square(), 12)
        assert mean == pytest.approx(float(weight.detach().square().mean()))
        gradients.append(weight.grad)
    assert all(torch.allclose(gradient, gradients[0]) for gradient in gradients)  # type: ignore[arg-type]


def test_painted_nonsense_stays_within_the_picture() -> None:
    pictures = torch.rand(6, 3, 64, 96)
    assert torch.equal(saliency.paint_nonsense(pictures, 0.0, np.random.default_rng(0)), pictures)
    nonsense = saliency.paint_nonsense(pictures, 1.0, np.random.default_rng(0))
    changed = (nonsense != pictures).any(1).float().mean((1, 2))
    assert float(changed.min()) > 0 and float(changed.max()) < 1
    assert float(nonsense.min()) >= 0 and float(nonsense.max()) <= 1


def test_fixations_are_spread_and_none_is_lost() -> None:
    counts = torch.zeros(1, 6, 8)
    counts[0, 3, 4] = 4
    spread = saliency.spread_fixations(counts, 0.25)
    assert torch.equal(spread[0, 2:5, 3:6], torch.tensor([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]))
    assert float(spread.sum()) == 4 and torch.equal(saliency.spread_fixations(counts, 0.0), counts)


def test_fixation_measures_by_hand() -> None:
    valid = torch.ones(1, 64, 96)
    counts = torch.zeros(8, 12)
    counts[2, 3] = 3
    flat = torch.full((8, 12), 1 / 96).log()
    peak = torch.full((8, 12), 0.5 / 95)
    peak[2, 3] = 0.5
    found = fixation_measures.measure(peak.log(), counts, valid, flat)
    assert found["AUC-Judd"] == 1
    assert found["information gain"] == pytest.approx(np.log2(0.5 * 96), rel=1e-5)
    assert found["NSS"] == pytest.approx((0.5 - 1 / 96) / float(peak.std()), rel=1e-4)
    assert fixation_measures.measure(flat, counts, valid, flat)["AUC-Judd"] == 0.5


def test_people_predict_people_who_look_alike() -> None:
    rng = np.random.default_rng(0)
    spot = np.array([[70.0, 40.0]]) + rng.normal(0, 2, (40, 2))
    photo = data.FixationPhoto("x", Path("x"), (192, 144), b"", spot, np.repeat([0, 1, 2, 3], 10))
    prior = torch.full((20, 24), 1 / 480).log()
    assert fixation_measures.measure_people(photo, prior)["NSS"] > 5
    photo.fixations = rng.random((40, 2)) * (192, 144)
    assert fixation_measures.measure_people(photo, prior)["NSS"] < 1


@pytest.mark.parametrize("both", [False, True])
def test_edit_picture_agrees_with_the_operators(both: bool) -> None:
    torch.manual_seed(3)
    picture, mask, valid = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    valid[:, :, :28, :30] = 1
    mask[:, :, 4:20, 6:30] = torch.rand(16, 24)
    (inside, around), orders = (torch.randn(1, COUNT).abs() * 0.2 for _ in range(2)), operators.ALL_ORDERS[7:8]
    done = edit.edit_picture(picture[0], mask[0], valid[0], inside[0], around[0] if both else None, orders[0])
    linear = operators.decode(picture)
    whole = operators.apply(linear, mask, inside, orders, 30.0, clip=False)
    if both:
        whole = operators.apply(whole, 1 - mask, around, orders, 30.0)
    assert torch.allclose(done.picture, operators.encode(whole)[0], atol=1e-5)
    change = colour.measure_difference(colour.to_lab(linear), colour.to_lab(whole))
    assert float(done.difference) == pytest.approx(float(colour.average_inside(change, mask)), rel=1e-3)
    assert float(done.change) == pytest.approx(
        float((change * (1 - mask) * valid).sum() / valid.sum()) * both, rel=1e-3
    )
    assert float(done.difference_around) == pytest.approx(
        float(colour.average_inside(change, (1 - mask) * valid)) * both, rel=1e-3
    )
