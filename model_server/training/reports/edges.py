# SPDX-License-Identifier: GPL-3.0-or-later
"""Loose selections as the product takes them: how well the object in them is found, and what border an edit shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gimp_saliency.shared.choices import Edge
from gimp_saliency.shared.edits import Edit
from gimp_saliency.shared.framing import frame_selection
from gimp_saliency.shared.request import EditRequest
from model_server.predict.border import LIMIT, Border
from model_server.predict.predictor import Predictor

from .. import data, operators, selections
from ..models import measure_share
from ..parallel import Team
from . import drawing, judging
from .judging import PERCENT, Judges, Sample

KINDS = ("ellipse", "box")

_FINE = 2  # how many times the networks' canvas the borders are measured at, too
_UNNAMED = "human segment"  # a piece of a picture that somebody saw as one, which may be half of a thing
_BY_HAND = ("bsds", "ccp", "hum", "dpst", "coco", "lal")  # sources whose masks people have drawn or checked
_SHOWN, _ON_A_SHEET, _SHEET_SIDE = 24, 6, 384  # regions of a direction and kind; px of each picture
_ALIKE = 0.97  # overlap from which a mask is the same for all that anybody sees


@dataclass(frozen=True)
class Found:
    """What became of a selection's edge in a photograph: masks (H, W), 0..255, of its size."""

    edge: Edge
    mask: np.ndarray[Any, Any]
    selection: np.ndarray[Any, Any]
    truth: np.ndarray[Any, Any]

    def measure_overlap(self) -> tuple[float, float]:
        """The intersection over union with what was meant: of the selection, and of the mask."""
        return measure_overlap(self.selection, self.truth), measure_overlap(self.mask, self.truth)


def measure_overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """The intersection over union of two soft masks."""
    return float(np.minimum(one, other).sum() / max(1, np.maximum(one, other).sum()))


def find(predictor: Predictor, region: data.Region, selection: Image.Image, truth: Image.Image, edge: Edge) -> Found:
    """What the server makes of a selection in a region's photograph, as the plug-in asks it."""
    picture = region.photo.open_picture()
    bounds = selections.find_bounds(selection)
    assert bounds
    left, top, right, bottom = frame_selection(bounds, *picture.size)
    selected, meant = np.asarray(selection), np.asarray(truth)
    seen = np.dstack([np.asarray(picture), selected])[top:bottom, left:right]
    mask = np.zeros_like(selected)
    if min(seen.shape[:2]) < 16:
        return Found(Edge.AS_SELECTED, selected, selected, meant)
    found = predictor.fitting.find_edge(np.ascontiguousarray(seen), edge)
    mask[top:bottom, left:right] = found.mask
    return Found(found.edge, mask, selected, meant)


def report_fits(regions: list[data.Region], predictor: Predictor, team: Team) -> str:
    """How well the object in a selection is found: a table by kind of selection.

    "fitted" is the mask that "Fit to object" gives, "automatic" what is taken by default.
    """
    objects = [region for region in regions if not selections.is_surface(region.label, region.area)]
    surfaces = [region for region in regions if selections.is_surface(region.label, region.area)]
    checked = [region for region in objects if region.photo.name.startswith(_BY_HAND)]
    named = [region for region in checked if region.label != _UNNAMED]
    draws: dict[str, tuple[list[data.Region], Draw]] = {
        **{f"{kind}, things with a name": (named, _make_draw(kind)) for kind in KINDS},
        **{f"{kind}, masks by hand": (checked, _make_draw(kind)) for kind in KINDS},
        **{f"{kind}, all masks": (objects, _make_draw(kind)) for kind in KINDS},
        "loose lasso, masks by hand": (checked, lambda truth, rng: selections.draw_selection(truth, "lasso", rng)),
        "the mask itself": (objects, lambda truth, _rng: truth),
        "part of a surface": (surfaces, selections.draw_part),
    }
    columns = {}
    for name, (chosen, draw) in draws.items():
        figures = _measure_fits(chosen, draw, predictor, team, is_part=name.startswith("part"))
        if figures:
            columns[name] = figures
    return drawing.write_table(columns, ("taken", "softened", "left", "kept"))


Draw = Callable[[Image.Image, np.random.Generator], "Image.Image | None"]


def _make_draw(kind: str) -> Draw:
    return lambda truth, rng: selections.draw_around(truth, kind, rng)


def _measure_fits(
    chosen: list[data.Region], draw: Draw, predictor: Predictor, team: Team, is_part: bool
) -> dict[str, float]:
    """The figures of one kind of selection, none where there is none.  is_part: what is selected is what is meant."""

    def one(index: int) -> tuple[Found, Found] | None:
        region = chosen[index]
        truth = region.open_mask()
        selection = draw(truth, np.random.default_rng(index))
        if selection is None or selections.find_bounds(selection) is None:
            return None
        meant = selection if is_part else truth
        found = [find(predictor, region, selection, meant, edge) for edge in (Edge.OBJECT, Edge.AUTOMATIC)]
        return found[0], found[1]

    pairs = [pair for pair in team.map(one, range(len(chosen))) if pair]
    if not pairs:
        return {}
    own, fitted = np.array([pair[0].measure_overlap() for pair in pairs]).T
    automatic = np.array([pair[1].measure_overlap()[1] for pair in pairs])
    edges = [pair[1].edge for pair in pairs]
    figures = {"regions": float(len(pairs))}
    for name, values in (("selection", own), ("fitted", fitted), ("automatic", automatic)):
        figures[f"{name}, median"] = float(np.median(values))
        figures[f"{name}, lowest quarter"] = float(np.quantile(values, 0.25))
    figures["taken for an object"] = edges.count(Edge.OBJECT) / len(edges)
    figures["softened"] = edges.count(Edge.SOFT) / len(edges)
    figures["left as selected"] = edges.count(Edge.AS_SELECTED) / len(edges)
    kept = [measure_overlap(pair[1].mask, pair[1].selection) >= _ALIKE for pair in pairs]
    figures[f"kept to {_ALIKE:g} of the selection"] = float(np.mean(kept))
    return figures


@dataclass(frozen=True)
class Edited:
    """A region after an edit.

    border, fine_border: on the networks' canvas and at twice its size.  shares: of attention, by judge.  picture: at
    twice the canvas' size.
    """

    border: float
    fine_border: float
    shares: dict[str, float]
    picture: Image.Image


def choose(regions: list[data.Region], judges: Judges, count: int, team: Team) -> dict[str, list[data.Region]]:
    """For each direction objects of different photographs, at most `count`: as `judging.choose`, but no surfaces."""
    objects = [region for region in regions if not selections.is_surface(region.label, region.area)]
    samples = judging.load_samples(objects, team)
    lifts = team.map(judges.lift, samples)
    return {
        direction: [sample.region for sample in chosen]
        for direction, chosen in judging.choose(samples, lifts, count).items()
    }


def report_borders(
    direction: str,
    regions: list[data.Region],
    predictor: Predictor,
    unlimited: Predictor,
    judges: Judges,
    sheets: Path,
    team: Team,
) -> str:
    """Borders and shares of attention of edits through loose selections, beside those through the true mask: a table.

    unlimited: lets borders show, as all edits once did.  Draws contact sheets into the folder `sheets`: the selection,
    that edit of it, and what is done by default.
    """
    columns: dict[str, dict[str, float]] = {}
    for kind in KINDS:

        def edit_region(index: int, kind: str = kind) -> dict[str, Edited]:
            return _edit_region(direction, regions[index], kind, index, predictor, unlimited, judges)

        rows = team.map(edit_region, range(len(regions)))
        for name in list(rows[0])[1:]:
            columns[f"{kind}: {name}"] = _summarise([row[name] for row in rows], rows)
        for start in range(0, min(len(rows), _SHOWN), _ON_A_SHEET):
            pictures = [
                (
                    region.photo.name,
                    [row[name].picture for name in ("before", "as selected, without a limit", "automatic")],
                )
                for region, row in zip(regions[start:], rows[start : start + _ON_A_SHEET])
            ]
            path = sheets / f"{direction}-{kind}-{start // _ON_A_SHEET + 1}.png"
            drawing.draw_sheet(pictures, path, abreast=1, side=_SHEET_SIDE)
    return drawing.write_table(columns, (*PERCENT, "border >", "of the true"))


@torch.no_grad()
def _edit_region(
    direction: str,
    region: data.Region,
    kind: str,
    seed: int,
    predictor: Predictor,
    unlimited: Predictor,
    judges: Judges,
) -> dict[str, Edited]:
    """A region edited through several masks, by their names, and as it was before, its selection outlined."""
    truth = region.open_mask()
    selection = selections.draw_around(truth, kind, np.random.default_rng(seed)) or truth
    fitted = Image.fromarray(find(predictor, region, selection, truth, Edge.AUTOMATIC).mask)
    request = EditRequest(direction)
    result = {"before": _apply(region, truth, truth, [], judges, selection)}
    for name, mask, by in (
        ("as selected, without a limit", selection, unlimited),
        ("as selected", selection, predictor),
        ("automatic", fitted, predictor),
        ("true mask", truth, predictor),
        ("true mask, without a limit", truth, unlimited),
    ):
        edits = by.attention.predict_edits(_place(region, mask, 1).to_bytes(), request).edits
        result[name] = _apply(region, mask, truth, edits, judges)
    return result


def _place(region: data.Region, mask: Image.Image, scale: int) -> Sample:
    """A region's photograph with a mask, so many times as large as on the networks' canvas."""
    placed = data.place_whole(region.photo)
    size, canvas = ((each[0] * scale, each[1] * scale) for each in (placed.size, placed.canvas))
    placed = replace(placed, size=size, canvas=canvas)
    valid = placed.mark_valid()[None]
    picture = data.to_tensor(placed.place(region.photo.open_picture()))[None]
    return Sample(region, picture, data.to_tensor(placed.place(mask))[None] * valid, valid)


def _apply(
    region: data.Region,
    mask: Image.Image,
    truth: Image.Image,
    edits: list[Edit],
    judges: Judges,
    outlined: Image.Image | None = None,
) -> Edited:
    """Edit a region through a mask; its share of attention is that of the true mask.  outlined: what to draw."""
    meant = _place(region, truth, 1)
    borders, pictures = [], []
    for scale in (1, _FINE):
        sample = _place(region, mask, scale)
        edited = operators.encode(sample.apply_edits(edits))
        border = Border(sample.picture.numpy(), sample.mask.numpy(), sample.valid.numpy())
        borders.append(border.measure(edited.numpy()))
        pictures.append((sample, edited))
    shares = {
        source: float(
            torch.stack([measure_share(viewer(pictures[0][1], meant.valid), meant.mask) for viewer in viewers]).mean()
        )
        for source, viewers in judges.viewers.items()
    }
    sample, edited = pictures[1]
    height, width = sample.size()
    image = drawing.to_image(edited[0, :, :height, :width])
    if outlined is not None:
        image = drawing.draw_outline(image, _place(region, outlined, _FINE).mask[0, 0, :height, :width])
    return Edited(borders[0], borders[1], shares, image)


def _summarise(found: list[Edited], rows: list[dict[str, Edited]]) -> dict[str, float]:
    """The figures of edits through one kind of mask, beside the same regions before, and through the true mask."""
    borders, fine = np.array([each.border for each in found]), np.array([each.fine_border for each in found])
    figures = {"regions": float(len(found)), "border, median": float(np.median(borders))}
    figures[f"border > {LIMIT:g}"] = float((borders > 1.01 * LIMIT).mean())
    figures["border at twice the size, median"] = float(np.median(fine))
    figures[f"border > {LIMIT:g} at twice the size"] = float((fine > LIMIT).mean())
    for source in found[0].shares:
        before = np.array([row["before"].shares[source] for row in rows])
        after = np.array([each.shares[source] for each in found])
        best = np.array([row["true mask"].shares[source] for row in rows])
        figures[f"share change, {source}, mean"] = float((after / before - 1).mean())
        figures[f"share change, {source}, median"] = float(np.median(after / before - 1))
        figures[f"of the true mask's share change, {source}"] = float(
            (after / before - 1).mean() / (best / before - 1).mean()
        )
    return figures
