# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedures as GIMP and its scripts see them, with the real server and networks behind."""

from __future__ import annotations

from typing import Any

import pytest

from gimp_saliency.shared import edits
from tests.conftest import GimpForTests


@pytest.mark.parametrize("direction", ["attenuate", "emphasize"])
def test_registered(gimp: GimpForTests, direction: str) -> None:
    known = gimp.run(f"import inside\nresult = inside.registered('plug-in-saliency-{direction}')")
    assert known["label"] == f"_{direction.capitalize()} Selection…"
    assert known["paths"] == ["<Image>/Filters/Saliency/[Edit]"]
    assert known["types"] == "RGB*, GRAY*"
    assert direction[:4] in known["blurb"] or "less attention" in known["blurb"] or "more attention" in known["blurb"]
    assert "undo" in known["help"]
    assert "_" in known["arguments"]["strength"]
    assert "_" in known["arguments"]["order"]
    assert {*edits.NAMES, "background", "background-strength", "style"} <= set(known["arguments"])
    assert known["returns"] == ["layers"]


def test_harmonize_is_registered(gimp: GimpForTests) -> None:
    known = gimp.run("import inside\nresult = inside.registered('plug-in-saliency-harmonize')")
    assert known["label"] == "_Harmonize Layer…"
    assert known["paths"] == ["<Image>/Filters/Saliency/[Edit]"]
    assert known["types"] == "RGB*, GRAY*"
    assert "undo" in known["help"]
    names = {name: nick for name, nick in known["arguments"].items() if name in ("strength", "colour", "shading")}
    assert len(names) == 3 and all("_" in nick for nick in names.values())
    assert "style" in known["arguments"]
    assert known["returns"] == ["layers"]


def test_retouch_is_registered(gimp: GimpForTests) -> None:
    known = gimp.run("import inside\nresult = inside.registered('plug-in-saliency-retouch')")
    assert known["label"] == "Retou_ch…"
    assert known["paths"] == ["<Image>/Filters/Saliency/[Edit]"]
    assert known["types"] == "RGB*, GRAY*"
    assert "undo" in known["help"]
    own = {"strength", "look", "look-strength", "base-look", "people", "frames", "style", "reference"}
    assert own | set(edits.NAMES) <= set(known["arguments"])
    assert known["returns"] == ["layers"]


def test_adjust_has_the_arguments_of_edits_and_harmonies(gimp: GimpForTests) -> None:
    """Each has a mnemonic of its own, as the dialogs show them."""
    known = gimp.run("import inside\nresult = inside.registered('plug-in-saliency-adjust')")
    arguments = known["arguments"]
    assert {"strength", "colour", "shading", *edits.NAMES, "edge", "background-strength"} <= set(arguments)
    letters = [arguments[name].partition("_")[2][:1].lower() for name in ("strength", "colour", "shading")]
    assert len({*letters, "h", "r", "c", "o", "l", "s", "k", "y", "p"}) == 12  # those of buttons and check boxes, too


@pytest.fixture(scope="module")
def predicted(gimp: GimpForTests) -> dict[str, Any]:
    answer: dict[str, Any] = gimp.run("import inside\nresult = inside.predicted()")
    return answer


def test_real_predictions_become_layers(gimp: GimpForTests, predicted: dict[str, Any]) -> None:
    assert len(predicted["edits"]) == 6
    for name, result in predicted["edits"].items():
        assert result["status"] == "success", f"{name}: {result['error']}"
        assert result["changed"], name
        direction, order = name.split()
        assert len({content["id"] for content in result["parasites"]}) == 1
        for content in result["parasites"]:
            assert (content["direction"], content["order"], content["strength"]) == (direction, order, 120)
            assert content["model"]
            assert content["version"]
            assert len(edits.from_json(content["predicted"])) == 7
            assert edits.from_json(content["edits"])
    shown = [r["parasites"][0]["predicted"] for r in predicted["edits"].values()]
    assert shown[0] != shown[3], "both directions predict the same"


def test_strength_is_applied_in_parameter_space(predicted: dict[str, Any]) -> None:
    for result in predicted["edits"].values():
        applied = {edit["name"]: edit for content in result["parasites"] for edit in content["edits"]}
        for edit in edits.at_strength(edits.from_json(result["parasites"][0]["predicted"]), 1.2):
            if edit.name not in applied:
                assert edit.is_identity()
                continue
            for parameter, value in edits.to_json([edit])[0].items():
                # Approximately: GIMP's Python may round powers in another way.
                assert applied[edit.name][parameter] == (value if parameter == "name" else pytest.approx(value))


def test_strength_zero_changes_nothing(predicted: dict[str, Any]) -> None:
    assert predicted["nothing"] == ["success", None]


def test_last_values(predicted: dict[str, Any]) -> None:
    assert predicted["again"][0] == "success"


def test_failure_is_an_error_with_a_sentence(predicted: dict[str, Any]) -> None:
    status, message = predicted["refused"]
    assert status == "execution-error"
    assert "Nothing is selected" in message


def test_scripts_get_the_layers(gimp: GimpForTests, predicted: dict[str, Any]) -> None:
    if gimp.is_32:
        assert 2 <= len(predicted["returned"]) <= 7
        assert any(": Exposure" in name for name in predicted["returned"])
    else:
        assert len(predicted["returned"]) == 1
        assert "EV" in predicted["returned"][0]
