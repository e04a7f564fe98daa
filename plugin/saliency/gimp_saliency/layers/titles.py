# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit's layers are called and how they are marked, so that they are found in a long list of layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gi.repository import Gimp

from ..shared.edits import Edit
from ..shared.words import _
from .record import EditRecord, read_title

_DIRECTIONS = {"attenuate": _("Attenuate"), "emphasize": _("Emphasize"), "retouch": _("Retouch")}
_TAGS = {"attenuate": Gimp.ColorTag.BLUE, "emphasize": Gimp.ColorTag.ORANGE, "retouch": Gimp.ColorTag.GREEN}


def choose_titles(image: Gimp.Image, direction: str, count: int) -> list[str]:
    """What so many new edits of that direction are called together: the first ones that no edit in the image has."""
    word = _DIRECTIONS[direction]
    taken = set(_list_titles(image.get_layers()))
    found: list[str] = []
    number = 1
    while len(found) < count:
        title = word if number == 1 else f"{word} {number}"
        if title not in taken:
            found.append(title)
        number += 1
    return found


def describe_edits(title: str, edits: Sequence[Edit], around: Sequence[Edit] = ()) -> str:
    """The name of a layer with these edits of the region and these of the background; older edits have no title."""
    labels = ", ".join(edit.label() for edit in edits)
    if around:
        background = _("Background: {edit}").format(edit=", ".join(edit.label() for edit in around))
        labels = f"{labels}; {background}" if labels else background
    return f"{title}: {labels}" if title else labels


def mark_layer(layer: Gimp.Layer, record: EditRecord) -> None:
    """Give a layer the colour tag of its edit's direction."""
    layer.set_color_tag(_TAGS[record.direction])


def _list_titles(layers: Iterable[Gimp.Layer]) -> Iterable[str]:
    for layer in layers:
        yield read_title(layer)
        yield from _list_titles(layer.get_children() if layer.is_group() else ())
