# SPDX-License-Identifier: GPL-3.0-or-later
"""The state behind the dialog of Harmonize Layer, without GIMP and without GTK."""

from __future__ import annotations

from typing import Any

import pytest

from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.harmony import INPUTS, Harmony, HarmonyRequest
from gimp_saliency.ui.harmony_session import HarmonySession, is_little

BRIGHT = Harmony(*[tuple(x**0.7 for x in INPUTS), tuple(x**0.8 for x in INPUTS), tuple(x**0.9 for x in INPUTS)])


class Desk:
    """Answers questions when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Any]] = []
        self.calls: list[str] = []

    def ask(self, _name: str, question: Any, deliver: Any) -> None:
        self.asked.append((question, deliver))

    def answer(self) -> None:
        """The oldest question, as the other thread would."""
        question, deliver = self.asked.pop(0)
        try:
            deliver(question())
        except Exception as error:
            deliver(error)

    def call(self, name: str, answer: Any) -> Any:
        """A question that notes that it was asked."""

        def question() -> Any:
            self.calls.append(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return question


def make(
    desk: Desk, first: Any = (BRIGHT, "test"), again: Any = (BRIGHT, "again"), gray: bool = False
) -> HarmonySession:
    return HarmonySession(HarmonyRequest(), gray, desk.ask, desk.call("again", again), desk.call("first", first))


def test_nothing_can_be_applied_before_the_answer() -> None:
    desk = Desk()
    session = make(desk)
    changes: list[None] = []
    session.changed.connect(lambda: changes.append(None))
    session.begin()
    assert not session.is_applicable and session.answer is None
    assert not session.find_harmony().has_curves()
    desk.answer()
    assert session.is_applicable and session.answer == (BRIGHT, "test")
    assert len(changes) == 1 and desk.calls == ["first"]


def test_strengths_need_no_new_answer() -> None:
    desk = Desk()
    session = make(desk)
    session.begin()
    desk.answer()
    full = session.find_harmony()
    session.change_setting(HarmonyRequest(50, 100, 100))
    half = session.find_harmony()
    assert not desk.asked
    for x, whole, part in zip(INPUTS, full.red, half.red):
        assert part - x == pytest.approx((whole - x) / 2)
    session.change_setting(HarmonyRequest(100, 0, 100))
    assert not session.find_harmony().has_curves()
    assert session.answer == (BRIGHT, "test")  # OK applies the prediction, and the settings beside it


@pytest.mark.parametrize(
    ("request_", "wants"),
    [
        (HarmonyRequest(), True),
        (HarmonyRequest(0), False),
        (HarmonyRequest(100, 0, 0), False),
        (HarmonyRequest(1, 0, 1), True),
        (HarmonyRequest(1, 1, 0), True),
    ],
)
def test_of_no_strength_nothing_is_wanted(request_: HarmonyRequest, wants: bool) -> None:
    session = make(Desk())
    session.change_setting(request_)
    assert session.wants_any() is wants


def test_gray_pictures_get_one_curve() -> None:
    desk = Desk()
    session = make(desk, gray=True)
    session.begin()
    desk.answer()
    assert len(set(session.find_harmony().curves())) == 1


def test_a_failure_is_said_and_can_be_tried_again() -> None:
    desk = Desk()
    session = make(desk, first=UserError("The server sleeps."))
    session.begin()
    desk.answer()
    assert session.sentence == "The server sleeps." and not session.is_applicable
    session.try_again()
    assert session.sentence == ""
    desk.answer()
    assert session.answer == (BRIGHT, "again") and desk.calls == ["first", "again"]


def test_predicted_again_replaces_what_there_was() -> None:
    """As when a harmony is adjusted: until the answer comes, nothing can be applied."""
    desk = Desk()
    other = Harmony(INPUTS, INPUTS, tuple(x**2 for x in INPUTS))
    session = make(desk, again=(other, "again"))
    applicable: list[bool] = []
    session.is_applicable_changed.connect(applicable.append)
    session.begin()
    desk.answer()
    session.change_setting(HarmonyRequest(50, 100, 100))
    session.try_again()
    assert not session.is_applicable and session.answer == (BRIGHT, "test")
    desk.answer()
    assert applicable == [False, True, False, True]
    assert session.answer == (other, "again") and session.request == HarmonyRequest(50, 100, 100)
    assert session.find_harmony() == HarmonyRequest(50, 100, 100).scale(other, gray=False)


def test_a_failure_to_predict_again_leaves_what_there_was() -> None:
    desk = Desk()
    session = make(desk, again=UserError("The server sleeps."))
    session.begin()
    desk.answer()
    before = session.find_harmony()
    session.try_again()
    desk.answer()
    assert session.sentence == "The server sleeps." and session.is_applicable
    assert session.answer == (BRIGHT, "test") and session.find_harmony() == before


def test_only_the_newest_answer_counts() -> None:
    desk = Desk()
    session = make(desk)
    session.begin()
    session.try_again()
    desk.answer()
    assert session.answer is None
    desk.answer()
    assert session.answer == (BRIGHT, "again")


def test_little_is_what_nobody_sees_inside_the_mask() -> None:
    before = bytes([100, 100, 100] * 4)
    inside, outside = bytearray(before), bytearray(before)
    inside[0:3], outside[9:12] = b"\xff" * 3, b"\xff" * 3
    mask = b"\xff\xff\0\0"
    assert is_little(before, before, mask)
    assert is_little(before, bytes(outside), mask)
    assert not is_little(before, bytes(inside), mask)
    assert is_little(before, bytes(value + 2 for value in before), mask)
