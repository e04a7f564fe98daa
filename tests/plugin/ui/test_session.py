# SPDX-License-Identifier: GPL-3.0-or-later
"""The state behind the dialogs, without GIMP and without a window: what counts, what is stale, what is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gimp_saliency.image.shape import Shape
from gimp_saliency.predict.outline import AS_SELECTED, Outline, Part
from gimp_saliency.predict.plan import Planned
from gimp_saliency.shared import styles
from gimp_saliency.shared.choices import Boldness, Edge, Ranking
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.edits import NAMES, Contrast, Exposure, Saturation, Sharpening, WhiteBalance
from gimp_saliency.shared.errors import ServerError, UserError
from gimp_saliency.shared.request import EditRequest
from gimp_saliency.ui.asking import Signal
from gimp_saliency.ui.proposals import Proposal, Proposals, fetch_proposals, is_other_style, select_entries
from gimp_saliency.ui.session import AdjustingSession, ChoosingSession, Session
from tests.conftest import PROJECT

PLAIN = (0.0,) * 10
FADED = (0.5, *([0.0] * 9))
WARM = (0.0, -1.0, *([0.0] * 8))


DARKER = [Planned([Exposure(-0.5)])]
DULLER = [Planned([Saturation(0.5)])]
FITTED = Outline((Part(Edge.OBJECT, Shape((0, 0, 8, 8), 2, 2, b"\0\xff\xff\0")),))


class Server:
    """In the server's place: it keeps the questions, and the test answers them when and how it likes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Callable[[], Any], Callable[[Any], None]]] = []
        self.predicted: list[EditRequest] = []
        self.proposed: list[tuple[EditRequest, int | None]] = []
        self.outlined: list[EditRequest] = []

    def ask(self, name: str, question: Callable[[], Any], deliver: Callable[[Any], None]) -> None:
        self.asked.append((name, question, deliver))

    def predict(self, request: EditRequest) -> list[Planned]:
        self.predicted.append(request)
        return DARKER

    def propose(self, request: EditRequest, seed: int | None) -> Proposals:
        self.proposed.append((request, seed))
        return {}

    def find_outline(self, request: EditRequest) -> Outline:
        self.outlined.append(request)
        return FITTED

    def answer(self, name: str, answer: Any, turn: int = -1) -> None:
        """Answer a question of this name, the newest if not another one."""
        deliver = [deliver for asked, _question, deliver in self.asked if asked == name][turn]
        deliver(answer)

    def put(self, name: str, turn: int = -1) -> Any:
        """Run a question of this name, as the other thread does; its result."""
        return [question for asked, question, _deliver in self.asked if asked == name][turn]()

    def count(self, name: str) -> int:
        return sum(1 for asked, _question, _deliver in self.asked if asked == name)


class Told:
    """Listens to signals: what each told, in order."""

    def __init__(self, session: Session, *names: str) -> None:
        self.all: list[tuple[Any, ...]] = []
        for name in names:
            getattr(session, f"{name}_changed" if name else "changed").connect(
                lambda *values, name=name: self.all.append((name, *values))
            )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the saved styles."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "gimp-saliency"


@pytest.fixture
def server() -> Server:
    return Server()


def choosing(server: Server, is_gray: bool = False, **settings: Any) -> ChoosingSession:
    """A session that has begun; its first question is under way."""
    session = ChoosingSession(
        EditRequest("attenuate", **settings),
        is_gray,
        server.ask,
        server.predict,
        server.propose,
        lambda: DULLER,
        server.find_outline,
    )
    session.begin()
    return session


def answered(server: Server, plan: list[Planned] = DARKER, is_gray: bool = False, **settings: Any) -> ChoosingSession:
    """One that has a plan."""
    session = choosing(server, is_gray, **settings)
    server.answer("edits", plan)
    return session


def proposals(**styled: tuple[float, ...]) -> Proposals:
    """The most realistic edit in the plain style, and others in styles of their own, by order."""
    found = {"best-realism": Proposal(DARKER, PLAIN)}
    for order, style in styled.items():
        found[order.replace("_", "-")] = Proposal(DULLER, style, True)
    return found


# No window


def test_it_needs_neither_gimp_nor_gtk() -> None:
    code = """
import sys
sys.modules.update(gi=None)
import gimp_saliency.ui.session
assert not [name for name in sys.modules if name.startswith("gi.")]
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "plugin" / "saliency", check=True, timeout=30)


def test_a_signal_calls_all_in_order() -> None:
    signal, heard = Signal(), list[Any]()
    signal.connect(lambda value: heard.append(("first", value)))
    signal.connect(lambda value: heard.append(("second", value)))
    signal.emit(1)
    signal.emit(2)
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


# The first plan


def test_it_begins_with_the_question_that_is_under_way(server: Server) -> None:
    session = choosing(server)
    assert [name for name, _question, _deliver in server.asked] == ["edits", "proposals", "outline"]
    assert server.put("edits") is DULLER
    assert not server.predicted, "asked anew"
    assert not session.is_applicable and session.plan == []
    assert session.shown_edits() == [] and session.usable_kinds() == frozenset()


def test_a_prediction_can_be_applied(server: Server) -> None:
    session = choosing(server)
    told = Told(session, "", "is_applicable")
    server.answer("edits", DARKER)
    assert session.plan == DARKER and session.is_applicable
    assert told.all == [("is_applicable", True), ("",)]
    assert session.usable_kinds() == frozenset(NAMES)


@pytest.mark.parametrize(("name", "value"), [("separate", True), ("background", True), ("boldness", Boldness.BOLD)])
def test_other_settings_make_the_plan_inapplicable_until_their_answer(server: Server, name: str, value: Any) -> None:
    session = answered(server)
    session.take_proposals(proposals())
    wanted: dict[str, Any] = {name: value}
    session.change_setting(name, replace(session.request, **wanted))
    assert not session.is_applicable, "OK would apply what answers other settings"
    assert session.plan == DARKER, "until then the old one is shown"
    assert session.proposals == {}
    server.put("edits")
    server.put("proposals")
    assert getattr(server.predicted[-1], name) == getattr(server.proposed[-1][0], name) == value
    server.answer("edits", DULLER)
    assert session.is_applicable and session.plan == DULLER


def test_what_strength_does_needs_no_answer(server: Server) -> None:
    session = answered(server)
    told = Told(session, "", "is_applicable")
    count = len(server.asked)
    session.change_setting("strength", replace(session.request, strength=50.0))
    assert len(server.asked) == count
    assert told.all == [("",)]
    assert session.shown_edits() == [Exposure(-0.25)]
    assert session.plan == DARKER


@pytest.mark.parametrize(("name", "value"), [("edge", Edge.SOFT), ("refine", True), ("grow", 5.0)])
def test_another_edge_needs_other_edits(server: Server, name: str, value: Any) -> None:
    session = answered(server)
    wanted: dict[str, Any] = {name: value}
    session.change_setting(name, replace(session.request, **wanted))
    assert not session.is_applicable
    server.put("outline")
    server.put("edits")
    assert getattr(server.outlined[-1], name) == getattr(server.predicted[-1], name) == value


def test_a_wider_soft_edge_leaves_the_edits(server: Server) -> None:
    session = answered(server)
    session.change_setting("feather", replace(session.request, edge=Edge.SOFT, feather=9.0))
    assert session.is_applicable
    server.put("outline")
    assert server.outlined[-1].feather == 9.0 and not server.predicted


def test_the_picture_changes_with_a_new_outline_alone(server: Server) -> None:
    session = answered(server)
    assert session.outline == AS_SELECTED
    told = Told(session, "outline", "")
    server.answer("outline", FITTED)
    assert session.outline == FITTED
    session.change_setting("feather", replace(session.request, feather=3.0))
    server.answer("outline", FITTED)
    assert told.all == [("outline",), ("",), ("",), ("outline",)], "the third one is of the setting"


# Answers that count


def test_late_answers_are_dropped(server: Server) -> None:
    session = choosing(server)
    session.try_again()
    server.answer("edits", DULLER, 0)
    assert session.plan == [] and not session.is_applicable
    server.answer("edits", DARKER, 1)
    assert session.plan == DARKER
    server.answer("edits", DULLER, 0)
    assert session.plan == DARKER, "the older question's answer came through"


def test_a_late_failure_is_dropped_too(server: Server) -> None:
    session = choosing(server)
    session.try_again()
    server.answer("edits", ServerError("The server is gone: try again."), 0)
    assert session.sentence == ""


def test_no_answer_counts_twice(server: Server) -> None:
    session = answered(server)
    server.answer("edits", DULLER)
    assert session.plan == DARKER


def test_questions_of_other_names_do_not_interfere(server: Server) -> None:
    session = choosing(server)
    session.ask_look("before", b"", 0, 0)
    session.ask_look("after", b"", 0, 0)
    server.answer("before", {"saliency": 0.5})
    server.answer("edits", DARKER)
    assert session.looks == {"before": {"saliency": 0.5}} and session.plan == DARKER


def test_it_is_busy_as_long_as_an_answer_is_to_come(server: Server) -> None:
    session = choosing(server)
    told = Told(session, "is_busy")
    server.answer("outline", FITTED)
    server.answer("edits", DARKER)
    assert told.all == [("is_busy", True)] * 2, "the proposals are still to come"
    del told.all[0]
    server.answer("proposals", {})
    assert told.all[1:] == [("is_busy", False)]
    session.ask_for_styles()
    session.ask_for_styles()
    server.answer("proposals", {}, 1)  # replaced by the next one
    assert told.all[2:] == [("is_busy", True), ("is_busy", True)]
    server.answer("proposals", {}, 2)
    assert told.all[-1] == ("is_busy", False)


def test_answers_may_come_at_once(server: Server) -> None:
    answers = {"edits": DARKER, "proposals": proposals(), "outline": FITTED}
    session = ChoosingSession(
        EditRequest("attenuate"),
        False,
        lambda name, _question, deliver: deliver(answers[name]),
        server.predict,
        server.propose,
        lambda: DULLER,
        server.find_outline,
    )
    told = Told(session, "is_busy")
    session.begin()
    assert session.plan == DARKER and session.proposals.keys() == {"best-realism"}
    assert told.all[-1] == ("is_busy", False), "the spinner turns for ever"


# Failures


def test_a_failure_is_taken_back_by_the_next_answer_of_its_question(server: Server) -> None:
    session = answered(server)
    told = Told(session, "sentence")
    session.ask_look("after", b"", 0, 0)
    server.answer("after", ServerError("The server is gone: try again."))
    assert session.sentence == "The server is gone: try again."
    server.answer("proposals", proposals())
    assert session.sentence == "The server is gone: try again.", "another question's answer took it back"
    session.ask_look("after", b"", 0, 0)
    server.answer("after", {"saliency": 0.5})
    assert session.sentence == ""
    assert told.all == [("sentence", "The server is gone: try again."), ("sentence", "")]


def test_trying_again_takes_it_back_at_once(server: Server) -> None:
    session = choosing(server)
    server.answer("edits", UserError("Select something first."))
    assert session.sentence == "Select something first." and not session.is_applicable
    session.try_again()
    assert session.sentence == ""
    assert server.put("edits") is DARKER, "the first question's answer would come again"


def test_a_fault_is_told_as_one(server: Server) -> None:
    session = choosing(server)
    server.answer("edits", ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError('division by zero')" in session.sentence and "report" in session.sentence


def test_proposals_can_be_taken_where_the_prediction_failed(server: Server) -> None:
    session = choosing(server)
    server.answer("edits", ServerError("The server is gone: try again."))
    server.answer("proposals", proposals())
    session.choose("best-realism")
    assert session.is_applicable and session.plan == DARKER


# Values that are dialled


def test_dialling_counts_for_all_of_the_strength(server: Server) -> None:
    session = answered(server, strength=50.0)
    told = Told(session, "")
    session.dial("exposure", "ev", 0.4)
    assert session.plan[0].edits == [Exposure(0.8)]
    assert session.shown_edits() == [Exposure(0.4)], "the slider jumps"
    session.change_setting("strength", replace(session.request, strength=100.0))
    assert session.shown_edits() == [Exposure(0.8)]
    assert told.all == [("",), ("",)]


def test_one_of_two_fields_leaves_the_other(server: Server) -> None:
    session = answered(server, [Planned([WhiteBalance(1.1, 0.81)])], strength=50.0)
    session.dial("white-balance", "red", 1.3)
    (edit,), (shown,) = session.plan[0].edits, session.shown_edits()
    assert isinstance(edit, WhiteBalance) and isinstance(shown, WhiteBalance)
    assert (edit.red, edit.blue) == pytest.approx((1.69, 0.81))
    assert (shown.red, shown.blue) == pytest.approx((1.3, 0.9))


def test_a_kind_that_was_not_predicted_begins_at_the_identity(server: Server) -> None:
    session = answered(server)
    session.dial("white-balance", "blue", 1.2)
    assert session.plan[0].edits == [Exposure(-0.5), WhiteBalance(1.0, 1.2)]


def test_kinds_that_come_first_keep_their_place(server: Server) -> None:
    plan = [Planned([Sharpening(0.1), Saturation(0.8), Exposure(0.3)])]
    session = answered(server, plan)
    session.dial("saturation", "scale", 0.7)
    assert [edit.name for edit in session.plan[0].edits] == ["sharpening", "saturation", "exposure"]
    session.dial("contrast", "amount", 0.2)
    assert [edit.name for edit in session.plan[0].edits] == ["sharpening", "contrast", "saturation", "exposure"]
    session.dial("white-balance", "red", 1.2)
    assert session.plan[0].edits[-1].name == "white-balance", "the order of the others is another one"


def test_no_saturation_can_still_be_scaled(server: Server) -> None:
    session = answered(server, strength=50.0)
    session.dial("saturation", "scale", 0.0)
    session.change_setting("strength", replace(session.request, strength=25.0))
    (_exposure, saturation) = session.shown_edits()
    assert isinstance(saturation, Saturation) and 0 < saturation.scale < 0.1


def test_background_and_parts_stay_as_they_are(server: Server) -> None:
    plan = [Planned([Exposure(-0.5)], b"cells", background=[Exposure(0.2)])]
    session = answered(server, plan)
    session.dial("exposure", "ev", 1.0)
    assert session.plan == [Planned([Exposure(1.0)], b"cells", background=[Exposure(0.2)])]
    assert plan == [Planned([Exposure(-0.5)], b"cells", background=[Exposure(0.2)])], "the proposal itself has changed"


def test_proposals_keep_their_values_when_others_are_dialled(server: Server) -> None:
    session = answered(server)
    session.take_proposals(proposals())
    session.choose("best-realism")
    session.dial("exposure", "ev", 1.0)
    assert session.plan[0].edits == [Exposure(1.0)]
    session.choose("best-realism")
    assert session.plan == DARKER


@pytest.mark.parametrize("settings", [{"strength": 0.0}, {"separate": True}])
def test_nothing_can_be_dialled_where_sliders_say_nothing(server: Server, settings: dict[str, Any]) -> None:
    plan = DARKER + DULLER if "separate" in settings else DARKER
    session = answered(server, plan, **settings)
    told = Told(session, "")
    session.dial("exposure", "ev", 1.0)
    assert session.plan == plan and told.all == []
    assert session.usable_kinds() == frozenset()


def test_parts_have_no_common_values(server: Server) -> None:
    session = answered(server, DARKER + DULLER)
    assert session.shown_edits() == []


def test_what_is_off_cannot_be_dialled_and_is_not_shown(server: Server) -> None:
    session = answered(server, [Planned([Contrast(0.2), Exposure(0.3)])], kinds=frozenset({"exposure", "curves"}))
    assert session.usable_kinds() == {"exposure", "curves"}
    assert session.shown_edits() == [Exposure(0.3)]


def test_gray_pictures_have_no_colour_to_dial(server: Server) -> None:
    session = answered(server, [Planned([Saturation(0.5), Exposure(0.3)])], is_gray=True)
    assert frozenset(NAMES) - session.usable_kinds() == {"saturation", "white-balance"}
    assert session.shown_edits() == [Exposure(0.3)]


# Proposals


def test_a_proposal_is_taken_with_the_values_that_were_predicted(server: Server) -> None:
    session = answered(server)
    told = Told(session, "setting", "")
    session.take_proposals({**proposals(), "best-saliency": Proposal(DULLER, PLAIN)})
    session.choose("best-saliency")
    assert session.plan == DULLER and session.chosen == "best-saliency"
    assert session.request.ranking is Ranking.BEST_SALIENCY
    assert told.all == [("setting", "order", "best-saliency"), ("",)]


def test_one_in_another_style_is_the_most_realistic_of_that_style(server: Server) -> None:
    session = answered(server, ranking=Ranking.BEST_SALIENCY)
    told = Told(session, "setting")
    session.take_proposals(proposals(variant_1=FADED))
    session.choose("variant-1")
    assert session.request.ranking is Ranking.BEST_REALISM
    assert told.all == [("setting", "order", "best-realism")]
    assert session.chosen == "variant-1" and session.style == FADED


def test_the_chosen_one_is_marked(server: Server) -> None:
    session = answered(server, ranking=Ranking.BEST_SALIENCY)
    told = Told(session, "proposals", "chosen")
    session.take_proposals(proposals())
    assert told.all == [("proposals",), ("chosen", "best-saliency")]
    session.take_proposals(proposals(variant_1=FADED, variant_2=WARM))
    session.choose("variant-2")
    session.take_proposals(proposals(variant_1=WARM, variant_2=FADED))
    assert session.chosen == "variant-1", "the same style is in another place"
    session.take_proposals(proposals(variant_1=FADED))
    assert session.chosen == "", "a style that is not proposed any more is marked"


def test_a_preset_takes_the_proposal_of_its_order(server: Server) -> None:
    session = answered(server)
    session.take_proposals({**proposals(variant_2=FADED), "best-saliency": Proposal(DULLER, PLAIN)})
    session.change_setting("order", replace(session.request, ranking=Ranking.BEST_SALIENCY))
    assert session.plan == DULLER and session.chosen == "best-saliency"
    count = len(server.asked)
    for ranking in (Ranking.VARIANT_2, Ranking.VARIANT_1):  # in a style of its own, and not there
        session.change_setting("order", replace(session.request, ranking=ranking))
        assert session.plan == DULLER and session.chosen == "best-saliency"
    assert len(server.asked) == count


def test_more_styles_leave_the_plan(server: Server) -> None:
    session = answered(server)
    session.ask_for_styles()
    assert session.is_applicable and server.count("edits") == 1
    server.put("proposals")
    session.ask_for_styles()
    server.put("proposals")
    seeds = [seed for _request, seed in server.proposed]
    assert None not in seeds and len(set(seeds)) == 2, "each click is to bring new ones"
    server.answer("proposals", proposals(variant_1=FADED))
    assert session.plan == DARKER and "variant-1" in session.proposals


def entry(order: str, ev: float) -> dict[str, Any]:
    return {"order": order, "edits": [{"name": "exposure", "ev": ev}]}


def test_entries_of_all_parts_by_order() -> None:
    answers = [
        [entry("best-realism", 1), entry("variant-2", 2), entry("best-saliency", 3)],
        [entry("best-realism", 4), entry("best-saliency", 5), entry("variant-1", 6)],
    ]
    found = select_entries(answers)
    assert list(found) == ["best-realism", "best-saliency", "variant-2"], "not those of the first part, in their order"
    values = {order: [each["edits"][0]["ev"] for each in entries] for order, entries in found.items()}
    assert values["best-realism"] == [1, 4] and values["best-saliency"] == [3, 5]
    assert values["variant-2"] == [2, 4], "the second part's first one stands in for what it does not have"


def test_proposals_of_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is asked for each part, and the largest part's answer stands for the background and the style."""
    styles.EDITS.save("Faded", FADED)
    mask = bytes(255 if row in (2, 3, 8) else 0 for row in range(16) for _column in range(16))
    thumbnail: Any = SimpleNamespace(pixels=bytes(v for m in mask for v in (9, 9, 9, m)), width=16, height=16)
    asked: list[Any] = []

    def ask(pixels: bytes, width: int, height: int, request: EditRequest, seed: int | None) -> dict[str, Any]:
        asked.append((pixels[3::4].count(255), width, height, request.background, seed))
        found = entry("best-realism", 0.1 * len(asked))
        other = {**entry("variant-1", -0.1), "style": list(WARM)}
        background = [{"name": "exposure", "ev": 0.7}] if request.background else []
        return {"proposals": [{**found, "style": list(FADED), "background": background}, other][: 3 - len(asked)]}

    monkeypatch.setattr(questions, "ask_proposals", ask)
    found = fetch_proposals(thumbnail, EditRequest("attenuate", separate=True, background=True, style="Faded"), 7)
    assert asked == [(32, 16, 16, True, 7), (16, 16, 16, False, 7)]
    assert [list(planned.edits) for planned in found["best-realism"].plan] == [[Exposure(0.1)], [Exposure(0.2)]]
    assert [list(planned.background) for planned in found["best-realism"].plan] == [[Exposure(0.7)], []]
    assert [list(planned.edits) for planned in found["variant-1"].plan] == [[Exposure(-0.1)], [Exposure(0.2)]]
    first, second = (planned.cells for planned in found["variant-1"].plan)
    assert first and second and all(a != b for a, b in zip(first, second)), "not each cell is one part's"
    assert (found["best-realism"].style, found["best-realism"].is_own_style) == (FADED, False)
    assert (found["variant-1"].style, found["variant-1"].is_own_style) == (WARM, True)


def test_which_styles_are_others() -> None:
    assert not is_other_style(PLAIN, ())
    assert is_other_style(FADED, ())
    assert not is_other_style(tuple(number + 1e-8 for number in FADED), FADED)
    assert is_other_style(PLAIN, FADED)


# Styles


def test_the_prediction_has_the_style_of_the_settings(server: Server) -> None:
    styles.EDITS.save("Faded", FADED)
    session = answered(server, style="Faded")
    assert session.style == FADED and session.can_save_style()
    session.choose_style("")
    server.answer("edits", DULLER)
    assert session.style == () and not session.can_save_style(), "the plain style needs not be saved"


def test_choosing_a_style_asks_anew(server: Server) -> None:
    styles.EDITS.save("Faded", FADED)
    session = answered(server)
    told = Told(session, "setting", "styles", "is_applicable")
    session.choose_style("Faded")
    assert told.all == [("setting", "style", "Faded"), ("styles", ["Faded"], "Faded"), ("is_applicable", False)]
    server.put("edits")
    assert server.predicted[-1].style == "Faded"


def test_a_style_from_a_preset_asks_anew_without_being_set_again(server: Server) -> None:
    styles.EDITS.save("Faded", FADED)
    session = answered(server)
    told = Told(session, "setting", "styles")
    session.change_setting("style", replace(session.request, style="Faded"))
    assert told.all == [("styles", ["Faded"], "Faded")]
    assert server.count("edits") == 2


def test_a_style_of_its_own_is_saved(server: Server) -> None:
    session = answered(server)
    session.take_proposals(proposals(variant_1=FADED))
    session.choose("variant-1")
    assert session.can_save_style()
    told = Told(session, "setting", "styles", "")
    count = len(server.asked)
    session.save_style("Faded")
    assert styles.EDITS.load_saved() == {"Faded": FADED}
    assert told.all == [("setting", "style", "Faded"), ("styles", ["Faded"], "Faded")]
    assert len(server.asked) == count and session.plan == DULLER, "saving changed the edit"
    session.change_setting("background", replace(session.request, background=True))
    server.put("edits")
    assert server.predicted[-1].style == "Faded", "the next question is not in the saved style"


def test_a_name_that_cannot_be_saved_changes_nothing(server: Server) -> None:
    session = answered(server)
    session.take_proposals(proposals(variant_1=FADED))
    session.choose("variant-1")
    with pytest.raises(UserError):
        session.save_style("two\nlines")
    assert session.request.style == "" and styles.EDITS.load_saved() == {}


def test_a_style_that_is_no_more_is_listed_as_the_chosen_one(server: Server) -> None:
    styles.EDITS.save("Warm", WARM)
    session = answered(server, style="Gone")
    told = Told(session, "styles")
    session.list_styles()
    assert told.all == [("styles", ["Warm", "Gone"], "Gone")]
    assert session.style == () and session.sentence == ""


def test_damaged_styles_are_told_and_the_list_is_there(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "styles.json").write_text("no JSON")
    session = answered(server)
    told = Told(session, "styles")
    session.list_styles()
    assert "damaged" in session.sentence
    assert told.all == [("styles", [], "")]


# What the networks say


def test_looks_are_kept_by_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    session = answered(server)
    told = Told(session, "look")
    monkeypatch.setattr(questions, "ask_look", lambda *arguments: arguments)
    session.ask_look("before", b"pixels", 3, 2)
    assert server.put("before") == (b"pixels", 3, 2, b"")
    server.answer("before", {"saliency": 0.5})
    session.ask_look("after", b"", 0, 0)
    session.ask_look("after", b"", 0, 0)
    server.answer("after", {"saliency": 0.9}, 0)  # of what is shown no more
    server.answer("after", {"saliency": 0.4}, 1)
    assert session.looks == {"before": {"saliency": 0.5}, "after": {"saliency": 0.4}}
    assert told.all == [("look", "before"), ("look", "after")]


def test_a_refined_mask_is_kept_and_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    session = answered(server)
    told = Told(session, "")
    kept: list[bytes] = []
    monkeypatch.setattr(questions, "ask_refined", lambda *arguments: arguments)
    session.ask_refined_mask("refined whole 0", b"pixels", 3, 2, 1.5, kept.append)
    assert server.put("refined whole 0") == (b"pixels", 3, 2, 1.5)
    assert kept == [] and told.all == []
    server.answer("refined whole 0", b"mask")
    assert kept == [b"mask"] and told.all == [("",)]
    session.ask_refined_mask("refined whole 0", b"", 0, 0, 1.5, kept.append)
    server.answer("refined whole 0", ServerError("The server is gone: try again."))
    assert kept == [b"mask"] and session.sentence


# Adjusting


def adjusting(server: Server, by_hand: frozenset[str] = frozenset()) -> AdjustingSession:
    made = [Planned([Exposure(-0.5), Saturation(0.8)], background=[Exposure(0.2)])]
    request = EditRequest("attenuate", strength=50.0)
    session = AdjustingSession(request, False, server.ask, made, by_hand, server.find_outline)
    session.begin()
    return session


def test_adjusting_shows_the_values_that_were_made_and_asks_for_no_others(server: Server) -> None:
    session = adjusting(server)
    assert session.is_applicable
    assert session.shown_edits()[0] == Exposure(-0.25)
    for name in ("strength", "background", "order", "style", "separate"):
        session.change_setting(name, replace(session.request, background=True))
    assert session.is_applicable and not server.asked
    assert not hasattr(session, "try_again") and not hasattr(session, "take_proposals")


def test_adjusting_tells_of_each_setting(server: Server) -> None:
    session = adjusting(server)
    told = Told(session, "")
    session.change_setting("background", replace(session.request, background=True))
    session.dial("exposure", "ev", 0.5)
    assert told.all == [("",), ("",)]
    assert session.plan[0].edits[0] == Exposure(1.0)
    assert session.plan[0].background == [Exposure(0.2)]


def test_what_was_changed_by_hand_cannot_be_dialled(server: Server) -> None:
    session = adjusting(server, frozenset({"exposure"}))
    assert frozenset(NAMES) - session.usable_kinds() == {"exposure"}
    assert session.by_hand == {"exposure"}


def soft(session: AdjustingSession, feather: float = 0.0) -> EditRequest:
    return replace(session.request, edge=Edge.SOFT, feather=feather)


def test_another_edge_of_an_edit_is_asked_for_and_shown(server: Server) -> None:
    session = adjusting(server)
    told = Told(session, "outline", "")
    session.change_setting("edge", soft(session))
    assert session.outline is None and told.all == [], "nothing is known of it yet"
    assert session.is_applicable
    server.put("outline")
    assert server.outlined[-1].edge == Edge.SOFT
    server.answer("outline", FITTED)
    assert session.outline == FITTED and told.all == [("outline",), ("",)]
    assert session.plan[0].edits[0] == Exposure(-0.5), "the values are others"


def test_the_same_outline_with_another_width_is_shown_anew(server: Server) -> None:
    session = adjusting(server)
    session.change_setting("edge", soft(session))
    server.answer("outline", FITTED)
    told = Told(session, "outline", "")
    session.change_setting("feather", soft(session, 9.0))
    server.answer("outline", FITTED)
    assert told.all == [("outline",), ("",)]


def test_the_edge_that_was_made_needs_no_answer(server: Server) -> None:
    session = adjusting(server)
    made = session.request
    session.change_setting("edge", soft(session))
    server.answer("outline", FITTED)
    session.change_setting("feather", soft(session, 4.0))
    told = Told(session, "outline", "", "is_busy")
    session.change_setting("edge", made)
    assert session.outline is None and told.all == [("is_busy", False), ("outline",), ("",)]
    server.answer("outline", FITTED)
    assert session.outline is None, "a late answer came through"
    assert server.count("outline") == 2


def test_an_edge_that_is_not_found_is_told_and_asked_for_again(server: Server) -> None:
    session = adjusting(server)
    session.change_setting("edge", soft(session))
    server.answer("outline", ServerError("The server is gone: try again."))
    assert session.sentence == "The server is gone: try again." and session.outline is None
    session.ask_for_edge()
    assert session.sentence == ""
    server.answer("outline", FITTED)
    assert session.outline == FITTED
