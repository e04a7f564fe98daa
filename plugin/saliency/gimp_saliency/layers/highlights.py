# SPDX-License-Identifier: GPL-3.0-or-later
"""Light beyond white: GIMP's curves cut it off, all other filters keep it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gi.repository import Gimp

from ..image.floats import exceeds_white
from ..shared.edits import KINDS
from ..shared.request import EditRequest
from ..shared.words import _

CURVED = frozenset(name for name, kind in KINDS.items() if kind.is_curved)


def find_clipped(layer: Gimp.Layer, request: EditRequest) -> frozenset[str]:
    """The kinds of a request that would make all that is lighter than white, where an edit is to go, just white."""
    wanted = request.kinds & CURVED
    return wanted if wanted and exceeds_white(layer, request.background) else frozenset()


def spare_highlights(layer: Gimp.Layer, request: EditRequest) -> EditRequest:
    """The request without the kinds that would clip."""
    return replace(request, kinds=request.kinds - find_clipped(layer, request))


@contextmanager
def switch_clipping_off(config: Gimp.ProcedureConfig, layer: Gimp.Layer, request: EditRequest) -> Iterator[bool]:
    """Let the arguments of a request have the kinds that would clip switched off in this block; whether any were on.

    Afterwards they are on again: for other pictures they are good.
    """
    off = find_clipped(layer, request)
    for name in off:
        config.set_property(name, False)
    try:
        yield bool(off)
    finally:
        for name in off:
            config.set_property(name, True)


def explain_sparing() -> str:
    """Why kinds are left out, one sentence."""
    return _("Parts are lighter than white: contrast, tone and curves, which would cut that off, are left out.")


def offer_sparing() -> str:
    """What the user is to know of that before an edit, one sentence."""
    return _("Parts are lighter than white: contrast, tone and curves would cut that off, and are switched off.")
