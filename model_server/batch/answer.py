# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits of one region, as GIMP answers with them and as a shot keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gimp_saliency.shared.edits import Edit, from_json, to_json


@dataclass(frozen=True)
class Answer:
    """Edits at 100 %, in order of application.

    model: the network that predicted them; background: those of all that is outside of the region, empty where none
    were asked for; frame: name of the picture of a shot on which they were predicted.
    """

    edits: tuple[Edit, ...]
    model: str | None = None
    background: tuple[Edit, ...] = ()
    frame: str = ""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Answer:
        """The inverse of `to_json`.  Raises EditError, KeyError, TypeError or AttributeError on anything else."""
        background = from_json(content.get("background", []))
        edits, frame = from_json(content["edits"]), content.get("frame", "")
        return cls(tuple(edits), content.get("model"), tuple(background), frame)

    def to_json(self) -> dict[str, Any]:
        """As the plug-in's batch job and earlier versions read it."""
        content: dict[str, Any] = {"edits": to_json(self.edits), "model": self.model}
        if self.background:
            content["background"] = to_json(self.background)
        if self.frame:
            content["frame"] = self.frame
        return content
