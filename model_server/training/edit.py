# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the edit network: predict edits that move attention in the wanted direction and still look real.

Draw a direction and an order for each region, predict, apply, ask the frozen saliency networks and the frozen critic
(CVPR 2023 paper, equations 3 to 6).  Differences from the paper: the saliency change is the logarithm of the change of
the region's share of all attention, which does not saturate; each step asks one of several saliency networks, which
are harder to fool than one; tinting neutrals, turning hues and large colour differences cost; both directions are one
network.  What draws the eye is mostly attenuated, what does not mostly emphasized: that is what people ask for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import checkpoints, colour, data, examples, operators, own_photos, realism, regions, saliency
from .models import Critic, EditNetwork, SaliencyNetwork, share
from .parallel import Team

# How often a region is trained in the direction that its saliency suggests.
_LIKELY = 0.8


@dataclass
class Prepared:
    """Regions with all that does not depend on the edit.  Pictures and masks are uint8, to keep thousands in memory."""

    picture: Tensor  # [N, 3, H, W] uint8
    mask: Tensor  # [N, 1, H, W] uint8
    valid: Tensor  # [N, 1, H, W] bool
    people: Tensor  # [N] bool
    numbers: Tensor  # [N, F], EditNetwork.describe
    log_share: Tensor  # [N, S], by each saliency network
    lift: Tensor  # [N], log of how often the region is looked at, against one of its size anywhere in the picture
    realism: Tensor  # [N]

    def take(self, rows: Tensor | slice) -> Prepared:
        return Prepared(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def __len__(self) -> int:
        return len(self.people)


@dataclass
class Outcome:
    """What the edits of a batch did, each [N].

    gain: log of the region's change of share, positive as wanted; realism: its change; difference: CIE76, mean inside
    the region; tint: colour.tint, likewise.  raw: the network's unbounded output, parameters: the bounded ones.
    """

    raw: Tensor
    parameters: Tensor
    gain: Tensor
    realism: Tensor
    difference: Tensor
    tint: Tensor


@dataclass(frozen=True)
class Objective:
    """What the edit network is trained to make small; pairs: (attenuate, emphasize) or (things, people)."""

    pull: tuple[float, float] = (15.0, 7.0)  # w of equation 4
    realism_weight: float = 5.0
    people_weight: float = 1.5  # factor of the realism and tint weights for regions that show people
    margin: float = 0.05  # loss of realism that costs nothing (equation 5)
    tint_weight: float = 0.007  # of the squared tint
    size_weight: float = 0.002  # of the squared, bounded raw parameters
    limit: tuple[float, float] = (13.0, 8.0)  # mean CIE76 that costs nothing
    limit_weight: float = 0.02  # of the square of what goes beyond

    def __call__(self, outcome: Outcome, direction: Tensor, people: Tensor) -> Tensor:
        """The losses [N] of edits in directions [N], -1 or +1, of regions that show people or not [N]."""
        pull, limit = (torch.tensor(pair) for pair in (self.pull, self.limit))
        saliency_loss = bounded_exp(-pull[(direction > 0).long()] * outcome.gain)
        strictness = 1 + (self.people_weight - 1) * people.float()
        realism_loss = self.realism_weight * strictness * torch.relu(-outcome.realism - self.margin)
        beyond = torch.relu(outcome.difference - limit[people.long()])
        return (
            (1 + realism_loss) * saliency_loss
            + self.limit_weight * beyond.square()
            + self.tint_weight * strictness * outcome.tint
            + self.size_weight * torch.tanh(outcome.raw).square().sum(1)
        )


@dataclass
class Judges:
    """The frozen networks that the edit network is trained against."""

    viewers: list[SaliencyNetwork]
    critic: Critic

    def watch(self, encoded: Tensor, mask: Tensor, valid: Tensor, viewers: list[int]) -> Tensor:
        """Log of the region's share of attention by the viewers of the given indices [N, S]."""
        encoded = encoded.contiguous(memory_format=torch.channels_last)
        with checkpoints.fast(encoded.device):
            shares = [share(self.viewers[index](encoded, valid), mask) for index in viewers]
        return torch.stack([(s + 1e-4).log() for s in shares], 1)

    def judge(self, encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
        """The region's realism [N]."""
        windows = self.critic.windows(encoded, mask, valid)
        with checkpoints.fast(encoded.device):
            return self.critic.judge(windows[0].contiguous(memory_format=torch.channels_last), *windows[1:]).float()

    def all(self) -> list[int]:
        return list(range(len(self.viewers)))


@torch.no_grad()
def prepare(
    network: EditNetwork, judges: Judges, chosen: list[data.Region], rng: np.random.Generator, rounds: int,
    augment: bool, team: Team,
) -> list[Prepared]:  # fmt: skip
    """One entry an orientation: the regions, `rounds` times, each time placed anew."""
    work = [batch for _ in range(rounds) for batch in data.batches(chosen, 16, rng)]
    seeds = rng.integers(0, 2**31, len(work))

    def look(index: int) -> Prepared:
        batch = examples.load(work[index], np.random.default_rng(int(seeds[index])) if augment else None)
        log_share = judges.watch(batch.picture, batch.mask, batch.valid, judges.all())
        area = batch.mask.mean((1, 2, 3)) / batch.valid.mean((1, 2, 3))
        with checkpoints.fast(torch.device("cpu")):
            numbers = network.describe(batch.picture.to(memory_format=torch.channels_last), batch.mask, batch.valid)
        return Prepared(
            (batch.picture * 255).round().byte(), (batch.mask * 255).round().byte(), batch.valid > 0.5, batch.people,
            numbers.float(), log_share, log_share.mean(1) - area.clamp(min=1e-4).log(),
            judges.judge(batch.picture, batch.mask, batch.valid),
        )  # fmt: skip

    parts = team.map(look, range(len(work)))
    groups = [[p for p in parts if (p.picture.shape[2] > p.picture.shape[3]) is portrait] for portrait in (False, True)]
    return [
        Prepared(**{f.name: torch.cat([getattr(p, f.name) for p in group]) for f in fields(Prepared)})
        for group in groups
        if group
    ]


def bounded_exp(x: Tensor) -> Tensor:
    """exp(x), from x = 1 on its tangent: one region that went far the wrong way must not outweigh all others."""
    return torch.where(x < 1, x.clamp(max=1).exp(), math.e * x)


def edit_region(picture: Tensor, mask: Tensor, parameters: Tensor, order: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Edit one display-encoded picture [3, H, W] through its mask [1, H, W]; only the masked pixels are computed.

    Returns the edited picture, display-encoded, and the region's mean colour difference and squared tint.
    """
    chosen = mask.flatten().nonzero()[:, 0]
    weights, encoded = mask.flatten()[None, None, None, chosen], picture.flatten(1)
    before = operators.decode(encoded[None, :, None, chosen])
    after = operators.apply(before, weights, parameters[None], order[None])
    edited = encoded.index_copy(1, chosen, operators.encode(after)[0, :, 0]).view_as(picture)
    was, now = colour.lab(before), colour.lab(after)
    return (
        edited,
        colour.inside(colour.difference(was, now), weights)[0],
        colour.inside(colour.tint(was, now), weights)[0],
    )


def play(
    judges: Judges, batch: Prepared, raw: Tensor, parameters: Tensor, direction: Tensor, orders: Tensor,
    viewers: list[int],
) -> Outcome:  # fmt: skip
    """Apply parameters [N, 28] to a batch and ask the judges.

    direction [N]: -1 or +1; orders [N, 4]; viewers: indices of the saliency networks that look.
    """
    mask, valid = batch.mask.float() / 255, batch.valid.float()
    done = [edit_region(*each) for each in zip(batch.picture.float() / 255, mask, parameters, orders)]
    encoded, difference, tint = (torch.stack(x) for x in zip(*done))
    moved = judges.watch(encoded, mask, valid, viewers) - batch.log_share[:, viewers]
    return Outcome(
        raw, parameters, direction * moved.mean(1), judges.judge(encoded, mask, valid) - batch.realism, difference, tint
    )


@torch.no_grad()
def validate_direction(
    network: EditNetwork, judges: Judges, batches: list[Prepared], sign: float, team: Team
) -> dict[str, float]:
    """The main figures of one direction (-1 or +1) on held-out regions, in one fixed order of the edits.

    "constant": the median change with the network's mean parameters on every picture, scaled to the network's colour
    difference.
    """

    def outcome(batch: Prepared, fixed: Tensor | None = None) -> Outcome:
        direction, orders = torch.full((len(batch),), sign), operators.ALL_ORDERS[:1].expand(len(batch), 4)
        raw = network.raw(batch.numbers, direction, orders)
        parameters = operators.from_raw(raw) if fixed is None else fixed.expand(len(batch), -1)
        return play(judges, batch, raw, parameters, direction, orders, judges.all())

    def every(outcomes: list[Outcome], name: str) -> Tensor:
        return torch.cat([getattr(each, name) for each in outcomes])

    outcomes = team.map(outcome, batches)
    relative = sign * ((sign * every(outcomes, "gain")).exp() - 1)
    parameters, change = every(outcomes, "parameters"), every(outcomes, "realism")
    difference, people = every(outcomes, "difference"), torch.cat([batch.people for batch in batches])
    mean = parameters.mean(0)
    for _ in range(2):
        constant = team.map(partial(outcome, fixed=mean), batches)
        mean = mean * difference.mean() / every(constant, "difference").mean()
    return {
        "median": float(relative.median()),
        "mean": float(relative.mean()),
        "wrong": float((relative <= 0).float().mean()),
        "constant": float((sign * ((sign * every(constant, "gain")).exp() - 1)).median()),
        "dR": float(change.mean()),
        "dR<-.1": float((change < -0.1).float().mean()),
        "CIE": float(difference.mean()),
        "CIE people": float(difference[people].mean()),
        "tint": math.sqrt(float(every(outcomes, "tint").mean())),
        "EV": float(parameters[:, 0].mean()),
        "EV spread": float(parameters[:, 0].std(correction=0)),
    }


def validate(network: EditNetwork, judges: Judges, held: list[Prepared], middle: float, team: Team) -> dict[str, float]:
    """Both directions' figures: regions whose lift is above `middle` are attenuated, the others emphasized."""
    network.eval()
    scores = {}
    for name, sign in (("attenuate", -1.0), ("emphasize", 1.0)):
        rows = [((part.lift > middle) == (sign < 0)).nonzero()[:, 0] for part in held]
        batches = [part.take(some) for part, chosen in zip(held, rows) if len(chosen) for some in chosen.split(16)]
        if batches:
            found = validate_direction(network, judges, batches, sign, team)
            scores.update({f"{name} {figure}": value for figure, value in found.items()})
    return scores


def descend(
    network: EditNetwork, judges: Judges, batch: Prepared, objective: Objective, middle: float,
    rng: np.random.Generator, team: Team,
) -> float:  # fmt: skip
    """Add the gradients of the objective's mean over a batch, in random directions and orders; returns it."""
    suggested = torch.where(batch.lift > middle, -1.0, 1.0)
    direction = torch.where(torch.from_numpy(rng.random(len(batch)) < _LIKELY), suggested, -suggested)
    orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, 24, len(batch)))]
    turn = int(rng.integers(len(judges.viewers)))

    def loss(rows: slice) -> Tensor:
        part, wanted = batch.take(rows), direction[rows]
        raw = network.raw(part.numbers, wanted, orders[rows])
        # One viewer at a time, each part of the batch another: more pictures in the same time.
        viewer = (turn + rows.start * team.threads // len(batch)) % len(judges.viewers)
        outcome = play(judges, part, raw, operators.from_raw(raw), wanted, orders[rows], [viewer])
        return objective(outcome, wanted, part.people)

    return team.backward(loss, len(batch))


def to_objective(values: Mapping[str, Any]) -> Objective:
    """The objective that options or a checkpoint name; pairs may be lists."""
    pairs: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Objective(**{entry.name: pairs[entry.name] for entry in fields(Objective)})


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.parser("edit", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "edit.pt")
    own_photos.add_options(parser)
    parser.add_argument(
        "--trunk", default="mnv2_imagenet_from_int8_fp16.pth", help="weights in DATA/weights, torchvision or timm"
    )
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[24, 32, 64, 96], help="trunk features read, by channels"
    )
    parser.add_argument("--hidden", type=int, default=256, help="units of the head")
    parser.add_argument(
        "--without", nargs="*", default=[], choices=("region", "surround", "contrast", "picture", "area"),
        help="parts of the region's description to leave out, to see what they are worth",
    )  # fmt: skip
    parser.add_argument(
        "--viewers",
        type=Path,
        nargs="+",
        default=[checkpoints.RUNS / "saliency.pt", checkpoints.RUNS / "saliency-2.pt"],
        help="saliency networks",
    )
    parser.add_argument("--critic", type=Path, default=checkpoints.RUNS / "realism.pt", help="realism critic")
    parser.add_argument(
        "--prepared", type=Path, default=checkpoints.RUNS / "prepared.pt",
        help="what does not depend on the edits; read if newer than viewers and critic, else made",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=2, help="how often each region is placed in the training set")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=500, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--batch", type=int, default=16, help="edited pictures a step")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at the start")
    for entry in fields(Objective):
        many = 2 if isinstance(entry.default, tuple) else None
        name = "--" + entry.name.replace("_", "-")
        parser.add_argument(name, type=float, nargs=many, default=entry.default, help="see class Objective")
    options = parser.parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)

    network = EditNetwork(tuple(options.taps), options.hidden)
    network.trunk.load(options.trunk, options.data / "weights")
    network.trunk.requires_grad_(False)
    judges = Judges([saliency.load_network(p) for p in options.viewers], realism.load_network(options.critic))
    for module in (network, *judges.viewers, judges.critic):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    first, clock = 0, checkpoints.Clock()
    head = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(head, lr=options.rate, weight_decay=0.01)
    state = checkpoints.load(options.out) if options.resume and options.out.is_file() else None
    if state:
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, clock = state["epoch"], checkpoints.Clock(state["seconds"])

    network.eval()
    sources = [*options.viewers, options.critic]
    if options.prepared.is_file() and all(f.stat().st_mtime < options.prepared.stat().st_mtime for f in sources):
        prepared, held = ([Prepared(**part) for part in parts] for parts in torch.load(options.prepared, mmap=True))
    else:
        rng = np.random.default_rng(options.seed)
        training, validation = data.split(own_photos.chosen(options) or data.load_regions(options.data))
        if options.steps:
            training, validation = training[: 16 * options.steps], validation[: 16 * options.steps]
        held = prepare(network, judges, (validation or training)[::3], rng, 1, False, team)
        prepared = prepare(network, judges, training, rng, options.rounds, True, team)
        options.prepared.parent.mkdir(parents=True, exist_ok=True)
        torch.save([[vars(part) for part in parts] for parts in (prepared, held)], options.prepared)
    if not state:
        network.standardise.measure(torch.cat([part.numbers for part in prepared]))
        origins = regions.origins(network.trunk.taps, whole=True)
        network.standardise.ignore(torch.tensor([origin in options.without for origin in origins]))
    middle = float(torch.cat([part.lift for part in prepared]).median())
    print(f"{sum(map(len, prepared))} regions prepared; {clock.seconds():.0f} s", flush=True)

    objective = to_objective(vars(options))
    shares = np.array([len(part) for part in prepared]) / sum(map(len, prepared))
    for epoch in range(first, options.epochs):
        rng = np.random.default_rng([options.seed, epoch])
        torch.manual_seed(options.seed * 1000 + epoch)
        network.train()
        losses = []
        steps = min(options.epoch_steps, options.steps or options.epoch_steps)
        for step in range(steps):
            progress = (epoch + step / steps) / options.epochs
            for group in optimizer.param_groups:
                group["lr"] = options.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)
            part = prepared[rng.choice(len(prepared), p=shares)]
            batch = part.take(torch.from_numpy(rng.integers(0, len(part), options.batch)))
            optimizer.zero_grad()
            losses.append(descend(network, judges, batch, objective, middle, rng, team))
            torch.nn.utils.clip_grad_norm_(head, 1.0)
            optimizer.step()
        scores = validate(network, judges, held, middle, team)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, network, optimizer, epoch=epoch + 1, taps=list(options.taps), hidden=options.hidden,
            seconds=clock.seconds(), validation=scores, middle=middle, objective=vars(objective),
        )  # fmt: skip


if __name__ == "__main__":
    main()
