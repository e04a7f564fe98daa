# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that retouches, on photographs made worse, exposed badly, and retouched by experts."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gimp_saliency.shared.choices import LOOKS

from .. import checkpoints, exported, operators
from ..colour import measure_difference, to_lab
from ..parallel import Team
from . import measures, pairs
from .looks import list_looks, order_steps
from .network import RetouchNetwork

_PROBES = 512  # pairs that the network's numbers are scaled by
_LOOK, _MATCH = 0.5, 0.5  # weights of the looks and of matching beside the plain answer
_CLIP = 60.0  # weight of what leaves 0..1 before it is cut off, mean of linear values
_SIZE = 0.1  # weight of the looks' own part of the answer, in units of its numbers


@torch.no_grad()
def measure_features(network: RetouchNetwork, materials: list[pairs.Material], seed: int) -> None:
    """Let the network know how large its numbers are."""
    numbers = []
    for step in range(_PROBES // 32):
        batch = pairs.draw_batch(materials, seed + step, 32)
        numbers.append(network.describe(batch.before, batch.valid))
    network.standardise.measure(torch.cat(numbers))


def report(network: RetouchNetwork, tests: dict[str, list[pairs.Pair]], team: Team, text: str) -> None:
    """Print how good the network is on held-out pairs."""
    network.eval()
    print(text, flush=True)
    for kind, chosen in tests.items():
        if chosen:
            print("   ", measures.summarise(kind, team.map(partial(measures.score, network), chosen)), flush=True)
    matched, nothing = measure_matching(network, tests["distorted"])
    print(f"    matching: {matched:.1f} of {nothing:.1f}", flush=True)


@torch.no_grad()
def measure_matching(network: RetouchNetwork, tests: list[pairs.Pair]) -> tuple[float, float]:
    """CIE76 to the look of another photograph, with and without the map to it: of each pair to the next one's."""
    errors: list[list[float]] = []
    for one, other in zip(tests, [*tests[1:], tests[0]]):
        if not other.is_made:
            continue
        conditions = [network.predict(each.before[None], each.valid[None]).condition for each in (one, other)]
        parameters = network.match_look(one.before[None], one.valid[None], *conditions)
        wanted = pairs.apply_vector(one.base[None], other.distortion[None])[0]
        result = pairs.apply_vector(one.before[None], parameters)[0]
        errors.append([measures.measure_error(each, wanted, one.valid) for each in (result, one.before)])
    matched, nothing = np.mean(errors, 0).tolist() if errors else (float("nan"),) * 2
    return matched, nothing


class Batches(Dataset[pairs.Batch]):
    """A batch for each of some seeds."""

    def __init__(self, materials: list[pairs.Material], seeds: list[int], size: int) -> None:
        self._materials, self._seeds, self._size = materials, seeds, size

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index: int) -> pairs.Batch:
        return pairs.draw_batch(self._materials, self._seeds[index], self._size)


def measure_loss(network: RetouchNetwork, batch: pairs.Batch, look: int) -> Tensor:
    """How far off photographs are in the plain look, in one of the others, and in the look of the next one: [N]."""
    with checkpoints.use_bfloat16(torch.device("cpu")):
        answer = network.predict(batch.before, batch.valid)
    plain, loud = answer.parameters[:, 0], answer.parameters[:, look]
    loss = measure_error(batch.points, plain, batch.wanted)
    styled = pairs.apply_vector(batch.wanted, list_looks()[look].expand(len(loss), -1))
    own = loud - plain - network.vectors[look - 1]
    loss = loss + _LOOK * (measure_error(batch.points, loud, styled) + _SIZE * own.square().sum(1))
    # The looks of made pairs are known: those of the next ones on one's own photograph are what matching should give.
    reference = answer.condition.roll(-1, 0)
    matched = network.match_look(batch.before, batch.valid, answer.condition, reference)
    wanted = pairs.apply_vector(batch.base, batch.distortion.roll(-1, 0))
    counts = batch.is_made & batch.is_made.roll(-1, 0)
    return loss + _MATCH * counts * measure_error(batch.points, matched, wanted)


def measure_error(points: Tensor, parameters: Tensor, wanted: Tensor) -> Tensor:
    """CIE76, divided by ten, of pixels [N, 3, 1, P] after edits [N, COUNT] from those that are wanted: [N].

    With what is about to be clipped.
    """
    linear = operators.decode(points)
    edited = operators.apply_pointwise(linear, torch.ones_like(linear[:, :1]), parameters, order_steps(len(points)))
    error = measure_difference(to_lab(edited), to_lab(operators.decode(wanted))).mean((1, 2, 3)) / 10
    exposed = operators.apply_exposure(linear, parameters)
    balanced = operators.apply_saturation(operators.apply_white_balance(exposed, parameters), parameters)
    return error + _CLIP * ((balanced - 1).relu() + (-balanced).relu()).mean((1, 2, 3))


def train_epoch(
    network: RetouchNetwork, batches: Batches, optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler, team: Team, rng: np.random.Generator,
) -> float:  # fmt: skip
    """All batches; the mean loss."""
    network.train()
    losses = []
    for batch in DataLoader(batches, batch_size=None, num_workers=1):
        look = int(rng.integers(1, len(LOOKS)))

        def loss(rows: slice, batch: pairs.Batch = batch, look: int = look) -> Tensor:
            return measure_loss(network, pairs.Batch(*(each[rows] for each in batch)), look)

        optimizer.zero_grad()
        losses.append(team.run_backward(loss, len(batch.before)))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return float(np.mean(losses))


def make_parser() -> argparse.ArgumentParser:
    """The options of this script."""
    parser = checkpoints.make_parser("retouch.train", str(__doc__), checkpoints.RUNS / "retouch.pt")
    parser.add_argument("--trunk", default="efficientnet-lite0", help="weights: a file in DATA/weights, or a package")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=200, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--frozen-epochs", type=int, default=4, help="epochs in which the trunk does not learn")
    parser.add_argument("--batch", type=int, default=32, help="pairs a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the head")
    parser.add_argument("--trunk-rate", type=float, default=5e-5, help="learning rate of the trunk")
    parser.add_argument("--held", type=int, default=80, help="pairs of each kind to validate on")
    return parser


def load_network(path: Path) -> RetouchNetwork:
    """A trained network, frozen, from its checkpoint or from a retouch.onnx."""
    network = RetouchNetwork()
    state = exported.read_weights(path, "") if path.suffix == exported.SUFFIX else checkpoints.load(path)["model"]
    own = network.state_dict()
    network.load_state_dict({**own, **{name: value for name, value in state.items() if name in own}})
    return network.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    options = make_parser().parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)
    if options.start:
        network = load_network(options.start).requires_grad_(True)
    else:
        network = RetouchNetwork()
        network.trunk.load(options.trunk, options.data / "weights")
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    clock = checkpoints.Clock()
    few = 64 * options.steps if options.steps else None
    materials = pairs.load_material(options.data, "training", team, few)
    held = pairs.load_material(options.data, "validation", team)
    tests = {kind: pairs.list_tests(held, kind, options.held) for kind in pairs.KINDS}
    counts = (sum(map(len, group)) for group in zip(*materials))
    print("training on", dict(zip(pairs.Material._fields, counts)), flush=True)
    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    optimizer, schedule = checkpoints.make_optimizer(network, options, steps * options.epochs, weight_decay=0.01)
    first, clock = checkpoints.resume(options, network, optimizer, schedule, clock)
    if not first and not options.start:
        measure_features(network, materials, options.seed)
        report(network, tests, team, "before:")
    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout
        rng = np.random.default_rng([options.seed, epoch])
        seeds = rng.integers(0, 2**31, steps).tolist()
        network.trunk.requires_grad_(epoch >= options.frozen_epochs)
        batches = Batches(materials, seeds, options.batch)
        loss = train_epoch(network, batches, optimizer, schedule, team, rng)
        report(network, tests, team, f"epoch {epoch + 1}: loss {loss:.4f}; {clock.seconds():.0f} s")
        checkpoints.save(
            options.out, network, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1, seconds=clock.seconds()
        )


if __name__ == "__main__":
    main()
