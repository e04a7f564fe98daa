# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogues are complete and fit the sources; every sentence can be translated."""

from __future__ import annotations

import ast
import gettext
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from tests import translations
from tests.translations import LOCALE, PROJECT, Sentences

PLUGIN = PROJECT / "plugin" / "saliency" / "gimp_saliency"
LANGUAGES = translations.catalogues()
ERRORS = {"UserError", "ServerError", "NoServer", "ServerLate"}
# The letters of GIMP's own buttons beside ours: Reset, Load Saved Settings, Save Settings, Cancel, OK.
GIMPS = {"en": "rlsco", "de": "zgsco", "fr": "rcsnv"}
STRENGTHS = ("Stre_ngth (%)", "Colo_ur (%)", "Sha_ding (%)")  # of the arguments those in the dialog of Harmonize Layer
RETOUCH = "Look strengt_h (%)", "_Protect people"
TOLD = "run python -m tests.translations"


def _content(sentences: Sentences) -> list[tuple[str, list[str]]]:
    return sorted((str(each.id), each.auto_comments) for each in sentences if each.id)


def test_template_is_up_to_date() -> None:
    assert _content(translations.read(translations.TEMPLATE)) == _content(translations.extracted()), TOLD


def test_german_and_french() -> None:
    assert {"de", "fr"} <= LANGUAGES.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_is_complete(language: str) -> None:
    sentences = translations.read(LANGUAGES[language], language)
    assert _content(sentences) == _content(translations.read(translations.TEMPLATE)), TOLD
    missing = [each.id for each in sentences if each.id and (each.fuzzy or not each.string)]
    assert not missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_up_to_date(language: str) -> None:
    with LANGUAGES[language].with_suffix(".mo").open("rb") as file:
        compiled = {each.id: each.string for each in read_mo(file) if each.id}
    assert compiled == {each.id: each.string for each in translations.read(LANGUAGES[language]) if each.id}, TOLD


def _fields(sentence: str) -> list[tuple[str | None, str | None, str | None]]:
    return sorted((field[1:] for field in string.Formatter().parse(sentence) if field[1] is not None), key=str)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_same_fields(language: str) -> None:
    for each in translations.read(LANGUAGES[language]):
        assert not each.id or _fields(str(each.string)) == _fields(str(each.id)), each.id


def _labels(*patterns: str) -> list[str]:
    """The labels with a mnemonic in modules of the plug-in."""
    paths = [path for pattern in patterns for path in sorted(PLUGIN.rglob(pattern))]
    sources = [path.read_text(encoding="utf-8") for path in paths]
    labels = [label for source in sources for label in re.findall(r'\b_\("([^"]*_\w[^"]*)"\)', source)]
    return list(dict.fromkeys(labels))


def _windows() -> dict[str, list[str]]:
    """What is seen at the same time, by name."""
    style, server, harmony = _labels("style_name.py"), _labels("server_dialog.py"), _labels("ui/harmon*.py")
    images = _labels("widgets/image_list.py")
    window = [label for label in _labels("ui/**/*.py") if label not in {*style, *server, *harmony, *images}]
    light_table, again = _labels("widgets/view_controls.py", "widgets/status.py"), _labels("harmony_adjust_dialog.py")
    choosing = _labels("widgets/alternatives.py", "widgets/style_list.py")
    assert again and choosing and images
    arguments = _labels("tools/arguments.py", "shared/edits/*.py", "shared/choices.py")
    strengths = [label for label in arguments if label in STRENGTHS]
    retouch = [label for label in arguments if label in RETOUCH]
    kinds, styles = _labels("shared/edits/*.py"), _labels("widgets/style_list.py")
    assert (len(strengths), len(retouch)) == (len(STRENGTHS), len(RETOUCH))
    others = {*STRENGTHS[1:], *RETOUCH}
    return {
        "menu": _labels("tools/registry.py"),
        "edit": [*window, *(label for label in arguments if label not in others)],
        "retouch": [*images, *styles, *light_table, *retouch, *kinds, STRENGTHS[0]],
        "harmonize": [*(each for each in harmony if each not in again), *choosing, *light_table, *strengths],
        "adjust harmony": [*again, *light_table, *strengths],
        "style": style,
        "server": server,
    }


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("window", ["menu", "edit", "retouch", "harmonize", "adjust harmony", "style", "server"])
def test_mnemonics_are_unique(window: str, language: str) -> None:
    labels = [label for label in _windows()[window] if label != "Or_der"]  # the alternatives' buttons take its place
    assert len(labels) >= (3 if window == "style" else 5)
    found = gettext.translation("saliency", LOCALE, [language], fallback=language == "en")
    shown = [found.gettext(label) for label in labels]
    letters = [letter.lower() for label in shown for letter in re.findall(r"_(\w)", label)]
    assert len(letters) == len(labels), shown
    letters += GIMPS[language] if window not in ("menu", "style", "server") else ""
    assert len(set(letters)) == len(letters), sorted(letters)


def _raised(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in ERRORS:
                yield node


@pytest.mark.parametrize("path", sorted(PLUGIN.rglob("*.py")), ids=lambda path: path.name)
def test_no_sentence_is_bare(path: Path) -> None:
    for call in _raised(path):
        bare = [each for each in call.args if isinstance(each, (ast.Constant, ast.JoinedStr))]
        assert not bare, f"line {call.lineno}: no _()"


@pytest.mark.parametrize("path", sorted(PLUGIN.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_else_is_called_underscore(path: Path) -> None:
    # In a function that assigns _, even its sentences before that could not be translated.
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            inside = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == "_"]
            uses: set[type[ast.expr_context]] = {type(node.ctx) for node in inside}
            assert uses != {ast.Load, ast.Store}, f"line {function.lineno}"


@pytest.mark.parametrize(("language", "label"), [("de", "Belichtung −0.61 EV"), ("fr", "Exposition −0.61 IL")])
def test_layers_get_names_in_the_users_language(language: str, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gimp_saliency.shared.edits import exposure

    translate: Callable[[str], str] = gettext.translation("saliency", LOCALE, [language]).gettext
    monkeypatch.setattr(exposure, "_", translate)
    assert exposure.Exposure(-0.61).label() == label
