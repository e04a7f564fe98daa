# SPDX-License-Identifier: GPL-3.0-or-later
"""Which method is used: live filters in GIMP 3.2, baked pixels in 3.0, where Python cannot handle live curves."""

from __future__ import annotations

from collections.abc import Iterable

from gi.repository import Gimp

from ..image.version import GIMP_32
from ..shared.errors import UserError
from ..shared.words import _
from .baked import Baked
from .harmony.baked import BakedHarmony
from .harmony.live import LiveHarmony
from .harmony.record import Harmonizer
from .live import Live
from .merged import Merged
from .method import Adder, Method
from .record import Role, read_role

_LIVE: Method = Live()
_MERGED: Adder = Merged()
_BAKED: Method = Baked(takes_light=not GIMP_32)


def choose_method() -> Method:
    """For a new edit."""
    return _LIVE if GIMP_32 else _BAKED


def choose_adder() -> Adder:
    """For a new edit of which no layers are kept."""
    return _MERGED if GIMP_32 else _BAKED


def choose_harmonizer() -> Harmonizer:
    """For a layer that is to be harmonized."""
    return LiveHarmony() if GIMP_32 else BakedHarmony(takes_light=True)


def find_method(layer: Gimp.Layer) -> Method:
    """That of the edit which a layer belongs to.  Raises UserError where this GIMP cannot change it."""
    if read_role(layer) != Role.ADJUSTMENT:
        return _BAKED
    if not GIMP_32:
        raise UserError(_("This edit was made in GIMP 3.2, and GIMP 3.0 cannot change it: adjust it in GIMP 3.2."))
    return _LIVE


def check_earlier_edits(edits: Iterable[Gimp.Layer]) -> None:
    """Raises UserError if a new edit cannot go on from those that are there."""
    if not GIMP_32 and any(read_role(layer) == Role.ADJUSTMENT for layer in edits):
        raise UserError(_("The photo has an edit of GIMP 3.2, which GIMP 3.0 cannot go on from: edit it in GIMP 3.2."))
