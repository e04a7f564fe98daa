# SPDX-License-Identifier: GPL-3.0-or-later
"""The trunks whose features the networks read: MobileNetV2 (Sandler et al., CVPR 2018) and EfficientNet-lite.

EfficientNet-lite (Tan and Le, ICML 2019, without squeeze-and-excitation and swish) is built of the same blocks, some of
them with larger kernels.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import pretrained
from .data import DataError

# Expansion, channels, repeats, first stride, kernel of each stage; a stage's output is a tap, named by its channels.
Stages = tuple[tuple[int, int, int, int, int], ...]
TRUNKS: dict[str, Stages] = {
    "mobilenet-v2": (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3),
        (6, 96, 3, 1, 3), (6, 160, 3, 2, 3), (6, 320, 1, 1, 3),
    ),
    "efficientnet-lite0": (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
    ),
    "efficientnet-lite2": (
        (1, 16, 1, 1, 3), (6, 24, 3, 2, 3), (6, 48, 3, 2, 5), (6, 88, 4, 2, 3),
        (6, 120, 4, 1, 5), (6, 208, 5, 2, 5), (6, 352, 1, 1, 3),
    ),
}  # fmt: skip
# How many pixels of the picture one of a stage's output stands for, along each side; the same in all trunks.
STRIDES = {stage[1]: stride for stages in TRUNKS.values() for stage, stride in zip(stages, (2, 4, 8, 16, 16, 32, 32))}


def find_kind(taps: tuple[int, ...]) -> str:
    """The first of TRUNKS that has all the taps; raises DataError if there is none."""
    for kind, stages in TRUNKS.items():
        if set(taps) <= {stage[1] for stage in stages}:
            return kind
    raise DataError(f"No trunk has the taps {taps}: choose those of one in trunk.py.")


class Convolution(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding for even sides: at stride 2 one less at the left and the top."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, 0 if stride == 2 else kernel // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        after = self.kernel_size[0] // 2
        padded = F.pad(x, (after - 1, after, after - 1, after)) if self.stride[0] == 2 else x
        if self.groups == 1:
            return super().forward(padded)
        # Filters of single channels take a CPU up to eight times as long backward in bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(padded.float())


class InvertedResidual(nn.Module):
    """Expand by a 1x1, filter each channel, project back by a 1x1; batch norm is folded into the biases."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        # One-letter names are those of the weight files.
        self.e = Convolution(inputs, hidden, 1) if expansion > 1 else None
        self.d = Convolution(hidden, hidden, kernel, stride, groups=hidden)
        self.p = Convolution(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.e is None else F.relu6(self.e(x))
        y = self.p(F.relu6(self.d(y)))
        return x + y if self.residual else y


class Trunk(nn.Module):
    """The first of TRUNKS that has all of `taps`, up to the last of them.

    Input: display-encoded RGB and, if `masked`, a fourth channel with the region: [N, 3 or 4, H, W], 0..1, sides
    multiples of 32.  Output: the taps' features, in their order.
    """

    def __init__(self, taps: tuple[int, ...], masked: bool = False) -> None:
        super().__init__()
        self.taps = taps
        self.stem = Convolution(4 if masked else 3, 32, 3, 2)
        blocks: list[nn.Module] = []
        self.ends: dict[int, int] = {}
        channels = 32
        for expansion, outputs, repeats, stride, kernel in TRUNKS[find_kind(taps)]:
            for k in range(repeats):
                blocks.append(InvertedResidual(channels, outputs, expansion, stride if k == 0 else 1, kernel))
                channels = outputs
            self.ends[len(blocks) - 1] = outputs
            if outputs == max(taps):
                break
        self.blocks = nn.ModuleList(blocks)

    def load(self, source: str, folder: Path) -> None:
        """Take pretrained weights, as far as this trunk reaches.

        source: a file of the folder, "torchvision" or "timm" for that library's MobileNetV2, or the name of an
        EfficientNet-lite for its package's.  A fourth input channel starts without influence.  Raises DataError if
        there is no such file, library or package.
        """
        is_lite = source.startswith("efficientnet-lite")
        if source in pretrained.LIBRARIES or is_lite:
            names = [name.removesuffix(".weight") for name in self.state_dict() if name.endswith(".weight")]
            folded = (
                pretrained.fold_lite(pretrained.load_lite(source))
                if is_lite
                else pretrained.fold_norms(pretrained.load_backbone(source))
            )
            pairs = zip(names, folded)
            state = {f"{name}.{part}": value for name, pair in pairs for part, value in zip(("weight", "bias"), pair)}
        else:
            path = folder / source
            if not path.is_file():
                raise DataError(f"{path} is missing: point --data at the folder that MODEL_CARD.md describes.")
            weights = torch.load(path, map_location="cpu", weights_only=True)
            state = {name: weights[name].float() for name in self.state_dict()}
        stem = state["stem.weight"]
        state["stem.weight"] = F.pad(stem, (0, 0, 0, 0, 0, self.stem.in_channels - stem.shape[1]))
        self.load_state_dict(state)

    def forward(self, encoded: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(encoded * 2 - 1))
        features = {}
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.ends:
                features[self.ends[i]] = x
        return [features[tap] for tap in self.taps]
