# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers' locks: what they forbid GIMP refuses, some of it without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gi.repository import Gimp

from ..shared.errors import UserError
from ..shared.words import _


@contextmanager
def lift_locks(items: Iterable[Gimp.Layer]) -> Iterator[None]:
    """Let layers and all that is in them be shown, hidden, moved and resized in this block; then they are locked again.

    What is added or removed meanwhile is no matter.  Their pixels stay locked where they are.
    """
    found = [item for each in items for item in _list_items(each)]
    placed = [item for item in found if item.get_lock_position()]
    shown = [item for item in found if item.get_lock_visibility()]
    for item in placed:
        item.set_lock_position(False)
    for item in shown:
        item.set_lock_visibility(False)
    try:
        yield
    finally:
        for item in placed:
            if item.is_valid():
                item.set_lock_position(True)
        for item in shown:
            if item.is_valid():
                item.set_lock_visibility(True)


@contextmanager
def lift_all_locks(image: Gimp.Image) -> Iterator[None]:
    """Let everything be done to all layers in this block, to their pixels, too; then they are locked again."""
    layers = image.get_layers()
    locked = [item for each in layers for item in _list_items(each) if item.get_lock_content()]
    for item in locked:
        item.set_lock_content(False)
    try:
        with lift_locks(layers):
            yield
    finally:
        for item in locked:
            if item.is_valid():
                item.set_lock_content(True)


def insist(is_done: bool) -> None:
    """Raises UserError where GIMP did not do what it was told."""
    if not is_done:
        reason = str(Gimp.get_pdb().get_last_error()).strip().rstrip(".")
        message = _("GIMP refused to change a layer ({reason}): unlock it in the Layers dialog, then try again.")
        raise UserError(message.format(reason=reason))


def _list_items(item: Gimp.Layer) -> Iterator[Gimp.Layer]:
    yield item
    for child in item.get_children() if item.is_group() else ():
        yield from _list_items(child)
