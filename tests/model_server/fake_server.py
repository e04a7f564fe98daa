# SPDX-License-Identifier: GPL-3.0-or-later
"""A model server with a predictor that computes nothing, run as a process of its own by the tests."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugin" / "saliency"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gimp_saliency.shared import edits, version
from gimp_saliency.shared.choices import LOOKS, Edge, Ranking
from gimp_saliency.shared.harmony import INPUTS, SIDE, Harmony, Shading
from gimp_saliency.shared.request import PLAIN, EditRequest
from gimp_saliency.shared.retouch import MATCH
from gimp_saliency.shared.styles import Style
from model_server.serve import process


class FakeHarmonizer:
    """The shape of the harmonizer: the answer depends on every byte of picture and reference, and on the style.

    Of a style the first number alone counts: the curve of blue is that much lower, by a fifth for each 1.
    """

    model = "harmonize-fake-1 (11111111)"

    def predict_harmony(self, picture: Any, reference: Any = None, style: Style = PLAIN) -> Harmony:
        if not picture[:, :, :3].any():
            raise ZeroDivisionError("a bug, for the tests")
        seen = picture.tobytes() + (b"" if reference is None else reference.tobytes())
        level = hashlib.sha256(seen).digest()[0] / 255
        curve = tuple(level * each for each in INPUTS)
        blue = tuple((1 - abs(style[0]) / 5) * each for each in INPUTS)
        return Harmony(curve, INPUTS, blue, Shading((0, 0.25, 0.5, 1), ((0.5,) * SIDE,) * SIDE))

    def propose(self, picture: Any, reference: Any, style: Style, seed: int) -> list[SimpleNamespace]:
        drawn = [(number + seed / 2**31, *PLAIN[1:]) for number in (1, 2, 3)]
        return [
            SimpleNamespace(harmony=self.predict_harmony(picture, reference, each), style=each)
            for each in (style, *drawn)
        ]


class FakeRetoucher:
    """The shape of the retoucher: the answer depends on every byte of the picture; each look is darker by a stop.

    Where people are not protected, all is blue.  Another photograph's look is as light as its upper right corner.
    """

    model = "retouch-fake-1 (22222222)"

    def predict_looks(self, picture: Any, people: bool = True, reference: Any = None) -> dict[str, list[edits.Edit]]:
        if not picture[:, :, :3].any():
            raise ZeroDivisionError("a bug, for the tests")
        ev = hashlib.sha256(picture.tobytes()).digest()[0] / 255
        stops = {name: ev - number for number, name in enumerate(LOOKS)}
        if reference is not None:
            stops[MATCH] = float(reference[0, -1, 0]) / 255 - 3
        rest = edits.WhiteBalance(1, 1 if people else 1.5), edits.Saturation(1), edits.Tone.neutral()
        return {name: [edits.Exposure(stop), *rest, edits.Curves.neutral()] for name, stop in stops.items()}


class FakePredictor:
    """The shape of the predictor and its tools: the answer depends on every byte of the picture."""

    model = "fake-1 (00000000)"
    networks: ClassVar[dict[str, Any]] = {"fake.onnx": {"bytes": 7, "sha256": "00000000"}}

    def __init__(self, load_seconds: float, seconds: float) -> None:
        time.sleep(load_seconds)
        self._seconds = seconds
        self.attention = self.fitting = self
        self.harmonizer = FakeHarmonizer()
        self.retoucher = FakeRetoucher()

    def predict_edits(self, picture: Any, request: EditRequest, figures: bool = True) -> SimpleNamespace:
        time.sleep(self._seconds)
        if not picture[:, :, :3].any():
            raise ZeroDivisionError("a bug, for the tests")
        ev = hashlib.sha256(picture.tobytes()).digest()[0] / 255
        style = request.style_numbers or PLAIN
        found = [edits.Exposure(request.sign * ev)]
        around = [
            edits.Exposure(request.background_strength / 100 * request.sign * -ev),
            edits.Saturation(1 + sum(style) / 40),
        ]
        judged = SimpleNamespace(
            saliency_before=0.5, saliency_after=0.4, realism_before=0.9, realism_after=request.strength / 200
        )
        return SimpleNamespace(
            edits=found,
            background=around if request.background else None,
            style=style,
            border=0.25,
            figures=judged if figures else None,
        )

    def propose(self, picture: Any, request: EditRequest, seed: int | None = None) -> dict[Ranking, SimpleNamespace]:
        first = self.predict_edits(picture, request)
        if seed is not None:
            request = replace(request, style_numbers=(seed / 2**31, *(request.style_numbers or PLAIN)[1:]))
        return {Ranking.BEST_REALISM: first, Ranking.VARIANT_1: self.predict_edits(picture, request)}

    def look(self, picture: Any, original: Any = None) -> SimpleNamespace:
        if not picture[:, :, :3].any():
            raise ZeroDivisionError("a bug, for the tests")
        border = None if original is None else 0.25
        viewers = (0.4, 0.6)
        return SimpleNamespace(
            saliency=0.5, viewers=viewers, realism=0.9, grey=self.map_saliency(picture), peak=0.01, border=border
        )

    def find_edge(self, picture: Any, edge: Edge, width: float = 0.0, grow: float = 0.0) -> SimpleNamespace:
        """Automatic is always the selection as it is."""
        chosen = Edge.AS_SELECTED if edge == Edge.AUTOMATIC else edge
        return SimpleNamespace(edge=chosen, mask=picture[:, :, 3].copy(), expected=None)

    def map_saliency(self, picture: Any) -> Any:
        return picture[:, :, 0].copy()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", nargs="?", help="serve, as in the real command")
    parser.add_argument("--idle", type=float, default=60)
    parser.add_argument("--load-seconds", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=0, help="what a prediction takes")
    parser.add_argument("--version", default=version.VERSION)
    options = parser.parse_args()
    version.VERSION = options.version
    sys.exit(0 if process.serve(lambda: FakePredictor(options.load_seconds, options.seconds), options.idle) else 3)


if __name__ == "__main__":
    main()
