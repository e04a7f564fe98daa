# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the edit network: predict edits that move attention in the wanted direction and still look real.

Draw a direction, a boldness, an order and a style for each region, predict, apply, ask the frozen saliency networks and
the frozen critic (CVPR 2023 paper, equations 3 to 6).  Differences from the paper: the saliency change is the logarithm
of the change of the region's share of all attention, which does not saturate; each step asks one of several saliency
networks, which are harder to fool than one; loss of realism is added, not multiplied, and as that of local contrast and
chroma, borders and large colour differences it costs beyond a limit alone; tinting neutrals and turning hues cost; both
directions are one network.  What draws the eye is mostly attenuated, what does not mostly emphasized: that is what
people ask for.

As in GazeShiftNet (ECCV 2020) some of the regions are edited together with what surrounds them, where change costs, and
most of the edits have a style, ten random numbers that a second network must be able to tell from the edits.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from model_server.predict.detail import BLACK, SMOOTH
from model_server.predict.vector import COUNT, STYLE

from . import checkpoints, colour, contours, data, examples, exported, operators, own_photos, realism, saliency
from .models import Critic, EditNetwork, SaliencyNetwork, StyleReader, Wish, measure_share
from .parallel import Team

# How often a region is trained in the direction that its saliency suggests.
_LIKELY = 0.8

# The part of the pictures that is edited in a style.
_STYLED = 0.75

# Chroma that grey may have: it has none to lose.
_GREY = 3.0

# The part of the training after which realism counts in full: a network that is held to it from the start learns to do
# nothing, and stays there.
_LENIENT = 0.6

# How often edits are trained subtle, natural and bold.
_BOLDNESS = (0.2, 0.5, 0.3)

# What the reader of styles sees of the parameters is off by this much of their ranges, so that a style has to show.
_BLUR = 0.2


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


class Edited(NamedTuple):
    """One edited picture [3, H, W], display-encoded, and how far the edits went: single numbers.

    difference: CIE76, mean over the region; tint: colour.measure_tint, likewise; both also over what surrounds it.
    kept: the part of the region's local contrast that is left, where it is darker now of what darkness leaves of it.
    vivid: the part of its chroma that is left, for its lightness.  border: `predict.border.Border`.  change: CIE76 of
    what surrounds the region, as a mean over the whole picture.
    """

    picture: Tensor
    difference: Tensor
    tint: Tensor
    kept: Tensor
    vivid: Tensor
    border: Tensor
    difference_around: Tensor
    tint_around: Tensor
    change: Tensor


@dataclass
class Edits:
    """What a batch is edited with, and what was wished.  both [N]: whether `around` is applied at all.

    raw and raw_around: the network's unbounded outputs [N, RAW], inside and around the bounded ones [N, COUNT].
    """

    raw: Tensor
    raw_around: Tensor
    wish: Wish
    both: Tensor

    def __post_init__(self) -> None:
        self.inside, self.around = operators.bound_raw(self.raw), operators.bound_raw(self.raw_around)

    def with_fixed(self, inside: Tensor) -> Edits:
        """The same parameters [COUNT] inside every region, none around."""
        other = replace(self, both=torch.zeros_like(self.both))
        other.inside = inside.expand(len(self.raw), -1)
        return other


@dataclass
class Outcome:
    """What the edits of a batch did, each [N].

    gain: log of the region's change of share, positive as wanted; realism: its change; the rest as in `Edited`.
    """

    gain: Tensor
    realism: Tensor
    difference: Tensor
    tint: Tensor
    kept: Tensor
    vivid: Tensor
    border: Tensor
    difference_around: Tensor
    tint_around: Tensor
    change: Tensor


@dataclass(frozen=True)
class Objective:
    """What the edit network is trained to make small.

    Pairs: (attenuate, emphasize); threes: (subtle, natural, bold).  Of what has a limit only what goes beyond it costs.
    """

    pull: tuple[float, float] = (8.0, 5.0)  # w of equation 4
    saliency_weight: float = 4.0
    margin: tuple[float, float, float] = (0.03, 0.1, 0.3)  # the loss of realism that costs nothing (equation 5)
    realism_weight: float = 1.6
    limit: tuple[float, float, float] = (8.0, 13.0, 20.0)  # of the mean CIE76
    limit_weight: float = 0.05  # of the square
    most_border: tuple[float, float, float] = (0.8, 1.2, 1.5)
    border_weight: float = 1.5
    least_kept: float = 0.92  # of local contrast
    kept_weight: float = 30.0  # of the square
    least_vivid: float = 0.95  # of chroma, when emphasizing
    vivid_weight: float = 10.0  # of the square
    tint_weight: float = 0.02  # of the squared tint
    people_weight: float = 1.5  # factor of the realism and tint weights for regions that show people
    people_limit: float = 0.65  # factor of their limits
    size_weight: float = 0.002  # of the squared, bounded raw parameters
    change_weight: tuple[float, float] = (0.012, 0.005)  # of the picture's change around the region, at first
    style_weight: float = 1.0  # of the squared error of the style that is read from the edits

    def __call__(self, outcome: Outcome, edits: Edits, people: Tensor) -> Tensor:
        """The losses [N] of edits of regions that show people or not [N].

        The style's part is added where the reader of styles is, in `Trainer`.
        """
        upward, boldness = (edits.wish.direction > 0).long(), edits.wish.boldness.round().long() + 1
        pull, change = (torch.tensor(pair)[upward] for pair in (self.pull, self.change_weight))
        margin, limit, border = (torch.tensor(each)[boldness] for each in (self.margin, self.limit, self.most_border))
        strictness = 1 + (self.people_weight - 1) * people.float()
        own_limit = limit * (1 + (self.people_limit - 1) * people.float())
        size = torch.tanh(edits.raw).square().sum(1) + edits.both * torch.tanh(edits.raw_around).square().sum(1)
        beyond = torch.relu(outcome.difference - own_limit).square()
        beyond_around = torch.relu(outcome.difference_around - limit).square()
        return (
            self.saliency_weight * bound_exp(-pull * outcome.gain)
            + self.realism_weight * strictness * torch.relu(-outcome.realism - margin)
            + self.limit_weight * (beyond + beyond_around)
            + self.border_weight * torch.relu(outcome.border - border)
            + self.kept_weight * torch.relu(self.least_kept - outcome.kept).square()
            + self.vivid_weight * upward * torch.relu(self.least_vivid - outcome.vivid).square()
            + self.tint_weight * (strictness * outcome.tint + outcome.tint_around)
            + change * outcome.change
            + self.size_weight * size
        )


@dataclass
class Judges:
    """The frozen networks that the edit network is trained against."""

    viewers: list[SaliencyNetwork]
    critic: Critic

    def watch(self, encoded: Tensor, mask: Tensor, valid: Tensor, viewers: list[int]) -> tuple[Tensor, Tensor]:
        """What the viewers of the given indices see.

        The log of the region's share of attention by each [N, S]; the first one's density [N, H/8, W/8].
        """
        encoded = encoded.contiguous(memory_format=torch.channels_last)
        with checkpoints.use_bfloat16(encoded.device):
            maps = [self.viewers[index](encoded, valid) for index in viewers]
        return torch.stack([(measure_share(each, mask) + 1e-4).log() for each in maps], 1), maps[0].exp()

    def judge(self, encoded: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
        """The region's realism [N]."""
        window = self.critic.look(encoded, mask, valid)
        with checkpoints.use_bfloat16(encoded.device):
            return self.critic.judge(window).float()

    def all(self) -> list[int]:
        return list(range(len(self.viewers)))


@torch.no_grad()
def prepare(
    network: EditNetwork, judges: Judges, chosen: list[data.Region], rng: np.random.Generator, rounds: int,
    augment: bool, team: Team,
) -> list[Prepared]:  # fmt: skip
    """One entry an orientation: the regions, `rounds` times, each time placed anew."""
    work = [batch for _ in range(rounds) for batch in data.make_batches(chosen, 16, rng)]
    seeds = rng.integers(0, 2**31, len(work))

    def look(index: int) -> Prepared:
        batch = examples.load(work[index], np.random.default_rng(int(seeds[index])) if augment else None)
        log_share, density = judges.watch(batch.picture, batch.mask, batch.valid, judges.all())
        area = batch.mask.mean((1, 2, 3)) / batch.valid.mean((1, 2, 3))
        with checkpoints.use_bfloat16(torch.device("cpu")):
            picture = batch.picture.to(memory_format=torch.channels_last)
            numbers = network.describe(picture, batch.mask, batch.valid, density)
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


def bound_exp(x: Tensor) -> Tensor:
    """exp(x), from x = 1 on its tangent: one region that went far the wrong way must not outweigh all others."""
    return torch.where(x < 1, x.clamp(max=1).exp(), math.e * x)


def edit_picture(
    picture: Tensor, mask: Tensor, valid: Tensor, inside: Tensor, around: Tensor | None, order: Tensor
) -> Edited:
    """Edit one display-encoded picture [3, H, W] through its mask [1, H, W].

    inside: parameters [COUNT], applied in an order [kinds].  around: the same for what surrounds the region, applied
    after the others through the inverted mask.  The padding (valid 0) follows the picture, and counts in no figure.
    """
    side = float(max(valid.sum(1).max(), valid.sum(2).max()))
    before, weights, on = operators.decode(picture)[None], mask[None], valid[None]
    neighbours = colour.find_neighbours(mask[0])
    parameters, orders = inside[None], order[None]
    sharpened = operators.blend(before, operators.apply_sharpening(before, parameters, side), weights)
    # All but sharpening looks at single pixels: the masked ones are enough.
    chosen = mask.flatten().nonzero()[:, 0]
    part, part_weights = (x.flatten(2)[:, :, None, chosen] for x in (sharpened, weights))
    part = operators.apply_pointwise(part, part_weights, parameters, orders)
    if around is None:
        part = part.clamp(0, 1)
        edited = picture.flatten(1).index_copy(1, chosen, operators.encode(part)[0, :, 0]).view_as(picture)
        was, now = colour.to_lab(before.flatten(2)[:, :, None, chosen]), colour.to_lab(part)
        places = torch.zeros(mask.numel(), dtype=torch.long).index_copy(0, chosen, torch.arange(len(chosen)))
        looks = _compare(was, now, part_weights, places[neighbours])
        border = contours.measure_border(picture, edited, mask, valid)
        nothing = torch.zeros(())
        return Edited(edited, *looks, border, nothing, nothing, nothing)
    after = sharpened.flatten(2).index_copy(2, chosen, part[:, :, 0]).view_as(sharpened)
    after = operators.apply(after, 1 - weights, around[None], orders, side)
    edited = operators.encode(after)[0]
    was, now = colour.to_lab(before), colour.to_lab(after)
    looks = _compare(was, now, weights, neighbours)
    border = contours.measure_border(picture, edited, mask, valid)
    rest = (1 - weights) * on
    maps = colour.measure_difference(was, now), colour.measure_tint(was, now)
    difference_around, tint_around = (colour.average_inside(each, rest)[0] for each in maps)
    change = difference_around * rest.sum() / on.sum()
    return Edited(edited, *looks, border, difference_around, tint_around, change)


def _compare(was: Tensor, now: Tensor, weights: Tensor, neighbours: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """difference, tint, kept and vivid as in `Edited`, from a region in Lab [1, 3, H, W] before and after.

    weights [1, 1, H, W]; neighbours: colour.find_neighbours.
    """
    maps = colour.measure_difference(was, now), colour.measure_tint(was, now)
    difference, tint = (colour.average_inside(each, weights)[0] for each in maps)
    details, lights, chromas = [], [], []
    for lab in (was, now):
        details.append(colour.measure_detail(lab[0, 0].flatten(), neighbours))
        lights.append(colour.average_inside(lab[:, :1], weights)[0])
        chromas.append(colour.average_inside(lab[:, 1:].square().sum(1, keepdim=True).add(1e-4).sqrt(), weights)[0])
    lighter = (lights[1] + BLACK) / (lights[0] + BLACK)
    kept = (details[1] + SMOOTH) / (details[0] + SMOOTH) / lighter.clamp(max=1)
    vivid = (chromas[1] + _GREY) / (chromas[0] + _GREY) / lighter.clamp(min=1)
    return difference, tint, kept, vivid


def play(judges: Judges, batch: Prepared, edits: Edits, viewers: list[int]) -> Outcome:
    """Apply edits to a batch and ask the judges; viewers: indices of the saliency networks that look."""
    mask, valid = batch.mask.float() / 255, batch.valid.float()
    pictures = zip(batch.picture.float() / 255, mask, valid)
    around = [each if wanted else None for each, wanted in zip(edits.around, edits.both)]
    done = [edit_picture(*each, *how) for each, how in zip(pictures, zip(edits.inside, around, edits.wish.orders))]
    encoded, *figures = (torch.stack(x) for x in zip(*done))
    moved = judges.watch(encoded, mask, valid, viewers)[0] - batch.log_share[:, viewers]
    realism = judges.judge(encoded, mask, valid) - batch.realism
    return Outcome(edits.wish.direction * moved.mean(1), realism, *figures)


def to_relative(gain: Tensor, sign: float) -> Tensor:
    """The region's change of share as a part of it, positive as wanted, from `Outcome.gain`."""
    return sign * ((sign * gain).exp() - 1)


@torch.no_grad()
def validate_direction(
    network: EditNetwork, judges: Judges, batches: list[Prepared], sign: float, team: Team
) -> dict[str, float]:
    """The main figures of one direction (-1 or +1) on held-out regions, natural, in one fixed order of the edits.

    "constant": the median change with the network's mean parameters on every picture, scaled to the network's colour
    difference.  "both": inside and around; "change": of the whole picture, as a multiple of that of the region alone.
    """

    def look(
        batch: Prepared, both: bool = False, boldness: float = 0.0, fixed: Tensor | None = None
    ) -> tuple[Edits, Outcome, Tensor]:
        wish = Wish.make_plain(torch.full((len(batch),), sign), boldness)
        edits = Edits(*network.predict_raw(batch.numbers, wish), wish, torch.full((len(batch),), both))
        if fixed is not None:
            edits = edits.with_fixed(fixed)
        areas = batch.mask.float().mean((1, 2, 3)) / 255 / batch.valid.float().mean((1, 2, 3))
        outcome = play(judges, batch, edits, judges.all())
        return edits, outcome, areas * outcome.difference + outcome.change

    def every(looks: list[tuple[Edits, Outcome, Tensor]], name: str) -> Tensor:
        return torch.cat([getattr(outcome, name) for _, outcome, _ in looks])

    def changed(looks: list[tuple[Edits, Outcome, Tensor]]) -> float:
        return float(torch.cat([whole for _, _, whole in looks]).mean())

    alone = team.map(look, batches)
    bold = team.map(partial(look, boldness=1.0), batches)
    together = team.map(partial(look, both=True), batches)
    gain, gain_both = (to_relative(every(looks, "gain"), sign) for looks in (alone, together))
    parameters, around = (torch.cat([getattr(edits, side) for edits, _, _ in alone]) for side in ("inside", "around"))
    difference, people = every(alone, "difference"), torch.cat([batch.people for batch in batches])
    mean = parameters.mean(0)
    for _ in range(2):
        constant = team.map(partial(look, fixed=mean), batches)
        mean = mean * difference.mean() / every(constant, "difference").mean()
    return {
        "median": float(gain.median()),
        "mean": float(gain.mean()),
        "wrong": float((gain <= 0).float().mean()),
        "constant": float(to_relative(every(constant, "gain"), sign).median()),
        "dR": float(every(alone, "realism").mean()),
        "dR<-.1": float((every(alone, "realism") < -0.1).float().mean()),
        "CIE": float(difference.mean()),
        "CIE people": float(difference[people].mean()),
        "tint": math.sqrt(float(every(alone, "tint").mean())),
        "kept": float(every(alone, "kept").mean()),
        "vivid": float(every(alone, "vivid").mean()),
        "border": float(every(alone, "border").mean()),
        "bold median": float(to_relative(every(bold, "gain"), sign).median()),
        "bold dR": float(every(bold, "realism").mean()),
        "bold CIE": float(every(bold, "difference").mean()),
        "bold kept": float(every(bold, "kept").mean()),
        "EV": float(parameters[:, 0].mean()),
        "EV spread": float(parameters[:, 0].std(correction=0)),
        "both median": float(gain_both.median()),
        "both mean": float(gain_both.mean()),
        "both wrong": float((gain_both <= 0).float().mean()),
        "both dR<-.1": float((every(together, "realism") < -0.1).float().mean()),
        "both change": changed(together) / changed(alone),
        "EV around": float(around[:, 0].mean()),
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


def to_objective(values: Mapping[str, Any]) -> Objective:
    """The objective that options or a checkpoint name; pairs may be lists."""
    pairs: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Objective(**{entry.name: pairs[entry.name] for entry in fields(Objective)})


def rebalance(objective: Objective, scores: Mapping[str, float], most: float) -> Objective:
    """The objective with change around the region dearer or cheaper.

    So that editing both sides of the mask comes to change the picture `most` times as much as the region alone does;
    scores: what `validate` found with the objective as it is.
    """
    weights = []
    for name, weight in zip(("attenuate", "emphasize"), objective.change_weight):
        excess = (scores.get(f"{name} both change", most) - 1) / (most - 1)
        # By the root of it, since training at another weight overshoots.
        weights.append(weight * min(2.0, max(0.5, math.sqrt(max(0.0, excess)))))
    return replace(objective, change_weight=(weights[0], weights[1]))


def make_parser() -> argparse.ArgumentParser:
    """The options of this script; those of the objective have the names of its entries."""
    parser = checkpoints.make_parser("edit", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "edit.pt")
    own_photos.add_options(parser)
    parser.add_argument(
        "--trunk", default="efficientnet-lite0",
        help="weights in DATA/weights, torchvision, timm, or the name of an EfficientNet-lite",
    )  # fmt: skip
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[24, 40, 80, 112], help="trunk features read, by channels"
    )
    parser.add_argument("--hidden", type=int, default=256, help="units of the head")
    parser.add_argument(
        "--viewers",
        type=Path,
        nargs="+",
        default=[checkpoints.RUNS / "saliency.pt", checkpoints.RUNS / "saliency-2.pt"],
        help="saliency networks, checkpoints or .onnx files; the first one is the server's",
    )
    parser.add_argument("--critic", type=Path, default=checkpoints.RUNS / "realism.pt", help="realism critic")
    parser.add_argument(
        "--prepared", type=Path, default=checkpoints.RUNS / "prepared.pt",
        help="what does not depend on the edits; read if newer than viewers and critic, else made",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=2, help="how often each region is placed in the training set")
    parser.add_argument("--epochs", type=int, default=9, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=220, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--batch", type=int, default=16, help="edited pictures a step")
    parser.add_argument("--both", type=float, default=0.6, help="part of them that is edited around the region, too")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at the start")
    parser.add_argument(
        "--most-change", type=float, default=2.0,
        help="how much the picture may change when the background is edited, too, in changes by the region's edits",
    )  # fmt: skip
    for entry in fields(Objective):
        many = len(entry.default) if isinstance(entry.default, tuple) else None
        name = "--" + entry.name.replace("_", "-")
        parser.add_argument(name, type=float, nargs=many, default=entry.default, help="see class Objective")
    return parser


def load_start(options: argparse.Namespace, network: EditNetwork, reader: StyleReader) -> None:
    """Give the networks the weights that the options name to begin from; the trunk does not learn."""
    if options.start is None:
        network.trunk.load(options.trunk, options.data / "weights")
    elif options.start.suffix == exported.SUFFIX:
        exported.load_edit(network, exported.read_edit(options.start), options.start)
    else:
        begun = checkpoints.load(options.start)
        exported.load_edit(network, begun["model"], options.start)
        reader.load_state_dict(begun["reader"])
    network.trunk.requires_grad_(False)


def load_prepared(
    options: argparse.Namespace, network: EditNetwork, judges: Judges, team: Team
) -> tuple[list[Prepared], list[Prepared]]:
    """The regions to train on and those held out, from the file that the options name, or made for it."""
    network.eval()
    sources = [*options.viewers, options.critic, *([options.start] if options.start else [])]
    if options.prepared.is_file() and all(f.stat().st_mtime < options.prepared.stat().st_mtime for f in sources):
        prepared, held = ([Prepared(**part) for part in parts] for parts in torch.load(options.prepared, mmap=True))
        return prepared, held
    rng = np.random.default_rng(options.seed)
    training, validation, _ = data.split(own_photos.load_chosen(options) or data.load_regions(options.data))
    if options.steps:
        training, validation = training[: 16 * options.steps], validation[: 16 * options.steps]
    held = prepare(network, judges, (validation or training)[::3], rng, 1, False, team)
    prepared = prepare(network, judges, training, rng, options.rounds, True, team)
    options.prepared.parent.mkdir(parents=True, exist_ok=True)
    torch.save([[vars(part) for part in parts] for parts in (prepared, held)], options.prepared)
    return prepared, held


@dataclass
class Trainer:
    """What learns, and what it learns from."""

    options: argparse.Namespace
    network: EditNetwork
    reader: StyleReader
    judges: Judges
    optimizer: torch.optim.Optimizer
    prepared: list[Prepared]
    middle: float  # of the regions' lift: more is what draws the eye
    team: Team

    def run_epoch(self, epoch: int, objective: Objective) -> list[float]:
        """One epoch; the losses of its steps."""
        options, rng = self.options, np.random.default_rng([self.options.seed, epoch])
        torch.manual_seed(options.seed * 1000 + epoch)
        self.network.train()
        steps = min(options.epoch_steps, options.steps or options.epoch_steps)
        return [self._step((epoch + step / steps) / options.epochs, objective, rng) for step in range(steps)]

    def _step(self, progress: float, objective: Objective, rng: np.random.Generator) -> float:
        """One step, at the rate of that part of the training; its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)
        counts = np.array([len(part) for part in self.prepared])
        part = self.prepared[rng.choice(len(counts), p=counts / counts.sum())]
        batch = part.take(torch.from_numpy(rng.integers(0, len(part), self.options.batch)))
        self.optimizer.zero_grad()
        strictness = min(1.0, progress / _LENIENT) ** 2
        objective = replace(objective, realism_weight=strictness * objective.realism_weight)
        loss = self._descend(batch, objective, rng)
        for learner in (self.network, self.reader):
            torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        self.optimizer.step()
        return loss

    def _descend(self, batch: Prepared, objective: Objective, rng: np.random.Generator) -> float:
        """Add the gradients of the objective's mean over a batch, for random wishes; returns it."""
        many = len(batch)
        suggested = torch.where(batch.lift > self.middle, -1.0, 1.0)
        direction = torch.where(torch.from_numpy(rng.random(many) < _LIKELY), suggested, -suggested)
        orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, len(operators.ALL_ORDERS), many))]
        styled = torch.from_numpy(rng.random(many) < _STYLED)
        style = torch.from_numpy(rng.standard_normal((many, STYLE))).float() * styled[:, None]
        boldness = torch.from_numpy(rng.choice([-1.0, 0.0, 1.0], many, p=_BOLDNESS)).float()
        wishes = Wish(direction, boldness, orders, style)
        noise = torch.from_numpy(rng.normal(0, _BLUR, (2, many, COUNT))).float() * operators.list_scales()
        # Evenly over the batch, since these take longest and its parts run side by side.
        steps = torch.arange(many + 1) * self.options.both
        both = steps[1:].floor() > steps[:-1].floor()
        turn = int(rng.integers(len(self.judges.viewers)))

        def loss(rows: slice) -> Tensor:
            part, wish = batch.take(rows), wishes.take(rows)
            edits = Edits(*self.network.predict_raw(part.numbers, wish), wish, both[rows])
            # One viewer at a time, each part of the batch another: more pictures in the same time.
            viewer = (turn + rows.start * self.team.threads // many) % len(self.judges.viewers)
            outcome = play(self.judges, part, edits, [viewer])
            read = self.reader(edits.inside + noise[0, rows], edits.around + noise[1, rows], wish.direction, both[rows])
            error = styled[rows] * (read - wish.style).square().mean(1)
            return objective(outcome, edits, part.people) + objective.style_weight * error

        return self.team.run_backward(loss, many)


def main(argv: list[str] | None = None) -> None:
    """Train."""
    options = make_parser().parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)

    network, reader = EditNetwork(tuple(options.taps), options.hidden), StyleReader()
    load_start(options, network, reader)
    judges = Judges([saliency.load_network(p) for p in options.viewers], realism.load_network(options.critic))
    for module in (network, *judges.viewers, judges.critic):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    first, clock, objective = 0, checkpoints.Clock(), to_objective(vars(options))
    learned = [p for p in (*network.parameters(), *reader.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=options.rate, weight_decay=0.01)
    state = checkpoints.load(options.out) if options.resume and options.out.is_file() else None
    if state:
        network.load_state_dict(state["model"])
        reader.load_state_dict(state["reader"])
        optimizer.load_state_dict(state["optimizer"])
        first, clock = state["epoch"], checkpoints.Clock(state["seconds"])
        objective = replace(objective, change_weight=to_objective(state["objective"]).change_weight)

    prepared, held = load_prepared(options, network, judges, team)
    if not state and not options.start:
        network.standardise.measure(torch.cat([part.numbers for part in prepared]))
    middle = float(torch.cat([part.lift for part in prepared]).median())
    print(f"{sum(map(len, prepared))} regions prepared; {clock.seconds():.0f} s", flush=True)

    trainer = Trainer(options, network, reader, judges, optimizer, prepared, middle, team)
    for epoch in range(first, options.epochs):
        losses = trainer.run_epoch(epoch, objective)
        scores = validate(network, judges, held, middle, team)
        objective = rebalance(objective, scores, options.most_change)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        text += ", change weight {:.3f} {:.3f}".format(*objective.change_weight)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, network, optimizer, epoch=epoch + 1, taps=list(options.taps), hidden=options.hidden,
            seconds=clock.seconds(), validation=scores, middle=middle, objective=vars(objective),
            reader=reader.state_dict(),
        )  # fmt: skip


if __name__ == "__main__":
    main()
