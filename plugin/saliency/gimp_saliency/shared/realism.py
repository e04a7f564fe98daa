# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of the critic's verdict means."""

from __future__ import annotations

# Below this a region has little realism to lose, and each part of it counts for more.
_FULL = 0.5

# Below this the critic takes a region for edited that nobody has touched, and what it says of an edit means little.
DOUBTFUL = 0.2

_LEAST = 0.01  # what the networks' precision leaves of a verdict


def measure_loss(before: float, after: float) -> float:
    """How much of its realism an edit costs a region: what the critic says before and after, both 0..1."""
    return (before - after) / min(1.0, max(before, _LEAST) / _FULL)
