# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an edit that is being set: what is asked, what has come, and what of it counts.

No GIMP and no GTK in here: a window shows a session, tests run one without.  A session says by its signals that
something has changed; its attributes say what it is now.  Not thread-safe: all calls and all answers in one thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Any

from ..predict.outline import AS_SELECTED, Outline
from ..predict.plan import Planned
from ..shared import styles
from ..shared.choices import Ranking
from ..shared.client import questions
from ..shared.edits import KINDS, NAMES, NEUTRAL, Edit, EditError, from_json, to_json
from ..shared.request import EditRequest
from .asking import Ask, Asking, Signal
from .choosing import Choosing
from .proposals import Proposal, Proposals

Look = dict[str, Any]  # the server's JSON, see `questions.ask_look`

_LEAST_SCALE = 1e-3  # a factor of 0 has no logarithm, so strength could not scale it


class Session(Asking, ABC):
    """What both kinds of session have: a plan, values that can be dialled, questions to the networks."""

    def __init__(
        self,
        request: EditRequest,
        is_gray: bool,
        ask: Ask,
        find_outline: Callable[[EditRequest], Outline],
        by_hand: frozenset[str] = frozenset(),
    ) -> None:
        """ask: see `Asking`.  is_gray: whether the picture has no colour.

        find_outline: asks the server, in the other thread, see `OutlineFinder.find`.  by_hand: kinds whose values no
        sliders can say.
        """
        super().__init__(ask)
        self.request = request
        self.plan: list[Planned] = []  # empty: nothing has come yet
        self.by_hand = by_hand
        self.looks: dict[str, Look] = {}  # "before" and "after": what the networks see
        self.outline_changed = Signal()  # after each answer
        self.look_changed = Signal()  # its name
        self._reactions: dict[str, Callable[[], None]] = {}  # to settings that need more than another picture
        self._is_gray = is_gray
        self._find_outline = find_outline

    @abstractmethod
    def begin(self) -> None:
        """Get the first plan."""

    # Settings and values

    def change_setting(self, name: str, request: EditRequest) -> None:
        """Take over that a control was set, by the user, a preset or a reset; request: all settings now."""
        self.request = request
        self._reactions.get(name, self.changed.emit)()

    def take_plan(self, plan: Sequence[Planned]) -> None:
        """Let this be what OK applies."""
        self.plan = list(plan)
        self._set_applicable(True)
        self.changed.emit()

    def shown_edits(self) -> list[Edit]:
        """What the sliders are to say: the edits at the strength; of several parts none, as each has its own."""
        return self.request.scale_edits(self.plan[0].edits, self._is_gray) if len(self.plan) == 1 else []

    def usable_kinds(self) -> frozenset[str]:
        """The kinds whose sliders can be moved."""
        if len(self.plan) != 1 or self.request.strength <= 0:
            return frozenset()
        possible = {name for name, kind in KINDS.items() if not (self._is_gray and kind.has_colour)}
        return frozenset(possible & self.request.kinds - self.by_hand)

    def dial(self, kind: str, field: str, value: float) -> None:
        """Set a value by hand, as it is at the strength: it counts for 100 %, so that strength still scales it."""
        strength = self.request.strength / 100
        if len(self.plan) != 1 or not strength:
            return
        edits = {edit.name: edit for edit in self.plan[0].edits}
        count = len(edits)
        shown = edits.get(kind, NEUTRAL[kind]).at_strength(strength)
        if field == "scale":
            value = max(_LEAST_SCALE, value)
        (dialled,) = from_json([{**to_json([shown])[0], field: value}])
        try:
            edits[kind] = dialled.at_strength(1 / strength)
        except EditError:  # at 100 % it would be more than there is: the slider goes back
            self.changed.emit()
            return
        self.plan[0] = self.plan[0]._replace(edits=_put_in_place(edits, kind, is_new=len(edits) > count))
        self.changed.emit()

    # Questions

    def ask_look(self, name: str, pixels: bytes, width: int, height: int, original: bytes = b"") -> None:
        """Ask what the networks see in a picture.

        name: "before" or "after"; pixels: R'G'B'M bytes; original: R'G'B' bytes of what it was before the edit.
        """
        self._ask(name, partial(questions.ask_look, pixels, width, height, original), partial(self._take_look, name))

    def ask_refined_mask(
        self, name: str, pixels: bytes, width: int, height: int, radius: float, keep: Callable[[bytes], None]
    ) -> None:
        """Ask for a mask along the object's edge.  pixels, radius: see `questions.ask_refined`; keep: gets the mask."""
        self._ask(name, partial(questions.ask_refined, pixels, width, height, radius), partial(self._take_mask, keep))

    def _take_look(self, name: str, look: Look) -> None:
        self.looks[name] = look
        self.look_changed.emit(name)

    def _take_mask(self, keep: Callable[[bytes], None], mask: bytes) -> None:
        keep(mask)
        self.changed.emit()

    def _ask_for_outline(self, take: Callable[[Outline], None]) -> None:
        """Ask for the edge that the settings want."""
        self._ask("outline", partial(self._find_outline, self.request), take)


def _put_in_place(edits: Mapping[str, Edit], kind: str, is_new: bool) -> list[Edit]:
    """Edits by kind in order of application, the last of which, if it is new, may have to come before others."""
    order = list(edits)
    if is_new and KINDS[kind].comes_first:
        order.pop()
        before = takewhile(lambda name: KINDS[name].comes_first and NAMES.index(name) < NAMES.index(kind), order)
        order.insert(len(list(before)), kind)
    return [edits[name] for name in order]


class ChoosingSession(Session, Choosing[EditRequest, Proposal]):
    """An edit of the selection that is to be chosen among proposals, in a style."""

    saved = styles.EDITS

    def __init__(
        self,
        request: EditRequest,
        is_gray: bool,
        ask: Ask,
        predict: Callable[[EditRequest], Sequence[Planned]],
        propose: Callable[[EditRequest, int | None], Proposals],
        first: Callable[[], Sequence[Planned]],
        find_outline: Callable[[EditRequest], Outline],
    ) -> None:
        """predict, propose: ask the server, in another thread, see `predict_plan` and `fetch_proposals`.

        first: brings what was asked with this very request.
        """
        super().__init__(request, is_gray, ask, find_outline)
        self.outline = AS_SELECTED  # the edge that the selection gets
        self._reactions = {
            "boldness": self.try_again,
            "order": self._follow_order,
            "style": self._follow_style,
            "separate": self.try_again,
            "background": self.try_again,
            "edge": self._follow_edge,
            "refine": self._follow_edge,
            "feather": self._follow_feather,
            "grow": self._follow_growth,
        }
        self._predict, self._propose, self._first = predict, propose, first

    def begin(self) -> None:
        self._ask_for_edits(self._first)
        self._ask_for_outline(self._take_outline)  # which has been found by now, for the edits

    # The selection's edge

    def _follow_edge(self) -> None:
        """Another region may need other edits."""
        self._ask_for_outline(self._take_outline)
        self.try_again()

    def _follow_growth(self) -> None:
        """Where nothing is fitted, nothing grows."""
        if self.request.may_fit:
            self._follow_edge()

    def _follow_feather(self) -> None:
        """Show another soft edge; the edits stay."""
        self._ask_for_outline(self._take_outline)
        self.changed.emit()

    def _take_outline(self, outline: Outline) -> None:
        is_new = outline != self.outline
        self.outline = outline
        self.outline_changed.emit()
        if is_new:
            self.changed.emit()

    # Edits and proposals

    def try_again(self) -> None:
        """Ask for the edits of the region, or of each of its parts, and for proposals."""
        self._ask_for_edits(partial(self._predict, self.request))

    def _ask_for_edits(self, question: Callable[[], Sequence[Planned]]) -> None:
        self._say("")
        self._set_applicable(False)
        self.take_proposals({})
        self._ask("edits", question, self.take_prediction)
        self._ask_for_proposals(None)

    def _ask_for_proposals(self, seed: int | None) -> None:
        """seed: None: other orders rather than other styles."""
        self._ask("proposals", partial(self._propose, self.request, seed), self.take_proposals)

    def take_prediction(self, plan: Sequence[Planned]) -> None:
        """Take the edits in the style that the settings say."""
        self._set_style(self._find_style())
        self.take_plan(plan)

    def choose(self, order: str) -> None:
        """Take a proposal with the values that were predicted."""
        proposal = self.proposals[order]
        # What has a style of its own is the most realistic edit in that style.
        ranking = Ranking.BEST_REALISM if proposal.is_own_style else Ranking(order)
        self.request = replace(self.request, ranking=ranking)
        self.setting_changed.emit("order", ranking.value)
        super().choose(order)

    def _follow_order(self) -> None:
        """Take the proposal of the order that a preset or a reset has set."""
        order = self.request.ranking.value
        if order in self.proposals and not self.proposals[order].is_own_style:
            self._mark(order)
            self._take_proposal(self.proposals[order])

    def _take_offer(self, offer: Proposal) -> None:
        self.take_plan(offer.plan)

    def _find_asked(self) -> str:
        return self.request.ranking.value


class AdjustingSession(Session):
    """An edit that is in the image: its values and its edge can be set anew, nothing is predicted."""

    def __init__(
        self,
        request: EditRequest,
        is_gray: bool,
        ask: Ask,
        made: Sequence[Planned],
        by_hand: frozenset[str],
        find_outline: Callable[[EditRequest], Outline],
    ) -> None:
        """request: as the edit was made; made: the edit as a plan, at 100 %."""
        super().__init__(request, is_gray, ask, find_outline, by_hand)
        self.outline: Outline | None = None  # the edge that the edit gets; None: it has what it had
        self._made, self._made_request = made, request
        self._reactions = dict.fromkeys(("edge", "feather", "grow"), self.ask_for_edge)

    def begin(self) -> None:
        self.take_plan(self._made)

    def ask_for_edge(self) -> None:
        """Show the edge that is wanted as soon as it is known; the one that was made is known, and may be anything."""
        self._say("")
        if self.request.has_other_edge(self._made_request):
            self._ask_for_outline(self._take_outline)
        else:
            self._forget("outline")
            self._take_outline(None)

    def _take_outline(self, outline: Outline | None) -> None:
        self.outline = outline
        self.outline_changed.emit()
        self.changed.emit()
