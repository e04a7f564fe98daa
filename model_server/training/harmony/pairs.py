# SPDX-License-Identifier: GPL-3.0-or-later
"""Composites whose right answer is known: a region of a photograph, made to differ from the rest of it.

They stand in for the paper's pairs that artists retouched, of which none can be had.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from model_server.predict.harmonizer import Box, cut_window, find_box

from .. import data
from ..parallel import Team
from . import distortions
from .distortions import Tables
from .network import Seen

SMALLEST, LARGEST = 0.02, 0.6  # shares of the picture that a cut-out may have

# How cut-outs come to differ, and how often.
KINDS = {
    "operators": 0.25, "shading": 0.15, "light": 0.2, "table": 0.2, "transfer": 0.1, "exposure": 0.05,
    "untouched": 0.05,
}  # fmt: skip
_MORE_UNTOUCHED = 0.1  # share of the pairs for training, beside those of KINDS: what matches is to stay as it is
_TRIES = 6  # for a pair with a difference that can be seen
_VISIBLE = 8 / 255  # mean change of a cut-out's values
# Shares of the pairs for training: with the mask of another photograph, in another look, with another look around the
# natural cut-out, mirrored, near, with a part of the photo named.  Without them the network learns two thousand
# photographs by heart.
_FOREIGN, _LOOKS, _SWAPS, _FLIPS, _NEAR, _REFERENCES = 0.3, 0.8, 0.25, 0.5, 0.75, 0.1
_NEAREST = 0.65  # of the picture's sides
_MOST_LOOK = 0.7  # of the ranges of the edits that pairs are made with; most looks are near to what people publish


class Scene(NamedTuple):
    """A picture on its canvas, uint8 [3, H, W], width and height of what is not padding, and its photograph's name."""

    picture: Tensor
    size: tuple[int, int]
    name: str


class Cutout(NamedTuple):
    """A region of a scene: its mask, uint8 [1, H, W]; label: what it shows; people: whether that is a person."""

    scene: Scene
    mask: Tensor
    label: str
    people: bool
    file: str


class Exposures(NamedTuple):
    """A scene as well exposed as can be, and one of the same, exposed otherwise."""

    best: Scene
    other: Scene


class Material(NamedTuple):
    """What pairs are made of, all of one orientation.

    scenes: all photographs, with and without regions of their own.
    """

    scenes: list[Scene]
    cutouts: list[Cutout]
    exposures: list[Exposures]
    tables: Tables


class Pair(NamedTuple):
    """A composite and what it should be: [3, H, W] display-encoded 0..1; mask, around: [1, H, W]."""

    composite: Tensor
    wanted: Tensor
    mask: Tensor
    around: Tensor
    people: bool = False

    def see(self) -> Seen:
        """As the network takes it, a batch of one."""
        planes = torch.cat([self.composite, self.mask, self.around])[None].numpy()
        window = torch.from_numpy(cut_window(planes, find_box(planes[:, 3:4])))
        return Seen(self.composite[None], self.mask[None], self.around[None], window)


def load_material(
    folder: Path, regions: Sequence[data.Region], held_out: bool, team: Team, others: Sequence[data.Photo] = ()
) -> list[Material]:
    """The scenes and cut-outs of some regions and the tables, landscape and portrait.

    others: photographs without regions.
    """
    photos = {photo.name: photo for photo in [*(region.photo for region in regions), *others]}
    scenes = dict(zip(photos, team.map(place_photo, photos.values())))
    cutouts = [each for each in team.map(lambda region: _place_region(region, scenes), regions) if each]
    tables, exposures = distortions.load_tables(folder, held_out), load_exposures(folder, held_out, team)
    every = [*scenes.values(), *{each.best.name: each.best for each in exposures}.values()]
    materials = []
    for portrait in (False, True):
        shape = data.canvas_size(portrait)[::-1]
        chosen = [each for each in cutouts if each.mask.shape[1:] == shape]
        alike = [each for each in exposures if each.best.picture.shape[1:] == shape]
        there = [each for each in every if each.picture.shape[1:] == shape]
        materials.append(Material(there, chosen, alike, tables))
    return [material for material in materials if material.cutouts]


def load_exposures(folder: Path, held_out: bool, team: Team) -> list[Exposures]:
    """Scenes that were exposed several times."""
    table = folder / "retouch" / "SOURCES.csv"
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["file"].startswith("sice_")]
    rows = [row for row in rows if is_held_out(row["file"].rsplit("_", 1)[0]) == held_out]

    def place(row: dict[str, str]) -> Scene:
        file = folder / "retouch" / row["file"]
        with Image.open(file) as picture:
            return place_photo(data.Photo(file.stem, file, picture.size))

    scenes = {row["file"]: scene for row, scene in zip(rows, team.map(place, rows))}
    best = {name.rsplit("_", 1)[0]: scene for name, scene in scenes.items() if "_best" in name}
    others = ((name, scene) for name, scene in scenes.items() if "_best" not in name)
    pairs = [(best.get(name.rsplit("_", 1)[0]), scene) for name, scene in others]
    return [Exposures(one, other) for one, other in pairs if one and one.size == other.size]


def is_held_out(name: str) -> bool:
    """Whether a scene of several exposures, or a real composite, is for tests alone: about one in five."""
    return hashlib.sha256(name.encode()).digest()[0] < 51


def place_photo(photo: data.Photo) -> Scene:
    """A photograph on its canvas."""
    placement = data.place_whole(photo)
    return Scene(keep_bytes(placement.place(photo.open_picture())), placement.size, photo.name)


def _place_region(region: data.Region, scenes: dict[str, Scene]) -> Cutout | None:
    """None of one that nothing is left of."""
    mask = keep_bytes(data.place_whole(region.photo).place(region.open_mask()))
    scene = scenes[region.photo.name]
    mask[:, scene.size[1] :], mask[:, :, scene.size[0] :] = 0, 0
    if int(mask.sum()) < 64 * 255:
        return None
    return Cutout(scene, mask, region.label, region.people, region.file.name)


def mark_valid(scene: Scene) -> Tensor:
    """1 on the scene, 0 on the rest of its canvas: [1, H, W]."""
    valid = torch.zeros_like(scene.picture[:1], dtype=torch.float32)
    valid[:, : scene.size[1], : scene.size[0]] = 1
    return valid


def keep_bytes(placed: np.ndarray[Any, Any]) -> Tensor:
    """What a canvas holds, uint8 [h, w] or [h, w, c], as uint8 [c, h, w]."""
    return (data.to_tensor(placed) * 255).round().byte()


def draw_pairs(materials: Sequence[Material], seed: int, count: int, shares: Mapping[str, float] = KINDS) -> list[Pair]:
    """A batch for training, all of one orientation.  shares: of the kinds, all together of any size."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(material.cutouts) for material in materials])
    material = materials[int(rng.choice(len(materials), p=sizes / sizes.sum()))]
    chances = np.array(list(shares.values())) / sum(shares.values())
    return [draw_pair(material, rng, None, str(rng.choice(list(shares), p=chances))) for _ in range(count)]


def draw_pair(material: Material, rng: np.random.Generator, cutout: Cutout | None, kind: str) -> Pair:
    """A pair of a kind and a cut-out, or (None) of a random one and varied as for training.

    Unless it is to be untouched, people see the difference.
    """
    is_training = cutout is None
    if is_training and rng.random() < _MORE_UNTOUCHED:
        kind = "untouched"
    if kind == "exposure" and not material.exposures:
        kind = "operators"
    for _ in range(_TRIES):
        chosen = cutout or _choose_cutout(material, rng)
        pair = _make_pair(material, rng, chosen, kind, is_training)
        if kind == "untouched" or _differs(pair):
            break
    return pair


def _choose_cutout(material: Material, rng: np.random.Generator) -> Cutout:
    """For training: a region of a photograph, or what of one lies where another one's region is."""
    cutout = material.cutouts[int(rng.integers(len(material.cutouts)))]
    if rng.random() >= _FOREIGN:
        return cutout
    scene = material.scenes[int(rng.integers(len(material.scenes)))]
    return Cutout(scene, _fit_mask(cutout.mask, mark_valid(scene).byte()), "", False, "")


def _make_pair(material: Material, rng: np.random.Generator, cutout: Cutout, kind: str, is_training: bool) -> Pair:
    """A pair of a kind, whether or not anything can be seen."""
    scene, mask = cutout.scene, cutout.mask.float() / 255
    if kind == "exposure":
        exposures = material.exposures[int(rng.integers(len(material.exposures)))]
        scene, other = exposures.best, exposures.other.picture.float() / 255
    picture = scene.picture.float() / 255
    valid = mark_valid(scene)
    if kind == "exposure":
        mask = _fit_mask(mask, valid)
    else:
        if is_training and rng.random() < _LOOKS:
            picture = distortions.apply_operators(picture, rng, rng.uniform(0, _MOST_LOOK))
        other = _distort(kind, picture, mask, material, cutout, rng)
    if is_training and rng.random() < _SWAPS:
        picture, other = other, picture
    composite = _round(picture + mask * (other - picture))
    around = (1 - mask) * valid
    if is_training:
        around = _maybe_refer(around, scene, rng)
    pair = Pair(composite, _round(picture), mask, around, cutout.people and kind != "exposure")
    return _vary(pair, scene.size, rng) if is_training else pair


def _vary(pair: Pair, size: tuple[int, int], rng: np.random.Generator) -> Pair:
    """For training: a part of it, as large as the whole, and mirrored.  size: of the picture on its canvas."""
    if rng.random() < _NEAR:
        pair = _cut_pair(pair, size, rng)
    return _flip_pair(pair, size[0]) if rng.random() < _FLIPS else pair


def _cut_pair(pair: Pair, size: tuple[int, int], rng: np.random.Generator) -> Pair:
    """A random part with at least half of the cut-out, enlarged to the picture's size; else the whole."""
    share = rng.uniform(_NEAREST, 1)
    width, height = (max(1, round(side * share)) for side in size)
    left, top = int(rng.integers(0, size[0] - width + 1)), int(rng.integers(0, size[1] - height + 1))
    part = slice(None), slice(top, top + height), slice(left, left + width)
    if pair.mask[part].sum() < 0.5 * pair.mask.sum() or pair.around[part].sum() < 1:
        return pair
    planes = torch.cat(pair[:4])
    planes[:, : size[1], : size[0]] = F.interpolate(planes[part][None], size=size[::-1], mode="bilinear")[0]
    composite, wanted, mask, around = planes[:3], planes[3:6], planes[6:7], planes[7:8]
    return Pair(composite, wanted, mask, around, pair.people)


def _differs(pair: Pair) -> bool:
    """Whether people see a difference between composite and photograph."""
    change = ((pair.composite - pair.wanted).abs() * (pair.mask > 0)).sum() / (3 * pair.mask.sum() + 1e-6)
    return bool(change >= _VISIBLE)


def _fit_mask(mask: Tensor, valid: Tensor) -> Tensor:
    """A mask [1, H, W] of another picture on this one's; where nothing is left, all but a margin."""
    cut = mask * valid
    if (cut > 0).sum() >= 64:
        return cut
    cut = valid * mask.max()
    cut[:, ::8], cut[:, :, : mask.shape[2] // 3] = 0, 0
    return cut


def _maybe_refer(around: Tensor, scene: Scene, rng: np.random.Generator) -> Tensor:
    """Now and then only a part of the photo, as when the user names one."""
    if rng.random() >= _REFERENCES:
        return around
    part = around * distortions.draw_reference(around, scene.size, rng)
    return part if part.sum() > 0.02 * around.numel() else around


def _flip_pair(pair: Pair, width: int) -> Pair:
    """All of it mirrored."""
    composite, wanted, mask, around = (_flip(each, width) for each in pair[:4])
    return Pair(composite, wanted, mask, around, pair.people)


def _flip(planes: Tensor, width: int) -> Tensor:
    """The picture on its canvas mirrored."""
    flipped = planes.clone()
    flipped[:, :, :width] = planes[:, :, :width].flip(2)
    flipped[:, :, width:] = flipped[:, :, width - 1 : width] if planes.shape[0] == 3 else 0
    return flipped


def _round(picture: Tensor) -> Tensor:
    """As 8 bits keep it."""
    return (picture.clamp(0, 1) * 255).round() / 255


def _distort(
    kind: str, picture: Tensor, mask: Tensor, material: Material, cutout: Cutout, rng: np.random.Generator
) -> Tensor:
    """The whole picture [3, H, W] as a cut-out of it, with that mask [1, H, W], is to look."""
    if kind == "operators":
        return distortions.apply_operators(picture, rng)
    if kind == "shading":
        return distortions.shade(distortions.apply_operators(picture, rng, 0.5), _find_box(mask), rng)
    if kind == "light":
        return distortions.change_light(picture, material.tables, rng)
    if kind == "table":
        return distortions.apply_table(picture, material.tables, rng)
    if kind == "transfer":
        other = _choose_alike(material, cutout, rng)
        there, other_mask = other.scene.picture.float() / 255, other.mask.float() / 255
        return distortions.transfer_colours(picture, mask, there, other_mask)
    return picture


def _find_box(mask: Tensor) -> Box:
    """Of a mask [1, H, W]."""
    return find_box(mask[None].numpy())


def _choose_alike(material: Material, cutout: Cutout, rng: np.random.Generator) -> Cutout:
    """Another photo's region of what this one is, if there is any."""
    alike = [other for other in material.cutouts if other.label == cutout.label and other.scene is not cutout.scene]
    others = alike or material.cutouts
    return others[int(rng.integers(len(others)))]


def list_tests(materials: Sequence[Material], count: int) -> list[tuple[Material, Cutout, str, int]]:
    """The fixed pairs of held-out photographs: what each is made of, its kind, its seed; always the same ones.

    The kinds in their shares, each spread over all cut-outs.
    """
    every = [(material, cutout) for material in materials for cutout in material.cutouts]
    every.sort(key=lambda each: hashlib.sha256(each[1].file.encode()).digest())
    kinds = [kind for kind, share in KINDS.items() for _ in range(round(share * count))]
    tests = []
    for number, kind in enumerate(kinds):
        material, cutout = every[number % len(every)]
        seed = int.from_bytes(hashlib.sha256(f"{cutout.file} {kind} {number}".encode()).digest()[:4], "big")
        tests.append((material, cutout, kind, seed))
    return tests


def make_test(material: Material, cutout: Cutout, kind: str, seed: int) -> Pair:
    """One of `list_tests`."""
    return draw_pair(material, np.random.default_rng(seed), cutout, kind)


def stack(pairs: Sequence[Pair]) -> tuple[Seen, Tensor]:
    """What the network takes of a batch, and what it should make of it [N, 3, H, W]."""
    seen = [pair.see() for pair in pairs]
    return Seen(*(torch.cat(each) for each in zip(*seen))), torch.stack([pair.wanted for pair in pairs])
