# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layer of a file is edited: what its user sees, whatever was active when the file was saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from gi.repository import Gimp

from ..image.tree import covers_canvas, is_opaque, lineage
from ..layers.flat import is_flat
from ..layers.record import Role, is_edit, read_role
from ..shared.errors import UserError
from ..shared.words import _


@contextmanager
def hide_channels(image: Gimp.Image) -> Iterator[None]:
    """Let channels be no part of what is seen in this block, as GIMP's window shows them over the picture."""
    shown = [channel for channel in image.get_channels() if channel.get_visible()]
    for channel in shown:
        channel.set_visible(False)
    try:
        yield
    finally:
        for channel in shown:
            channel.set_visible(True)


def choose_visible(image: Gimp.Image, is_layered: bool) -> None:
    """Let the visible picture be the active layer: the one layer that shows it, or a new one of all of them.

    is_layered: the result keeps its layers; else the image is one layer then.  Raises UserError where nothing is seen.
    """
    if not any(layer.get_visible() for layer in image.get_layers()):
        raise UserError(_("It shows nothing: make a layer of it visible, or name one with --layer."))
    photo = _find_only(image.get_layers())
    if photo is None or not (is_layered or is_flat(image)):
        photo = _stamp_visible(image, is_layered)
    image.set_selected_layers([photo])


def find_named(image: Gimp.Image, name: str) -> Gimp.Layer:
    """The layer with a name, which is seen.  Raises UserError where there is none."""
    found = [layer for layer in list_layers(image.get_layers()) if layer.get_name() == name]
    if not found:
        message = _("It has no layer «{name}»: give the name of one that it has with --layer.")
        raise UserError(message.format(name=name))
    if found[0].is_group():
        message = _("«{name}» is a group of layers: give the name of a layer in it with --layer.")
        raise UserError(message.format(name=name))
    if not all(item.get_visible() for item in lineage(found[0])):
        raise UserError(_("Its layer «{name}» is hidden: make it visible, or name another one.").format(name=name))
    return found[0]


def shows_through(image: Gimp.Image) -> bool:
    """Whether the image's composition may be transparent: no layer fills the canvas."""
    return not any(_is_full(image, layer) for layer in image.get_layers())


def list_layers(row: Iterable[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """Layers from the top, each group before what is in it."""
    for layer in row:
        yield layer
        if layer.is_group():
            yield from list_layers(layer.get_children())


def _find_only(row: Sequence[Gimp.Layer]) -> Gimp.Layer | None:
    """The one layer that shows a picture together with its edits; None where several do."""
    seen = [layer for layer in row if layer.get_visible() and not is_edit(layer)]
    if len(seen) != 1:
        return None
    (only,) = seen
    if any(is_edit(layer) for layer in row[row.index(only) + 1 :]):
        return None
    is_plain = only.get_mode() in (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY, Gimp.LayerMode.PASS_THROUGH)
    if not only.is_group():
        return only if is_plain else None
    if read_role(only) == Role.HOLDER:
        return only
    is_bare = is_plain and only.get_opacity() == 100 and only.get_mask() is None and not only.get_filters()
    return _find_only(only.get_children()) if is_bare and len(seen) == len(row) else None


def _stamp_visible(image: Gimp.Image, is_layered: bool) -> Gimp.Layer:
    """A new topmost layer with all that is to be seen; the others are removed, or, if it is transparent, hidden."""
    layers = image.get_layers()
    visible = Gimp.Layer.new_from_visible(image, image, _("Visible"))
    image.insert_layer(visible, None, 0)
    is_transparent = not is_opaque(visible)
    for layer in layers:
        if not is_layered:
            image.remove_layer(layer)
        elif is_transparent:
            layer.set_visible(False)
    if not is_transparent:
        visible.flatten()
    return visible


def _is_full(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Whether nothing that lies below a layer shines through it."""
    if not layer.get_visible():
        return False
    if layer.is_group() and covers_canvas(image, layer):
        return any(_is_full(image, child) for child in layer.get_children())
    return covers_canvas(image, layer) and not layer.has_alpha()
