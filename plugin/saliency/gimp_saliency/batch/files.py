# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures from files and back into files, without a question."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, Gio, GLib

from ..layers.flat import is_flat
from ..shared.errors import UserError
from ..shared.words import _

_METADATA = ("include-exif", "include-iptc", "include-xmp")
# What GIMP's own defaults do not give: all metadata, and no compression that takes longer than the edit.
_EXPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpg": ("file-jpeg-export", {"quality": 0.95}),
    "png": ("file-png-export", {"compression": 6}),
    "tif": ("file-tiff-export", {"compression": "lzw"}),
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


def save_layers(image: Gimp.Image, path: str, kind: str) -> None:
    """Write all layers, in one of the formats LAYERED.  Raises UserError."""
    run_export(_LAYERED[kind], image, path, {})


def export_visible(image: Gimp.Image, path: str, kind: str, has_alpha: bool) -> None:
    """Write what is visible as one layer ("jpg", "png" or "tif"), with all metadata.  Raises UserError.

    has_alpha: whether the picture had transparency before it was edited.
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
    common = {
        **dict.fromkeys(_METADATA, True),
        "include-color-profile": image.get_color_profile() is not None,  # no new one where there was none
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
