# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a realism critic: does this region look edited?  Random edits only, before there is an edit network.

After the CVPR 2023 paper: small random edits are real, large ones fake, people are judged more strictly, least squares.
Beside the paper's mixtures there are fakes of one kind: a single edit, a colour cast, darkening and draining, since a
critic of mixtures alone lets those pass; near-neutral regions get most of the casts, for it is there that they show.
Each region's window is cut out once; a step edits windows anew, each of them once into a real and once into a fake.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gimp_saliency.shared.edits import SEGMENTS
from model_server.predict.vector import COUNT, CURVES

from . import checkpoints, data, examples, exported, operators, own_photos, regions
from .models import CRITICS, Critic, RealismCritic
from .parallel import Team

# A factor on display-encoded values as stops in linear light (METHOD.md, section 5: gamma about 2.2).
_GAMMA = 2.2

# How often each kind of fake is drawn, and how often where the region is nearly grey.
FAKES = {"mixture": 0.55, "single": 0.15, "cast": 0.15, "drained": 0.15}
FAKES_OF_GREY = {"mixture": 0.35, "single": 0.1, "cast": 0.45, "drained": 0.1}

# Below this mean difference between a pixel's largest and smallest channel a region is nearly grey.
_GREY = 0.06


class Windows(NamedTuple):
    """Regions as the critics see them, uint8, to keep thousands in memory: [N, 3 or 1, side, side]; flags [N]."""

    picture: Tensor
    mask: Tensor
    valid: Tensor
    people: Tensor
    grey: Tensor

    def take(self, rows: Tensor) -> Windows:
        return Windows(*(field[rows] for field in self))


def _draw_uniform(rng: np.random.Generator, *ranges: tuple[float, float]) -> float:
    low, high = ranges[rng.integers(len(ranges))]
    return float(rng.uniform(low, high))


def _choose_kinds(rng: np.random.Generator, drawn: Tensor, kinds: list[str], fewest: int, most: int) -> Tensor:
    """Keep a random number of edits, of the given kinds, out of fully drawn parameters."""
    kept = rng.permutation(kinds)[: rng.integers(fewest, most + 1)]
    result = torch.zeros_like(drawn)
    for kind, part in (("exposure", slice(0, 1)), ("saturation", slice(1, 2)), ("white", slice(2, 4))):
        if kind in kept:
            result[part] = drawn[part]
    if "curves" in kept:
        result[CURVES] = drawn[CURVES]
    return result


def draw_real(rng: np.random.Generator) -> Tensor:
    """Parameters [COUNT] of an edit that nobody notices: the ranges 0.85 to 1.15 of the paper; often no edit at all."""
    parameters = torch.zeros(COUNT)
    if rng.random() < 0.25:
        return parameters
    factor = (math.log2(0.85), math.log2(1.15))
    parameters[0] = _GAMMA * _draw_uniform(rng, factor)
    parameters[1] = _draw_uniform(rng, factor)
    parameters[CURVES] = torch.from_numpy(rng.uniform(*factor, 3 * SEGMENTS)).float()
    return _choose_kinds(rng, parameters, ["exposure", "saturation", "curves"], 1, 3)


def draw_fake(rng: np.random.Generator, people: bool, kind: str) -> Tensor:
    """Parameters [COUNT] of an edit of the given kind that looks wrong."""
    parameters = torch.zeros(COUNT)
    brighter = (math.log2(1.25), math.log2(1.5)) if people else (math.log2(1.5), 1.0)
    parameters[0] = _GAMMA * _draw_uniform(rng, (-1.0, math.log2(0.75)), brighter)
    duller = (math.log2(0.5), math.log2(0.75)) if people else (-6.0, -1.0)
    parameters[1] = _draw_uniform(rng, duller, brighter)
    parameters[2:4] = torch.tensor([_GAMMA * _draw_uniform(rng, (-1.5, 0.0)), _GAMMA * _draw_uniform(rng, (-1.5, 0.0))])
    parameters[CURVES] = torch.from_numpy(rng.uniform(-1, 1, 3 * SEGMENTS)).float()
    kinds = ["exposure", "saturation", "curves"] + ([] if people else ["white"])
    if kind == "mixture":
        return _choose_kinds(rng, parameters, kinds, 2, 3 if people else 4)
    if kind == "single":
        return _choose_kinds(rng, parameters, kinds, 1, 1)
    if kind == "cast":
        # A tint by white balance or by the channels' curves, from just visible on.
        cast = torch.zeros_like(parameters)
        angle, size = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.9)
        if rng.random() < 0.5:
            cast[2], cast[3] = size * math.cos(angle), size * math.sin(angle)
        else:
            slopes = torch.linspace(size, -size, SEGMENTS) * 0.8
            signs = rng.permutation([1.0, -1.0, 0.0])
            cast[CURVES] = torch.cat([slopes * float(sign) for sign in signs])
        return cast
    drained = torch.zeros_like(parameters)
    drained[0] = rng.uniform(-2.2, -0.9)
    drained[1] = rng.uniform(-4.0, -0.7)
    which = rng.integers(3)
    if which < 2:
        drained[int(which)] = 0
    return drained


def edit_windows(batch: Windows, draws: list[Tensor], rng: np.random.Generator) -> Tensor:
    """The windows [N, 3, side, side], display-encoded, with the drawn parameters applied in random orders."""
    orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, len(operators.ALL_ORDERS), len(draws)))]
    linear = operators.decode(batch.picture.float() / 255)
    return operators.encode(operators.apply_inside(linear, batch.mask.float() / 255, torch.stack(draws), orders))


def draw_fakes(batch: Windows, rng: np.random.Generator, kind: str | None = None) -> list[Tensor]:
    """A fake edit for each window, of one kind or of kinds drawn by FAKES."""
    draws = []
    for people, grey in zip(batch.people.tolist(), batch.grey.tolist()):
        chances = FAKES_OF_GREY if grey else FAKES
        draws.append(draw_fake(rng, people, kind or str(rng.choice(list(chances), p=list(chances.values())))))
    return draws


@torch.no_grad()
def cut_windows(
    critic: Critic, chosen: list[data.Region], rng: np.random.Generator, rounds: int, augment: bool, team: Team
) -> Windows:
    """The windows of regions, `rounds` times, each time placed anew if `augment`."""
    work = [batch for _ in range(rounds) for batch in data.make_batches(chosen, 16, rng)]
    seeds = rng.integers(0, 2**31, len(work))

    def cut(index: int) -> Windows:
        batch = examples.load(work[index], np.random.default_rng(int(seeds[index])) if augment else None)
        picture, mask, valid = critic.cut_windows(batch.picture, batch.mask, batch.valid)
        chroma = picture.amax(1, keepdim=True) - picture.amin(1, keepdim=True)
        grey = regions.average(chroma, mask)[0][:, 0, 0] < _GREY
        picture, mask, valid = ((x * 255).round().byte() for x in (picture, mask, valid))
        return Windows(picture, mask, valid, batch.people, grey)

    parts = team.map(cut, range(len(work)))
    return Windows(*(torch.cat(fields) for fields in zip(*parts)))


def measure_auc(scores: Tensor, labels: Tensor) -> float:
    """The chance that a real one scores above a fake one (AUC)."""
    ranks = scores.argsort().argsort().double() + 1
    real = labels > 0.5
    count, others = int(real.sum()), int((~real).sum())
    return float((ranks[real].sum() - count * (count + 1) / 2) / max(1, count * others))


@torch.no_grad()
def judge_windows(critic: Critic, windows: Windows, pictures: Tensor) -> Tensor:
    """Realism [N] of edited windows."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    with checkpoints.use_bfloat16(torch.device("cpu")):
        return critic.judge(pictures, windows.mask.float() / 255, windows.valid.float() / 255).float()


def validate(critic: Critic, held: Windows, seed: int, team: Team, kind: str | None = None) -> dict[str, float]:
    """How well real and fake edits of held-out windows are told apart, on all and on people."""
    critic.eval()

    def part(rows: Tensor) -> tuple[Tensor, Tensor]:
        batch, rng = held.take(rows), np.random.default_rng([seed, int(rows[0])])
        real = edit_windows(batch, [draw_real(rng) for _ in rows], rng)
        fake = edit_windows(batch, draw_fakes(batch, rng, kind), rng)
        return judge_windows(critic, batch, real), judge_windows(critic, batch, fake)

    real, fake = (torch.cat(x) for x in zip(*team.map(part, torch.arange(len(held.people)).split(32))))

    def auc(chosen: Tensor) -> float:
        scores = torch.cat([real[chosen], fake[chosen]])
        return measure_auc(scores, (torch.arange(len(scores)) < int(chosen.sum())).float())

    everything = torch.ones_like(held.people)
    return {
        "AUC": auc(everything),
        "AUC people": auc(held.people),
        "real": float(real.mean()),
        "fake": float(fake.mean()),
    }


def load_edited(
    windows: Windows, options: argparse.Namespace, epoch: int, team: Team
) -> Iterator[tuple[Windows, Tensor]]:
    """An epoch of windows, and each of them after a real and after a fake edit: [2, N, 3, side, side]."""
    # Everything random in an epoch follows from seed and epoch, so a resumed run repeats an unbroken one.
    rng = np.random.default_rng([options.seed, epoch])

    def load(rows: Tensor) -> tuple[Windows, Tensor]:
        batch = windows.take(rows)
        real = edit_windows(batch, [draw_real(rng) for _ in rows], rng)
        fake = edit_windows(batch, draw_fakes(batch, rng), rng)
        return batch, torch.stack([real, fake])

    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    return team.work_ahead(load, torch.from_numpy(rng.integers(0, len(windows.people), (steps, options.batch))))


def descend(critic: Critic, batch: Windows, pictures: Tensor, team: Team) -> float:
    """Add the gradients of the mean least-squares loss of real and fake pictures [2, N, 3, side, side]; returns it."""

    def loss(rows: slice) -> Tensor:
        both = pictures[:, rows].flatten(0, 1).contiguous(memory_format=torch.channels_last)
        areas = [(x[rows].float() / 255).repeat(2, 1, 1, 1) for x in (batch.mask, batch.valid)]
        with checkpoints.use_bfloat16(torch.device("cpu")):
            real, fake = critic.judge(both, *areas).float().chunk(2)
        # Being taken in by a fake of people costs double.
        return (1 - real).square() + (1 + batch.people[rows].float()) * fake.square()

    return team.run_backward(loss, len(batch.people))


def load_network(path: Path) -> Critic:
    """A trained critic, frozen: from its checkpoint, or from a realism.onnx, which holds the kind that ships."""
    if path.suffix == exported.SUFFIX:
        critic: Critic = RealismCritic()
        critic.load_state_dict(exported.read_critic(path))
    else:
        state = checkpoints.load(path)
        critic = CRITICS[state["kind"]](tuple(state["taps"]))
        critic.load_state_dict(state["model"])
    return critic.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.make_parser("realism", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "realism.pt")
    own_photos.add_options(parser)
    parser.add_argument(
        "--trunk", default="mnv2_imagenet_from_int8_fp16.pth", help="weights in DATA/weights, torchvision or timm"
    )
    parser.add_argument("--kind", choices=list(CRITICS), default="moments", help="architecture")
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[24, 32, 64, 96], help="trunk features read, by channels"
    )
    parser.add_argument("--rounds", type=int, default=2, help="how often each region is placed in the training set")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=200, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--batch", type=int, default=16, help="windows a step, each edited once real and once fake")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the head")
    parser.add_argument("--trunk-rate", type=float, default=3e-4, help="learning rate of the trunk")
    options = parser.parse_args(argv)
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
    cache = options.out.with_suffix(".windows.pt")
    if options.resume and cache.is_file():
        windows, held = (Windows(**part) for part in torch.load(cache, weights_only=True))
    else:
        rng = np.random.default_rng(options.seed)
        training, validation = data.split(own_photos.load_chosen(options) or data.load_regions(options.data))
        if options.steps:
            training, validation = training[: 16 * options.steps], validation[: 16 * options.steps]
        windows = cut_windows(critic, training, rng, options.rounds, True, team)
        held = cut_windows(critic, validation or training, rng, 1, False, team)
        cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save([part._asdict() for part in (windows, held)], cache)
        print(f"{len(windows.people)} windows cut; {clock.seconds():.0f} s", flush=True)

    first, clock = checkpoints.resume(options, critic, optimizer, schedule, clock)
    if not first and isinstance(critic, RealismCritic) and not options.start:
        sample = windows.take(torch.randperm(len(windows.people))[:512])
        with torch.no_grad():
            parts = [sample.take(rows) for rows in torch.arange(len(sample.people)).split(32)]
            numbers = [critic.describe(*(x.float() / 255 for x in part[:3])) for part in parts]
        critic.standardise.measure(torch.cat(numbers))

    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout
        critic.train()
        losses = []
        for batch, pictures in load_edited(windows, options, epoch, team):
            optimizer.zero_grad()
            losses.append(descend(critic, batch, pictures, team))
            torch.nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        scores = validate(critic, held, options.seed, team)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, critic, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1, kind=kind,
            taps=list(critic.trunk.taps), seconds=clock.seconds(), validation=scores,
        )  # fmt: skip


if __name__ == "__main__":
    main()
