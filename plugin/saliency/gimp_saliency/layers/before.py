# SPDX-License-Identifier: GPL-3.0-or-later
"""The image as it was before an edit, to show and to find what another edge of the edit would be."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp

from ..image.thumbnail import Thumbnail, read_thumbnail
from ..image.tree import copy_layers, counterpart, siblings
from ..predict.outline_finder import OutlineFinder
from .method import MadeEdit
from .methods import find_method
from .original import explain_edge, keeps_original, select_original
from .record import edits_above, is_edit


class MadeChannels(NamedTuple):
    """What an edit that was in an image is for.

    region: None: what is selected; whole: all that is not background, None: the region; others: what other parts of the
    selection have, None: there are none.
    """

    region: Gimp.Channel | None = None
    whole: Gimp.Channel | None = None
    others: Gimp.Channel | None = None


class Before(NamedTuple):
    """A copy of an image as it was before an edit, what was selected then selected again; the caller deletes it.

    photo, made: in the copy.
    """

    image: Gimp.Image
    photo: Gimp.Layer
    made: MadeChannels

    def read_thumbnail(self) -> Thumbnail:
        """As the server sees the picture and what was selected.  Raises UserError."""
        return read_thumbnail(self.image, self.photo, edits_above(self.image, self.photo))

    def make_finder(self, thumbnail: Thumbnail) -> OutlineFinder:
        """What finds the edge that the selection can get, with the copy's thumbnail."""
        return OutlineFinder(self.image, self.photo, edits_above(self.image, self.photo), thumbnail)


def copy_before(image: Gimp.Image, edit: MadeEdit) -> Before:
    """The image as it was before the edit; it shares its pixels with the image.  Raises UserError."""
    copy = copy_layers(image)
    try:
        made = _find_in_copy(image, copy, edit)
        before = _select_before(copy, made)
        layers = made.all_layers()
        row = siblings(copy, layers[0])
        for layer in row[: row.index(layers[0]) + 1]:
            if layer in layers or is_edit(layer):
                copy.remove_layer(layer)
        made.photo.set_visible(True)
        return before
    except BaseException:
        copy.delete()
        raise


def _select_before(copy: Gimp.Image, made: MadeEdit) -> Before:
    """Select what was selected before an edit of the copy, and keep in channels what else there is to select."""
    method = find_method(made.all_layers()[0])
    whole = Gimp.Selection.save(copy) if method.select_whole(copy, made) else None
    others = None
    if made.other_parts():
        Gimp.Selection.none(copy)
        method.select_others(copy, made)
        others = Gimp.Selection.save(copy)
    method.select_region(copy, made)
    region = None
    if keeps_original(made) and not explain_edge(copy, made):
        region = Gimp.Selection.save(copy)
        select_original(copy, made, method)
    return Before(copy, made.photo, MadeChannels(region, whole, others))


def _find_in_copy(image: Gimp.Image, copy: Gimp.Image, edit: MadeEdit) -> MadeEdit:
    """The edit in a copy of its image."""
    layers, around, parts, common = (
        [counterpart(image, copy, layer) for layer in group]
        for group in (edit.layers, edit.around, edit.parts, edit.common)
    )
    photo = counterpart(image, copy, edit.photo)
    return edit._replace(photo=photo, layers=layers, around=around, parts=parts, common=common)
