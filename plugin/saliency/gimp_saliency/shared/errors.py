# SPDX-License-Identifier: GPL-3.0-or-later
"""The exceptions that reach the user: each message is one sentence that says what to do next."""

from __future__ import annotations


class UserError(Exception):
    """What went wrong, as one sentence that says what to do next."""


class ServerError(Exception):
    """The server could not help: the message is one sentence for the user, with the next action."""


class NoServer(ServerError):
    """Nobody listens, or the server went away in the middle of a request."""


class ServerLate(ServerError):
    """The server took the request but did not answer in time.  pid: its process, 0 where the system does not say."""

    def __init__(self, sentence: str, pid: int) -> None:
        super().__init__(sentence)
        self.pid = pid
