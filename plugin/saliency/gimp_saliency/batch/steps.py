# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits of a picture of a folder: of what each mask shows, or of all of it."""

from __future__ import annotations

from dataclasses import replace

from gi.repository import Gimp

from ..image.selection import intersect_shapes
from ..image.thumbnail import read_thumbnail
from ..layers.apply import apply_plan
from ..layers.flat import edit_pixels, is_flat
from ..layers.highlights import explain_sparing, spare_highlights
from ..layers.record import edits_above
from ..layers.target import editable_layer
from ..predict.outline_finder import OutlineFinder
from ..predict.plan import Planned, parse_answer, predict_plan
from ..predict.retouch import predict_retouch
from ..shared.choices import RETOUCH, Edge
from ..shared.request import EditRequest
from . import animation
from .masks import select_mask
from .order import Step


class Editor:
    """Edits one image, step after step, always the layer that is active now."""

    def __init__(self, image: Gimp.Image, is_layered: bool, moving: bool) -> None:
        """is_layered: the edits stay layers.  moving: the image is an animation, whose frames get the same edits."""
        self.notes: set[str] = set()  # sentences for people
        self._image = image
        self._is_layered = is_layered
        self._moving = moving

    def edit(self, step: Step, request: EditRequest) -> Planned:
        """Edit what the step's mask shows, or all; what was done.  Raises UserError or ServerError."""
        image, request = self._image, replace(request, frames=self._moving)
        Gimp.Selection.none(image)
        if step.mask:
            select_mask(image, step.mask, step.values)
            self._fit_selection(request)
        request = self._spare_highlights(request)
        plan = [parse_answer(dict(step.known), request.ranking.value)] if step.known else None
        if plan is None and request.tool == RETOUCH:
            plan = self._predict_retouch(request)
        cut = request.without_edge()  # the selection itself has its edge by now
        is_straight = not self._is_layered and is_flat(image)
        plan = edit_pixels(image, cut, plan) if is_straight else self._edit_layers(cut, plan)
        Gimp.Selection.none(image)
        if self._moving and not self._is_layered:
            animation.merge_frames(image)
        return plan[0]

    def _fit_selection(self, request: EditRequest) -> None:
        """Give the selection the edge that is wanted, for good."""
        if request.wanted_edge == Edge.AS_SELECTED:
            return
        layer = editable_layer(self._image, self._find_active(request))
        edits = edits_above(self._image, layer)
        finder = OutlineFinder(self._image, layer, edits, read_thumbnail(self._image, layer, edits))
        finder.look(request)
        shapes = finder.enlarge(request).shapes
        if shapes:
            intersect_shapes(self._image, shapes)

    def _find_active(self, request: EditRequest) -> list[Gimp.Layer]:
        """The layers to edit."""
        image = self._image
        return [animation.find_first_present(image)] if request.frames else image.get_selected_layers()

    def _spare_highlights(self, request: EditRequest) -> EditRequest:
        """Without the kinds that would clip, which is noted."""
        (layer,) = self._find_active(request)
        spared = spare_highlights(layer, request)
        if spared != request:
            self.notes.add(explain_sparing())
        return spared

    def _predict_retouch(self, request: EditRequest) -> list[Planned]:
        """What the server predicts for what is selected, or for all."""
        layer = editable_layer(self._image, self._find_active(request), request.tool)
        return predict_retouch(read_thumbnail(self._image, layer, edits_above(self._image, layer)), request)

    def _edit_layers(self, request: EditRequest, plan: list[Planned] | None) -> list[Planned]:
        """Edit the selection by a plan, by default the predicted one, in layers; return it."""
        layer = editable_layer(self._image, self._find_active(request), request.tool)
        if plan is None:
            plan = predict_plan(read_thumbnail(self._image, layer, edits_above(self._image, layer)), request)
        apply_plan(self._image, layer, plan, request, (1, 1))
        return plan
