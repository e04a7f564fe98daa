# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dialog shows is what the edit makes: region, background, parts and soft edges, in colour and gray."""

from __future__ import annotations

import pytest

from tests.conftest import GimpForTests


@pytest.mark.parametrize("base", ["RGB", "GRAY"])
def test_views_show_what_will_be(gimp: GimpForTests, base: str) -> None:
    found = gimp.run(f"import inside_preview\nresult = inside_preview.differences({base!r})")
    assert len(found) == 7
    assert max(found.values()) <= 1, found


def test_views_forget_what_they_have_shown(gimp: GimpForTests) -> None:
    found = gimp.run("import inside_preview\nresult = inside_preview.step_by_step()")
    assert len(found) == 20
    assert max(found) <= 1, found


def test_views_can_be_left_off(gimp: GimpForTests) -> None:
    """What was rendered of a view when a hand moved again is not seen later."""
    found = gimp.run("import inside_preview\nresult = inside_preview.left_off()")
    assert len(found) == 7
    assert max(found.values()) == 0, found


@pytest.mark.parametrize("is_sharpened", [False, True])
def test_a_moved_view_renders_only_what_is_new(gimp: GimpForTests, is_sharpened: bool) -> None:
    first, *moved, elsewhere = gimp.run(f"import inside_preview\nresult = inside_preview.panned({is_sharpened})")
    assert len(moved) == 3
    assert max(each["difference"] for each in (first, *moved, elsewhere)) <= 1
    assert first["share"] > 0.5
    assert max(each["share"] for each in moved) < 0.5
