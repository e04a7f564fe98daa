# SPDX-License-Identifier: GPL-3.0-or-later
"""A call of a menu entry, in any of GIMP's run modes."""

from __future__ import annotations

from typing import NamedTuple

from gi.repository import Gimp


class Cancelled(Exception):
    """The user closed the dialog."""


class Call(NamedTuple):
    """What GIMP calls a procedure with."""

    procedure: Gimp.Procedure
    run_mode: Gimp.RunMode
    image: Gimp.Image
    drawables: list[Gimp.Drawable]
    config: Gimp.ProcedureConfig

    @property
    def has_window(self) -> bool:
        """Whether the user is to be asked."""
        return bool(self.run_mode == Gimp.RunMode.INTERACTIVE)

    @property
    def is_scripted(self) -> bool:
        """Whether no user waits for it."""
        return bool(self.run_mode == Gimp.RunMode.NONINTERACTIVE)

    def title(self) -> str:
        """The menu label without mnemonic and ellipsis."""
        return str(self.procedure.get_menu_label()).replace("_", "").rstrip(" …")
