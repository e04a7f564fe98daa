# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that harmonizes, on composites whose right answer is known (the paper's supervised stream).

For the first epochs the curves learn alone, then the shading with them.  All pictures are half as large as a canvas,
as the network sees the whole.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import checkpoints, data, exported
from ..parallel import Team
from . import measures, operator, pairs
from .network import HarmonyNetwork, Seen, make_areas

_SQUARES = 4.0  # weight of squared errors beside absolute ones
_RESERVE = 0.003  # weight of the shading's own size
_STEP = 2  # the network halves what it sees of the whole, so it learns from pictures of half the canvas' size
_PROBES = 256  # pairs that the network's numbers are scaled by


def harmonize(network: HarmonyNetwork, seen: Seen, shaded: bool = True) -> tuple[Tensor, Tensor]:
    """Composites [N, 3, H, W] with their cut-outs harmonized, and the shading that was predicted [N, SIDE, SIDE]."""
    curves, shading = network.predict(seen)
    result = operator.apply_curves(seen.picture, curves)
    if shaded:
        result = operator.shade_boxes(result, shading, seen.mask)
    return operator.blend(seen.picture, result, seen.mask), shading


def measure_loss(network: HarmonyNetwork, seen: Seen, wanted: Tensor, shaded: bool) -> Tensor:
    """How far off the cut-outs are: [N]."""
    result, shading = harmonize(network, seen, shaded)
    area = seen.mask.sum((1, 2, 3)) + 1e-6
    error = ((result - wanted) * (seen.mask > 0)).flatten(1)
    loss = (error.abs().sum(1) + _SQUARES * error.square().sum(1)) / (3 * area)
    return loss + _RESERVE * shading.square().mean((1, 2)) if shaded else loss


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
    parser.add_argument("--epochs", type=int, default=30, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=300, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--curves-alone", type=int, default=6, help="epochs without shading")
    parser.add_argument("--frozen-epochs", type=int, default=20, help="epochs in which the trunk does not learn")
    parser.add_argument("--batch", type=int, default=32, help="pairs a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the head")
    parser.add_argument("--trunk-rate", type=float, default=5e-5, help="learning rate of the trunk")
    parser.add_argument("--held", type=int, default=200, help="pairs to validate on")
    return parser


def load_network(path: Path) -> HarmonyNetwork:
    """A trained network, frozen, from its checkpoint or from a harmonize.onnx."""
    network = HarmonyNetwork()
    if path.suffix == exported.SUFFIX:
        state = exported.read_weights(path, "")
        # What the exporter computed of its constants is no parameter.
        own = network.state_dict()
        network.load_state_dict({**own, **{name: value for name, value in state.items() if name in own}})
    else:
        network.load_state_dict(checkpoints.load(path)["model"])
    return network.eval().requires_grad_(False)


def train_epoch(
    network: HarmonyNetwork, batches: list[int], materials: list[pairs.Material], options: argparse.Namespace,
    shaded: bool, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler, team: Team,
) -> float:  # fmt: skip
    """Batches by their seeds; the mean loss."""
    network.train()
    losses = []

    def make(seed: int) -> tuple[Seen, Tensor]:
        return pairs.stack(pairs.draw_pairs(materials, seed, options.batch))

    for seen, wanted in team.work_ahead(make, batches):

        def loss(rows: slice, seen: Seen = seen, wanted: Tensor = wanted) -> Tensor:
            with checkpoints.use_bfloat16(torch.device("cpu")):
                return measure_loss(network, Seen(*(each[rows] for each in seen)), wanted[rows], shaded)

        optimizer.zero_grad()
        losses.append(team.run_backward(loss, len(wanted)))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return float(np.mean(losses))


def main(argv: list[str] | None = None) -> None:
    options = make_parser().parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)
    if options.start:
        network = load_network(options.start).requires_grad_(True)
    else:
        network = HarmonyNetwork()
        network.trunk.load(options.trunk, options.data / "weights")
    regions = data.load_regions(options.data, pairs.SMALLEST, pairs.LARGEST)
    training, validation, _test = data.split(regions)
    if options.steps:
        training = training[: 8 * options.steps]
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    clock = checkpoints.Clock()
    materials = pairs.load_material(options.data, training, False, team, _STEP)
    held = pairs.load_material(options.data, validation or training, True, team, _STEP)
    listed = pairs.list_tests(held, options.held)
    tests, kinds = [pairs.make_test(*each) for each in listed], [each[2] for each in listed]
    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    optimizer, schedule = checkpoints.make_optimizer(network, options, steps * options.epochs, weight_decay=0.01)
    first, clock = checkpoints.resume(options, network, optimizer, schedule, clock)
    if not first and not options.start:
        measure_features(network, materials, options.seed)
        report(network, tests, kinds, team, "before:")
    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout
        seeds = np.random.default_rng([options.seed, epoch]).integers(0, 2**31, steps).tolist()
        network.trunk.requires_grad_(epoch >= options.frozen_epochs)
        shaded = epoch >= options.curves_alone
        loss = train_epoch(network, seeds, materials, options, shaded, optimizer, schedule, team)
        text = f"epoch {epoch + 1}: loss {loss:.4f}; {clock.seconds():.0f} s;"
        report(network, tests, kinds, team, text)
        checkpoints.save(
            options.out, network, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1, seconds=clock.seconds()
        )


if __name__ == "__main__":
    main()
