# SPDX-License-Identifier: GPL-3.0-or-later
"""The saliency networks: how well they predict fixations, and whether nonsense fools them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import data, examples, fixation_measures, saliency
from ..models import SaliencyNetwork, measure_share
from ..parallel import Team
from . import drawing

# What the CVPR 2023 paper's Figure 2 paints over a region to show that a saliency network is fooled.
PAINTS = {"green": (0.0, 1.0, 0.0), "black": (0.0, 0.0, 0.0), "white": (1.0, 1.0, 1.0)}


def average_rows(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in rows[0]} if rows else {}


@torch.no_grad()
def report_fixations(folder: Path, networks: dict[str, SaliencyNetwork], count: int, team: Team) -> str:
    """Tables of every measure on held-out photographs, a source each, beside centre bias and other people."""
    everything = data.load_fixations(folder)
    training, _, held = data.split(everything)

    def look(photo: data.FixationPhoto, bias: Tensor) -> dict[str, dict[str, float]]:
        pictures, valid, counts = saliency.load_batch([photo], None)
        prior = fixation_measures.spread_prior(bias, valid[0])
        maps = {"centre bias": prior}
        for name, network in networks.items():
            maps[name] = network.add_centre_bias(network.predict_logits(pictures), valid)[0]
        rows = {name: fixation_measures.measure(m, counts[0], valid[0], prior) for name, m in maps.items()}
        return {**rows, "people": fixation_measures.measure_people(photo, prior)}

    texts = []
    for source in dict.fromkeys(photo.name.split("_")[0] for photo in everything):
        photos = [photo for photo in held if photo.name.startswith(source)][:count]
        bias = fixation_measures.measure_centre_bias([photo for photo in training if photo.name.startswith(source)])
        looks = team.map(partial(look, bias=bias), photos)
        columns = {name: average_rows([row[name] for row in looks if row[name]]) for name in looks[0]} if looks else {}
        texts.append(f"{source}, {len(photos)} held-out photographs:\n\n{drawing.write_table(columns)}")
    return "\n\n".join(texts)


def paint(picture: Tensor, mask: Tensor, colour: tuple[float, float, float]) -> Tensor:
    """The display-encoded picture [N, 3, H, W] with its region in one flat colour."""
    return torch.lerp(picture, picture.new_tensor(colour)[None, :, None, None].expand_as(picture), mask)


@torch.no_grad()
def report_nonsense(regions: list[data.Region], networks: dict[str, SaliencyNetwork], path: Path, team: Team) -> str:
    """How much attention regions lose when they are painted over, and a sheet of pictures and maps.

    A network that is not fooled does not see the region vanish: what is painted over is conspicuous.
    """

    def look(region: data.Region) -> tuple[dict[str, dict[str, float]], tuple[str, list[drawing.Image.Image]]]:
        batch = examples.load([region], None)
        height, width = int(batch.valid[0, 0, :, 0].sum()), int(batch.valid[0, 0, 0].sum())
        versions = {"as it is": batch.picture}
        versions.update({name: paint(batch.picture, batch.mask, colour) for name, colour in PAINTS.items()})
        rows: dict[str, dict[str, float]] = {}
        pictures: list[drawing.Image.Image] = []
        for index, (name, network) in enumerate(networks.items()):
            maps = {version: network(encoded, batch.valid) for version, encoded in versions.items()}
            before = float(measure_share(maps["as it is"], batch.mask))
            row = {}
            for version in PAINTS:
                change = float(measure_share(maps[version], batch.mask)) / before - 1
                row[f"{version}, change of share"] = change
                row[f"{version}, loses more than a quarter"] = float(change < -0.25)
            rows[name] = row
            if index == 0:
                most = float(maps["as it is"].exp().max())
                for version, encoded in versions.items():
                    image = drawing.to_image(encoded[0, :, :height, :width])
                    cells = maps[version][0, : -(-height // 8), : -(-width // 8)].exp()
                    pictures += [image, drawing.draw_heat(cells, image.size, most)]
        return rows, (region.photo.name, pictures)

    looks = team.map(look, regions)
    drawing.draw_sheet([row for _, row in looks], path, abreast=1, side=160)
    columns = {
        name: {
            key: float((np.mean if "loses" in key else np.median)([rows[name][key] for rows, _ in looks]))
            for key in looks[0][0][name]
        }
        for name in networks
    }
    return drawing.write_table(columns, tuple(PAINTS))
