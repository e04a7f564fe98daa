# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cut-out to a harmony, or to several to choose among: ask the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..shared import styles
from ..shared.client import questions
from ..shared.harmony import Harmony, HarmonyRequest

if TYPE_CHECKING:
    from ..image.cutout import Cutout

# The names of proposals, in their order: the first is what was asked for, the others have styles of their own.
PROPOSED = ("predicted", "style-1", "style-2", "style-3")


class Predicted(NamedTuple):
    """A harmony at 100 %, the name of the model that it is from, and its style, empty for the plain one.

    is_own_style: whether that is another style than the one that was asked for.
    """

    harmony: Harmony
    model: str
    style: styles.Style = ()
    is_own_style: bool = False


def predict_harmony(cutout: Cutout, request: HarmonyRequest) -> Predicted:
    """What the server predicts in the request's style.  For any thread.  Raises UserError or ServerError."""
    style = request.find_style()
    answer = questions.ask_harmony(cutout.pixels, cutout.width, cutout.height, cutout.reference, style)
    return Predicted(Harmony.from_json(answer), answer["model"], style)


def propose_harmonies(cutout: Cutout, request: HarmonyRequest, seed: int) -> dict[str, Predicted]:
    """What the server proposes, by the names in PROPOSED, the first of them always.  For any thread.

    seed: of the styles to sample, 0 to 2**31 - 1.  Raises UserError or ServerError.
    """
    style = request.find_style()
    answer = questions.ask_harmonies(cutout.pixels, cutout.width, cutout.height, cutout.reference, style, seed)
    found: dict[str, Predicted] = {}
    for name, entry in zip(PROPOSED, answer["proposals"]):
        own = tuple(entry["style"]) if found else style
        found[name] = Predicted(Harmony.from_json(entry), answer["model"], own, bool(found))
    return found
