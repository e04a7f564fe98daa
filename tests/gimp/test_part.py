# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dialog reads of a part of the picture, in real GIMP: the picture's own pixels."""

from __future__ import annotations

from typing import Any

from tests.conftest import GimpForTests


def run(gimp: GimpForTests, call: str) -> Any:
    return gimp.run(f"import inside_part\nresult = inside_part.{call}")


def test_a_part_is_what_gimp_shows_there(gimp: GimpForTests) -> None:
    """Alone, below other layers, with an edit, through transparent pixels, and with the selection as mask."""
    found = run(gimp, "differences()")
    assert len(found) == 16
    for name, (colours, mask) in found.items():
        assert colours <= 1, f"{name}: colours"
        assert mask <= 1, f"{name}: mask"


def test_a_part_may_be_smaller_than_it_is(gimp: GimpForTests) -> None:
    width, height, difference = run(gimp, "smaller()")
    assert (width, height) == (40, 30)
    assert difference < 0.004
