# SPDX-License-Identifier: GPL-3.0-or-later
"""The state behind the dialog of Harmonize Layer, without GIMP and without GTK."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gimp_saliency.predict.harmony import PROPOSED, Predicted, predict_harmony, propose_harmonies
from gimp_saliency.shared import styles
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.harmony import INPUTS, Harmony, HarmonyRequest
from gimp_saliency.ui.harmony_session import HarmonyChoosing, HarmonySession
from gimp_saliency.ui.little import is_little

BRIGHT = Harmony(*[tuple(x**0.7 for x in INPUTS), tuple(x**0.8 for x in INPUTS), tuple(x**0.9 for x in INPUTS)])


class Desk:
    """Answers questions when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Any]] = []
        self.calls: list[str] = []
        self.styles: list[str | None] = []  # of each call
        self.seeds: list[int | None] = []

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
        """A question that notes that it was asked, and in which style."""

        def question(request: HarmonyRequest | None = None, seed: int | None = None) -> Any:
            self.calls.append(name)
            self.styles.append(request.style if request else None)
            self.seeds.append(seed)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return question


FIRST, AGAIN = Predicted(BRIGHT, "test"), Predicted(BRIGHT, "again")


def make(desk: Desk, first: Any = FIRST, again: Any = AGAIN, gray: bool = False) -> HarmonySession:
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
    assert session.is_applicable and session.answer == FIRST
    assert len(changes) == 1 and desk.calls == ["first"]


def test_strengths_need_no_new_answer() -> None:
    desk = Desk()
    session = make(desk)
    session.begin()
    desk.answer()
    full = session.find_harmony()
    session.change_setting("strength", HarmonyRequest(50, 100, 100))
    half = session.find_harmony()
    assert not desk.asked
    for x, whole, part in zip(INPUTS, full.red, half.red):
        assert part - x == pytest.approx((whole - x) / 2)
    session.change_setting("strength", HarmonyRequest(100, 0, 100))
    assert not session.find_harmony().has_curves()
    assert session.answer == FIRST  # OK applies the prediction, and the settings beside it


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
    session.change_setting("strength", request_)
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
    assert session.answer == AGAIN and desk.calls == ["first", "again"]


def test_predicted_again_replaces_what_there_was() -> None:
    """As when a harmony is adjusted: until the answer comes, nothing can be applied."""
    desk = Desk()
    other = Harmony(INPUTS, INPUTS, tuple(x**2 for x in INPUTS))
    session = make(desk, again=Predicted(other, "again"))
    applicable: list[bool] = []
    session.is_applicable_changed.connect(applicable.append)
    session.begin()
    desk.answer()
    session.change_setting("strength", HarmonyRequest(50, 100, 100))
    session.try_again()
    assert not session.is_applicable and session.answer == FIRST
    desk.answer()
    assert applicable == [False, True, False, True]
    assert session.answer == Predicted(other, "again") and session.request == HarmonyRequest(50, 100, 100)
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
    assert session.answer == FIRST and session.find_harmony() == before


def test_only_the_newest_answer_counts() -> None:
    desk = Desk()
    session = make(desk)
    session.begin()
    session.try_again()
    desk.answer()
    assert session.answer is None
    desk.answer()
    assert session.answer == AGAIN


# Proposals and styles

DARK = Harmony(*[tuple(x**1.5 for x in INPUTS)] * 3)
FADED, WARM = (0.5, *([0.0] * 9)), (0.0, -1.0, *([0.0] * 8))
ROW = {
    "predicted": FIRST,
    "style-1": Predicted(DARK, "test", FADED, True),
    "style-2": Predicted(BRIGHT, "test", WARM, True),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the saved styles."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "gimp-saliency"


def make_choosing(
    desk: Desk, first: Any = FIRST, again: Any = AGAIN, row: Any = ROW, style: str = ""
) -> HarmonyChoosing:
    """One that has begun; its first question is under way."""
    ask, propose, begun = desk.call("again", again), desk.call("propose", row), desk.call("first", first)
    session = HarmonyChoosing(HarmonyRequest(style=style), False, desk.ask, ask, propose, begun)
    session.begin()
    return session


def make_chosen(desk: Desk, **more: Any) -> HarmonyChoosing:
    """One that has its proposals."""
    session = make_choosing(desk, **more)
    desk.answer()
    desk.answer()
    return session


def test_proposals_come_after_the_harmony() -> None:
    """Always the same at first: what the user sees is to come again."""
    desk = Desk()
    session = make_choosing(desk)
    desk.answer()
    assert session.answer == FIRST and session.is_applicable and not session.proposals
    desk.answer()
    assert desk.calls == ["first", "propose"] and desk.seeds == [None, 0]
    assert session.proposals == ROW and session.chosen == "predicted" == PROPOSED[0]


def test_more_styles_are_others_at_each_click_and_leave_the_harmony() -> None:
    desk = Desk()
    session = make_chosen(desk)
    for _click in range(3):
        session.ask_for_styles()
        assert session.is_applicable
        desk.answer()
    seeds = desk.seeds[2:]
    assert len(set(seeds)) == 3 and all(seed is not None and 0 <= seed < 2**31 for seed in seeds)
    assert session.answer == FIRST and desk.calls.count("propose") == 4


def test_choosing_one_applies_its_curves() -> None:
    desk = Desk()
    session = make_chosen(desk)
    session.change_setting("strength", HarmonyRequest(50, 100, 100))
    changes: list[None] = []
    session.changed.connect(lambda: changes.append(None))
    session.choose("style-1")
    assert session.answer == ROW["style-1"] and session.chosen == "style-1" and len(changes) == 1
    assert session.find_harmony() == HarmonyRequest(50, 100, 100).scale(DARK, gray=False)
    assert session.style == FADED and session.can_save_style() and not desk.asked
    session.choose("predicted")
    assert session.answer == FIRST and not session.can_save_style()


def test_the_chosen_one_is_marked_among_new_ones_if_it_is_there() -> None:
    desk = Desk()
    session = make_chosen(desk)
    session.choose("style-1")
    session.take_proposals({"predicted": FIRST, "style-1": ROW["style-2"], "style-2": ROW["style-1"]})
    assert session.chosen == "style-2"
    session.take_proposals({"predicted": FIRST})
    assert session.chosen == "" and session.answer == ROW["style-1"], "what was chosen is gone"


def test_a_style_of_its_own_is_saved(folder: Path) -> None:
    """Among those of harmonies, and asked for from then on."""
    desk = Desk()
    session = make_chosen(desk)
    session.choose("style-1")
    told: list[Any] = []
    session.setting_changed.connect(lambda *values: told.append(values))
    session.styles_changed.connect(lambda *values: told.append(values))
    session.save_style("Faded")
    assert styles.HARMONIES.load_saved() == {"Faded": FADED} and not styles.EDITS.path.exists()
    assert told == [("style", "Faded"), (["Faded"], "Faded")]
    assert not desk.asked and session.answer == ROW["style-1"], "saving changed the harmony"
    session.try_again()
    desk.answer()
    assert desk.styles[-1] == "Faded"


def test_choosing_a_style_asks_anew(folder: Path) -> None:
    styles.HARMONIES.save("Faded", FADED)
    styles.EDITS.save("Of edits", WARM)
    desk = Desk()
    session = make_chosen(desk, again=Predicted(DARK, "again", FADED))
    told: list[Any] = []
    session.styles_changed.connect(lambda *values: told.append(values))
    session.choose_style("Faded")
    assert told == [(["Faded"], "Faded")] and not session.is_applicable and not session.proposals
    desk.answer()
    desk.answer()
    assert desk.calls[-2:] == ["again", "propose"] and desk.styles[-2:] == ["Faded", "Faded"]
    assert session.answer == Predicted(DARK, "again", FADED) and session.style == FADED
    assert session.chosen == "predicted"


def test_a_style_from_a_preset_asks_anew_and_strengths_do_not(folder: Path) -> None:
    styles.HARMONIES.save("Faded", FADED)
    desk = Desk()
    session = make_chosen(desk)
    told: list[Any] = []
    session.setting_changed.connect(lambda *values: told.append(values))
    session.change_setting("colour", HarmonyRequest(100, 50, 100))
    assert not desk.asked
    session.change_setting("style", HarmonyRequest(100, 50, 100, "Faded"))
    assert len(desk.asked) == 2 and not told
    assert session.request == HarmonyRequest(100, 50, 100, "Faded")


def test_a_failure_to_propose_leaves_the_harmony(folder: Path) -> None:
    desk = Desk()
    session = make_chosen(desk, row=UserError("The server sleeps."))
    assert session.sentence == "The server sleeps." and session.is_applicable and session.answer == FIRST


def test_damaged_styles_are_told_and_allow_nothing(folder: Path) -> None:
    """As long as nothing has come."""
    folder.mkdir()
    (folder / "harmony-styles.json").write_text("no JSON")
    session = make_choosing(Desk())
    session.list_styles()
    assert "damaged" in session.sentence and not session.is_applicable


CUTOUT: Any = SimpleNamespace(pixels=bytes(1024), width=16, height=16, reference=bytes(256))


def test_the_server_is_asked_in_the_style(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    styles.HARMONIES.save("Faded", FADED)
    asked: list[Any] = []

    def ask(*question: Any) -> dict[str, Any]:
        asked.append(question)
        return {**DARK.to_json(), "model": "test"}

    monkeypatch.setattr(questions, "ask_harmony", ask)
    found = predict_harmony(CUTOUT, HarmonyRequest(style="Faded"))
    assert asked == [(CUTOUT.pixels, 16, 16, CUTOUT.reference, FADED)]
    assert (found.model, found.style, found.is_own_style) == ("test", FADED, False)
    assert predict_harmony(CUTOUT, HarmonyRequest()).style == ()
    assert predict_harmony(CUTOUT, HarmonyRequest(style_numbers=WARM)).style == WARM, "the record's, without a name"
    with pytest.raises(UserError, match="There is no style «Gone»"):
        predict_harmony(CUTOUT, HarmonyRequest(style="Gone"))
    assert len(asked) == 3


def test_what_the_server_proposes_gets_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    styles.HARMONIES.save("Faded", FADED)
    asked: list[Any] = []

    def ask(*question: Any) -> dict[str, Any]:
        asked.append(question)
        rows = [{**each.to_json(), "style": list(style)} for each, style in ((BRIGHT, FADED), (DARK, WARM))]
        return {"proposals": rows, "model": "test"}

    monkeypatch.setattr(questions, "ask_harmonies", ask)
    found = propose_harmonies(CUTOUT, HarmonyRequest(style="Faded"), 7)
    assert asked == [(CUTOUT.pixels, 16, 16, CUTOUT.reference, FADED, 7)]
    assert list(found) == ["predicted", "style-1"]
    assert [(each.style, each.is_own_style) for each in found.values()] == [(FADED, False), (WARM, True)]
    assert found["style-1"].harmony.to_json() == DARK.to_json() and found["style-1"].model == "test"


def test_little_is_what_nobody_sees_inside_the_mask() -> None:
    before = bytes([100, 100, 100] * 4)
    inside, outside = bytearray(before), bytearray(before)
    inside[0:3], outside[9:12] = b"\xff" * 3, b"\xff" * 3
    mask = b"\xff\xff\0\0"
    assert is_little(before, before, mask)
    assert is_little(before, bytes(outside), mask)
    assert not is_little(before, bytes(inside), mask)
    assert is_little(before, bytes(value + 2 for value in before), mask)
