# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a harmony that is being set: what was predicted, and how much of it is wanted.

No GIMP and no GTK in here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ..predict.harmony import PROPOSED, Predicted
from ..shared import styles
from ..shared.harmony import Harmony, HarmonyRequest
from .asking import Ask, Asking
from .choosing import Choosing


class HarmonySession(Asking):
    """A harmony, once it is there, and the strengths that are wanted of it."""

    def __init__(
        self,
        request: HarmonyRequest,
        is_gray: bool,
        ask: Ask,
        predict: Callable[[HarmonyRequest], Predicted],
        first: Callable[[], Predicted],
    ) -> None:
        """ask: see `Asking`.  is_gray: whether the picture has no colour.  predict: asks the server, in another thread.

        first: brings what is asked already, with this very request.
        """
        super().__init__(ask)
        self.request = request
        self.answer: Predicted | None = None  # None: nothing has come yet
        self._is_gray = is_gray
        self._predict, self._first = predict, first

    def begin(self) -> None:
        """Wait for the harmony that is asked for."""
        self._wait_for(self._first)

    def try_again(self) -> None:
        """Ask for it anew.  Until it comes, nothing can be applied; if that fails, what there was before."""
        self._wait_for(partial(self._predict, self.request))

    def change_setting(self, name: str, request: HarmonyRequest) -> None:
        """Take over that a control was set, by the user, a preset or a reset; request: all settings now."""
        self.request = request
        self.changed.emit()

    def wants_any(self) -> bool:
        """Whether the strengths that are set leave anything of a harmony."""
        return self.request.strength > 0 and max(self.request.colour, self.request.shading) > 0

    def find_harmony(self) -> Harmony:
        """What is to be applied, at the strengths that are set."""
        return self.scale(self.answer.harmony if self.answer else Harmony.neutral())

    def scale(self, harmony: Harmony) -> Harmony:
        """What would be applied of a harmony at 100 %."""
        return self.request.scale(harmony, self._is_gray)

    def _wait_for(self, question: Callable[[], Predicted]) -> None:
        self._say("")
        self._set_applicable(False)
        self._ask("harmony", question, self._take)

    def _fail(self, error: Exception, question: str = "") -> None:
        super()._fail(error, question)
        if question == "harmony":
            self._set_applicable(self.answer is not None)

    def _take(self, answer: Predicted) -> None:
        self.answer = answer
        self._set_applicable(True)
        self.changed.emit()


class HarmonyChoosing(HarmonySession, Choosing[HarmonyRequest, Predicted]):
    """A harmony that is to be chosen among proposals, in a style."""

    saved = styles.HARMONIES

    def __init__(
        self,
        request: HarmonyRequest,
        is_gray: bool,
        ask: Ask,
        predict: Callable[[HarmonyRequest], Predicted],
        propose: Callable[[HarmonyRequest, int], Mapping[str, Predicted]],
        first: Callable[[], Predicted],
    ) -> None:
        """propose: as predict, see `propose_harmonies`; the rest as for `HarmonySession`."""
        super().__init__(request, is_gray, ask, predict, first)
        self._propose = propose

    def change_setting(self, name: str, request: HarmonyRequest) -> None:
        if name == "style":
            self.request = request
            self._follow_style()
        else:
            super().change_setting(name, request)

    def _wait_for(self, question: Callable[[], Predicted]) -> None:
        self.take_proposals({})
        super()._wait_for(question)
        self._ask_for_proposals(None)

    def _ask_for_proposals(self, seed: int | None) -> None:
        """seed: None: always the same."""
        self._ask("proposals", partial(self._propose, self.request, seed or 0), self.take_proposals)

    def _take(self, answer: Predicted) -> None:
        self._set_style(answer.style)
        super()._take(answer)

    def _take_offer(self, offer: Predicted) -> None:
        super()._take(offer)

    def _find_asked(self) -> str:
        return PROPOSED[0]
