# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to choose from: the names and ranges that procedures, command line, protocol and records agree on."""

from __future__ import annotations

from enum import Enum

from .words import _

DIRECTIONS = {"attenuate": -1.0, "emphasize": 1.0}  # and whether less or more of the attention is better
ATTENTION, RETOUCH = "attention", "retouch"  # the tools that make edits
TOOLS = {ATTENTION: tuple(DIRECTIONS), RETOUCH: (RETOUCH,)}  # and the directions of each
MOST = 150.0  # percent; of all strengths
WIDEST = 500.0  # px; of a soft edge, and of what an object may grow
UNCHANGED = "unchanged"  # in the place of an edge: that of an edit stays as it is


class Choice(str, Enum):
    """One of several that people choose from, by its words in _WORDS."""

    @property
    def label(self) -> str:
        """For people."""
        return _WORDS[self][0]

    @property
    def help(self) -> str:
        """What it does, one sentence."""
        return _WORDS[self][1]


class Ranking(Choice):
    """Which one of the edits in all orders of application to take."""

    BEST_REALISM = "best-realism"
    BEST_SALIENCY = "best-saliency"
    VARIANT_1 = "variant-1"
    VARIANT_2 = "variant-2"
    RANDOM = "random"

    @property
    def caption(self) -> str:
        """The label of a button, with a mnemonic that is unique in the dialog."""
        return _WORDS[self][2]


# Below this realism, of 1, the critic takes a region for edited that nobody has touched: what it says of an edit of it
# means little.
DOUBTFUL = 0.2


class Boldness(Choice):
    """How much of its realism an edit may cost the region."""

    SUBTLE = "subtle"
    NATURAL = "natural"
    BOLD = "bold"


class Edge(Choice):
    """What becomes of a selection's edge."""

    AUTOMATIC = "automatic"
    OBJECT = "object"
    SOFT = "soft"
    AS_SELECTED = "selected"


class Look(Choice):
    """What a whole photograph is retouched to."""

    NEUTRAL = "neutral"
    WARM = "warm"
    COOL = "cool"
    FILM = "film"
    PUNCHY = "punchy"
    SOFT = "soft"


LOOKS = tuple(look.value for look in Look)

_WORDS: dict[Choice, tuple[str, ...]] = {
    Look.NEUTRAL: (_("Neutral"), _("As good as the photo can be, without a look of its own")),
    Look.WARM: (_("Warm"), _("Like late sunlight: more yellow and red")),
    Look.COOL: (_("Cool"), _("Like shade or a clear morning: more blue")),
    Look.FILM: (_("Film"), _("Paler, blue in the shadows, yellow in the lights, soft blacks")),
    Look.PUNCHY: (_("Punchy"), _("More contrast and more colour")),
    Look.SOFT: (_("Soft"), _("Lighter shadows, less contrast and less colour")),
    Boldness.SUBTLE: (_("Subtle"), _("Goes only so far that nobody would look for an edit")),
    Boldness.NATURAL: (_("Natural"), _("Goes as far as the photograph still looks unedited")),
    Boldness.BOLD: (_("Bold"), _("Goes further, where the edit may be seen if the picture takes it")),
    Edge.AUTOMATIC: (
        _("Automatic"),
        _("Fits a loose selection to its object where that is found, else softens it; one that fits or is soft stays"),
    ),
    Edge.OBJECT: (_("Fit to object"), _("Keeps of the selection what shows the object in it")),
    Edge.SOFT: (_("Soft"), _("Softens the selection's edge inwards, by the radius or as its size suggests")),
    Edge.AS_SELECTED: (_("As selected"), _("Leaves the selection as it is, or feathers it by the radius")),
    Ranking.BEST_REALISM: (
        _("Most realistic"),
        _("Of all orders of the edits, the one whose result looks least edited"),
        _("Most real_istic"),
    ),
    Ranking.BEST_SALIENCY: (
        _("Strongest"),
        _("Of all orders of the edits, the one that moves attention most"),
        _("Stron_gest"),
    ),
    Ranking.VARIANT_1: (
        _("Variant"),
        _("The order whose result differs most from the first two"),
        _("Variant _1"),
    ),
    Ranking.VARIANT_2: (
        _("Other variant"),
        _("The order whose result differs most from the first three"),
        _("Variant _2"),
    ),
    Ranking.RANDOM: (_("Any"), _("One order, drawn from the picture itself: the fastest"), _("Any")),
}

# Those that are worth looking at side by side, in the order in which they are proposed.
PROPOSED = (Ranking.BEST_REALISM, Ranking.BEST_SALIENCY, Ranking.VARIANT_1, Ranking.VARIANT_2)
