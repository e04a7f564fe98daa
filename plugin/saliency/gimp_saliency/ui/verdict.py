# SPDX-License-Identifier: GPL-3.0-or-later
"""How edited a region looks, in words, and what to do; no GIMP and no GTK in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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
    colours = _rate(before["realism"] - after["realism"], _LOSSES)
    border = _rate(after.get("border", 0.0), _BORDERS)
    if not max(colours, border):
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


def _rate(value: float, limits: tuple[float, float]) -> int:
    """How many of the limits a value exceeds."""
    return sum(value > limit for limit in limits)
