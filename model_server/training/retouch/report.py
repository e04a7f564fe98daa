# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the shipped network on photographs and scenes that nothing trained on, and draw ordinary photographs.

    python -m model_server.training.retouch.report --data DATA --pictures OUT

The pairs are always the same ones, of photographs and scenes that no choice was made on.  What is measured is what the
server answers, people protected, applied to the picture on the network's canvas and rounded to 8 bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.edits import Edit
from gimp_saliency.shared.retouch import MATCH
from model_server.predict.canvas import Bytes, Floats
from model_server.predict.networks import NETWORKS, Networks
from model_server.predict.pool import make_pool
from model_server.predict.retoucher import Retoucher
from model_server.predict.skin import find_skin
from model_server.predict.vector import to_parameters

from .. import data
from ..colour import to_lab
from ..operators import decode
from ..parallel import Team
from . import pairs
from .measures import Score, compare, measure_error
from .pairs import Pair, apply_vector, round_bytes

_KINDS = ("distorted", "exposure", "expert", "good")
_WIDTH, _HEIGHT = 480, 360  # px; of the pictures that people judge


class Measured(NamedTuple):
    """Of one pair: the scores, and CIE76 to the version that is wanted by the network's mean answer."""

    score: Score
    constant: float


def ask(retoucher: Retoucher, picture: Tensor, reference: Tensor | None = None) -> dict[str, Tensor]:
    """What the server answers for a picture [3, H, W], 0..1, without padding: parameters [COUNT] by look."""
    covered = np.full((*picture.shape[1:], 1), 255, np.uint8)
    other = None if reference is None else _to_bytes(reference)
    found = retoucher.predict_looks(np.concatenate([_to_bytes(picture), covered], 2), True, other)
    return {name: _to_vector(edits) for name, edits in found.items()}


def _to_vector(edits: Sequence[Edit]) -> Tensor:
    return torch.tensor(to_parameters(edits))


def _to_bytes(picture: Tensor) -> Bytes:
    return (picture * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def apply(picture: Tensor, parameters: Tensor) -> Tensor:
    """A picture [3, H, W] with edits [COUNT], rounded to 8 bits."""
    return round_bytes(apply_vector(picture[None], parameters[None])[0])


def cut_padding(pair: Pair) -> Pair:
    """The pair without what is beside its picture on the canvas."""
    rows, columns = (int(pair.valid[0].any(axis).sum()) for axis in (1, 0))
    before, wanted, valid, base = (plane[:, :rows, :columns] for plane in pair[:4])
    return Pair(before, wanted, valid, base, pair.distortion, pair.is_made)


@torch.no_grad()
def measure_kind(retoucher: Retoucher, tests: list[Pair], team: Team) -> list[Measured]:
    """All pairs of a kind, in the plain look."""
    answers = team.map(lambda pair: ask(retoucher, pair.before)[LOOKS[0]], tests)
    constant = torch.stack(answers).mean(0)

    def measure(work: tuple[Pair, Tensor]) -> Measured:
        pair, answer = work
        once = apply(pair.before, answer)
        again = apply(once, ask(retoucher, once)[LOOKS[0]])
        return Measured(
            compare(pair, once, again), measure_error(apply(pair.before, constant), pair.wanted, pair.valid)
        )

    return team.map(measure, list(zip(tests, answers)))


def write_table(found: dict[str, list[Measured]]) -> str:
    """Markdown: one row a kind, and what the targets ask for."""
    names = [
        "pairs",
        "number",
        "nothing",
        "automatic",
        "constant",
        "network",
        "of-the-better",
        "worse",
        "gain",
        "again",
        "clipped",
    ]
    lines = ["| " + " | ".join(name.replace("-", " ") for name in names) + " |"]
    lines.append("|---" * 11 + "|")
    for kind, rows in found.items():
        table = np.array([row.score for row in rows])
        if kind == "good" or not rows:
            continue
        nothing, automatic, network = table[:, :3].mean(0)
        constant = float(np.mean([row.constant for row in rows]))
        worse = (table[:, 2] > 1.001 * table[:, 0]).mean()
        gain = f"{(nothing - network) / (nothing - constant):.2f} ×" if constant < nothing else "all"
        lines.append(
            f"| {kind} | {len(rows)} | {nothing:.1f} | {automatic:.1f} | {constant:.1f} | {network:.1f} "
            f"| {network / min(nothing, automatic):.0%} | {worse:.0%} | {gain} | {np.median(table[:, 4]):.1f} "
            f"| {table[:, 5].mean():.2%} |"
        )
    good = np.array([row.score for row in found["good"]])
    lines += [
        "",
        f"- {len(good)} good photographs change by a CIE76 of {np.median(good[:, 3]):.1f} in the median, "
        f"{good[:, 3].mean():.1f} in the mean, {good[:, 3].max():.1f} at most; {good[:, 5].mean():.2%} more of their "
        "pixels are clipped",
    ]
    return "\n".join(lines)


@torch.no_grad()
def measure_looks(retoucher: Retoucher, tests: list[Pair], team: Team) -> str:
    """How far looks are from the plain one, on good photographs, and what they do to skin.  Lines."""

    def measure(pair: Pair) -> list[tuple[float, float]]:
        answers = ask(retoucher, pair.before)
        plain = apply(pair.before, answers[LOOKS[0]])
        skin = find_skin(pair.before.flatten(1).T.numpy())
        rows = []
        for name in LOOKS:
            result = apply(pair.before, answers[name])
            rows.append((measure_error(result, plain, pair.valid), _measure_turn(skin, answers[name])))
        return rows

    table = np.array(team.map(measure, tests))
    rows = [
        f"| {name} | {table[:, number, 0].mean():.1f} | {np.nanmean(table[:, number, 1]):.1f}° "
        f"| {np.nanmax(table[:, number, 1]):.1f}° |"
        for number, name in enumerate(LOOKS)
    ]
    return "\n".join(["| look | from neutral | skin's hue turns by | at most |", "|---|---|---|---|", *rows])


def _measure_turn(skin: Floats, parameters: Tensor) -> float:
    """By how many degrees the hue of skin [n, 3] turns, on average; nan where there is none."""
    if len(skin) < 20:
        return float("nan")
    before = torch.from_numpy(skin).T[None, :, None]
    labs = [to_lab(decode(each)) for each in (before, apply_vector(before, parameters[None]))]
    hues = [torch.atan2(lab[:, 2], lab[:, 1]) for lab in labs]
    chroma = torch.hypot(labs[0][:, 1], labs[0][:, 2])
    turn = torch.remainder(hues[1] - hues[0] + torch.pi, 2 * torch.pi) - torch.pi
    return float(torch.rad2deg((turn * chroma).sum().abs() / chroma.sum()))


@torch.no_grad()
def measure_matching(retoucher: Retoucher, tests: list[Pair], team: Team) -> str:
    """How near photographs come to the look of the next one, where what that is is known.  One line."""
    work = [(one, other) for one, other in zip(tests, [*tests[1:], *tests[:1]]) if other.is_made and one.is_made]

    def measure(both: tuple[Pair, Pair]) -> tuple[float, float]:
        one, other = both
        wanted = apply(one.base, other.distortion)
        result = apply(one.before, ask(retoucher, one.before, other.before)[MATCH])
        errors = [measure_error(each, wanted, one.valid) for each in (one.before, result)]
        return errors[0], errors[1]

    nothing, network = np.array(team.map(measure, work)).mean(0)
    return f"- matching another photograph: nothing {nothing:.1f}, network {network:.1f} ({len(work)} pairs)"


def draw_photos(retoucher: Retoucher, folder: Path, out: Path, count: int) -> None:
    """Ordinary photographs that no choice was made on, before and after, each a picture of its own."""
    out.mkdir(parents=True, exist_ok=True)
    for number, photo in enumerate(data.choose_spaced(list_ordinary(folder), count)):
        picture = photo.open_picture()
        picture.thumbnail((_WIDTH, _HEIGHT))
        before = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        after = Image.fromarray(_to_bytes(apply(before, ask(retoucher, before)[LOOKS[0]])))
        sheet = Image.new("RGB", (2 * _WIDTH + 10, picture.height), (119, 119, 119))
        sheet.paste(picture, (0, 0))
        sheet.paste(after, (_WIDTH + 10, 0))
        sheet.save(out / f"{number:02}-{photo.name}.png")


def draw_looks(retoucher: Retoucher, folder: Path, out: Path, count: int) -> None:
    """Some of these photographs in each look, one under the other."""
    out.mkdir(parents=True, exist_ok=True)
    size = _WIDTH // 2, _HEIGHT // 2
    sheet = Image.new("RGB", (len(LOOKS) * size[0], count * size[1]), (119, 119, 119))
    for row, photo in enumerate(data.choose_spaced(list_ordinary(folder), count)):
        picture = photo.open_picture()
        picture.thumbnail((size[0] - 6, size[1] - 6))
        before = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        for column, answer in enumerate(ask(retoucher, before).values()):
            after = Image.fromarray(_to_bytes(apply(before, answer)))
            sheet.paste(after, (column * size[0], row * size[1]))
    for column, name in enumerate(LOOKS):
        ImageDraw.Draw(sheet).text((column * size[0] + 4, 2), name, fill="white")
    sheet.save(out / "looks.png")


def list_ordinary(folder: Path) -> list[data.Photo]:
    """The photographs that no choice was made on, whatever they look like, in an order of their own."""
    photos = {region.photo.name: region.photo for region in data.load_regions(folder, 0, 1)}
    _training, _validation, test = data.split([photos[name] for name in sorted(photos)])
    return test


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_server.training.retouch.report", description=str(__doc__).split("\n\n", 1)[0]
    )
    parser.add_argument("--data", type=Path, default=data.DATA, help="data folder, described in MODEL_CARD.md")
    parser.add_argument("--networks", type=Path, default=NETWORKS, help="folder with manifest.json")
    parser.add_argument("--pairs", type=int, default=400, help="pairs of each kind to measure on; 0: none")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of ordinary photographs")
    parser.add_argument("--photos", type=int, default=60, help="how many of them")
    options = parser.parse_args(argv)
    team = Team(2)
    retoucher = Retoucher(Networks(options.networks, make_pool()))
    print(f"{retoucher.model}\n")
    if options.pairs:
        held = pairs.load_material(options.data, "test", team)
        tests = {kind: [cut_padding(pair) for pair in pairs.list_tests(held, kind, options.pairs)] for kind in _KINDS}
        print(write_table({kind: measure_kind(retoucher, chosen, team) for kind, chosen in tests.items()}))
        print(measure_matching(retoucher, tests["distorted"], team), end="\n\n")
        print(measure_looks(retoucher, tests["good"], team))
    if options.pictures:
        draw_photos(retoucher, options.data, options.pictures, options.photos)
        draw_looks(retoucher, options.data, options.pictures, 8)


if __name__ == "__main__":
    main()
