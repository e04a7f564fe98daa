# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tests/typings/generate.py.
# mypy: disable-error-code="misc, override"
from gi.repository import GObject

class FrameClock(GObject.Object): ...
