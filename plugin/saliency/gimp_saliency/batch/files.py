# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures from files and back into files, without a question."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, Gio, GLib

from ..image.floats import exceeds_white
from ..image.tree import is_opaque
from ..layers.flat import is_flat
from ..shared.errors import UserError
from ..shared.words import _

_METADATA = ("include-exif", "include-iptc", "include-xmp")
# What GIMP's own defaults do not give: all metadata, and no compression that takes longer than the edit.
_EXPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpg": ("file-jpeg-export", {"quality": 0.95}),
    "png": ("file-png-export", {"compression": 6, "save-transparent": True}),
    "tif": ("file-tiff-export", {"compression": "lzw", "save-transparent-pixels": True}),
    "exr": ("file-exr-export", {}),
}
_LAYERED = {"xcf": "gimp-xcf-save", "psd": "file-psd-export", "ora": "file-openraster-export"}
LAYERED = tuple(_LAYERED)  # formats of results with layers
FILTERLESS = ("psd", "ora")  # those of them without live filters


def load_image(path: str, sentence: str) -> Gimp.Image:
    """Load a picture.  Raises UserError with the sentence, filled with path and reason."""
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    except GLib.Error as error:
        raise UserError(sentence.format(path=path, reason=error.message)) from error
    if image is None:
        raise UserError(sentence.format(path=path, reason=_("GIMP does not say why")))
    return image


def keep_largest_page(image: Gimp.Image, path: str) -> None:
    """Leave a file's picture without its thumbnails.  Raises UserError where it has several frames or pages.

    These come as layers.  In a TIFF what is much smaller than the largest one is a preview of it; in a GIF it is what
    has changed since the frame before.
    """
    layers = sorted(image.get_layers(), key=_measure, reverse=True)
    has_previews = path.lower().endswith((".tif", ".tiff"))
    pages = [layer for layer in layers if not has_previews or 4 * _measure(layer) > _measure(layers[0])]
    if len(pages) > 1:
        message = _("It has {number} frames or pages: save the one to edit as a picture of its own.")
        raise UserError(message.format(number=len(pages)))
    for layer in layers[1:]:
        image.remove_layer(layer)
    if layers[1:]:
        layers[0].set_visible(True)
        _ok, x, y = layers[0].get_offsets()
        image.resize(layers[0].get_width(), layers[0].get_height(), -x, -y)


def _measure(layer: Gimp.Layer) -> int:
    return int(layer.get_width() * layer.get_height())


def save_layers(image: Gimp.Image, path: str, kind: str) -> None:
    """Write all layers, in one of the formats LAYERED.  Raises UserError."""
    run_export(_LAYERED[kind], image, path, {})


def list_losses(image: Gimp.Image, kind: str, has_alpha: bool) -> set[str]:
    """What of an image a result's format cannot hold, in sentences.  has_alpha: as for `export_visible`."""
    found = set()
    if kind in ("png", "jpg") and any(exceeds_white(layer, is_everything=True) for layer in image.get_layers()):
        found.add(_("{format} cannot hold what is lighter than white: it is cut off").format(format=kind))
    if kind == "jpg" and has_alpha and not all(map(is_opaque, image.get_layers())):
        found.add(_("{format} cannot hold transparency: there is white").format(format=kind))
    if kind == "jpg" and not str(image.get_precision().value_nick).startswith("u8"):
        found.add(_("{format} holds 8 bits a channel, the picture more").format(format=kind))
    return found


def export_visible(image: Gimp.Image, path: str, kind: str, has_alpha: bool, is_light: bool = False) -> None:
    """Write what is visible as one layer ("jpg", "png", "tif" or "exr"), with all metadata.  Raises UserError.

    has_alpha: whether the picture had transparency before it was edited.  is_light: the result must say that its
    numbers are light, where they are.
    """
    if not is_flat(image):
        visible = Gimp.Layer.new_from_visible(image, image, "Picture")
        layers = image.get_layers()
        image.insert_layer(visible, None, 0)
        for layer in layers:
            image.remove_layer(layer)
        if not has_alpha:
            visible.flatten()
    image.detach_parasite("gimp-comment")  # GIMP would write it over the description in the EXIF data
    procedure, options = _EXPORTS[kind]
    if kind == "exr":  # which takes nothing else
        run_export(procedure, image, path, options)
        return
    common = {
        **dict.fromkeys(_METADATA, True),
        "include-color-profile": is_light or image.get_color_profile() is not None,  # no new one where there was none
        "include-thumbnail": False,  # nobody needs a second, small picture in the file
    }
    run_export(procedure, image, path, {**options, **common})


def run_export(name: str, image: Gimp.Image, path: str, options: dict[str, Any]) -> None:
    """Run one of GIMP's export procedures.  Raises UserError with its reason."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    if procedure is None:
        raise RuntimeError(f"there is no {name}")
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
