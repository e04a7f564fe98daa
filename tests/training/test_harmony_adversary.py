# SPDX-License-Identifier: GPL-3.0-or-later
"""The second stream of Harmonize Layer's training: its composites, and its critic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_server.predict.networks import NETWORKS
from model_server.training import checkpoints, data, realism
from model_server.training.harmony import adversary, pairs, train
from model_server.training.harmony.network import HarmonyNetwork
from model_server.training.parallel import Team
from tests.training.breaking import broken_off

CRITIC = NETWORKS / "realism.onnx"


@pytest.fixture(scope="module")
def groups(data_folder: Path) -> list[adversary.Unpaired]:
    materials = pairs.load_material(data_folder, data.load_regions(data_folder), False, Team(1))
    return adversary.load_unpaired(data_folder, materials, Team(1))


def test_held_out_composites_are_not_trained_on(data_folder: Path, groups: list[adversary.Unpaired]) -> None:
    held = {file.stem for file in adversary.list_composites(data_folder, True)}
    seen = {each.scene.name for group in groups for each in group.composites}
    assert held and seen and not held & seen
    assert len(held | seen) == 8


def test_a_cutout_is_pasted_onto_the_photograph_alone(groups: list[adversary.Unpaired]) -> None:
    scene = groups[0].scenes[0]
    for seed in range(20):
        made = adversary.paste(groups[0].mattes[0], scene, np.random.default_rng(seed))
        changed = (made.scene.picture.int() - scene.picture.int()).abs().amax(0) > 1
        covered = made.mask[0] > 0
        assert not (changed & ~covered).any() and changed.any()
        assert not covered[scene.size[1] :].any() and not covered[:, scene.size[0] :].any()
        rows, columns = (int(covered.any(axis).sum()) for axis in (1, 0))
        assert 0.25 < max(rows, columns) / min(scene.size) < 0.75


def test_a_batch_has_both_kinds_and_repeats(groups: list[adversary.Unpaired]) -> None:
    once, again = (adversary.draw_composites(groups, 4, 16) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(once, again))
    assert len(once.picture) == 16 and (once.mask * once.around).max() <= 0.25


def test_the_critic_learns_to_tell_and_pushes_the_network(groups: list[adversary.Unpaired]) -> None:
    """Photographs that are all gray against composites: after a few steps it knows."""
    torch.manual_seed(0)
    network = HarmonyNetwork().train()
    before = {name: value.clone() for name, value in network.named_parameters()}
    rival = adversary.Adversary(realism.load_network(CRITIC), groups, 4, Team(1))
    seen = adversary.draw_composites(groups, 1, 4)
    gray = torch.full_like(seen.picture, 0.5)

    def tell() -> float:
        with torch.no_grad():
            real, fake = (adversary.judge(rival.critic.eval(), each, seen.mask, seen.mask + seen.around)
                          for each in (gray, seen.picture))  # fmt: skip
        return float(((1 - real).square() + fake.square()).mean())

    first = tell()
    for _ in range(8):
        rival.push(network, seen, (gray, seen.mask, seen.mask + seen.around))
    assert tell() < 0.7 * first
    pushed = [name for name, value in network.named_parameters() if value.grad is not None and value.grad.any()]
    assert "curves.weight" in pushed
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())  # the caller steps


def test_the_script_trains_both_streams_and_resumes(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The critic goes on from where it stood, too."""
    unbroken, broken = tmp_path / "unbroken.pt", tmp_path / "broken.pt"
    common = ["--data", str(data_folder), "--trunk", "lite0.pth", "--steps", "1", "--batch", "4", "--held", "10"]
    options = [*common, "--threads", "1", "--epochs", "2", "--frozen-epochs", "2", "--critic", str(CRITIC)]
    train.main([*options, "--out", str(unbroken)])
    assert capsys.readouterr().out.count("the critic's AUC") == 2
    with broken_off():
        train.main([*options, "--out", str(broken)])
    assert checkpoints.load(broken)["epoch"] == 1
    train.main([*options, "--out", str(broken), "--resume"])
    one, other = (checkpoints.load(file)["adversary"]["critic"] for file in (unbroken, broken))
    assert all(torch.allclose(value, other[name], atol=1e-4) for name, value in one.items())


def test_a_critic_is_for_curves_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--stage", "styles", "--critic", str(CRITIC)])
    assert "--critic judges curves" in capsys.readouterr().err
