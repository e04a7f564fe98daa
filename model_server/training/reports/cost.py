# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shipped networks cost: bytes, and milliseconds on one CPU thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.request import EditRequest
from model_server.predict.canvas import Bytes, Floats
from model_server.predict.harmonizer import HARMONIZE
from model_server.predict.harmonizer import SIDE as WINDOW
from model_server.predict.judges import CELL
from model_server.predict.predictor import Predictor
from model_server.predict.retouch_map import CONDITION, FORMAT
from model_server.predict.retoucher import RETOUCH
from model_server.predict.vector import STYLE

TIMES, REGIONS = 15, 40  # how often each network is run, and how many regions are worth predicting


def measure_milliseconds(works: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Median and what nine in ten stay below, after the first one has been done once, which counts not."""
    works[0]()
    found = []
    for work in works:
        start = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - start))
    return float(np.median(found)), float(np.quantile(found, 0.9))


def write_report(folder: Path, predictor: Predictor, pictures: Sequence[Bytes]) -> str:
    """A table of the networks alone, on noise, and of whole predictions, all figures included, on pictures.

    pictures: (H, W, 4) uint8, as the plug-in sends them.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = _time_networks(folder, manifest["input"]["long"], manifest["input"]["short"] // 32 * 32)
    asked = {f"order {order.value}": EditRequest("attenuate", ranking=order) for order in Ranking}
    asked[f"order {Ranking.BEST_REALISM.value}, with background"] = EditRequest("attenuate", background=True)
    for name, request in asked.items():
        works = [partial(predictor.attention.predict_edits, each, request) for each in pictures]
        rows.append((f"`Attention.predict_edits`, {name}", *measure_milliseconds(works)))
    if predictor.harmonizer.files:
        harmonies = [partial(predictor.harmonizer.predict_harmony, each) for each in pictures]
        rows.append(("`Harmonizer.predict_harmony`", *measure_milliseconds(harmonies)))
    if predictor.retoucher.files:
        retouches = [partial(predictor.retoucher.predict_looks, each) for each in pictures]
        rows.append(("`Retoucher.predict_looks`", *measure_milliseconds(retouches)))
    size = sum(file["bytes"] for file in manifest["files"].values())
    lines = [f"| {name} | {median:.1f} | {most:.1f} |" for name, median, most in rows]
    return "\n".join(
        [
            f"All files: {size / 1e6:.1f} MB. Milliseconds on one CPU thread a network, predictions of "
            f"{len(pictures)} regions:",
            "",
            "| | median | nine in ten below |",
            "|---|---|---|",
            *lines,
        ]
    )


def _make_retouch_input(rng: np.random.Generator) -> dict[str, Floats]:
    """What the network that retouches takes: it has a canvas of its own."""
    sides = FORMAT.short, FORMAT.long
    seen = {"picture": rng.random((1, 3, *sides), np.float32), "valid": np.ones((1, 1, *sides), np.float32)}
    return {**seen, "reference": np.zeros((1, CONDITION), np.float32)}


def _time_networks(folder: Path, width: int, height: int) -> list[tuple[str, float, float]]:
    """Rows of the networks of single predictions, on noise with a region in its middle."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    picture[:, :, 3] = 0
    picture[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3, 3] = 255
    area = np.ascontiguousarray(picture[None, None, :, :, 3] / np.float32(255))
    rgb = np.ascontiguousarray(picture[:, :, :3].transpose(2, 0, 1)[None] / np.float32(255))
    inputs = {"picture": rgb, "mask": area, "valid": np.ones_like(area)}
    wish = {
        "density": np.full((1, area.shape[2] // CELL, area.shape[3] // CELL), 1 / area.size * CELL**2, np.float32),
        "direction": np.ones(1, np.float32),
        "boldness": np.zeros(1, np.float32),
        "style": np.zeros((1, STYLE), np.float32),
    }
    cut = rng.random((1, 5, WINDOW, WINDOW), np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    rows = []
    for name, seen in (
        ("edit.onnx", {**inputs, **wish}),
        (HARMONIZE, {"picture": rgb, "mask": area, "around": 1 - area, "cut": cut, "style": wish["style"]}),
        (RETOUCH, _make_retouch_input(rng)),
        ("realism.onnx", inputs),
        ("saliency.onnx", inputs),
    ):
        if not (folder / name).is_file():
            continue  # networks of one tool alone
        session = onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        run = partial(session.run, None, seen)
        rows.append((f"{name} alone", *measure_milliseconds([run] * TIMES)))
    return rows
