# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the trained networks and the operators as ONNX files, with the manifest that the server checks.

Every file takes sides of any multiple of 32.  `valid` is 1 on the picture and 0 on the padding beside it.

    edit.onnx               picture [1, 3, H, W] display-encoded 0..1, mask, valid [1, 1, H, W], density
                            [1, H/8, W/8]: what saliency.onnx says of the picture, for `around` alone; direction [1]:
                            -1 or +1, boldness [1]: -1 to 1, style [1, STYLE] -> inside, around [orders, COUNT]:
                            parameters in vector.ORDERS
    operator-<name>.onnx    linear [N, 3, h, w], any size, mask [1, 1, h, w], parameters [N, COUNT] -> edited
                            [N, 3, h, w]; sharpening also side [1]: the picture's longer side in these pixels, without
                            padding
    edge.onnx               picture, selection [1, 1, H, W] -> mask [1, 1, H/2, W/2], expected [1, 3]: see EdgeFile
    harmonize.onnx          picture, mask, around [1, 1, H, W], cut [1, 5, 64, 64]: see `predict.harmonizer`, style
                            [S, 10] -> curves [S, 3, 16], shading [1, 32, 32] in EV
    retouch.onnx            picture, valid, reference [1, CONDITION]: the condition of another photograph -> parameters
                            [looks, COUNT], in the order of choices.LOOKS, condition [1, CONDITION], matched [1, COUNT]
    realism.onnx            picture, mask, valid likewise -> realism [1]
    saliency.onnx           picture, mask, valid likewise -> share [1], density [1, H/8, W/8]
    saliency-2.onnx         the same by another viewer, whose share says how sure the first one's is

What is named is written; all else in the folder stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.reference
import torch
from torch import Tensor, nn

from model_server.predict import harmonizer, retoucher
from model_server.predict.retouch_map import CONDITION
from model_server.predict.vector import COUNT, NAMES, PREDICTED, STYLE

from . import checkpoints, data, edge, exported, operators, realism, saliency
from .edge_network import EdgeNetwork
from .harmony import train as harmony_train
from .harmony.network import HarmonyNetwork
from .models import Critic, EditNetwork, SaliencyNetwork, Wish, measure_share
from .retouch import train as retouch_train
from .retouch.network import RetouchNetwork

FOLDER = Path(__file__).parent.parent / "networks"
VERSION = 4
HARMONY_VERSION = 2
RETOUCH_VERSION = 1
OPSET = 17
_SMALL = 256  # numbers; fewer are not worth a conversion

# What the manifest says of the networks of other tools.
TOOLS = {"harmonize": {"version": HARMONY_VERSION}, "retouch": {"version": RETOUCH_VERSION}}

# The server's canvas in pixels, which is that of the training.
INPUT = {"long": data.LONG, "short": data.SHORT, "multiple": data.MULTIPLE}


@dataclass(frozen=True)
class Strengths:
    """How much of what the edit network says counts as 100 %, by direction, inside the region and around it."""

    attenuate: float = 1.0
    emphasize: float = 1.0
    attenuate_background: float = 1.0
    emphasize_background: float = 1.0

    def to_json(self) -> dict[str, float]:
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}


class EditFile(nn.Module):
    """What edit.onnx computes: one pass of the trunk, then the heads for all orders."""

    def __init__(self, network: EditNetwork, strengths: Strengths) -> None:
        super().__init__()
        self.network = network
        self.strengths = strengths
        self.register_buffer("orders", operators.ALL_ORDERS)

    def forward(
        self, picture: Tensor, mask: Tensor, valid: Tensor, density: Tensor, direction: Tensor, boldness: Tensor,
        style: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        numbers = self.network.describe(picture, mask, valid, density)
        orders: Tensor = self.orders  # type: ignore[assignment]
        many = len(operators.ALL_ORDERS)
        wish = Wish(direction.expand(many), boldness.expand(many), orders, style.expand(many, -1))
        inside, around = self.network(numbers, wish)
        # Parameters are linear in strength, so a factor is the strength that counts as 100 %.
        of = self.strengths
        return (
            inside * torch.where(direction < 0, of.attenuate, of.emphasize),
            around * torch.where(direction < 0, of.attenuate_background, of.emphasize_background),
        )


class OperatorFile(nn.Module):
    """What operator-<name>.onnx computes: one edit that looks at single pixels, blended through the mask."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.operator = operators.POINTWISE[name]

    def forward(self, linear: Tensor, mask: Tensor, parameters: Tensor) -> Tensor:
        return operators.blend(linear, self.operator(linear, parameters), mask)


class SharpeningFile(nn.Module):
    """What operator-sharpening.onnx computes."""

    def forward(self, linear: Tensor, mask: Tensor, parameters: Tensor, side: Tensor) -> Tensor:
        return operators.blend(linear, operators.apply_sharpening(linear, parameters, side), mask)


class SaliencyFile(nn.Module):
    """What saliency.onnx computes: the density of a viewer's attention, and the region's share of it."""

    def __init__(self, viewer: SaliencyNetwork) -> None:
        super().__init__()
        self.viewer = viewer

    def forward(self, picture: Tensor, mask: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        log_density = self.viewer(picture, valid)
        return measure_share(log_density, mask), log_density.exp()


class EdgeFile(nn.Module):
    """What edge.onnx computes: the mask of the object that the selection means, and what to expect: see Found; 0..1.

    Both are the means of what the network says of the picture and of its mirror image, whose faults are others.
    """

    def __init__(self, network: EdgeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor, selection: Tensor) -> tuple[Tensor, Tensor]:
        # One after the other, which is quicker than both in one batch.
        found, mirrored = self.network(picture, selection), self.network(picture.flip(3), selection.flip(3))
        mask = (found.mask.sigmoid() + mirrored.mask.sigmoid().flip(3)) / 2
        return mask, (found.expected.sigmoid() + mirrored.expected.sigmoid()) / 2


def write(module: nn.Module, path: Path, inputs: dict[str, Tensor], outputs: list[str]) -> None:
    """Export with free height and width, the operators with a free batch, what harmonizes with one of styles."""
    axes: dict[str, dict[int, str]] = {}
    many = "curves" in outputs
    for name, value in inputs.items():
        free = {0: "n"} if name in ("linear", "parameters") else {0: "styles"} if name == "style" and many else {}
        axes[name] = {**free, 2: "height", 3: "width"} if value.ndim == 4 and name != "cut" else free
        if name == "density":
            axes[name] = {1: "rows", 2: "columns"}
    if many:
        axes["curves"] = {0: "styles"}
    if "linear" in inputs:
        axes.update({name: {0: "n"} for name in outputs})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer names every constant that it takes
        torch.onnx.export(
            module.eval(), tuple(inputs.values()), path, input_names=list(inputs), output_names=outputs,
            dynamic_axes={name: free for name, free in axes.items() if free}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(path)
    fold_padding(model)
    onnx.save(model, path)


def halve_weights(path: Path) -> None:
    """Keep a network's large weights as half floats, in half the space; they are widened when it is loaded."""
    model = onnx.load(path)
    for index, weights in enumerate(list(model.graph.initializer)):
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        name = weights.name
        halved = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}{exported.HALF}")
        model.graph.initializer[index].CopyFrom(halved)
        node = onnx.helper.make_node("Cast", [halved.name], [name], to=onnx.TensorProto.FLOAT)
        model.graph.node.insert(0, node)
    onnx.save(model, path)


def keep_bytes(path: Path) -> None:
    """Keep a network's large weights as bytes, a scale for each row, in a quarter of the space; likewise widened."""
    model = onnx.load(path)
    for index, weights in enumerate(list(model.graph.initializer)):
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _SMALL or values.ndim < 2:
            continue
        name = weights.name
        scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True) / np.float32(127)
        scale = np.maximum(scale, np.finfo(np.float32).tiny)
        packed = onnx.numpy_helper.from_array((values / scale).round().astype(np.int8), f"{name}{exported.BYTES}")
        model.graph.initializer[index].CopyFrom(packed)
        model.graph.initializer.append(onnx.numpy_helper.from_array(scale, f"{name}{exported.SCALE}"))
        steps = f"{name}{exported.BYTES} widened"
        model.graph.node.insert(0, onnx.helper.make_node("Mul", [steps, f"{name}{exported.SCALE}"], [name]))
        model.graph.node.insert(0, onnx.helper.make_node("Cast", [packed.name], [steps], to=onnx.TensorProto.FLOAT))
    onnx.save(model, path)


def fold_padding(model: onnx.ModelProto) -> None:
    """Let convolutions pad by themselves where a padding with zeros goes before: ONNX can pad one side alone."""
    nodes = model.graph.node
    makers = {name: node for node in nodes for name in node.output}
    for node in nodes:
        padding = makers.get(node.input[0]) if node.op_type == "Conv" else None
        if padding is None or padding.op_type != "Pad" or _pads_with_edge(padding):
            continue
        sides = _compute_constant(makers, padding.input[1])
        attribute = next(each for each in node.attribute if each.name == "pads")
        assert not any(attribute.ints) and not any(sides[:2] + sides[4:6])  # neither padded before, nor along n and c
        attribute.ints[:] = sides[2:4] + sides[6:]
        node.input[0] = padding.input[0]
    used = {name for node in nodes for name in node.input}
    for node in [node for node in nodes if node.op_type == "Pad" and node.output[0] not in used]:
        nodes.remove(node)


def _pads_with_edge(padding: onnx.NodeProto) -> bool:
    return any(each.name == "mode" and each.s == b"edge" for each in padding.attribute)


def _compute_constant(makers: dict[str, onnx.NodeProto], name: str) -> list[int]:
    """A value that depends on no input, although the exporter writes it as a computation."""
    needed: list[onnx.NodeProto] = []
    wanted = [name]
    while wanted:
        node = makers[wanted.pop()]
        needed.insert(0, node)
        wanted += [each for each in node.input if each]
    result = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None)
    graph = onnx.helper.make_graph(needed, "constant", [], [result])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    (value,) = onnx.reference.ReferenceEvaluator(model).run(None, {})
    return [int(number) for number in value]


# Names of the files of the viewers, the one that is always asked first.
VIEWERS = ("saliency.onnx", "saliency-2.onnx")


def _make_example() -> dict[str, Tensor]:
    """What the networks that look at a whole picture take."""
    mask = torch.zeros(1, 1, 64, 96)
    mask[:, :, 16:48, 24:72] = 1
    return {"picture": torch.rand(1, 3, 64, 96), "mask": mask, "valid": torch.ones_like(mask)}


def export_edit(network: EditNetwork, folder: Path, strengths: Strengths) -> None:
    """Write edit.onnx and the operators into the folder."""
    seen = _make_example() | {"density": torch.full((1, 8, 12), 1 / 96)}
    wish = {"direction": torch.ones(1), "boldness": torch.zeros(1), "style": torch.zeros(1, STYLE)}
    write(EditFile(network, strengths), folder / "edit.onnx", seen | wish, ["inside", "around"])
    halve_weights(folder / "edit.onnx")
    mask = torch.ones(1, 1, 64, 96)
    single = {"linear": torch.rand(2, 3, 64, 96), "mask": mask, "parameters": torch.zeros(2, COUNT)}
    for name in NAMES:
        pointwise = name in operators.POINTWISE
        inputs = single if pointwise else single | {"side": torch.full((1,), float(data.LONG))}
        operator = OperatorFile(name) if pointwise else SharpeningFile()
        write(operator, folder / f"operator-{name}.onnx", inputs, ["edited"])


def export_critic(critic: Critic, folder: Path) -> None:
    """Write realism.onnx into the folder."""
    path = folder / "realism.onnx"
    write(critic, path, _make_example(), ["realism"])
    halve_weights(path)


def export_viewers(viewers: list[SaliencyNetwork], folder: Path) -> None:
    """Write the files of two viewers at most into the folder."""
    for name, viewer in zip(VIEWERS, viewers):
        write(SaliencyFile(viewer), folder / name, _make_example(), ["share", "density"])
        halve_weights(folder / name)


def export_edge(network: EdgeNetwork, folder: Path) -> None:
    """Write edge.onnx into the folder."""
    side = edge.SIDE
    seen = {"picture": torch.rand(1, 3, side, side), "selection": torch.ones(1, 1, side, side)}
    path = folder / "edge.onnx"
    write(EdgeFile(network), path, seen, ["mask", "expected"])
    halve_weights(path)


def export_harmony(network: HarmonyNetwork, folder: Path) -> None:
    """Write harmonize.onnx into the folder."""
    seen = {"picture": torch.rand(1, 3, 64, 96), "mask": torch.ones(1, 1, 64, 96), "around": torch.ones(1, 1, 64, 96)}
    path = folder / harmonizer.HARMONIZE
    rest = {"cut": torch.rand(1, 5, harmonizer.SIDE, harmonizer.SIDE), "style": torch.rand(3, STYLE)}
    write(network, path, seen | rest, ["curves", "shading"])
    halve_weights(path)


def export_retouch(network: RetouchNetwork, folder: Path) -> None:
    """Write retouch.onnx into the folder."""
    seen = {"picture": torch.rand(1, 3, 64, 96), "valid": torch.ones(1, 1, 64, 96)}
    path = folder / retoucher.RETOUCH
    found = ["parameters", "condition", "matched"]
    write(network, path, seen | {"reference": torch.zeros(1, CONDITION)}, found)
    keep_bytes(path)


def state_facts(strengths: Strengths) -> dict[str, Any]:
    """What the manifest says beside the files."""
    return {
        "name": "edit",
        "version": VERSION,
        "input": INPUT,
        "predicts": PREDICTED.to_json(),
        "ranges": operators.RANGES,
        "strengths": strengths.to_json(),
        **TOOLS,
    }


def write_manifest(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the folder's manifest: the facts, and size and sha256 of all network files in it; returns it."""
    files = {}
    for path in sorted(folder.glob("*.onnx")):
        content = path.read_bytes()
        files[path.name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest = {**facts, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def load_edit(path: Path) -> EditNetwork:
    """A trained edit network, frozen: from its checkpoint, or from an edit.onnx of the usual taps and size."""
    if path.suffix == exported.SUFFIX:
        network = EditNetwork()
        exported.load_edit(network, exported.read_edit(path), path)
    else:
        state = checkpoints.load(path)
        network = EditNetwork(tuple(state["taps"]), state["hidden"])
        network.load_state_dict(state["model"])
    return network.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_server.training.export",
        description=str(__doc__).split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--edit", type=Path, help="the edit network, and with it the operators")
    parser.add_argument("--critic", type=Path, help="the realism critic")
    parser.add_argument("--viewers", type=Path, nargs="+", default=[], help="a saliency network, or two")
    for entry in fields(Strengths):
        direction, *where = entry.name.split("_")
        place = "the background's" if where else "the region's"
        help_text = f"how much of {place} edits counts as 100 %% when they {direction}, with --edit"
        parser.add_argument(f"--{entry.name.replace('_', '-')}", type=float, default=1.0, help=help_text)
    parser.add_argument("--edge", type=Path, help="the edge network")
    parser.add_argument("--harmony", type=Path, help="the network that harmonizes")
    parser.add_argument("--retouch", type=Path, help="the network that retouches")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.epilog = "Networks are checkpoints, or .onnx files as this script writes them."
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.edge:
        export_edge(edge.load_network(options.edge), options.out)
    if options.harmony:
        export_harmony(harmony_train.load_network(options.harmony), options.out)
    if options.retouch:
        export_retouch(retouch_train.load_network(options.retouch), options.out)
    if options.critic:
        export_critic(realism.load_network(options.critic), options.out)
    export_viewers([saliency.load_network(path) for path in options.viewers], options.out)
    if options.edit:
        strengths = Strengths(**{entry.name: getattr(options, entry.name) for entry in fields(Strengths)})
        export_edit(load_edit(options.edit), options.out, strengths)
        facts = state_facts(strengths)
    else:
        facts = json.loads((options.out / "manifest.json").read_text(encoding="utf-8"))
        facts.update(TOOLS)
    manifest = write_manifest(options.out, facts)
    for name, file in manifest["files"].items():
        print(f"{name}: {file['bytes']} bytes, sha256 {file['sha256']}")


if __name__ == "__main__":
    main()
