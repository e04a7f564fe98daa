# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions to the model server; each starts or replaces it where none answers, and has a limit on its wait."""

from __future__ import annotations

import base64
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .. import styles
from ..choices import LOOKS, Edge
from ..edits import Edit, EditError, from_json
from ..errors import NoServer, ServerError, ServerLate
from ..harmony import Harmony, HarmonyError
from ..json_type import Json
from ..request import EditRequest, write_style
from ..retouch import MATCH
from ..words import _
from . import lifecycle, transport

_MOST_BORDER = 1000.0  # more than any two colours differ


def ask_edits(picture: bytes, width: int, height: int, request: EditRequest) -> dict[str, Any]:
    """Ask for the edits of a region; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M (sRGB and mask), rows from the top, sides of 16 to 384 pixels.
    Returns the server's JSON answer (`edits`, and `background` if it was asked for, are for `edits.from_json`).
    Raises UserError where there is no such style, or ServerError; takes 30 s at most.
    """
    query = {**_to_query(width, height), **request.to_query(), "order": request.ranking.value}
    query["figures"] = 0  # how attention and realism move, for which networks have to run that we can spare
    result = transport.parse_object(_ask("/v1/edits", query, picture))
    if not _has_edits(result, request.background):
        raise transport.StrangeAnswer()
    return result


def ask_proposals(
    picture: bytes, width: int, height: int, request: EditRequest, seed: int | None = None
) -> dict[str, Any]:
    """Ask for several edits of a region to choose from; starts the server if none answers.

    Arguments and errors are those of `ask_edits`; the request's ranking counts not.  seed: a whole number from 0 to
    2**31 - 1; then all but the first have other styles, which are drawn from it.
    Returns the server's JSON answer: `proposals` is a list, not empty, of {"order": …, "edits": …, "background": … if
    it was asked for, "style": ten numbers, "saliency": {"before": 0..1, "after": 0..1}, "realism": the same},
    "best-realism" first, no order twice; what looks like one before is not in it.
    """
    query = {**_to_query(width, height), **request.to_query()}
    if seed is not None:
        query["styles"] = seed
    result = transport.parse_object(_ask("/v1/proposals", query, picture))
    proposals = result.get("proposals")
    if not isinstance(proposals, list) or not proposals:
        raise transport.StrangeAnswer()
    if not all(_is_proposal(entry, request.background) for entry in proposals):
        raise transport.StrangeAnswer()
    return result


def ask_look(picture: bytes, width: int, height: int, original: bytes = b"") -> dict[str, Any]:
    """Ask what viewers and critic say of a picture as it is; starts the server if none answers.

    picture: as for `ask_edits`, mask included; original: width * height * 3 bytes R'G'B', what it was before an edit.
    Returns the server's JSON answer: `saliency`, the mask's share of the attention, and `viewers`, the same by each of
    the networks whose mean that is; `realism`; all 0..1.  `map`, width * height grey bytes, 255 where people look most;
    `peak`, the share of attention that 255 stands for, so that map * peak compares two pictures of one size; with an
    original `border`, how much of one the edit shows, 0 at least.
    Raises ServerError; takes 30 s at most.
    """
    query = _to_query(width, height)
    if original:
        query["original"] = 1
    result = transport.parse_object(_ask("/v1/look", query, picture + original))
    try:
        result["map"] = _decode(result["map"])
    except (KeyError, TypeError, ValueError):
        raise transport.StrangeAnswer() from None
    viewers = result.get("viewers")
    if not isinstance(viewers, list) or not viewers:
        raise transport.StrangeAnswer()
    figures = [*viewers, *(result.get(name) for name in ("saliency", "realism", "peak"))]
    if len(result["map"]) != width * height or not all(_is_share(figure) for figure in figures):
        raise transport.StrangeAnswer()
    if original and not _is_number(result.get("border"), 0, _MOST_BORDER):
        raise transport.StrangeAnswer()
    return result


class FoundEdge(NamedTuple):
    """What becomes of a selection's edge, never AUTOMATIC, and the mask that this gives: a byte for each pixel."""

    edge: Edge
    mask: bytes


def ask_edge(picture: bytes, width: int, height: int, edge: Edge, radius: float, grow: float = 0.0) -> FoundEdge:
    """Ask for the edge of a selection; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M, sides of 16 to 1024 pixels, of what framing.frame_selection says of all
    that the selection may grow to.  radius: 0 to 500 pixels, the width of the soft edge; 0: what suits the selection.
    grow: 0 to 500 pixels, how far an object may go beyond the selection; else the mask is nowhere more than that.
    Raises ServerError; takes 30 s at most.
    """
    query = {**_to_query(width, height), "edge": edge.value, "radius": radius, "grow": grow}
    result = transport.parse_object(_ask("/v1/edge", query, picture, 2 * width * height + transport.ANSWER_BYTES))
    try:
        found = FoundEdge(Edge(result["edge"]), _decode(result["mask"]))
    except (KeyError, TypeError, ValueError):
        raise transport.StrangeAnswer() from None
    if found.edge == Edge.AUTOMATIC or len(found.mask) != width * height:
        raise transport.StrangeAnswer()
    return found


def ask_harmony(
    pixels: bytes, width: int, height: int, reference: bytes | None = None, style: styles.Style = ()
) -> dict[str, Any]:
    """Ask what makes a cut-out match the photo below it; starts the server if none answers.

    pixels: width * height * 4 bytes R'G'B'M, the composite and the cut-out's coverage, rows from the top, sides of 16
    to 384 pixels.  reference: width * height bytes, which part of the photo to match, 255: all of it; None: the whole.
    style: ten numbers, empty: the plain one.
    Returns the server's JSON answer, for `Harmony.from_json`; `model` is its network's name, for people.
    Raises ServerError, also where nothing of the cut-out or of the photo to match is seen; takes 30 s at most.
    """
    query = _to_harmony_query(width, height, reference, style)
    result = transport.parse_object(_ask("/v1/harmonize", query, pixels + (reference or b"")))
    if not _is_harmony(result) or not isinstance(result.get("model"), str):
        raise transport.StrangeAnswer()
    return result


def ask_harmonies(
    pixels: bytes, width: int, height: int, reference: bytes | None, style: styles.Style, seed: int
) -> dict[str, Any]:
    """Ask for several harmonies to choose from; starts the server if none answers.

    Arguments and errors are those of `ask_harmony`; seed: a whole number from 0 to 2**31 - 1, from which the styles of
    all but the first are drawn.
    Returns the server's JSON answer: `proposals` is a list, not empty, of {"curves": …, "shading": …, "style": ten
    numbers}, each for `Harmony.from_json`; what looks like one before is not in it.  `model` is as for `ask_harmony`.
    """
    query = {**_to_harmony_query(width, height, reference, style), "styles": seed}
    result = transport.parse_object(_ask("/v1/harmonize", query, pixels + (reference or b"")))
    proposals = result.get("proposals")
    if not isinstance(proposals, list) or not proposals or not isinstance(result.get("model"), str):
        raise transport.StrangeAnswer()
    for entry in proposals:
        if not isinstance(entry, dict) or not styles.is_style(entry.get("style")):
            raise transport.StrangeAnswer()
        entry["shading"] = result.get("shading")  # which is sent once
        if not _is_harmony(entry):
            raise transport.StrangeAnswer()
    return result


class FoundLooks(NamedTuple):
    """The edits of each look at 100 %, the same kinds in the same order of application, by names in LOOKS or MATCH.

    model: name of the network, for people.
    """

    edits: dict[str, list[Edit]]
    model: str


def ask_retouch(
    picture: bytes, width: int, height: int, people: bool, reference: tuple[bytes, int, int] | None = None
) -> FoundLooks:
    """Ask for the edits that retouch a photograph, in each look; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M, of which the box that the mask covers is looked at, sides of 16 to 384
    pixels.  people: whether skin keeps its hue.  reference: R'G'B' bytes, width and height of another photograph, whose
    look is then among the answer's, as MATCH.
    Raises ServerError; takes 30 s at most.
    """
    query = {**_to_query(width, height), "people": int(people)}
    if reference is not None:
        query.update(reference_width=reference[1], reference_height=reference[2])
    answer = transport.parse_object(_ask("/v1/retouch", query, picture + (reference[0] if reference else b"")))
    names = LOOKS if reference is None else (*LOOKS, MATCH)
    try:
        found = {name: from_json(answer["looks"][name]) for name in names}
    except (EditError, KeyError, TypeError):
        raise transport.StrangeAnswer() from None
    model = answer.get("model")
    kinds = {tuple(edit.name for edit in edits) for edits in found.values()}
    if len(kinds) != 1 or not isinstance(model, str):
        raise transport.StrangeAnswer()
    return FoundLooks(found, model)


def ask_refined(picture: bytes, width: int, height: int, radius: float) -> bytes:
    """Ask for the mask moved to the object's edge; starts the server if none answers.

    picture: width * height * 4 bytes R'G'B'M, sides of 1 to 2048 pixels.  radius: 1 to 256 pixels, larger than the
    mask's error.  Returns width * height 16-bit values, little-endian.  The result in a tile of a larger picture, at
    least 4 * radius from the tile's edges, is the larger picture's if the tile starts at multiples of 64 pixels.
    Raises ServerError; takes 30 s at most.
    """
    size = width * height * 2
    answer = _ask(
        "/v1/refine", {"width": width, "height": height, "radius": radius}, picture, max(size, transport.ANSWER_BYTES)
    )
    if len(answer) != size:
        raise transport.StrangeAnswer()
    return answer


def ask_saliency(picture: bytes, width: int, height: int) -> bytes:
    """Ask for the saliency map of width * height * 3 bytes R'G'B'; returns width * height grey bytes.

    Starts the server if none answers.  Raises ServerError; takes 30 s at most.
    """
    answer = _ask("/v1/saliency", {"width": width, "height": height}, picture)
    if len(answer) != width * height:
        raise transport.StrangeAnswer()
    return answer


def _decode(text: str) -> bytes:
    """The bytes that JSON holds as text.  Raises TypeError or ValueError where it is none of ours."""
    return base64.b64decode(text, validate=True)


def _to_query(width: int, height: int) -> dict[str, Any]:
    """The picture's size as parameters."""
    return {"width": width, "height": height}


def _to_harmony_query(width: int, height: int, reference: bytes | None, style: styles.Style) -> dict[str, Any]:
    """What is asked of a harmony: what is as usual is left out."""
    query = _to_query(width, height)
    if reference is not None:
        query["reference"] = 1
    if style:
        query["style"] = write_style(style)
    return query


def _ask(address: str, query: dict[str, Any], body: bytes, limit: int = transport.ANSWER_BYTES) -> bytes:
    """POST, starting or replacing the server where needed; the body of a good answer, of limit bytes at most."""
    path = f"{address}?{urlencode(query)}"
    deadline = time.monotonic() + lifecycle.START_LIMIT + transport.ANSWER_LIMIT
    for last in (False, True):
        timeout = min(transport.ANSWER_LIMIT, max(0.1, deadline - time.monotonic()))
        try:
            response, answer = transport.exchange("POST", path, body, timeout, limit)
        except ServerError as error:
            if last or not _can_start_anew(error):
                raise
        else:
            if response.status != 409 or last:  # 409: a server of another version
                break
            lifecycle.stop(version=response.headers.get(transport.VERSION_HEADER, ""))
        lifecycle.start()
    if response.status == 200:
        return answer
    sentence = transport.parse_object(answer).get("error")
    raise ServerError(_(sentence)) if sentence and isinstance(sentence, str) else transport.StrangeAnswer()


def _can_start_anew(error: ServerError) -> bool:
    """Whether a server that is started now may help where one did not answer; a frozen one is ended."""
    if isinstance(error, ServerLate):
        return bool(error.pid) and lifecycle.end_silent(error.pid)
    return isinstance(error, NoServer)


def _has_edits(answer: dict[str, Any], background: bool) -> bool:
    return isinstance(answer.get("edits"), list) and (not background or isinstance(answer.get("background"), list))


def _is_proposal(entry: Json, background: bool) -> bool:
    """Whether an entry of the server's `proposals` has the form that `ask_proposals` promises."""
    if not isinstance(entry, dict) or not isinstance(entry.get("order"), str):
        return False
    if not styles.is_style(entry.get("style")):
        return False
    figures = [entry.get(name) for name in ("saliency", "realism")]
    pairs = all(
        isinstance(pair, dict) and _is_share(pair.get("before")) and _is_share(pair.get("after")) for pair in figures
    )
    return pairs and _has_edits(entry, background)


def _is_harmony(value: Json) -> bool:
    try:
        Harmony.from_json(value)
    except HarmonyError:
        return False
    return True


def _is_share(value: Json) -> bool:
    return _is_number(value, 0, 1.01)  # sums are rounded


def _is_number(value: Json, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
