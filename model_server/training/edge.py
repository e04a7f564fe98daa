# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the edge network: from a loose selection to the object that is meant.

Around each region with a true mask selections are drawn as people make them (`selections`), and the network learns the
mask from the part of the picture around the selection.  Of surfaces (sky, road, water) it sees selections of a part,
which mean what they say: it learns to give them back.  Beside the mask it learns to expect how well that mask, within
the selection, and how well the selection itself covers what was meant, which says what to take; and whether the
selection's edge is an object's already, which needs no softening then.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from gimp_saliency.shared.framing import frame_selection

from . import checkpoints, data, selections
from .edge_network import TAPS, EdgeNetwork, Found
from .parallel import Team

SIDE = 192  # px; of what the network sees

_SURFACE_PARTS = 0.7  # of the times that a surface is drawn, only a part of it is selected
_TIGHT = 0.93  # overlap from which a selection's edge is taken for the object's
_DOUBTFUL = 0.4  # how often a region whose mask nobody has checked is drawn, beside others
_OUTSIDE = 0.2  # what a pixel outside the selection weighs: it cannot become part of the edit
_SMALLEST, _LARGEST = 0.004, 0.6  # share of the picture that a region may have
_VALIDATED = ("ellipse", "box", "lasso", "fitting", "part")
_GROUND = "mnv2_imagenet_from_int8_fp16.pth"


class Examples(NamedTuple):
    """RGB [N, 3, SIDE, SIDE], selection and what was meant [N, 1, SIDE, SIDE], uint8.

    whole: [N], whether what was meant is an object rather than a part of a surface.
    """

    picture: Tensor
    selection: Tensor
    truth: Tensor
    whole: Tensor

    def take(self, rows: slice) -> Examples:
        return Examples(*(field[rows] for field in self))


class Cut(NamedTuple):
    """One of them as arrays."""

    picture: np.ndarray[Any, Any]
    selection: np.ndarray[Any, Any]
    truth: np.ndarray[Any, Any]
    whole: bool = True


def draw_example(region: data.Region, kind: str, rng: np.random.Generator, augment: bool) -> Cut | None:
    """The part of a photograph around a selection of one kind; None where there is nothing to select.

    kind: one of selections.LOOSE, or "part": of the region as a surface.
    """
    truth = region.open_mask()
    if kind == "part":
        part = selections.draw_part(truth, rng)
        if part is None:
            return None
        truth = selection = part
    else:
        selection = selections.draw_selection(truth, kind, rng)
    cut = cut_example(region.photo.open_picture(), selection, truth, rng if augment else None)
    return cut and cut._replace(whole=kind != "part")


def cut_example(
    picture: Image.Image, selection: Image.Image, truth: Image.Image, rng: np.random.Generator | None = None
) -> Cut | None:
    """What the network sees of a selection.  rng: for a random flip and random colours; None: as it is."""
    bounds = selections.find_bounds(selection)
    if bounds is None:
        return None
    box = frame_selection(bounds, *picture.size)
    colours, selected, meant = (
        np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box, reducing_gap=2))
        for image in (picture, selection, truth)
    )
    if rng is not None:
        gain = np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.05, 3))
        curve = 255 * np.clip(np.linspace(0, 1, 256)[:, None] * gain, 0, 1) ** np.exp(rng.normal(0, 0.15))
        colours = np.stack([curve[:, k].astype(np.uint8)[colours[..., k]] for k in range(3)], 2)
        if rng.random() < 0.5:
            colours, selected, meant = (np.ascontiguousarray(x[:, ::-1]) for x in (colours, selected, meant))
    return Cut(colours, selected, meant)


def draw_kind(region: data.Region, rng: np.random.Generator) -> str:
    if selections.is_surface(region.label, region.area) and rng.random() < _SURFACE_PARTS:
        return "part"
    if rng.random() < 0.04:
        return "part"  # of an object, too: a face of somebody who fills the picture
    return str(rng.choice(list(selections.LOOSE), p=list(selections.LOOSE.values())))


def load_examples(chosen: list[data.Region], rng: np.random.Generator, augment: bool, kind: str = "") -> Examples:
    """One example of each region, of the given or a random kind; what has none is left out."""
    drawn = (draw_example(region, kind or draw_kind(region, rng), rng, augment) for region in chosen)
    cuts = [each for each in drawn if each is not None]
    picture, selection, truth, whole = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*cuts))
    return Examples(picture.permute(0, 3, 1, 2), selection[:, None], truth[:, None], whole)


def work_through(chosen: list[data.Region], options: argparse.Namespace, epoch: int, team: Team) -> Iterator[Examples]:
    """An epoch of batches."""
    rng = np.random.default_rng([options.seed, epoch])
    steps = min(options.epoch_steps, options.steps or options.epoch_steps)
    weights = np.array([_DOUBTFUL if region.label.startswith("auto") else 1.0 for region in chosen])
    weights /= weights.sum()
    work = [(rng.choice(len(chosen), options.batch, p=weights), int(rng.integers(2**31))) for _ in range(steps)]

    def load(item: tuple[Any, int]) -> Examples:
        rows, seed = item
        return load_examples([chosen[row] for row in rows], np.random.default_rng(seed), True)

    return team.work_ahead(load, work)


def measure_overlap(found: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union [N] of soft masks [N, 1, h, w], 0..1."""
    both = torch.minimum(found, truth).sum((1, 2, 3))
    return (both + 1e-3) / (torch.maximum(found, truth).sum((1, 2, 3)) + 1e-3)


def run_network(network: EdgeNetwork, batch: Examples) -> tuple[Found, Tensor, Tensor]:
    """What the network says of a batch; selection and truth at its mask's size."""
    picture, selection, truth = (x.float() / 255 for x in batch[:3])
    with checkpoints.use_bfloat16(torch.device("cpu")):
        found = network(picture.contiguous(memory_format=torch.channels_last), selection)
    return found, F.avg_pool2d(selection, 2), F.avg_pool2d(truth, 2)


def measure_loss(network: EdgeNetwork, batch: Examples) -> Tensor:
    """Losses [N]: of the mask, most of all within the selection, and of both expectations."""
    found, selection, truth = run_network(network, batch)
    weight = _OUTSIDE + (1 - _OUTSIDE) * F.max_pool2d(selection, 5, 1, 2)
    pixels = F.binary_cross_entropy_with_logits(found.mask, truth, reduction="none")
    pixels = (pixels * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))
    inside = found.mask.sigmoid() * selection
    overlap = measure_overlap(inside, truth * selection)
    own = measure_overlap(selection, truth)
    facts = torch.stack([measure_overlap(inside.detach(), truth), own, ((own > _TIGHT) & batch.whole).float()], 1)
    expectation = F.binary_cross_entropy_with_logits(found.expected, facts.clamp(0, 1), reduction="none").sum(1)
    return pixels + (1 - overlap) + 0.5 * expectation


def descend(network: EdgeNetwork, batch: Examples, team: Team) -> float:
    """Add the gradients of the mean loss of a batch; returns it."""
    return team.run_backward(lambda rows: measure_loss(network, batch.take(rows)), len(batch.whole))


def hold_out(regions: list[data.Region], rng: np.random.Generator) -> dict[str, list[Examples]]:
    """Examples to validate with, by kind of selection: around objects, and of parts of surfaces."""
    surfaces = [region for region in regions if selections.is_surface(region.label, region.area)]
    objects = [region for region in regions if not selections.is_surface(region.label, region.area)]
    chosen = {kind: surfaces if kind == "part" else objects for kind in _VALIDATED}
    return {
        kind: [load_examples(of[k : k + 32], rng, False, kind) for k in range(0, len(of), 32)]
        for kind, of in chosen.items()
        if of
    }


@torch.no_grad()
def validate(network: EdgeNetwork, held: dict[str, list[Examples]], team: Team) -> dict[str, float]:
    """By kind of selection: median and lowest quarter of how selection and mask overlap with what was meant."""
    network.eval()
    scores = {}
    for kind, batches in held.items():
        parts = team.map(lambda batch: run_network(network, batch), batches)
        before, fitted, chosen, tight = [], [], [], []
        for found, selection, truth in parts:
            mask = (found.mask.sigmoid() * selection > 0.5).float()
            truth, selection = (truth > 0.5).float(), (selection > 0.5).float()
            fit, own = measure_overlap(mask, truth), measure_overlap(selection, truth)
            before.append(own)
            fitted.append(fit)
            chosen.append(torch.where(found.expected[:, 0] > found.expected[:, 1], fit, own))
            tight.append((found.expected[:, 2] > 0).float())
        for name, values in (("own", before), ("fit", fitted), ("taken", chosen)):
            together = torch.cat(values)
            scores[f"{kind} {name}"] = float(together.median())
            scores[f"{kind} {name} q1"] = float(together.quantile(0.25))
        scores[f"{kind} tight"] = float(torch.cat(tight).mean())
    network.train()
    return scores


def load_network(path: Path) -> EdgeNetwork:
    """A trained edge network, frozen, from its checkpoint."""
    state = checkpoints.load(path)
    network = EdgeNetwork(state["trunk"])
    network.load_state_dict(state["model"])
    return network.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.make_parser("edge", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "edge.pt")
    parser.add_argument("--trunk", choices=list(TAPS), default="efficientnet-lite0", help="whose features are read")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of --epoch-steps steps")
    parser.add_argument("--epoch-steps", type=int, default=200, help="steps an epoch; a checkpoint after each epoch")
    parser.add_argument("--batch", type=int, default=32, help="selections a step")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of the decoder")
    parser.add_argument("--trunk-rate", type=float, default=3e-4, help="learning rate of the trunk")
    options = parser.parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)
    clock = checkpoints.Clock()
    if options.start:
        network = load_network(options.start).requires_grad_(True)
    else:
        network = EdgeNetwork(options.trunk)
        weights = _GROUND if options.trunk == "mobilenet-v2" else options.trunk
        network.trunk.load(weights, options.data / "weights")
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = min(options.epoch_steps, options.steps or options.epoch_steps) * options.epochs
    optimizer, schedule = checkpoints.make_optimizer(network, options, steps, weight_decay=0.01)
    training, validation, _ = data.split(data.load_regions(options.data, _SMALLEST, _LARGEST))
    if options.steps:
        validation = validation[: 16 * options.steps]
    held = hold_out(validation or training, np.random.default_rng(options.seed))
    first, clock = checkpoints.resume(options, network, optimizer, schedule, clock)
    print(f"{len(training)} regions, {len(validation)} held out; {clock.seconds():.0f} s", flush=True)
    for epoch in range(first, options.epochs):
        losses = []
        for batch in work_through(training, options, epoch, team):
            optimizer.zero_grad()
            losses.append(descend(network, batch, team))
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        scores = validate(network, held, team)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, network, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1, trunk=network.kind,
            seconds=clock.seconds(), validation=scores,
        )  # fmt: skip


if __name__ == "__main__":
    main()
