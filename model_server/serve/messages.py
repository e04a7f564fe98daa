# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked and answered over one connection."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from io import BufferedIOBase
from typing import Any


class Refusal(Exception):
    """A request that gets no answer: the status code and one sentence that says what to do."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True)
class Answer:
    """A body, its media type, and headers beyond those that every answer has."""

    body: bytes
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        """One that holds a JSON object."""
        return cls(json.dumps(value).encode(), "application/json", headers or {})


@dataclass(frozen=True)
class Request:
    """What a client wants.  target: path and query, as they were sent; body: what follows the headers, to be read."""

    method: str
    target: str
    headers: Message
    body: BufferedIOBase

    def read_length(self, limit: int) -> int:
        """The body's length in bytes, checked before anything of it is read.  Raises Refusal above the limit."""
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or not lengths:
            raise Refusal(411, "The length is missing; send Content-Length, and the body in one piece.")
        text = lengths[0].strip(" \t")
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
            raise Refusal(400, "Content-Length must be one number.")
        length = int(text)
        if length > limit:
            raise Refusal(413, f"The body is too large; send {limit} bytes at most.")
        return length

    def read_body(self, length: int) -> bytes:
        """So many bytes.  Raises Refusal if fewer come, socket.timeout if they come too slowly."""
        body = self.body.read(length)
        if len(body) < length:
            raise Refusal(400, f"The body ended after {len(body)} of {length} bytes; send all of it.")
        return body
