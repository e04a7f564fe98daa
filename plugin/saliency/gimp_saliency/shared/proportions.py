# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two pictures have the same shape, whatever their sizes."""

from __future__ import annotations

_SHARE = 0.005  # of a side; by what sizes may differ that programs have rounded
_PIXELS = 1.0


def has_shape(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether a width and height can be those of another picture scaled."""
    width, height = size
    expected = width * wanted[1] / wanted[0]
    other = height * wanted[0] / wanted[1]
    return _is_near(height, expected) or _is_near(width, other)


def _is_near(value: int, expected: float) -> bool:
    return abs(value - expected) <= max(_PIXELS, _SHARE * expected)
