# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that stand in for trained ones: what they answer can be worked out by hand."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.edits import Curves, Saturation, Tone, WhiteBalance
from gimp_saliency.shared.edits.curve import STRAIGHT
from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.networks import NETWORKS
from model_server.predict.retouch_map import CONDITION
from model_server.predict.vector import COUNT, PLACES, to_parameters

VERSION = 7


def put_harmonize(folder: Path, version: int = VERSION) -> str:
    """A folder of the shipped networks whose harmonize.onnx is `make_harmonize`'s; the first digits of its sha256."""
    shutil.copytree(NETWORKS, folder)
    return _replace(folder, make_harmonize(), version)


def put_retouch(folder: Path, version: int = VERSION) -> str:
    """The same whose retouch.onnx is `make_retouch`'s."""
    shutil.copytree(NETWORKS, folder)
    return _replace(folder, make_retouch(), version)


def put_older(folder: Path, tool: str = "harmonize") -> None:
    """A folder of networks as they were before there was this tool."""
    shutil.copytree(NETWORKS, folder)
    (folder / f"{tool}.onnx").unlink(missing_ok=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].pop(f"{tool}.onnx", None)
    manifest.pop(tool, None)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def put_without_styles(folder: Path) -> None:
    """A folder of networks as they were when the tool that harmonizes knew no styles."""
    shutil.copytree(NETWORKS, folder)
    model = make_harmonize()
    styled = [node for node in model.graph.node if "style" in node.name]
    for node in styled:
        model.graph.node.remove(node)
    (one,) = [node for node in model.graph.node if "plain curves" in node.output]
    one.output[0] = "curves"
    model.graph.input.remove(next(each for each in model.graph.input if each.name == "style"))
    _replace(folder, model, 1)


def make_harmonize() -> onnx.ModelProto:
    """Each curve a straight line to the mean of what counts of the photo; the shading what is red of the box.

    curves [S, 3, 16] = INPUTS * mean of the channel, weighted with `around`, less a fifth of it for each 1 of the first
    number of the style, either way; shading [1, 32, 32] = 2 * R' - 1 in the middle half of `cut`.
    """
    constants = {
        "ramp": np.array(INPUTS, np.float32)[None, None],
        "places": np.array([2, 3]),
        "column": np.array([1, 3, 1]),
        "starts": np.array([0, 16, 16]),
        "ends": np.array([1, 48, 48]),
        "axes": np.array([1, 2, 3]),
        "map": np.array([1, 32, 32]),
        "two": np.array(2, np.float32),
        "one": np.array(1, np.float32),
        "fifth": np.array(0.2, np.float32),
        "first": np.array([0]),
        "second": np.array([1]),
        "third": np.array([2]),
    }
    nodes = [
        helper.make_node("Mul", ["picture", "around"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "places"], ["sum"]),
        helper.make_node("ReduceSum", ["around", "places"], ["weight"]),
        helper.make_node("Div", ["sum", "weight"], ["mean"]),
        helper.make_node("Reshape", ["mean", "column"], ["ends of curves"]),
        helper.make_node("Mul", ["ends of curves", "ramp"], ["plain curves"]),
        helper.make_node("Slice", ["style", "first", "second", "second"], ["number"], "style's number"),
        helper.make_node("Abs", ["number"], ["size"], "style's size"),
        helper.make_node("Mul", ["size", "fifth"], ["less"], "style's fifths"),
        helper.make_node("Sub", ["one", "less"], ["gain"], "style's gain"),
        helper.make_node("Unsqueeze", ["gain", "third"], ["gains"], "style's gains"),
        helper.make_node("Mul", ["gains", "plain curves"], ["curves"], "style's curves"),
        helper.make_node("Slice", ["cut", "starts", "ends", "axes"], ["red"]),
        helper.make_node("Reshape", ["red", "map"], ["red of the box"]),
        helper.make_node("Mul", ["red of the box", "two"], ["doubled"]),
        helper.make_node("Sub", ["doubled", "one"], ["shading"]),
    ]
    sides = {"picture": [1, 3, "h", "w"], "mask": [1, 1, "h", "w"], "around": [1, 1, "h", "w"], "cut": [1, 5, 64, 64]}
    sides["style"] = ["s", 10]
    found = {"curves": ["s", 3, 16], "shading": [1, 32, 32]}
    return _make_model("harmonize", nodes, sides, found, constants)


# What some looks of `make_retouch` are beside the exposure; no skin bears COOL or FILM.
COOL = WhiteBalance(0.6, 1.6)
FILM = Curves(STRAIGHT, STRAIGHT, (2.0, 1.5, 1.2, 1, 1, 0.8, 0.6, 0.5))
PUNCHY = (Saturation(1.5), Tone((0.5, 1, 1, 1, 1, 1, 1, 1)))


def make_retouch() -> onnx.ModelProto:
    """Each look as light as the photograph is red.

    condition [1, 128] = means of R', G', B' where `valid` is 1, then 0; parameters [looks, COUNT]: exposure = mean of
    R' in EV, and of COOL, FILM and PUNCHY these; matched [1, COUNT]: exposure = mean of the reference's R' less its
    own.
    """
    looks = np.zeros((len(LOOKS), COUNT), np.float32)
    for name, edits in (("cool", (COOL,)), ("film", (FILM,)), ("punchy", PUNCHY)):
        looks[LOOKS.index(name)] = to_parameters(edits)
    red_to_exposure = np.zeros((CONDITION, COUNT), np.float32)
    red_to_exposure[0, PLACES["exposure"]] = 1
    constants = {
        "places": np.array([2, 3]),
        "padding": np.array([0, 0, 0, CONDITION - 3]),
        "looks": looks,
        "red to exposure": red_to_exposure,
    }
    nodes = [
        helper.make_node("Mul", ["picture", "valid"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "places"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["valid", "places"], ["weight"], keepdims=0),
        helper.make_node("Div", ["sum", "weight"], ["mean"]),
        helper.make_node("Pad", ["mean", "padding"], ["condition"]),
        helper.make_node("MatMul", ["condition", "red to exposure"], ["exposure"]),
        helper.make_node("Add", ["looks", "exposure"], ["parameters"]),
        helper.make_node("MatMul", ["reference", "red to exposure"], ["exposure of the reference"]),
        helper.make_node("Sub", ["exposure of the reference", "exposure"], ["matched"]),
    ]
    sides = {"picture": [1, 3, "h", "w"], "valid": [1, 1, "h", "w"], "reference": [1, CONDITION]}
    found = {"parameters": [len(LOOKS), COUNT], "condition": [1, CONDITION], "matched": [1, COUNT]}
    return _make_model("retouch", nodes, sides, found, constants)


def _make_model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    sides: Mapping[str, list[Any]],
    found: Mapping[str, list[Any]],
    constants: Mapping[str, np.ndarray],
) -> onnx.ModelProto:
    """A network of nodes.  sides, found: the shapes of its inputs and outputs."""
    inputs, outputs = (
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each, shape in shapes.items()]
        for shapes in (sides, found)
    )
    weights = [numpy_helper.from_array(value, each) for each, value in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _replace(folder: Path, model: onnx.ModelProto, version: int) -> str:
    """Let this be the network of the tool that its graph names, in a folder; the first digits of its sha256."""
    content, tool = model.SerializeToString(), model.graph.name
    (folder / f"{tool}.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][f"{tool}.onnx"] = {"bytes": len(content), "sha256": sha256}
    manifest[tool] = {"version": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return sha256[:8]
