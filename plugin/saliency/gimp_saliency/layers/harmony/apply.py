# SPDX-License-Identifier: GPL-3.0-or-later
"""From a prediction to layers, in one undo step."""

from __future__ import annotations

import os
from functools import partial

from gi.repository import Gimp

from ...shared.harmony import Harmony, HarmonyRequest
from ..methods import choose_harmonizer
from ..undo import in_one_step
from .place import Place
from .record import HarmonyRecord


def apply_harmony(
    image: Gimp.Image, layer: Gimp.Layer, base: Harmony, request: HarmonyRequest, model: str, part: bool
) -> list[Gimp.Layer]:
    """Apply a prediction to a cut-out as one undo step; return the layers that were made or changed, lowest first.

    base: at 100 %.  model: what predicted it.  part: change what is selected of the cut-out alone.  At strength 0
    nothing is made.  If anything fails, no layer stays behind.  Raises UserError.
    """
    base = Harmony.from_json(base.to_json())  # as the layers note it: the same numbers give the same picture again
    harmony = request.scale(base, layer.is_gray())
    if not harmony.has_curves() and not harmony.has_shading():
        return []
    place = Place.of_layer(image, layer)
    record = HarmonyRecord(os.urandom(16).hex(), base, request, model, part, place=place)
    return in_one_step(image, [layer], partial(choose_harmonizer().add, image, layer, harmony, record))
