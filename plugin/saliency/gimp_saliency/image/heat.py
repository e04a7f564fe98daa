# SPDX-License-Identifier: GPL-3.0-or-later
"""Attention as heat colours, in sRGB."""

from __future__ import annotations

# Heat colours in sRGB from no attention to most, about 14 steps of CIE lightness apart.
_STOPS = (
    (20, 0, 56),
    (86, 10, 108),
    (158, 20, 92),
    (214, 52, 44),
    (240, 112, 10),
    (252, 168, 20),
    (255, 214, 84),
    (255, 255, 255),
)


def colour_heat(values: bytes) -> bytes:
    """R'G'B' bytes of grey values: dark violet, red, orange, yellow, white."""
    colours = bytearray(3 * len(values))
    for channel in range(3):
        colours[channel::3] = values.translate(_ramp(channel))
    return bytes(colours)


def _ramp(channel: int) -> bytes:
    """One channel of the heat colours, for 256 values."""
    ramp = bytearray()
    for value in range(256):
        position = value / 255 * (len(_STOPS) - 1)
        stop = min(int(position), len(_STOPS) - 2)
        low, high = _STOPS[stop][channel], _STOPS[stop + 1][channel]
        ramp.append(round(low + (high - low) * (position - stop)))
    return bytes(ramp)
