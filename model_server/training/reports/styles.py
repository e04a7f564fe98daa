# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles: how different the edits of one region in several styles look, and how many of them do what they should."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch

from gimp_saliency.shared.choices import DIRECTIONS
from gimp_saliency.shared.request import EditRequest
from model_server.predict.predictor import Predictor
from model_server.predict.styles import is_worthy, sample_styles

from .. import colour, operators
from ..parallel import Team
from . import drawing
from .ablations import Report
from .judging import PERCENT, Judges, Sample, Seen, compare, summarise


@torch.no_grad()
def write_report(direction: str, samples: list[Sample], predictor: Predictor, judges: Judges, team: Team) -> Report:
    """Figures of several random styles of each sample beside the plain one, as a table and as numbers.

    "CIE76 between styles": mean over all pairs of a region's styles, the plain one left out.  "worthy styles": those
    that the server would propose beside the plain one, by its own networks.
    """
    predict = predictor.attention.predict_edits
    plain = [predict(sample.to_bytes(), EditRequest(direction)) for sample in samples]
    styled = [
        [predict(sample.to_bytes(), EditRequest(direction, style_numbers=style)) for style in sample_styles(index)]
        for index, sample in enumerate(samples)
    ]

    def look(index: int) -> tuple[Seen, Seen, list[Seen]]:
        sample = samples[index]
        others = [judges.look(sample, sample.apply_edits(prediction.edits)) for prediction in styled[index]]
        before, after = operators.decode(sample.picture), sample.apply_edits(plain[index].edits)
        return judges.look(sample, before), judges.look(sample, after), others

    looks = team.map(look, range(len(samples)))
    columns = {"plain": summarise([compare(s, was, now, direction) for s, (was, now, _) in zip(samples, looks)])}
    rows = [compare(s, was, now, direction) for s, (was, _, others) in zip(samples, looks) for now in others]
    columns["styles"] = summarise(rows)
    apart = [
        float(colour.average_inside(colour.measure_difference(one.lab, other.lab), sample.mask))
        for sample, (_, _, others) in zip(samples, looks)
        for one, other in combinations(others, 2)
    ]
    columns["styles"]["CIE76 between styles"] = float(np.mean(apart))
    worthy = []
    for first, others in zip(plain, styled):
        for prediction in others:
            assert first.figures and prediction.figures
            moved = prediction.figures.saliency_after - prediction.figures.saliency_before
            beside = first.figures.realism_after
            worthy.append(is_worthy(DIRECTIONS[direction] * moved, prediction.figures.realism_after, beside))
    columns["styles"]["share of worthy styles"] = float(np.mean(worthy))
    text = f"Styles, {len(rows)} drawn for {len(samples)} regions:\n\n{drawing.write_table(columns, PERCENT)}"
    return Report(text, columns)
