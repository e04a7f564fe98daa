# SPDX-License-Identifier: GPL-3.0-or-later
"""The second stream: composites whose right answer nobody knows, judged by a critic that learns along.

As in the paper: least squares (Mao et al., ICCV 2017), the critic's real ones are photographs with a region marked, its
fakes what the network makes of real composites and of cut-outs pasted on photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .. import checkpoints, data, realism, regions
from ..models import Critic, Window
from ..parallel import Team
from . import operator, pairs
from .network import HarmonyNetwork, Seen
from .pairs import Pair, Scene

SHARE = 0.08  # of the critic's verdict in the loss, the rest is of the supervised stream
_PASTED = 0.5  # share of composites that are pasted for training
_SIZES = 0.3, 0.7  # of a pasted cut-out, in shares of the photograph's shorter side
_RATE = 1e-4  # the critic's; that of its trunk is a tenth


class Composite(NamedTuple):
    """A scene with something pasted into it and the mask of that, uint8 [1, H, W]."""

    scene: Scene
    mask: Tensor


class Matte(NamedTuple):
    """A cut-out, uint8: its colours [3, h, w], unmixed with what was behind it, and its coverage [1, h, w]."""

    colours: Tensor
    coverage: Tensor


class Unpaired(NamedTuple):
    """What composites are drawn from, all on canvases of one orientation."""

    composites: list[Composite]
    mattes: list[Matte]
    scenes: list[Scene]


def list_composites(folder: Path, held_out: bool) -> list[Path]:
    """Files of the real composites: about one in five is held out, for people to look at and for measurements."""
    files = sorted((folder / "harmonize" / "composites").glob("*.jpg"))
    return [file for file in files if pairs.is_held_out(file.stem) == held_out]


def load_composites(files: Sequence[Path], team: Team) -> list[Composite]:
    """Real composites on their canvases."""
    return team.map(_load_composite, files)


def _load_composite(file: Path) -> Composite:
    with Image.open(file) as picture:
        photo = data.Photo(file.stem, file, picture.size)
    scene = pairs.place_photo(photo)
    with Image.open(file.with_name(f"{file.stem}__0.png")) as mask:
        return Composite(scene, pairs.keep_bytes(data.place_whole(photo).place(mask.convert("L").resize(photo.size))))


def load_mattes(folder: Path, team: Team) -> list[Matte]:
    """Cut-outs whose colours and coverage are known, no larger than they are pasted."""
    return team.map(_load_matte, sorted((folder / "harmonize" / "cutouts").glob("*_fg.jpg")))


def _load_matte(file: Path) -> Matte:
    with Image.open(file.with_name(file.name.replace("_fg.jpg", "_alpha.png"))) as image:
        alpha = image.convert("L")
    box = alpha.getbbox() or (0, 0, *alpha.size)
    with Image.open(file) as image:
        colours = image.convert("RGB").resize(alpha.size).crop(box)
    alpha = alpha.crop(box)
    for each in (colours, alpha):
        each.thumbnail((data.SHORT, data.SHORT))
    return Matte(pairs.keep_bytes(np.array(colours)), pairs.keep_bytes(np.array(alpha)))


def load_unpaired(folder: Path, materials: Sequence[pairs.Material], team: Team) -> list[Unpaired]:
    """What may be trained on, beside the photographs of the pairs."""
    composites, mattes = load_composites(list_composites(folder, False), team), load_mattes(folder, team)
    groups = []
    for material in materials:
        shape = material.scenes[0].picture.shape
        chosen = [each for each in composites if each.scene.picture.shape == shape]
        groups.append(Unpaired(chosen, mattes, material.scenes))
    return [group for group in groups if group.composites or group.mattes]


def paste(matte: Matte, scene: Scene, rng: np.random.Generator) -> Composite:
    """A cut-out somewhere on a photograph, at a random size."""
    height, width = matte.coverage.shape[1:]
    scale = rng.uniform(*_SIZES) * min(scene.size) / max(height, width)
    size = max(4, round(height * scale)), max(4, round(width * scale))
    planes = torch.cat([matte.colours, matte.coverage]).float()[None] / 255
    small = F.interpolate(planes, size=size, mode="bilinear", antialias=True, align_corners=False)[0]
    left, top = (int(rng.integers(0, room - side + 1)) for room, side in zip(scene.size, size[::-1]))
    mask = torch.zeros_like(scene.picture[:1]).float()
    mask[:, top : top + size[0], left : left + size[1]] = small[3:]
    picture = scene.picture.float() / 255
    part = picture[:, top : top + size[0], left : left + size[1]]
    part += small[3:] * (small[:3] - part)
    whole, coverage = ((255 * each).round().byte() for each in (picture, mask))
    return Composite(Scene(whole, scene.size, scene.name), coverage)


def draw_composites(groups: Sequence[Unpaired], seed: int, count: int) -> Seen:
    """A batch for training, all of one orientation."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(group.scenes) for group in groups])
    group = groups[int(rng.choice(len(groups), p=sizes / sizes.sum()))]

    def draw() -> Composite:
        if group.mattes and (not group.composites or rng.random() < _PASTED):
            matte = group.mattes[int(rng.integers(len(group.mattes)))]
            return paste(matte, group.scenes[int(rng.integers(len(group.scenes)))], rng)
        return group.composites[int(rng.integers(len(group.composites)))]

    seen = [see(draw()) for _ in range(count)]
    return Seen(*(torch.cat(each) for each in zip(*seen)))


def see(composite: Composite) -> Seen:
    """As the network takes it, a batch of one."""
    picture, mask = composite.scene.picture.float() / 255, composite.mask.float() / 255
    return Pair(picture, picture, mask, (1 - mask) * pairs.mark_valid(composite.scene)).see()


class _Batches(Dataset[Seen]):
    """What `draw_composites` gives for each of some seeds."""

    def __init__(self, groups: list[Unpaired], seeds: list[int], size: int) -> None:
        self._groups, self._seeds, self._size = groups, seeds, size

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index: int) -> Seen:
        return draw_composites(self._groups, self._seeds[index], self._size)


class Adversary:
    """The critic with what it learns from; it begins as the one that judges edits."""

    def __init__(self, critic: Critic, groups: list[Unpaired], size: int, team: Team) -> None:
        """size: composites a step."""
        self.critic = critic.requires_grad_(True)
        self._groups, self._size, self._team = groups, size, team
        trunk = list(critic.trunk.parameters())
        head = [value for name, value in critic.named_parameters() if not name.startswith(("trunk.", "contour."))]
        groups_of_rates = [{"params": head, "lr": _RATE}, {"params": trunk, "lr": _RATE / 10}]
        self._optimizer = torch.optim.AdamW(groups_of_rates)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs of it."""
        return {"critic": self.critic.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.critic.load_state_dict(state["critic"])
        self._optimizer.load_state_dict(state["optimizer"])

    def draw(self, seeds: list[int]) -> DataLoader[Seen]:
        """The composites of an epoch, made in a process of their own."""
        return DataLoader(_Batches(self._groups, seeds, self._size), batch_size=None, num_workers=1)

    def push(self, network: HarmonyNetwork, seen: Seen, real: tuple[Tensor, Tensor, Tensor]) -> None:
        """Add what the critic says of harmonized composites to the network's gradients, and let the critic learn.

        real: photographs [N, 3, H, W], a region of each and what of the canvas is picture, [N, 1, H, W].
        """
        made: dict[int, Tensor] = {}

        def fool(rows: slice) -> Tensor:
            part = Seen(*(each[rows] for each in seen))
            with checkpoints.use_bfloat16(torch.device("cpu")):
                curves, _shading = network.predict(part)
                result = operator.blend(part.picture, operator.apply_curves(part.picture, curves), part.mask)
                made[rows.start] = result.detach()
                verdict = judge(self.critic, result, part.mask, part.mask + part.around)
            return SHARE * (1 - verdict).square()

        def tell(rows: slice) -> Tensor:
            with checkpoints.use_bfloat16(torch.device("cpu")):
                good = judge(self.critic, *(each[rows] for each in real))
                bad = judge(self.critic, fakes[rows], seen.mask[rows], (seen.mask + seen.around)[rows])
            return (1 - good).square() + bad.square()

        self.critic.eval()
        self._team.run_backward(fool, len(seen.picture))
        fakes = torch.cat([made[start] for start in sorted(made)])
        self._optimizer.zero_grad()
        self.critic.train()
        self._team.run_backward(tell, len(fakes))
        self._optimizer.step()


def judge(critic: Critic, pictures: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """How real regions look, 1 real, 0 fake, unbounded: [N]; without their contours, which a pasted one gives away."""
    areas = regions.cut_window(torch.cat([mask, valid.clamp(max=1)], 1), mask, critic.side, critic.reach)
    window = regions.cut_window(pictures, mask, critic.side, critic.reach)
    return critic.judge_window(Window(window, areas[:, :1], areas[:, 1:], window[:, :0, 0, 0])).float()


@torch.no_grad()
def measure_auc(critic: Critic, folder: Path, held: Sequence[pairs.Pair], team: Team) -> dict[str, float]:
    """How well held-out composites are told from photographs, and photographs from pairs' composites of them (AUC)."""
    critic.eval()

    def score(seen: Seen, picture: Tensor) -> float:
        return float(judge(critic, picture, seen.mask, seen.mask + seen.around))

    real = team.map(lambda pair: score(pair.see(), pair.wanted[None]), held)
    changed = team.map(lambda pair: score(pair.see(), pair.composite[None]), held)
    composites = team.map(see, load_composites(list_composites(folder, True), team))
    pasted = team.map(lambda seen: score(seen, seen.picture), composites)

    def compare(fake: list[float]) -> float:
        labels = torch.tensor([1.0] * len(real) + [0.0] * len(fake))
        return realism.measure_auc(torch.tensor(real + fake), labels)

    return {"pairs": compare(changed), "composites": compare(pasted)}
