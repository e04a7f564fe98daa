# SPDX-License-Identifier: GPL-3.0-or-later
"""Read exported networks back into torch: what a training may start from, and judge with, without any checkpoint.

The exporter keeps the parameters' names, so a file holds the state of the module that it was written from, but for what
no output depends on.
"""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import onnx.numpy_helper
import torch
from torch import Tensor

from .data import DataError
from .models import EditNetwork

SUFFIX = ".onnx"
HALF = ".half"  # ends the names of weights that are kept as half floats
BYTES, SCALE = ".bytes", ".bytes-scale"  # of those that are kept as bytes, and of what each row's are multiplied by


def read_weights(path: Path, prefix: str) -> dict[str, Tensor]:
    """The parameters of a network file whose names begin with the prefix, by the rest of their names."""
    if not path.is_file():
        raise DataError(f"{path} is missing: name an exported network or a checkpoint of a training.")
    found = {
        entry.name[len(prefix) :].removesuffix(HALF): torch.from_numpy(onnx.numpy_helper.to_array(entry).copy())
        for entry in onnx.load(path).graph.initializer
        if entry.name.startswith(prefix)
    }
    for name in [name for name in found if name.endswith(BYTES)]:
        whole = name.removesuffix(BYTES)
        found[whole] = found.pop(name) * found.pop(whole + SCALE)
    if not any(name.startswith("trunk.") for name in found):
        raise DataError(f"{path} holds another network: name one that `export` wrote for this training.")
    return found


def read_viewer(path: Path) -> tuple[tuple[int, ...], dict[str, Tensor]]:
    """Taps and state of the viewer in a saliency.onnx.

    The viewers' bias to the centre is no part of the file; a training from here learns it anew.
    """
    state = read_weights(path, "viewer.")
    reduced = sorted(name for name in state if re.fullmatch(r"reduce\.\d+\.weight", name))
    return tuple(state[name].shape[1] for name in reduced), state | {"centre": torch.tensor([2.0, 2.0])}


def read_critic(path: Path) -> dict[str, Tensor]:
    """The state of the critic in a realism.onnx."""
    state = read_weights(path, "")
    own = r"(trunk|contour|standardise|normalise|head)\."
    return {name: value for name, value in state.items() if re.match(own, name)}


def read_edit(path: Path) -> dict[str, Tensor]:
    """The state of the EditNetwork in an edit.onnx of version 4."""
    return read_weights(path, "network.")


def load_edit(network: EditNetwork, state: dict[str, Tensor], path: Path) -> None:
    """Give a network the state read from the file; raises DataError if it was built otherwise."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise DataError(f"{path} holds an edit network built otherwise: give its own --taps and --hidden.") from error
