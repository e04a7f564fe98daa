# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture and mask to edits, with the shipped networks; onnxruntime on one CPU thread, no torch.

What the networks and their files are is written in networks/MODEL_CARD.md; training/export.py wrote them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
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

# More would take memory, and processor time from a GIMP that works meanwhile.
_THREADS = 2

# Pictures are shrunk to less than half by averaging whole pixels first, in a fifth of the time.
_GAP = 1.0

# Smaller pictures hold nothing to judge.
SMALLEST = 16

_REINSTALL = "run install.sh again to put the networks back."

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


class NetworkError(Exception):
    """The networks cannot be used: one sentence that says why and what to do."""


@dataclass(frozen=True)
class Figures:
    """What edits do to a region.

    saliency: share of the viewers' attention that falls into the region, 0..1.  realism: the critic's, 0..1.
    """

    saliency_before: float
    saliency_after: float
    realism_before: float
    realism_after: float


@dataclass(frozen=True)
class Prediction:
    """Edits in order of application, at strength 1, and what they do at the strength that was asked for."""

    edits: list[Edit]
    figures: Figures | None  # None: nobody asked for them


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

    picture: Floats  # [1, 3, H, W] display-encoded 0..1, on the padding its last row and column
    valid: Floats  # [1, 1, H, W], 0 on the padding
    width: int
    height: int

    def area(self, mask: Bytes) -> Floats:
        """A mask (h, w), 0..255, on this canvas: [1, 1, H, W], 0..1."""
        # As floats, so that the faintest and smallest mask survives.
        image = Image.fromarray(mask).convert("F")
        area = np.zeros_like(self.valid)
        resized = np.asarray(image.resize((self.width, self.height), Image.Resampling.BILINEAR, reducing_gap=_GAP))
        np.divide(resized, np.float32(255), out=area[0, 0, : self.height, : self.width])
        return area


@dataclass(frozen=True)
class _Request:
    """What the edit network said of one region, and the candidates that follow from it."""

    parameters: Floats  # [24, 28]
    candidates: Candidates
    saliency: Callable[[], float]
    realism: Callable[[], float]

    def prediction(self, index: int, figures: bool = True) -> Prediction:
        """The edits in the order of that index."""
        edits = to_edits(self.parameters[index], ORDERS[index])
        return Prediction(edits, self._figures(index) if figures else None)

    def _figures(self, index: int) -> Figures:
        return Figures(
            saliency_before=self.saliency(),
            saliency_after=self.candidates.share(index),
            realism_before=self.realism(),
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
            raise NetworkError(f"The networks' manifest in {folder} cannot be read; {_REINSTALL}") from error

        def session(name: str) -> onnxruntime.InferenceSession:
            return _session(folder / name, files[name]["sha256"])

        # Loading is half of what the first answer waits for, judging all orders nearly all of what the others do.
        self._pool = ThreadPoolExecutor(_THREADS, initializer=_step_back)
        self._edit, self._saliency, self._realism, *self._operators = self._pool.map(session, names)

    def edits(
        self, picture: Bytes, direction: str, order: str, strength: float = 1.0, figures: bool = True
    ) -> Prediction:
        """Predict the edits of one region.

        picture: (H, W, 4) uint8, display-encoded sRGB and the region's mask, sides of at least 16.
        direction: "attenuate" or "emphasize".  order: of the 24 orders of application take the one that looks
        most real ("best-realism"), that moves most attention ("best-saliency"), that differs most from these two
        ("variant-1") and then from these three ("variant-2"), or one that the picture's bytes choose ("random"), which
        no critic sees: it goes as far as the network learned, for any picture.
        strength: 0 untouched, 1 as predicted; it changes the figures, and the choice that depends on them.
        figures: whether they are wanted; without them "random" takes half the time.

        Raises ValueError on anything else and on an empty mask.
        """
        if order not in RANKINGS:
            raise ValueError(f"The order must be one of {', '.join(RANKINGS)}, not {order!r:.40}.")
        if order == "random":
            index = zlib.crc32(np.ascontiguousarray(picture[::8]).data) % len(ORDERS)
            return self._request(picture, direction, strength, judged=False).prediction(index, figures)
        request = self._request(picture, direction, strength)
        return request.prediction(request.candidates.chosen(order), figures)

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
        canvas = self._canvas(picture)
        areas = {"mask": self._region(canvas, picture), "valid": canvas.valid}
        share, density = self._saliency.run(["share", "density"], {"picture": canvas.picture, **areas})
        grey = _grey(density[0], canvas, picture)
        return Look(float(share[0]), self._real(canvas.picture, **areas), grey, peak=float(density.max()))

    def saliency(self, picture: Bytes) -> Bytes:
        """Where viewers look: picture (H, W, 3) uint8 to a grey map (H, W), 255 where they look most."""
        self._check(picture, channels=3)
        canvas = self._canvas(picture)
        inputs = {"picture": canvas.picture, "mask": canvas.valid, "valid": canvas.valid}
        outputs = self._saliency.run(["density"], inputs)
        return _grey(outputs[0][0], canvas, picture)

    def _request(self, picture: Bytes, direction: str, strength: float, judged: bool = True) -> _Request:
        """Run the edit network; the rest waits until it is asked for.

        judged: whether the critic says how far to go, which is as far as the edit is believable.
        """
        self._check(picture, channels=4)
        if direction not in DIRECTIONS:
            raise ValueError(f"The direction must be {' or '.join(DIRECTIONS)}, not {direction!r:.40}.")
        sign = DIRECTIONS[direction]
        canvas = self._canvas(picture)
        mask, valid = self._region(canvas, picture), canvas.valid
        inputs = {"picture": canvas.picture, "mask": mask, "valid": valid, "direction": np.array([sign], np.float32)}
        parameters = self._edit.run(None, inputs)[0]
        edited = self._editor(canvas.picture, mask)
        share = cache(lambda: self._share(canvas.picture, mask, valid))
        realism = cache(lambda: self._real(canvas.picture, mask, valid))

        def loss(factor: float) -> float:
            return self._real(edited(parameters[0] * np.float32(factor), ORDERS[0]), mask, valid) - realism()

        if judged:
            *factors, least = _FACTORS[direction]
            parameters *= np.float32(next((factor for factor in factors if loss(factor) >= _BELIEVABLE), least))
        candidates = Candidates(
            lambda index: edited(parameters[index] * np.float32(strength), ORDERS[index]),
            lambda picture: self._share(picture, mask, valid),
            lambda picture: self._real(picture, mask, valid),
            mask,
            sign,
            self._pool,
        )
        return _Request(parameters, candidates, share, realism)

    def _editor(self, picture: Floats, mask: Floats) -> Callable[[Floats, tuple[int, ...]], Floats]:
        """What applies a vector of parameters in an order: gives the edited picture.  It computes the mask's box."""

        @cache
        def box() -> tuple[tuple[slice, ...], Floats, Floats]:
            rows, columns = np.flatnonzero(mask[0, 0].any(1)), np.flatnonzero(mask[0, 0].any(0))
            part = (slice(None), slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
            return part, _decoded(np.ascontiguousarray(picture[part])), np.ascontiguousarray(mask[part])

        def edited(parameters: Floats, order: tuple[int, ...]) -> Floats:
            part, linear, part_mask = box()
            for index in order:
                inputs = {"linear": linear, "mask": part_mask, "parameters": parameters[None]}
                linear = self._operators[index].run(None, inputs)[0]
            result = picture.copy()
            result[part] = _encoded(linear)
            return result

        return edited

    def _share(self, picture: Floats, mask: Floats, valid: Floats) -> float:
        return float(self._saliency.run(["share"], {"picture": picture, "mask": mask, "valid": valid})[0][0])

    def _real(self, picture: Floats, mask: Floats, valid: Floats) -> float:
        return float(self._realism.run(None, {"picture": picture, "mask": mask, "valid": valid})[0][0])

    def _check(self, picture: Bytes, channels: int) -> None:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != channels:
            raise ValueError(f"The picture must be bytes of {channels} channels.")
        if min(picture.shape[:2]) < SMALLEST:
            raise ValueError(f"The picture is too small: its sides must be at least {SMALLEST} pixels.")

    def _region(self, canvas: _Canvas, picture: Bytes) -> Floats:
        """The picture's mask on the canvas.  Raises ValueError if it is empty."""
        area = canvas.area(picture[:, :, 3])
        if not area.any():
            raise ValueError("The mask is empty: select the region to edit.")
        return area

    def _canvas(self, picture: Bytes) -> _Canvas:
        """Of (H, W, 3), or (H, W, 4) whose fourth channel counts not."""
        height, width, channels = picture.shape
        scale = min(self._long / max(width, height), self._short / min(width, height))
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        full_width, full_height = (-(-side // self._multiple) * self._multiple for side in (w, h))
        mode = {3: "RGB", 4: "RGBX"}[channels]
        image = Image.frombuffer(mode, (width, height), np.ascontiguousarray(picture), "raw", mode, 0, 1)
        bands = np.asarray(image.resize((w, h), Image.Resampling.BILINEAR, reducing_gap=_GAP))[:, :, :3]
        encoded = np.empty((1, 3, full_height, full_width), np.float32)
        np.divide(bands.transpose(2, 0, 1), np.float32(255), out=encoded[0, :, :h, :w])
        encoded[..., :h, w:] = encoded[..., :h, w - 1 : w]
        encoded[..., h:, :] = encoded[..., h - 1 : h, :]
        valid = np.zeros((1, 1, full_height, full_width), np.float32)
        valid[:, :, :h, :w] = 1
        return _Canvas(encoded, valid, w, h)


def _step_back() -> None:
    """Let everything else on the machine go before this thread, the server's other threads too."""
    if hasattr(os, "setpriority") and sys.platform == "linux":  # elsewhere it would be the process's priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


def _decoded(encoded: Floats) -> Floats:
    """Display-encoded sRGB, 0..1, to linear light."""
    light = ((encoded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: Floats = np.where(encoded <= 0.04045, encoded / np.float32(12.92), light)
    return linear


def _encoded(linear: Floats) -> Floats:
    """Linear light to display-encoded sRGB, both clipped to 0..1."""
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


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
        raise NetworkError(f"The network {path} is missing; {_REINSTALL}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NetworkError(f"The network {path} is not the one that the manifest names; {_REINSTALL}")
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
        raise NetworkError(f"onnxruntime cannot load {path}; {_REINSTALL}") from error
