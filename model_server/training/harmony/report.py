# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the shipped network on self-made pairs of photographs that nothing trained on, and draw real composites.

    python -m model_server.training.harmony.report --data DATA --pictures OUT

The pairs are always the same ones (`pairs.list_tests`), of photographs that no choice was made on; their colour tables,
lights and exposures are those of the training's validation, and no training's.  What is measured is what the server
answers, at the networks' own size.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gimp_saliency.shared.harmony import Harmony
from gimp_saliency.shared.request import PLAIN
from model_server.predict.canvas import Bytes
from model_server.predict.harmonizer import Harmonizer
from model_server.predict.networks import NETWORKS, Networks
from model_server.predict.pool import make_pool

from .. import data
from ..colour import average_inside, measure_difference, to_lab
from ..operators import decode
from ..parallel import Team
from . import distortions, operator, pairs
from .adversary import list_composites
from .measures import measure_error, transfer_half
from .pairs import Pair

_SKIN_HUES = 15, 85  # degrees in CIE Lab
_SKIN_CHROMA, _SKIN_LIGHTNESS = (10, 45), (25, 90)
_GREEN_OR_BLUE = -5, 105  # hues beyond which skin is neither
_GREY = 3.0  # chroma below which it is
_CLEAR = 0.1  # mean change of values that makes clearly another look
_TRIES = 50  # for one


class Measured(NamedTuple):
    """Of one pair: mean squared errors of values 0..255 in the cut-out, CIE76 of two passes, share of skin turned.

    nothing: left alone; half: by half of Reinhard's transfer; curves: the network's without its shading; network: with
    all; constant: by the network's mean answer; skin: nan where there is none.
    """

    nothing: float
    half: float
    curves: float
    network: float
    constant: float
    change: float
    second: float
    skin: float


def ask(harmonizer: Harmonizer, composite: Tensor, mask: Tensor, reference: Tensor | None = None) -> Harmony:
    """What the server answers for a composite [3, H, W], 0..1, and a mask [1, H, W], without padding.

    reference: the part of the photo to match, [1, H, W].
    """
    part = None if reference is None else (reference[0] * 255).round().byte().numpy()
    return harmonizer.predict_harmony(_to_bytes(composite, mask), part)


def _to_bytes(composite: Tensor, mask: Tensor) -> Bytes:
    planes = (torch.cat([composite, mask]) * 255).round().byte()
    return planes.permute(1, 2, 0).contiguous().numpy()


def apply(composite: Tensor, mask: Tensor, harmony: Harmony, shaded: bool = True) -> Tensor:
    """The composite [3, H, W] with the cut-out harmonized, rounded to 8 bits."""
    result = operator.apply_curves(composite[None], torch.tensor(harmony.curves())[None])[0]
    if shaded and harmony.shading is not None:
        height, width = composite.shape[1:]
        sides = (width, height, width, height)
        left, top, right, bottom = (round(share * side) for share, side in zip(harmony.shading.box, sides))
        values = torch.tensor(harmony.shading.values)[None, None]
        part = operator.apply_shading(result[None, :, top:bottom, left:right], values)
        result[:, top:bottom, left:right] = part[0]
    return (operator.blend(composite, result, mask).clamp(0, 1) * 255).round() / 255


def cut_padding(pair: Pair) -> Pair:
    """The pair without what is beside its picture on the canvas."""
    valid = (pair.mask + pair.around) > 0
    rows, columns = int(valid[0].any(1).sum()), int(valid[0].any(0).sum())
    planes = (plane[:, :rows, :columns] for plane in pair[:4])
    composite, wanted, mask, around = planes
    return Pair(composite, wanted, mask, around, pair.people)


@torch.no_grad()
def measure(pair: Pair, harmony: Harmony, again: Harmony, constant: Harmony) -> Measured:
    """harmony: the network's answer; again: its answer to its own result; constant: its mean answer."""
    once = apply(pair.composite, pair.mask, harmony)
    twice = apply(once, pair.mask, again)
    results = [
        pair.composite, transfer_half(pair), apply(pair.composite, pair.mask, harmony, shaded=False), once,
        apply(pair.composite, pair.mask, constant),
    ]  # fmt: skip
    errors = [measure_error(pair, result) for result in results]
    changes = [_measure_change(*each, pair.mask) for each in ((pair.composite, once), (once, twice))]
    turned = _measure_skin(pair, once) if pair.people else math.nan
    return Measured(errors[0], errors[1], errors[2], errors[3], errors[4], changes[0], changes[1], turned)


def _measure_change(before: Tensor, after: Tensor, mask: Tensor) -> float:
    labs = [to_lab(decode(each[None])) for each in (before, after)]
    return float(average_inside(measure_difference(labs[0], labs[1]), mask[None]))


def _measure_skin(pair: Pair, result: Tensor) -> float:
    """The share of a person's skin, as the photograph and the composite have it, that became green, blue or grey."""
    before, given, after = (_find_hue(each) for each in (pair.wanted, pair.composite, result))
    hue, chroma, lightness = before
    skin = (pair.mask[0] > 0.5) & (hue > _SKIN_HUES[0]) & (hue < _SKIN_HUES[1])
    skin &= (chroma > _SKIN_CHROMA[0]) & (chroma < _SKIN_CHROMA[1])
    skin &= (lightness > _SKIN_LIGHTNESS[0]) & (lightness < _SKIN_LIGHTNESS[1]) & ~_is_turned(given)
    return float(_is_turned(after)[skin].float().mean()) if int(skin.sum()) >= 20 else math.nan


def _find_hue(picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in degrees, chroma and lightness [H, W] in CIE Lab."""
    lightness, a, b = to_lab(decode(picture[None]))[0]
    return torch.rad2deg(torch.atan2(b, a)), torch.hypot(a, b), lightness


def _is_turned(colour: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    hue, chroma, _lightness = colour
    return (chroma < _GREY) | (hue < _GREEN_OR_BLUE[0]) | (hue > _GREEN_OR_BLUE[1])


def average(harmonies: Sequence[Harmony]) -> Harmony:
    """The mean of the curves; of the shadings none, as each is for its own place."""
    mean = np.array([harmony.curves() for harmony in harmonies]).mean(0).tolist()
    red, green, blue = (tuple(curve) for curve in mean)
    return Harmony(red, green, blue)


def write_table(table: list[Measured], kinds: list[str]) -> str:
    """Markdown: one row a kind, and what the targets ask for."""
    values, names = np.array(table), np.array(kinds)
    lines = ["| pairs | number | nothing | half Reinhard | constant | without shading | network | share | worse |"]
    lines.append("|---" * 9 + "|")
    for kind in [*dict.fromkeys(kinds), "all but untouched"]:
        rows = values[names == kind] if kind in kinds else values[names != "untouched"]
        nothing, half, curves, network, constant = rows[:, :5].mean(0)
        worse = f"{(rows[:, 3] > rows[:, 0]).mean():.0%}" if kind != "untouched" else ""
        share = f"{network / nothing:.0%}" if nothing else ""
        lines.append(
            f"| {kind} | {len(rows)} | {nothing:.0f} | {half:.0f} | {constant:.0f} | {curves:.0f} | {network:.0f} "
            f"| {share} | {worse} |"
        )
    rows = values[names != "untouched"]
    nothing, half, _curves, network, constant = rows[:, :5].mean(0)
    medians = np.median(rows[:, :5], 0)
    untouched = values[names == "untouched"]
    skin = values[~np.isnan(values[:, 7]), 7]
    gain = f"{(nothing - network) / (nothing - constant):.2f}" if constant < nothing else "all: that helps nothing"
    lines += [
        "",
        f"- medians: nothing {medians[0]:.0f}, half Reinhard {medians[1]:.0f}, network {medians[3]:.0f}",
        f"- network against nothing {network / nothing:.0%}, against half Reinhard {network / half:.0%}",
        f"- gain over the constant answer: {gain}",
        f"- untouched pairs change by a CIE76 of {untouched[:, 5].mean():.2f}, again by {untouched[:, 6].mean():.2f}",
        f"- a second pass changes the others by {rows[:, 6].mean():.2f}, the first by {rows[:, 5].mean():.2f}",
        f"- skin that became green, blue or grey: {skin.mean() if len(skin) else 0:.2%} of it in the mean of "
        f"{len(skin)} pairs, {skin.max() if len(skin) else 0:.1%} in the worst one",
    ]
    return "\n".join(lines)


def measure_all(harmonizer: Harmonizer, folder: Path, count: int, team: Team) -> str:
    """All test pairs of photographs that no choice was made on."""
    regions = data.load_regions(folder, pairs.SMALLEST, pairs.LARGEST)
    _training, _validation, test = data.split(regions)
    listed = pairs.list_tests(pairs.load_material(folder, test, True, team), count)
    tests = [cut_padding(pairs.make_test(*each)) for each in listed]
    harmonies = team.map(lambda pair: ask(harmonizer, pair.composite, pair.mask), tests)
    once = [apply(pair.composite, pair.mask, harmony) for pair, harmony in zip(tests, harmonies)]
    again = [ask(harmonizer, result, pair.mask) for pair, result in zip(tests, once)]
    work = list(zip(tests, harmonies, again))
    constant = average([harmony for harmony, each in zip(harmonies, listed) if each[2] != "untouched"])
    table = team.map(lambda each: measure(*each, constant), work)
    kinds = [each[2] for each in listed]
    touched = [pair for pair, kind in zip(tests, kinds) if kind != "untouched"]
    rest = [each(harmonizer, touched, team) for each in (measure_references, measure_styles)]
    return "\n".join([write_table(table, kinds), *rest])


def measure_references(harmonizer: Harmonizer, tests: Sequence[Pair], team: Team) -> str:
    """What it brings to name the part to match, where the other half of the photo has another look.

    One line; the errors of the cut-out left alone, harmonized with all of the photo, and with the half named.
    """

    def compare(work: tuple[int, Pair]) -> tuple[float, float, float]:
        pair, named = spoil_half(work[1], np.random.default_rng(work[0]))
        harmonies = [ask(harmonizer, pair.composite, pair.mask, each) for each in (None, named)]
        results = [pair.composite, *(apply(pair.composite, pair.mask, harmony) for harmony in harmonies)]
        errors = [measure_error(pair, result) for result in results]
        return errors[0], errors[1], errors[2]

    table = np.array(team.map(compare, list(enumerate(tests))))
    nothing, whole, part = table.mean(0)
    better = (table[:, 2] < table[:, 1]).mean()
    return (
        f"- half of the photo in clearly another look: nothing {nothing:.0f}, network {whole:.0f}, and {part:.0f} with "
        f"the other half named, which is better for {better:.0%} of {len(table)}"
    )


def measure_styles(harmonizer: Harmonizer, tests: Sequence[Pair], team: Team) -> str:
    """What there is to choose from: the errors of the first proposal and of the best of all, and how many there are."""

    def compare(pair: Pair) -> tuple[float, float, int]:
        found = harmonizer.propose(_to_bytes(pair.composite, pair.mask), None, PLAIN, 0)
        results = [apply(pair.composite, pair.mask, each.harmony) for each in found]
        errors = [measure_error(pair, result) for result in results]
        return errors[0], min(errors), len(errors)

    first, best, count = np.array(team.map(compare, tests)).mean(0)
    return f"- of {count:.1f} proposals in the mean the first one leaves {first:.0f}, the best one {best:.0f}"


def spoil_half(pair: Pair, rng: np.random.Generator) -> tuple[Pair, Tensor]:
    """The pair with one half of its photo in clearly another look, and the other half [1, H, W], 0 or 1.

    What is left as it is has more of the photo, and so most often less of the cut-out.
    """
    width = pair.mask.shape[2]
    left = torch.zeros_like(pair.mask)
    left[:, :, : width // 2] = 1
    # What there is more of stays.
    kept = left if (left * pair.around).sum() > ((1 - left) * pair.around).sum() else 1 - left
    spoiled = (1 - kept) * pair.around
    for _ in range(_TRIES):
        other = distortions.apply_operators(pair.composite, rng)
        change = spoiled * (other - pair.composite)
        if change.abs().sum() >= _CLEAR * 3 * spoiled.sum():
            break
    return pair._replace(composite=pair.composite + change), kept


def draw_composites(harmonizer: Harmonizer, folder: Path, out: Path, count: int) -> None:
    """Real composites beside each other, before and after, four in a picture."""
    out.mkdir(parents=True, exist_ok=True)
    files = list_composites(folder, held_out=True)
    rows = [_draw_pair(harmonizer, file) for file in data.choose_spaced(files, count)]
    for number in range(0, len(rows), 4):
        part = rows[number : number + 4]
        sheet = np.full((sum(row.shape[0] for row in part), max(row.shape[1] for row in part), 3), 40, np.uint8)
        top = 0
        for row in part:
            sheet[top : top + row.shape[0], : row.shape[1]] = row
            top += row.shape[0]
        Image.fromarray(sheet).save(out / f"composites-{number // 4:02}.png")


def _draw_pair(harmonizer: Harmonizer, file: Path) -> Bytes:
    picture = np.asarray(Image.open(file).convert("RGB"))
    mask = np.asarray(Image.open(file.with_name(f"{file.stem}__0.png")).convert("L").resize(picture.shape[1::-1]))
    before = torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255
    area = torch.from_numpy(mask.copy())[None].float() / 255
    after = apply(before, area, ask(harmonizer, before, area))
    edited = (after * 255).round().byte().permute(1, 2, 0).numpy()
    outline = np.repeat(mask[:, :, None], 3, 2)
    return np.concatenate([picture, edited, outline], 1)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_server.training.harmony.report", description=str(__doc__).split("\n\n", 1)[0]
    )
    parser.add_argument("--data", type=Path, default=data.DATA, help="data folder, described in MODEL_CARD.md")
    parser.add_argument("--networks", type=Path, default=NETWORKS, help="folder with manifest.json")
    parser.add_argument("--pairs", type=int, default=360, help="self-made pairs to measure on; 0: none")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of real composites")
    parser.add_argument("--composites", type=int, default=40, help="how many of them")
    options = parser.parse_args(argv)
    team = Team(2)
    harmonizer = Harmonizer(Networks(options.networks, make_pool()))
    print(f"{harmonizer.model}\n")
    if options.pairs:
        print(measure_all(harmonizer, options.data, options.pairs, team))
    if options.pictures:
        draw_composites(harmonizer, options.data, options.pictures, options.composites)


if __name__ == "__main__":
    main()
