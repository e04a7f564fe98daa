# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of pictures and masks for the tests of `batch` in real GIMP."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gimp_saliency.shared.choices import RETOUCH, Edge
from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.batch.gimp_worker import GimpWorker
from model_server.batch.jobs import Failure, Jobs, Request, Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.runner import Runner
from tests.conftest import GimpForTests
from tests.model_server.processes import memory

WIDTH, HEIGHT = 96, 64


@dataclass
class Folder:
    """Pictures, masks and results of one test, and the GIMP that edits them."""

    gimp: GimpForTests
    place: Path

    def add(self, name: str, pixels: Any = None, mask: Any = None, **save: Any) -> np.ndarray[Any, Any]:
        """Save a picture and, unless it is False, its mask; by default colours and noise, and a rectangle."""
        pixels = photo() if pixels is None else pixels
        Image.fromarray(pixels).save(self.place / "in" / name, **save)
        if mask is not False:
            mask = rectangle() if mask is None else mask
            Image.fromarray(mask).save(self.place / "masks" / f"{Path(name).stem}.png")
        return pixels

    def run(
        self,
        suffix: str | None = None,
        frames: bool = False,
        resume: bool = False,
        processes: int = 1,
        direction: str = "attenuate",
        **edit: Any,
    ) -> dict[str, str]:
        """Edit all, or with `resume` what has no result; the failures by name."""
        jobs = self._find_jobs(Source(MaskFolder(self.place / "masks"), frames=frames), suffix)
        return self._do(jobs, EditRequest(direction, **edit), resume, processes)

    def harmonize(
        self, suffix: str | None = None, masks: bool = True, layer: str = "", request: HarmonyRequest | None = None
    ) -> dict[str, str]:
        """Harmonize what the masks show, or a layer of each file; the failures by name."""
        source = Source(MaskFolder(self.place / "masks")) if masks else Source(layer=layer, keeps_layers=True)
        return self._do(self._find_jobs(source, suffix), request or HarmonyRequest())

    def retouch(
        self,
        suffix: str | None = None,
        masks: bool = False,
        resume: bool = False,
        frames: bool = False,
        series: bool = False,
        **request: Any,
    ) -> dict[str, str]:
        """Retouch whole pictures, or what the masks show; the failures by name."""
        folder = MaskFolder(self.place / "masks") if masks else None
        jobs = self._find_jobs(Source(folder, frames=frames, series=series), suffix)
        wanted = EditRequest(RETOUCH, tool=RETOUCH, edge=Edge.AS_SELECTED, **request)
        return self._do(jobs, wanted, resume)

    def _find_jobs(self, source: Source, suffix: str | None) -> Jobs:
        return find_jobs(self.place / "in", source, self.place / "out", suffix)

    def _do(self, jobs: Jobs, request: Request, resume: bool = False, processes: int = 1) -> dict[str, str]:
        todo = jobs.without_finished() if resume else jobs
        with Runner.with_gimps(self.gimp.gimp, processes, 60, request, jobs.output, resume) as runner:
            failed = [result for result in runner.run(todo) if isinstance(result, Failure)]
        return {failure.job.picture.name: failure.reason for failure in failed}

    def result(self, name: str) -> Any:
        with Image.open(self.place / "out" / name) as picture:
            picture.load()
            return picture


def photo(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> np.ndarray[Any, Any]:
    y, x = np.indices((height, width))
    noise = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    smooth = np.stack([x * 200 // width, y * 200 // height, (x + y) * 200 // (width + height)], -1)
    return (smooth + noise).astype(np.uint8)


def rectangle(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray[Any, Any]:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 255
    return mask


def family_memory(pid: int) -> float:
    """Resident memory in MB of a process and all that descend from it; some of them may just be ending."""
    total = 0.0
    with suppress(FileNotFoundError, ProcessLookupError):
        total += memory(pid)
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(family_memory(int(child)) for child in (task / "children").read_text().split())
    return total


def measure_memory(patch: pytest.MonkeyPatch) -> list[float]:
    """A list that gets the memory of GIMP and its plug-ins in MB after each picture from now on."""
    sizes: list[float] = []
    ask = GimpWorker._ask

    def ask_and_measure(worker: GimpWorker, console: Any, order: Any) -> Any:
        answer = ask(worker, console, order)
        sizes.append(family_memory(console.process.pid))
        return answer

    patch.setattr(GimpWorker, "_ask", ask_and_measure)
    return sizes
