# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the realism critic: does this region look edited?  Random edits only, before there is an edit network.

After the CVPR 2023 paper: small random edits are real, large ones fake, people are judged more strictly, least squares.
Beside the paper's mixtures there are fakes of one kind: a single edit, a colour cast, darkening and draining, since a
critic of mixtures alone lets those pass.  The frozen trunk describes every edited region once; then the head is trained
on the descriptions.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model_server.parameters import COUNT
from plugin.saliency.edits import SEGMENTS

from . import checkpoints, data, examples, operators
from .models import RealismCritic

# A factor on display-encoded values as stops in linear light (METHOD.md, section 5: gamma about 2.2).
_GAMMA = 2.2

# How often each kind of fake is drawn.
FAKES = {"mixture": 0.4, "single": 0.2, "cast": 0.2, "drained": 0.2}


def _uniform(rng: np.random.Generator, *ranges: tuple[float, float]) -> float:
    low, high = ranges[rng.integers(len(ranges))]
    return float(rng.uniform(low, high))


def _chosen(rng: np.random.Generator, drawn: Tensor, kinds: list[str], fewest: int, most: int) -> Tensor:
    """Keep a random number of edits, of the given kinds, out of fully drawn parameters."""
    kept = rng.permutation(kinds)[: rng.integers(fewest, most + 1)]
    result = torch.zeros_like(drawn)
    for kind, part in (("exposure", slice(0, 1)), ("saturation", slice(1, 2)), ("white", slice(2, 4))):
        if kind in kept:
            result[part] = drawn[part]
    if "curves" in kept:
        result[4:] = drawn[4:]
    return result


def real_edit(rng: np.random.Generator) -> Tensor:
    """Parameters [28] of an edit that nobody notices: the ranges 0.85 to 1.15 of the paper; often no edit at all."""
    parameters = torch.zeros(COUNT)
    if rng.random() < 0.25:
        return parameters
    factor = (math.log2(0.85), math.log2(1.15))
    parameters[0] = _GAMMA * _uniform(rng, factor)
    parameters[1] = _uniform(rng, factor)
    parameters[4:] = torch.from_numpy(rng.uniform(*factor, 3 * SEGMENTS)).float()
    return _chosen(rng, parameters, ["exposure", "saturation", "curves"], 1, 3)


def fake_edit(rng: np.random.Generator, people: bool) -> Tensor:
    """Parameters [28] of an edit that looks wrong."""
    parameters = torch.zeros(COUNT)
    brighter = (math.log2(1.25), math.log2(1.5)) if people else (math.log2(1.5), 1.0)
    parameters[0] = _GAMMA * _uniform(rng, (-1.0, math.log2(0.75)), brighter)
    duller = (math.log2(0.5), math.log2(0.75)) if people else (-6.0, -1.0)
    parameters[1] = _uniform(rng, duller, brighter)
    parameters[2:4] = torch.tensor([_GAMMA * _uniform(rng, (-1.5, 0.0)), _GAMMA * _uniform(rng, (-1.5, 0.0))])
    parameters[4:] = torch.from_numpy(rng.uniform(-1, 1, 3 * SEGMENTS)).float()
    kind = rng.choice(list(FAKES), p=list(FAKES.values()))
    kinds = ["exposure", "saturation", "curves"] + ([] if people else ["white"])
    if kind == "mixture":
        return _chosen(rng, parameters, kinds, 2, 3 if people else 4)
    if kind == "single":
        return _chosen(rng, parameters, kinds, 1, 1)
    if kind == "cast":
        # A tint by white balance or by the channels' curves, from just visible on.
        cast = torch.zeros_like(parameters)
        angle, size = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.9)
        if rng.random() < 0.5:
            cast[2], cast[3] = size * math.cos(angle), size * math.sin(angle)
        else:
            slopes = torch.linspace(size, -size, SEGMENTS) * 0.8
            signs = rng.permutation([1.0, -1.0, 0.0])
            cast[4:] = torch.cat([slopes * float(sign) for sign in signs])
        return cast
    drained = torch.zeros_like(parameters)
    drained[0] = rng.uniform(-2.2, -0.9)
    drained[1] = rng.uniform(-4.0, -0.7)
    which = rng.integers(3)
    if which < 2:
        drained[int(which)] = 0
    return drained


def edited(batch: examples.Examples, rng: np.random.Generator, real: bool) -> Tensor:
    """The batch's pictures [N, 3, H, W], display-encoded, with a random edit of the region."""
    draw = [real_edit(rng) if real else fake_edit(rng, bool(people)) for people in batch.people]
    orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, 24, len(draw)))]
    linear = operators.apply(operators.decode(batch.picture), batch.mask, torch.stack(draw), orders)
    return operators.encode(linear)


@torch.no_grad()
def describe_edits(
    critic: RealismCritic, regions: list[data.Region], rng: np.random.Generator, rounds: int, limit: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Descriptions [N, F], labels [N] (1 real, 0 fake), people [N] of `rounds` real and fake edits of each region."""
    numbers, labels, people = [], [], []
    for _ in range(rounds):
        for step, batch in enumerate(examples.batches(regions, 16, rng, augment=True)):
            if step == limit:
                break
            for real in (True, False):
                pictures = edited(batch, rng, real).to(memory_format=torch.channels_last)
                with checkpoints.fast(torch.device("cpu")):
                    numbers.append(critic.describe(pictures, batch.mask, batch.valid).float())
                labels.append(torch.full((len(pictures),), float(real)))
                people.append(batch.people)
    return torch.cat(numbers), torch.cat(labels), torch.cat(people)


def area_under_curve(scores: Tensor, labels: Tensor) -> float:
    """The chance that a real one scores above a fake one (AUC)."""
    ranks = scores.argsort().argsort().double() + 1
    real = labels > 0.5
    count, others = int(real.sum()), int((~real).sum())
    return float((ranks[real].sum() - count * (count + 1) / 2) / max(1, count * others))


def load_network(path: Path) -> RealismCritic:
    """A trained critic from its checkpoint, frozen."""
    state = checkpoints.load(path)
    critic = RealismCritic(tuple(state["taps"]), state["hidden"])
    critic.load_state_dict(state["model"])
    return critic.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.parser("realism", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "realism.pt")
    parser.add_argument("--trunk", default="mnv2_imagenet_from_int8_fp16.pth", help="trunk weights in DATA/weights")
    parser.add_argument("--taps", type=int, nargs="+", default=[24, 32, 64], help="trunk features read, by channels")
    parser.add_argument("--hidden", type=int, default=128, help="units of the head")
    parser.add_argument("--rounds", type=int, default=2, help="real and fake edits of each region")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of the head; the best on validation is kept")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    clock = checkpoints.Clock()
    critic = RealismCritic(tuple(options.taps), options.hidden)
    critic.trunk.load(options.data / "weights" / options.trunk)
    critic = critic.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(critic.head.parameters(), lr=options.rate, weight_decay=0.05)
    cache = options.out.with_suffix(".edits.pt")
    if options.resume and cache.is_file():
        described = torch.load(cache, weights_only=True)
    else:
        rng = np.random.default_rng(options.seed)
        training, validation = data.split(data.load_regions(options.data))
        critic.eval()
        described = [
            describe_edits(critic, training, rng, options.rounds, options.steps),
            describe_edits(critic, validation or training, rng, 1, options.steps),
        ]
        cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save(described, cache)
        print(f"{len(described[0][0])} edits described; {clock.seconds():.0f} s", flush=True)
    (numbers, labels, people), (held_numbers, held_labels, held_people) = described
    critic.standardise.measure(numbers)

    first, best = 0, -1.0
    if options.resume and options.out.is_file():
        state = checkpoints.load(options.out)
        critic.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, best = state["epoch"], state["validation"]["AUC"]
        clock = checkpoints.Clock(state["seconds"])
    for epoch in range(first, options.epochs):
        generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout
        critic.train()
        losses = []
        for chosen in torch.randperm(len(numbers), generator=generator).split(64)[: options.steps]:
            verdict = critic.judge(numbers[chosen])
            # Being taken in by a fake of people costs double.
            weight = 1 + (people[chosen] & (labels[chosen] < 0.5)).float()
            loss = (weight * (verdict - labels[chosen]).square()).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        critic.eval()
        with torch.no_grad():
            verdict = critic.judge(held_numbers)
        scores = {
            "AUC": area_under_curve(verdict, held_labels),
            "AUC people": area_under_curve(verdict[held_people], held_labels[held_people]),
            "real": float(verdict[held_labels > 0.5].mean()),
            "fake": float(verdict[held_labels < 0.5].mean()),
        }
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        if scores["AUC"] > best:
            best = scores["AUC"]
            checkpoints.save(
                options.out, critic, optimizer, epoch=epoch + 1, taps=list(options.taps), hidden=options.hidden,
                seconds=clock.seconds(), validation=scores,
            )  # fmt: skip


if __name__ == "__main__":
    main()
