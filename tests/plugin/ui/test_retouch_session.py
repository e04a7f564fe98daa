# SPDX-License-Identifier: GPL-3.0-or-later
"""The state behind the dialog of Retouch, without GIMP and without GTK."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gimp_saliency.predict.plan import Planned
from gimp_saliency.predict.retouch import Picture, plan_retouch, predict_looks, predict_retouch
from gimp_saliency.shared import styles
from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.client.questions import FoundLooks
from gimp_saliency.shared.edits import Contrast, Curves, Edit, Exposure, Saturation, Sharpening, Tone, WhiteBalance
from gimp_saliency.shared.errors import ServerError, UserError
from gimp_saliency.shared.request import EditRequest
from gimp_saliency.shared.retouch import MATCH, mix_looks, write_style
from gimp_saliency.ui.retouch_session import RetouchSession

OTHER: Picture = (bytes(768), 16, 16)
FIRST = FoundLooks(
    {
        name: [Exposure(number / 4), WhiteBalance(1, 1), Saturation(1), Tone.neutral(), Curves.neutral()]
        for number, name in enumerate(LOOKS)
    },
    "retouch-1 (01234567)",
)
MATCHED = FoundLooks({**FIRST.edits, MATCH: [Exposure(-1), *FIRST.edits["neutral"][1:]]}, "retouch-1 (01234567)")


class Server:
    """In the server's place: it keeps the questions, and the test answers them when it likes."""

    def __init__(self) -> None:
        self.asked: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
        self.predicted: list[tuple[EditRequest, Picture | None]] = []
        self.answer_: FoundLooks | Exception = FIRST

    def ask(self, _name: str, question: Callable[[], Any], deliver: Callable[[Any], None]) -> None:
        self.asked.append((question, deliver))

    def predict(self, request: EditRequest, reference: Picture | None) -> FoundLooks:
        self.predicted.append((request, reference))
        return self.bring()

    def bring(self) -> FoundLooks:
        if isinstance(self.answer_, Exception):
            raise self.answer_
        return self.answer_

    def answer(self, answer: FoundLooks | Exception = FIRST) -> None:
        """The oldest question, as the other thread would."""
        self.answer_ = answer
        question, deliver = self.asked.pop(0)
        try:
            deliver(question())
        except Exception as error:
            deliver(error)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the saved styles."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "gimp-saliency"


def begin(server: Server, is_gray: bool = False, **values: Any) -> RetouchSession:
    """One whose first question is under way."""
    request = EditRequest("retouch", tool="retouch", **values)
    session = RetouchSession(request, is_gray, server.ask, server.predict, server.bring)
    session.begin()
    return session


def answered(server: Server, **values: Any) -> RetouchSession:
    """One that has its looks."""
    session = begin(server, **values)
    server.answer()
    return session


def matching(server: Server, **values: Any) -> RetouchSession:
    """One that has the look of another photograph; as the dialog does, with the request that asks for it."""
    session = answered(server, **values)
    session.request = replace(session.request, look=MATCH)
    session.match(OTHER)
    server.answer(MATCHED)
    return session


def set_(session: RetouchSession, name: str, **values: Any) -> None:
    """As a control, a preset or a reset does."""
    session.change_setting(name, replace(session.request, **values))


def find_ev(plan: Sequence[Planned]) -> float:
    """The exposure, by which the looks here differ."""
    (planned,) = plan
    exposure = planned.edits[0]
    assert isinstance(exposure, Exposure)
    return exposure.ev


# Looks


def test_nothing_can_be_applied_before_the_answer(server: Server) -> None:
    session = begin(server, look="film")
    changes: list[None] = []
    session.changed.connect(lambda: changes.append(None))
    assert not session.is_applicable and not session.plan and not session.proposals
    server.answer()
    assert session.is_applicable and find_ev(session.plan) == 0.75 and len(changes) == 1
    assert not server.predicted, "it was asked twice"


def test_all_looks_are_offered_as_they_are(server: Server) -> None:
    """Whatever lies between: a picture in the row shows a whole look."""
    session = answered(server, look="film", base_look="warm", look_strength=50.0)
    assert list(session.proposals) == list(LOOKS) and session.chosen == "film"
    assert [find_ev(offer.plan) for offer in session.proposals.values()] == [0, 0.25, 0.5, 0.75, 1, 1.25]
    assert find_ev(session.plan) == 0.5
    assert not session.has_more_styles and not any(offer.is_own_style for offer in session.proposals.values())


@pytest.mark.parametrize(
    ("name", "values", "ev"),
    [
        ("look", {"look": "soft"}, 1.25),
        ("look-strength", {"look_strength": 50.0}, 0.375),
        ("look-strength", {"look_strength": 0.0}, 0),
        ("look-strength", {"look_strength": 150.0}, 1.125),
        ("base-look", {"base_look": "soft", "look_strength": 50.0}, 1),
    ],
)
def test_what_lies_between_looks_needs_no_new_answer(
    server: Server, name: str, values: dict[str, Any], ev: float
) -> None:
    session = answered(server, look="film")
    set_(session, name, **values)
    assert find_ev(session.plan) == pytest.approx(ev) and session.is_applicable and not server.asked


def test_strength_leaves_the_plan_and_scales_what_is_shown(server: Server) -> None:
    session = answered(server, look="film")
    set_(session, "strength", strength=50.0)
    assert find_ev(session.plan) == 0.75 and not server.asked
    assert session.shown_edits()[0] == Exposure(0.375)


def test_choosing_a_look_takes_it(server: Server) -> None:
    session = answered(server, look="film", look_strength=50.0)
    told: list[Any] = []
    session.setting_changed.connect(lambda *values: told.append(values))
    session.chosen_changed.connect(lambda *values: told.append(values))
    session.choose("soft")
    assert session.request.look == "soft" and find_ev(session.plan) == 0.625
    assert told == [("look", "soft"), ("style", ""), ("soft",)] and not server.asked


def test_what_was_dialled_goes_with_another_look(server: Server) -> None:
    session = answered(server, look="film")
    session.dial("exposure", "ev", 2.0)
    assert find_ev(session.plan) == 2
    session.choose("film")
    assert find_ev(session.plan) == 0.75
    assert session.plan[0].predicted == FIRST.edits["film"]


def test_other_people_are_asked_for(server: Server) -> None:
    session = answered(server)
    set_(session, "people", people=False)
    assert not session.is_applicable and not session.proposals
    other = FoundLooks({name: [Exposure(3), *edits[1:]] for name, edits in FIRST.edits.items()}, "again")
    server.answer(other)
    assert [(request.people, reference) for request, reference in server.predicted] == [(False, None)]
    assert find_ev(session.plan) == 3 and session.plan[0].model == "again" and len(session.proposals) == len(LOOKS)


def test_only_the_newest_answer_counts(server: Server) -> None:
    session = begin(server)
    session.try_again()
    server.answer(MATCHED)
    assert session.found is None and not session.is_applicable
    server.answer()
    assert session.found == FIRST and session.is_applicable


@pytest.mark.parametrize(
    ("values", "wants"),
    [
        ({}, True),
        ({"look": "film"}, False),
        ({"look": "film", "look_strength": 0.0}, True),
        ({"base_look": "film", "look_strength": 0.0}, False),
        ({"base_look": "film"}, False),
        ({"strength": 0.0}, False),
        ({"style": "Mine"}, False),
        ({"look": MATCH}, False),
    ],
)
def test_of_a_photo_without_a_look_it_may_be_said_that_it_is_good(
    server: Server, values: dict[str, Any], wants: bool
) -> None:
    session = begin(server, **values)
    assert session.wants_neutral() is wants


# Failures


@pytest.mark.parametrize("error", [UserError("The layer is gone."), ServerError("The server sleeps.")])
def test_a_failure_is_said_and_can_be_tried_again(server: Server, error: Exception) -> None:
    session = begin(server)
    server.answer(error)
    assert session.sentence == str(error) and not session.is_applicable
    session.try_again()
    assert session.sentence == ""
    server.answer()
    assert session.is_applicable and session.sentence == ""


def test_settings_wait_for_the_looks(server: Server) -> None:
    session = begin(server)
    set_(session, "look", look="soft")
    set_(session, "look-strength", look_strength=50.0)
    assert not session.is_applicable and not session.plan
    server.answer()
    assert find_ev(session.plan) == 0.625


def test_a_style_that_is_gone_is_a_sentence(server: Server) -> None:
    """The looks are there all the same, and one of them takes that back."""
    session = answered(server, style="Gone")
    assert "There is no style «Gone»" in session.sentence and not session.is_applicable
    session.choose("film")
    assert session.is_applicable and find_ev(session.plan) == 0.75
    assert session.sentence == ""


def test_a_style_of_a_preset_that_is_gone_allows_nothing(server: Server) -> None:
    """What is shown is not what the settings say."""
    session = answered(server)
    set_(session, "style", style="Gone")
    assert "There is no style «Gone»" in session.sentence and not session.is_applicable


# Saved styles


def test_a_saved_style_is_mixed_of_looks(server: Server) -> None:
    styles.RETOUCHES.save("Mine", write_style({"warm": 1.0, "soft": 0.5}))
    styles.EDITS.save("Of edits", [0.5] * 10)
    session = answered(server)
    told: list[Any] = []
    session.styles_changed.connect(lambda *values: told.append(values))
    session.choose_style("Mine")
    assert told == [(["Mine"], "Mine")] and not server.asked
    assert find_ev(session.plan) == pytest.approx(0.25 + 0.625)
    assert session.style == write_style({"warm": 1.0, "soft": 0.5}) and session.chosen == ""
    assert session.plan[0].order == "Mine"
    set_(session, "look-strength", look_strength=50.0)
    assert find_ev(session.plan) == pytest.approx((0.25 + 0.625) / 2)


def test_no_style_is_the_look_again(server: Server) -> None:
    styles.RETOUCHES.save("Mine", write_style({"soft": 1.0}))
    session = answered(server, look="film", style="Mine")
    assert find_ev(session.plan) == 1.25
    session.choose_style("")
    assert find_ev(session.plan) == 0.75 and session.chosen == "film"


def test_a_look_takes_the_place_of_a_style(server: Server) -> None:
    styles.RETOUCHES.save("Mine", write_style({"soft": 1.0}))
    session = answered(server, style="Mine")
    session.choose("warm")
    assert session.request.style == "" and find_ev(session.plan) == 0.25


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({}, {}),
        ({"look": "film"}, {"film": 1.0}),
        ({"look": "film", "base_look": "soft", "look_strength": 150.0}, {"film": 1.5, "soft": -0.5}),
    ],
)
def test_what_lies_between_looks_can_be_saved(server: Server, values: dict[str, Any], style: dict[str, float]) -> None:
    session = answered(server, **values)
    assert session.style == write_style(style) and session.can_save_style() is bool(style)


def test_saving_a_style_changes_nothing(server: Server) -> None:
    """What is shown is saved, so the settings that say the style say what is shown, too."""
    session = answered(server, look="film", base_look="soft", look_strength=50.0)
    before = session.plan
    session.save_style("Mine")
    assert styles.RETOUCHES.load_saved() == {"Mine": write_style({"film": 0.5, "soft": 0.5})}
    assert session.request.style == "Mine" and session.plan == before
    (again,) = plan_retouch(FIRST, session.request)
    assert find_ev([again]) == pytest.approx(find_ev(before))


# The look of another photograph


def test_another_photograph_s_look_is_asked_for(server: Server) -> None:
    session = answered(server)
    session.request = replace(session.request, look=MATCH)
    session.match(OTHER)
    assert not session.is_applicable and not session.proposals
    server.answer(MATCHED)
    assert [reference for _request, reference in server.predicted] == [OTHER]
    assert find_ev(session.plan) == -1 and session.is_applicable and session.plan[0].order == MATCH
    assert list(session.proposals) == list(LOOKS) and session.chosen == MATCH, "no look of the row is marked"


def test_its_strength_and_the_look_to_begin_with_count(server: Server) -> None:
    session = matching(server, base_look="soft", look_strength=100.0)
    assert find_ev(session.plan) == -1
    set_(session, "look-strength", look_strength=50.0)
    assert find_ev(session.plan) == pytest.approx((1.25 - 1) / 2) and not server.asked


def test_it_is_no_style_to_save(server: Server) -> None:
    """Nor is what lies between it and a look."""
    session = matching(server, base_look="soft", look_strength=50.0)
    assert not session.can_save_style()
    session.choose("film")
    assert session.can_save_style()


def test_choosing_a_look_ends_matching(server: Server) -> None:
    session = matching(server)
    ended: list[None] = []
    session.matching_ended.connect(lambda: ended.append(None))
    session.choose("film")
    assert len(ended) == 1 and session.request.look == "film" and find_ev(session.plan) == 0.75
    session.try_again()
    server.answer()
    assert server.predicted[-1][1] is None, "the other photograph was sent again"


class Controls:
    """As the dialog keeps its settings: what the session sets is told, and a photograph to match goes before a look."""

    def __init__(self, session: RetouchSession, look: str) -> None:
        self.values: dict[str, Any] = {}
        self._before, self._look, self._is_matching = session.request, look, True
        session.setting_changed.connect(lambda name, value: self.values.update({name.replace("-", "_"): value}))
        session.matching_ended.connect(self.leave_matching)

    def leave_matching(self) -> None:
        self._is_matching = False

    def read(self) -> EditRequest:
        values = {"look": self._look, **self.values}
        return replace(self._before, **{**values, "look": MATCH if self._is_matching else values["look"]})


@pytest.mark.parametrize("name", ["Mine", ""])
def test_choosing_a_style_ends_matching(server: Server, name: str) -> None:
    """The controls say what is shown then."""
    styles.RETOUCHES.save("Mine", write_style({"soft": 1.0}))
    styles.RETOUCHES.save("Other", write_style({"warm": 1.0}))
    session = matching(server, style="Other")
    controls = Controls(session, look="film")
    session.choose_style(name)
    assert controls.read().find_weights() == session.request.find_weights()
    assert plan_retouch(FIRST, controls.read())[0].edits == session.plan[0].edits and session.is_applicable


def test_what_is_chosen_is_told_to_the_controls(server: Server) -> None:
    session = matching(server)
    controls = Controls(session, look="film")
    session.choose("soft")
    assert controls.read() == session.request
    set_(session, "look-strength", look_strength=50.0)
    session.save_style("Mine")
    assert controls.read() == session.request


def test_matching_none_is_the_look_that_is_set(server: Server) -> None:
    session = matching(server)
    session.request = replace(session.request, look="warm")
    session.match(None)
    assert find_ev(session.plan) == 0.25 and not server.asked


def test_people_are_asked_for_with_the_photograph_to_match(server: Server) -> None:
    session = matching(server)
    set_(session, "people", people=False)
    server.answer(MATCHED)
    request, reference = server.predicted[-1]
    assert not request.people and reference == OTHER and find_ev(session.plan) == -1


def test_a_setting_does_not_show_what_still_has_to_come(server: Server) -> None:
    session = answered(server)
    session.request = replace(session.request, look=MATCH)
    session.match(OTHER)
    set_(session, "look-strength", look_strength=50.0)
    assert not session.is_applicable
    server.answer(MATCHED)
    assert find_ev(session.plan) == -0.5


def test_it_goes_before_a_saved_style(server: Server) -> None:
    styles.RETOUCHES.save("Mine", write_style({"soft": 1.0}))
    session = matching(server, style="Mine")
    assert find_ev(session.plan) == -1 and session.plan[0].order == MATCH


def test_an_answer_that_nobody_waits_for_any_more_is_dropped(server: Server) -> None:
    session = answered(server)
    session.request = replace(session.request, look=MATCH)
    session.match(OTHER)
    session.request = replace(session.request, look="film")
    session.match(None)
    assert session.is_applicable and find_ev(session.plan) == 0.75
    server.answer(ServerError("The server sleeps."))
    assert session.sentence == "" and session.is_applicable and session.found == FIRST


def test_a_failure_to_match_leaves_the_looks(server: Server) -> None:
    """As soon as no other photograph is matched any more."""
    session = answered(server)
    session.request = replace(session.request, look=MATCH)
    session.match(OTHER)
    server.answer(ServerError("The server sleeps."))
    assert session.sentence == "The server sleeps." and not session.is_applicable
    session.request = replace(session.request, look="film")
    session.match(None)
    assert session.is_applicable and find_ev(session.plan) == 0.75
    assert session.sentence == "" and list(session.proposals) == list(LOOKS)


# Values that are dialled


def test_dialling_keeps_the_order_of_a_retouch(server: Server) -> None:
    """Light, colour, then curves; a tone that was predicted there is no new one."""
    session = answered(server)
    session.dial("exposure", "ev", 0.4)
    names = ["exposure", "white-balance", "saturation", "tone", "curves"]
    assert [edit.name for edit in session.plan[0].edits] == names and find_ev(session.plan) == 0.4


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        (("contrast",), ["contrast"]),
        (("sharpening",), ["sharpening"]),
        (("contrast", "sharpening"), ["sharpening", "contrast"]),
        (("sharpening", "contrast"), ["sharpening", "contrast"]),
    ],
)
def test_kinds_that_come_first_do_so_in_a_retouch(server: Server, kinds: tuple[str, ...], wanted: list[str]) -> None:
    session = answered(server, look="film")
    for kind in kinds:
        session.dial(kind, "amount", 0.2)
    edits = session.plan[0].edits
    assert [edit.name for edit in edits] == [*wanted, "exposure", "white-balance", "saturation", "tone", "curves"]
    assert {Contrast(0.2) if kind == "contrast" else Sharpening(0.2) for kind in kinds} == set(edits[: len(kinds)])


def test_what_is_dialled_too_far_goes_back(server: Server) -> None:
    """At 100 % it would be 20 stops, which are more than there are."""
    session = answered(server, strength=20.0)
    before = list(session.plan)
    session.dial("exposure", "ev", 4.0)
    assert session.plan == before


def test_dialled_again_it_stays_in_its_place(server: Server) -> None:
    session = answered(server)
    for amount in (0.2, 0.3):
        session.dial("contrast", "amount", amount)
    edits = session.plan[0].edits
    assert edits == [Contrast(0.3), *FIRST.edits["neutral"]]


def test_gray_pictures_have_no_colour_to_dial(server: Server) -> None:
    session = answered(server, is_gray=True)
    assert not {"saturation", "white-balance"} & session.usable_kinds() and "tone" in session.usable_kinds()


# What the server is asked


def test_the_server_is_asked_for_what_the_thumbnail_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def ask(*question: Any) -> FoundLooks:
        asked.append(question)
        return MATCHED

    monkeypatch.setattr(questions, "ask_retouch", ask)
    thumbnail: Any = (b"pixels", 16, 12)
    request = EditRequest("retouch", tool="retouch", look=MATCH, people=False)
    assert predict_looks(thumbnail, replace(request, people=True)) == MATCHED
    assert find_ev(predict_retouch(thumbnail, request, OTHER)) == -1
    assert asked == [(b"pixels", 16, 12, True, None), (b"pixels", 16, 12, False, OTHER)]


def test_a_plan_is_the_mixture_and_says_where_it_is_from() -> None:
    request = EditRequest("retouch", tool="retouch", look="film", look_strength=50.0)
    (planned,) = plan_retouch(FIRST, request)
    wanted: list[Edit] = mix_looks(FIRST.edits, {"film": 0.5})
    assert planned.edits == planned.predicted == wanted
    assert (planned.model, planned.order, planned.cells, planned.background) == (FIRST.model, "film", None, ())
