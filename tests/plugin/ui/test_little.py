# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an edit does anything worth speaking of: by what it changes in the region."""

from __future__ import annotations

import pytest

from gimp_saliency.ui.little import is_little

BEFORE = bytes([100]) * 12  # four grey pixels
WHOLE = bytes([255]) * 4


def change(*differences: int) -> bytes:
    """The picture with each pixel lighter by so much, or darker."""
    return bytes(100 + difference for difference in differences for _channel in range(3))


@pytest.mark.parametrize(
    ("differences", "little"),
    [((0, 0, 0, 0), True), ((2, 2, 2, 2), True), ((3, 3, 3, 3), False), ((-3, -3, -3, -3), False)],
)
def test_what_changes_by_three_values_is_seen(differences: tuple[int, ...], little: bool) -> None:
    assert is_little(BEFORE, change(*differences), WHOLE) is little


def test_the_mean_of_the_region_counts() -> None:
    """Lighter here and darker there are no less of a change."""
    assert is_little(BEFORE, change(11, 0, 0, 0), WHOLE) and not is_little(BEFORE, change(12, 0, 0, 0), WHOLE)
    assert not is_little(BEFORE, change(20, -20, 20, -20), WHOLE)


def test_one_channel_counts_for_a_third() -> None:
    blue = bytes(100 + 9 * (place % 3 == 2) for place in range(12))
    pale = bytes(100 + 8 * (place % 3 == 2) for place in range(12))
    assert not is_little(BEFORE, blue, WHOLE) and is_little(BEFORE, pale, WHOLE)


def test_what_is_hardly_selected_is_none_of_the_region() -> None:
    mask = bytes([255, 128, 127, 0])
    assert is_little(BEFORE, change(0, 0, 90, 90), mask)
    assert not is_little(BEFORE, change(3, 3, 0, 0), mask)


def test_of_an_empty_region_little_is_said() -> None:
    assert is_little(BEFORE, change(90, 90, 90, 90), bytes(4))
