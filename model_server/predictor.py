# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture and mask to edits, with the shipped networks; onnxruntime on one CPU thread, no torch.

What the networks and their files are is written in networks/MODEL_CARD.md; training/export.py wrote them.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

# Nothing leaves this machine: onnxruntime would collect and send what it was used for.  It looks once, at its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from model_server.candidates import CHOICES, Candidates
from model_server.parameters import to_edits
from plugin.saliency.edits import NAMES, ORDERS, Edit

NETWORKS = Path(__file__).parent / "networks"
DIRECTIONS = {"attenuate": -1.0, "emphasize": 1.0}
RANKINGS = (*CHOICES, "random")

# How far the learned edit may be taken, most first: the first at which the critic sees no greater loss of realism than
# _BELIEVABLE, else the last.  Chosen on held-out photographs; MODEL_CARD.md says what it is worth.
_FACTORS = {"attenuate": (1.5, 1.25, 1.0, 0.75), "emphasize": (1.25, 1.0, 0.75, 0.5)}
_BELIEVABLE = -0.08

# Smaller pictures hold nothing to judge.
SMALLEST = 16

_REINSTALL = "Run install.sh again to put the networks back."

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


class NetworkError(Exception):
    """The networks cannot be used: one sentence that says why and what to do."""


@dataclass(frozen=True)
class Prediction:
    """Edits in order of application, at strength 1, and what they do at the strength that was asked for.

    saliency: share of the viewers' attention that falls into the region, 0..1.  realism: the critic's, 0..1.
    """

    edits: list[Edit]
    saliency_before: float
    saliency_after: float
    realism_before: float
    realism_after: float


@dataclass(frozen=True)
class Look:
    """What viewers and critic say of a picture.

    saliency: share of the viewers' attention that falls into the region, 0..1.  realism: the region's, 0..1.
    grey: (H, W), where the viewers look, 255 where most.  peak: what 255 stands for, the share of all attention that
    falls into the one cell of the network's grid that draws most, 0..1; the grid has the same cells for all pictures
    of one size, so grey * peak compares their maps.
    """

    saliency: float
    realism: float
    grey: Bytes
    peak: float


@dataclass(frozen=True)
class _Canvas:
    """A picture as the networks take it: aspect kept, padded to sides that they accept."""

    picture: Floats  # [1, 3, H, W] display-encoded 0..1
    valid: Floats  # [1, 1, H, W], 0 on the padding
    width: int
    height: int

    def area(self, mask: Bytes) -> Floats:
        """A mask (h, w), 0..255, on this canvas: [1, 1, H, W], 0..1."""
        return self._placed(mask)[None, None] * self.valid

    def _placed(self, band: Bytes) -> Floats:
        return _placed(band, self.width, self.height, self.valid.shape[3], self.valid.shape[2])


def _placed(band: Bytes, width: int, height: int, full_width: int, full_height: int) -> Floats:
    # As floats, so that the faintest and smallest mask survives.
    image = Image.fromarray(band.astype(np.float32) / np.float32(255))
    resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    padded: Floats = np.pad(resized, ((0, full_height - height), (0, full_width - width)), mode="edge")
    return padded


@dataclass(frozen=True)
class _Request:
    """What the edit network said of one region, and the candidates that follow from it."""

    parameters: Floats  # [24, 28]
    candidates: Candidates
    saliency: float
    realism: float

    def prediction(self, index: int) -> Prediction:
        """The edits in the order of that index, and the figures."""
        return Prediction(
            to_edits(self.parameters[index], ORDERS[index]),
            saliency_before=self.saliency,
            saliency_after=self.candidates.share(index),
            realism_before=self.realism,
            realism_after=self.candidates.realism(index),
        )


class Predictor:
    """The shipped networks, loaded and checked.  Not for several threads at once."""

    def __init__(self, folder: Path = NETWORKS) -> None:
        """Read the manifest and the files that it names.

        Raises NetworkError if anything is missing or has another sha256 than the manifest says.
        """
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            files: dict[str, dict[str, Any]] = manifest["files"]
            sizes = manifest["input"]
            self._long, self._short = int(sizes["long"]), int(sizes["short"])
            self._multiple = int(sizes["multiple"])
            names = ["edit.onnx", "saliency.onnx", "realism.onnx", *(f"operator-{name}.onnx" for name in NAMES)]
            self.networks = {n: {"bytes": int(files[n]["bytes"]), "sha256": str(files[n]["sha256"])[:8]} for n in names}
            self.model = f"{manifest['name']}-{manifest['version']} ({self.networks['edit.onnx']['sha256']})"
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NetworkError(f"The networks' manifest in {folder} cannot be read. {_REINSTALL}") from error

        def session(name: str) -> onnxruntime.InferenceSession:
            return _session(folder / name, files[name]["sha256"])

        with ThreadPoolExecutor(2) as pool:  # loading is half of what the first answer waits for
            self._edit, self._saliency, self._realism, *self._operators = pool.map(session, names)

    def edits(self, picture: Bytes, direction: str, order: str, strength: float = 1.0) -> Prediction:
        """Predict the edits of one region.

        picture: (H, W, 4) uint8, display-encoded sRGB and the region's mask, sides of at least 16.
        direction: "attenuate" or "emphasize".  order: of the 24 orders of application take the one that looks
        most real ("best-realism"), that moves most attention ("best-saliency"), that differs most from these two
        ("variant-1") and then from these three ("variant-2"), or one that the picture's bytes choose ("random").
        strength: 0 untouched, 1 as predicted; it changes the figures, and the choice that depends on them.

        Raises ValueError on anything else and on an empty mask.
        """
        if order not in RANKINGS:
            raise ValueError(f"The order must be one of {', '.join(RANKINGS)}, not {order!r:.40}.")
        request = self._request(picture, direction, strength)
        if order == "random":
            seed = hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()
            return request.prediction(int.from_bytes(seed[:8], "big") % len(ORDERS))
        return request.prediction(request.candidates.chosen(order))

    def proposals(self, picture: Bytes, direction: str, strength: float = 1.0) -> dict[str, Prediction]:
        """The predictions worth choosing among, at least one: best-realism, best-saliency, variant-1, variant-2.

        Left out is what hardly differs from one before.  Each is what `edits` gives with its name as order; arguments
        and errors are those of `edits`, too.
        """
        request = self._request(picture, direction, strength)
        return {choice: request.prediction(index) for choice, index in request.candidates.distinct().items()}

    def look(self, picture: Bytes) -> Look:
        """What viewers and critic say of a picture as it is: (H, W, 4) uint8, sRGB and a region's mask.

        Raises ValueError like `edits`.
        """
        self._check(picture, channels=4)
        canvas = self._canvas(picture[:, :, :3])
        areas = {"mask": canvas.area(picture[:, :, 3]), "valid": canvas.valid}
        inputs = {"picture": canvas.picture, **areas, "direction": np.ones(1, np.float32)}
        linear, realism = self._edit.run(["linear", "realism"], inputs)
        share, density = self._saliency.run(["share", "density"], {"linear": linear, **areas})
        grey = _grey(density[0], canvas, picture)
        return Look(float(share[0]), float(realism[0]), grey, peak=float(density.max()))

    def saliency(self, picture: Bytes) -> Bytes:
        """Where viewers look: picture (H, W, 3) uint8 to a grey map (H, W), 255 where they look most."""
        self._check(picture, channels=3)
        canvas = self._canvas(picture)
        linear = self._decoded(canvas)
        outputs = self._saliency.run(["density"], {"linear": linear, "mask": canvas.valid, "valid": canvas.valid})
        return _grey(outputs[0][0], canvas, picture)

    def _request(self, picture: Bytes, direction: str, strength: float) -> _Request:
        """Run the edit network and take its edit as far as it is believable; the rest waits until it is asked for."""
        self._check(picture, channels=4)
        if direction not in DIRECTIONS:
            raise ValueError(f"The direction must be {' or '.join(DIRECTIONS)}, not {direction!r:.40}.")
        sign = DIRECTIONS[direction]
        canvas = self._canvas(picture[:, :, :3])
        mask, valid = canvas.area(picture[:, :, 3]), canvas.valid
        inputs = {"picture": canvas.picture, "mask": mask, "valid": valid, "direction": np.array([sign], np.float32)}
        parameters, linear, realism = self._edit.run(None, inputs)

        def loss(factor: float) -> float:
            edited = self._apply(linear, mask, parameters[0] * np.float32(factor), ORDERS[0])
            return self._real(edited, mask, valid) - float(realism[0])

        *factors, least = _FACTORS[direction]
        parameters *= np.float32(next((factor for factor in factors if loss(factor) >= _BELIEVABLE), least))
        candidates = Candidates(
            lambda index: self._apply(linear, mask, parameters[index] * np.float32(strength), ORDERS[index]),
            lambda edited: self._share(edited, mask, valid),
            lambda edited: self._real(edited, mask, valid),
            mask,
            sign,
        )
        return _Request(parameters, candidates, self._share(linear, mask, valid), float(realism[0]))

    def _decoded(self, canvas: _Canvas) -> Floats:
        inputs = {"picture": canvas.picture, "mask": canvas.valid, "valid": canvas.valid}
        linear: Floats = self._edit.run(["linear"], {**inputs, "direction": np.ones(1, np.float32)})[0]
        return linear

    def _apply(self, linear: Floats, mask: Floats, parameters: Floats, order: tuple[int, ...]) -> Floats:
        """Apply one vector of parameters in one order; only the mask's bounding box is computed."""
        rows, columns = np.flatnonzero(mask[0, 0].any(1)), np.flatnonzero(mask[0, 0].any(0))
        box = (..., slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        part, part_mask = np.ascontiguousarray(linear[box]), np.ascontiguousarray(mask[box])
        for index in order:
            inputs = {"linear": part, "mask": part_mask, "parameters": parameters[None]}
            part = self._operators[index].run(None, inputs)[0]
        edited = linear.copy()
        edited[box] = part
        return edited

    def _share(self, linear: Floats, mask: Floats, valid: Floats) -> float:
        return float(self._saliency.run(["share"], {"linear": linear, "mask": mask, "valid": valid})[0][0])

    def _real(self, linear: Floats, mask: Floats, valid: Floats) -> float:
        return float(self._realism.run(None, {"linear": linear, "mask": mask, "valid": valid})[0][0])

    def _check(self, picture: Bytes, channels: int) -> None:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != channels:
            raise ValueError(f"The picture must be bytes of {channels} channels.")
        if min(picture.shape[:2]) < SMALLEST:
            raise ValueError(f"The picture is too small: its sides must be at least {SMALLEST} pixels.")
        if channels == 4 and not picture[:, :, 3].any():
            raise ValueError("The mask is empty: select the region to edit.")

    def _canvas(self, picture: Bytes) -> _Canvas:
        height, width = picture.shape[:2]
        scale = min(self._long / max(width, height), self._short / min(width, height))
        small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
        full_width, full_height = (-(-side // self._multiple) * self._multiple for side in (small_width, small_height))
        bands = [_placed(picture[:, :, c], small_width, small_height, full_width, full_height) for c in range(3)]
        valid = np.zeros((1, 1, full_height, full_width), np.float32)
        valid[:, :, :small_height, :small_width] = 1
        return _Canvas(np.stack(bands)[None], valid, small_width, small_height)


def _grey(density: Floats, canvas: _Canvas, picture: Bytes) -> Bytes:
    """A canvas's density as a grey map of the picture's size, 255 at its peak."""
    stride = canvas.valid.shape[3] // density.shape[1]
    box = (0.0, 0.0, canvas.width / stride, canvas.height / stride)
    height, width = picture.shape[:2]
    grown = Image.fromarray(density / density.max()).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(np.clip(np.asarray(grown) * 255, 0, 255).round(), np.uint8)


def _session(path: Path, sha256: str) -> onnxruntime.InferenceSession:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NetworkError(f"The network {path} is missing. {_REINSTALL}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NetworkError(f"The network {path} is not the one that the manifest names. {_REINSTALL}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Seven sessions, each keeping an arena of its largest request, would double the server's memory.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base for what it raises here
        raise NetworkError(f"onnxruntime cannot load {path}. {_REINSTALL}") from error
