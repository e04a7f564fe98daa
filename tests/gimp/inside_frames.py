# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of moving pictures run inside GIMP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import inside
import inside_adjust
from gi.repository import Gimp, Gio

from gimp_saliency.image.tree import lineage
from gimp_saliency.layers import adjust
from gimp_saliency.layers.methods import choose_method
from gimp_saliency.layers.record import Role, read_parasite, read_role
from gimp_saliency.shared import edits
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest

_NAMES = ("one (100ms)", "two (50ms)(replace)", "three (70ms)")


def numbers(image: Any) -> list[Any]:
    """The numbers at 100 % of every edit in the image, lowest frame first, once for each edit of each frame."""
    found = []
    for item in reversed(image.get_layers()):
        row = item.get_children() if read_role(item) == Role.HOLDER else [item]
        contents = [content for each in row if (content := read_parasite(each))]
        for number in dict.fromkeys(content["id"] for content in contents):
            found.append(next(content["base"] for content in contents if content["id"] == number))
    return found


def numbers_in(paths: dict[str, str]) -> dict[str, list[Any]]:
    """The same of files."""
    result = {}
    for name, path in paths.items():
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
        result[name] = numbers(image)
        image.delete()
    return result


def add_frames(image: Any, count: int) -> None:
    """Put copies of the lowest layer on top, each another picture outside of the selection."""
    active = image.get_selected_layers()
    lowest = image.get_layers()[-1]
    lowest.set_name(_NAMES[0])
    for number in range(1, count + 1):
        copy = lowest.copy()
        copy.set_name(_NAMES[number])
        image.insert_layer(copy, None, 0)
        rows = 4 * number
        pixels = bytes([40 * number, 200, 90, 255]) * (image.get_width() * rows)
        buffer = copy.get_buffer()
        buffer.set(inside.Gegl.Rectangle.new(0, 0, image.get_width(), rows), "R'G'B'A u8", pixels)
        buffer.flush()
        copy.update(0, 0, image.get_width(), rows)
    image.set_selected_layers(active)


def _movie() -> tuple[Any, list[Any]]:
    """An image of three frames that are the same in the selection, and a caption; the frames, lowest first."""
    image, _layer = inside.picture()
    add_frames(image, 2)
    frames = list(reversed(image.get_layers()))
    caption = Gimp.Layer.new(image, "Caption", 20, 6, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(caption, None, 0)
    caption.set_offsets(12, 10)
    inside.write(caption, b"\xff\x00\x00\xff" * 120, "R'G'B'A u8")
    inside.select(image, (10, 14, 30, 24), 4)
    image.set_selected_layers([frames[1]])
    return image, frames


def shown(image: Any) -> dict[str, bytes]:
    """Each frame as it is shown: alone."""
    result = {}
    copy = image.duplicate()
    items = [item for item in copy.get_layers() if item.get_visible() and item.get_name() != "Caption"]
    for item in copy.get_layers():
        item.set_visible(False)
    for item in items:
        item.set_visible(True)
        result[item.get_name().replace(" edited", "")] = inside.visible(copy)
        item.set_visible(False)
    copy.delete()
    return result


def _split(image: Any, pixels: bytes) -> tuple[list[bytes], list[bytes]]:
    """The pixels that are selected at all, and the others."""
    mask = inside.selection(image)
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    for i in range(0, len(mask), 8):
        parts[mask[i : i + 8] == bytes(8)].append(pixels[4 * i : 4 * i + 32])
    return parts


def _answer_by_the_picture() -> None:
    """Let the server predict other numbers for every other picture, as the tests' stand-in does."""

    def ask_edits(pixels: bytes, *arguments: Any) -> dict[str, Any]:
        ev = (sum(pixels) % 997 + 100) / 1000
        chosen = [edits.Exposure(-ev) if edit.name == "exposure" else edit for edit in inside.ALL_EDITS]
        return {"edits": edits.to_json(chosen), "model": "test"}

    questions.ask_edits = ask_edits


def edit_all() -> dict[str, Any]:
    """An edit in all frames: first by the procedure, then by hand with a later change."""
    image, frames = _movie()
    status, _error = inside.call("plug-in-saliency-attenuate", image, [frames[1]], frames=True)
    result: dict[str, Any] = {"status": status, "numbers": numbers(image)}
    image.delete()

    _answer_by_the_picture()
    image, frames = _movie()
    before, selected, caption = shown(image), inside.selection(image), inside.read(image.get_layers()[0])
    inside.edit(image, [frames[1]], "attenuate", frames=True)
    after = shown(image)
    result["frames"] = list(reversed(after))
    within = [_split(image, pixels)[0] for pixels in after.values()]
    result["same inside"] = within[0] == within[1] == within[2]
    result["changed inside"] = all(_split(image, before[name])[0] != _split(image, after[name])[0] for name in before)
    result["same outside"] = all(_split(image, before[name])[1] == _split(image, after[name])[1] for name in before)
    result["caption kept"] = inside.read(image.get_layers()[0]) == caption
    result["selection kept"] = inside.selection(image) == selected
    (active,) = image.get_selected_layers()
    result["active"] = lineage(active)[-1].get_name().replace(" edited", "")
    result["saved"] = inside.saved_and_loaded(image) == inside.visible(image)

    made = adjust.find_edit(image, [active])
    adjust.apply_values(image, made, made.base, EditRequest("attenuate", 40))
    changed = shown(image)
    within = [_split(image, pixels)[0] for pixels in changed.values()]
    result["adjusted alike"] = within[0] == within[1] == within[2]
    result["adjusted"] = all(_split(image, changed[name])[0] != _split(image, after[name])[0] for name in after)
    image.delete()

    image, frames = _movie()
    inside.edit(image, [frames[1]], "attenuate")
    alone = shown(image)
    result["one frame alone"] = all(alone[_NAMES[i]] == before[_NAMES[i]] for i in (0, 2))
    image.delete()
    result["single"] = _single()
    result["undone after a fault"] = _after_a_fault()
    return result


def with_background() -> dict[str, Any]:
    """An edit with a background in all frames, changed later, beside edits of each frame alone."""
    inside.answer_with(inside.ALL_EDITS)
    image, frames = _movie()
    before = shown(image)
    inside.edit(image, [frames[1]], "attenuate", frames=True, background=True)
    after = shown(image)
    result: dict[str, Any] = {"numbers": numbers(image), "alone": []}
    for number, name in enumerate(_NAMES):
        other, others = _movie()
        for item in other.get_layers():
            if item != others[number]:
                other.remove_layer(item)
        inside.edit(other, [others[number]], "attenuate", background=True)
        result["alone"].append(inside_adjust.worst(inside.visible(other), after[name]))
        other.delete()
    (active,) = image.get_selected_layers()
    made = adjust.find_edit(image, [active])
    result["choices"] = made.request.background
    adjust.apply_values(image, made, made.base, replace(made.request, background=False))
    off = shown(image)
    result["outside as before"] = all(_split(image, off[name])[1] == _split(image, before[name])[1] for name in off)
    result["inside still edited"] = all(_split(image, off[name])[0] != _split(image, before[name])[0] for name in off)
    image.delete()
    return result


def _single() -> bool:
    """Whether a picture that has no frames is edited as without the option, twice."""
    results = []
    for frames in (False, True):
        image, _layer = inside.picture()
        inside.select(image)
        for _time in range(2):
            inside.edit(image, image.get_selected_layers(), "attenuate", frames=frames)
        results.append((inside.visible(image), [item[:4] for item in inside.tree(image)]))
        image.delete()
    return results[0] == results[1]


def _after_a_fault() -> bool:
    """Whether nothing stays behind if GIMP fails at the third frame."""
    image, frames = _movie()
    before, method = inside.tree(image), choose_method()
    add = method.add
    calls = []

    def fail(*arguments: Any, **keywords: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise UserError("No more.")
        return add(*arguments, **keywords)

    method.add = fail
    try:
        inside.edit(image, [frames[1]], "attenuate", frames=True)
        return False
    except UserError:
        return inside.tree(image) == before and image.get_selected_layers() == [frames[1]]
    finally:
        method.add = add
        image.delete()


def sentences() -> dict[str, tuple[str, bool]]:
    """Why not all frames can be edited, and whether the image is as before."""

    def small(image: Any, frames: list[Any]) -> None:
        frames[2].resize(20, 20, 0, 0)

    def group(image: Any, frames: list[Any]) -> None:
        holder = Gimp.GroupLayer.new(image, "Group")
        image.insert_layer(holder, None, 0)
        image.reorder_item(frames[2], holder, 0)

    def locked(image: Any, frames: list[Any]) -> None:
        frames[0].set_lock_content(True)

    def in_a_group(image: Any, frames: list[Any]) -> None:
        holder = Gimp.GroupLayer.new(image, "Group")
        image.insert_layer(holder, None, 0)
        image.reorder_item(frames[1], holder, 0)

    def edited_alone(image: Any, frames: list[Any]) -> None:
        inside.edit(image, [frames[2]], "attenuate")

    cases: dict[str, Callable[[Any, list[Any]], None]] = {
        "small": small,
        "group": group,
        "locked": locked,
        "in a group": in_a_group,
        "edited alone": edited_alone,
    }
    _answer_by_the_picture()
    result = {}
    for name, spoil in cases.items():
        image, frames = _movie()
        spoil(image, frames)
        before = inside.tree(image)
        try:
            inside.edit(image, [frames[1]], "attenuate", frames=True)
            sentence = ""
        except UserError as error:
            sentence = str(error)
        result[name] = (sentence, inside.tree(image) == before)
        image.delete()
    return result
