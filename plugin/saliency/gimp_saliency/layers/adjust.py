# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit that was made before: find its layers, read its values back, give it others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gi.repository import Gimp

from ..image.selection import activate_layers
from ..image.tree import longer_side, siblings
from ..shared.choices import UNCHANGED, Edge
from ..shared.edits import NAMES, Edit
from ..shared.errors import UserError
from ..shared.request import EditRequest, read_kinds
from ..shared.words import _
from .before import copy_before
from .method import MadeEdit, PartSelection
from .methods import find_method
from .original import check_original
from .record import (
    HARMONIZE,
    EditRecord,
    Role,
    check_tool,
    edits_above,
    is_edit,
    read_id,
    read_note,
    read_record,
    read_role,
    read_selection_id,
    read_tool,
)
from .undo import undo_step


def find_edit(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> MadeEdit:
    """The edit that the one drawable belongs to; of a photo, its topmost edit.  Raises UserError if there is none."""
    layer = _find_edit_layer(image, drawables)
    check_tool(layer)
    find_method(layer)  # says so where this GIMP cannot change it
    layers = [layer]
    if read_role(layer) == Role.ADJUSTMENT:
        layers = [item for item in reversed(siblings(image, layer)) if _belongs(item, read_id(layer))] or layers
    edit = _read_edit(image, layer, layers)
    return edit._replace(parts=_find_parts(image, edit), common=_find_common(image, edit))


def _find_edit_layer(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Gimp.Layer:
    drawable = drawables[0] if len(drawables) == 1 else None
    if isinstance(drawable, Gimp.LayerMask):
        drawable = Gimp.Layer.from_mask(drawable)
    if not isinstance(drawable, Gimp.Layer):
        raise UserError(_("Select exactly one layer of the edit in the Layers dialog, then try again."))
    layer, parent = drawable, drawable.get_parent()
    if parent is not None and read_role(parent) == Role.ADJUSTMENT:
        return parent
    if read_role(layer) == Role.HOLDER and layer.get_children():
        layer = layer.get_children()[-1]
    if is_edit(layer) or read_role(layer) == Role.REPLACEMENT:
        return layer
    above = edits_above(image, layer)
    if above:
        return above[-1]
    if read_tool(layer) == HARMONIZE:
        return layer
    raise UserError(_("The active layer belongs to no edit: select a layer of an edit, or the photo below it."))


def _belongs(layer: Gimp.Layer, identity: str) -> bool:
    return bool(identity) and read_role(layer) == Role.ADJUSTMENT and read_id(layer) == identity


def _find_parts(image: Gimp.Image, edit: MadeEdit) -> list[Gimp.Layer]:
    """The lowest layer of each edit that was made for a part of the same selection, this one's too."""
    if not edit.record.selection:
        return edit.layers[:1]
    found: dict[str, Gimp.Layer] = {}
    for item in _list_common(image, edit):
        if read_role(item) != Role.HOLDER and not read_note(item).is_background:
            found.setdefault(read_id(item), item)
    return list(found.values())


def _find_common(image: Gimp.Image, edit: MadeEdit) -> list[Gimp.Layer]:
    """The background's groups of the same selection; they may belong to the edit of another part."""
    if not edit.record.selection:
        return list(edit.around)
    return [item for item in _list_common(image, edit) if read_note(item).is_background]


def _list_common(image: Gimp.Image, edit: MadeEdit) -> list[Gimp.Layer]:
    """The layers of all edits that were made for a part of the same selection, lowest first."""
    row = reversed(siblings(image, edit.photo))
    return [item for item in row if read_selection_id(item) == edit.record.selection]


def _find_photo_below(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    row = siblings(image, layer)
    for item in row[row.index(layer) + 1 :]:
        if not is_edit(item):
            return item
    raise UserError(_("The photo below the edit is missing: undo its removal, or delete the edit's layers."))


def _read_edit(image: Gimp.Image, layer: Gimp.Layer, all_layers: list[Gimp.Layer]) -> MadeEdit:
    """Values from the layers' filters where they have been changed there, else from the record."""
    photo = _find_photo_below(image, all_layers[0])
    record = read_record(layer)
    around = [item for item in all_layers if read_note(item).is_background]
    layers = [item for item in all_layers if item not in around]
    found = find_method(layer).read(layers, around, record, record.side or longer_side(image))
    shown = set(record.kinds)
    # Where both have a kind, the region's layer says whether it is on.
    for item in [*(around if found.has_background else []), *layers]:
        for noted in read_note(item).edits:
            (shown.add if item.get_visible() else shown.discard)(noted.name)
    request = EditRequest(
        record.direction,
        record.strength,
        kinds=frozenset(shown),
        background=found.has_background,
        background_strength=record.background_strength,
        edge=record.edge,
        feather=record.feather,
        grow=record.grow,
        tool=record.tool,
    )
    return MadeEdit(
        photo,
        layers,
        list(found.base),
        request,
        record,
        found.by_hand,
        around,
        list(found.background),
        found.around_by_hand,
    )


def into_config(edit: MadeEdit, config: Gimp.ProcedureConfig) -> None:
    """Set a procedure's arguments to the edit's values."""
    config.set_property("strength", edit.request.strength)
    config.set_property("background", edit.request.background)
    config.set_property("background-strength", edit.request.background_strength)
    config.set_property("edge", edit.request.edge.value)
    config.set_property("feather", edit.request.feather)
    config.set_property("grow", round(edit.request.grow))
    for name in NAMES:
        config.set_property(name, name in edit.request.kinds)


def leave_edge(config: Gimp.ProcedureConfig) -> None:
    """Let a procedure's arguments say nothing of the edge, so that they leave that of any other edit, too."""
    config.set_property("edge", UNCHANGED)
    config.set_property("feather", 0.0)
    config.set_property("grow", 0)


def request_from_config(edit: MadeEdit, config: Gimp.ProcedureConfig) -> EditRequest:
    """The edit's settings with those that the procedure's arguments say."""
    edge, feather, grow = (config.get_property(name) for name in ("edge", "feather", "grow"))
    if edge == UNCHANGED:
        made = edit.request
        edge, feather, grow = made.edge, feather or made.feather, grow or made.grow
    return replace(
        edit.request,
        strength=config.get_property("strength"),
        kinds=read_kinds(config),
        background=bool(edit.background) and config.get_property("background"),
        background_strength=config.get_property("background-strength"),
        edge=Edge(edge),
        feather=feather,
        grow=grow,
    )


def apply_values(image: Gimp.Image, edit: MadeEdit, base: Sequence[Edit], wanted: EditRequest) -> list[Gimp.Layer]:
    """Give an edit other values (at 100 %, in order of application) and settings, as one undo step.

    Where the edit was made in all frames, it gets them in all frames.  Returns its layers, lowest first.  An edit that
    is switched off is hidden, so that it can come back.  The layers get other masks only where another edge is wanted.
    Raises UserError or ServerError, the image untouched.
    """
    edits = [edit, *_find_in_other_frames(image, edit)]
    selected = image.get_selected_layers()
    method = find_method(edit.all_layers()[0])
    region = None
    for each in edits:  # before there is an undo step
        method.check(image, each)
    if wanted.has_other_edge(edit.request):
        for each in edits:
            check_original(image, each)
        region = _find_region(image, edit, wanted)
    layers = []
    with undo_step(image, edit.photo):
        for each in edits:
            record = _make_record(each.record, base, edit.background, wanted, region is not None)
            layers += method.change(image, each, record, wanted, record.side or longer_side(image), region)
        if method.keeps_layers:
            activate_layers(image, selected)
        elif len(edits) > 1:
            activate_layers(image, layers[:1])
    return layers


def _find_region(image: Gimp.Image, edit: MadeEdit, wanted: EditRequest) -> PartSelection:
    """What the edge that is wanted leaves of what was selected.  Raises UserError or ServerError."""
    before = copy_before(image, edit)
    try:
        finder = before.make_finder(before.read_thumbnail())
        finder.look(wanted)
        return PartSelection(feather=wanted.own_feather, shapes=finder.enlarge(wanted).shapes)
    finally:
        before.image.delete()


def _make_record(
    made: EditRecord, base: Sequence[Edit], background: Sequence[Edit], wanted: EditRequest, has_new_edge: bool
) -> EditRecord:
    """What a changed edit says of itself; made: what it said before."""
    record = made._replace(
        strength=wanted.strength,
        kinds=wanted.kinds,
        base=tuple(base),
        background=tuple(background),
        background_strength=wanted.background_strength,
    )
    if has_new_edge:
        record = record._replace(
            edge=wanted.wanted_edge, feather=wanted.feather, grow=wanted.grow, keeps_selection=True
        )
    return record


def _find_in_other_frames(image: Gimp.Image, edit: MadeEdit) -> list[MadeEdit]:
    """The same edit in the other frames of a moving picture."""
    if not edit.record.frames:
        return []
    found = []
    for item in image.get_layers():
        row = item.get_children() if read_role(item) == Role.HOLDER else [item]
        same = (each for each in row if read_id(each) == edit.record.id)
        layer = next((each for each in same if read_role(each) in (Role.ADJUSTMENT, Role.REPLACEMENT)), None)
        if layer is not None and layer not in edit.all_layers():
            found.append(find_edit(image, [layer]))
    return found
