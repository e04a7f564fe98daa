# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do with one picture, as it comes from `gimp-saliency batch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from ..shared.harmony import TOOL, HarmonyRequest
from ..shared.request import EditRequest
from .masks import MaskValues

Request = Union[EditRequest, HarmonyRequest]


@dataclass(frozen=True)
class Step:
    """One change of a picture: of what a mask shows, of a layer, or of all.

    mask: a path, empty: none; values: of a mask that was read already, else None; known: the edits as the server
    answers them, None: to be predicted.
    """

    request: Request
    mask: str = ""
    values: MaskValues | None = None
    known: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Step:
        """What `Step` of the model server's `batch.jobs` wrote.  Raises RequestError, HarmonyError or KeyError."""
        codec = HarmonyRequest if content.get("tool") == TOOL else EditRequest
        values = content["region"]
        read = MaskValues.from_json(values) if values else None
        return cls(codec.from_job(content), content["mask"], read, content["edits"])


@dataclass(frozen=True)
class Order:
    """What to do with one picture.

    output: the result's path, None: no result is wanted, only the edits; kind: the result's format, by its ending;
    frames: an animation's frames all get the same edits; layer: the name of the layer to change, empty: what is
    visible, or of a harmony without masks the topmost visible one.
    """

    picture: str
    steps: tuple[Step, ...]
    output: str | None
    kind: str
    frames: bool
    layer: str

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Order:
        """What `Order` of the model server's `batch.jobs` wrote.  Raises RequestError, HarmonyError or KeyError."""
        steps = tuple(map(Step.from_json, content["steps"]))
        return cls(content["picture"], steps, content["output"], content["format"], content["frames"], content["layer"])
