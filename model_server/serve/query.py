# SPDX-License-Identifier: GPL-3.0-or-later
"""A request's query and picture to values; what is missing, unknown or out of range is refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from gimp_saliency.shared import request as requests
from gimp_saliency.shared.request import EditRequest, RequestError, parse_number
from gimp_saliency.shared.styles import Style
from gimp_saliency.shared.words import N_
from model_server.serve.messages import Refusal, Request

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SIDES = range(16, 385)  # pixels of a picture's width and height
PART_SIDES = range(16, 1025)  # of what is seen of a part of a selection
TILE_SIDES = range(1, 2049)  # of what is refined: a tile of the picture at full size

_FIELDS = 10  # more than any address takes
_SWITCH = ("0", "1")

Query = Mapping[str, str]


@dataclass(frozen=True)
class Picture:
    """The pixels of a request, rows from the top."""

    pixels: bytes
    height: int
    width: int
    channels: int

    def to_array(self) -> npt.NDArray[np.uint8]:
        """uint8 (height, width, channels)."""
        import numpy as np  # not at the top: the socket is open before numpy is loaded

        return np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.width, self.channels)

    def has_region(self) -> bool:
        """Whether the last of four channels is not 0 everywhere: it is the highest byte of each little-endian pixel."""
        import numpy as np

        return bool(np.frombuffer(self.pixels, "<u4").max() >= 1 << 24)


def split_target(target: str) -> tuple[str, list[tuple[str, str]]]:
    """The path of a request's target and the names and values of its query."""
    try:
        url = urlsplit(target)
        return url.path, parse_qsl(url.query, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise Refusal(400, "The address is malformed; docs/protocol.md has the requests.") from None


def to_query(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Names to values."""
    query = dict(fields)
    if len(query) != len(fields):
        raise Refusal(400, "A parameter is given twice; give each one once.")
    return query


def check_names(query: Query, *names: str) -> None:
    """Whether the query has these names and no others."""
    for name in names:
        if name not in query:
            raise Refusal(400, f"The parameter {name} is missing.")
    for name in query:
        if name not in names:
            raise Refusal(400, f"There is no parameter {name!r:.40}; leave it out.")


def parse_switch(query: Query, name: str) -> bool:
    """0 or 1."""
    return parse_choice(query, name, _SWITCH) == "1"


def parse_choice(query: Query, name: str, choices: Iterable[str]) -> str:
    """One of some words."""
    if query[name] not in choices:
        raise Refusal(400, f"{name} must be one of {', '.join(choices)}.")
    return query[name]


def parse_side(query: Query, name: str, sides: range) -> int:
    """A number of pixels."""
    if not re.fullmatch(r"[0-9]{1,4}", query[name], re.ASCII) or int(query[name]) not in sides:
        raise Refusal(400, f"{name} must be a number of pixels from {sides[0]} to {sides[-1]}.")
    return int(query[name])


def parse_whole(query: Query, name: str, numbers: range) -> int:
    """A whole number."""
    if not re.fullmatch(r"[0-9]{1,10}", query[name], re.ASCII) or int(query[name]) not in numbers:
        raise Refusal(400, f"{name} must be a whole number from {numbers[0]} to {numbers[-1]}.")
    return int(query[name])


def parse_within(query: Query, name: str, low: float, high: float) -> float:
    """A number."""
    value = parse_number(query[name])
    if not low <= value <= high:
        raise Refusal(400, f"{name} must be a number from {low:g} to {high:g}.")
    return value


def parse_style(query: Query) -> Style:
    """Ten numbers with commas between."""
    try:
        return requests.parse_style(query["style"])
    except RequestError as error:
        raise Refusal(400, str(error)) from None


def parse_edit_request(query: Query) -> EditRequest:
    """What is asked of an edit."""
    try:
        return EditRequest.from_query(query)
    except RequestError as error:
        raise Refusal(400, str(error)) from None


def read_picture(request: Request, query: Query, channels: int, sides: range = SIDES) -> Picture:
    """The picture in the body, of the query's width and height, a byte a channel."""
    width, height, body = _read_body(request, query, channels, sides)
    return Picture(body, height, width, channels)


def read_region(request: Request, query: Query, sides: range = SIDES) -> Picture:
    """The same with a mask as fourth channel, which is not empty."""
    picture = read_picture(request, query, 4, sides)
    _check_region(picture)
    return picture


def read_pair(request: Request, query: Query) -> tuple[Picture, Picture]:
    """A picture with a mask, which is not empty, and after it the colours of another one of its size."""
    width, height, body = _read_body(request, query, 7, SIDES)
    first = 4 * width * height
    picture = Picture(body[:first], height, width, 4)
    _check_region(picture)
    return picture, Picture(body[first:], height, width, 3)


def read_cut_out(request: Request, query: Query) -> tuple[Picture, Picture | None]:
    """A composite with the cut-out's coverage, and with `reference` after it which part of the photo counts."""
    has_reference = parse_switch(query, "reference")
    width, height, body = _read_body(request, query, 5 if has_reference else 4, SIDES)
    first = 4 * width * height
    picture = Picture(body[:first], height, width, 4)
    reference = Picture(body[first:], height, width, 1) if has_reference else None
    _check_cut_out(picture, reference)
    return picture, reference


def read_with_reference(request: Request, query: Query) -> tuple[Picture, Picture | None]:
    """A picture with a mask, which is not empty, and after it, if it has a size, the colours of another one."""
    if not (query["reference_width"] or query["reference_height"]):
        return read_region(request, query), None
    across, down = (parse_side(query, f"reference_{name}", SIDES) for name in ("width", "height"))
    width, height, body = _read_body(request, query, 4, SIDES, 3 * across * down)
    first = 4 * width * height
    picture = Picture(body[:first], height, width, 4)
    _check_region(picture)
    return picture, Picture(body[first:], down, across, 3)


def _read_body(request: Request, query: Query, channels: int, sides: range, more: int = 0) -> tuple[int, int, bytes]:
    """Width, height and so many bytes for each pixel, and some more."""
    width, height = parse_side(query, "width", sides), parse_side(query, "height", sides)
    length, needed = request.read_length(sides[-1] ** 2 * channels + more), width * height * channels + more
    if length != needed:
        and_more = f" and {more} bytes of the reference" if more else ""
        raise Refusal(400, f"The body has {length} bytes; {width} × {height} pixels{and_more} need {needed}.")
    return width, height, request.read_body(length)


def _check_region(picture: Picture) -> None:
    if not picture.has_region():
        raise Refusal(400, N_("The mask is empty; select the region to edit."))


def _check_cut_out(picture: Picture, reference: Picture | None) -> None:
    from model_server.predict.canvas import check_cut_out  # numpy: see Picture.to_array

    try:
        check_cut_out(picture.to_array()[:, :, 3], None if reference is None else reference.to_array()[:, :, 0])
    except ValueError as error:
        raise Refusal(400, str(error)) from None
