# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs before and after retouching: by experts, by exposing again, and good ones that were made worse."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from model_server.predict.retouch_map import FORMAT
from model_server.predict.vector import COUNT, PLACES

from .. import colour, data, operators
from ..parallel import Team
from .looks import list_looks, order_steps

# How pairs for training come about, and how often.
KINDS = {"distorted": 0.48, "good": 0.2, "exposure": 0.16, "expert": 0.16}
PARTS = ("training", "validation", "test")

# How far random edits make a good photograph worse, in the units of the operators' vector: mean and deviation.  Of the
# experts' own edits, turned round: most photographs are too dark, flat and pale.
_SPREADS = {"exposure": (-0.7, 0.9), "saturation": (-0.25, 0.35), "white-balance": (0.0, 0.22), "tone": (0.0, 0.3)}
_FLATTER = 0.35  # share of a haze over black, or of what white lacks, at most
_CHANNELS = 0.12  # deviation of the channels' own curves
_ONE_OF = 0.3  # share of photographs with one fault alone
_FLAT = 0.3  # and of those as a camera leaves them
_JITTER = 0.4  # of the spreads: how experts' photographs vary
_LOOKS = 0.35  # share of the good ones that have a look of their own to be left as it is
_NEAR, _NEAREST = 0.6, 0.55  # share of the pairs that show a part alone, and the least of its sides
_TIMES = 4  # that each photograph is made worse for tests, each time otherwise
_PIXELS = 640  # that a loss is measured on

# What a good photograph has, in CIE Lab on the canvas: dark and light parts, a usual mean, no cast, nothing clipped.
_BLACK, _WHITE, _MEAN = 22.0, 82.0, (34.0, 68.0)
_CAST, _CLIPPED = 9.0, 0.02


class Photo(NamedTuple):
    """A picture on its canvas, uint8 [3, H, W], and the width and height of what is not padding."""

    picture: Tensor
    size: tuple[int, int]
    name: str


class Retouched(NamedTuple):
    """A scene before and after."""

    before: Photo
    after: Photo


class Material(NamedTuple):
    """What pairs are made of, all of one orientation."""

    good: list[Photo]
    exposure: list[Retouched]
    expert: list[Retouched]


class Pair(NamedTuple):
    """A photograph and what it should be, [3, H, W] display-encoded 0..1; valid: [1, H, W].

    base, distortion: what the photograph was made of by the edits [COUNT]; of real pairs the photograph and none.
    """

    before: Tensor
    wanted: Tensor
    valid: Tensor
    base: Tensor
    distortion: Tensor
    is_made: bool


class Batch(NamedTuple):
    """before: [N, 3, H, W], valid [N, 1, H, W]; what losses are measured on: pixels [N, 3, 1, P] of the rest.

    is_made: [N], whether `base` and `distortion` [N, COUNT] are known.
    """

    before: Tensor
    valid: Tensor
    points: Tensor
    wanted: Tensor
    base: Tensor
    distortion: Tensor
    is_made: Tensor


def choose_part(name: str) -> str:
    """Which of PARTS a scene of the table of retouched ones is for, by its name.

    Those of experts are too few to choose by: about a third is for tests alone.
    """
    digest = hashlib.sha256(name.encode()).digest()[0]
    if name.startswith("sice"):
        return "test" if digest < 51 else "validation" if digest < 77 else "training"
    return "test" if digest < 85 else "training"


def load_material(folder: Path, part: str, team: Team, most: int | None = None) -> list[Material]:
    """What there is for one of PARTS, landscape and portrait.  most: of photographs, for trying out."""
    regions, fixations = data.load_regions(folder, 0, 1), data.load_fixations(folder)
    photos = {photo.name: photo for photo in [*(region.photo for region in regions), *fixations]}
    chosen = data.split(list(photos.values()))[PARTS.index(part)][:most]
    good = [photo for photo in team.map(place_photo, chosen) if is_good(photo)]
    pairs = load_retouched(folder, part, team)
    materials = []
    for portrait in (False, True):
        is_alike = partial(_is_portrait, portrait)
        alike = [pair for pair in pairs if is_alike(pair.before)]
        exposure = [pair for pair in alike if pair.before.name.startswith("sice")]
        expert = [pair for pair in alike if not pair.before.name.startswith("sice")]
        materials.append(Material([photo for photo in good if is_alike(photo)], exposure, expert))
    return materials


def _is_portrait(portrait: bool, photo: Photo) -> bool:
    return (photo.picture.shape[1] > photo.picture.shape[2]) == portrait


def load_retouched(folder: Path, part: str, team: Team) -> list[Retouched]:
    """The scenes of experts and of several exposures that are for one of PARTS."""
    table = folder / "retouch" / "SOURCES.csv"
    if not table.is_file():
        raise data.DataError(f"{table} is missing: point --data at the folder that MODEL_CARD.md describes.")
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if not row["file"].startswith("style_")]  # one is a strong style
    rows = [row for row in rows if choose_part(_name_scene(row["file"])) == part]
    files = [folder / "retouch" / row["file"] for row in rows]
    photos = team.map(_open_photo, files)
    after = {_name_scene(row["file"]): photo for row, photo in zip(rows, photos) if row["kind"] != "input"}
    before = [(_name_scene(row["file"]), photo) for row, photo in zip(rows, photos) if row["kind"] == "input"]
    pairs = [(photo, after.get(scene)) for scene, photo in before]
    return [Retouched(photo, best) for photo, best in pairs if best and best.size == photo.size]


def _name_scene(file: str) -> str:
    return file.rsplit("_", 1)[0]


def _open_photo(file: Path) -> Photo:
    with Image.open(file) as picture:
        return place_photo(data.Photo(file.stem, file, picture.size))


def place_photo(photo: data.Photo) -> Photo:
    """A photograph on its canvas, as the server places it."""
    portrait = photo.portrait
    canvas = FORMAT.place(np.asarray(photo.open_picture()))
    largest = (FORMAT.short, FORMAT.long) if portrait else (FORMAT.long, FORMAT.short)
    picture = (torch.from_numpy(canvas.picture[0]) * 255).round().byte()
    rest = (0, largest[0] - picture.shape[2], 0, largest[1] - picture.shape[1])
    padded = F.pad(picture[None].float(), rest, mode="replicate")[0].byte()
    return Photo(padded, (canvas.width, canvas.height), photo.name)


def mark_valid(photo: Photo) -> Tensor:
    """1 on the picture, 0 on the rest of its canvas: [1, H, W]."""
    valid = torch.zeros_like(photo.picture[:1], dtype=torch.float32)
    valid[:, : photo.size[1], : photo.size[0]] = 1
    return valid


def is_good(photo: Photo) -> bool:
    """Whether nobody would have to retouch a photograph: a simple test, that about one in three passes."""
    width, height = photo.size
    picture = photo.picture[:, :height, :width].float() / 255
    lightness, a, b = colour.to_lab(operators.decode(picture)[None])[0].flatten(1)
    ends = torch.quantile(lightness, torch.tensor([0.02, 0.98]))
    grey = torch.exp(-(a.square() + b.square()) / 12**2) + 1e-3
    cast = torch.stack([(a * grey).sum(), (b * grey).sum()]).norm() / grey.sum()
    clipped = ((picture >= 254.5 / 255).all(0) | (picture <= 0.5 / 255).all(0)).float().mean()
    return bool(
        ends[0] < _BLACK and ends[1] > _WHITE and _MEAN[0] < lightness.mean() < _MEAN[1]
        and cast < _CAST / 2 and torch.stack([a.mean(), b.mean()]).norm() < 1.6 * _CAST and clipped < _CLIPPED
    )  # fmt: skip


def draw_distortion(rng: np.random.Generator, amount: float = 1.0) -> Tensor:
    """Edits that make a good photograph worse: [COUNT].  amount: of the spreads."""
    if rng.random() < _FLAT:
        return _draw_flat(rng, amount)
    values = np.zeros(COUNT, np.float32)
    names = list(_SPREADS)
    chosen = [str(rng.choice(names))] if rng.random() < _ONE_OF else [n for n in names if rng.random() < 0.75]
    for name in chosen:
        mean, spread = _SPREADS[name]
        place = PLACES[name]
        if name == "tone":
            values[place] = spread * (rng.normal() * _SLOPE + rng.normal() * _BEND + 0.4 * rng.normal() * _WAVE)
        else:
            values[place] = amount * mean + spread * rng.normal(size=place.stop - place.start)
    if len(chosen) > 1:
        channels = [rng.normal() * _SLOPE + rng.normal() * _BEND for _ in range(3)]
        values[PLACES["curves"]] = _CHANNELS * np.concatenate(channels)
    return torch.from_numpy(values * np.float32(amount))


def _draw_flat(rng: np.random.Generator, amount: float) -> Tensor:
    """As a camera's raw file looks before anybody has worked on it: dark, pale, with little contrast."""
    values = np.zeros(COUNT, np.float32)
    values[PLACES["exposure"]] = rng.uniform(-1.6, -0.1)
    values[PLACES["saturation"]] = rng.uniform(-0.7, 0)
    values[PLACES["white-balance"]] = 0.08 * rng.normal(size=2)
    values[PLACES["tone"]] = 0.15 * rng.normal() * _SLOPE + rng.uniform(0, 0.5) * _BEND
    return torch.from_numpy(values * np.float32(amount))


# Ways in which a curve's eight slopes differ: lighter or darker, steeper or flatter in the middle, both at once.
_STEPS = (np.arange(8) + 0.5) / 8
_SLOPE, _BEND, _WAVE = (np.cos(np.pi * k * _STEPS) for k in (1, 2, 3))


def apply_vector(picture: Tensor, parameters: Tensor) -> Tensor:
    """Edits [N, COUNT] in the usual order on pictures [N, 3, H, W], display-encoded before and after, clipped once."""
    linear = operators.decode(picture)
    edited = operators.apply_pointwise(linear, torch.ones_like(linear[:, :1]), parameters, order_steps(len(linear)))
    return operators.encode(edited)


def veil(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """A picture with less between black and white: haze, and white that is grey."""
    if rng.random() < 0.5:
        return picture
    low, high = (float(_FLATTER * rng.beta(1, 2.5)) for _ in range(2))
    return low + picture * (1 - low - high * rng.random())


def round_bytes(picture: Tensor) -> Tensor:
    """As 8 bits keep it."""
    return (picture.clamp(0, 1) * 255).round() / 255


def draw_pair(material: Material, rng: np.random.Generator, kind: str) -> Pair:
    """A pair of a kind, varied as for training."""
    if kind in ("exposure", "expert") and getattr(material, kind):
        pairs: list[Retouched] = getattr(material, kind)
        chosen = pairs[int(rng.integers(len(pairs)))]
        pair = make_real(chosen)
        if kind == "expert":  # they are few: no two alike
            before = apply_vector(pair.before[None], draw_distortion(rng, _JITTER * rng.random())[None])[0]
            pair = pair._replace(before=round_bytes(before))
    else:
        photo = material.good[int(rng.integers(len(material.good)))]
        pair = make_good(photo, rng) if kind == "good" else make_distorted(photo, rng)
    if rng.random() < _NEAR:
        pair = _cut(pair, rng)
    return _flip(pair) if rng.random() < 0.5 else pair


def make_real(chosen: Retouched) -> Pair:
    """The pair of a scene."""
    before, wanted = (photo.picture.float() / 255 for photo in chosen)
    return Pair(before, wanted, mark_valid(chosen.before), before, torch.zeros(COUNT), False)


def make_distorted(photo: Photo, rng: np.random.Generator) -> Pair:
    """A good photograph, and the same made worse."""
    wanted = photo.picture.float() / 255
    distortion = draw_distortion(rng)
    worse = apply_vector(wanted[None], distortion[None])[0]
    veiled = veil(worse, rng)
    return Pair(round_bytes(veiled), wanted, mark_valid(photo), wanted, distortion, veiled is worse)


def make_good(photo: Photo, rng: np.random.Generator | None = None) -> Pair:
    """A good photograph to be left as it is; rng: now and then with a look of its own, a third to all of it."""
    wanted = photo.picture.float() / 255
    distortion = torch.zeros(COUNT)
    base = wanted
    if rng is not None and rng.random() < _LOOKS:
        looks = list_looks()
        distortion = looks[int(rng.integers(1, len(looks)))] * float(rng.uniform(0.3, 0.8))
        wanted = round_bytes(apply_vector(wanted[None], distortion[None])[0])
    return Pair(wanted, wanted, mark_valid(photo), base, distortion, True)


def _cut(pair: Pair, rng: np.random.Generator) -> Pair:
    """A random part of the picture, enlarged to its size."""
    height, width = (int(pair.valid[0].amax(axis).sum()) for axis in (1, 0))
    share = float(rng.uniform(_NEAREST, 1))
    rows, columns = (max(1, round(side * share)) for side in (height, width))
    top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
    planes = []
    for each in (pair.before, pair.wanted, pair.base):
        part = each[None, :, top : top + rows, left : left + columns]
        grown = F.interpolate(part, size=(height, width), mode="bilinear", align_corners=False)
        rest = (0, each.shape[2] - width, 0, each.shape[1] - height)
        planes.append(F.pad(grown, rest, mode="replicate")[0])
    return Pair(planes[0], planes[1], pair.valid, planes[2], pair.distortion, pair.is_made)


def _flip(pair: Pair) -> Pair:
    """Mirrored, with its padding at the other side."""
    mirrored = [each.flip(2) for each in pair[:4]]
    shift = int((mirrored[2][0, 0] == 0).sum())
    before, wanted, valid, base = (each.roll(-shift, 2) for each in mirrored)
    return Pair(before, wanted, valid, base, pair.distortion, pair.is_made)


def draw_batch(materials: Sequence[Material], seed: int, count: int) -> Batch:
    """A batch for training, all of one orientation."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(material.good) for material in materials], float)
    material = materials[int(rng.choice(len(materials), p=sizes / sizes.sum()))]
    kinds = rng.choice(list(KINDS), count, p=list(KINDS.values()))
    return stack([draw_pair(material, rng, str(kind)) for kind in kinds], rng)


def stack(pairs: Sequence[Pair], rng: np.random.Generator) -> Batch:
    """What the network takes of a batch, and what its losses are measured on."""
    points = [_choose_pixels(pair, rng) for pair in pairs]
    before, wanted, base = (torch.stack(each) for each in zip(*points))
    return Batch(
        torch.stack([pair.before for pair in pairs]),
        torch.stack([pair.valid for pair in pairs]),
        before,
        wanted,
        base,
        torch.stack([pair.distortion for pair in pairs]),
        torch.tensor([pair.is_made for pair in pairs]),
    )


def _choose_pixels(pair: Pair, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Some pixels of the picture before, as it should be, and of its base: [3, 1, _PIXELS] each."""
    places = pair.valid.flatten().nonzero()[:, 0]
    places = places[torch.from_numpy(rng.integers(0, len(places), _PIXELS))]
    before, wanted, base = (each.flatten(1)[:, None, places] for each in (pair.before, pair.wanted, pair.base))
    return before, wanted, base


def list_tests(materials: Sequence[Material], kind: str, count: int) -> list[Pair]:
    """The fixed pairs of a kind, of those that are not for training; always the same ones."""
    if kind in ("exposure", "expert"):
        return [make_real(pair) for material in materials for pair in getattr(material, kind)][:count]
    photos = sorted((photo for material in materials for photo in material.good), key=_hash)
    if kind == "good":
        return [make_good(photo) for photo in photos[:count]]
    seeds = [(photo, time) for time in range(_TIMES) for photo in photos][:count]
    return [make_distorted(photo, np.random.default_rng([*_hash(photo)[:4], time])) for photo, time in seeds]


def _hash(photo: Photo) -> bytes:
    return hashlib.sha256(photo.name.encode()).digest()
