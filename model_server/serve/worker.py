# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thread that predicts, and loads what it predicts with, so that the rest of the server stays responsive."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING, Any, TypeVar

from model_server.predict.errors import NetworkError
from model_server.serve import memory

if TYPE_CHECKING:
    from model_server.predict.predictor import Predictor

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOMENT = 0.5  # seconds


class Busy(Exception):
    """The prediction was not made in time, since others were waiting before it."""


class Worker:
    """Runs predictions one after the other, first come, first served.

    load makes the predictor.  It runs at once in the worker's thread, and again at the next prediction if it failed,
    or if a network could not be loaded when it was first needed: its file may have been repaired.
    """

    def __init__(self, load: Callable[[], Predictor]) -> None:
        memory.keep()
        self._load = load
        self._predictor: Predictor | None = None
        self._error = ""
        self._ended = 0.0  # when the last prediction did, in seconds; 0: memory has been given back since
        self._pool = ThreadPoolExecutor(1, "worker")
        self._pool.submit(self._make_ready)

    def run(self, job: Callable[[Predictor], T], limit: float) -> T:
        """The result of job(predictor), with what loading or job raised.  Raises Busy after limit seconds."""
        future = self._pool.submit(self._do, job)
        try:
            return future.result(limit)
        except FutureTimeout:
            future.cancel()
            raise Busy from None

    def state(self) -> dict[str, str]:
        """`state` is "loading", "ready" or "failed", with `model` or `error`."""
        predictor = self._predictor  # its own thread may let go of it meanwhile
        if predictor is not None:
            return {"state": "ready", "model": predictor.model}
        return {"state": "failed", "error": self._error} if self._error else {"state": "loading"}

    def describe_networks(self) -> dict[str, dict[str, Any]]:
        """Facts about the networks by name, for people; none until the predictor is ready."""
        predictor = self._predictor
        return {} if predictor is None else predictor.networks

    def tidy(self) -> None:
        """Return freed memory to the system once nothing has been predicted for a moment.

        A prediction takes 40 MB, which the C library would keep; but taking them anew costs the next one a tenth of
        its time.  To be called now and then, from any thread.
        """
        if self._ended and time.monotonic() - self._ended > _MOMENT:
            self._ended = 0.0
            self._pool.submit(memory.give_back)  # the heap that it predicts with is this thread's

    def close(self) -> None:
        """Drop what waits; what runs is the last."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _do(self, job: Callable[[Predictor], T]) -> T:
        self._ended = 0.0
        predictor = self._make_ready()
        try:
            return job(predictor)
        except NetworkError as error:
            self._note_failure(error)
            raise
        finally:
            self._ended = time.monotonic()

    def _make_ready(self) -> Predictor:
        if self._predictor is None:
            try:
                self._predictor = self._load()
                self._error = ""
                memory.give_back()
            except Exception as error:
                self._note_failure(error)
                raise
        return self._predictor

    def _note_failure(self, error: Exception) -> None:
        self._error = str(error) or type(error).__name__
        self._predictor = None
        log.exception("loading the networks failed")
