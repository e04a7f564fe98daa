# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a realism critic: does this region look edited?  Random edits only, before there is an edit network.

After the CVPR 2023 paper, with least squares; what counts as real and as fake is drawn by fakes.py.  A step edits
regions anew, each of them once into a real and once into a fake, on the canvas that the server works on, through masks
that fit, loose ones and feathered ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from model_server.predict.vector import COUNT

from . import checkpoints, colour, contours, data, exported, fakes, operators, own_photos, selections
from .fakes import Rng, Shape
from .models import CRITICS, Critic, RealismCritic
from .parallel import Team

# Below this mean difference between a pixel's largest and smallest channel a region is nearly grey.
_GREY = 0.06

# How often a fake that hardly shows is drawn anew.
_TRIES = 3

# How the contour's head learns by itself: rounds through its pairs, and pairs a step.
_CONTOUR_ROUNDS, _CONTOUR_BATCH = 30, 64

# How much exposure, saturation and white balance of whole pictures vary: what is common to a photograph is no edit.
_JITTER = (0.4, 0.3, 0.12, 0.12)


class Canvases(NamedTuple):
    """Regions of one orientation, uint8, to keep thousands in memory: [N, 3 or 1, H, W]; flags [N].

    masks: by the shapes of `Shape`, [N, 3, H, W].
    """

    picture: Tensor
    masks: Tensor
    valid: Tensor
    people: Tensor
    grey: Tensor

    def take(self, rows: Tensor) -> Canvases:
        return Canvases(*(field[rows] for field in self))

    def choose_masks(self, shapes: list[Shape]) -> Tensor:
        """One mask for each region [N, 1, H, W], 0..1."""
        places = [list(Shape).index(shape) for shape in shapes]
        return self.masks[torch.arange(len(places)), places][:, None].float() / 255


class Pairs(NamedTuple):
    """Regions, each with a real and then with a fake edit, and what they are seen by.

    pictures [2, N, 3, H, W], display-encoded; masks [2, N, 1, H, W]; valid [N, 1, H, W]; weights [2, N]: how much each
    counts.
    """

    pictures: Tensor
    masks: Tensor
    valid: Tensor
    weights: Tensor


def _imitate_fit(mask: Image.Image, rng: Rng) -> Image.Image:
    """The mask, now and then a little softer, larger or smaller: as a careful user or the edge network leaves it."""
    kind = str(rng.choice(["same", "soft", "grow", "shrink"], p=[0.55, 0.25, 0.1, 0.1]))
    if kind == "soft":
        return mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.5))))
    if kind == "grow":
        return mask.filter(ImageFilter.MaxFilter(3))
    return data.imitate_selection(mask, kind, rng)


def _feather(mask: Image.Image, rng: Rng) -> Image.Image:
    """A selection with an edge of some hundredths of its longer side."""
    bounds = selections.find_bounds(mask)
    longer = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) if bounds else 0
    return mask.filter(ImageFilter.GaussianBlur(longer * float(rng.uniform(0.025, 0.08))))


def _place(region: data.Region, rng: Rng, augment: bool) -> Canvases:
    """One region on its canvas, placed at random if `augment`."""
    truth = region.open_mask()
    drawn = selections.draw_selection(truth, str(rng.choice(["box", "ellipse", "lasso", "dilated", "shifted"])), rng)
    placement = data.place_randomly(region.photo, rng) if augment else data.place_whole(region.photo)
    if placement.place(truth).sum() < 64 * 255:  # a crop that lost the region teaches nothing
        placement = data.place_whole(region.photo)
    valid = placement.mark_valid()
    shapes = [_imitate_fit(truth, rng), drawn, _feather(drawn, rng)]
    masks = torch.cat([data.to_tensor(placement.place(mask)) for mask in shapes]) * valid
    picture = data.to_tensor(placement.place(region.photo.open_picture()))
    chroma = picture.amax(0, keepdim=True) - picture.amin(0, keepdim=True)
    grey = colour.average_inside(chroma[None], masks[None, :1]) < _GREY
    picture, masks, valid = ((x * 255).round().byte()[None] for x in (picture, masks, valid))
    return Canvases(picture, masks, valid, torch.tensor([region.people]), grey)


def place_regions(chosen: list[data.Region], rng: Rng, rounds: int, augment: bool, team: Team) -> list[Canvases]:
    """One entry an orientation: the regions, `rounds` times, each time placed anew if `augment`."""
    groups = [[each for each in chosen if each.photo.portrait is portrait] * rounds for portrait in (False, True)]
    result = []
    for group in filter(None, groups):
        seeds = rng.integers(0, 2**31, len(group)).tolist()
        work = list(zip(group, seeds))
        placed = team.map(lambda each: _place(each[0], np.random.default_rng(each[1]), augment), work)
        result.append(Canvases(*(torch.cat(fields) for fields in zip(*placed))))
    return result


_DECODED = operators.decode(torch.arange(256) / 255)


def decode(picture: Tensor) -> Tensor:
    """Linear light of uint8 pictures."""
    return _DECODED[picture.long()]


def edit_canvases(linear: Tensor, masks: Tensor, valid: Tensor, draws: list[Tensor], rng: Rng) -> Tensor:
    """Linear pictures [N, 3, H, W] with the drawn parameters applied through masks [N, 1, H, W] in random orders."""
    orders = operators.ALL_ORDERS[torch.from_numpy(rng.integers(0, len(operators.ALL_ORDERS), len(draws)))]
    sides = torch.maximum(valid[:, 0].float().sum(1).amax(1), valid[:, 0].float().sum(2).amax(1)) / valid.amax()
    return operators.apply_inside(linear, masks, torch.stack(draws), orders, sides)


def measure_change(before: Tensor, after: Tensor, mask: Tensor) -> float:
    """The mean CIE76 of the region between two linear pictures [3, H, W]; mask [1, H, W]."""
    chosen = (mask > 0.5).flatten().nonzero()[:, 0]
    if not len(chosen):
        return 0.0
    labs = [colour.to_lab(linear.flatten(1)[None, :, None, chosen]) for linear in (before, after)]
    return float(colour.measure_difference(*labs).mean())


def edit_visibly(
    linear: Tensor, mask: Tensor, valid: Tensor, draw: Callable[[], Tensor], rng: Rng
) -> tuple[Tensor, bool]:
    """One linear picture [3, H, W] with an edit that can be seen, drawn anew where it hardly shows; whether it does."""
    for _ in range(_TRIES):
        edited = edit_canvases(linear[None], mask[None], valid[None], [draw()], rng)[0]
        if measure_change(linear, edited, mask) >= fakes.LEAST_VISIBLE:
            return edited, True
    return edited, False


def _vary(linear: Tensor, rng: Rng) -> Tensor:
    """The pictures with another exposure, saturation and white balance, half of them."""
    spread = torch.tensor(_JITTER) * torch.from_numpy(rng.random((len(linear), 1)) < 0.5)
    parameters = torch.zeros(len(linear), COUNT)
    parameters[:, :4] = torch.from_numpy(rng.uniform(-1, 1, (len(linear), 4))).float() * spread
    for apply in (operators.apply_exposure, operators.apply_saturation, operators.apply_white_balance):
        linear = apply(linear, parameters)
    return linear.clamp(0, 1)


def make_pairs(batch: Canvases, rng: Rng) -> Pairs:
    """Edit every region once into a real and once into a fake."""
    many = len(batch.people)
    linear = _vary(decode(batch.picture), rng)
    shapes = [[fakes.draw_shape(rng) for _ in range(many)] for _ in range(2)]
    masks = torch.stack([batch.choose_masks(each) for each in shapes])
    flags = list(zip(batch.people.tolist(), batch.grey.tolist(), *shapes))
    draws = [fakes.draw_real(rng, people, shape) for people, _, shape, _ in flags]
    real = edit_canvases(linear, masks[0], batch.valid, draws, rng)
    fake, visible = [], []
    for row, (people, grey, _, shape) in enumerate(flags):
        draw = partial(fakes.draw_fake, rng, people, grey, shape)
        edited, seen = edit_visibly(linear[row], masks[1, row], batch.valid[row], draw, rng)
        fake.append(edited)
        visible.append(float(seen))
    pictures = operators.encode(torch.stack([real, torch.stack(fake)]))
    # Being taken in by a fake of people costs double.
    weights = torch.stack([torch.ones(many), torch.tensor(visible) * (1 + batch.people.float())])
    return Pairs(pictures, masks, batch.valid.float() / 255, weights)


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


def draw_pairs(groups: list[Canvases], seed: int, many: int) -> Pairs:
    """Some regions of one orientation, edited; all that is random follows from the seed."""
    rng = np.random.default_rng(seed)
    counts = np.array([len(group.people) for group in groups])
    group = groups[rng.choice(len(counts), p=counts / counts.sum())]
    return make_pairs(group.take(torch.from_numpy(rng.integers(0, len(group.people), many))), rng)


def load_pairs(groups: list[Canvases], options: argparse.Namespace, epoch: int, team: Team) -> Iterator[Pairs]:
    """An epoch of edited regions."""
    # Everything random in an epoch follows from seed and epoch, so a resumed run repeats an unbroken one.
    rng = np.random.default_rng([options.seed, epoch])
    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    seeds = rng.integers(0, 2**31, steps).tolist()
    return team.work_ahead(lambda seed: draw_pairs(groups, seed, options.batch), seeds)


# What critics are measured on: the kinds of fakes, and borders.
BORDER = "border"
KINDS = (*fakes.FAKES, BORDER)


class Trial(NamedTuple):
    """Regions after a real and after a fake edit of one kind.

    pictures [2, N, 3, H, W], display-encoded; masks [2, N, 1, H, W]; visible [N]: whether the fake can be seen.
    """

    batch: Canvases
    pictures: Tensor
    masks: Tensor
    visible: Tensor


@torch.no_grad()
def make_trials(groups: list[Canvases], kind: str, seed: int, team: Team) -> list[Trial]:
    """Edit held-out regions: into small edits and strong ones of a kind, both through masks that fit.

    For BORDER into the same moderate edit through the mask that fits and through a hard loose one.
    """

    def make(index: int) -> Trial:
        batch, rng = parts[index], np.random.default_rng([seed, index])
        linear, many = decode(batch.picture), len(batch.people)
        loose = Shape.HARD if kind == BORDER else Shape.FITTED
        masks = torch.stack([batch.choose_masks([shape] * many) for shape in (Shape.FITTED, loose)])
        edited = []
        for row, people in enumerate(batch.people.tolist()):
            real = fakes.draw_moderate(rng, people) if kind == BORDER else fakes.draw_small(rng)
            fake = real.clone if kind == BORDER else partial(fakes.draw_strong, rng, people, kind)
            seen = linear[row], masks[1, row], batch.valid[row]
            mild = edit_canvases(seen[0][None], masks[0, row : row + 1], seen[2][None], [real], rng)[0]
            edited.append((mild, *edit_visibly(*seen, fake, rng)))
        pictures = torch.stack([torch.stack(list(side)) for side in list(zip(*edited))[:2]])
        return Trial(batch, operators.encode(pictures), masks, torch.tensor([each[2] for each in edited]))

    parts = [group.take(rows) for group in groups for rows in torch.arange(len(group.people)).split(16)]
    return team.map(make, range(len(parts)))


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
