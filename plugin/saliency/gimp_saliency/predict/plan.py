# SPDX-License-Identifier: GPL-3.0-or-later
"""From a region to a plan: ask the server for the edits of each part of the selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..shared.client import questions
from ..shared.edits import Edit, EditError, from_json
from ..shared.errors import UserError
from ..shared.request import EditRequest
from ..shared.words import _
from .parts import cells, within

if TYPE_CHECKING:
    from ..image.thumbnail import Thumbnail


class Planned(NamedTuple):
    """The edits of one part of the selection at 100 %, in order of application, and where they come from.

    cells: which cells of the thumbnail's grid are the part's (255), None: all.  background: edits for all that is not
    selected, empty: none.  predicted: what the network said before anything was dialled; model, order: by which network
    and in which order, as far as that is known.
    """

    edits: Sequence[Edit]
    cells: bytes | None = None
    background: Sequence[Edit] = ()
    predicted: Sequence[Edit] = ()
    model: str | None = None
    order: str = ""


def parse_answer(answer: dict[str, Any], order: str, part: bytes | None = None) -> Planned:
    """The server's answer as a plan.  Raises UserError if it holds no usable edits."""
    try:
        edits, background = from_json(answer["edits"]), from_json(answer.get("background") or [])
    except (EditError, KeyError) as error:
        message = _("The model server sent no usable edits ({error}): install the plug-in again.")
        raise UserError(message.format(error=error)) from error
    return Planned(edits, part, background, edits, answer.get("model"), order)


def split_regions(thumbnail: Thumbnail, separate: bool) -> list[tuple[bytes, bytes | None]]:
    """What to ask the server for: R'G'B'M bytes of each part, and its cells (None for the whole selection)."""
    mask = thumbnail.pixels[3::4]
    found = cells(mask, thumbnail.width, thumbnail.height) if separate else []
    if len(found) < 2:
        return [(thumbnail.pixels, None)]
    result: list[tuple[bytes, bytes | None]] = []
    for part in found:
        pixels = bytearray(thumbnail.pixels)
        pixels[3::4] = within(mask, part)
        result.append((bytes(pixels), part))
    return result


def predict_plan(thumbnail: Thumbnail, request: EditRequest) -> list[Planned]:
    """Ask the server for the edits of each part.  Raises UserError or ServerError."""
    plan: list[Planned] = []
    for pixels, part in split_regions(thumbnail, request.separate):
        # The background's edits are those of the largest part, which comes first.
        asked = request if not plan else replace(request, background=False)
        answer = questions.ask_edits(pixels, thumbnail.width, thumbnail.height, asked)
        plan.append(parse_answer(answer, request.ranking.value, part))
    return plan
