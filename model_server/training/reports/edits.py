# SPDX-License-Identifier: GPL-3.0-or-later
"""The edit network as it ships: what its edits do to held-out regions, beside edits that need no network."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gimp_saliency.shared.choices import DIRECTIONS, Boldness, Ranking
from gimp_saliency.shared.edits import Edit, at_strength
from gimp_saliency.shared.request import EditRequest
from model_server.predict.predictor import Predictor
from model_server.predict.vector import NAMES, PLACES, to_edits, to_parameters

from .. import data, edit, fakes, operators
from ..models import measure_share
from ..parallel import Team
from . import ablations, baselines, drawing, styles
from .judging import PERCENT, Judges, Sample, compare, summarise

# Shares of the picture that the size columns reach to.
SIZES = {"0.5-3 %": (0.0, 0.03), "3-10 %": (0.03, 0.1), "10-40 %": (0.1, 1.0)}

# What a photographer may set the slider to.
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5)

# The mean CIE76 up to which pictures are edited for attention alone: a natural edit's and a bold one's.
FREE = (13.0, 20.0)

# Values to either side of the prediction and it, an axis, in `explore_neighbourhood`.
MOVES = 7

# Regions for the figures that take long: styles, selections and, of half of them, what is around the prediction.
_SOME = 24


def measure_size(sample: Sample) -> float:
    return float(sample.mask.sum() / sample.valid.sum())


def find_constant(samples: list[Sample], parameters: Tensor, orders: Tensor, wanted: float, team: Team) -> Tensor:
    """The mean of parameters [N, COUNT], scaled so that the same edit of every sample has the wanted mean CIE76."""

    def difference(index: int, vector: Tensor) -> float:
        return float(samples[index].try_parameters(vector, orders[index]).difference)

    mean = parameters.mean(0)
    for _ in range(4):
        found = np.mean(team.map(partial(difference, vector=mean), range(len(samples))))
        mean = mean * (wanted / max(1e-6, float(found)))
    return mean


def write_spread(parameters: Tensor) -> str:
    """A table of mean and standard deviation of parameters [N, COUNT]; of a curve's slopes, means over the eight."""
    names = ("exposure, EV", "saturation, log2", "red gain, log2", "blue gain, log2")
    mean, deviation = parameters.mean(0), parameters.std(0, correction=0)
    rows = [(name, mean[i], deviation[i]) for i, name in enumerate(names)]
    rows += [(name, mean[PLACES[name]].mean(), deviation[PLACES[name]].mean()) for name in ("sharpening", "contrast")]
    curves = {f"{name} curve": range(4 + 8 * i, 12 + 8 * i) for i, name in enumerate(("red", "green", "blue"))}
    curves["tone curve"] = range(*PLACES["tone"].indices(parameters.shape[1]))
    for name, part in curves.items():
        rows.append((f"{name} slopes, log2, absolute", mean[part].abs().mean(), deviation[part].mean()))
    lines = [f"| {name} | {float(average):.3f} | {float(width):.3f} |" for name, average, width in rows]
    return "\n".join(["| parameter | mean | spread over pictures |", "|---|---|---|", *lines])


def select_otherwise(sample: Sample, kind: str, rng: np.random.Generator) -> Sample:
    """The sample with its region selected as carelessly as users do; kinds of data.SELECTIONS."""
    mask = data.imitate_selection(sample.region.open_mask(), kind, rng)
    placed = data.to_tensor(data.place_whole(sample.region.photo).place(mask))[None]
    return Sample(sample.region, sample.picture, placed * sample.valid, sample.valid)


@torch.no_grad()
def judge_selections(
    direction: str, samples: list[Sample], predictor: Predictor, order: str, judges: Judges, team: Team
) -> dict[str, dict[str, float]]:
    """The figures when the same regions are selected well, too large, too small, softly, and as boxes."""
    results = {}
    request = EditRequest(direction, ranking=Ranking(order))
    for kind in data.SELECTIONS:
        rng = np.random.default_rng(0)
        chosen = [select_otherwise(sample, kind, rng) for sample in samples]
        edits = [predictor.attention.predict_edits(sample.to_bytes(), request).edits for sample in chosen]

        def one(pair: tuple[Sample, list[Edit]]) -> dict[str, float]:
            sample, found = pair
            before = judges.look(sample, operators.decode(sample.picture))
            return compare(sample, before, judges.look(sample, sample.apply_edits(found)), direction)

        results[kind] = summarise(team.map(one, zip(chosen, edits)))
    return results


def prepare(sample: Sample, judges: edit.Judges) -> edit.Prepared:
    """A sample as the training takes it, for the baselines that search by the training's objective."""
    log_share, _density = judges.watch(sample.picture, sample.mask, sample.valid, judges.all())
    return edit.Prepared(
        (sample.picture * 255).round().byte(), (sample.mask * 255).round().byte(), sample.valid > 0.5,
        torch.tensor([sample.region.people]), torch.zeros(1, 0), log_share, torch.zeros(1),
        judges.judge(sample.picture, sample.mask, sample.valid),
    )  # fmt: skip


@torch.no_grad()
def explore_neighbourhood(
    direction: str, samples: list[Sample], parameters: Tensor, orders: Tensor, judges: Judges, path: Path, team: Team
) -> str:
    """What the training's judges say around the predicted values (the CVPR 2023 paper's Figure 9a).

    Exposure and saturation are moved away from the prediction, all else stays.  Draws heat maps of realism and of the
    region's share of attention, and returns the means over the samples as tables.
    """
    moves = torch.linspace(-1.5, 1.5, MOVES)
    grid = torch.cartesian_prod(moves, moves)

    def look(index: int) -> tuple[Tensor, Tensor]:
        sample, many = samples[index], len(grid)
        around = parameters[index].repeat(many, 1)
        around[:, :2] += grid
        found = [sample.try_parameters(vector, orders[index]).picture[None] for vector in around]
        real = [float(judges.critics["training"](each, sample.mask, sample.valid)) for each in found]
        viewers = judges.viewers["training"]
        shares = [
            float(torch.stack([measure_share(v(each, sample.valid), sample.mask) for v in viewers]).mean())
            for each in found
        ]
        return torch.tensor(real).view(MOVES, MOVES), torch.tensor(shares).view(MOVES, MOVES)

    looks = team.map(look, range(len(samples)))
    rows = []
    for sample, vector, order, (real, shares) in zip(samples, parameters, orders, looks):
        after = sample.to_image(sample.apply_edits(to_edits(vector.tolist(), order.tolist())))
        # Exposure from left to right, saturation from bottom to top, the prediction in the middle.
        maps = [drawing.draw_heat(m.T.flip(0), (180, 180), most) for m, most in ((real, 1.0), (shares, None))]
        rows.append((f"{sample.region.photo.name}: realism, attention", [after, *maps]))
    drawing.draw_sheet(rows, path, abreast=2, side=180)
    lines = []
    for name, which in (("realism", 0), ("share of attention / that of the prediction", 1)):
        mean = torch.stack([found[which] / (found[1][MOVES // 2, MOVES // 2] if which else 1) for found in looks]).mean(
            0
        )
        lines.append(
            f"| {name}: saturation down, exposure across | " + " | ".join(f"{m:+.2f} EV" for m in moves) + " |"
        )
        lines.append("|---" * (MOVES + 1) + "|")
        for j in range(MOVES):
            lines.append(f"| {moves[j]:+.2f} | " + " | ".join(f"{float(mean[i, j]):.2f}" for i in range(MOVES)) + " |")
        lines.append("")
    return f"{direction}, {len(samples)} regions:\n\n" + "\n".join(lines).rstrip()


class _Comparison:
    """The edits that the shipped networks predict for all samples, and what the judges say of them and of others.

    parameters [N, COUNT] and orders [N, kinds] are those of `predicted`, rows the figures of its edits.
    """

    def __init__(
        self, direction: str, samples: list[Sample], predictor: Predictor, order: str, judges: Judges, team: Team
    ) -> None:
        self.direction = direction
        self.samples = samples
        self.judges = judges
        self.team = team
        self.everything = list(range(len(samples)))
        request = EditRequest(direction, ranking=Ranking(order))
        self.predicted = [predictor.attention.predict_edits(sample.to_bytes(), request).edits for sample in samples]
        self.parameters = torch.tensor([to_parameters(chosen) for chosen in self.predicted])
        self.orders = torch.tensor([[NAMES.index(each.name) for each in chosen] for chosen in self.predicted])
        self.untouched = team.map(lambda sample: judges.look(sample, operators.decode(sample.picture)), samples)
        self.rows = self.judge(self.predicted, self.everything)

    def judge(self, columns: list[list[Edit]], chosen: list[int]) -> list[dict[str, float]]:
        """The figures of edits, one list for each of the chosen samples."""

        def look(place: int) -> dict[str, float]:
            sample = self.samples[chosen[place]]
            after = self.judges.look(sample, sample.apply_edits(columns[place]))
            return compare(sample, self.untouched[chosen[place]], after, self.direction)

        return self.team.map(look, range(len(chosen)))

    def to_edits(self, vectors: list[Tensor], chosen: list[int]) -> list[list[Edit]]:
        """The edits of parameters, in the orders that were predicted for the chosen samples."""
        return [to_edits(vector.tolist(), self.orders[i].tolist()) for vector, i in zip(vectors, chosen)]

    def choose(self, count: int) -> list[int]:
        """At most so many of the samples, evenly out of all."""
        return np.linspace(0, len(self.samples) - 1, min(count, len(self.samples))).astype(int).tolist()

    def compare_baselines(self) -> dict[str, dict[str, float]]:
        """The figures beside those of edits that need no network."""
        difference = float(np.mean([row["CIE76 inside"] for row in self.rows]))
        constant = find_constant(self.samples, self.parameters, self.orders, difference, self.team)
        rng = np.random.default_rng(0)
        many, everything = len(self.samples), self.everything
        columns: dict[str, list[list[Edit]]] = {
            "constant": self.to_edits([constant] * many, everything),
            "fixed": [baselines.FIXED[self.direction]] * many,
            "random": self.to_edits([fakes.draw_small(rng) for _ in everything], everything),
            "nothing": [[] for _ in everything],
        }
        rows = {"network": self.rows, **{name: self.judge(column, everything) for name, column in columns.items()}}
        return {name: summarise(column) for name, column in rows.items()}

    def compare_groups(self) -> dict[str, dict[str, float]]:
        """The figures of people, of things, and of regions of several sizes."""
        groups = {"people": [i for i in self.everything if self.samples[i].region.people]}
        groups["things"] = [i for i in self.everything if not self.samples[i].region.people]
        for name, (low, high) in SIZES.items():
            groups[name] = [i for i in self.everything if low <= measure_size(self.samples[i]) < high]
        return {name: summarise([self.rows[i] for i in group]) for name, group in groups.items() if group}

    def compare_searches(self, objective: edit.Objective, count: int) -> dict[str, dict[str, float]]:
        """The figures of a few samples beside those of the slow baselines."""
        few = sorted(set(self.choose(count)))
        if not few:
            return {}
        sign = torch.tensor([DIRECTIONS[self.direction]])
        own = edit.Judges(self.judges.viewers["training"], self.judges.critics["training"])
        prepared = {i: prepare(self.samples[i], own) for i in few}
        hunts = {
            f"best of {baselines.DRAWS}": lambda i: baselines.search(own, prepared[i], sign, objective, seed=i),
            "optimised": lambda i: baselines.descend(own, prepared[i], sign, objective, baselines.STEPS),
        }
        for limit in FREE:
            goal = baselines.free(objective, limit)
            hunts[f"for attention alone, CIE76 {limit:.0f}"] = partial(
                lambda i, goal: baselines.descend(own, prepared[i], sign, goal, baselines.MANY_STEPS), goal=goal
            )
        slow = {"network": summarise([self.rows[i] for i in few])}
        for name, hunt in hunts.items():
            slow[name] = summarise(self.judge(self.to_edits(self.team.map(hunt, few), few), few))
        return slow

    def compare_strengths(self) -> dict[str, dict[str, float]]:
        """The figures at several strengths."""
        return {
            f"strength {100 * t:.0f} %": summarise(
                self.judge([at_strength(chosen, t) for chosen in self.predicted], self.everything)
            )
            for t in STRENGTHS
        }

    def compare_boldness(self, predictor: Predictor, order: str) -> dict[str, dict[str, float]]:
        """The figures of each boldness."""
        found = {}
        for boldness in Boldness:
            request = EditRequest(self.direction, ranking=Ranking(order), boldness=boldness)
            edits = [predictor.attention.predict_edits(sample.to_bytes(), request).edits for sample in self.samples]
            found[boldness.value] = summarise(self.judge(edits, self.everything))
        return found

    def draw_sheet(self, count: int, path: Path) -> None:
        """Some samples with their regions outlined, before and after their edits."""
        entries, source, critic = [], list(self.judges.viewers)[-1], list(self.judges.critics)[-1]
        for number, i in enumerate(self.choose(count)):
            sample, row = self.samples[i], self.rows[i]
            before = sample.to_image(operators.decode(sample.picture))
            labels = ", ".join(each.label() for each in self.predicted[i]).replace("\N{MINUS SIGN}", "-")
            share_change, realism_change = row[f"share change, {source}"], row[f"realism change, {critic}"]
            caption = f"{number + 1}: {100 * share_change:+.0f} %, R {realism_change:+.2f}, {sample.region.photo.name}"
            caption += f", {labels}"
            outlined = drawing.draw_outline(before, sample.mask[0, 0, : before.height, : before.width])
            entries.append((caption, [outlined, before, sample.to_image(sample.apply_edits(self.predicted[i]))]))
        drawing.draw_sheet(entries, path, abreast=2)


@torch.no_grad()
def write_report(
    direction: str, samples: list[Sample], predictor: Predictor, judges: Judges, objective: edit.Objective,
    options: argparse.Namespace, team: Team,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Tables of one direction as Markdown, and the same as numbers; writes the direction's contact sheet.

    options: `searched`, how many of the samples the slow baselines search; `sheet`, how many go onto the contact
    sheet; `order`, how the order of the edits is chosen; `out`, the folder of the sheets.
    """
    order = options.order
    found = _Comparison(direction, samples, predictor, order, judges, team)
    results = found.compare_baselines()
    medians = {source: f"share change, {source}, median" for source in judges.viewers}
    gain = {source: results["network"][name] / results["constant"][name] for source, name in medians.items()}
    parts = found.compare_groups()
    slow = found.compare_searches(objective, options.searched)
    strengths, boldness = found.compare_strengths(), found.compare_boldness(predictor, order)
    some = [samples[i] for i in found.choose(_SOME)]
    background = ablations.write_report(direction, samples, found.untouched, predictor, order, judges, team)
    drawn = styles.write_report(direction, some, predictor, judges, team)
    careless = judge_selections(direction, some, predictor, order, judges, team)
    found.draw_sheet(options.sheet, options.out / f"{direction}.png")
    near = found.choose(_SOME // 2)
    text = "\n\n".join(
        [
            f"{direction}: {len(samples)} regions of as many held-out photographs, order {order}, {predictor.model}",
            drawing.write_table(results, PERCENT),
            "Median gain over the constant edit at equal colour difference: "
            + ", ".join(f"{value:.2f}x ({source})" for source, value in gain.items()),
            drawing.write_table(parts, PERCENT),
            *([drawing.write_table(slow, PERCENT)] if slow else []),
            "The network by boldness:",
            drawing.write_table(boldness, PERCENT),
            "The network by strength:",
            drawing.write_table(strengths, PERCENT),
            background.text,
            drawn.text,
            "By how well the region is selected:",
            drawing.write_table(careless, PERCENT),
            write_spread(found.parameters),
            explore_neighbourhood(
                direction, [samples[i] for i in near], found.parameters[near], found.orders[near], judges,
                options.out / f"{direction}-around.png", team,
            ),
        ]
    )  # fmt: skip
    return text, {
        "results": results,
        "gain": gain,
        "parts": parts,
        "searched": slow,
        "selections": careless,
        "boldness": boldness,
        "strengths": strengths,
        "background": background.numbers,
        "styles": drawn.numbers,
    }
