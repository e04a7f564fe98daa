# SPDX-License-Identifier: GPL-3.0-or-later
"""The sRGB transfer function, for values from 0 to 1."""

from __future__ import annotations


def decode(value: float) -> float:
    """Linear light of a display-encoded value."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def encode(light: float) -> float:
    """The display-encoded value of linear light."""
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
