# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit network as it ships: what its edits do to held-out regions, beside edits that need no network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_server.parameters import to_edits, to_parameters
from model_server.predictor import DIRECTIONS, Predictor
from plugin.saliency.edits import NAMES, Edit, at_strength

from .. import colour, data, edit, examples, operators
from ..models import Critic, SaliencyNetwork, share, to_cells
from ..parallel import Team
from . import baselines, drawing

# Shares of the picture that the size columns reach to.
SIZES = {"0.5-3 %": (0.0, 0.03), "3-10 %": (0.03, 0.1), "10-40 %": (0.1, 1.0)}

# Below this mean chroma a region is near-neutral.
_NEUTRAL = 6.0

# What a photographer may set the slider to.
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5)

# Values to either side of the prediction and it, an axis, in `neighbourhood`.
_MOVES = 7

_PERCENT = ("share", "equation", "wrong", "absolute", "realism change <")


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

    def edited(self, edits: list[Edit]) -> Tensor:
        """The picture with edits in the region, linear [1, 3, H, W]."""
        return operators.apply_edits(operators.decode(self.picture)[0], self.mask[0], edits)[None]

    def as_bytes(self) -> np.ndarray[Any, Any]:
        """The region as the plug-in sends it: (H, W, 4) uint8, without padding."""
        height, width = self.size()
        whole = torch.cat([self.picture, self.mask], 1)[0, :, :height, :width]
        return np.ascontiguousarray((whole * 255).round().byte().permute(1, 2, 0).numpy())

    def shown(self, linear: Tensor) -> drawing.Image.Image:
        height, width = self.size()
        return drawing.to_image(operators.encode(linear)[0, :, :height, :width])


@dataclass
class Seen:
    """What the judges see in one picture: densities and realism by their source, and the picture in Lab."""

    densities: dict[str, Tensor]
    realism: dict[str, float]
    lab: Tensor


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
        return Seen(densities, verdicts, colour.lab(linear))

    def lift(self, sample: Sample) -> float:
        """Log of the region's share of attention against its share of the picture, by the training's viewers."""
        density = torch.stack([viewer(sample.picture, sample.valid) for viewer in self.viewers["training"]]).exp()
        area = sample.mask.sum() / sample.valid.sum()
        return float((share(density.mean(0).log(), sample.mask) / area.clamp(min=1e-4)).clamp(min=1e-6).log())


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
        result[f"wrong way, {source}"] = float(sign * (moved - was) < 0)
    for source, verdict in before.realism.items():
        result[f"realism change, {source}"] = after.realism[source] - verdict
        result[f"realism change < -0.1, {source}"] = float(after.realism[source] - verdict < -0.1)
    result["CIE76 inside"] = float(colour.inside(colour.difference(before.lab, after.lab), mask))
    outside = (mask == 0).float()
    result["CIE76 outside"] = float(colour.inside((before.lab - after.lab).abs().sum(1, keepdim=True), outside))
    result["tint inside"] = float(colour.inside(colour.tint(before.lab, after.lab), mask)) ** 0.5
    chroma = [
        float(colour.inside(seen.lab[:, 1:].square().sum(1, keepdim=True).sqrt(), mask)) for seen in (before, after)
    ]
    if chroma[0] < _NEUTRAL:
        result["chroma added, near-neutral regions"] = chroma[1] - chroma[0]
    return result


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of every figure, and the median of the changes."""
    result: dict[str, float] = {"regions": float(len(rows))}
    for name in dict.fromkeys(key for row in rows for key in row):
        values = [row[name] for row in rows if name in row]
        if name.startswith(("share", "equation")):
            result[f"{name}, median"] = float(np.median(values))
        result[name] = float(np.mean(values))
    return result


def size_of(sample: Sample) -> float:
    return float(sample.mask.sum() / sample.valid.sum())


def at_equal_difference(samples: list[Sample], parameters: Tensor, orders: Tensor, wanted: float, team: Team) -> Tensor:
    """The mean of parameters [N, 28], scaled so that the same edit of every sample has the wanted mean CIE76."""

    def difference(index: int, vector: Tensor) -> float:
        sample = samples[index]
        return float(edit.edit_region(sample.picture[0], sample.mask[0], vector, orders[index])[1])

    mean = parameters.mean(0)
    for _ in range(4):
        found = np.mean(team.map(partial(difference, vector=mean), range(len(samples))))
        mean = mean * (wanted / max(1e-6, float(found)))
    return mean


def spread(parameters: Tensor) -> str:
    """A table of mean and standard deviation over the pictures; of the curves' slopes, means over the eight."""
    names = ("exposure, EV", "saturation, log2", "red gain, log2", "blue gain, log2")
    mean, deviation = parameters.mean(0), parameters.std(0)
    rows = [(name, mean[i], deviation[i]) for i, name in enumerate(names)]
    for index, name in enumerate(("red", "green", "blue")):
        part = slice(4 + 8 * index, 12 + 8 * index)
        rows.append((f"{name} curve slopes, log2, absolute", mean[part].abs().mean(), deviation[part].mean()))
    lines = [f"| {name} | {float(average):.3f} | {float(width):.3f} |" for name, average, width in rows]
    return "\n".join(["| parameter | mean | spread over pictures |", "|---|---|---|", *lines])


def selected(sample: Sample, kind: str, rng: np.random.Generator) -> Sample:
    """The sample with its region selected as carelessly as users do; kinds of data.SELECTIONS."""
    mask = data.as_selected(sample.region.mask(), kind, rng)
    placed = data.to_tensor(data.whole(sample.region.photo).place(mask))[None]
    return Sample(sample.region, sample.picture, placed * sample.valid, sample.valid)


@torch.no_grad()
def selections(
    direction: str, samples: list[Sample], predictor: Predictor, order: str, judges: Judges, team: Team
) -> dict[str, dict[str, float]]:
    """The figures when the same regions are selected well, too large, too small, softly, and as boxes."""
    results = {}
    for kind in data.SELECTIONS:
        rng = np.random.default_rng(0)
        chosen = [selected(sample, kind, rng) for sample in samples]
        edits = [predictor.edits(sample.as_bytes(), direction, order).edits for sample in chosen]

        def one(pair: tuple[Sample, list[Edit]]) -> dict[str, float]:
            sample, found = pair
            before = judges.look(sample, operators.decode(sample.picture))
            return figures(sample, before, judges.look(sample, sample.edited(found)), direction)

        results[kind] = summary(team.map(one, zip(chosen, edits)))
    return results


def prepared(sample: Sample, judges: edit.Judges) -> edit.Prepared:
    """A sample as the training takes it, for the baselines that search by the training's objective."""
    log_share = judges.watch(sample.picture, sample.mask, sample.valid, judges.all())
    return edit.Prepared(
        (sample.picture * 255).round().byte(), (sample.mask * 255).round().byte(), sample.valid > 0.5,
        torch.tensor([sample.region.people]), torch.zeros(1, 0), log_share, torch.zeros(1),
        judges.judge(sample.picture, sample.mask, sample.valid),
    )  # fmt: skip


@torch.no_grad()
def neighbourhood(
    direction: str, samples: list[Sample], parameters: Tensor, orders: Tensor, judges: Judges, path: Path, team: Team
) -> str:
    """What the training's judges say around the predicted values (the CVPR 2023 paper's Figure 9a).

    Exposure and saturation are moved away from the prediction, all else stays.  Draws heat maps of realism and of the
    region's share of attention, and returns the means over the samples as tables.
    """
    moves = torch.linspace(-1.5, 1.5, _MOVES)
    grid = torch.cartesian_prod(moves, moves)

    def look(index: int) -> tuple[Tensor, Tensor]:
        sample, many = samples[index], len(grid)
        around = parameters[index].repeat(many, 1)
        around[:, :2] += grid
        found = [
            edit.edit_region(sample.picture[0], sample.mask[0], vector, orders[index])[0].unsqueeze(0)
            for vector in around
        ]
        real = [float(judges.critics["training"](each, sample.mask, sample.valid)) for each in found]
        viewers = judges.viewers["training"]
        shares = [
            float(torch.stack([share(v(each, sample.valid), sample.mask) for v in viewers]).mean()) for each in found
        ]
        return torch.tensor(real).view(_MOVES, _MOVES), torch.tensor(shares).view(_MOVES, _MOVES)

    looks = team.map(look, range(len(samples)))
    rows = []
    for sample, vector, order, (real, shares) in zip(samples, parameters, orders, looks):
        after = sample.shown(sample.edited(to_edits(vector.tolist(), order.tolist())))
        # Exposure from left to right, saturation from bottom to top, the prediction in the middle.
        maps = [drawing.heat(m.T.flip(0), (180, 180), most) for m, most in ((real, 1.0), (shares, None))]
        rows.append((f"{sample.region.photo.name}: realism, attention", [after, *maps]))
    drawing.sheet(rows, path, abreast=2, side=180)
    lines = []
    for name, which in (("realism", 0), ("share of attention / that of the prediction", 1)):
        mean = torch.stack(
            [found[which] / (found[1][_MOVES // 2, _MOVES // 2] if which else 1) for found in looks]
        ).mean(0)
        lines.append(
            f"| {name}: saturation down, exposure across | " + " | ".join(f"{m:+.2f} EV" for m in moves) + " |"
        )
        lines.append("|---" * (_MOVES + 1) + "|")
        for j in range(_MOVES):
            lines.append(f"| {moves[j]:+.2f} | " + " | ".join(f"{float(mean[i, j]):.2f}" for i in range(_MOVES)) + " |")
        lines.append("")
    return f"{direction}, {len(samples)} regions:\n\n" + "\n".join(lines).rstrip()


@torch.no_grad()
def report(
    direction: str, samples: list[Sample], predictor: Predictor, order: str, judges: Judges,
    objective: edit.Objective, searched: int, sheet: int, folder: Path, team: Team,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Tables of one direction as Markdown, and the same as numbers; writes the direction's contact sheet.

    searched: how many of the samples the two slow baselines search; sheet: how many go onto the contact sheet.
    """
    sign = torch.tensor([DIRECTIONS[direction]])
    predicted = [predictor.edits(sample.as_bytes(), direction, order).edits for sample in samples]
    parameters = torch.tensor([to_parameters(chosen) for chosen in predicted])
    orders = torch.tensor([[NAMES.index(each.name) for each in chosen] for chosen in predicted])
    untouched = team.map(lambda sample: judges.look(sample, operators.decode(sample.picture)), samples)

    def judged(columns: list[list[Edit]], chosen: list[int]) -> list[dict[str, float]]:
        def one(place: int) -> dict[str, float]:
            sample = samples[chosen[place]]
            after = judges.look(sample, sample.edited(columns[place]))
            return figures(sample, untouched[chosen[place]], after, direction)

        return team.map(one, range(len(chosen)))

    def as_edits(vectors: list[Tensor], chosen: list[int]) -> list[list[Edit]]:
        return [to_edits(vector.tolist(), orders[i].tolist()) for vector, i in zip(vectors, chosen)]

    everything = list(range(len(samples)))
    rows = {"network": judged(predicted, everything)}
    difference = float(np.mean([row["CIE76 inside"] for row in rows["network"]]))
    constant = at_equal_difference(samples, parameters, orders, difference, team)
    rng = np.random.default_rng(0)
    rows["constant"] = judged(as_edits([constant] * len(samples), everything), everything)
    rows["fixed"] = judged([baselines.FIXED[direction]] * len(samples), everything)
    rows["random"] = judged(as_edits([baselines.random_draw(rng) for _ in samples], everything), everything)
    rows["nothing"] = judged([[] for _ in samples], everything)
    results = {name: summary(column) for name, column in rows.items()}
    gain = {
        source: results["network"][f"share change, {source}, median"]
        / results["constant"][f"share change, {source}, median"]
        for source in judges.viewers
    }

    groups = {"people": [i for i in everything if samples[i].region.people]}
    groups["things"] = [i for i in everything if not samples[i].region.people]
    for name, (low, high) in SIZES.items():
        groups[name] = [i for i in everything if low <= size_of(samples[i]) < high]
    parts = {name: summary([rows["network"][i] for i in group]) for name, group in groups.items() if group}

    few = sorted({int(i) for i in np.linspace(0, len(samples) - 1, min(searched, len(samples)))})
    own = edit.Judges(judges.viewers["training"], judges.critics["training"])
    hunts = {
        "best of 64": lambda i: baselines.best_of(own, prepared(samples[i], own), sign, objective, seed=i),
        "optimised": lambda i: baselines.optimised(own, prepared(samples[i], own), sign, objective),
    }
    slow = {"network": summary([rows["network"][i] for i in few])} if few else {}
    for name, hunt in hunts.items():
        if few:
            slow[name] = summary(judged(as_edits(team.map(hunt, few), few), few))

    strengths = {
        f"strength {100 * t:.0f} %": summary(judged([at_strength(chosen, t) for chosen in predicted], everything))
        for t in STRENGTHS
    }
    some = [samples[i] for i in np.linspace(0, len(samples) - 1, min(max(1, searched), len(samples))).astype(int)]
    careless = selections(direction, some, predictor, order, judges, team)

    shown = np.linspace(0, len(samples) - 1, min(sheet, len(samples))).astype(int)
    entries, source = [], list(judges.viewers)[-1]
    for number, i in enumerate(shown):
        row, before = rows["network"][i], samples[i].shown(operators.decode(samples[i].picture))
        labels = ", ".join(each.label() for each in predicted[i]).replace("\N{MINUS SIGN}", "-")
        share_change, realism_change = row[f"share change, {source}"], row[f"realism change, {source}"]
        caption = f"{number + 1}: {100 * share_change:+.0f} %, R {realism_change:+.2f}, {samples[i].region.photo.name}"
        caption += f", {labels}"
        outlined = drawing.outlined(before, samples[i].mask[0, 0, : before.height, : before.width])
        entries.append((caption, [outlined, before, samples[i].shown(samples[i].edited(predicted[i]))]))
    drawing.sheet(entries, folder / f"{direction}.png", abreast=2)

    near = np.linspace(0, len(samples) - 1, min(max(1, searched // 2), len(samples))).astype(int).tolist()
    text = "\n\n".join(
        [
            f"{direction}: {len(samples)} regions of as many held-out photographs, order {order}, {predictor.model}",
            drawing.table(results, _PERCENT),
            "Median gain over the constant edit at equal colour difference: "
            + ", ".join(f"{value:.2f}x ({source})" for source, value in gain.items()),
            drawing.table(parts, _PERCENT),
            *([drawing.table(slow, _PERCENT)] if slow else []),
            "The network by strength:",
            drawing.table(strengths, _PERCENT),
            "By how well the region is selected:",
            drawing.table(careless, _PERCENT),
            spread(parameters),
            neighbourhood(
                direction, [samples[i] for i in near], parameters[near], orders[near], judges,
                folder / f"{direction}-around.png", team,
            ),
        ]
    )  # fmt: skip
    return text, {
        "results": results,
        "gain": gain,
        "parts": parts,
        "searched": slow,
        "selections": careless,
        "strengths": strengths,
    }
