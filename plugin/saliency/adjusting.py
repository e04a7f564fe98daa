# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit that was made before: find its layers, read its values back, give it others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import baking
import readback
from adjustments import add_adjustment, replace_filter
from choices import Choices
from editing import undo_step
from edits import NAMES, Edit, EditError, from_json, to_json
from errors import UserError
from gi.repository import Gimp
from selection import activate, kept
from target import (
    ADJUSTMENT,
    BAKED,
    GIMP_32,
    HOLDER,
    REPLACEMENT,
    counterpart,
    edits_above,
    read_parasite,
    role,
    siblings,
    write_parasite,
)
from words import _

# What layers of one edit have in common, beside numbers.
_TEXTS = ("id", "version", "direction", "model", "order", "frames")


@dataclass(frozen=True)
class MadeEdit:
    """An edit as it is in the image."""

    photo: Any  # the layer that it changes
    layers: list[Any]  # lowest first: on GIMP 3.2 one group an edit, on 3.0 the baked copy alone
    base: list[Edit]  # all values at 100 %, in order of application
    choices: Choices
    facts: dict[str, Any]  # what the layers' parasites have in common
    by_hand: frozenset[str] = frozenset()  # edits whose filter the user changed to what no numbers here can say


def find(image: Any, drawables: list[Any]) -> MadeEdit:
    """The edit that the one drawable belongs to; of a photo, its topmost edit.  Raises UserError if there is none."""
    layer = _edit_layer(image, drawables)
    if role(layer) == ADJUSTMENT and not GIMP_32:  # where Python cannot handle live curves
        raise UserError(_("This edit was made in GIMP 3.2, and GIMP 3.0 cannot change it: adjust it in GIMP 3.2."))
    content = read_parasite(layer) or {}
    layers = [item for item in reversed(siblings(image, layer)) if _belongs(item, content)]
    if role(layer) != ADJUSTMENT or not layers:
        layers = [layer]
    return _read(_photo_below(image, layers[0]), layers, content)


def _edit_layer(image: Any, drawables: list[Any]) -> Any:
    if len(drawables) == 1 and isinstance(drawables[0], Gimp.LayerMask):
        drawables = [Gimp.Layer.from_mask(drawables[0])]
    if len(drawables) != 1 or not isinstance(drawables[0], Gimp.Layer):
        raise UserError(_("Select exactly one layer of the edit in the Layers dialog, then try again."))
    layer = drawables[0]
    parent = layer.get_parent()
    if parent is not None and role(parent) == ADJUSTMENT:
        return parent
    if role(layer) == HOLDER and layer.get_children():
        layer = layer.get_children()[-1]
    if role(layer) in (ADJUSTMENT, BAKED, REPLACEMENT):
        return layer
    above = edits_above(image, layer)
    if above:
        return above[-1]
    raise UserError(_("The active layer belongs to no edit: select a layer of an edit, or the photo below it."))


def _belongs(layer: Any, content: dict[str, Any]) -> bool:
    other = read_parasite(layer)
    if other is None or role(layer) != ADJUSTMENT or not isinstance(other.get("id"), str):
        return False
    return bool(other["id"] == content.get("id"))


def _photo_below(image: Any, layer: Any) -> Any:
    row = siblings(image, layer)
    for item in row[row.index(layer) + 1 :]:
        if role(item) not in (ADJUSTMENT, BAKED):
            return item
    raise UserError(_("The photo below the edit is missing: undo its removal, or delete the edit's layers."))


def _read(photo: Any, layers: list[Any], content: dict[str, Any]) -> MadeEdit:
    """Values from the layers' filters where they have been changed there, else from the parasites."""
    try:
        strength = float(content["strength"])
        base = {edit.name: edit for edit in from_json(content["base"])}
        if not 0 <= strength <= 150 or len(base) != len(content["base"]):
            raise ValueError
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        message = _("The edit's values in this layer are damaged: delete its layers and make the edit again.")
        raise UserError(message) from error
    shown, by_hand = set(), set()
    for layer in layers:
        for noted in _noted(layer):
            if layer.get_visible():
                shown.add(noted.name)
            found = readback.read(layer, noted) if role(layer) == ADJUSTMENT else noted
            if found is None:
                by_hand.add(noted.name)
            elif found != noted and strength > 0:
                try:
                    base[noted.name] = found.at_strength(100 / strength)
                except (EditError, OverflowError):  # more than an edit can be at 100 %
                    by_hand.add(noted.name)
    direction = "emphasize" if content.get("direction") == "emphasize" else "attenuate"
    facts = _facts(content)
    choices = Choices(direction, strength, facts.get("order", ""), frozenset(shown))
    return MadeEdit(photo, layers, list(base.values()), choices, facts, frozenset(by_hand))


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    """Of a parasite, which a stranger may have written, what other layers of the edit get too."""
    facts = {name: content[name] for name in _TEXTS if isinstance(content.get(name), str)}
    with suppress(EditError, RecursionError):
        facts["predicted"] = to_json(from_json(content.get("predicted")))
    return facts


def _noted(layer: Any) -> list[Edit]:
    """The values in a layer's parasite; of damaged ones none."""
    try:
        edits = from_json((read_parasite(layer) or {}).get("edits"))
    except (EditError, RecursionError):
        return []
    return edits if role(layer) != ADJUSTMENT or len(edits) == 1 else []


def before(image: Any, edit: MadeEdit) -> tuple[Any, Any]:
    """A copy of the image as it was before the edit, its region selected, and the photo in it.

    The copy shares its pixels with the image; the caller deletes it.  Raises UserError.
    """
    copy = image.duplicate()
    try:
        photo, *layers = (counterpart(image, copy, layer) for layer in (edit.photo, *edit.layers))
        mask = layers[0].get_mask()
        if role(layers[0]) != ADJUSTMENT:
            baking.select_noted(copy, layers[0])
        elif mask is not None:
            copy.select_item(Gimp.ChannelOps.REPLACE, mask)
        else:
            Gimp.Selection.all(copy)
        row = siblings(copy, layers[0])
        for layer in row[: row.index(layers[0]) + 1]:
            if layer in layers or role(layer) in (ADJUSTMENT, BAKED):
                copy.remove_layer(layer)
        photo.set_visible(True)
        return copy, photo
    except BaseException:
        copy.delete()
        raise


def into_config(edit: MadeEdit, config: Any) -> None:
    """Set a procedure's arguments to the edit's values."""
    config.set_property("strength", edit.choices.strength)
    for name in NAMES:
        config.set_property(name, name in edit.choices.kinds)


def choices(edit: MadeEdit, config: Any) -> Choices:
    """The edit's settings with those that the procedure's arguments say."""
    kinds = frozenset(name for name in NAMES if config.get_property(name))
    return Choices(edit.choices.direction, config.get_property("strength"), edit.choices.order, kinds)


def apply(image: Any, edit: MadeEdit, base: list[Edit], wanted: Choices) -> list[Any]:
    """Give an edit other values (at 100 %, in order of application) and settings, as one undo step.

    Where the edit was made in all frames, it gets them in all frames.  Returns its layers, lowest first.  An edit that
    is switched off is hidden, so that it can come back.  Raises UserError, the image untouched.
    """
    edits = [edit, *_in_other_frames(image, edit)]
    selected = image.get_selected_layers()
    live = role(edit.layers[0]) == ADJUSTMENT
    if not live:
        for each in edits:
            baking.check_again(image, each.layers[0])  # before there is an undo step
    layers = []
    with undo_step(image, edit.photo):
        for each in edits:
            facts = {**each.facts, "strength": wanted.strength, "base": to_json(base)}
            if live:
                layers += _redial(image, each, base, wanted, facts)
            else:
                applied = wanted.applied(base, each.photo.is_gray())
                layers += baking.bake_again(image, each.photo, each.layers[0], applied, facts)
        if live:
            activate(image, selected)
        elif len(edits) > 1:
            activate(image, layers[:1])
    return layers


def _in_other_frames(image: Any, edit: MadeEdit) -> list[MadeEdit]:
    """The same edit in the other frames of a moving picture."""
    if "frames" not in edit.facts:
        return []
    found = []
    for item in image.get_layers():
        row = item.get_children() if role(item) == HOLDER else [item]
        same = (each for each in row if (read_parasite(each) or {}).get("id") == edit.facts.get("id"))
        layer = next((each for each in same if role(each) in (ADJUSTMENT, REPLACEMENT)), None)
        if layer is not None and layer not in edit.layers:
            found.append(find(image, [layer]))
    return found


def _redial(image: Any, edit: MadeEdit, base: list[Edit], wanted: Choices, facts: dict[str, Any]) -> list[Any]:
    gray = edit.photo.is_gray()
    by_name = {noted.name: layer for layer in edit.layers for noted in _noted(layer)}
    everything = Choices(wanted.direction, wanted.strength).applied(base, gray)
    below, layers = edit.photo, []
    mask = edit.layers[0].get_mask()
    with kept(image):
        Gimp.Selection.none(image)  # a selection would mask each new filter a second time
        for each in everything:
            layer, on = by_name.get(each.name), each.name in wanted.kinds
            if layer is not None:
                name = (read_parasite(layer) or {}).get("name")
                if each.name not in edit.by_hand and readback.read(layer, _noted(layer)[0]) != each:
                    replace_filter(layer, each, name)
                    name = each.label()
                if layer.get_visible() != on:
                    layer.set_visible(on)
                write_parasite(layer, {**facts, "role": ADJUSTMENT, "edits": to_json([each]), "name": name})
            elif on and not each.is_identity():
                layer = add_adjustment(image, edit.photo, below, each, facts, mask)
            if layer is not None:
                layers.append(layer)
                below = layer
    return layers
