# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks slow questions beside the window: nothing on the screen ever waits for an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from gi.repository import GLib

Question = Callable[[], Any]
Deliver = Callable[[Any], None]
Result = TypeVar("Result")


class Asked(Generic[Result]):
    """A question that is under way already while the window for its answer is still being made."""

    def __init__(self, question: Callable[[], Result]) -> None:
        """Ask now.  `question` runs in another thread: no GIMP, no GTK in it."""
        self._question = question
        self._answer: Result | Exception
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def wait(self) -> Result:
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

    Answers, or the exceptions in their place, are delivered in the thread of the window.  A question that still waits
    is replaced by a newer one of the same name.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Question, Deliver]] = {}
        self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self, name: str, question: Question, deliver: Deliver) -> None:
        """Ask soon: `deliver(result or exception)`.  `question` runs in the other thread: no GIMP, no GTK in it."""
        with self._changed:
            self._waiting[name] = question, deliver
            self._changed.notify()

    def close(self) -> None:
        """Deliver nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                question, deliver = self._waiting.pop(next(iter(self._waiting)))
            try:
                result = question()
            except Exception as error:  # delivered like an answer
                result = error
            GLib.idle_add(self._deliver, deliver, result)

    def _deliver(self, deliver: Deliver, result: object) -> bool:
        if not self._closed:
            deliver(result)
        return False
