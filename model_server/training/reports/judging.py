# SPDX-License-Identifier: GPL-3.0-or-later
"""Held-out regions, and what saliency networks and critics say of their edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gimp_saliency.shared.choices import DIRECTIONS
from gimp_saliency.shared.edits import Edit

from .. import colour, data, edit, examples, operators
from ..models import Critic, SaliencyNetwork, measure_share, to_cells
from ..parallel import Team
from . import drawing

# Below this mean chroma a region is near-neutral.
_NEUTRAL = 6.0

# Below this mean difference of L* between neighbours a region has no contrast to keep.
_DETAILED = 1.0

# Display-encoded values that 8 bits hold as 0 or 255.
_ENDS = 0.5 / 255, 254.5 / 255

# Figures that are shares, by the beginnings of their names.
PERCENT = ("share", "equation", "wrong", "absolute", "realism change <", "clipped")


@dataclass
class Sample:
    """One region on its canvas: display-encoded picture, mask and valid area as batches of one."""

    region: data.Region
    picture: Tensor
    mask: Tensor
    valid: Tensor

    def size(self) -> tuple[int, int]:
        """Height and width of the picture without padding."""
        return int(self.valid[0, 0, :, 0].sum()), int(self.valid[0, 0, 0].sum())

    def apply_edits(self, edits: list[Edit], background: Sequence[Edit] = ()) -> Tensor:
        """The picture with edits in the region, and then others around it, linear [1, 3, H, W]."""
        side, mask = float(max(self.size())), self.mask[0]
        linear = operators.apply_edits(operators.decode(self.picture)[0], mask, edits, clip=False, side=side)
        return operators.apply_edits(linear, 1 - mask, list(background), side=side)[None]

    def try_parameters(self, parameters: Tensor, order: Tensor) -> edit.Edited:
        """The region with parameters [COUNT] in an order [kinds], as the training applies them."""
        return edit.edit_picture(self.picture[0], self.mask[0], self.valid[0], parameters, None, order)

    def to_bytes(self) -> np.ndarray[Any, Any]:
        """The region as the plug-in sends it: (H, W, 4) uint8, without padding."""
        height, width = self.size()
        whole = torch.cat([self.picture, self.mask], 1)[0, :, :height, :width]
        return np.ascontiguousarray((whole * 255).round().byte().permute(1, 2, 0).numpy())

    def to_image(self, linear: Tensor) -> drawing.Image.Image:
        height, width = self.size()
        return drawing.to_image(operators.encode(linear)[0, :, :height, :width])


@dataclass
class Seen:
    """What the judges see in one picture.

    densities, realism: by their source; lab: the picture in Lab; clipped: see `clip`.
    """

    densities: dict[str, Tensor]
    realism: dict[str, float]
    lab: Tensor
    clipped: Tensor


@dataclass
class Judges:
    """Saliency networks and critics: "training" holds those that the edit network was trained against."""

    viewers: dict[str, list[SaliencyNetwork]]
    critics: dict[str, Critic]

    def look(self, sample: Sample, linear: Tensor) -> Seen:
        """Judge a sample's picture, edited or not."""
        encoded = operators.encode(linear)
        densities = {
            source: torch.stack([viewer(encoded, sample.valid) for viewer in viewers]).exp().mean(0)
            for source, viewers in self.viewers.items()
        }
        verdicts = {name: float(critic(encoded, sample.mask, sample.valid)) for name, critic in self.critics.items()}
        return Seen(densities, verdicts, colour.to_lab(linear), clip(linear))

    def lift(self, sample: Sample) -> float:
        """Log of the region's share of attention against its share of the picture, by the training's viewers."""
        density = torch.stack([viewer(sample.picture, sample.valid) for viewer in self.viewers["training"]]).exp()
        area = sample.mask.sum() / sample.valid.sum()
        return float((measure_share(density.mean(0).log(), sample.mask) / area.clamp(min=1e-4)).clamp(min=1e-6).log())


def load_samples(regions: list[data.Region], team: Team) -> list[Sample]:
    def load(region: data.Region) -> Sample:
        batch = examples.load([region], None)
        return Sample(region, batch.picture, batch.mask, batch.valid)

    return [sample for sample in team.map(load, regions) if sample.mask.sum() > 0]


def choose(samples: list[Sample], lifts: list[float], count: int) -> dict[str, list[Sample]]:
    """For each direction one region of each photograph, at most `count`, evenly out of all.

    As in the CVPR 2023 paper: the more salient half of all regions is attenuated, the less salient half emphasized.
    Where a photograph has several of that half, one of them is drawn.
    """
    middle = float(np.median(lifts))
    rng = np.random.default_rng(0)
    result = {}
    for direction, sign in DIRECTIONS.items():
        drawn: dict[str, Sample] = {}
        for index in rng.permutation(len(samples)):
            if (lifts[index] >= middle) == (sign < 0):
                drawn.setdefault(samples[index].region.photo.name, samples[index])
        found = [drawn[name] for name in sorted(drawn)]
        result[direction] = [found[i] for i in np.linspace(0, len(found) - 1, min(count, len(found))).astype(int)]
    return result


def clip(linear: Tensor) -> Tensor:
    """Which pixels of a linear picture have a channel at one of its ends: [N, 1, H, W], 0 or 1."""
    encoded = operators.encode(linear)
    return ((encoded <= _ENDS[0]) | (encoded >= _ENDS[1])).any(1, keepdim=True).float()


def compare(sample: Sample, before: Seen, after: Seen, direction: str) -> dict[str, float]:
    """Every figure of one edit of one region."""
    sign, mask, cells = DIRECTIONS[direction], sample.mask, to_cells(sample.mask)
    result = {}
    for source, old in before.densities.items():
        new = after.densities[source]
        was, moved = (float(measure_share(density.log(), mask)) for density in (old, new))
        # Where nobody looks a ratio says nothing: a tenth of the mean density is the floor.
        floor = 0.1 / float(to_cells(sample.valid).sum())
        equation3 = float(((new - old) / (old + floor) * cells).sum() / cells.sum().clamp(min=1e-6))
        result[f"share change, {source}"] = moved / was - 1
        result[f"absolute change, {source}"] = moved - was
        result[f"equation 3, {source}"] = max(-1.0, min(1.0, equation3))
        result[f"wrong way, {source}"] = float(sign * (moved - was) < 0)
    for source, verdict in before.realism.items():
        result[f"realism change, {source}"] = after.realism[source] - verdict
        result[f"realism change < -0.1, {source}"] = float(after.realism[source] - verdict < -0.1)
    difference = colour.measure_difference(before.lab, after.lab)
    result["CIE76 inside"] = float(colour.average_inside(difference, mask))
    result["CIE76 of the picture"] = float(colour.average_inside(difference, sample.valid))
    outside = (mask == 0).float()
    result["CIE76 outside"] = float(colour.average_inside((before.lab - after.lab).abs().sum(1, keepdim=True), outside))
    result["tint inside"] = float(colour.average_inside(colour.measure_tint(before.lab, after.lab), mask)) ** 0.5
    neighbours = colour.find_neighbours(mask[0, 0])
    details = [float(colour.measure_detail(seen.lab[0, 0].flatten(), neighbours)) for seen in (before, after)]
    lights = [float(colour.average_inside(seen.lab[:, :1], mask)) for seen in (before, after)]
    if details[0] >= _DETAILED:
        kept = details[1] / details[0]
        result["local contrast kept"] = kept
        # Of what is darker, what darkness alone leaves of it.
        result["local contrast kept, for its lightness"] = kept / min(1.0, lights[1] / max(lights[0], 1.0))
    added = after.clipped - before.clipped
    result["clipped pixels added, region"] = float(colour.average_inside(added, mask))
    result["clipped pixels added, picture"] = float(colour.average_inside(added, sample.valid))
    chroma = [
        float(colour.average_inside(seen.lab[:, 1:].square().sum(1, keepdim=True).sqrt(), mask))
        for seen in (before, after)
    ]
    if chroma[0] < _NEUTRAL:
        result["chroma added, near-neutral regions"] = chroma[1] - chroma[0]
    return result


def summarise(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of every figure, and the median of the changes."""
    result: dict[str, float] = {"regions": float(len(rows))}
    for name in dict.fromkeys(key for row in rows for key in row):
        values = [row[name] for row in rows if name in row]
        if name.startswith(("share", "equation")):
            result[f"{name}, median"] = float(np.median(values))
        result[name] = float(np.mean(values))
    return result
