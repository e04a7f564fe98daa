# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits many pictures in one GIMP without a window: the part of `gimp-saliency batch` that runs inside GIMP.

Orders come in and answers go out as lines of JSON over a Unix socket, one at a time.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import IO, Any

from gi.repository import Gegl, Gimp

from ..image.locks import lift_all_locks
from ..layers.flat import is_flat
from ..predict.plan import Planned
from ..shared.client import lifecycle
from ..shared.edits import to_json
from ..shared.errors import ServerError, UserError
from ..shared.request import EditRequest
from ..shared.words import _
from . import animation, files, harmonize, visible
from .order import Order, Step
from .steps import Editor

# In other files several layers are an animation's frames or a document's pages.
_LIGHT = (".exr", ".hdr")  # whose numbers are light, and who need not say so
_LAYERED = (".xcf", ".xcf.gz", ".xcf.bz2", ".xcf.xz", ".psd", ".psb", ".ora", ".exr")


def main(address: str, start_command: list[str]) -> None:
    """Carry out the orders that come from the Unix socket at `address`, until its other end closes it.

    Each is answered with an error, one sentence, or with the edits of each step as the server answers them, and
    sentences for people.
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
        return _do_order(Order.from_json(content))
    except (UserError, ServerError) as error:
        return {"error": str(error)}
    except Exception as error:  # the other pictures go on
        reason = f"{type(error).__name__}: {error}"
        return {"error": _("GIMP failed ({reason}); please report this.").format(reason=reason)}


def _do_order(order: Order) -> dict[str, Any]:
    """Load a picture, change it step by step, write the result; the edits of each step, and what is to be said.

    Raises UserError or ServerError.
    """
    image, moving = _open_picture(order)
    try:
        image.policy_rotate(False)  # as the photographer held the camera
        image.undo_disable()
        with lift_all_locks(image), visible.hide_channels(image):
            _prepare(image, order, moving)
            has_alpha = _has_alpha(image)
            notes: set[str] = set()
            made = list(_change(image, order, moving, notes))
            if not moving:
                notes |= files.list_losses(image, order.kind, has_alpha)
        _write(image, order, moving, has_alpha)
        return {"edits": [_describe(planned) for planned in made], "notes": sorted(notes)}
    finally:
        image.delete()


def _describe(planned: Planned) -> dict[str, Any]:
    """The edits of a region, as the server answers them."""
    answer: dict[str, Any] = {"edits": to_json(planned.edits), "model": planned.model}
    if planned.background:
        answer["background"] = to_json(planned.background)
    return answer


def _open_picture(order: Order) -> tuple[Gimp.Image, bool]:
    """The picture, and whether it is an animation whose frames are to be edited.  Raises UserError."""
    image = files.load_image(order.picture, _("It cannot be read ({reason}): choose one that GIMP can open."))
    try:
        moving = order.frames and animation.is_animation(image, order.picture)
        if moving and order.kind not in animation.FORMATS:
            message = _("It has {number} frames, which {format} cannot hold: leave the format out, or choose xcf.")
            raise UserError(message.format(number=len(image.get_layers()), format=order.kind))
        if not moving and not order.picture.lower().endswith(_LAYERED):
            files.keep_largest_page(image, order.picture)
        return (animation.unoptimize(image, order.picture) if moving else image), moving
    except BaseException:
        image.delete()
        raise


def _prepare(image: Gimp.Image, order: Order, moving: bool) -> None:
    """Let the layer that is to be changed be the active one, in an image that can be edited.  Raises UserError."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        image.convert_rgb()
    floating = image.get_floating_sel()
    if floating is not None:
        Gimp.floating_sel_anchor(floating)
    if moving or _is_of_layers(order):
        return
    if order.layer:
        image.set_selected_layers([visible.find_named(image, order.layer)])
    else:
        visible.choose_visible(image, is_layered=order.kind in files.LAYERED)


def _is_of_layers(order: Order) -> bool:
    """Whether a layer is to match the others."""
    return any(not isinstance(step.request, EditRequest) and not step.mask for step in order.steps)


def _has_alpha(image: Gimp.Image) -> bool:
    """Whether the result is to have an alpha channel, where it is one layer."""
    return image.get_layers()[0].has_alpha() if is_flat(image) else visible.shows_through(image)


def _change(image: Gimp.Image, order: Order, moving: bool, notes: set[str]) -> Iterator[Planned]:
    """Carry out the steps; the edits of each that makes some.  notes: gets sentences for people."""
    editor = Editor(image, order.kind in files.LAYERED, moving)
    for step in order.steps:
        if isinstance(step.request, EditRequest):
            if not moving and _is_of_layers(order):  # and another step has found its own layer
                visible.choose_visible(image, is_layered=order.kind in files.LAYERED)
            yield editor.edit(step, step.request)
        else:
            _harmonize(image, order, step)
    notes |= editor.notes


def _harmonize(image: Gimp.Image, order: Order, step: Step) -> None:
    assert not isinstance(step.request, EditRequest)
    if step.mask:
        is_merged = order.kind not in files.LAYERED
        harmonize.harmonize_part(image, step.request, step.mask, step.values, is_merged)
    else:
        harmonize.harmonize_layer(image, step.request, order.layer, is_merged=order.kind in files.FILTERLESS)


def _write(image: Gimp.Image, order: Order, moving: bool, has_alpha: bool) -> None:
    """Write the result, if one is wanted.  Raises UserError."""
    if order.output is None:
        return
    if order.kind in files.LAYERED:
        files.save_layers(image, order.output, order.kind)
    elif moving:
        animation.export(image, order.picture, order.output, order.kind)
    else:
        is_light = order.picture.lower().endswith(_LIGHT)
        files.export_visible(image, order.output, order.kind, has_alpha, is_light)
