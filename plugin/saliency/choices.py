# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sets for an edit: one object that dialog, procedures and layers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edits import NAMES, Edit, at_strength, for_gray
from words import _

# Names of the orders of application, as menu and dialog call them, and what they are.
ORDERS = {
    "best-realism": (_("Most realistic"), _("Of all orders of the edits, the one whose result looks least edited")),
    "best-saliency": (_("Strongest"), _("Of all orders of the edits, the one that moves attention most")),
    "variant-1": (_("Variant"), _("The order whose result differs most from the first two")),
    "variant-2": (_("Other variant"), _("The order whose result differs most from the first three")),
    "random": (_("Any"), _("One order, drawn from the picture itself: the fastest")),
}


@dataclass(frozen=True)
class Choices:
    """The settings of an edit, as the arguments of the procedures name them."""

    direction: str  # "attenuate" or "emphasize"
    strength: float = 100.0  # percent, 0 to 150
    order: str = "best-realism"  # or "best-saliency", "variant-1", "variant-2", "random"
    kinds: frozenset[str] = frozenset(NAMES)  # the names of the edits to apply
    feather: float = 0.0  # px of the image
    refine: bool = False
    separate: bool = False  # each separate part of the selection gets edits of its own
    frames: bool = False  # the same edits, of the same selection, in all frames
    background: bool = False  # edits of their own for all that is not selected, too
    background_strength: float = 100.0  # percent, 0 to 150
    style: str = ""  # name of a saved style, "" the plain one

    @classmethod
    def of(cls, config: Any, direction: str) -> Choices:
        """The values of a procedure's arguments."""
        return cls(
            direction,
            config.get_property("strength"),
            config.get_property("order"),
            frozenset(name for name in NAMES if config.get_property(name)),
            config.get_property("feather"),
            config.get_property("refine"),
            config.get_property("separate"),
            config.get_property("frames"),
            config.get_property("background"),
            config.get_property("background-strength"),
            config.get_property("style") or "",
        )

    def applied(self, edits: list[Edit], gray: bool) -> list[Edit]:
        """The edits as they are to be applied: at the strength, without those that are off or impossible in gray."""
        return self._usable(edits, gray, self.strength)

    def applied_around(self, edits: list[Edit], gray: bool) -> list[Edit]:
        """The same for edits of the background, at its own strength; none where the background is off."""
        return self._usable(edits, gray, self.background_strength) if self.background else []

    def _usable(self, edits: list[Edit], gray: bool, strength: float) -> list[Edit]:
        kept = [edit for edit in edits if edit.name in self.kinds]
        return at_strength(for_gray(kept) if gray else kept, strength / 100)
