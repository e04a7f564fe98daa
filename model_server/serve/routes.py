# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model server can be asked for: a function for each address, which checks its query and gives the answer."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gimp_saliency.shared import edits, version
from gimp_saliency.shared.choices import WIDEST, Edge
from gimp_saliency.shared.client import transport
from gimp_saliency.shared.request import DEFAULTS
from gimp_saliency.shared.words import N_
from model_server.serve import memory
from model_server.serve.messages import Answer, Refusal, Request
from model_server.serve.query import (
    PART_SIDES,
    SIDES,
    TILE_SIDES,
    check_names,
    parse_choice,
    parse_edit_request,
    parse_side,
    parse_style,
    parse_switch,
    parse_whole,
    parse_within,
    read_cut_out,
    read_pair,
    read_picture,
    read_region,
    read_with_reference,
    split_target,
    to_query,
)
from model_server.serve.worker import Busy, Worker

if TYPE_CHECKING:
    from model_server.predict.attention import Prediction
    from model_server.predict.harmonizer import StyledHarmony
    from model_server.predict.predictor import Predictor

log = logging.getLogger(__name__)

T = TypeVar("T")

SEEDS = range(2**31)
RADII = (1.0, 256.0)  # pixels
PREDICT_LIMIT = transport.ANSWER_LIMIT - 1.0  # seconds, queue included: the client hears of it before it gives up

_LARGE = threading.BoundedSemaphore(4)  # tiles of up to 16 MB that may be in memory at once
_PARTS = threading.BoundedSemaphore(16)  # parts of pictures of up to 4 MB
_PATIENCE = 3.0  # seconds that one more part waits for its turn: as many come at once as a folder's job has GIMPs


class Service(Protocol):
    """What the answers need of the server."""

    worker: Worker
    log_path: Path
    idle: float  # seconds without a request after which it ends
    started: float  # of time.monotonic

    def stop(self) -> None:
        """End it soon."""


@dataclass(frozen=True)
class Context:
    """One request to one server."""

    request: Request
    query: Mapping[str, str]
    service: Service

    def predict(self, job: Callable[[Predictor], T]) -> T:
        """The result of job(predictor), in the worker's thread.  Raises Refusal."""
        worker = self.service.worker
        try:
            return worker.run(job, PREDICT_LIMIT)
        except Busy:
            raise _make_busy() from None
        except Exception as error:
            failed = worker.state()
            if failed["state"] != "ready":  # the networks: the loader's sentence
                raise Refusal(503, failed.get("error", "")) from error
            log.exception("prediction failed")
            reason = type(error).__name__
            raise Refusal(500, f"The prediction failed ({reason}); see the log, {self.service.log_path}.") from error

    def judge(self, job: Callable[[Predictor], dict[str, Any]]) -> Answer:
        """What job(predictor) finds, with what the answers of the networks have in common.  Raises Refusal.

        `model` is the edit network where job does not name another one.
        """
        started = time.monotonic()
        found = self.predict(job)
        milliseconds = round(1000 * (time.monotonic() - started), 1)
        model = self.service.worker.state().get("model", "")
        return Answer.from_json({"model": model, **found, "milliseconds": milliseconds})


def find_answer(request: Request, service: Service) -> Answer:
    """The answer to any request.  Raises Refusal, or socket.timeout if its body comes too slowly."""
    path, fields = split_target(request.target)
    if path not in _ROUTES:
        raise Refusal(404, "There is no such address; docs/protocol.md has the requests.")
    method, answer = _ROUTES[path]
    if request.method != method:
        raise Refusal(405, f"{path} takes {method} only.", {"Allow": method})
    context = Context(request, to_query(fields), service)
    if path not in _FOR_ANY_VERSION:
        _check_version(request)
    return answer(context)


def answer_edits(context: Context) -> Answer:
    """POST /v1/edits: the edits that move attention, and how far."""
    query = {"figures": "1", **DEFAULTS, **context.query}
    check_names(query, "direction", "order", "width", "height", "figures", *DEFAULTS)
    wanted = parse_edit_request(query)
    figures = parse_switch(query, "figures")
    picture = read_region(context.request, query)
    return context.judge(
        lambda predictor: _describe(predictor.attention.predict_edits(picture.to_array(), wanted, figures))
    )


def answer_proposals(context: Context) -> Answer:
    """POST /v1/proposals: several edits to choose from, the most real one first."""
    query = {**DEFAULTS, **context.query}
    seed = _take_seed(query)
    check_names(query, "direction", "width", "height", *DEFAULTS)
    wanted = parse_edit_request(query)
    picture = read_region(context.request, query)

    def job(predictor: Predictor) -> dict[str, Any]:
        found = predictor.attention.propose(picture.to_array(), wanted, seed)
        rows = [{"order": order.value, **_describe(each), "style": list(each.style)} for order, each in found.items()]
        return {"proposals": rows}

    return context.judge(job)


def answer_look(context: Context) -> Answer:
    """POST /v1/look: how much attention a region draws, how real it looks, and where people look.

    With `original`, the picture before an edit follows, and the answer says how much of a border the edit shows.
    """
    query = {"original": "0", **context.query}
    check_names(query, "width", "height", "original")
    has_original = parse_switch(query, "original")
    picture, original = (
        read_pair(context.request, query) if has_original else (read_region(context.request, query), None)
    )

    def job(predictor: Predictor) -> dict[str, Any]:
        found = predictor.attention.look(picture.to_array(), None if original is None else original.to_array())
        grey = _to_text(found.grey.tobytes())
        figures = {"saliency": found.saliency, "viewers": found.viewers, "realism": found.realism}
        figures |= {"map": grey, "peak": found.peak}
        return figures if found.border is None else {**figures, "border": found.border}

    return context.judge(job)


def answer_saliency(context: Context) -> Answer:
    """POST /v1/saliency: where people look, 0 to 255."""
    check_names(context.query, "width", "height")
    picture = read_picture(context.request, context.query, 3)
    return Answer(
        context.predict(lambda predictor: predictor.attention.map_saliency(picture.to_array()).tobytes()),
        "application/octet-stream",
    )


def answer_edge(context: Context) -> Answer:
    """POST /v1/edge: what becomes of a selection's edge, and the mask that this gives."""
    query = {"radius": "0", "grow": "0", **context.query}
    check_names(query, "width", "height", "edge", "radius", "grow")
    edge = Edge(parse_choice(query, "edge", [each.value for each in Edge]))
    radius, grow = (parse_within(query, name, 0.0, WIDEST) for name in ("radius", "grow"))
    pixels = parse_side(query, "width", PART_SIDES) * parse_side(query, "height", PART_SIDES)
    with _make_room(pixels, _PARTS, _PATIENCE):
        picture = read_region(context.request, query, PART_SIDES)

        def job(predictor: Predictor) -> dict[str, Any]:
            found = predictor.fitting.find_edge(picture.to_array(), edge, radius, grow)
            result: dict[str, Any] = {"edge": found.edge.value, "mask": _to_text(found.mask.tobytes())}
            if found.expected is not None:
                result["expected"] = {"fitted": found.expected[0], "selected": found.expected[1]}
            return result

        return context.judge(job)


def answer_harmonize(context: Context) -> Answer:
    """POST /v1/harmonize: the curves and the shading with which a cut-out matches the photo below it.

    With `reference`, the part of the photo to match follows, a byte a pixel.  With `styles`, a seed, several curves to
    choose from, the first in the style that is asked for.
    """
    query = {"reference": "0", "style": DEFAULTS["style"], **context.query}
    seed = _take_seed(query)
    check_names(query, "width", "height", "reference", "style")
    style = parse_style(query)
    picture, reference = read_cut_out(context.request, query)

    def job(predictor: Predictor) -> dict[str, Any]:
        harmonizer = predictor.harmonizer
        asked = picture.to_array(), None if reference is None else reference.to_array()[:, :, 0], style
        if seed is None:
            found = harmonizer.predict_harmony(*asked).to_json()
        else:
            found = _describe_harmonies(harmonizer.propose(*asked, seed))
        return {**found, "model": harmonizer.model}

    return context.judge(job)


def answer_retouch(context: Context) -> Answer:
    """POST /v1/retouch: the edits that retouch a photograph, in each look.

    With `reference_width` and `reference_height` another photograph follows, and its look is added.
    """
    query = {"people": "1", "reference_width": "", "reference_height": "", **context.query}
    check_names(query, "width", "height", "people", "reference_width", "reference_height")
    people = parse_switch(query, "people")
    picture, reference = read_with_reference(context.request, query)

    def job(predictor: Predictor) -> dict[str, Any]:
        retoucher = predictor.retoucher
        other = None if reference is None else reference.to_array()
        found = retoucher.predict_looks(picture.to_array(), people, other)
        looks = {name: edits.to_json(each) for name, each in found.items()}
        return {"looks": looks, "model": retoucher.model}

    return context.judge(job)


def answer_refine(context: Context) -> Answer:
    """POST /v1/refine: the mask, moved to the object's edge; 16 bits a pixel, little-endian."""
    query = context.query
    check_names(query, "width", "height", "radius")
    radius = parse_within(query, "radius", *RADII)
    pixels = parse_side(query, "width", TILE_SIDES) * parse_side(query, "height", TILE_SIDES)
    with _make_room(pixels, _LARGE):
        picture = read_picture(context.request, query, 4, TILE_SIDES)

        def job(_predictor: Predictor) -> bytes:
            from model_server.predict.edge import refine_mask  # numpy: see Picture.to_array

            return bytes(refine_mask(picture.to_array(), radius).astype("<u2").tobytes())

        return Answer(context.predict(job), "application/octet-stream")


def answer_health(context: Context) -> Answer:
    """GET /v1/health: how the server is, for every version of the client."""
    check_names(context.query)
    service = context.service
    state = service.worker.state()
    return Answer.from_json(
        {
            "version": version.VERSION,
            "pid": os.getpid(),
            "seconds": round(time.monotonic() - service.started, 1),
            "memory": memory.measure(),
            "idle_minutes": round(service.idle / 60, 2),
            "networks": service.worker.describe_networks(),
            **state,
        }
    )


def answer_stop(context: Context) -> Answer:
    """POST /v1/stop, for every version of the client; `version`: only if the server has this one."""
    query = {"version": version.VERSION, **context.query}
    check_names(query, "version")
    if query["version"] != version.VERSION:
        raise Refusal(409, f"This model server has version {version.VERSION}; it goes on.")
    context.service.stop()
    return Answer.from_json({"stopping": True})


_ROUTES: dict[str, tuple[str, Callable[[Context], Answer]]] = {
    "/v1/edge": ("POST", answer_edge),
    "/v1/edits": ("POST", answer_edits),
    "/v1/harmonize": ("POST", answer_harmonize),
    "/v1/proposals": ("POST", answer_proposals),
    "/v1/look": ("POST", answer_look),
    "/v1/refine": ("POST", answer_refine),
    "/v1/retouch": ("POST", answer_retouch),
    "/v1/saliency": ("POST", answer_saliency),
    "/v1/health": ("GET", answer_health),
    "/v1/stop": ("POST", answer_stop),
}
_FOR_ANY_VERSION = ("/v1/health", "/v1/stop")  # of the client


def _check_version(request: Request) -> None:
    theirs = request.headers.get(transport.VERSION_HEADER, version.VERSION)
    if theirs != version.VERSION:
        raise Refusal(
            409,
            f"The plug-in has version {theirs:.20}, the model server {version.VERSION}; "
            "run install.sh again and restart GIMP.",
        )


def _describe(found: Prediction) -> dict[str, Any]:
    """A prediction as JSON."""
    result: dict[str, Any] = {"edits": edits.to_json(found.edits), "border": found.border}
    if found.background is not None:
        result["background"] = edits.to_json(found.background)
    if found.figures:
        figures = found.figures
        result["saliency"] = {"before": figures.saliency_before, "after": figures.saliency_after}
        result["realism"] = {"before": figures.realism_before, "after": figures.realism_after}
    return result


def _describe_harmonies(found: Sequence[StyledHarmony]) -> dict[str, Any]:
    """Harmonies to choose from as JSON: the shading once, as all have the same."""
    rows = [{"curves": each.harmony.to_json()["curves"], "style": list(each.style)} for each in found]
    return {"proposals": rows, "shading": found[0].harmony.to_json()["shading"]}


def _take_seed(query: dict[str, str]) -> int | None:
    """The seed of the styles to sample, which is taken out of the query; None: there is none in it."""
    seed = parse_whole(query, "styles", SEEDS) if "styles" in query else None
    query.pop("styles", None)
    return seed


def _to_text(values: bytes) -> str:
    """Bytes as JSON holds them."""
    return base64.b64encode(values).decode("ascii")


@contextlib.contextmanager
def _make_room(pixels: int, room: threading.Semaphore, patience: float = 0.0) -> Iterator[None]:
    """Only as many large pictures are in memory at once as there is room for; one more waits for `patience` seconds.

    Raises Refusal.
    """
    if pixels <= SIDES[-1] ** 2:
        yield
        return
    if not room.acquire(timeout=patience):
        raise _make_busy()
    try:
        yield
    finally:
        room.release()


def _make_busy() -> Refusal:
    return Refusal(503, N_("The model server is busy; try again in a moment."), {"Retry-After": "5"})
