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
        )

    def applied(self, edits: list[Edit], gray: bool) -> list[Edit]:
        """The edits as they are to be applied: at the strength, without those that are off or impossible in gray."""
        kept = [edit for edit in edits if edit.name in self.kinds]
        return at_strength(for_gray(kept) if gray else kept, self.strength / 100)
