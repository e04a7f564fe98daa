# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a GIMP with a window: opens a picture, then evaluates what the test sends, so the test sees all states.

Start with exec(…, {"ADDRESS": path of a socket to make, "SCENE": arguments of open_picture}).
"""

from __future__ import annotations

import hashlib
from multiprocessing.connection import Listener
from typing import Any

import inside
from gi.repository import Gimp, Gio


def open_picture(
    file: str = "",
    ellipse: tuple[int, int, int, int] = (120, 80, 200, 140),
    feather: float = 20,
    enlarged: tuple[int, int] | None = None,
    **options: Any,
) -> tuple[Gimp.Image, Gimp.Display]:
    """A picture with a selection, undo on, nothing to save, and its window: a file, or noise (see inside.picture)."""
    if file:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(file))
    else:
        image, _ = inside.picture(480, 320, **options)
    if enlarged:
        image.scale(*enlarged)
    inside.select(image, ellipse, feather)
    image.undo_enable()
    image.clean_all()
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    return image, display


def state(image: Gimp.Image) -> dict[str, Any]:
    """Everything that undo must restore and redo must bring back, but for the selection."""
    return {
        "layers": inside.tree(image),
        "pixels": hashlib.sha256(inside.visible(image)).hexdigest(),
        "channels": len(image.get_channels()),
        "dirty": image.is_dirty(),
    }


class Driver:
    """GIMP's side of the test: a picture, and what the test's expressions may use."""

    def __init__(self, scene: dict[str, Any]) -> None:
        self._names: dict[str, Any] = {"state": state, "inside": inside, "Gimp": Gimp, "show": self.show}
        self._display: Gimp.Display | None = None
        self.show(scene)

    def show(self, scene: dict[str, Any]) -> None:
        """Open a picture, in the place of the one before."""
        before = self._display
        self._names["image"], self._display = open_picture(**scene)
        if before is not None:
            before.delete()

    def serve(self, address: str) -> None:
        """Answer expressions with their values until the test says "quit"."""
        with Listener(address, "AF_UNIX") as listener, listener.accept() as connection:
            while (expression := connection.recv()) != "quit":
                try:
                    connection.send(eval(expression, self._names))
                except Exception as error:
                    connection.send(error)


Driver(globals()["SCENE"]).serve(globals()["ADDRESS"])
