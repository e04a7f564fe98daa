# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the harmony that a layer belongs to, and what can change it."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from ...image.tree import lineage, siblings
from ...shared.errors import UserError
from ...shared.words import _
from ..methods import choose_harmonizer
from ..record import HARMONIZE, Role, edits_above, is_edit, read_role, read_tool
from .baked import BakedHarmony
from .curves import find_curves, has_curves
from .live import LiveHarmony
from .made import MadeHarmony
from .record import Harmonizer, HarmonyRecord, read_harmony, read_note
from .steps import list_corners


def find_harmony(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> MadeHarmony | None:
    """The harmony that the one drawable belongs to, None where it belongs to none, or to a later edit above one.

    Raises UserError where the harmony is no longer all there, its values are damaged or this GIMP cannot change it.
    """
    drawable = drawables[0] if len(drawables) == 1 else None
    if isinstance(drawable, Gimp.LayerMask):
        drawable = Gimp.Layer.from_mask(drawable)
    top = _find_top(image, drawable) if isinstance(drawable, Gimp.Layer) else None
    if top is None:
        return None
    find_harmonizer(top)  # says so where this GIMP cannot change it: GIMP 3.0 crashes of a look at live curves
    record, role = read_harmony(top), read_role(top)
    if role == Role.HOLDER:
        return _read_holder(top, record)
    if role == Role.REPLACEMENT:
        return MadeHarmony(top, _find_original(image, top), {}, None, record, by_hand=False)
    return _read_filtered(top, record)


def find_harmonizer(top: Gimp.Layer) -> Harmonizer:
    """What can change the harmony whose topmost layer this is.  Raises UserError where this GIMP cannot."""
    own = choose_harmonizer()
    if read_role(top) == Role.REPLACEMENT:
        return own if isinstance(own, BakedHarmony) else BakedHarmony(takes_light=False)
    if not isinstance(own, LiveHarmony):
        raise UserError(_("This edit was made in GIMP 3.2, and GIMP 3.0 cannot change it: adjust it in GIMP 3.2."))
    return own


def _find_top(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer | None:
    """The `top` of the harmony that a layer belongs to."""
    line = lineage(layer)
    for place, item in enumerate(line):
        if read_tool(item) == HARMONIZE and read_role(item) == Role.HOLDER:
            inner = line[place - 1] if place else None
            return None if _is_of_edit(image, item, inner) else item
    above = _find_by_original(image, layer)
    if above is not None:
        return above
    role = read_role(layer) if read_tool(layer) == HARMONIZE else None
    if role == Role.REPLACEMENT:
        _check_later(image, layer)
        return layer
    if role == Role.FILTERED:
        return None if edits_above(image, layer) else layer
    return None


def _is_of_edit(image: Gimp.Image, holder: Gimp.Layer, inner: Gimp.Layer | None) -> bool:
    """Whether a harmony's group, or a layer in it, is to stand for an edit that was made above the harmony."""
    if inner is not None and read_tool(inner) == HARMONIZE and read_role(inner) == Role.ADJUSTMENT:
        return False
    if inner is not None and is_edit(inner):
        return True
    row = holder.get_children()
    above = edits_above(image, row[-1]) if row and inner in (None, row[-1]) else []
    return bool(above) and read_tool(above[-1]) != HARMONIZE


def _find_by_original(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer | None:
    """The harmony beside a hidden layer that it was made from."""
    if layer.get_visible():
        return None
    notes = ((item, read_note(item)) for item in siblings(image, layer))
    return next((item for item, note in notes if note is not None and note.original == layer.get_tattoo()), None)


def _check_later(image: Gimp.Image, baked: Gimp.Layer) -> None:
    """Raises UserError if an edit was made from a baked copy."""
    row = siblings(image, baked)
    above = row[: row.index(baked)][-1:]
    if any(read_role(item) in (Role.BAKED, Role.REPLACEMENT) and read_tool(item) != HARMONIZE for item in above):
        message = _("A later edit above this one was made from it: adjust or delete «{name}» first.")
        raise UserError(message.format(name=above[0].get_name()))


def _read_holder(holder: Gimp.Layer, record: HarmonyRecord) -> MadeHarmony:
    """Raises UserError if the copy in it is gone."""
    row = list(reversed(holder.get_children()))
    groups: dict[str, Gimp.Layer] = {}
    for item in row:
        note = read_note(item)
        if note is not None and note.role == Role.ADJUSTMENT:
            groups.setdefault(note.step, item)
    copies = [item for item in row if item not in groups.values() and not item.is_group()]
    if not copies:
        raise UserError(_("The harmony's group is empty: undo that, or show the original and harmonize again."))
    copy = copies[0]
    curves = groups.get("curves")
    if curves is None and has_curves(copy):
        curves = copy  # it had them before there was a group
    return MadeHarmony(holder, copy, groups, curves, record, _is_by_hand(curves, record, copy.is_gray()))


def _read_filtered(layer: Gimp.Layer, record: HarmonyRecord) -> MadeHarmony:
    """Raises UserError if the filter is gone."""
    gray = layer.is_gray()
    if not has_curves(layer):
        if record.scale(gray).has_curves():
            raise UserError(_("The harmony's curves are gone from the layer: harmonize it again."))
        return MadeHarmony(layer, layer, {}, None, record, by_hand=False)
    return MadeHarmony(layer, layer, {}, layer, record, _is_by_hand(layer, record, gray))


def _is_by_hand(layer: Gimp.Layer | None, record: HarmonyRecord, gray: bool) -> bool:
    """Whether the layer that has the curves has others than were noted."""
    return layer is not None and find_curves(layer, list_corners(record.scale(gray), gray)) is None


def _find_original(image: Gimp.Image, baked: Gimp.Layer) -> Gimp.Layer:
    """The layer that a copy was made from.  Raises UserError if it is gone."""
    note = read_note(baked)
    if note is not None and note.original:
        layer = image.get_layer_by_tattoo(note.original)
        if layer is not None and not layer.is_group():
            return layer
    elif note is not None:  # an older version did not note which one
        row = siblings(image, baked)
        below = row[row.index(baked) + 1 :][:1]
        if below and not below[0].get_visible() and not below[0].is_group():
            return below[0]
    raise UserError(_("The layer that was harmonized is gone: undo its removal, or delete this one and start again."))
