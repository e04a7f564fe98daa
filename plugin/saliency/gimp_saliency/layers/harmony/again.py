# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a harmony that is in the image other values, or make the last one again on another layer."""

from __future__ import annotations

from dataclasses import replace

from gi.repository import Gimp

from ...image.cutout import Cutout
from ...image.tree import lineage
from ...shared.errors import UserError
from ...shared.harmony import Harmony, HarmonyRequest
from ...shared.words import _
from ..undo import undo_step
from .apply import apply_harmony
from .find import find_harmonizer
from .made import MadeHarmony
from .part import check_part
from .place import Place


def change_harmony(
    image: Gimp.Image,
    made: MadeHarmony,
    request: HarmonyRequest,
    prediction: tuple[Harmony, str] | None = None,
) -> list[Gimp.Layer]:
    """Give a harmony other strengths as one undo step; return its layers, lowest first.

    prediction: what takes the place of its values at 100 %, for the layer as it lies now, and the model that it is
    from; None: they stay.  Raises UserError, the image untouched.
    """
    record = replace(made.record, request=request, version="")
    if prediction is not None:
        base, model = prediction
        base = Harmony.from_json(base.to_json())  # as the layers note it
        record = replace(record, base=base, model=model, place=Place.of_layer(image, made.photo))
    harmonizer = find_harmonizer(made.top)
    check_harmony(image, made)
    harmonizer.check(image, made, record)
    with undo_step(image, made.top):
        return harmonizer.change(image, made, record)


def check_harmony(image: Gimp.Image, made: MadeHarmony) -> None:
    """Raises UserError where a harmony cannot be changed as it is, before anybody sets values in vain."""
    if any(item.get_lock_content() for item in lineage(made.top)):
        raise UserError(_("The layer's pixels are locked: unlock them in the Layers dialog first."))
    check_part(image, made)


def repeat_harmony(
    image: Gimp.Image, layer: Gimp.Layer, cutout: Cutout, base: Harmony, request: HarmonyRequest, model: str
) -> list[Gimp.Layer]:
    """Apply the values of another cut-out's harmony to this one as `apply_harmony` does.

    Its shading lies on the bounding box of what is seen of this one.
    """
    if base.shading is not None:
        left, top, right, bottom = cutout.find_bounds()
        box = left / cutout.width, top / cutout.height, right / cutout.width, bottom / cutout.height
        base = replace(base, shading=replace(base.shading, box=box))
    return apply_harmony(image, layer, base, request, model, cutout.part)
