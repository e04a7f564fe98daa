# SPDX-License-Identifier: GPL-3.0-or-later
"""Trunk weights from another library's MobileNetV2, here from a stand-in with the same layers and batch norms."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_server.training import pretrained
from model_server.training.data import DataError
from model_server.training.trunk import TRUNKS, Trunk


def _layer(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    norm = nn.BatchNorm2d(outputs)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias, 0, 0.1)
    assert norm.running_mean is not None and norm.running_var is not None
    nn.init.normal_(norm.running_mean, 0, 0.1)
    nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, 0, groups=groups, bias=False), norm)


class StandIn(nn.Module):
    """Stem and first two stages as the libraries build them, but for the padding, which is the trunk's."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _layer(3, 32, 3, 2)
        self.blocks = nn.ModuleList()
        channels = 32
        for expansion, outputs, repeats, stride, _kernel in TRUNKS["mobilenet-v2"][:2]:
            for k in range(repeats):
                hidden = channels * expansion
                layers = [_layer(channels, hidden, 1)] if expansion > 1 else []
                layers += [_layer(hidden, hidden, 3, stride if k == 0 else 1, hidden), _layer(hidden, outputs, 1)]
                self.blocks.append(nn.ModuleList(layers))
                channels = outputs

    def forward(self, rgb: Tensor) -> Tensor:
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        x = (rgb - mean[None, :, None, None]) / deviation[None, :, None, None]
        x = F.relu6(self.stem(F.pad(x, (0, 1, 0, 1))))
        for layers in self.blocks:
            *expand, filtering, project = layers
            y = F.relu6(expand[0](x)) if expand else x
            y = F.pad(y, (0, 1, 0, 1)) if filtering[0].stride[0] == 2 else F.pad(y, (1, 1, 1, 1))
            y = project(F.relu6(filtering(y)))
            x = x + y if y.shape == x.shape else y
        return x


def test_folded_weights_compute_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = StandIn().eval()
    monkeypatch.setattr(pretrained, "load_backbone", lambda library: network)
    trunk = Trunk((24,), masked=True)
    trunk.load("torchvision", tmp_path)
    picture = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        found = trunk(torch.cat([picture, torch.rand(1, 1, 64, 96)], 1))[0]
        expected = network(picture)
    # At the borders padding is 0 before the normalisation here and after it there.
    assert torch.allclose(found[:, :, 2:-3, 2:-3], expected[:, :, 2:-3, 2:-3], atol=1e-4)


def test_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in pretrained.LIBRARIES:
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(DataError, match=f"pip install {library}"):
            pretrained.load_backbone(library)


def test_library_is_asked_for_imagenet_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torchvision")
    module.models = SimpleNamespace(mobilenet_v2=lambda weights: StandIn() if weights == "DEFAULT" else None)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", module)
    assert isinstance(pretrained.load_backbone("torchvision"), StandIn)
