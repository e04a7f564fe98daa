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

from gimp_saliency.shared.edits import Edit, at_strength
from gimp_saliency.shared.request import DIRECTIONS, EditRequest, Ranking
from model_server.predict.predictor import Predictor
from model_server.predict.vector import NAMES, PLACES, to_edits, to_parameters

from .. import data, edit, operators
from ..models import measure_share
from ..parallel import Team
from . import ablations, baselines, drawing, styles
from .judging import PERCENT, Judges, Sample, compare, summarise

# Shares of the picture that the size columns reach to.
SIZES = {"0.5-3 %": (0.0, 0.03), "3-10 %": (0.03, 0.1), "10-40 %": (0.1, 1.0)}

# What a photographer may set the slider to.
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5)

# Values to either side of the prediction and it, an axis, in `neighbourhood`.
_MOVES = 7

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
    mean, deviation = parameters.mean(0), parameters.std(0)
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
    log_share = judges.watch(sample.picture, sample.mask, sample.valid, judges.all())
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
    moves = torch.linspace(-1.5, 1.5, _MOVES)
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
        return torch.tensor(real).view(_MOVES, _MOVES), torch.tensor(shares).view(_MOVES, _MOVES)

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
def write_report(
    direction: str, samples: list[Sample], predictor: Predictor, judges: Judges, objective: edit.Objective,
    options: argparse.Namespace, team: Team,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Tables of one direction as Markdown, and the same as numbers; writes the direction's contact sheet.

    options: `searched`, how many of the samples the two slow baselines search; `sheet`, how many go onto the contact
    sheet; `order`, how the order of the edits is chosen; `out`, the folder of the sheets.
    """
    order = options.order
    sign = torch.tensor([DIRECTIONS[direction]])
    request = EditRequest(direction, ranking=Ranking(order))
    predicted = [predictor.attention.predict_edits(sample.to_bytes(), request).edits for sample in samples]
    parameters = torch.tensor([to_parameters(chosen) for chosen in predicted])
    orders = torch.tensor([[NAMES.index(each.name) for each in chosen] for chosen in predicted])
    untouched = team.map(lambda sample: judges.look(sample, operators.decode(sample.picture)), samples)

    def judged(columns: list[list[Edit]], chosen: list[int]) -> list[dict[str, float]]:
        def one(place: int) -> dict[str, float]:
            sample = samples[chosen[place]]
            after = judges.look(sample, sample.apply_edits(columns[place]))
            return compare(sample, untouched[chosen[place]], after, direction)

        return team.map(one, range(len(chosen)))

    def as_edits(vectors: list[Tensor], chosen: list[int]) -> list[list[Edit]]:
        return [to_edits(vector.tolist(), orders[i].tolist()) for vector, i in zip(vectors, chosen)]

    everything = list(range(len(samples)))
    rows = {"network": judged(predicted, everything)}
    difference = float(np.mean([row["CIE76 inside"] for row in rows["network"]]))
    constant = find_constant(samples, parameters, orders, difference, team)
    rng = np.random.default_rng(0)
    rows["constant"] = judged(as_edits([constant] * len(samples), everything), everything)
    rows["fixed"] = judged([baselines.FIXED[direction]] * len(samples), everything)
    rows["random"] = judged(as_edits([baselines.draw_parameters(rng) for _ in samples], everything), everything)
    rows["nothing"] = judged([[] for _ in samples], everything)
    results = {name: summarise(column) for name, column in rows.items()}
    gain = {
        source: results["network"][f"share change, {source}, median"]
        / results["constant"][f"share change, {source}, median"]
        for source in judges.viewers
    }

    groups = {"people": [i for i in everything if samples[i].region.people]}
    groups["things"] = [i for i in everything if not samples[i].region.people]
    for name, (low, high) in SIZES.items():
        groups[name] = [i for i in everything if low <= measure_size(samples[i]) < high]
    parts = {name: summarise([rows["network"][i] for i in group]) for name, group in groups.items() if group}

    few = sorted({int(i) for i in np.linspace(0, len(samples) - 1, min(options.searched, len(samples)))})
    own = edit.Judges(judges.viewers["training"], judges.critics["training"])
    hunts = {
        "best of 64": lambda i: baselines.search(own, prepare(samples[i], own), sign, objective, seed=i),
        "optimised": lambda i: baselines.descend(own, prepare(samples[i], own), sign, objective),
    }
    slow = {"network": summarise([rows["network"][i] for i in few])} if few else {}
    for name, hunt in hunts.items():
        if few:
            slow[name] = summarise(judged(as_edits(team.map(hunt, few), few), few))

    strengths = {
        f"strength {100 * t:.0f} %": summarise(judged([at_strength(chosen, t) for chosen in predicted], everything))
        for t in STRENGTHS
    }
    some = [samples[i] for i in np.linspace(0, len(samples) - 1, min(_SOME, len(samples))).astype(int)]
    background = ablations.write_report(direction, samples, untouched, predictor, order, judges, team)
    drawn = styles.write_report(direction, some, predictor, judges, team)
    careless = judge_selections(direction, some, predictor, order, judges, team)

    shown = np.linspace(0, len(samples) - 1, min(options.sheet, len(samples))).astype(int)
    entries, source, critic = [], list(judges.viewers)[-1], list(judges.critics)[-1]
    for number, i in enumerate(shown):
        row, before = rows["network"][i], samples[i].to_image(operators.decode(samples[i].picture))
        labels = ", ".join(each.label() for each in predicted[i]).replace("\N{MINUS SIGN}", "-")
        share_change, realism_change = row[f"share change, {source}"], row[f"realism change, {critic}"]
        caption = f"{number + 1}: {100 * share_change:+.0f} %, R {realism_change:+.2f}, {samples[i].region.photo.name}"
        caption += f", {labels}"
        outlined = drawing.draw_outline(before, samples[i].mask[0, 0, : before.height, : before.width])
        entries.append((caption, [outlined, before, samples[i].to_image(samples[i].apply_edits(predicted[i]))]))
    drawing.draw_sheet(entries, options.out / f"{direction}.png", abreast=2)

    near = np.linspace(0, len(samples) - 1, min(_SOME // 2, len(samples))).astype(int).tolist()
    text = "\n\n".join(
        [
            f"{direction}: {len(samples)} regions of as many held-out photographs, order {order}, {predictor.model}",
            drawing.write_table(results, PERCENT),
            "Median gain over the constant edit at equal colour difference: "
            + ", ".join(f"{value:.2f}x ({source})" for source, value in gain.items()),
            drawing.write_table(parts, PERCENT),
            *([drawing.write_table(slow, PERCENT)] if slow else []),
            "The network by strength:",
            drawing.write_table(strengths, PERCENT),
            background.text,
            drawn.text,
            "By how well the region is selected:",
            drawing.write_table(careless, PERCENT),
            write_spread(parameters),
            explore_neighbourhood(
                direction, [samples[i] for i in near], parameters[near], orders[near], judges,
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
        "strengths": strengths,
        "background": background.numbers,
        "styles": drawn.numbers,
    }
