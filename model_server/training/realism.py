# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a realism critic: does this region look edited?  Random edits only, before there is an edit network.

After the CVPR 2023 paper, with least squares; what counts as real and as fake is drawn by fakes.py.  A step edits
regions anew, each of them once into a real and once into a fake (trials.py).  First the contour's head learns alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import checkpoints, contours, data, exported, fakes, own_photos
from .models import CRITICS, Critic, RealismCritic
from .parallel import Team
from .trials import KINDS, Canvases, Pairs, Trial, draw_pairs, make_trials, place_regions

# How the contour's head learns by itself: rounds through its pairs, and pairs a step.
_CONTOUR_ROUNDS, _CONTOUR_BATCH = 30, 64


def measure_auc(scores: Tensor, labels: Tensor) -> float:
    """The chance that a real one scores above a fake one (AUC)."""
    ranks = scores.argsort().argsort().double() + 1
    real = labels > 0.5
    count, others = int(real.sum()), int((~real).sum())
    return float((ranks[real].sum() - count * (count + 1) / 2) / max(1, count * others))


@torch.no_grad()
def judge(critic: Critic, pictures: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
    """Realism [N] of display-encoded pictures."""
    window = critic.look(pictures, masks, valid)
    with checkpoints.use_bfloat16(torch.device("cpu")):
        return critic.judge(window).float()


def descend(critic: Critic, pairs: Pairs, team: Team) -> float:
    """Add the gradients of the mean least-squares loss of real and fake pictures; returns it."""

    def loss(rows: slice) -> Tensor:
        seen = pairs.pictures[:, rows].flatten(0, 1), pairs.masks[:, rows].flatten(0, 1)
        window = critic.look(*seen, pairs.valid[rows].repeat(2, 1, 1, 1))
        with checkpoints.use_bfloat16(torch.device("cpu")):
            verdicts = critic.judge(window).float()
        return _measure_loss(verdicts.view(2, -1), pairs.weights[:, rows])

    return team.run_backward(loss, len(pairs.valid))


def teach_contours(critic: Critic, groups: list[Canvases], options: argparse.Namespace, team: Team) -> None:
    """Let the contour's head learn by itself, from more pairs than the trunk could see in ten times the time."""
    if not options.contour_pairs:
        return

    def describe(pairs: Pairs) -> tuple[Tensor, Tensor]:
        numbers = [contours.describe(*each, pairs.valid) for each in zip(pairs.pictures, pairs.masks)]
        return torch.stack(numbers), pairs.weights

    seeds = np.random.default_rng([options.seed, options.epochs]).integers(0, 2**31, options.contour_pairs)
    found = team.map(lambda seed: describe(draw_pairs(groups, int(seed), options.batch)), seeds)
    numbers, weights = (torch.cat(each, 1) for each in zip(*found))
    head = critic.contour.train()
    head.standardise.measure(numbers.flatten(0, 1))
    optimizer = torch.optim.AdamW(head.parameters(), weight_decay=0.02)
    steps = _CONTOUR_ROUNDS * -(-numbers.shape[1] // _CONTOUR_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=max(2, steps))
    for _ in range(_CONTOUR_ROUNDS):
        for rows in torch.randperm(numbers.shape[1]).split(_CONTOUR_BATCH):
            verdicts = torch.sigmoid(head(numbers[:, rows].flatten(0, 1))).view(2, -1)
            optimizer.zero_grad()
            _measure_loss(verdicts, weights[:, rows]).mean().backward()
            optimizer.step()
            schedule.step()


def _measure_loss(verdicts: Tensor, weights: Tensor) -> Tensor:
    """Least squares [N] of verdicts [2, N] on real and fake."""
    return weights[0] * (1 - verdicts[0]).square() + weights[1] * verdicts[1].square()


def load_pairs(groups: list[Canvases], options: argparse.Namespace, epoch: int, team: Team) -> Iterator[Pairs]:
    """An epoch of edited regions."""
    # Everything random in an epoch follows from seed and epoch, so a resumed run repeats an unbroken one.
    rng = np.random.default_rng([options.seed, epoch])
    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    seeds = rng.integers(0, 2**31, steps).tolist()
    return team.work_ahead(lambda seed: draw_pairs(groups, seed, options.batch), seeds)


@torch.no_grad()
def judge_trial(critic: Critic, trial: Trial) -> Tensor:
    """Realism [2, N] after the real and after the fake edit."""
    valid = trial.batch.valid.float() / 255
    return torch.stack([judge(critic, picture, mask, valid) for picture, mask in zip(trial.pictures, trial.masks)])


def tell_apart(scores: Tensor, chosen: Tensor) -> float:
    """AUC of scores [2, N], real and fake, on chosen regions [N]."""
    real, fake = scores[:, chosen]
    return measure_auc(torch.cat([real, fake]), torch.cat([torch.ones_like(real), torch.zeros_like(fake)]))


def validate(critic: Critic, held: list[Canvases], seed: int, team: Team) -> dict[str, float]:
    """How well real and fake edits of held-out regions are told apart, by kind of fake, and on people alone."""
    critic.eval()
    result, of_people = {}, []
    for kind in KINDS:
        trials = make_trials(held, kind, seed, team)
        scores = torch.cat(team.map(partial(judge_trial, critic), trials), 1)
        seen, people = (torch.cat(each) for each in zip(*((t.visible, t.batch.people) for t in trials)))
        result[kind] = tell_apart(scores, seen)
        of_people.append(tell_apart(scores, seen & people))
    return {"mean": float(np.mean(list(result.values()))), "people": float(np.mean(of_people)), **result}


def report(
    critic: Critic, held: list[Canvases], options: argparse.Namespace, epochs: int, loss: float,
    clock: checkpoints.Clock, team: Team,
) -> dict[str, float]:  # fmt: skip
    """Print how good the critic is after so many epochs; returns that."""
    scores = validate(critic, held, options.seed, team)
    text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
    print(f"epoch {epochs}: loss {loss:.4f}; AUC {text}; {clock.seconds():.0f} s", flush=True)
    return scores


def load_network(path: Path) -> Critic:
    """A trained critic, frozen: from its checkpoint, or from a realism.onnx, which holds the kind that ships."""
    if path.suffix == exported.SUFFIX:
        critic: Critic = RealismCritic()
        critic.load_state_dict(exported.read_critic(path))
    else:
        state = checkpoints.load(path)
        critic = CRITICS[state["kind"]](tuple(state["taps"]))
        critic.load_state_dict({name: value.float() for name, value in state["model"].items()})
    return critic.eval().requires_grad_(False)


@torch.no_grad()
def measure_features(critic: RealismCritic, groups: list[Canvases], seed: int) -> None:
    """Let the critic know how large its numbers are, from some of the regions."""
    rng, numbers = np.random.default_rng(seed), []
    for group in groups:
        for rows in torch.from_numpy(rng.permutation(len(group.people))[:256]).split(32):
            batch = group.take(rows)
            masks = batch.choose_masks([fakes.draw_shape(rng) for _ in rows])
            window = critic.look(batch.picture.float() / 255, masks, batch.valid.float() / 255)
            numbers.append(critic.describe(window))
    critic.standardise.measure(torch.cat(numbers))


def make_parser() -> argparse.ArgumentParser:
    """The options of this script."""
    parser = checkpoints.make_parser("realism", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "realism.pt")
    own_photos.add_options(parser)
    parser.add_argument(
        "--trunk", default="efficientnet-lite0",
        help="weights: a file in DATA/weights, torchvision, timm, or the name of an EfficientNet-lite",
    )  # fmt: skip
    parser.add_argument("--kind", choices=list(CRITICS), default="moments", help="architecture")
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[24, 40, 80, 112], help="trunk features read, by channels"
    )
    parser.add_argument("--rounds", type=int, default=2, help="how often each region is placed in the training set")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=200, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--batch", type=int, default=16, help="regions a step, each edited once real and once fake")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the head")
    parser.add_argument("--trunk-rate", type=float, default=1e-4, help="learning rate of the trunk")
    parser.add_argument("--contour-pairs", type=int, default=1500, help="batches that the contour's head learns from")
    parser.add_argument("--held", type=int, default=150, help="at most so many regions to validate on")
    return parser


def load_canvases(options: argparse.Namespace, team: Team) -> tuple[list[Canvases], list[Canvases]]:
    """The regions to train on and those held out, from the file beside --out where --resume wants that, or made."""
    cache = options.out.with_suffix(".canvases.pt")
    if options.resume and cache.is_file():
        training, held = ([Canvases(**part) for part in parts] for parts in torch.load(cache, weights_only=True))
        return training, held
    rng = np.random.default_rng(options.seed)
    chosen, validation, _ = data.split(own_photos.load_chosen(options) or data.load_regions(options.data))
    if options.steps:
        chosen, validation = chosen[: 16 * options.steps], validation[: 16 * options.steps]
    training = place_regions(chosen, rng, options.rounds, True, team)
    held = place_regions(data.choose_spaced(validation or chosen, options.held), rng, 1, False, team)
    cache.parent.mkdir(parents=True, exist_ok=True)
    torch.save([[part._asdict() for part in parts] for parts in (training, held)], cache)
    return training, held


def main(argv: list[str] | None = None) -> None:
    options = make_parser().parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)

    clock = checkpoints.Clock()
    if options.start:
        critic = load_network(options.start).requires_grad_(True)
    else:
        critic = CRITICS[options.kind](tuple(options.taps))
        critic.trunk.load(options.trunk, options.data / "weights")
    critic.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    kind = next(name for name, each in CRITICS.items() if type(critic) is each)
    steps = min(options.epoch_steps, options.steps or options.epoch_steps) * options.epochs
    optimizer, schedule = checkpoints.make_optimizer(critic, options, steps, weight_decay=0.01)
    groups, held = load_canvases(options, team)
    print(f"{sum(len(group.people) for group in groups)} regions placed; {clock.seconds():.0f} s", flush=True)

    first, clock = checkpoints.resume(options, critic, optimizer, schedule, clock)
    if not first and not options.start:
        if isinstance(critic, RealismCritic):
            measure_features(critic, groups, options.seed)
        teach_contours(critic, groups, options, team)
        report(critic, held, options, 0, 0.0, clock, team)
    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout
        critic.train()
        losses = []
        for pairs in load_pairs(groups, options, epoch, team):
            optimizer.zero_grad()
            losses.append(descend(critic, pairs, team))
            torch.nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        scores = report(critic, held, options, epoch + 1, float(np.mean(losses)), clock, team)
        checkpoints.save(
            options.out, critic, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1, kind=kind,
            taps=list(critic.trunk.taps), seconds=clock.seconds(), validation=scores,
        )  # fmt: skip


if __name__ == "__main__":
    main()
