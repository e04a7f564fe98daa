# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GIMP runs: 3.2 is the home, 3.0 is served.

Two places need to know: layers/methods.py, which chooses how an edit is made, and thumbnail.py, since the two hand out
thumbnails in different formats.
"""

from __future__ import annotations

from gi.repository import Gimp

GIMP_32 = (Gimp.MAJOR_VERSION, Gimp.MINOR_VERSION) >= (3, 2)
