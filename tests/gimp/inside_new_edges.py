# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of edits that get another edge later run inside GIMP."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import inside
from gi.repository import Gimp
from inside import selection, visible
from inside_adjust import reloaded, worst
from inside_frames import add_frames

from gimp_saliency.image.selection import preserve_selection
from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.image.version import GIMP_32
from gimp_saliency.layers import adjust, original
from gimp_saliency.layers.apply import apply_plan
from gimp_saliency.layers.before import copy_before
from gimp_saliency.layers.original import explain_edge
from gimp_saliency.layers.packing import read_packed, select_packed, unpack_selection
from gimp_saliency.layers.record import Role, edits_above, read_parasite, read_role, write_parasite
from gimp_saliency.predict.outline_finder import OutlineFinder
from gimp_saliency.predict.plan import Planned, predict_plan
from gimp_saliency.preview.views import Views
from gimp_saliency.shared.choices import Edge
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest

_WHOLE = "saliency-whole-selection"
BIG, SMALL = (6, 8, 24, 30), (42, 12, 16, 20)
SHAPES: dict[str, dict[str, Any]] = {
    "opaque": {},
    "gray, float": {"base": "GRAY", "precision": "FLOAT_LINEAR"},
    "transparent": {"alpha": "partial"},
    "with offset": {"size": (50, 40), "offset": (3, 2)},
}


def ask_edge(picture: bytes, width: int, height: int, edge: Edge, radius: float, grow: float) -> questions.FoundEdge:
    """In the server's place: what is selected, fading from the top down; fitted to an object: its left half.

    That of the selection with all that is no farther from it than it may grow.
    """
    mask = bytearray(picture[3::4])
    selected = [(value, place % width, place // width) for place, value in enumerate(picture[3::4]) if value]
    for value, x, y in sorted(selected) if grow else ():  # the fullest last
        for row in range(max(0, y - int(grow)), min(height, y + int(grow) + 1)):
            reach = int((grow**2 - (row - y) ** 2) ** 0.5)
            left, right = max(0, x - reach), min(width, x + reach + 1)
            mask[row * width + left : row * width + right] = bytes((value,)) * (right - left)
    for row in range(height):
        for column in range(width):
            fade = 255 * (height - row) // height if edge == Edge.SOFT else 255 * (column < width // 2)
            place = row * width + column
            mask[place] = min(mask[place], fade)
    return questions.FoundEdge(Edge.OBJECT if edge == Edge.AUTOMATIC else edge, bytes(mask))


def edit(image: Any, background: bool = True, **settings: Any) -> None:
    """Edit the selection as the procedures do, with an outline."""
    inside.answer_with(inside.ALL_EDITS)
    questions.ask_edge = ask_edge
    request = EditRequest("attenuate", background=background, **settings)
    (layer,) = image.get_selected_layers()
    earlier = edits_above(image, layer)
    thumbnail = read_thumbnail(image, layer, earlier)
    finder = OutlineFinder(image, layer, earlier, thumbnail)
    finder.look(request)
    plan = predict_plan(finder.see(request), request)
    grid = thumbnail.width, thumbnail.height
    apply_plan(image, layer, plan, request, grid, outline=finder.enlarge(request))


def edited(options: dict[str, Any] | None = None, both: bool = False, **settings: Any) -> Any:
    """A picture with an edit of a rectangle, or of it and an ellipse beside it."""
    image, _layer = inside.picture(**(options or {}))
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *BIG)
    if both:
        image.select_ellipse(Gimp.ChannelOps.ADD, *SMALL)
    edit(image, **settings)
    return image


def topmost(image: Any) -> Any:
    """The topmost layer of an edit."""
    top = image.get_layers()[0]
    return top.get_children()[0] if read_role(top) == Role.HOLDER else top


def find(image: Any) -> adjust.MadeEdit:
    return adjust.find_edit(image, [topmost(image)])


def give_edge(image: Any, edge: str, feather: float = 0.0, made: Any = None, **changes: Any) -> None:
    """Give an edit, the topmost one if not another, another edge."""
    made = made or find(image)
    wanted = replace(made.request, edge=Edge(edge), feather=feather, **changes)
    adjust.apply_values(image, made, made.base, wanted)


def masks(image: Any) -> list[bytes]:
    """The masks of all groups in 16 bits, lowest group first; of baked copies, what they keep."""
    found, pending = [], list(image.get_layers())
    while pending:
        layer = pending.pop()
        role = read_role(layer)
        if role == Role.ADJUSTMENT:
            found.append(inside.read_mask(image, layer, "Y u16"))
        elif role == Role.HOLDER:
            pending += layer.get_children()
        elif role is not None:
            for name in ("saliency-selection", _WHOLE):
                if packed := read_packed(layer, name):
                    found.append(b"%r %s" % (unpack_selection(image, packed)[1], unpack_selection(image, packed)[0]))
    return found


def _compare(some: list[bytes], others: list[bytes]) -> float:
    """The largest difference of two lists of masks, 1 where they are of other sizes."""
    if [len(mask) for mask in some] != [len(mask) for mask in others]:
        return 1.0
    return max(
        abs(a - b) / 65535
        for one, other in zip(some, others)
        for a, b in zip(*(_values(mask) for mask in (one, other)))
    )


def _values(mask: bytes) -> tuple[int, ...]:
    """16-bit values; before those of baked copies stands the box that they are for."""
    start = mask.index(b") ") + 2 if mask.startswith(b"(") and b") " in mask[:40] else 0
    return struct.unpack(f"{(len(mask) - start) // 2}H", mask[start:])


def there_and_back() -> dict[str, dict[str, Any]]:
    """Edits made with a soft edge, as selected afterwards, and soft again, beside edits that were made so at once."""
    results = {}
    for shape, options in SHAPES.items():
        for background in (False, True):
            for load in (False, True):
                image = edited(options, background=background, edge="soft", feather=5.0)
                selected, channels = selection(image), len(image.get_channels())
                made, shown = masks(image), visible(image)
                image = reloaded(image) if load else image
                selected = selection(image) if load else selected
                give_edge(image, "selected")
                plain, plainly = masks(image), visible(image)
                image = reloaded(image) if load else image
                give_edge(image, "soft", 5.0)
                other = edited(options, background=background, edge="selected")
                record = find(image).record
                results[f"{shape}, {background}, {load}"] = {
                    "changed": plain != made and plainly != shown,
                    "masks": [_compare(plain, masks(other)), _compare(masks(image), made)],
                    "difference": [worst(plainly, visible(other)), worst(visible(image), shown)],
                    "selection": load or selection(image) == selected,
                    "channels": len(image.get_channels()) - channels,
                    "record": [record.edge.value, record.feather, record.keeps_selection],
                }
                image.delete()
                other.delete()
    return results


def through_all() -> dict[str, Any]:
    """One edit through all edges, beside edits that were made with them; whether it can be told what was selected."""
    image = edited(edge="automatic")
    results = {}
    for edge, feather, grow in (
        ("soft", 0.0, 0.0),
        ("selected", 4.0, 0.0),
        ("object", 0.0, 6.0),
        ("object", 0.0, 0.0),
        ("selected", 0.0, 0.0),
        ("automatic", 0.0, 3.0),
    ):
        give_edge(image, edge, feather, grow=grow)
        other = edited(edge=edge, feather=feather, grow=grow)
        results[f"{edge} {feather} {grow}"] = [masks(image) == masks(other), worst(visible(image), visible(other))]
        other.delete()
    image.delete()
    return results


def of_parts() -> dict[str, Any]:
    """Two parts with an edit each and one background: one gets another edge, beside edits that were made so."""
    results: dict[str, Any] = {}
    for shape, options in (("opaque", {}), ("transparent", {"alpha": "partial"})):
        image = edited(options, both=True, separate=True, edge="soft")
        selected = selection(image)
        give_edge(image, "selected")
        results[f"{shape}, one"] = _sum_of_masks(image)
        if GIMP_32:
            parts = find(image).parts
            give_edge(image, "selected", made=adjust.find_edit(image, [parts[0]]))
            other = edited(options, both=True, separate=True, edge="selected")
            results[f"{shape}, all"] = [masks(image) == masks(other), worst(visible(image), visible(other))]
            other.delete()
        results[f"{shape}, selection"] = selection(image) == selected
        image.delete()
    return results


def _sum_of_masks(image: Any) -> float:
    """How far the masks of both parts and of the background are from 1 in sum."""
    made = find(image)
    if made.around:
        found = [inside.read_mask(image, layer, "Y double") for layer in (*made.parts, made.around[0])]
    else:
        found = []
        for layer, name in [(part, "saliency-selection") for part in made.parts] + [(made.layers[0], _WHOLE)]:
            with preserve_selection(image):
                select_packed(image, read_packed(layer, name))
                if name == _WHOLE:
                    Gimp.Selection.invert(image)
                found.append(selection(image))
    columns = zip(*(struct.unpack(f"{len(each) // 8}d", each) for each in found))
    return max(abs(1 - sum(column)) for column in columns)


def of_frames() -> dict[str, Any]:
    """An edit in all frames that gets another edge, beside one that was made so."""
    pictures = []
    for first, second in (("soft", "selected"), ("selected", "selected")):
        image, _layer = inside.picture()
        add_frames(image, 2)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *BIG)
        image.set_selected_layers([image.get_layers()[1]])
        edit(image, frames=True, edge=first)
        made = adjust.find_edit(image, image.get_selected_layers())
        give_edge(image, second, made=made)
        pictures.append((masks(image), len(masks(image))))
        image.delete()
    return {"same": pictures[0][0] == pictures[1][0], "number": pictures[0][1]}


def painted() -> dict[str, Any]:
    """A layer mask that the user painted on (GIMP 3.2): after another strength, and after another edge."""
    image = edited(edge="soft")
    layer = find(image).layers[2]
    Gimp.Selection.none(image)
    layer.get_mask().fill(Gimp.FillType.WHITE)
    before = masks(image)
    give_edge(image, "soft", strength=60.0)
    result = {"another strength": masks(image) == before}
    layer.set_apply_mask(False)
    give_edge(image, "selected")
    other = edited(edge="selected")
    result["another edge"] = masks(image) == masks(other)
    result["still off"] = not layer.get_apply_mask()
    image.delete()
    other.delete()
    return result


def _forget_version(image: Any) -> None:
    """Let the edit be one of a version that knew nothing of edges."""
    for layer in image.get_layers()[:-1]:
        content = read_parasite(layer) or {}
        for key in ("edge", "feather", "keeps-selection"):
            content.pop(key, None)
        write_parasite(layer, content)


def of_an_older_version() -> dict[str, Any]:
    """An edit that says nothing of its edge: what it is for passes for what was selected."""
    image = edited(edge="selected")
    _forget_version(image)
    before, shown = masks(image), visible(image)
    made = find(image)
    result: dict[str, Any] = {
        "edge": [made.request.edge.value, made.request.feather, explain_edge(image, made)],
        "keeps": [_keeps(image)],
    }
    give_edge(image, "selected", strength=50.0)
    result["masks"] = [masks(image) == before]
    result["keeps"].append(_keeps(image))
    give_edge(image, "soft", strength=100.0)
    other = edited(edge="soft")
    result["soft"] = masks(image) == masks(other)
    result["keeps"].append(_keeps(image))
    image = reloaded(image)
    give_edge(image, "selected")
    result["masks"].append(masks(image) == before)
    result["difference"] = worst(visible(image), shown)
    image.delete()
    other.delete()
    return result


def _keeps(image: Any) -> bool:
    return any(layer.get_parasite("saliency-original-selection") for layer in find(image).all_layers())


def lost() -> dict[str, Any]:
    """What Adjust Edit says where it is not known any more what was selected, and what it does."""

    def remove(image: Any) -> None:
        for layer in find(image).all_layers():
            layer.detach_parasite("saliency-original-selection")

    def damage(image: Any) -> None:
        layer = next(layer for layer in find(image).all_layers() if layer.get_parasite("saliency-original-selection"))
        place, look, _packed = bytes(layer.get_parasite("saliency-original-selection").get_data()).split(b" ", 2)
        layer.attach_parasite(Gimp.Parasite.new("saliency-original-selection", 3, b" ".join((place, look, b"AAAA"))))

    spoilers: dict[str, Callable[[Any], Any]] = {
        "removed": remove,
        "damaged": damage,
        "cropped": lambda image: image.crop(60, 44, 2, 2),
        "mirrored": lambda image: image.flip(Gimp.OrientationType.HORIZONTAL),
        "flipped": lambda image: image.flip(Gimp.OrientationType.VERTICAL),
        "turned": lambda image: image.rotate(Gimp.RotationType.DEGREES180),
        "square, turned right": lambda image: image.rotate(Gimp.RotationType.DEGREES90),
        "square, turned left": lambda image: image.rotate(Gimp.RotationType.DEGREES270),
    }
    results = {}
    for name, spoil in spoilers.items():
        image = edited({"width": 48} if name.startswith("square") else {}, edge="soft")
        spoil(image)
        made = find(image)
        before, shown = masks(image), visible(image)
        status, sentence = inside.call("plug-in-saliency-adjust", image, [topmost(image)], edge="selected")
        results[name] = {
            "why": explain_edge(image, made),
            "status": status,
            "sentence": sentence,
            "untouched": visible(image) == shown,
            "kept": name == "cropped" and not GIMP_32,  # there what was baked lies elsewhere, too
        }
        if not results[name]["kept"]:
            status, _sentence = inside.call("plug-in-saliency-adjust", image, [topmost(image)], strength=50.0)
            results[name]["kept"] = status == "success" and masks(image) == before and visible(image) != shown
        image.delete()
    return results


def by_a_script() -> dict[str, Any]:
    """The procedure without and with its arguments of the edge."""
    image = edited(edge="selected", feather=6.0)
    made = masks(image)
    results: dict[str, Any] = {}
    for name, arguments, edge, feather in (
        ("nothing", {"strength": 80.0}, "selected", 6.0),
        ("width alone", {"feather": 3.0}, "selected", 3.0),
        ("edge", {"edge": "selected"}, "selected", 0.0),
        ("both", {"edge": "selected", "feather": 6.0}, "selected", 6.0),
    ):
        status, message = inside.call("plug-in-saliency-adjust", image, [topmost(image)], background=True, **arguments)
        other = edited(edge=edge, feather=feather)
        results[name] = [status, message, masks(image) == masks(other)]
        other.delete()
    results["back"] = masks(image) == made
    results["grown"] = []
    for growth in ({"edge": "object", "grow": 4}, {"strength": 70.0}, {"grow": 7}):
        inside.call("plug-in-saliency-adjust", image, [topmost(image)], background=True, **growth)
        request = find(image).request
        results["grown"].append([request.edge.value, request.grow, masks(image) == made])
    image.delete()
    return results


def after_a_fault() -> dict[str, Any]:
    """An edge that the server does not tell."""
    image = edited(edge="selected")
    before, tree, selected = visible(image), inside.tree(image), selection(image)

    def fail(*arguments: Any) -> Any:
        raise UserError("No.")

    questions.ask_edge = fail
    try:
        give_edge(image, "soft")
        said = ""
    except UserError as error:
        said = str(error)
    result = {
        "said": said,
        "untouched": (visible(image), inside.tree(image), selection(image)) == (before, tree, selected),
    }
    image.delete()
    return result


def previews() -> dict[str, int]:
    """How far, in 8-bit values, the preview of an edit with another edge is from the picture that it becomes."""
    results = {}
    for settings in ({"edge": "soft"}, {"both": True, "separate": True, "edge": "soft"}):
        for edge, feather, grow in (
            ("soft", 0.0, 0),
            ("selected", 0.0, 0),
            ("selected", 5.0, 0),
            ("object", 0.0, 0),
            ("object", 0.0, 4),
        ):
            image = edited(**settings)
            made = find(image)
            wanted = replace(made.request, edge=Edge(edge), feather=feather, grow=grow)
            shown = _show(image, made, wanted)
            adjust.apply_values(image, made, made.base, wanted)
            real = visible(image, "R'G'B' u8")
            results[f"{len(settings)} {edge} {feather} {grow}"] = max(abs(a - b) for a, b in zip(shown, real))
            image.delete()
    return results


def _show(image: Any, made: adjust.MadeEdit, wanted: EditRequest) -> bytes:
    """What the dialog shows."""
    before = copy_before(image, made)
    thumbnail = before.read_thumbnail()
    views = Views(before.image, before.photo, thumbnail, before.made)
    finder = before.make_finder(thumbnail)
    assert views.whole.width == 64
    if wanted.has_other_edge(made.request):
        finder.look(wanted)
        views.cut_down(finder.find(wanted).shapes, wanted.own_feather)
    plan = [Planned(made.base, background=made.background)]
    shown = views.whole.render(plan, wanted.without_edge(), views.grid)
    views.close()
    before.image.delete()
    return shown


def kept_size() -> int:
    """Bytes that a rectangle's selection needs in a large picture."""
    image, _layer = inside.picture(400, 300)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 20, 300, 200)
    size = len(original.pack_original(image))
    image.delete()
    return size


def masks_of_files() -> dict[str, float]:
    """How far the mask of a soft selection is from the selection itself, in 8-bit images from files (GIMP 3.2)."""
    results = {}
    inside.answer_with(inside.ALL_EDITS)
    for base in ("RGB", "GRAY"):
        for load in (False, True):
            image, _layer = inside.picture(base=base)
            inside.select(image, feather=12)
            image = reloaded(image) if load else image
            inside.edit(image, image.get_layers(), "attenuate", background=True)
            group = find(image).layers[0]
            results[f"{base} {load}"] = worst(inside.read_mask(image, group, "Y double"), selection(image))
            image.delete()
    return results
