# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits many pictures in one GIMP without a window: the part of `gimp-saliency batch` that runs inside GIMP.

Jobs come in and results go out as lines of JSON over a Unix socket, one at a time.
"""

from __future__ import annotations

import base64
import json
import socket
import zlib
from dataclasses import replace
from typing import Any

from gi.repository import Gegl, Gimp, Gio, GLib

from ..image.selection import select_values
from ..image.thumbnail import read_thumbnail
from ..layers.apply import apply_plan
from ..layers.flat import edit_pixels, is_flat
from ..layers.target import editable_layer, edits_above
from ..predict.plan import Planned, parse_answer, predict_plan
from ..shared.client import lifecycle
from ..shared.edits import to_json
from ..shared.errors import ServerError, UserError
from ..shared.request import EditRequest
from ..shared.words import _
from . import animation

_METADATA = ("include-exif", "include-iptc", "include-xmp")
# What GIMP's own defaults do not give: all metadata, and no compression that takes longer than the edit.
_EXPORTS: dict[str, dict[str, Any]] = {
    "jpg": {"procedure": "file-jpeg-export", "quality": 0.95},
    "png": {"procedure": "file-png-export", "compression": 6},
    "tif": {"procedure": "file-tiff-export", "compression": "lzw"},
}
# In other files several layers are an animation's frames or a document's pages.
_LAYERED = (".xcf", ".xcf.gz", ".xcf.bz2", ".xcf.xz", ".psd", ".psb", ".ora", ".exr")


def main(address: str, start_command: list[str]) -> None:
    """Do the jobs that come from the Unix socket at `address`, until its other end closes it.

    A job has picture, masks, output (paths), regions (what model_server/masks.py read of each mask, or null), format
    ("png", "jpg", "tif", "xcf", of animations "gif" or "webp", too), direction, strength (percent) and order, and it
    may have background, background_strength (percent) and style (a saved one's name).  Its result has an error, one
    sentence, or the edits of each mask as the server answers them.  A job may bring some of them in "edits", a list
    with null for those to predict; without an output it only predicts.  With "frames" an animation's frames all get
    the same edits.  start_command starts the model server where none answers.
    """
    lifecycle.start_command = start_command
    Gegl.init(None)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        with client.makefile("rw", encoding="utf-8") as stream:
            _say(stream, {})  # ready
            for line in stream:
                _say(stream, _result(json.loads(line)))


def _say(stream: Any, result: dict[str, Any]) -> None:
    stream.write(json.dumps(result) + "\n")
    stream.flush()


def _result(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"edits": _edit(job)}
    except (UserError, ServerError) as error:
        return {"error": str(error)}
    except Exception as error:  # the other pictures go on
        reason = f"{type(error).__name__}: {error}"
        return {"error": _("GIMP failed ({reason}); please report this.").format(reason=reason)}


def _edit(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Load, edit each region, write; the edits of each region."""
    image = _load(job["picture"], _("It cannot be read ({reason}): choose one that GIMP can open."))
    try:
        moving = bool(job.get("frames")) and animation.is_animation(image, job["picture"])
        layers = len(image.get_layers())
        if moving and job["format"] not in animation.FORMATS:
            message = _("It has {number} frames, which {format} cannot hold: leave the format out, or choose xcf.")
            raise UserError(message.format(number=layers, format=job["format"]))
        if layers > 1 and not moving and not job["picture"].lower().endswith(_LAYERED):
            message = _("It has {number} frames or pages: save the one to edit as a picture of its own.")
            raise UserError(message.format(number=layers))
        if moving:
            image = animation.unoptimized(image, job["picture"])
        image.policy_rotate(False)  # as the photographer held the camera; the question is not asked here
        image.undo_disable()
        has_alpha = any(layer.has_alpha() for layer in image.get_layers())
        straight = job["format"] != "xcf" and is_flat(image)
        request = replace(EditRequest.from_job(job), frames=moving)
        given = job.get("edits") or [None] * len(job["masks"])
        found = []
        for path, region, answer in zip(job["masks"], job["regions"], given):
            _select(image, path, region)
            plan = [parse_answer(answer, request.ranking.value)] if answer else None
            plan = edit_pixels(image, request, plan) if straight else _edit_layers(image, request, plan)
            answer = {"edits": to_json(plan[0].edits), "model": (plan[0].facts or {}).get("model")}
            if plan[0].background:
                answer["background"] = to_json(plan[0].background)
            found.append(answer)
            Gimp.Selection.none(image)
            if moving and job["format"] != "xcf":
                animation.merge(image)
        if not job["output"]:
            return found
        if job["format"] == "xcf":
            _run("gimp-xcf-save", image, job["output"], {})
        elif moving:
            options = animation.export_options(image, job["picture"], job["format"])
            _run(options.pop("procedure"), image, job["output"], options)
            animation.set_loops(job["picture"], job["output"])
        else:
            _export(image, job["output"], dict(_EXPORTS[job["format"]]), has_alpha)
        return found
    finally:
        image.delete()


def _edit_layers(image: Any, request: EditRequest, plan: list[Planned] | None) -> list[Planned]:
    """Edit the selection by a plan, by default the predicted one, in layers; return it."""
    active = [animation.first_present(image)] if request.frames else image.get_selected_layers()
    layer = editable_layer(image, active)
    if plan is None:
        plan = predict_plan(read_thumbnail(image, layer, edits_above(image, layer)), request)
    apply_plan(image, layer, plan, request, (1, 1))
    return plan


def _load(path: str, sentence: str) -> Any:
    """Load a picture.  Raises UserError with the sentence, filled with path and reason."""
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    except GLib.Error as error:
        raise UserError(sentence.format(path=path, reason=error.message)) from error
    if image is None:
        raise UserError(sentence.format(path=path, reason=_("GIMP does not say why")))
    return image


def _select(image: Any, path: str, region: dict[str, Any] | None) -> None:
    """Select what the mask shows, scaled to the image: white is selected, black is not, grey value v is v / 255."""
    width, height = image.get_width(), image.get_height()
    if region and region["size"] == [width, height]:
        values = zlib.decompress(base64.b64decode(region["values"]))
        select_values(image, values, region["component"], tuple(region["box"]))
        return
    mask = _load(path, _("The mask {path} cannot be read ({reason}): choose one that GIMP can open."))
    try:
        coverage = _coverage(mask, width, height)
    finally:
        mask.delete()
    select_values(image, coverage, "u16")
    if not Gimp.Selection.bounds(image)[1]:
        raise UserError(_("The mask {path} is black everywhere: paint the region white.").format(path=path))


def _coverage(mask: Any, width: int, height: int) -> bytes:
    """The mask's grey values as they are in the file, 16 bits a pixel, scaled to width x height."""
    if mask.get_base_type() == Gimp.ImageBaseType.INDEXED:
        mask.convert_rgb()
    # The values are no light, so the file's profile or gamma means nothing: assigned, not converted.
    gray = mask.get_base_type() == Gimp.ImageBaseType.GRAY
    mask.set_color_profile(Gimp.ColorProfile.new_d65_gray_srgb_trc() if gray else Gimp.ColorProfile.new_rgb_srgb())
    Gimp.context_push()
    try:
        Gimp.context_set_background(Gegl.Color.new("black"))
        _add_black(mask)
        values = _values(mask.get_layers()[0] if is_flat(mask) else mask.flatten())
        if (mask.get_width(), mask.get_height()) == (width, height):
            return values
        # GIMP scales light.  In an image of linear precision the values are just numbers.
        size = mask.get_width(), mask.get_height()
        scaled = Gimp.Image.new_with_precision(*size, Gimp.ImageBaseType.GRAY, Gimp.Precision.U16_LINEAR)
        try:
            layer = Gimp.Layer.new(scaled, "", *size, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
            scaled.insert_layer(layer, None, 0)
            buffer = layer.get_buffer()
            buffer.set(Gegl.Rectangle.new(0, 0, *size), "Y u16", values)
            buffer.flush()
            Gimp.context_set_interpolation(Gimp.InterpolationType.LINEAR)
            layer.scale(width, height, False)
            return _values(layer)
        finally:
            scaled.delete()
    finally:
        Gimp.context_pop()


def _add_black(mask: Any) -> None:
    """Put black under a mask with transparency, so that it darkens the grey values without going through light."""
    layers = mask.get_layers()
    if any(layer.has_alpha() for layer in layers):
        for layer in layers:
            layer.set_composite_space(Gimp.LayerColorSpace.RGB_NON_LINEAR)
        black = Gimp.Layer.new(
            mask, "", mask.get_width(), mask.get_height(), layers[0].type(), 100, Gimp.LayerMode.NORMAL
        )
        mask.insert_layer(black, None, len(layers))
        black.fill(Gimp.FillType.BACKGROUND)


def _values(layer: Any) -> bytes:
    rectangle = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    return bytes(layer.get_buffer().get(rectangle, 1.0, _grey(layer.get_image()), Gegl.AbyssPolicy.NONE))


def _grey(image: Any) -> str:
    """The 16-bit format in which a grey value of this image is its own number, whether or not it counts light."""
    nick = image.get_precision().value_nick
    return "Y u16" if "-non-" not in nick and nick.endswith("-linear") else "Y' u16"


def _export(image: Any, path: str, options: dict[str, Any], has_alpha: bool) -> None:
    """Write what is visible as one layer, with all metadata."""
    if not is_flat(image):
        visible = Gimp.Layer.new_from_visible(image, image, "Picture")
        layers = image.get_layers()
        image.insert_layer(visible, None, 0)
        for layer in layers:
            image.remove_layer(layer)
        if not has_alpha:
            visible.flatten()
    image.detach_parasite("gimp-comment")  # GIMP would write it over the description in the EXIF data
    options.update(dict.fromkeys(_METADATA, True))
    options["include-color-profile"] = image.get_color_profile() is not None  # no new one where there was none
    options["include-thumbnail"] = False  # nobody needs a second, small picture in the file
    _run(options.pop("procedure"), image, path, options)


def _run(name: str, image: Any, path: str, options: dict[str, Any]) -> None:
    """Run one of GIMP's export procedures.  Raises UserError with its reason."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_property("file", Gio.File.new_for_path(path))
    for option, value in options.items():
        config.set_property(option, value)
    if procedure.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        reason = Gimp.get_pdb().get_last_error()
        message = _("The result cannot be written ({reason}): free some space or change the format.")
        raise UserError(message.format(reason=reason.rstrip(".")))
