# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there was anything to do."""

from __future__ import annotations

# Mean of what changes in the region, of values 0..255, below which people see no difference.
_LITTLE = 3.0
_ENOUGH = 5000  # pixels to look at; of more, some are left out evenly, as Python takes its time


def is_little(before: bytes, after: bytes, mask: bytes) -> bool:
    """Whether hardly anything changes where the mask is: R'G'B' bytes of a picture before and after."""
    covered = [3 * place for place, value in enumerate(mask) if value > 127]
    covered = covered[:: 1 + len(covered) // _ENOUGH]
    total = sum(abs(after[each + k] - before[each + k]) for each in covered for k in range(3))
    return total < _LITTLE * 3 * max(1, len(covered))
