# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the saliency network on human fixations (OSIE and Crowd): cross-entropy between fixations and its density.

First the read-out alone on the frozen trunk, then all of it.  The photographs' exposure, saturation and white balance
are varied, since the network will judge edited pictures; where people look is taken not to change by that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_server.parameters import COUNT

from . import checkpoints, data, operators
from .models import STRIDE, SaliencyNetwork, to_cells


def fixation_counts(points: np.ndarray[Any, Any], canvas: tuple[int, int]) -> Tensor:
    """Fixations per cell of the map [H/8, W/8]."""
    counts = torch.zeros(canvas[1] // STRIDE, canvas[0] // STRIDE)
    cells = torch.from_numpy(points // STRIDE).long()
    counts.index_put_((cells[:, 1], cells[:, 0]), torch.ones(len(cells)), accumulate=True)
    return counts


def load_batch(photos: list[data.FixationPhoto], rng: np.random.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures [N, 3, H, W], valid areas [N, 1, H, W], fixation counts [N, H/8, W/8]; augmented if `rng` is given."""
    placements = [data.augmented(photo, rng) if rng else data.whole(photo) for photo in photos]
    pictures = torch.stack([data.to_tensor(p.place(photo.picture())) for p, photo in zip(placements, photos)])
    counts = [fixation_counts(p.points(photo.fixations), p.canvas) for p, photo in zip(placements, photos)]
    return pictures, torch.stack([p.valid() for p in placements]), torch.stack(counts)


def varied_colour(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Half of the pictures with another exposure, saturation and white balance."""
    count = len(pictures)
    spread = torch.tensor([0.8, 0.8, 0.15, 0.15]) * strength * (torch.rand(count, 1, generator=generator) < 0.5)
    parameters = torch.zeros(count, COUNT)
    parameters[:, :4] = (torch.rand(count, 4, generator=generator) * 2 - 1) * spread
    orders = torch.tensor([[0, 1, 2, 3]]).expand(count, 4)
    linear = operators.decode(pictures)
    return operators.encode(operators.apply(linear, torch.ones_like(linear[:, :1]), parameters, orders))


def nss(log_map: Tensor, counts: Tensor, valid: Tensor) -> Tensor:
    """Normalised scanpath saliency of each picture [N], on the map's cells: mean z-score at the fixations."""
    inside = to_cells(valid) > 0.5
    scores = []
    for density, fixations, area in zip(log_map.exp(), counts, inside):
        z = (density - density[area].mean()) / density[area].std()
        scores.append((z * fixations).sum() / fixations.sum())
    return torch.stack(scores)


def correlation(log_map: Tensor, counts: Tensor, valid: Tensor) -> Tensor:
    """Linear correlation (CC) of each density with the fixations, blurred by about a degree of visual angle."""
    line = torch.exp(-(torch.arange(-3.0, 4.0) ** 2) / 2)
    kernel = (line[:, None] * line / line.sum() ** 2)[None, None]
    blurred = F.conv2d(counts[:, None], kernel, padding=3)[:, 0]
    inside = to_cells(valid) > 0.5
    pairs = zip(log_map.exp(), blurred, inside)
    return torch.stack([torch.corrcoef(torch.stack([a[area], b[area]]))[0, 1] for a, b, area in pairs])


@torch.no_grad()
def validate(network: SaliencyNetwork, photos: list[data.FixationPhoto]) -> dict[str, float]:
    """Mean NSS and CC on each source, viewers' centre bias included."""
    scores: dict[str, list[float]] = {}
    network.eval()
    for photo in photos:
        pictures, valid, counts = load_batch([photo], None)
        log_map = network.with_centre_bias(network.logits(pictures), valid)
        source = photo.name.split("_")[0]
        scores.setdefault(f"{source} NSS", []).append(float(nss(log_map, counts, valid)))
        scores.setdefault(f"{source} CC", []).append(float(correlation(log_map, counts, valid)))
    return {name: float(np.mean(values)) for name, values in sorted(scores.items())}


def load_network(path: Path) -> SaliencyNetwork:
    """A trained network from its checkpoint, frozen."""
    state = checkpoints.load(path)
    network = SaliencyNetwork(tuple(state["taps"]))
    network.load_state_dict(state["model"])
    return network.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = checkpoints.parser("saliency", str(__doc__).split("\n\n")[0], checkpoints.RUNS / "saliency.pt")
    parser.add_argument("--trunk", default="mnv2_imagenet_from_int8_fp16.pth", help="trunk weights in DATA/weights")
    parser.add_argument(
        "--taps", type=int, nargs="+", default=[32, 64, 96, 320], help="trunk features read, by channels"
    )
    parser.add_argument("--frozen-epochs", type=int, default=4, help="epochs of the read-out alone")
    parser.add_argument("--epochs", type=int, default=12, help="epochs in all")
    parser.add_argument("--batch", type=int, default=16, help="pictures a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the read-out")
    parser.add_argument("--trunk-rate", type=float, default=1e-4, help="learning rate of the trunk")
    parser.add_argument("--colour", type=float, default=1.0, help="strength of the colour variation")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    training, validation = data.split(data.load_fixations(options.data))
    network = SaliencyNetwork(tuple(options.taps))
    network.trunk.load(options.data / "weights" / options.trunk)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trunk = list(network.trunk.parameters())
    head = [p for name, p in network.named_parameters() if not name.startswith("trunk.")]
    optimizer = torch.optim.AdamW(
        [{"params": head, "lr": options.rate}, {"params": trunk, "lr": options.trunk_rate}], weight_decay=1e-4
    )
    steps_an_epoch = sum(1 for _ in data.batches(training, options.batch, np.random.default_rng(0)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        [options.rate, options.trunk_rate],
        total_steps=max(2, steps_an_epoch * options.epochs),
        pct_start=0.1,
    )
    first, clock = 0, checkpoints.Clock()
    if options.resume and options.out.is_file():
        state = checkpoints.load(options.out)
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first, clock = state["epoch"], checkpoints.Clock(state["seconds"])

    on = checkpoints.device()
    for epoch in range(first, options.epochs):
        # Everything random in an epoch follows from seed and epoch, so a resumed run repeats an unbroken one.
        rng = np.random.default_rng([options.seed, epoch])
        generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
        network.train().to(on)
        network.trunk.requires_grad_(epoch >= options.frozen_epochs)
        losses = []
        for step, photos in enumerate(data.batches(training, options.batch, rng)):
            if step == options.steps:
                break
            pictures, valid, counts = load_batch(photos, rng)
            pictures = varied_colour(pictures, options.colour, generator)
            pictures = pictures.to(on, memory_format=torch.channels_last)
            with checkpoints.fast(on):
                logits = network.logits(pictures)
            log_map = network.with_centre_bias(logits, valid.to(on))
            counts = counts * (to_cells(valid) > 0.5)  # some fixations lie in cells that are mostly padding
            weight = (counts / counts.sum((1, 2), keepdim=True).clamp(min=1)).to(on)
            loss = -(weight * log_map).sum((1, 2)).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        network.to("cpu")
        scores = validate(network, validation)
        text = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; validation {text}; {clock.seconds():.0f} s", flush=True)
        checkpoints.save(
            options.out, network, optimizer, schedule=schedule.state_dict(), epoch=epoch + 1, taps=list(options.taps),
            seconds=clock.seconds(), validation=scores,
        )  # fmt: skip


if __name__ == "__main__":
    main()
