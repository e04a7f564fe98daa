# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the networks that a window's state asks, and what becomes of their answers.

No GIMP and no GTK in here.  Not thread-safe: all calls and all answers in one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..shared.errors import ServerError, UserError
from ..shared.words import _

Question = Callable[[], Any]
Ask = Callable[[str, Question, Callable[[Any], None]], None]  # a name, what to ask, who gets the result or exception


class Signal:
    """Calls its listeners, in the order in which they were connected."""

    def __init__(self) -> None:
        self._listeners: list[Callable[..., Any]] = []

    def connect(self, listener: Callable[..., Any]) -> None:
        """Call the listener each time from now on."""
        self._listeners.append(listener)

    def emit(self, *values: object) -> None:
        """Call all listeners."""
        for listener in self._listeners:
            listener(*values)


class Asking:
    """A state that asks in another thread, of which the newest question of each name counts.

    Public attributes are to be read by others and written by the state alone.
    """

    def __init__(self, ask: Ask) -> None:
        """ask: asks in another thread, and delivers the answer, or the exception in its place, in this one."""
        self.is_applicable = False  # whether there is something to apply, and it answers the settings as they are
        self.sentence = ""  # what went wrong
        self.changed = Signal()  # something that the picture depends on
        self.sentence_changed = Signal()  # its new value
        self.is_applicable_changed = Signal()  # its new value
        self.is_busy_changed = Signal()  # its new value, after each question and each answer
        self._ask_server = ask
        self._open: dict[str, int] = {}  # the number of each name's newest question, as long as it has no answer
        self._asked = 0
        self._failed = ""  # the name of the question whose failure the sentence tells of

    def _set_applicable(self, is_applicable: bool) -> None:
        self.is_applicable = is_applicable
        self.is_applicable_changed.emit(is_applicable)

    def _forget(self, name: str) -> None:
        """Let no answer to a question of this name count any more."""
        if self._open.pop(name, None) is not None:
            self.is_busy_changed.emit(bool(self._open))

    def _ask(self, name: str, question: Question, take: Callable[[Any], None]) -> None:
        """Ask in the other thread: `take` gets the answer, unless a newer question of the same name has been asked."""
        self._asked += 1
        self._open[name] = self._asked
        self.is_busy_changed.emit(True)
        self._ask_server(name, question, partial(self._answer, name, self._asked, take))

    def _answer(self, name: str, number: int, take: Callable[[Any], None], answer: object) -> None:
        if self._open.get(name) != number:
            return  # too late: a newer question replaces this one
        del self._open[name]
        self.is_busy_changed.emit(bool(self._open))
        if isinstance(answer, Exception):
            self._fail(answer, name)
            return
        if self._failed == name:
            self._say("")
        take(answer)

    def _fail(self, error: Exception, question: str = "") -> None:
        """Say what went wrong.  question: the name of the one whose next answer takes that back."""
        self._failed = question
        known = isinstance(error, (UserError, ServerError))
        sentence = str(error) if known else _("The plug-in has a fault ({error}): please report it.")
        self._say(sentence if known else sentence.format(error=repr(error)))

    def _say(self, sentence: str) -> None:
        self.sentence = sentence
        self.sentence_changed.emit(sentence)
