# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposals: edits of the whole selection to choose among, from what the server proposes for each part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..predict.plan import Planned, parse_answer, split_regions
from ..shared import styles
from ..shared.choices import PROPOSED
from ..shared.client import questions
from ..shared.request import EditRequest

if TYPE_CHECKING:
    from ..image.thumbnail import Thumbnail

Entry = dict[str, Any]  # one of the server's proposals, see `questions.ask_proposals`

_SAME = 1e-6  # numbers of a style that differ by less come from the same style


class Proposal(NamedTuple):
    """An edit to choose: the edits of all parts, and the style in which they were predicted."""

    plan: Sequence[Planned]
    style: styles.Style
    is_own_style: bool = False  # whether that is another style than the one that was asked for


Proposals = dict[str, Proposal]  # by order


def fetch_proposals(thumbnail: Thumbnail, request: EditRequest, seed: int | None) -> Proposals:
    """Ask the server for each part; all parts together have the style of the first.  For any thread.

    seed: of the styles to sample, 0 to 2**31 - 1; None: other orders rather than other styles.  Raises UserError or
    ServerError.
    """
    parts = split_regions(thumbnail, request.separate)
    answers: list[list[Entry]] = []
    for pixels, _cells in parts:
        # The background's edits are those of the largest part, which comes first.
        asked = request if not answers else replace(request, background=False)
        answer = questions.ask_proposals(pixels, thumbnail.width, thumbnail.height, asked, seed)
        answers.append(answer["proposals"])
    asked_style = styles.EDITS.find_numbers(request.style)
    proposals: Proposals = {}
    for order, entries in select_entries(answers).items():
        plan = [parse_answer(entry, order, cells) for entry, (_pixels, cells) in zip(entries, parts)]
        style = tuple(entries[0]["style"])
        proposals[order] = Proposal(plan, style, is_other_style(style, asked_style))
    return proposals


def select_entries(answers: Sequence[Sequence[Entry]]) -> dict[str, list[Entry]]:
    """For each order that the first part has, the entry of each part.

    answers: for each part its proposals, none empty.  Where a part has none of an order, its first one stands in.
    """
    found: dict[str, list[Entry]] = {}
    for order in (ranking.value for ranking in PROPOSED):
        if any(entry["order"] == order for entry in answers[0]):
            found[order] = [_select_entry(entries, order) for entries in answers]
    return found


def _select_entry(entries: Sequence[Entry], order: str) -> Entry:
    return next((entry for entry in entries if entry["order"] == order), entries[0])


def is_other_style(style: styles.Style, asked: styles.Style) -> bool:
    """Whether a style's numbers are not those that were asked for.  asked: empty for the plain one."""
    wanted = asked or (0.0,) * len(style)
    return any(abs(number - other) > _SAME for number, other in zip(style, wanted))
