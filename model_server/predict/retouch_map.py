# SPDX-License-Identifier: GPL-3.0-or-later
"""What a retouch is made of, for server and training alike: its kinds of edit in their order, and the network's canvas.

In the order in which photographers work: light first, then colour, then curves.
"""

from __future__ import annotations

from model_server.predict.canvas import Format

CONDITION = 128  # numbers of the condition vector
ORDER = ("exposure", "white-balance", "saturation", "tone", "curves")
FORMAT = Format(128, 96, 32)
