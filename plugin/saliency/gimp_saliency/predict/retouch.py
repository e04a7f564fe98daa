# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photograph to a retouch: ask the server for the looks, mix those that are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..shared.client import questions
from ..shared.client.questions import FoundLooks
from ..shared.request import EditRequest
from ..shared.retouch import MATCH, mix_looks
from .plan import Planned

if TYPE_CHECKING:
    from ..image.thumbnail import Thumbnail

Picture = tuple[bytes, int, int]  # R'G'B' bytes, width and height


def predict_looks(thumbnail: Thumbnail, request: EditRequest, reference: Picture | None = None) -> FoundLooks:
    """The edits of all looks.  reference: another photograph, whose look is then one of them.  For any thread.

    Raises ServerError.
    """
    return questions.ask_retouch(*thumbnail, request.people, reference)


def plan_retouch(found: FoundLooks, request: EditRequest) -> list[Planned]:
    """The edits of the look that is wanted, or of what lies between two.  Raises UserError where there is no style."""
    edits = mix_looks(found.edits, request.find_weights())
    return [
        Planned(
            edits,
            predicted=edits,
            model=found.model,
            order=request.look if request.look == MATCH else request.style or request.look,
        )
    ]


def predict_retouch(thumbnail: Thumbnail, request: EditRequest, reference: Picture | None = None) -> list[Planned]:
    """The same from the photograph.  Raises UserError or ServerError."""
    return plan_retouch(predict_looks(thumbnail, request, reference), request)
