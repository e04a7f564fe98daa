# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit that was made before: find its layers, read its values back, give it others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gi.repository import Gimp

from ..image.selection import activate_layers, preserve_selection, select_masks
from ..image.tree import GIMP_32, counterpart, siblings
from ..shared.edits import NAMES, Edit, EditError, from_json, to_json
from ..shared.errors import UserError
from ..shared.request import EditRequest
from ..shared.words import _
from .baked import bake_again, check_again, select_noted, select_noted_whole
from .live import add_adjustment, longer_side, read_back, replace_filter, title
from .record import ADJUSTMENT, BACKGROUND, BAKED, HOLDER, REPLACEMENT, read_parasite, role, write_parasite
from .target import edits_above
from .undo import undo_step

# What layers of one edit have in common, beside numbers.
_TEXTS = ("id", "version", "direction", "model", "order", "frames", "selection")

_LONGEST = 1 << 19  # px; no side in GIMP is longer


@dataclass(frozen=True)
class MadeEdit:
    """An edit as it is in the image."""

    photo: Any  # the layer that it changes
    layers: list[Any]  # lowest first: on GIMP 3.2 one group an edit of the region, on 3.0 the baked copy alone
    base: list[Edit]  # all values at 100 %, in order of application
    request: EditRequest
    facts: dict[str, Any]  # what the layers' parasites have in common
    by_hand: frozenset[str] = frozenset()  # edits whose filter the user changed to what no numbers here can say
    around: list[Any] = field(default_factory=list)  # the background's groups, lowest first (GIMP 3.2)
    background: list[Edit] = field(default_factory=list)  # its values at 100 %; empty: they are not known
    around_by_hand: frozenset[str] = frozenset()
    parts: list[Any] = field(default_factory=list)  # a group of each part of the selection, this one's too (GIMP 3.2)

    def all_layers(self) -> list[Any]:
        """Of region and background, lowest first."""
        return [*self.layers, *self.around]


def find_edit(image: Any, drawables: list[Any]) -> MadeEdit:
    """The edit that the one drawable belongs to; of a photo, its topmost edit.  Raises UserError if there is none."""
    layer = _edit_layer(image, drawables)
    if role(layer) == ADJUSTMENT and not GIMP_32:  # where Python cannot handle live curves
        raise UserError(_("This edit was made in GIMP 3.2, and GIMP 3.0 cannot change it: adjust it in GIMP 3.2."))
    content = read_parasite(layer) or {}
    layers = [item for item in reversed(siblings(image, layer)) if _belongs(item, content)]
    if role(layer) != ADJUSTMENT or not layers:
        layers = [layer]
    edit = _read(image, _photo_below(image, layers[0]), layers, content)
    return replace(edit, parts=_parts(image, edit))


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


def _parts(image: Any, edit: MadeEdit) -> list[Any]:
    """The lowest group of each edit that was made for a part of the same selection, this one's too."""
    selection = edit.facts.get("selection")
    if selection is None or not edit.background:  # else nobody needs to know
        return edit.layers[:1]
    found: dict[str, Any] = {}
    for item in reversed(siblings(image, edit.photo)):
        content = read_parasite(item) or {}
        if role(item) == ADJUSTMENT and not _is_around(item) and content.get("selection") == selection:
            found.setdefault(str(content.get("id")), item)
    return list(found.values())


def _photo_below(image: Any, layer: Any) -> Any:
    row = siblings(image, layer)
    for item in row[row.index(layer) + 1 :]:
        if role(item) not in (ADJUSTMENT, BAKED):
            return item
    raise UserError(_("The photo below the edit is missing: undo its removal, or delete the edit's layers."))


def _read(image: Any, photo: Any, layers: list[Any], content: dict[str, Any]) -> MadeEdit:
    """Values from the layers' filters where they have been changed there, else from the parasites."""
    facts = _facts(content)
    try:
        strength = _percent(content["strength"])
        base = {edit.name: edit for edit in from_json(content["base"])}
        background = {edit.name: edit for edit in from_json(facts.get("background", []))}
        around_strength = _percent(content["background-strength"]) if background else 100.0
        if len(base) != len(content["base"]) or len(background) != len(facts.get("background", [])):
            raise ValueError
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        message = _("The edit's values in this layer are damaged: delete its layers and make the edit again.")
        raise UserError(message) from error
    side = facts.get("side") or longer_side(image)
    around = [layer for layer in layers if _is_around(layer)]
    layers = [layer for layer in layers if layer not in around]
    by_hand = _read_back(layers, base, strength, side)
    around_by_hand = _read_back(around, background, around_strength, side)
    shown = set(_kinds(content))
    on = bool(background) and any(layer.get_visible() for layer in around)
    for layer in [*(around if on else []), *layers]:  # where both have a kind, the region's layer says whether it is on
        for noted in _noted(layer):
            (shown.add if layer.get_visible() else shown.discard)(noted.name)
    if background and not around and layers and role(layers[0]) != ADJUSTMENT:
        on = any(not edit.is_identity() for edit in _edits(layers[0], "around"))
    request = EditRequest(
        "emphasize" if content.get("direction") == "emphasize" else "attenuate",
        strength,
        facts.get("order", ""),
        frozenset(shown),
        background=on,
        background_strength=around_strength,
    )
    return MadeEdit(
        photo,
        layers,
        list(base.values()),
        request,
        facts,
        frozenset(by_hand),
        around,
        list(background.values()),
        frozenset(around_by_hand),
    )


def _percent(value: Any) -> float:
    """A strength.  Raises ValueError or TypeError for what is none."""
    value = float(value)
    if not 0 <= value <= 150:
        raise ValueError
    return float(value)


def _is_around(layer: Any) -> bool:
    return role(layer) == ADJUSTMENT and (read_parasite(layer) or {}).get("part") == BACKGROUND


def _kinds(content: dict[str, Any]) -> list[str]:
    """The kinds that were on when the layers were made or adjusted, whether or not there were layers for them."""
    kinds = content.get("kinds")
    return [name for name in NAMES if name in kinds] if isinstance(kinds, list) else []


def _read_back(layers: list[Any], base: dict[str, Edit], strength: float, side: float) -> set[str]:
    """Put what the user changed in the layers' filters into `base`; the kinds that no numbers can say."""
    by_hand = set()
    for layer in layers:
        for noted in _noted(layer):
            found = read_back(layer, noted, side) if role(layer) == ADJUSTMENT else noted
            if found is None:
                by_hand.add(noted.name)
            elif found != noted and strength > 0:
                try:
                    base[noted.name] = found.at_strength(100 / strength)
                except (EditError, OverflowError):  # more than an edit can be at 100 %
                    by_hand.add(noted.name)
    return by_hand


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    """Of a parasite, which a stranger may have written, what other layers of the edit get too."""
    facts = {name: content[name] for name in _TEXTS if isinstance(content.get(name), str)}
    for name in ("predicted", "background"):
        with suppress(EditError, RecursionError):
            facts[name] = to_json(from_json(content.get(name)))
    side = content.get("side")
    if isinstance(side, (int, float)) and 1 <= side <= _LONGEST:
        facts["side"] = side
    return facts


def _noted(layer: Any) -> list[Edit]:
    """The values in a layer's parasite; of damaged ones none."""
    edits = _edits(layer, "edits")
    return edits if role(layer) != ADJUSTMENT or len(edits) == 1 else []


def _edits(layer: Any, name: str) -> list[Edit]:
    try:
        return from_json((read_parasite(layer) or {}).get(name))
    except (EditError, RecursionError):
        return []


def before(image: Any, edit: MadeEdit) -> tuple[Any, Any, Any]:
    """A copy of the image as it was before the edit, its region selected, and the photo in it.

    Last a channel of it with all that is not background, None if that is the region.  The copy shares its pixels with
    the image; the caller deletes it.  Raises UserError.
    """
    copy = image.duplicate()
    try:
        photo, *layers = (counterpart(image, copy, layer) for layer in (edit.photo, *edit.all_layers()))
        live = role(layers[0]) == ADJUSTMENT
        several = _select_whole(image, copy, edit) if live else select_noted_whole(copy, layers[0])
        whole = Gimp.Selection.save(copy) if several else None
        if not live:
            select_noted(copy, layers[0])
        elif edit.layers:  # else all there is is the background's
            select_masks(copy, layers[:1])
        row = siblings(copy, layers[0])
        for layer in row[: row.index(layers[0]) + 1]:
            if layer in layers or role(layer) in (ADJUSTMENT, BAKED):
                copy.remove_layer(layer)
        photo.set_visible(True)
        return copy, photo, whole
    except BaseException:
        copy.delete()
        raise


def _select_whole(image: Any, copy: Any, edit: MadeEdit) -> bool:
    """In a copy of the image, select all that is not background; False, nothing selected, if that is the region."""
    if not edit.around and len(edit.parts) < 2:
        return False
    known = [counterpart(image, copy, layer) for layer in edit.around[:1] or edit.parts]
    if edit.around and known[0].get_mask() is not None:
        Gimp.Selection.none(copy)
        known[0].get_mask().invert(True)
    select_masks(copy, known)
    return True


@contextmanager
def _mask_of_background(image: Any, edit: MadeEdit) -> Iterator[tuple[Any, bool]]:
    """A mask for new groups of the background, and whether it is inverted; None if there is no background."""
    masks = [layer.get_mask() for layer in edit.around[:1] or edit.parts]
    if len(masks) == 1 or None in masks:
        yield None if None in masks else masks[0], not edit.around
        return
    select_masks(image, edit.parts)
    with preserve_selection(image) as whole:
        yield whole, True


def into_config(edit: MadeEdit, config: Any) -> None:
    """Set a procedure's arguments to the edit's values."""
    config.set_property("strength", edit.request.strength)
    config.set_property("background", edit.request.background)
    config.set_property("background-strength", edit.request.background_strength)
    for name in NAMES:
        config.set_property(name, name in edit.request.kinds)


def request_from_config(edit: MadeEdit, config: Any) -> EditRequest:
    """The edit's settings with those that the procedure's arguments say."""
    return EditRequest(
        edit.request.direction,
        config.get_property("strength"),
        edit.request.ranking,
        frozenset(name for name in NAMES if config.get_property(name)),
        background=bool(edit.background) and config.get_property("background"),
        background_strength=config.get_property("background-strength"),
    )


def apply_values(image: Any, edit: MadeEdit, base: list[Edit], wanted: EditRequest) -> list[Any]:
    """Give an edit other values (at 100 %, in order of application) and settings, as one undo step.

    Where the edit was made in all frames, it gets them in all frames.  Returns its layers, lowest first.  An edit that
    is switched off is hidden, so that it can come back.  Raises UserError, the image untouched.
    """
    edits = [edit, *_in_other_frames(image, edit)]
    selected = image.get_selected_layers()
    live = role(edit.all_layers()[0]) == ADJUSTMENT
    if not live:
        for each in edits:
            check_again(image, each.layers[0])  # before there is an undo step
    layers = []
    with undo_step(image, edit.photo):
        for each in edits:
            facts = {
                **each.facts,
                "strength": wanted.strength,
                "kinds": sorted(wanted.kinds),
                "base": to_json(base),
            }
            if edit.background:
                facts["background"] = to_json(edit.background)
                facts["background-strength"] = wanted.background_strength
            side = facts.get("side") or longer_side(image)
            if live:
                layers += _redial(image, replace(each, background=edit.background), base, wanted, facts, side)
            else:
                gray = each.photo.is_gray()
                applied, around = wanted.scale_edits(base, gray), wanted.scale_background(edit.background, gray)
                layers += bake_again(image, each.photo, each.layers[0], applied, facts, side, around)
        if live:
            activate_layers(image, selected)
        elif len(edits) > 1:
            activate_layers(image, layers[:1])
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
        if layer is not None and layer not in edit.all_layers():
            found.append(find_edit(image, [layer]))
    return found


def _redial(
    image: Any, edit: MadeEdit, base: list[Edit], wanted: EditRequest, facts: dict[str, Any], side: float
) -> list[Any]:
    """Give the groups of region and background other values; all groups, lowest first."""
    gray = edit.photo.is_gray()
    everything = replace(wanted, kinds=frozenset(NAMES), background=True)
    all_layers = edit.all_layers()
    mask, inverted = all_layers[0].get_mask(), not edit.layers  # of the region
    below = edit.photo
    with preserve_selection(image), _mask_of_background(image, edit) as (own, turned):
        Gimp.Selection.none(image)  # a selection would mask each new filter a second time

        def redial(layers: list[Any], edits: list[Edit], by_hand: frozenset[str], on: bool, add: Any) -> list[Any]:
            nonlocal below
            by_name = {noted.name: layer for layer in layers for noted in _noted(layer)}
            result = []
            for each in edits:
                layer, shown = by_name.get(each.name), on and each.name in wanted.kinds
                if layer is not None:
                    _dial(layer, each, facts, each.name not in by_hand, side)
                    if layer.get_visible() != shown:
                        layer.set_visible(shown)
                elif shown and not each.is_identity():
                    layer = add(each)
                if layer is not None:
                    result.append(layer)
                    below = layer
            return result

        def add_inside(each: Edit) -> Any:
            return add_adjustment(image, edit.photo, below, each, facts, mask, inverted, side)

        def add_around(each: Edit) -> Any:
            around = {**facts, "part": BACKGROUND}
            return add_adjustment(image, edit.photo, below, each, around, own, turned, side)

        inside = redial(edit.layers, everything.scale_edits(base, gray), edit.by_hand, True, add_inside)
        background = everything.scale_background(edit.background, gray)
        if own is None and not edit.around:
            background = []  # the region is everything
        return inside + redial(edit.around, background, edit.around_by_hand, wanted.background, add_around)


def _dial(layer: Any, edit: Edit, facts: dict[str, Any], known: bool, side: float) -> None:
    """Give a group its edit's new values.  known: whether its filter's are numbers of ours."""
    content = read_parasite(layer) or {}
    own = {**facts, "part": BACKGROUND} if _is_around(layer) else facts
    name = content.get("name")
    if known and read_back(layer, _noted(layer)[0], side) != edit:
        replace_filter(layer, edit, side)
        if layer.get_name() == name:  # one that the user gave stays; ours may be in another language
            layer.set_name(title(edit, own))
        name = title(edit, own)
    write_parasite(layer, {**own, "role": ADJUSTMENT, "edits": to_json([edit]), "name": name})
