# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the exported networks on the validation photographs, beside what needs no network, and draw contact sheets.

For each held-out region and direction the shipped files predict; the edits are applied by operators.py and judged by
the saliency networks of the training, by --judge, which no training saw, and by the critic.  "constant" applies the
network's own mean parameters to every picture: what it would reach had it learned nothing about the single picture.
"fixed" is a photographer's habit: attenuate -0.7 EV and 60 % saturation, emphasize +0.5 EV and 125 %.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from torch import Tensor

from model_server.parameters import COUNT, to_edits, to_parameters
from model_server.predictor import DIRECTIONS, NETWORKS, RANKINGS, Predictor
from plugin.saliency.edits import NAMES, ORDERS, Edit, Exposure, Saturation

from . import checkpoints, colour, data, examples, operators, realism, saliency
from .models import RealismCritic, SaliencyNetwork, share, to_cells

FIXED: dict[str, list[Edit]] = {
    "attenuate": [Exposure(-0.7), Saturation(0.6)],
    "emphasize": [Exposure(0.5), Saturation(1.25)],
}


@dataclass
class Sample:
    """One held-out region on its canvas: linear picture, mask and valid area as batches of one."""

    region: data.Region
    linear: Tensor
    mask: Tensor
    valid: Tensor

    def edited(self, edits: list[Edit]) -> Tensor:
        return operators.apply_edits(self.linear[0], self.mask[0], edits)[None]


@dataclass
class Seen:
    """What the judges see in one picture: densities by their source, realism, and the picture in Lab."""

    densities: dict[str, Tensor]
    realism: float
    lab: Tensor


@dataclass
class Judges:
    """The saliency networks of the training, one that no training saw, and the critic."""

    viewers: list[SaliencyNetwork]
    judge: SaliencyNetwork | None
    critic: RealismCritic

    def look(self, sample: Sample, linear: Tensor) -> Seen:
        """Judge a sample's picture, edited or not."""
        encoded = operators.encode(linear)
        sources = {"training": self.viewers, "independent": [self.judge] if self.judge else []}
        densities = {
            source: torch.stack([viewer(encoded, sample.valid) for viewer in viewers]).exp().mean(0)
            for source, viewers in sources.items()
            if viewers
        }
        return Seen(densities, float(self.critic(encoded, sample.mask, sample.valid)), colour.lab(linear))


def figures(sample: Sample, before: Seen, after: Seen, direction: str) -> dict[str, float]:
    """Every figure of one edit of one region."""
    sign, mask, cells = DIRECTIONS[direction], sample.mask, to_cells(sample.mask)
    result = {}
    for source, old in before.densities.items():
        new = after.densities[source]
        was, moved = (float(share(density.log(), mask)) for density in (old, new))
        # Where nobody looks a ratio says nothing: a tenth of the mean density is the floor.
        floor = 0.1 / float(to_cells(sample.valid).sum())
        equation3 = float(((new - old) / (old + floor) * cells).sum() / cells.sum().clamp(min=1e-6))
        result[f"share change, {source}"] = moved / was - 1
        result[f"absolute change, {source}"] = moved - was
        result[f"equation 3, {source}"] = max(-1.0, min(1.0, equation3))
        result[f"wrong way, {source}"] = float(sign * (moved - was) <= 0)
    result["realism change"] = after.realism - before.realism
    result["realism change < -0.1"] = float(after.realism - before.realism < -0.1)
    result["CIE76 inside"] = float(colour.inside(colour.difference(before.lab, after.lab), mask))
    outside = (mask == 0).float()
    result["CIE76 outside"] = float(colour.inside((before.lab - after.lab).abs().sum(1, keepdim=True), outside))
    result["tint inside"] = float(colour.inside(colour.tint(before.lab, after.lab), mask)) ** 0.5
    grey = colour.neutral(before.lab) * mask
    chroma = [seen.lab[:, 1:].square().sum(1, keepdim=True).sqrt() for seen in (before, after)]
    # Where a region holds next to nothing neutral there is nothing to say.
    if float(grey.sum() / mask.sum()) > 0.05:
        result["chroma added to neutrals"] = float(colour.inside(chroma[1] - chroma[0], grey))
    return result


def load_samples(folder: Path, count: int) -> list[Sample]:
    """Held-out regions, at most `count`, evenly out of the list, one of each photograph first."""
    _, regions = data.split(data.load_regions(folder))
    seen: set[str] = set()
    first = [r for r in regions if not (r.photo.name in seen or seen.add(r.photo.name))]  # type: ignore[func-returns-value]
    chosen = [first[i] for i in np.linspace(0, len(first) - 1, min(count, len(first))).astype(int)]
    samples = []
    for region in chosen:
        batch = examples.load([region], None)
        samples.append(Sample(region, operators.decode(batch.picture), batch.mask, batch.valid))
    return samples


def as_bytes(sample: Sample) -> np.ndarray[Any, Any]:
    """The region as the plug-in sends it: (H, W, 4) uint8, without padding."""
    whole = torch.cat([operators.encode(sample.linear), sample.mask], 1)[0]
    height, width = int(sample.valid[0, 0, :, 0].sum()), int(sample.valid[0, 0, 0].sum())
    return np.ascontiguousarray((whole[:, :height, :width] * 255).round().byte().permute(1, 2, 0).numpy())


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of every figure, and the median of the changes."""
    result = {}
    for name in dict.fromkeys(key for row in rows for key in row):
        values = [row[name] for row in rows if name in row]
        result[name] = float(np.mean(values))
        if name.startswith(("share", "equation")):
            result[f"{name}, median"] = float(np.median(values))
    return result


def thumbnail(sample: Sample, linear: Tensor, outline: bool) -> Image.Image:
    """The picture without padding, the region's edge drawn if wanted."""
    height, width = int(sample.valid[0, 0, :, 0].sum()), int(sample.valid[0, 0, 0].sum())
    encoded = operators.encode(linear)[0, :, :height, :width]
    image = Image.fromarray((encoded * 255).round().byte().permute(1, 2, 0).numpy())
    if outline:
        region = Image.fromarray((sample.mask[0, 0, :height, :width] > 0.5).byte().mul(255).numpy())
        edge = ImageChops.difference(region, region.filter(ImageFilter.MinFilter(3)))
        image.paste((255, 0, 255), mask=edge)
    return image


def contact_sheet(samples: list[Sample], edits: list[list[Edit]], captions: list[str], path: Path) -> None:
    """Region, original and edited picture side by side, three such rows abreast."""
    side, gap, abreast, text = 200, 4, 3, 16
    wide = 3 * (side + gap) + 8
    sheet = Image.new("RGB", (abreast * wide, -(-len(samples) // abreast) * (side + text)), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for start in range(0, len(samples), abreast):
        highest = 0
        for index in range(start, min(start + abreast, len(samples))):
            left = (index - start) * wide
            sample = samples[index]
            pictures = [(sample.linear, True), (sample.linear, False), (sample.edited(edits[index]), False)]
            for column, (linear, outline) in enumerate(pictures):
                small = thumbnail(sample, linear, outline)
                small.thumbnail((side, side))
                sheet.paste(small, (left + column * (side + gap), top + text))
                highest = max(highest, small.height)
            draw.text((left, top + 2), captions[index], fill="black")
        top += highest + text
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.crop((0, 0, sheet.width, top)).save(path)


def table(results: dict[str, dict[str, float]]) -> str:
    """A Markdown table, one column an entry."""
    names = list(dict.fromkeys(name for column in results.values() for name in column))
    lines = ["| | " + " | ".join(results) + " |", "|---" * (len(results) + 1) + "|"]
    for name in names:
        percent = name.startswith(("share", "equation", "wrong", "absolute", "realism change <"))
        cells = []
        for column in results.values():
            value = column.get(name)
            cells.append("" if value is None else f"{100 * value:.1f} %" if percent else f"{value:.3f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(parameters: Tensor) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation over the pictures: of the four first parameters, and the mean over curve slopes."""
    names = ("exposure EV", "log2 saturation", "log2 red gain", "log2 blue gain")
    mean, deviation = parameters.mean(0), parameters.std(0)
    result = {name: (float(mean[i]), float(deviation[i])) for i, name in enumerate(names)}
    for index, name in enumerate(("red", "green", "blue")):
        part = slice(4 + 8 * index, 12 + 8 * index)
        result[f"log2 {name} curve slopes"] = (float(mean[part].abs().mean()), float(deviation[part].mean()))
    return result


@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_server.training.evaluate",
        description=str(__doc__).split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    runs = checkpoints.RUNS
    parser.add_argument("--data", type=Path, default=data.DATA, help="data folder, described in MODEL_CARD.md")
    parser.add_argument("--networks", type=Path, default=NETWORKS, help="folder of the exported networks")
    parser.add_argument("--viewers", type=Path, nargs="+", default=[runs / "saliency.pt", runs / "saliency-2.pt"])
    parser.add_argument("--judge", type=Path, default=None, help="a saliency network that no edit network trained on")
    parser.add_argument("--critic", type=Path, default=runs / "realism.pt", help="checkpoint of the realism critic")
    parser.add_argument("--count", type=int, default=120, help="regions, of different photographs")
    parser.add_argument("--order", choices=RANKINGS, default="random", help="how the order of the edits is chosen")
    parser.add_argument("--sheet", type=int, default=21, help="photographs on each contact sheet")
    parser.add_argument("--out", type=Path, default=runs / "evaluation", help="folder for figures and sheets")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)

    predictor = Predictor(options.networks)
    judges = Judges(
        [saliency.load_network(path) for path in options.viewers],
        saliency.load_network(options.judge) if options.judge else None,
        realism.load_network(options.critic),
    )
    samples = load_samples(options.data, options.count)
    untouched = [judges.look(sample, sample.linear) for sample in samples]
    options.out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"networks": predictor.model, "regions": len(samples), "order": options.order}
    for direction in DIRECTIONS:
        edits = [predictor.edits(as_bytes(sample), direction, options.order).edits for sample in samples]
        parameters = torch.tensor([to_parameters(chosen) for chosen in edits])
        assert parameters.shape[1] == COUNT
        mean = parameters.mean(0).tolist()
        constant = [to_edits(mean, [NAMES.index(edit.name) for edit in chosen]) for chosen in edits]
        columns = {"network": edits, "constant": constant, "fixed": [FIXED[direction]] * len(samples)}
        rows = {
            name: [
                figures(sample, seen, judges.look(sample, sample.edited(chosen)), direction)
                for sample, seen, chosen in zip(samples, untouched, column)
            ]
            for name, column in columns.items()
        }
        results = {name: summary(column) for name, column in rows.items()}
        people = [row for row, sample in zip(rows["network"], samples) if sample.region.people]
        if people:
            results["network, people"] = summary(people)
        spreads = spread(parameters)
        print(f"\n{direction}: {len(samples)} regions, {len(ORDERS)} orders ({options.order}), {predictor.model}\n")
        print(table(results))
        print("\n| parameter | mean | spread over pictures |\n|---|---|---|")
        for name, (average, deviation) in spreads.items():
            print(f"| {name} | {average:.3f} | {deviation:.3f} |")
        report[direction] = {"results": results, "spread": spreads}
        shown = np.linspace(0, len(samples) - 1, min(options.sheet, len(samples))).astype(int)
        captions = []
        for i in shown:
            row = rows["network"][i]
            change = f"{100 * row['share change, training']:+.0f} %, R {row['realism change']:+.2f}"
            labels = ", ".join(edit.label() for edit in edits[i]).replace("\N{MINUS SIGN}", "-")
            captions.append(f"{change}, {samples[i].region.photo.name}, {labels}")
        contact_sheet(
            [samples[i] for i in shown], [edits[i] for i in shown], captions, options.out / f"{direction}.png"
        )
    (options.out / "figures.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
