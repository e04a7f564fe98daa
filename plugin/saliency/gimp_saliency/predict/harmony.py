# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cut-out to a harmony: ask the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..shared.client import questions
from ..shared.harmony import Harmony

if TYPE_CHECKING:
    from ..image.cutout import Cutout


def predict_harmony(cutout: Cutout) -> tuple[Harmony, str]:
    """The harmony at 100 % that the server predicts, and the name of its model.  Raises ServerError."""
    answer = questions.ask_harmony(cutout.pixels, cutout.width, cutout.height, cutout.reference)
    return Harmony.from_json(answer), answer["model"]
