# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture and mask to edits, with the shipped networks; onnxruntime on one CPU thread, no torch.

What the networks and their files are is written in networks/MODEL_CARD.md; training/export.py wrote them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

# Nothing leaves this machine: onnxruntime would collect and send what it was used for.  It looks once, at its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from gimp_saliency.shared.edits import Edit
from gimp_saliency.shared.request import PLAIN, EditRequest, Ranking
from gimp_saliency.shared.styles import Style
from model_server.predict.background import Fit, fitted
from model_server.predict.editor import Editor, pad
from model_server.predict.orders import Candidates, Measure, distinct_styles, is_worthy, sample_styles
from model_server.predict.vector import PREDICTED, Vocabulary

NETWORKS = Path(__file__).parents[1] / "networks"

# How far the learned edit may be taken, most first: the first at which the critic sees no greater loss of realism than
# _BELIEVABLE, else the last.  Chosen on held-out photographs; MODEL_CARD.md says what it is worth.
_FACTORS = {"attenuate": (1.5, 1.25, 1.0, 0.75, 0.5, 0.35), "emphasize": (1.25, 1.0, 0.75, 0.5, 0.35)}
_BELIEVABLE = -0.08

# Of a background's fit: added to the share of attention before its logarithm is taken; what the region's realism weighs
# beside that.
_LEAST_SHARE, _REALISM = 1e-4, 0.25

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
    """Edits in order of application, at strength 1, and what they do at the strength that was asked for.

    background: those of what surrounds the region, None if nobody asked for them.
    """

    edits: list[Edit]
    background: list[Edit] | None
    style: Style
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
class _Scene:
    """A picture and its region on the canvas, and what viewers and critic say of a picture there."""

    canvas: _Canvas
    mask: Floats  # [1, 1, H, W]
    editor: Editor
    share: Callable[[Floats], float]
    realism: Callable[[Floats], float]
    share_before: Callable[[], float]
    realism_before: Callable[[], float]

    def measure(self, background: bool) -> Measure:
        """How different two edited pictures are: in the region, and around it if that is edited, too."""
        return Measure(self.mask, self.canvas.valid - self.mask) if background else Measure(self.mask)


@dataclass(frozen=True)
class _Judged:
    """What the edit network said of one region, and the candidates that follow from it."""

    inside: Floats  # [24, 38]
    around: Floats | None
    fit: Fit | None  # what `around` was fitted by, if it was
    request: EditRequest
    words: Vocabulary
    scene: _Scene
    candidates: Candidates

    def prediction(self, index: int, figures: bool = True) -> Prediction:
        """The edits in the order of that index."""
        order = self.words.orders[index]
        return Prediction(
            self.words.to_edits(self.inside[index], order),
            None if self.around is None else self.words.to_edits(self.around[index], order),
            self.request.style_numbers or PLAIN,
            self._figures(index) if figures else None,
        )

    def moved(self, index: int) -> float:
        """How much more of the attention goes where it should."""
        return self.request.sign * (self.candidates.share(index) - self.scene.share_before())

    def is_worthy(self, index: int, realism: float) -> bool:
        """Whether its style is worth proposing beside what has that realism."""
        return is_worthy(self.moved(index), self.candidates.realism(index), realism)

    def _figures(self, index: int) -> Figures:
        return Figures(
            saliency_before=self.scene.share_before(),
            saliency_after=self.candidates.share(index),
            realism_before=self.scene.realism_before(),
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
            self._words = Vocabulary.from_json(manifest["predicts"]) if "predicts" in manifest else PREDICTED
            self._long, self._short = int(sizes["long"]), int(sizes["short"])
            self._multiple = int(sizes["multiple"])
            names = [
                "edit.onnx",
                "saliency.onnx",
                "realism.onnx",
                *(f"operator-{name}.onnx" for name in self._words.kinds),
            ]
            self.networks = {n: {"bytes": int(files[n]["bytes"]), "sha256": str(files[n]["sha256"])[:8]} for n in names}
            self.model = f"{manifest['name']}-{manifest['version']} ({self.networks['edit.onnx']['sha256']})"
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NetworkError(f"The networks' manifest in {folder} cannot be read; {_REINSTALL}") from error

        def session(name: str) -> onnxruntime.InferenceSession:
            return _session(folder / name, files[name]["sha256"])

        # Loading is half of what the first answer waits for, judging all orders nearly all of what the others do.
        self._pool = ThreadPoolExecutor(_THREADS, initializer=_step_back)
        self._edit, self._saliency, self._realism, *operators = self._pool.map(session, names)
        self._operators = dict(zip(self._words.kinds, operators))

    def edits(self, picture: Bytes, request: EditRequest, figures: bool = True) -> Prediction:
        """Predict the edits of one region.

        picture: (H, W, 4) uint8, display-encoded sRGB and the region's mask, sides of at least 16.
        request: by its ranking, of all orders of application take the one that looks most real ("best-realism"), that moves most
        attention ("best-saliency"), that differs most from these two ("variant-1") and then from these three
        ("variant-2"), or one that the picture's bytes choose ("random"), which no critic sees: it goes as far as the
        network learned, for any picture.
        figures: whether they are wanted; without them "random" takes half the time.

        Raises ValueError on anything else and on an empty mask.
        """
        scene = self._scene(picture)
        if request.ranking == Ranking.RANDOM:
            index = zlib.crc32(np.ascontiguousarray(picture[::8]).data) % len(self._words.orders)
            return self._judge(scene, request, judged=False).prediction(index, figures)
        asked = self._judge(scene, request)
        return asked.prediction(asked.candidates.choose(request.ranking), figures)

    def proposals(self, picture: Bytes, request: EditRequest, seed: int | None = None) -> dict[Ranking, Prediction]:
        """The predictions worth choosing among, at least one: best-realism, best-saliency, variant-1, variant-2.

        Left out is what hardly differs from one before.  Each is what `edits` gives with its name as order; arguments
        and errors are those of `edits`, too.
        seed: of styles, not negative.  Then all but the first have other styles that are drawn from it, each in the
        order of application that looks most real: "best-saliency" is the style that moves most attention, the variants
        are those that differ most from what stands before them.  Styles that move it the wrong way or look much less
        real than the first are left out.
        """
        scene = self._scene(picture)
        first = self._judge(scene, request)
        if seed is None:
            return {choice: first.prediction(index) for choice, index in first.candidates.distinct().items()}
        index = first.candidates.choose(Ranking.BEST_REALISM)
        realism = first.candidates.realism(index)
        # They are compared in the first one's order of application: all 24 of each would take three times as long.
        requests: dict[Style, _Judged] = {}
        for style in sample_styles(seed):
            other = self._judge(scene, replace(request, style_numbers=style), fit=first.fit)
            if other.is_worthy(index, realism):
                requests[style] = other
        looks = {style: (other.candidates.seen(index), other.moved(index)) for style, other in requests.items()}
        found = {Ranking.BEST_REALISM: first.prediction(index)}
        measure = scene.measure(request.background)
        for choice, style in distinct_styles(first.candidates.seen(index), looks, measure).items():
            other = requests.pop(style)
            index = other.candidates.choose(Ranking.BEST_REALISM)
            if other.is_worthy(index, realism):
                found[choice] = other.prediction(index)
        return found

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

    def _scene(self, picture: Bytes) -> _Scene:
        """Raises ValueError on a picture that cannot be judged."""
        self._check(picture, channels=4)
        canvas = self._canvas(picture)
        mask, valid = self._region(canvas, picture), canvas.valid

        def share(seen: Floats) -> float:
            return self._share(seen, mask, valid)

        def realism(seen: Floats) -> float:
            return self._real(seen, mask, valid)

        return _Scene(
            canvas,
            mask,
            Editor(self._operators, self._words, canvas.picture, mask, canvas.width, canvas.height),
            share,
            realism,
            cache(lambda: share(canvas.picture)),
            cache(lambda: realism(canvas.picture)),
        )

    def _judge(self, scene: _Scene, request: EditRequest, judged: bool = True, fit: Fit | None = None) -> _Judged:
        """Run the edit network; the rest waits until it is asked for.

        judged: whether the critic says how far to go in the region, which is as far as the edit is believable, and the
        edits around it are fitted to the picture.  fit: the one of another style, which saves the time.
        """
        areas = {"picture": scene.canvas.picture, "mask": scene.mask, "valid": scene.canvas.valid}
        wanted = {
            "direction": np.array([request.sign], np.float32),
            "style": np.array([request.style_numbers or PLAIN], np.float32),
        }
        inside, around = self._edit.run(["inside", "around"], {**areas, **wanted})
        edited = scene.editor.edited

        def loss(factor: float) -> float:
            return (
                scene.realism(edited(inside[0] * np.float32(factor), None, self._words.orders[0]))
                - scene.realism_before()
            )

        if judged:
            *factors, least = _FACTORS[request.direction]
            inside *= np.float32(next((factor for factor in factors if loss(factor) >= _BELIEVABLE), least))
        if judged and request.background:
            if fit is None:
                fit = self._fit(scene, request, inside[0], around[0])
            around = fit(around)

        def picture(index: int) -> Floats:
            surroundings = around[index] * np.float32(request.background_strength / 100) if request.background else None
            return edited(inside[index] * np.float32(request.strength / 100), surroundings, self._words.orders[index])

        candidates = Candidates(
            picture,
            scene.share,
            scene.realism,
            scene.measure(request.background),
            request.sign,
            len(self._words.orders),
            self._pool,
        )
        return _Judged(inside, around if request.background else None, fit, request, self._words, scene, candidates)

    def _fit(self, scene: _Scene, request: EditRequest, inside: Floats, around: Floats) -> Fit:
        """What makes the edits around the region suit this picture."""

        def edited(parameters: Floats) -> Floats:
            return scene.editor.edited(inside, parameters, self._words.orders[0])

        def gain(seen: Floats) -> float:
            return request.sign * math.log(scene.share(seen) + _LEAST_SHARE) + _REALISM * scene.realism(seen)

        return fitted(around, edited, gain, self._pool)

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
        pad(encoded, w, h)
        valid = np.zeros((1, 1, full_height, full_width), np.float32)
        valid[:, :, :h, :w] = 1
        return _Canvas(encoded, valid, w, h)


def _step_back() -> None:
    """Let everything else on the machine go before this thread, the server's other threads too."""
    if hasattr(os, "setpriority") and sys.platform == "linux":  # elsewhere it would be the process's priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


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
    # Ten sessions, each keeping an arena of its largest request, would double the server's memory.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base for what it raises here
        raise NetworkError(f"onnxruntime cannot load {path}; {_REINSTALL}") from error
