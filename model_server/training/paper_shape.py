# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of the shape of the paper's, for `gimp-saliency benchmark` to compare its time with ours.

Miangoleh et al. (CVPR 2023) name an EfficientNet-lite3 trunk at 384 x 384 pixels: inverted residuals without
squeeze-and-excitation, widened by 1.2 and deepened by 1.4 but for stem and first and last stage (Tan and Le, ICML 2019,
and the "lite" changes to it).  Time does not depend on what a network has learned, so the file that this writes holds
the graph alone; the benchmark fills in random weights.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .export import write

FILE = Path(__file__).parent.parent / "benchmark" / "paper_shape.onnx"
SIDE = 384
# Expansion, channels, repeats, first stride, kernel of each stage.
STAGES = (
    (1, 24, 1, 1, 3), (6, 32, 3, 2, 3), (6, 48, 3, 2, 5), (6, 96, 5, 2, 3),
    (6, 136, 5, 1, 5), (6, 232, 6, 2, 5), (6, 384, 1, 1, 3),
)  # fmt: skip


def _make_convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = _make_convolution(inputs, hidden, 1) if expansion > 1 else None
        self.filter = _make_convolution(hidden, hidden, kernel, stride, hidden)
        self.project = _make_convolution(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.filter(y)))
        return x + y if self.residual else y


class PaperShape(nn.Module):
    """Picture and mask [1, 4, 384, 384] -> the trunk's features, averaged: [1, 384]."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 32
        self.stem = _make_convolution(4, channels, 3, 2)
        for expansion, outputs, repeats, stride, kernel in STAGES:
            for number in range(repeats):
                blocks.append(_Block(channels, outputs, expansion, stride if number == 0 else 1, kernel))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)

    def forward(self, picture: Tensor) -> Tensor:
        return self.blocks(F.relu6(self.stem(picture))).mean((2, 3))


def main() -> None:
    argparse.ArgumentParser(prog="python -m model_server.training.paper_shape", description=__doc__).parse_args()
    network = PaperShape()
    write(network, FILE, {"picture": torch.zeros(1, 4, SIDE, SIDE)}, ["features"])
    model = onnx.load(FILE)
    shapes = {weights.name: list(weights.dims) for weights in model.graph.initializer}
    for weights in model.graph.initializer:
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="none")
    onnx.save(model, FILE)
    FILE.with_suffix(".json").write_text(json.dumps(shapes) + "\n", encoding="utf-8")
    print(f"{sum(weights.numel() for weights in network.parameters())} parameters, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
