# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that stand in for trained ones: what they answer can be worked out by hand."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gimp_saliency.shared.harmony import INPUTS
from model_server.predict.networks import NETWORKS

VERSION = 7


def put_harmonize(folder: Path, version: int = VERSION) -> str:
    """A folder of the shipped networks whose harmonize.onnx is `make_harmonize`'s; the first digits of its sha256."""
    shutil.copytree(NETWORKS, folder)
    return _replace(folder, make_harmonize(), version)


def put_older(folder: Path) -> None:
    """A folder of networks as they were before there was a tool that harmonizes."""
    shutil.copytree(NETWORKS, folder)
    (folder / "harmonize.onnx").unlink(missing_ok=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].pop("harmonize.onnx", None)
    manifest.pop("harmonize", None)
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
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in each.items()]
        for each in (sides, found)
    )
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "harmonize", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _replace(folder: Path, model: onnx.ModelProto, version: int) -> str:
    """Let this be the network that harmonizes in a folder; the first digits of its sha256."""
    content = model.SerializeToString()
    (folder / "harmonize.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["harmonize.onnx"] = {"bytes": len(content), "sha256": sha256}
    manifest["harmonize"] = {"version": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return sha256[:8]
