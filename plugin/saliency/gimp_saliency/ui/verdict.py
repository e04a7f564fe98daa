# SPDX-License-Identifier: GPL-3.0-or-later
"""How much attention a region draws, how edited it looks, and what to do; no GIMP and no GTK in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..shared.choices import DOUBTFUL
from ..shared.words import _

# From where each is possible, and from where likely.  The edits of the server go by themselves no further than the
# first border.
_LOSSES = 0.1, 0.3  # of realism
_BORDERS = 1.5, 3.0


class Verdict(NamedTuple):
    """What people may notice, and what helps: empty where nothing has to."""

    words: str
    advice: str


def judge_edit(before: Mapping[str, Any], after: Mapping[str, Any]) -> Verdict:
    """Judge an edit by what the server says of the picture before and after it: the worse of realism and border.

    before, after: with "realism" 0..1; after: with "border", 0 at least, missing where nobody asked for it.
    """
    is_doubtful = before["realism"] < DOUBTFUL
    colours = 0 if is_doubtful else _rate(before["realism"] - after["realism"], _LOSSES)
    border = _rate(after.get("border", 0.0), _BORDERS)
    if not max(colours, border):
        if is_doubtful:
            return Verdict(
                _("unsure"), _("The critic takes the region for edited even without this edit: trust your eyes.")
            )
        return Verdict(_("unlikely"), "")
    if border >= colours:
        return Verdict(
            _("possibly: its border shows") if border == 1 else _("likely: its border shows"),
            _("A step of colour shows where the region ends: choose another edge, or less strength."),
        )
    return Verdict(
        _("possibly: its colours") if colours == 1 else _("likely: its colours"),
        _("The critic takes the region's colours for edited: choose less strength, or switch off single edits."),
    )


def judge_attention(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[float, float, float]:
    """The region's share of attention before and after an edit, and how far the viewers disagree on its change; 0..1.

    before, after: with "saliency", the mean of the shares by each of the "viewers".
    """
    changes = [later - earlier for earlier, later in zip(before["viewers"], after["viewers"])]
    return before["saliency"], after["saliency"], (max(changes) - min(changes)) / 2


def _rate(value: float, limits: tuple[float, float]) -> int:
    """How many of the limits a value exceeds."""
    return sum(value > limit for limit in limits)
