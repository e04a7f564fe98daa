# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tests/typings/generate.py.
# mypy: disable-error-code="misc, override"
from typing import Final

from gi.repository import GObject

class EllipsizeMode(GObject.GEnum):
    NONE: Final[EllipsizeMode]
    START: Final[EllipsizeMode]
    END: Final[EllipsizeMode]

class Style(GObject.GEnum):
    NORMAL: Final[Style]
    ITALIC: Final[Style]

class Weight(GObject.GEnum):
    NORMAL: Final[Weight]
    BOLD: Final[Weight]

class WrapMode(GObject.GEnum):
    WORD: Final[WrapMode]
    WORD_CHAR: Final[WrapMode]
    NONE: Final[WrapMode]
