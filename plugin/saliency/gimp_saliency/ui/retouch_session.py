# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a retouch that is being set: the looks that were predicted, and what lies between them.

No GIMP and no GTK in here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Optional

from ..predict.outline import AS_SELECTED
from ..predict.plan import Planned
from ..predict.retouch import FoundLooks, Picture, plan_retouch
from ..shared import styles
from ..shared.choices import LOOKS, Look
from ..shared.errors import UserError
from ..shared.request import EditRequest
from ..shared.retouch import MATCH, write_style
from .asking import Ask, Signal
from .choosing import Choosing
from .session import Session

_MIXING = "mix"  # what may fail without a question

Predict = Callable[[EditRequest, Optional[Picture]], FoundLooks]


class LookOffer(NamedTuple):
    """A look to choose."""

    plan: Sequence[Planned]
    style: styles.Style = ()
    is_own_style: bool = False


class RetouchSession(Session, Choosing[EditRequest, LookOffer]):
    """A retouch in one of the looks, or in that of another photograph."""

    saved = styles.RETOUCHES
    has_more_styles = False

    def __init__(
        self, request: EditRequest, is_gray: bool, ask: Ask, predict: Predict, first: Callable[[], FoundLooks]
    ) -> None:
        """predict: asks the server, in another thread, see `predict_looks`.  first: brings what is asked already."""
        super().__init__(request, is_gray, ask, lambda _request: AS_SELECTED)
        self.found: FoundLooks | None = None  # None: nothing has come yet
        self.matching_ended = Signal()  # no other photograph is matched any more
        self._predict, self._first = predict, first
        self._reference: Picture | None = None
        self._reactions = {
            "look": self._follow_look,
            "base-look": self._mix,
            "look-strength": self._mix,
            "style": self._follow_style,
            "people": self.try_again,
        }

    def begin(self) -> None:
        self._wait_for(self._first)

    def try_again(self) -> None:
        self._wait_for(partial(self._predict, self.request, self._reference))

    def match(self, reference: Picture | None) -> None:
        """Take the look of another photograph; None: of none, but the one that is set."""
        if reference is not None:
            self._reference = reference
            self.try_again()
        elif self._reference is not None:
            self._reference = None
            self._forget("looks")
            self._say("")
            if self.found:
                self._take_looks(self.found)

    def choose(self, name: str) -> None:
        self._end_matching()
        self.request = replace(self.request, look=name, style="")
        self.setting_changed.emit("look", name)
        self.setting_changed.emit("style", "")
        self._follow_look()

    def choose_style(self, name: str) -> None:
        self._end_matching()
        super().choose_style(name)

    def save_style(self, name: str) -> None:
        super().save_style(name)
        # It is all that the settings said, so that nothing changes.
        whole = {"base-look": Look.NEUTRAL.value, "look-strength": 100.0}
        self.request = replace(self.request, base_look=Look.NEUTRAL.value, look_strength=100.0)
        for setting, value in whole.items():
            self.setting_changed.emit(setting, value)

    def wants_neutral(self) -> bool:
        """Whether the photo is to have no look of its own, so that it may stay as it is."""
        request = self.request
        is_plain = request.look == Look.NEUTRAL.value or not request.look_strength
        return request.strength > 0 and is_plain and request.base_look == Look.NEUTRAL.value and not request.style

    def _end_matching(self) -> None:
        if self._reference is not None:
            self._reference = None
            self.matching_ended.emit()
            self.request = replace(self.request, look=Look.NEUTRAL.value)
            self.setting_changed.emit("look", Look.NEUTRAL.value)

    def _wait_for(self, question: Callable[[], FoundLooks]) -> None:
        self._say("")
        self._set_applicable(False)
        self.take_proposals({})
        self._ask("looks", question, self._take_looks)

    def _take_looks(self, found: FoundLooks) -> None:
        self.found = found
        plain = replace(self.request, base_look=Look.NEUTRAL.value, look_strength=100.0, style="")
        offers = {name: LookOffer(plan_retouch(found, replace(plain, look=name))) for name in LOOKS}
        self.take_proposals(offers)
        self._mix()

    def _mix(self) -> None:
        """Take what lies between the looks."""
        if self.found is None or self._is_missing_match():
            return
        try:
            plan = plan_retouch(self.found, self.request)
            weights = self.request.find_weights()
        except UserError as error:
            self._fail(error, _MIXING)
            self._set_applicable(False)
            return
        if self._failed == _MIXING:
            self._say("")
        self._set_style(() if MATCH in weights else write_style(weights))
        self.take_plan(plan)

    def _is_missing_match(self) -> bool:
        """Whether a look is wanted that still has to come."""
        return self.request.look == MATCH and self.found is not None and MATCH not in self.found.edits

    def _follow_look(self) -> None:
        self.list_styles()
        self._mark(self._find_asked())
        self._mix()

    def _follow_style(self) -> None:
        self._follow_look()

    def _find_asked(self) -> str:
        return "" if self.request.style else self.request.look

    def _take_offer(self, offer: LookOffer) -> None:
        self.take_plan(offer.plan)

    def _ask_for_proposals(self, seed: int | None) -> None:
        """All looks come at once."""
