# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that harmonizes, on composites whose right answer is known (the paper's supervised stream).

In three stages, each of them a run that begins with what the one before made: the curves and all that they need, then
the shading, then the styles, with all else as it is.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .. import checkpoints, data, exported, realism
from ..parallel import Team
from . import measures, pairs
from .adversary import SHARE, Adversary, load_unpaired, measure_auc
from .losses import STAGES
from .network import HarmonyNetwork, Seen, make_areas

# Shares of the kinds that a stage has more of; the others come down for them.
_SHARES = {"shading": {"shading": 1.0}}
_PROBES = 256  # pairs that the network's numbers are scaled by


@torch.no_grad()
def measure_features(network: HarmonyNetwork, materials: list[pairs.Material], seed: int) -> None:
    """Let the network know how large its numbers are."""
    numbers = []
    for step in range(_PROBES // 16):
        seen, _wanted = pairs.stack(pairs.draw_pairs(materials, seed + step, 16))
        numbers.append(network.describe(seen, make_areas(seen.mask, seen.around))[0])
    network.standardise.measure(torch.cat(numbers))


def report(network: HarmonyNetwork, tests: list[pairs.Pair], kinds: list[str], team: Team, text: str) -> None:
    """Print how good the network is on held-out pairs."""
    network.eval()
    scores = team.map(partial(measures.score, network), tests)
    print(text, measures.summarise(scores, kinds), flush=True)


def make_parser() -> argparse.ArgumentParser:
    """The options of this script."""
    description = str(__doc__).split("\n\n", 1)[0]
    parser = checkpoints.make_parser("harmony.train", description, checkpoints.RUNS / "harmonize.pt")
    parser.add_argument("--trunk", default="efficientnet-lite0", help="weights: a file in DATA/weights, or a package")
    parser.add_argument(
        "--critic", type=Path, help="a realism.onnx to begin the second stream's critic with, see adversary"
    )
    parser.add_argument("--epochs", type=int, default=16, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=250, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--stage", choices=list(STAGES), default="curves", help="what learns; all else stays as it is")
    parser.add_argument("--frozen-epochs", type=int, default=4, help="epochs in which the trunk does not learn")
    parser.add_argument("--batch", type=int, default=32, help="pairs a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the head")
    parser.add_argument("--trunk-rate", type=float, default=5e-5, help="learning rate of the trunk")
    parser.add_argument("--held", type=int, default=200, help="pairs to validate on")
    return parser


def load_network(path: Path) -> HarmonyNetwork:
    """A trained network, frozen, from its checkpoint or from a harmonize.onnx; what they lack is as it begins."""
    network = HarmonyNetwork()
    state = exported.read_weights(path, "") if path.suffix == exported.SUFFIX else checkpoints.load(path)["model"]
    # What the exporter computed of its constants is no parameter.
    own = network.state_dict()
    network.load_state_dict({**own, **{name: value for name, value in state.items() if name in own}})
    return network.eval().requires_grad_(False)


class Batches(Dataset[tuple[Seen, Tensor]]):
    """What `pairs.stack` gives of as many pairs for each of some seeds."""

    def __init__(self, materials: list[pairs.Material], seeds: list[int], size: int, shares: dict[str, float]) -> None:
        """shares: of the kinds."""
        self._materials, self.seeds, self._size, self._shares = materials, seeds, size, shares

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> tuple[Seen, Tensor]:
        return pairs.stack(pairs.draw_pairs(self._materials, self.seeds[index], self._size, self._shares))


def train_epoch(
    network: HarmonyNetwork, batches: Batches, stage: str,
    optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler, team: Team,
    adversary: Adversary | None,
) -> float:  # fmt: skip
    """All batches; the mean loss."""
    network.train(stage == "curves")  # what stays as it is answers as it does in use
    losses = []
    unpaired = iter(adversary.draw(batches.seeds)) if adversary else None
    # A process beside this one makes the pairs, as threads would wait for each other.
    for seen, wanted in DataLoader(batches, batch_size=None, num_workers=1):

        def loss(rows: slice, seen: Seen = seen, wanted: Tensor = wanted) -> Tensor:
            with checkpoints.use_bfloat16(torch.device("cpu")):
                error = STAGES[stage](network, Seen(*(each[rows] for each in seen)), wanted[rows])
            return (1 - SHARE) * error if adversary else error

        optimizer.zero_grad()
        losses.append(team.run_backward(loss, len(wanted)))
        if adversary and unpaired:
            adversary.push(network, next(unpaired), (wanted, seen.mask, seen.mask + seen.around))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return float(np.mean(losses))


def let_learn(network: HarmonyNetwork, stage: str, with_trunk: bool) -> None:
    """Say which parameters a stage learns."""
    parts = {"shading": network.shading, "styles": network.vary}
    for name, part in parts.items():
        part.requires_grad_(stage == name)
    for part in (network.likeness, network.read, network.curves):
        part.requires_grad_(stage == "curves")
    network.trunk.requires_grad_(stage == "curves" and with_trunk)


def make_adversary(
    options: argparse.Namespace, materials: list[pairs.Material], team: Team, is_resumed: bool
) -> Adversary | None:
    """The second stream, where it is wanted."""
    if not options.critic:
        return None
    unpaired = load_unpaired(options.data, materials, team)
    adversary = Adversary(realism.load_network(options.critic), unpaired, options.batch // 2, team)
    if is_resumed:
        adversary.load_state_dict(checkpoints.load(options.out)["adversary"])
    return adversary


def main(argv: list[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.critic and options.stage != "curves":
        parser.error("--critic judges curves: leave it out, or choose --stage curves")
    team = Team(options.threads)
    torch.manual_seed(options.seed)
    if options.start:
        network = load_network(options.start)
    else:
        network = HarmonyNetwork()
        network.trunk.load(options.trunk, options.data / "weights")
    regions = data.load_regions(options.data, pairs.SMALLEST, pairs.LARGEST)
    training, validation, _test = data.split(regions)
    # Photographs that people were shown: without regions of their own, they lend what lies in those of others.
    others, _validation, _test = data.split(data.load_fixations(options.data))
    if options.steps:
        training, others = training[: 8 * options.steps], others[: options.steps]
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    clock = checkpoints.Clock()
    materials = pairs.load_material(options.data, training, False, team, others)
    held = pairs.load_material(options.data, validation or training, True, team)
    listed = pairs.list_tests(held, options.held)
    tests, kinds = [pairs.make_test(*each) for each in listed], [each[2] for each in listed]
    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    optimizer, schedule = checkpoints.make_optimizer(network, options, steps * options.epochs, weight_decay=0.01)
    first, clock = checkpoints.resume(options, network, optimizer, schedule, clock)
    if not first and not options.start:
        measure_features(network, materials, options.seed)
        report(network, tests, kinds, team, "before:")
    adversary = make_adversary(options, materials, team, first > 0)
    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout, styles
        seeds = np.random.default_rng([options.seed, epoch]).integers(0, 2**31, steps).tolist()
        let_learn(network, options.stage, epoch >= options.frozen_epochs)
        batches = Batches(materials, seeds, options.batch, pairs.KINDS | _SHARES.get(options.stage, {}))
        loss = train_epoch(network, batches, options.stage, optimizer, schedule, team, adversary)
        text = f"epoch {epoch + 1}: loss {loss:.4f}; {clock.seconds():.0f} s;"
        report(network, tests, kinds, team, text)
        if adversary:
            print("the critic's AUC:", measure_auc(adversary.critic, options.data, tests, team), flush=True)
        checkpoints.save(
            options.out,
            network,
            optimizer,
            schedule=schedule.state_dict(),
            epoch=epoch + 1,
            seconds=clock.seconds(),
            adversary=adversary and adversary.state_dict(),
        )


if __name__ == "__main__":
    main()
