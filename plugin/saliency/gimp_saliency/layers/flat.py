# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit straight into a photo's pixels, for files that hold no layers: what the layers would show, sooner.

GIMP edits an image as a whole.  Here it edits no more than the box around the selection, but for the background.
"""

from __future__ import annotations

from gi.repository import Gimp

from ..image.boxes import find_boxes_within
from ..image.floats import repair
from ..image.pixels import copy_pixels
from ..image.thumbnail import read_thumbnail
from ..image.tree import covers_canvas, longer_side
from ..predict.plan import Planned, predict_plan
from ..shared.edits import reach
from ..shared.request import EditRequest
from .apply import apply_plan
from .methods import choose_adder
from .record import edits_above
from .target import editable_layer


def is_flat(image: Gimp.Image) -> bool:
    """Whether an image is one visible layer and nothing more."""
    layers = image.get_layers()
    if len(layers) != 1 or layers[0].is_group() or not layers[0].get_visible():
        return False
    return covers_canvas(image, layers[0]) and not layers[0].get_filters()


def edit_pixels(image: Gimp.Image, request: EditRequest, plan: list[Planned] | None = None) -> list[Planned]:
    """Edit the selection of a flat image by a plan, by default the predicted one; return it.  No undo step.

    No other pixel changes, nor any that is no finite number.  Raises UserError or ServerError.
    """
    layer = editable_layer(image, image.get_selected_layers(), request.tool)
    if plan is None:
        plan = predict_plan(read_thumbnail(image, layer, edits_above(image, layer)), request)
    side, width, height = longer_side(image), image.get_width(), image.get_height()
    _ok, some, left, top, right, bottom = Gimp.Selection.bounds(image)
    is_everything = not some or bool(request.background and plan[0].background)
    if is_everything:
        left, top, right, bottom = 0, 0, width, height
    around = request.scale_background(plan[0].background, layer.is_gray())
    margin = reach([*request.scale_edits(plan[0].edits, layer.is_gray()), *around], side)
    x, y = max(0, left - margin), max(0, top - margin)
    part = image.duplicate()
    try:
        part.undo_disable()
        part.crop(min(width, right + margin) - x, min(height, bottom + margin) - y, x, y)
        lost = repair(part.get_layers()[0])
        adder = None if margin else choose_adder()  # which shows no filter what is around the selection
        if apply_plan(part, part.get_layers()[0], plan, request, (1, 1), side, adder=adder):
            box = left - x, top - y, right - left, bottom - top
            selection = None if is_everything else part.get_selection()
            changed = list(find_boxes_within(box, selection, lost))
            Gimp.Selection.none(part)
            edited = part.get_layers()[0] if len(part.get_layers()) == 1 else _compose(part)
            copy_pixels(edited, layer, changed, (x, y))
    finally:
        part.delete()
    return plan


def _compose(image: Gimp.Image) -> Gimp.Layer:
    """A new layer of an image with what is to be seen of it."""
    visible = Gimp.Layer.new_from_visible(image, image, "")
    image.insert_layer(visible, None, 0)  # else nobody would free it
    return visible
