# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server adds to the network, and what the network costs beside one of the paper's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from gimp_saliency.shared.choices import Ranking
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.request import PLAIN, EditRequest
from model_server.benchmark import pictures, serving
from model_server.benchmark.figures import Figure, time_side_by_side
from model_server.predict.attention import EDIT
from model_server.predict.networks import NETWORKS
from model_server.predict.vector import ORDERS

_PAPER = Path(__file__).with_name("paper_shape.onnx")  # training/paper_shape.py wrote it
_PAPER_SIDE = 384


def measure(rounds: int) -> list[Figure]:
    """One order and all of them, against the bare networks, on one thread each but for the judges of all orders."""
    picture = pictures.make_request()
    height, width = picture.shape[:2]
    pixels = picture.tobytes()
    bare, paper = _load_bare(), _load_paper_shape()

    def ask(order: str, background: bool = False) -> object:
        return questions.ask_edits(
            pixels, width, height, EditRequest("attenuate", ranking=Ranking(order), background=background)
        )

    with serving.run_server():
        seconds = time_side_by_side(
            {
                "bare": bare,
                "one": lambda: ask("random"),
                "all": lambda: ask("best-realism"),
                "paper": paper,
                "harmonize": lambda: questions.ask_harmony(pixels, width, height),
                "retouch": lambda: questions.ask_retouch(pixels, width, height, people=True),
            },
            rounds,
        )
        wide = time_side_by_side(
            {
                "around": lambda: ask("best-realism", background=True),
                "proposals": lambda: questions.ask_proposals(pixels, width, height, EditRequest("attenuate")),
                "styles": lambda: questions.ask_proposals(pixels, width, height, EditRequest("attenuate"), seed=1),
                "harmonies": lambda: questions.ask_harmonies(pixels, width, height, None, (), seed=1),
            },
            max(1, rounds // 10),
        )
    every = f"all {len(ORDERS)} orders"
    allowed = 1.15 * seconds["bare"] + 0.002
    return [
        Figure("the edit network alone, in onnxruntime", 1000 * seconds["bare"], "ms"),
        Figure("`/v1/edits`, one order", 1000 * seconds["one"], "ms"),
        Figure("one order : (1.15 of the network alone + 2 ms)", seconds["one"] / allowed, "×", 1),
        Figure("a network of the paper's shape, alone", 1000 * seconds["paper"], "ms"),
        Figure("the paper's shape : one order", seconds["paper"] / seconds["one"], "×", 8, more_is_better=True),
        Figure(f"`/v1/edits`, best of {every}", 1000 * seconds["all"], "ms"),
        Figure(f"best of {every} : one order", seconds["all"] / seconds["one"], "×", 12),
        Figure(f"`/v1/edits`, best of {every}, with the background", 1000 * wide["around"], "ms"),
        Figure("`/v1/proposals`", 1000 * wide["proposals"], "ms"),
        Figure("`/v1/proposals`, of styles", 1000 * wide["styles"], "ms"),
        Figure("`/v1/harmonize`", 1000 * seconds["harmonize"], "ms", 20),
        Figure("`/v1/harmonize`, of styles", 1000 * wide["harmonies"], "ms"),
        Figure("`/v1/retouch`, all looks", 1000 * seconds["retouch"], "ms", 20),
    ]


def _load_bare() -> Callable[[], object]:
    """A run of the edit network on what the server would give it."""
    path = NETWORKS / EDIT
    session = onnxruntime.InferenceSession(path, _use_one_thread(), providers=["CPUExecutionProvider"])
    area = np.zeros((1, 1, 128, 192), np.float32)
    area[:, :, 38:83, 67:115] = 1
    rgb = np.random.default_rng(0).random((1, 3, 128, 192), np.float32)
    seen = {"picture": rgb, "mask": area, "valid": np.ones_like(area), "density": np.zeros((1, 16, 24), np.float32)}
    wish = {"direction": np.ones(1, np.float32), "boldness": np.zeros(1, np.float32)}
    inputs = {**seen, **wish, "style": np.array([PLAIN], np.float32)}
    return lambda: session.run(None, inputs)


def _load_paper_shape() -> Callable[[], object]:
    """A run of a network of the paper's shape, with random weights of usual size."""
    rng = np.random.default_rng(0)
    weights = {}
    for name, shape in json.loads(_PAPER.with_suffix(".json").read_text(encoding="utf-8")).items():
        spread = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        weights[name] = onnxruntime.OrtValue.ortvalue_from_numpy(rng.normal(0, spread, shape).astype(np.float32))
    options = _use_one_thread()
    options.add_external_initializers(list(weights), list(weights.values()))
    session = onnxruntime.InferenceSession(_PAPER.read_bytes(), options, providers=["CPUExecutionProvider"])
    picture = rng.random((1, 4, _PAPER_SIDE, _PAPER_SIDE), np.float32)
    return lambda: session.run(None, {"picture": picture})


def _use_one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
