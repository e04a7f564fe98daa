# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the edit network: predict edits that move attention in the wanted direction and still look real.

Draw a direction and an order for each region, predict, apply, ask the frozen saliency networks and the frozen critic
(CVPR 2023 paper, equations 3 to 6).  Differences from the paper: the saliency change is the logarithm of the change of
the region's share of all attention, which does not saturate; it is averaged over several saliency networks, which are
harder to fool than one; tinting neutrals and turning hues costs; both directions are one network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import checkpoints, colour, data, examples, operators, realism, saliency
from .models import EditNetwork, RealismCritic, SaliencyNetwork, share


@dataclass
class Prepared:
    """Regions with all that does not depend on the edit.  Pictures and masks are uint8, to keep thousands in memory."""

    picture: Tensor  # [N, 3, H, W] uint8
    mask: Tensor  # [N, 1, H, W] uint8
    valid: Tensor  # [N, 1, H, W] bool
    people: Tensor  # [N] bool
    numbers: Tensor  # [N, F], EditNetwork.describe
    log_share: Tensor  # [S, N], by each saliency network
    realism: Tensor  # [N]

    def take(self, rows: Tensor) -> Prepared:
        part = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "log_share"}
        return Prepared(**part, log_share=self.log_share[:, rows])

    def __len__(self) -> int:
        return len(self.people)


@dataclass
class Outcome:
    """What a batch of predicted edits did.  gain: log of the region's change of share, positive as wanted, [N];
    realism: its change, of those that the critic saw."""

    raw: Tensor
    parameters: Tensor
    gain: Tensor
    realism: Tensor
    tint: Tensor
    before: Tensor
    after: Tensor


@dataclass
class Judges:
    """The frozen networks that the edit network is trained against."""

    viewers: list[SaliencyNetwork]
    critic: RealismCritic

    def watch(self, encoded: Tensor, mask: Tensor, valid: Tensor, viewers: list[int]) -> Tensor:
        """Log of the region's share of attention by the viewers of the given indices [S, N]."""
        encoded = encoded.contiguous(memory_format=torch.channels_last)
        with checkpoints.fast(encoded.device):
            shares = [share(self.viewers[index](encoded, valid), mask) for index in viewers]
        return torch.stack([(s + 1e-4).log() for s in shares])

    def judge(self, encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
        """The region's realism [N]."""
        encoded = encoded.contiguous(memory_format=torch.channels_last)
        with checkpoints.fast(encoded.device):
            numbers = self.critic.describe(encoded, mask, valid)
        return self.critic.judge(numbers.float())

    def all(self) -> list[int]:
        return list(range(len(self.viewers)))


@torch.no_grad()
def prepare(
    network: EditNetwork, judges: Judges, regions: list[data.Region], rng: np.random.Generator, rounds: int,
    augment: bool, limit: int | None,
) -> list[Prepared]:  # fmt: skip
    """One entry an orientation: the regions, `rounds` times, each time placed anew."""
    parts: dict[bool, list[Prepared]] = {}
    for _ in range(rounds):
        for step, batch in enumerate(examples.batches(regions, 16, rng, augment)):
            if step == limit:
                break
            log_share = judges.watch(batch.picture, batch.mask, batch.valid, judges.all())
            real = judges.judge(batch.picture, batch.mask, batch.valid)
            with checkpoints.fast(torch.device("cpu")):
                numbers = network.describe(batch.picture.to(memory_format=torch.channels_last), batch.mask, batch.valid)
            part = Prepared(
                (batch.picture * 255).round().byte(), (batch.mask * 255).round().byte(), batch.valid > 0.5,
                batch.people, numbers.float(), log_share, real,
            )  # fmt: skip
            parts.setdefault(batch.picture.shape[2] > batch.picture.shape[3], []).append(part)
    merged = []
    for group in parts.values():
        joined = {
            f.name: torch.cat([getattr(p, f.name) for p in group], int(f.name == "log_share")) for f in fields(Prepared)
        }
        merged.append(Prepared(**joined))
    return merged


def bounded_exp(x: Tensor) -> Tensor:
    """exp(x), from x = 1 on its tangent: one region that went far the wrong way must not outweigh all others."""
    return torch.where(x < 1, x.clamp(max=1).exp(), math.e * x)


def play(
    network: EditNetwork, judges: Judges, batch: Prepared, direction: Tensor, orders: Tensor, viewers: list[int],
    judged: int,
) -> Outcome:  # fmt: skip
    """Predict and apply the edits of a batch, and ask the judges.

    direction [N]: -1 or +1; orders [N, 4]; viewers: indices of the saliency networks that look; judged: how many of
    the batch, from its start, the critic sees.
    """
    raw = network.raw(batch.numbers, direction, orders)
    parameters = operators.from_raw(raw)
    mask, valid = batch.mask.float() / 255, batch.valid.float()
    linear = operators.decode(batch.picture.float() / 255)
    edited = operators.apply(linear, mask, parameters, orders)
    encoded = operators.encode(edited)
    gain = direction * (judges.watch(encoded, mask, valid, viewers) - batch.log_share[viewers]).mean(0)
    real = judges.judge(encoded[:judged], mask[:judged], valid[:judged])
    before, after = colour.lab(linear), colour.lab(edited)
    tint = colour.inside(colour.tint(before, after), mask)
    return Outcome(raw, parameters, gain, real - batch.realism[:judged], tint, before, after)


@torch.no_grad()
def validate(network: EditNetwork, judges: Judges, prepared: list[Prepared], most: int) -> dict[str, float]:
    """The main figures on held-out regions, in one fixed order of the edits."""
    network.eval()
    scores = {}
    for name, sign in (("attenuate", -1.0), ("emphasize", 1.0)):
        outcomes, difference = [], []
        for part in prepared:
            for rows in torch.arange(min(len(part), most)).split(16):
                batch = part.take(rows)
                orders = operators.ALL_ORDERS[:1].expand(len(rows), 4)
                outcomes.append(
                    play(network, judges, batch, torch.full((len(rows),), sign), orders, judges.all(), len(rows))
                )
                change = colour.difference(outcomes[-1].before, outcomes[-1].after)
                difference.append(colour.inside(change, batch.mask.float() / 255))
        relative = torch.cat([sign * ((sign * o.gain).exp() - 1) for o in outcomes])
        parameters = torch.cat([o.parameters for o in outcomes])
        scores[f"{name} share"] = sign * float(relative.mean())
        scores[f"{name} median"] = sign * float(relative.median())
        scores[f"{name} wrong"] = float((relative <= 0).float().mean())
        scores[f"{name} realism"] = float(torch.cat([o.realism for o in outcomes]).mean())
        scores[f"{name} difference"] = float(torch.cat(difference).mean())
        scores[f"{name} tint"] = math.sqrt(float(torch.cat([o.tint for o in outcomes]).mean()))
        scores[f"{name} EV"] = float(parameters[:, 0].mean())
        scores[f"{name} EV spread"] = float(parameters[:, 0].std(correction=0))
    return scores


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.parser("edit", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "edit.pt")
    parser.add_argument("--trunk", default="mnv2_imagenet_from_int8_fp16.pth", help="trunk weights in DATA/weights")
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[24, 32, 64, 96], help="trunk features read, by channels"
    )
    parser.add_argument("--hidden", type=int, default=256, help="units of the head")
    parser.add_argument(
        "--viewers",
        type=Path,
        nargs="+",
        default=[checkpoints.RUNS / "saliency.pt", checkpoints.RUNS / "saliency-2.pt"],
        help="saliency networks",
    )
    parser.add_argument("--critic", type=Path, default=checkpoints.RUNS / "realism.pt", help="realism critic")
    parser.add_argument("--rounds", type=int, default=1, help="how often each region is placed in the training set")
    parser.add_argument("--epochs", type=int, default=16, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=250, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--batch", type=int, default=8, help="edited pictures a step")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="learning rate at the start")
    parser.add_argument("--pull", type=float, nargs=2, default=[6.0, 3.5], help="w of equation 4: attenuate, emphasize")
    parser.add_argument("--realism-weight", type=float, default=2.0, help="weight of the realism loss")
    parser.add_argument("--people-weight", type=float, default=2.0, help="its factor for regions that show people")
    parser.add_argument("--margin", type=float, default=0.15, help="loss of realism that costs nothing (equation 5)")
    parser.add_argument("--tint-weight", type=float, default=0.01, help="weight of the squared tint")
    parser.add_argument("--size-weight", type=float, default=0.005, help="weight of the squared raw parameters")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    network = EditNetwork(tuple(options.taps), options.hidden)
    network.trunk.load(options.data / "weights" / options.trunk)
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

    cache = options.out.with_suffix(".prepared.pt")
    network.eval()
    if options.resume and cache.is_file():
        prepared, held_out = ([Prepared(**part) for part in parts] for parts in torch.load(cache, weights_only=True))
    else:
        rng = np.random.default_rng(options.seed)
        training, validation = data.split(data.load_regions(options.data))
        held_out = prepare(network, judges, (validation or training)[::3], rng, 1, False, options.steps)
        prepared = prepare(network, judges, training, rng, options.rounds, True, options.steps)
        cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save([[vars(part) for part in parts] for parts in (prepared, held_out)], cache)
    if not state:
        network.standardise.measure(torch.cat([part.numbers for part in prepared]))
    print(f"{sum(map(len, prepared))} regions prepared; {clock.seconds():.0f} s", flush=True)

    pull = torch.tensor(options.pull)
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
            part = prepared[rng.choice(len(prepared), p=np.array([len(p) for p in prepared]) / sum(map(len, prepared)))]
            batch = part.take(torch.from_numpy(rng.integers(0, len(part), options.batch)))
            sign = torch.from_numpy(rng.choice([-1.0, 1.0], len(batch))).float()
            orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, 24, len(batch)))]
            # One viewer, and the critic for a half, in place of all for all: more pictures in the same time.
            viewer, judged = int(rng.integers(len(judges.viewers))), (len(batch) + 1) // 2
            outcome = play(network, judges, batch, sign, orders, [viewer], judged)
            saliency_loss = bounded_exp(-pull[(sign > 0).long()] * outcome.gain)
            strictness = 1 + (options.people_weight - 1) * batch.people.float()
            realism_loss = torch.zeros(len(batch))
            realism_loss[:judged] = torch.relu(-outcome.realism - options.margin) * len(batch) / judged
            realism_loss = options.realism_weight * strictness * realism_loss
            loss = (
                (1 + realism_loss) * saliency_loss
                + options.tint_weight * strictness * outcome.tint
                + options.size_weight * torch.tanh(outcome.raw).square().sum(1)
            ).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head, 1.0)
            optimizer.step()
            losses.append(loss.item())
        scores = validate(network, judges, held_out, most=32)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, network, optimizer, epoch=epoch + 1, taps=list(options.taps), hidden=options.hidden,
            seconds=clock.seconds(), validation=scores,
        )  # fmt: skip


if __name__ == "__main__":
    main()
