# SPDX-License-Identifier: GPL-3.0-or-later
"""The critics: how well they tell real from fake, and how their verdict falls as an edit grows."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model_server.predict.border import Border
from model_server.predict.vector import CONTRAST, COUNT

from .. import data, examples, operators, realism, trials
from ..models import Critic
from ..parallel import Team
from . import drawing

# Figure 3 of the CVPR 2023 paper: one edit alone, from far below to far above; and contrast.
SERIES = {
    "exposure, EV": (0, tuple(np.linspace(-3, 3, 25).tolist())),
    "saturation, log2": (1, tuple(np.linspace(-3, 1.5, 25).tolist())),
    "contrast": (CONTRAST, tuple(np.linspace(-1.8, 1.8, 25).tolist())),
}

# What a border of so many CIE76 takes off the verdict where both judge together.
_BORDER_SCALE = 3.0


@torch.no_grad()
def report_telling_apart(regions: list[data.Region], critics: dict[str, Critic], team: Team) -> str:
    """The chance that a real edit scores above a fake one (AUC), by kind of fake, on all regions and on people."""
    held = trials.place_regions(regions, np.random.default_rng(0), 1, False, team)
    columns: dict[str, dict[str, float]] = {
        f"{name}, {group}": {} for name in critics for group in ("all", "people", "change of all")
    }
    for kind in trials.KINDS:
        tried = trials.make_trials(held, kind, 0, team)
        seen, people = (torch.cat(each) for each in zip(*((t.visible, t.batch.people) for t in tried)))
        borders = torch.cat([_measure_borders(trial) for trial in tried], 1) if kind == trials.BORDER else None
        for name, critic in critics.items():
            scores = torch.cat(team.map(partial(realism.judge_trial, critic), tried), 1)
            before = torch.cat(team.map(partial(_judge_untouched, critic), tried), 1)
            rows = {kind: scores}
            if borders is not None:
                rows |= {"border, with the border measure": scores - borders / _BORDER_SCALE}
                rows |= {"border, the border measure alone": -borders}
            for label, values in rows.items():
                columns[f"{name}, all"][label] = realism.tell_apart(values, seen)
                columns[f"{name}, people"][label] = realism.tell_apart(values, seen & people)
            columns[f"{name}, change of all"][kind] = realism.tell_apart(scores - before, seen)
    return drawing.write_table(columns)


def _judge_untouched(critic: Critic, trial: trials.Trial) -> Tensor:
    """Realism [2, N] through both masks of the pictures as they were."""
    untouched = (trial.batch.picture.float() / 255).expand_as(trial.pictures)
    return realism.judge_trial(critic, trial._replace(pictures=untouched))


def _measure_borders(trial: trials.Trial) -> Tensor:
    """The border measure [2, N] after the real and after the fake edit."""
    before, valid = trial.batch.picture.float() / 255, trial.batch.valid.float() / 255

    def measure(side: int, row: int) -> float:
        one = slice(row, row + 1)
        border = Border(before[one].numpy(), trial.masks[side, one].numpy(), valid[one].numpy())
        return border.measure(trial.pictures[side, one].numpy())

    return torch.tensor([[measure(side, row) for row in range(len(before))] for side in range(2)])


def judge_series(batch: examples.Examples, critic: Critic, index: int, values: tuple[float, ...]) -> Tensor:
    """The verdict [V] on one region with parameter `index` at each of the values, nothing else edited."""
    parameters = torch.zeros(len(values), COUNT)
    parameters[:, index] = torch.tensor(values)
    many = len(values)
    edited = operators.apply_inside(
        operators.decode(batch.picture).expand(many, -1, -1, -1), batch.mask.expand(many, -1, -1, -1),
        parameters, operators.ALL_ORDERS[:1].expand(many, -1),
    )  # fmt: skip
    return critic(operators.encode(edited), batch.mask, batch.valid)


def count_peaks(values: Tensor, least: float = 0.01) -> int:
    """How many peaks a curve has that stand out by at least so much on both sides."""
    peaks, rising, turn = 0, True, float(values[0])
    for value in values.tolist():
        if rising and value < turn - least:
            peaks, rising, turn = peaks + 1, False, value
        elif not rising and value > turn + least:
            rising, turn = True, value
        turn = max(turn, value) if rising else min(turn, value)
    return peaks + rising


@torch.no_grad()
def report_curves(
    regions: list[data.Region], critics: dict[str, Critic], path: Path, team: Team, shown: int = 12
) -> str:
    """Verdicts over exposure, saturation and contrast: the mean over all regions as a table, single ones as charts."""
    rows = [(label, *series) for label, series in SERIES.items()]

    def look(region: data.Region) -> tuple[dict[str, list[Tensor]], examples.Examples]:
        batch = examples.load([region], None)
        return {
            name: [judge_series(batch, critic, index, values) for _, index, values in rows]
            for name, critic in critics.items()
        }, batch

    looks = team.map(look, regions)
    chosen = np.linspace(0, len(looks) - 1, min(shown, len(looks))).astype(int)
    charts = []
    for k in chosen:
        verdicts, batch = looks[k]
        height, width = int(batch.valid[0, 0, :, 0].sum()), int(batch.valid[0, 0, 0].sum())
        image = drawing.to_image(batch.picture[0, :, :height, :width])
        pictures = [drawing.draw_outline(image, batch.mask[0, 0, :height, :width])]
        for column, (label, _, values) in enumerate(rows):
            lines = {name: found[column].tolist() for name, found in verdicts.items()}
            pictures.append(drawing.draw_chart(lines, values, label, (260, 170)))
        charts.append((f"{regions[k].photo.name}, {regions[k].label}", pictures))
    drawing.draw_sheet(charts, path, abreast=2, side=260)

    people = torch.tensor([region.people for region in regions])
    texts = []
    for column, (label, _, values) in enumerate(rows):
        columns: dict[str, dict[str, float]] = {}
        for name in critics:
            found = torch.stack([verdicts[name][column] for verdicts, _ in looks])
            for group, members in (("things", ~people), ("people", people)):
                if members.any():
                    average = found[members].mean(0)
                    columns[f"{name}, {group}"] = {
                        **{f"{label} {values[i]:+.2f}": float(average[i]) for i in range(0, len(values), 4)},
                        f"{label}, peaks": count_peaks(average),
                        f"{label}, highest at": values[int(average.argmax())],
                    }
        texts.append(drawing.write_table(columns))
    return "\n\n".join(texts)
