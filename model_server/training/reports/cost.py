# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shipped networks cost: bytes, and milliseconds on one CPU thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.request import EditRequest
from model_server.predict.judges import CELL
from model_server.predict.predictor import Predictor
from model_server.predict.vector import STYLE

TIMES = 15  # that each thing is measured


def measure_milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Median and shortest of several runs, after one that counts not."""
    work()
    found = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - start))
    return float(np.median(found)), min(found)


def write_report(folder: Path, predictor: Predictor) -> str:
    """A table of the networks alone and of whole predictions, all figures included, on a region of a ninth."""
    rng = np.random.default_rng(0)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    width, height = manifest["input"]["long"], manifest["input"]["short"] // 32 * 32
    picture = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    picture[:, :, 3] = 0
    picture[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3, 3] = 255
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    area = np.ascontiguousarray(picture[None, None, :, :, 3] / np.float32(255))
    rgb = np.ascontiguousarray(picture[:, :, :3].transpose(2, 0, 1)[None] / np.float32(255))
    inputs = {"mask": area, "valid": np.ones_like(area)}
    rows = []
    wish = {
        "density": np.full((1, area.shape[2] // CELL, area.shape[3] // CELL), 1 / area.size * CELL**2, np.float32),
        "direction": np.ones(1, np.float32),
        "boldness": np.zeros(1, np.float32),
        "style": np.zeros((1, STYLE), np.float32),
    }
    for name, extra in (
        ("edit.onnx", {"picture": rgb, **wish}),
        ("realism.onnx", {"picture": rgb}),
        ("saliency.onnx", {"picture": rgb}),
    ):
        session = onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        rows.append((f"{name} alone", *measure_milliseconds(lambda: session.run(None, {**inputs, **extra}))))  # noqa: B023
    predict = predictor.attention.predict_edits
    for order in Ranking:
        whole = measure_milliseconds(partial(predict, picture, EditRequest("attenuate", ranking=order)))
        rows.append((f"`Attention.predict_edits`, order {order.value}", *whole))
    both = measure_milliseconds(partial(predict, picture, EditRequest("attenuate", background=True)))
    rows.append((f"`Attention.predict_edits`, order {Ranking.BEST_REALISM.value}, with background", *both))
    size = sum(file["bytes"] for file in manifest["files"].values())
    lines = [f"| {name} | {median:.1f} | {least:.1f} |" for name, median, least in rows]
    return "\n".join(
        [
            f"All files: {size / 1e6:.1f} MB. Milliseconds on one CPU thread:",
            "",
            "| | median | quickest |",
            "|---|---|---|",
            *lines,
        ]
    )
