# SPDX-License-Identifier: GPL-3.0-or-later
"""The critics: how well they tell real from fake, and how their verdict falls as an edit grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model_server.predict.vector import COUNT

from .. import data, examples, operators, realism
from ..models import Critic
from ..parallel import Team
from . import drawing

# Figure 3 of the CVPR 2023 paper: one edit alone, from far below to far above.
EXPOSURES = tuple(np.linspace(-3, 3, 25).tolist())
SATURATIONS = tuple(np.linspace(-3, 1.5, 25).tolist())


@torch.no_grad()
def report_telling_apart(regions: list[data.Region], critics: dict[str, Critic], team: Team) -> str:
    """The chance that a real edit scores above a fake one (AUC): of all fakes, and of each kind."""
    columns: dict[str, dict[str, float]] = {}
    for name, critic in critics.items():
        held = realism.cut_windows(critic, regions, np.random.default_rng(0), 1, False, team)
        column = {}
        for kind in (None, *realism.FAKES):
            scores = realism.validate(critic, held, 0, team, kind)
            column[f"AUC, {kind or 'all'}"] = scores["AUC"]
            column[f"AUC, {kind or 'all'}, people"] = scores["AUC people"]
        columns[name] = column
    return drawing.write_table(columns)


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


@torch.no_grad()
def report_curves(
    regions: list[data.Region], critics: dict[str, Critic], path: Path, team: Team, shown: int = 12
) -> str:
    """Verdicts over exposure and saturation: the mean over all regions as a table, single ones as charts."""
    rows = (("exposure, EV", 0, EXPOSURES), ("saturation, log2", 1, SATURATIONS))

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
                        f"{label} {values[i]:+.2f}": float(average[i]) for i in range(0, len(values), 4)
                    }
        texts.append(drawing.write_table(columns))
    return "\n\n".join(texts)
