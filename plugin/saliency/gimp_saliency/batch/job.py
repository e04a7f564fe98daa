# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits many pictures in one GIMP without a window: the part of `gimp-saliency batch` that runs inside GIMP.

Orders come in and answers go out as lines of JSON over a Unix socket, one at a time.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any, Union

from gi.repository import Gegl, Gimp

from ..image.selection import intersect_shapes
from ..image.thumbnail import read_thumbnail
from ..layers.apply import apply_plan
from ..layers.flat import edit_pixels, is_flat
from ..layers.record import edits_above
from ..layers.target import editable_layer
from ..predict.outline_finder import OutlineFinder
from ..predict.plan import Planned, parse_answer, predict_plan
from ..predict.retouch import predict_retouch
from ..shared.choices import RETOUCH, Edge
from ..shared.client import lifecycle
from ..shared.edits import to_json
from ..shared.errors import ServerError, UserError
from ..shared.harmony import TOOL, HarmonyRequest
from ..shared.request import EditRequest
from ..shared.words import _
from . import animation, files, harmonize
from .masks import MaskValues, select_mask

# In other files several layers are an animation's frames or a document's pages.
_LAYERED = (".xcf", ".xcf.gz", ".xcf.bz2", ".xcf.xz", ".psd", ".psb", ".ora", ".exr")


@dataclass(frozen=True)
class Order:
    """What to do with one picture.

    masks: paths; values: of each mask that was read already, else None; whole: the whole picture is meant, and there
    are no masks; known: the edits of each mask, or of all, as the server answers them, None for those to predict;
    output: the result's path, None: no result is wanted, only the edits; kind: the result's format, "png", "jpg", "tif"
    or "xcf", of animations "gif" or "webp", too, of a harmonized layer "psd" or "ora"; frames: an animation's frames
    all get the same edits; layer: where there are no masks, the name of the one to harmonize, empty: the topmost
    visible one.
    """

    picture: str
    masks: tuple[str, ...]
    values: tuple[MaskValues | None, ...]
    known: tuple[Mapping[str, Any] | None, ...]
    output: str | None
    kind: str
    frames: bool
    layer: str | None
    whole: bool
    request: Union[EditRequest, HarmonyRequest]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Order:
        """What `Order` of the model server's `batch.jobs` wrote.  Raises RequestError, HarmonyError or KeyError."""
        masks = tuple(content["masks"])
        values = tuple(MaskValues.from_json(each) if each else None for each in content["regions"])
        whole = bool(content.get("whole"))
        known = tuple(content.get("edits") or [None] * (1 if whole else len(masks)))
        kind, frames, layer = content["format"], bool(content.get("frames")), content.get("layer")
        codec = HarmonyRequest if content.get("tool") == TOOL else EditRequest
        request = codec.from_job(content)
        return cls(content["picture"], masks, values, known, content["output"], kind, frames, layer, whole, request)


def main(address: str, start_command: list[str]) -> None:
    """Carry out the orders that come from the Unix socket at `address`, until its other end closes it.

    Each is answered with an error, one sentence, or with the edits of each mask as the server answers them.
    start_command starts the model server where none answers.
    """
    lifecycle.start_command = start_command
    Gegl.init(None)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        with client.makefile("rw", encoding="utf-8") as stream:
            _send(stream, {})  # ready
            for line in stream:
                _send(stream, _answer(json.loads(line)))


def _send(stream: IO[str], answer: Mapping[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


def _answer(content: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"edits": [_describe(planned) for planned in do_order(Order.from_json(content))]}
    except (UserError, ServerError) as error:
        return {"error": str(error)}
    except Exception as error:  # the other pictures go on
        reason = f"{type(error).__name__}: {error}"
        return {"error": _("GIMP failed ({reason}); please report this.").format(reason=reason)}


def _describe(planned: Planned) -> dict[str, Any]:
    """The edits of a region, as the server answers them."""
    answer: dict[str, Any] = {"edits": to_json(planned.edits), "model": planned.model}
    if planned.background:
        answer["background"] = to_json(planned.background)
    return answer


def do_order(order: Order) -> list[Planned]:
    """Load a picture, edit each region or harmonize, write the result; the edits of each region.

    Raises UserError or ServerError.
    """
    image, moving = _open_picture(order)
    try:
        image.policy_rotate(False)  # as the photographer held the camera; the question is not asked here
        image.undo_disable()
        has_alpha = _has_alpha(image, order)
        made = _change(image, order, moving)
        if order.output is None:
            pass
        elif order.kind in files.LAYERED:
            files.save_layers(image, order.output, order.kind)
        elif moving:
            animation.export(image, order.picture, order.output, order.kind)
        else:
            files.export_visible(image, order.output, order.kind, has_alpha)
        return made
    finally:
        image.delete()


def _open_picture(order: Order) -> tuple[Gimp.Image, bool]:
    """The picture, and whether it is an animation whose frames are to be edited.  Raises UserError."""
    image = files.load_image(order.picture, _("It cannot be read ({reason}): choose one that GIMP can open."))
    try:
        moving = order.frames and animation.is_animation(image, order.picture)
        layers = len(image.get_layers())
        if moving and order.kind not in animation.FORMATS:
            message = _("It has {number} frames, which {format} cannot hold: leave the format out, or choose xcf.")
            raise UserError(message.format(number=layers, format=order.kind))
        if layers > 1 and not moving and not order.picture.lower().endswith(_LAYERED):
            message = _("It has {number} frames or pages: save the one to edit as a picture of its own.")
            raise UserError(message.format(number=layers))
        return (animation.unoptimize(image, order.picture) if moving else image), moving
    except BaseException:
        image.delete()
        raise


def _has_alpha(image: Gimp.Image, order: Order) -> bool:
    """Whether the result is to have an alpha channel, where it is one layer."""
    if order.layer is None:
        return any(layer.has_alpha() for layer in image.get_layers())
    return harmonize.shows_through(image)  # a cut-out has one, and its photo none


def _change(image: Gimp.Image, order: Order, moving: bool) -> list[Planned]:
    """Do to the picture what is asked; the edits of each region, if there are any."""
    if isinstance(order.request, EditRequest):
        return list(_edit_regions(image, order, order.request, moving))
    if order.layer is None:
        harmonize.harmonize_parts(image, order.request, zip(order.masks, order.values), is_merged=order.kind != "xcf")
    else:
        harmonize.harmonize_layer(image, order.request, order.layer, is_merged=order.kind in files.FILTERLESS)
    return []


def _edit_regions(image: Gimp.Image, order: Order, request: EditRequest, moving: bool) -> Iterator[Planned]:
    """Edit what each mask shows, or all; the edits of each."""
    request = replace(request, frames=moving)
    cut = replace(request, edge=Edge.AS_SELECTED)  # the selection itself gets its edge, before the edit
    straight = order.kind != "xcf" and is_flat(image)
    paths = ("",) if order.whole else order.masks
    for path, values, known in zip(paths, order.values or [None], order.known):
        if path:
            select_mask(image, path, values)
            _fit_selection(image, request)
        plan = [parse_answer(dict(known), request.ranking.value)] if known else None
        if plan is None and request.tool == RETOUCH:
            plan = _predict_retouch(image, request)
        plan = edit_pixels(image, cut, plan) if straight else _edit_layers(image, cut, plan)
        yield plan[0]
        Gimp.Selection.none(image)
        if moving and order.kind != "xcf":
            animation.merge_frames(image)


def _fit_selection(image: Gimp.Image, request: EditRequest) -> None:
    """Give the selection the edge that is wanted, for good.  Raises UserError or ServerError."""
    if request.wanted_edge == Edge.AS_SELECTED:
        return
    layer = editable_layer(image, _find_active(image, request))
    edits = edits_above(image, layer)
    finder = OutlineFinder(image, layer, edits, read_thumbnail(image, layer, edits))
    finder.look(request)
    shapes = finder.enlarge(request).shapes
    if shapes:
        intersect_shapes(image, shapes)


def _find_active(image: Gimp.Image, request: EditRequest) -> list[Gimp.Layer]:
    """The layers to edit."""
    return [animation.find_first_present(image)] if request.frames else image.get_selected_layers()


def _predict_retouch(image: Gimp.Image, request: EditRequest) -> list[Planned]:
    """What the server predicts for what is selected, or for all.  Raises UserError or ServerError."""
    layer = editable_layer(image, _find_active(image, request), request.tool)
    return predict_retouch(read_thumbnail(image, layer, edits_above(image, layer)), request)


def _edit_layers(image: Gimp.Image, request: EditRequest, plan: list[Planned] | None) -> list[Planned]:
    """Edit the selection by a plan, by default the predicted one, in layers; return it."""
    layer = editable_layer(image, _find_active(image, request), request.tool)
    if plan is None:
        plan = predict_plan(read_thumbnail(image, layer, edits_above(image, layer)), request)
    apply_plan(image, layer, plan, request, (1, 1))
    return plan
