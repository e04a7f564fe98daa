# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks slow questions beside the window: nothing on the screen ever waits for an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gi.repository import GLib

Question = Callable[[], Any]
Answer = Callable[[Any], None]


class Asked:
    """A question that is under way already while the window for its answer is still being made."""

    def __init__(self, question: Question) -> None:
        """Ask now.  `question` runs in another thread: no GIMP, no GTK in it."""
        self._question = question
        self._answer: Any = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def result(self) -> Any:
        """Wait for the answer; raises what the question raised."""
        self._thread.join()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def _ask(self) -> None:
        try:
            self._answer = self._question()
        except Exception as error:  # raised where the answer is wanted
            self._answer = error


class Asker:
    """A thread that asks one question after the other.

    Answers, or the exceptions in their place, are delivered in the thread of the window.  A question of a name that
    still waits is replaced by a newer one of that name; the answer of one under way is dropped then.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[int, Question, Answer]] = {}
        self._newest: dict[str, int] = {}
        self._number = 0
        self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self, name: str, question: Question, answer: Answer) -> None:
        """Ask soon: `answer(result or exception)`.  `question` runs in the other thread: no GIMP, no GTK in it."""
        with self._changed:
            self._number += 1
            self._newest[name] = self._number
            self._waiting[name] = (self._number, question, answer)
            self._changed.notify()

    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._newest)

    def close(self) -> None:
        """Deliver nothing more."""
        with self._changed:
            self._closed = True
            self._newest.clear()
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                name = next(iter(self._waiting))
                number, question, answer = self._waiting.pop(name)
            try:
                result = question()
            except Exception as error:  # delivered like an answer
                result = error
            GLib.idle_add(self._deliver, name, number, answer, result)

    def _deliver(self, name: str, number: int, answer: Answer, result: Any) -> bool:
        if self._newest.get(name) == number:
            del self._newest[name]
            answer(result)
        return False
