# SPDX-License-Identifier: GPL-3.0-or-later
"""What each part of the edits is worth: region and background, kinds of edits, and orders of application.

The rows of Table 1d in GazeShiftNet (ECCV 2020), on our photographs and with our edits.  Where the paper trains a
network for each row, here the one network's prediction is cut down or put into another order; what stands for the
paper's LPIPS is the mean CIE76 of the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.edits import Edit, at_strength
from gimp_saliency.shared.request import EditRequest
from model_server.predict.predictor import Predictor
from model_server.predict.vector import NAMES, to_edits, to_parameters

from ..parallel import Team
from . import drawing
from .judging import PERCENT, Judges, Sample, Seen, compare, summarise

# The paper's color adjustment is our last three.
_COLOUR = ("white-balance", "saturation", "curves")
_PAPER = ("sharpening", "exposure", "contrast", "tone", *_COLOUR)

# Its other orders, with the initials that its table gives them.
ORDERS = {
    "sha, exp, con, ton, col (the paper's)": _PAPER,
    "col, ton, con, exp, sha": (*_COLOUR, "tone", "contrast", "exposure", "sharpening"),
    "ton, col, sha, exp, con": ("tone", *_COLOUR, "sharpening", "exposure", "contrast"),
    "con, exp, sha, ton, col": ("contrast", "exposure", "sharpening", "tone", *_COLOUR),
    "ton, col, sha, con, exp": ("tone", *_COLOUR, "sharpening", "contrast", "exposure"),
}
KINDS = {
    "tone, colour": ("tone", *_COLOUR),
    "sharpening, exposure, contrast": ("sharpening", "exposure", "contrast"),
    "colour": _COLOUR,
    "without saturation": tuple(name for name in NAMES if name != "saturation"),
    "without sharpening, contrast, tone": ("exposure", *_COLOUR),
}

# Rows of the short tables: everything else is in figures.json.
_SHORT = ("absolute", "share", "equation", "wrong", "realism change <", "CIE76 of the picture")

# Of region and background: [edits inside, edits around].
Pair = tuple[list[Edit], list[Edit]]


class Report(NamedTuple):
    """Tables as Markdown, and the same as numbers."""

    text: str
    numbers: dict[str, Any]


def reorder(edits: list[Edit], names: tuple[str, ...]) -> list[Edit]:
    """The edits of the given kinds, in the order of the names."""
    by_name = {edit.name: edit for edit in edits}
    return [by_name[name] for name in names if name in by_name]


def keep_kinds(edits: list[Edit], names: tuple[str, ...]) -> list[Edit]:
    """The edits of the given kinds, in the order that they have."""
    return [edit for edit in edits if edit.name in names]


def _average_each(
    change: Callable[[list[Edit], tuple[str, ...]], list[Edit]], names: tuple[str, ...]
) -> Callable[[Pair], Pair]:
    return lambda pair: (change(pair[0], names), change(pair[1], names))


def _shorten(columns: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The figures of the short tables."""
    return {
        name: {row: value for row, value in column.items() if row == "regions" or row.startswith(_SHORT)}
        for name, column in columns.items()
    }


def _average(lists: list[list[Edit]]) -> list[Edit]:
    """The mean of the edits of many pictures, in the order of vector.ORDERS[0]."""
    return to_edits(np.mean([to_parameters(edits) for edits in lists], 0).tolist(), range(len(NAMES)))


@torch.no_grad()
def write_report(
    direction: str, samples: list[Sample], untouched: list[Seen], predictor: Predictor, order: str, judges: Judges,
    team: Team,
) -> Report:  # fmt: skip
    """Tables of one direction, for edits that the shipped networks predict with a background."""
    request = EditRequest(direction, ranking=Ranking(order), background=True)
    found = [predictor.attention.predict_edits(sample.to_bytes(), request) for sample in samples]
    pairs: list[Pair] = [(prediction.edits, prediction.background or []) for prediction in found]
    constant = _average([inside for inside, _ in pairs]), _average([around for _, around in pairs])

    def judged(change: Callable[[Pair], Pair]) -> dict[str, float]:
        def one(index: int) -> dict[str, float]:
            after = judges.look(samples[index], samples[index].apply_edits(*change(pairs[index])))
            return compare(samples[index], untouched[index], after, direction)

        return summarise(team.map(one, range(len(samples))))

    places = {
        "region": judged(lambda pair: (pair[0], [])),
        "background": judged(lambda pair: ([], pair[1])),
        "both": judged(lambda pair: pair),
        "both, 150 %": judged(lambda pair: (at_strength(pair[0], 1.5), at_strength(pair[1], 1.5))),
    }
    kinds = {name: judged(_average_each(keep_kinds, names)) for name, names in KINDS.items()}
    kinds["fixed parameters"] = judged(lambda _pair: constant)
    orders = {name: judged(_average_each(reorder, names)) for name, names in ORDERS.items()}
    gains = ", ".join(
        f"{places['both'][figure] / places['region'][figure]:.2f}x ({figure})"
        for source in judges.viewers
        for figure in (f"share change, {source}, median", f"share change, {source}")
    )
    change = places["both"]["CIE76 of the picture"] / places["region"]["CIE76 of the picture"]
    text = "\n\n".join(
        [
            "Region and background:",
            drawing.write_table(places, PERCENT),
            f"Both against the region alone: {gains}; the picture changes {change:.2f}x as much",
            "Both, with parts of the edits:",
            drawing.write_table(_shorten({f"all, {order}": places["both"], **kinds}), PERCENT),
            "Both, in fixed orders of the edits:",
            drawing.write_table(_shorten({f"free, {order}": places["both"], **orders}), PERCENT),
        ]
    )
    return Report(text, {"places": places, "kinds": kinds, "orders": orders, "change": change})
