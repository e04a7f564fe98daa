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

_GAIN = 2  # of a change
_LESS, _NONE, _MORE = (40, 150, 255), (24, 24, 28), (255, 150, 20)  # of what changes


def colour_heat(values: bytes) -> bytes:
    """R'G'B' bytes of grey values: dark violet, red, orange, yellow, white."""
    colours = bytearray(3 * len(values))
    for channel in range(3):
        colours[channel::3] = values.translate(_ramp(channel))
    return bytes(colours)


def scale_values(values: bytes, factor: float) -> bytes:
    """Values from 0 to 255 times a factor, at most 255."""
    return values.translate(bytes(min(255, round(factor * value)) for value in range(256)))


def measure_change(before: bytes, after: bytes) -> bytes:
    """What changes from one map of attention to another of its size: 128 stands for nothing."""
    return bytes(min(255, max(0, 128 + _GAIN * (b - a))) for a, b in zip(before, after))


def colour_change(values: bytes) -> bytes:
    """R'G'B' bytes of changes as `measure_change` gives them: blue for less, dark for none, orange for more."""
    colours = bytearray(3 * len(values))
    for channel in range(3):
        less, none, more = _LESS[channel], _NONE[channel], _MORE[channel]
        ramp = [round(none + (less - none) * (128 - value) / 128) for value in range(128)]
        ramp += [round(none + (more - none) * (value - 128) / 127) for value in range(128, 256)]
        colours[channel::3] = values.translate(bytes(ramp))
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
