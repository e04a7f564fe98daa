# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of edits' records run inside GIMP: files of earlier versions, and what no version wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import inside
import inside_adjust
from gi.repository import Gimp, Gio

from gimp_saliency.layers import adjust
from gimp_saliency.layers.record import EditRecord, read_parasite, read_record, write_parasite
from gimp_saliency.shared import edits
from gimp_saliency.shared.errors import UserError


def opened(path: str) -> dict[str, Any]:
    """What a file's edit says, and what becomes of it at half the strength."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    try:
        before = inside.visible(image)
        try:
            made = adjust.find_edit(image, [image.get_layers()[-1]])
        except UserError as error:
            return {"sentence": str(error), "untouched": inside.visible(image) == before}
        result = {
            "direction": made.request.direction,
            "strength": made.request.strength,
            "base": edits.to_json(made.base),
            "background": edits.to_json(made.background),
            "background strength": made.request.background_strength if made.request.background else None,
            "model": made.record.model,
            "kinds": sorted(made.request.kinds),
        }
        adjust.apply_values(image, made, made.base, replace(made.request, strength=40.0))
        again = adjust.find_edit(image, [image.get_layers()[0]])
        result["half"] = [again.request.strength, edits.to_json(again.base) == result["base"]]
        result["names"] = [layer.get_name() for layer in again.layers]
        result["changed"] = inside_adjust.worst(before, inside.visible(image))
        return result
    finally:
        image.delete()


def written() -> dict[str, Any]:
    """A record beside what is read of it again, and its keys."""
    image, _photo = inside_adjust.edited()
    top = image.get_layers()[0]
    record, content = read_record(top), read_parasite(top) or {}
    image.delete()
    again = EditRecord.from_json(json.loads(json.dumps(record.to_json())))
    return {"same": again == record, "keys": sorted(content), "side": record.side, "kinds": sorted(record.kinds)}


def named() -> dict[str, Any]:
    """Names and colour tags of the layers of several edits of one picture, lowest first."""
    results = {}
    inside.answer_with([edits.Exposure(-0.2), edits.Saturation(0.8)])
    image, layer = inside.picture()
    made: dict[str, list[Any]] = {}
    again = "after the first is gone"
    for name, direction in (
        ("first", "attenuate"),
        ("second", "attenuate"),
        ("third", "emphasize"),
        (again, "attenuate"),
    ):
        for each in made["first"] if name == again else ():
            image.remove_layer(each)
        inside.select(image)
        made[name] = inside.edit(image, [layer], direction)
        results[name] = [
            [each.get_name() for each in made[name]],
            [each.get_color_tag().value_nick for each in made[name]],
        ]
    image.delete()
    return results


def unknown() -> dict[str, list[Any]]:
    """The sentence of Adjust Edit for each thing that this version does not know, and whether all is as it was."""
    results = {}
    changes: dict[str, dict[str, Any]] = {
        "direction": {"direction": "sideways"},
        "tool": {"tool": "teleport"},
        "edge": {"edge": "wavy"},
        "kind": {"base": [{"name": "vibrato", "amount": 1}]},
        "kind of the background": {"background": [{"name": "vibrato"}], "background-strength": 100.0},
        "kind that is on": {"kinds": ["exposure", "vibrato"]},
        "no direction": {"direction": None},
    }
    for name, change in changes.items():
        image, _photo = inside_adjust.edited()
        for layer in image.get_layers()[:-1]:
            write_parasite(layer, {**(read_parasite(layer) or {}), **change})
        before = inside.visible(image)
        status, message = inside.call("plug-in-saliency-adjust", image, [image.get_layers()[0]], strength=50.0)
        results[name] = [status, message, inside.visible(image) == before]
        image.delete()
    return results


def unknown_of_the_last() -> dict[str, list[Any]]:
    """The same of Repeat Edit, which reads what GIMP keeps of the last one; "older": what the version before wrote."""
    older = {
        "base": [{"name": "exposure", "ev": -1.0}],
        "direction": "attenuate",
        "strength": 100.0,
        "kinds": ["exposure"],
        "feather": 0.0,
        "refine": False,
        "background": [],
        "background-on": False,
        "background-strength": 100.0,
    }
    changes: dict[str, dict[str, Any]] = {
        "direction": {"direction": "sideways"},
        "tool": {"tool": "teleport"},
        "edge": {"edge": "wavy"},
        "kind": {"base": [{"name": "vibrato", "amount": 1}]},
        "kind of the background": {"background": [{"name": "vibrato"}]},
        "kind that is on": {"kinds": ["exposure", "vibrato"]},
        "no direction": {"direction": None},
        "older": {},
    }
    results = {}
    for name, change in changes.items():
        image, layer = inside.picture()
        inside.select(image)
        before = inside.visible(image)
        content = json.dumps({**older, **change}).encode()
        Gimp.attach_parasite(Gimp.Parasite.new("saliency-last-edit", 1, content))
        status, message = inside.call("plug-in-saliency-repeat", image, [layer])
        results[name] = [status, message, inside.visible(image) == before]
        image.delete()
    Gimp.detach_parasite("saliency-last-edit")
    return results
