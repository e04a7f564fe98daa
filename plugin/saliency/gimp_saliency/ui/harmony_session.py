# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a harmony that is being set: what was predicted, and how much of it is wanted.

No GIMP and no GTK in here.
"""

from __future__ import annotations

from collections.abc import Callable

from ..shared.harmony import Harmony, HarmonyRequest
from .asking import Ask, Asking

Answer = tuple[Harmony, str]  # and the name of the model that gave it

# Mean of what changes in the cut-out, of values 0..255, below which people see no difference.
_LITTLE = 3.0


class HarmonySession(Asking):
    """A harmony, once it is there, and the strengths that are wanted of it."""

    def __init__(
        self,
        request: HarmonyRequest,
        is_gray: bool,
        ask: Ask,
        predict: Callable[[], Answer],
        first: Callable[[], Answer],
    ) -> None:
        """ask: see `Asking`.  is_gray: whether the picture has no colour.  predict: asks the server, in another thread.

        first: brings what is asked already.
        """
        super().__init__(ask)
        self.request = request
        self.answer: Answer | None = None  # None: nothing has come yet
        self._is_gray = is_gray
        self._predict, self._first = predict, first

    def begin(self) -> None:
        """Wait for the harmony that is asked for."""
        self._wait_for(self._first)

    def try_again(self) -> None:
        """Ask for it anew.  Until it comes, nothing can be applied; if that fails, what there was before."""
        self._wait_for(self._predict)

    def change_setting(self, request: HarmonyRequest) -> None:
        """Take over that a control was set; request: all settings now."""
        self.request = request
        self.changed.emit()

    def wants_any(self) -> bool:
        """Whether the strengths that are set leave anything of a harmony."""
        return self.request.strength > 0 and max(self.request.colour, self.request.shading) > 0

    def find_harmony(self) -> Harmony:
        """What is to be applied, at the strengths that are set."""
        harmony = self.answer[0] if self.answer else Harmony.neutral()
        return self.request.scale(harmony, self._is_gray)

    def _wait_for(self, question: Callable[[], Answer]) -> None:
        self._say("")
        self._set_applicable(False)
        self._ask("harmony", question, self._take)

    def _fail(self, error: Exception, question: str = "") -> None:
        super()._fail(error, question)
        self._set_applicable(self.answer is not None)

    def _take(self, answer: Answer) -> None:
        self.answer = answer
        self._set_applicable(True)
        self.changed.emit()


def is_little(before: bytes, after: bytes, mask: bytes) -> bool:
    """Whether hardly anything changes where the mask is: R'G'B' bytes of a picture before and after."""
    covered = [3 * place for place, value in enumerate(mask) if value > 127]
    total = sum(abs(after[each + k] - before[each + k]) for each in covered for k in range(3))
    return total < _LITTLE * 3 * max(1, len(covered))
