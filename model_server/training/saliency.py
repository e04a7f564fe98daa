# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the saliency network on human fixations (OSIE and Crowd): cross-entropy between fixations and its density.

First the read-out alone on the frozen trunk, then all of it.  The photographs' exposure, saturation and white balance
are varied, since the network will judge edited pictures; where people look is taken not to change by that.  Into some
of them nonsense is painted: a region in flat green, black or white, inverted or in swapped colours.  People look where
they looked before, if not at the nonsense, so the map stays what it was: an edit network that is trained against this
viewer cannot hide a region by painting it out (the failure of Figure 2 in the CVPR 2023 paper).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_server.predict.vector import COUNT

from . import checkpoints, data, exported, operators
from .fixation_measures import count_fixations, measure
from .models import SaliencyNetwork, to_cells
from .parallel import Team


def load_batch(photos: list[data.FixationPhoto], rng: np.random.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures [N, 3, H, W], valid areas [N, 1, H, W], fixation counts [N, H/8, W/8]; augmented if `rng` is given."""
    placements = [data.place_randomly(photo, rng) if rng else data.place_whole(photo) for photo in photos]
    pictures = torch.stack([data.to_tensor(p.place(photo.open_picture())) for p, photo in zip(placements, photos)])
    counts = [count_fixations(p.place_points(photo.fixations), p.canvas) for p, photo in zip(placements, photos)]
    return pictures, torch.stack([p.mark_valid() for p in placements]), torch.stack(counts)


def vary_colour(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Half of the pictures with another exposure, saturation and white balance."""
    count = len(pictures)
    spread = torch.tensor([0.8, 0.8, 0.15, 0.15]) * strength * (torch.rand(count, 1, generator=generator) < 0.5)
    parameters = torch.zeros(count, COUNT)
    parameters[:, :4] = (torch.rand(count, 4, generator=generator) * 2 - 1) * spread
    linear = operators.decode(pictures)
    orders = operators.ALL_ORDERS[:1].expand(count, -1)
    return operators.encode(operators.apply_pointwise(linear, torch.ones_like(linear[:, :1]), parameters, orders))


def paint_nonsense(pictures: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Some of the display-encoded pictures [N, 3, H, W] with nonsense in a random ellipse or rectangle."""
    result = pictures.clone()
    height, width = pictures.shape[2:]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    for picture in result:
        if rng.random() >= chance:
            continue
        left, top, angle = rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8), rng.uniform(0, np.pi)
        u = ((x - left) * np.cos(angle) + (y - top) * np.sin(angle)) / rng.uniform(0.1, 0.5)
        v = ((y - top) * np.cos(angle) - (x - left) * np.sin(angle)) / rng.uniform(0.1, 0.5)
        distance = (u.square() + v.square()).sqrt() if rng.random() < 0.5 else torch.maximum(u.abs(), v.abs())
        mask = ((1 - distance) * rng.uniform(4, 40) + 0.5).clamp(0, 1)
        kind = rng.choice(["flat", "inverted", "swapped", "glaring"], p=[0.6, 0.1, 0.15, 0.15])
        if kind == "flat":
            # Corners of the colour cube twice as often as the colours between them.
            colour = rng.integers(0, 2, 3) if rng.random() < 0.67 else rng.random(3)
            nonsense = torch.from_numpy(colour).float()[:, None, None].expand_as(picture)
        elif kind == "inverted":
            nonsense = 1 - picture
        elif kind == "swapped":
            nonsense = picture[torch.from_numpy(rng.choice([[1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 2, 1]]))]
        else:
            gain = 2.0 ** (rng.uniform(1.2, 2.5, 3) * rng.choice([-1, 1], 3))
            nonsense = (picture * torch.from_numpy(gain).float()[:, None, None]).clamp(0, 1)
        picture.copy_(torch.lerp(picture, nonsense, mask))
    return result


def spread_fixations(counts: Tensor, share: float) -> Tensor:
    """Counts [N, h, w] with so much of each given to the cell on each side, along both axes.

    People look again within a degree or two; what a few of them looked at exactly is half chance.
    """
    kernel = counts.new_tensor([share, 1 - 2 * share, share])
    spread = F.conv2d(counts[:, None], kernel.view(1, 1, 3, 1), padding=(1, 0))
    return F.conv2d(spread, kernel.view(1, 1, 1, 3), padding=(0, 1))[:, 0]


@torch.no_grad()
def validate(network: SaliencyNetwork, photos: list[data.FixationPhoto], team: Team) -> dict[str, float]:
    """Mean NSS and CC on each source, viewers' centre bias included."""
    network.eval()

    def look(photo: data.FixationPhoto) -> tuple[str, dict[str, float]]:
        with torch.no_grad():
            pictures, valid, counts = load_batch([photo], None)
            log_map = network.add_centre_bias(network.predict_logits(pictures), valid)
        return photo.name.split("_")[0], measure(log_map[0], counts[0], valid[0])

    scores: dict[str, list[float]] = {}
    for source, row in team.map(look, photos):
        for name in ("NSS", "CC"):
            scores.setdefault(f"{source} {name}", []).append(row[name])
    return {name: float(np.mean(values)) for name, values in sorted(scores.items())}


def load_varied(
    photos: list[data.FixationPhoto], options: argparse.Namespace, epoch: int, team: Team
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """An epoch of pictures [N, 3, H, W] in varied colours, valid areas, and shares of the fixations [N, H/8, W/8]."""
    # Everything random in an epoch follows from seed and epoch, so a resumed run repeats an unbroken one.
    rng = np.random.default_rng([options.seed, epoch])
    generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)

    def load(batch: list[data.FixationPhoto]) -> tuple[Tensor, Tensor, Tensor]:
        pictures, valid, counts = load_batch(batch, rng)
        pictures = paint_nonsense(vary_colour(pictures, options.colour, generator), options.paint, rng)
        # Some fixations lie in cells that are mostly padding.
        counts = spread_fixations(counts, options.spread) * (to_cells(valid) > 0.5)
        return pictures, valid, counts / counts.sum((1, 2), keepdim=True).clamp(min=1)

    return team.work_ahead(load, list(data.make_batches(photos, options.batch, rng))[: options.steps])


def descend(network: SaliencyNetwork, pictures: Tensor, valid: Tensor, weight: Tensor, team: Team) -> float:
    """Add the gradients of a batch's mean cross-entropy; returns it."""
    on = checkpoints.choose_device()
    pictures = pictures.to(on, memory_format=torch.channels_last)
    valid, weight = valid.to(on), weight.to(on)

    def loss(rows: slice) -> Tensor:
        with checkpoints.use_bfloat16(on):
            logits = network.predict_logits(pictures[rows])
        return -(weight[rows] * network.add_centre_bias(logits, valid[rows])).sum((1, 2))

    return team.run_backward(loss, len(pictures))


def load_network(path: Path) -> SaliencyNetwork:
    """A trained network, frozen: from its checkpoint, or from a saliency.onnx."""
    if path.suffix == exported.SUFFIX:
        taps, weights = exported.read_viewer(path)
    else:
        state = checkpoints.load(path)
        taps, weights = tuple(state["taps"]), state["model"]
    network = SaliencyNetwork(taps)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.make_parser("saliency", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "saliency.pt")
    parser.add_argument(
        "--trunk", default="mnv2_imagenet_from_int8_fp16.pth", help="weights in DATA/weights, torchvision or timm"
    )
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[32, 64, 96, 320], help="trunk features read, by channels"
    )
    parser.add_argument("--frozen-epochs", type=int, default=1, help="epochs of the read-out alone")
    parser.add_argument("--epochs", type=int, default=8, help="epochs in all")
    parser.add_argument("--batch", type=int, default=16, help="pictures a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the read-out")
    parser.add_argument("--trunk-rate", type=float, default=1e-4, help="learning rate of the trunk")
    parser.add_argument("--colour", type=float, default=1.0, help="strength of the colour variation")
    parser.add_argument("--paint", type=float, default=0.3, help="part of the pictures that nonsense is painted into")
    parser.add_argument("--spread", type=float, default=0.15, help="share of each fixation given to every neighbour")
    options = parser.parse_args(argv)
    team = Team(options.threads)
    torch.manual_seed(options.seed)

    training, validation, _ = data.split(data.load_fixations(options.data))
    if options.start:
        network = load_network(options.start).requires_grad_(True)
    else:
        network = SaliencyNetwork(tuple(options.taps))
        network.trunk.load(options.trunk, options.data / "weights")
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps_an_epoch = sum(1 for _ in data.make_batches(training, options.batch, np.random.default_rng(0)))
    optimizer, schedule = checkpoints.make_optimizer(
        network, options, steps_an_epoch * options.epochs, weight_decay=1e-4
    )
    first, clock = checkpoints.resume(options, network, optimizer, schedule, checkpoints.Clock())

    on = checkpoints.choose_device()
    for epoch in range(first, options.epochs):
        network.train().to(on)
        network.trunk.requires_grad_(epoch >= options.frozen_epochs)
        losses = []
        for pictures, valid, weight in load_varied(training, options, epoch, team):
            optimizer.zero_grad()
            losses.append(descend(network, pictures, valid, weight, team))
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
        network.to("cpu")
        scores = validate(network, validation, team)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, network, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1,
            taps=list(network.trunk.taps), seconds=clock.seconds(), validation=scores,
        )  # fmt: skip


if __name__ == "__main__":
    main()
