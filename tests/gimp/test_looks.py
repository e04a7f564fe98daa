# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of an edit with all kinds of pictures, in other languages, on small and large screens, by keyboard."""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo

from gimp_saliency.shared import places
from tests import translations
from tests.conftest import GimpForTests
from tests.gimp import gui
from tests.gimp.gui import Window, wait_for

pytestmark = pytest.mark.skipif(bool(gui.MISSING), reason=f"needs {', '.join(gui.TOOLS)}")

TITLE = "Attenuate Selection"
OPEN = "ctrl+F9"  # a shortcut, since the menu's own keys are other ones in other languages
THOROUGH = pytest.mark.thorough


@contextmanager
def profile(
    gimp: GimpForTests, language: str = "", words: Callable[[str], str] | None = None
) -> Iterator[GimpForTests]:
    """The GIMP with a copy of its profile: with the shortcut, the watcher, and a catalogue made of words."""
    folder = Path(gimp.env["GIMP3_DIRECTORY"])
    copy = folder.with_name(f"looks-{uuid.uuid4().hex[:8]}")
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "plug-in-settings", ignore_errors=True)  # what the dialogs of other tests remember
    try:
        action = f'(action "plug-in-saliency-attenuate" "{OPEN.replace("ctrl+", "<Primary>")}")'
        (copy / "shortcutsrc").write_text(f"(file-version 1)\n{action}\n")
        package = copy / "plug-ins" / "saliency" / "gimp_saliency"
        watcher = Path(__file__).with_name("watcher.py")
        with (package / "shared" / "tracing.py").open("a") as file:
            file.write(f"\nexec(open({str(watcher)!r}).read())\n")
        if language:
            speak(package / "shared" / "words.py", language, gimp.gimp.location or Path("/"), copy / "locales")
        if words:
            write_catalogue(package / "locale" / language / "LC_MESSAGES" / "saliency.mo", words)
        yield gimp.where(GIMP3_DIRECTORY=str(copy), XDG_CONFIG_HOME=str(copy / "config"))
    finally:
        shutil.rmtree(copy)


def speak(module: Path, language: str, root: Path, locales: Path) -> None:
    """Let the plug-in, from this module of it on, and GIMP's part of its dialogs speak a language.

    The root folder has no locale but C.UTF-8, in which gettext translates nothing; under another name it does.
    """
    shutil.copytree(root / "usr/lib/locale/C.utf8", locales / "any.UTF-8")
    variables = {"LOCPATH": str(locales), "LC_ALL": "any.UTF-8", "LANGUAGE": language}
    source = module.read_text()
    module.write_text(source.replace("import gettext\n", f"import gettext, os\nos.environ.update({variables!r})\n", 1))


def open_dialog(window: Window) -> str:
    """Open the dialog by its shortcut and wait until it shows all that it asks for; its title."""
    window.activate("GIMP$")
    count = len(window.notes("measured"))
    window.keys(OPEN, pause=0)
    title = str(window.next_note("measured", count)["title"])
    window.activate(title)
    return title


def answer(window: Window, key: str, title: str = TITLE) -> None:
    """Press a key in a dialog and wait until it has closed."""
    window.activate(title)  # for a moment after another window has closed, none takes keys
    window.keys(key, pause=0)
    wait_for(lambda: not window.find(title), "the dialog's end")


# Kinds of pictures

LARGE = {"enlarged": (6000, 4000), "ellipse": (1500, 1000, 2500, 1750), "feather": 200}
KINDS: dict[str, dict[str, Any]] = {
    "8 bit": {},
    "24 megapixels": LARGE,
    "16 bit": {"precision": "U16_NON_LINEAR"},
    "32-bit float, linear": {"precision": "FLOAT_LINEAR"},
    "gray": {"base": "GRAY"},
    "Adobe RGB": {"adobe": True},
    "partly transparent": {"alpha": "partial"},
    "portrait": {"enlarged": (320, 480), "ellipse": (80, 120, 140, 200)},
}
# Layers, the active ones, and what is visible, small, as some pictures are large.  Not the selection, which GIMP 3.2's
# undo rounds.
STATE = (
    "(inside.tree(image), [layer.get_name() for layer in image.get_selected_layers()], "
    "bytes(image.get_thumbnail_data(256, 256)[0].get_data()))"
)
IMAGES = "len(Gimp.get_images())"


@pytest.fixture(scope="module")
def shared(gimp: GimpForTests, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all kinds of pictures."""
    with profile(gimp) as own, gui.opened(own, tmp_path_factory.mktemp("looks")) as window:
        yield window


@pytest.fixture
def show(shared: Window) -> Iterator[Callable[[dict[str, Any]], Window]]:
    """Shows a picture in the window; closes what a failed test left open."""

    def show(scene: dict[str, Any]) -> Window:
        shared.ask(f"show({scene!r})")
        return shared

    yield show
    if shared.find(TITLE):
        answer(shared, "Escape")


def edit_and_undo(window: Window, *keys: str) -> int:
    """Open the dialog, press keys, see the picture change, OK, undo: all is as before.  How many layers were added."""
    before = window.ask(STATE)
    open_dialog(window)
    first = window.sharp_picture()["picture"]
    if keys:
        count = len(window.notes("measured"))
        window.keys(*keys, pause=0.1)
        window.next_note("measured", count)
        window.calm()
    with_edit = window.sharp_picture()["picture"]
    window.keys("alt+n", "0", "Tab", pause=0.1)
    wait_for(lambda: window.sharp_picture()["picture"] != with_edit, "a picture without the edit")
    window.keys("alt+n", "1", "0", "0", "Tab", pause=0.1)
    wait_for(lambda: window.sharp_picture()["picture"] == with_edit, "the picture with the edit")
    assert keys or with_edit == first
    assert window.ask(STATE) == before
    answer(window, "alt+o")
    window.ended(180)
    after = wait_for(lambda: edited(window, before), "the edit")
    assert window.ask(IMAGES) == 1, "a picture of the preview stayed behind"
    assert not window.find("GIMP Message")
    window.activate("GIMP$")
    window.keys("ctrl+z", pause=0)
    wait_for(lambda: window.ask(STATE) == before, "one undo step", limit=120)
    return len(after[0]) - len(before[0])


def edited(window: Window, before: Any) -> Any:
    """The state with the edit, None as long as it changes."""
    state = window.ask(STATE)
    if state[0] == before[0] or state[2] == before[2]:
        return None
    time.sleep(0.3)
    return state if window.ask(STATE) == state else None


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=THOROUGH if kind != "8 bit" else ()) for kind in KINDS])
def test_kinds(show: Callable[[dict[str, Any]], Window], kind: str) -> None:
    assert edit_and_undo(show(KINDS[kind])) > 0


@THOROUGH
def test_parts_separately(gimp: GimpForTests, show: Callable[[dict[str, Any]], Window]) -> None:
    window = show({"ellipse": (40, 40, 120, 90)})
    together = edit_and_undo(window)
    window.ask("inside.select(image, (40, 40, 120, 90), 0)")
    window.ask("image.select_ellipse(Gimp.ChannelOps.ADD, 300, 190, 130, 90)")
    assert edit_and_undo(window, "alt+p") > together


@THOROUGH
def test_soft_edge_at_the_object(show: Callable[[dict[str, Any]], Window]) -> None:
    assert edit_and_undo(show({"feather": 0}), "alt+f", "2", "0", "Tab", "alt+j") > 0


# What it looks like

# Texts get about so much longer in wordy languages; the mnemonics stay the English ones.
FILLER = " lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore"
HEBREW = str.maketrans("abcdefghijklmnopqrstuvwxyz", "אבגדהוזחטיכלמנסעפצקרשתםןףץ")


def longer(text: str) -> str:
    return text + FILLER[: round(0.4 * len(text))].rstrip()


def hebrew(text: str) -> str:
    """Nonsense in right-to-left letters; what stands in braces stays."""
    pieces = re.split(r"(\{.*?\})", text.replace("_", ""))
    return "".join(piece if piece.startswith("{") else piece.lower().translate(HEBREW) for piece in pieces)


def write_catalogue(path: Path, words: Callable[[str], str]) -> None:
    """A translation of all sentences of the plug-in but the dialog's title, as xdotool finds no Hebrew."""
    sentences = translations.extracted()
    for sentence in sentences:
        if isinstance(sentence.id, str) and not sentence.id.startswith("_" + TITLE):  # else: a plural, not shown
            sentence.string = words(sentence.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_mo(file, sentences)


@dataclass(frozen=True)
class Look:
    """What the screen and the user's language are like."""

    size: str = "1280x800"
    scheme: str = "dark"
    language: str = ""
    words: Callable[[str], str] | None = None  # makes the language's catalogue, if there is none

    def __str__(self) -> str:
        return "-".join(filter(None, (self.size, self.scheme, self.language, self.words and self.words.__name__)))


LOOKS = [
    Look(),
    Look("1920x1080", "light"),
    Look("1280x800", "light", "de"),
    Look("1280x800", "dark", "fr"),
    Look("1280x800", "dark", "tlh", longer),
    Look("1920x1080", "light", "tlh", longer),
    Look("1280x800", "dark", "he", hebrew),
    Look("1920x1080", "light", "he", hebrew),
]


def scene(gimp: GimpForTests) -> dict[str, Any]:
    """A photograph where the sample pictures are, else noise."""
    photo = places.cache_folder() / "samples" / "coffee.png"
    if not photo.is_file():
        return {}
    copy = Path(gimp.env["GIMP3_DIRECTORY"]).with_name(photo.name)  # GIMP may not see the cache
    shutil.copyfile(photo, copy)
    return {"file": str(copy), "ellipse": (325, 240, 85, 88), "feather": 6}


@pytest.mark.parametrize(
    "look", [pytest.param(look, marks=THOROUGH if look != Look() else (), id=str(look)) for look in LOOKS]
)
def test_nothing_is_cut_off(gimp: GimpForTests, tmp_path: Path, look: Look) -> None:
    """The dialog fits the screen, every text its place.  $GIMP_SALIENCY_SCREENSHOTS gets pictures to look at."""
    if look.language and not look.words and look.language not in translations.catalogues():
        pytest.skip(f"no catalogue of {look.language}")
    preferences = f"(theme-color-scheme {look.scheme})"
    with (
        profile(gimp, look.language, look.words) as own,
        gui.opened(own, tmp_path, scene(own), look.size, preferences=preferences) as window,
    ):
        title = open_dialog(window)
        window.calm()
        window.screenshot(f"look-3.{gimp.gimp.version[1]}-{look}")
        assert window.notes("cut")[-1]["texts"] == []
        left, top, width, height = window.measure(title)
        assert left >= 0 <= top
        screen_width, screen_height = map(int, look.size.split("x"))
        assert left + width <= screen_width
        assert top + height <= screen_height
        answer(window, "Escape", title)


def test_an_overlong_sentence_leaves_the_dialog_on_the_screen(gimp: GimpForTests, tmp_path: Path) -> None:
    sentence = 100 * "words and " + 100 * "/a_path_without_blanks"
    with profile(gimp) as own:
        package = Path(own.env["GIMP3_DIRECTORY"], "plug-ins", "saliency", "gimp_saliency")
        with (package / "shared" / "client" / "questions.py").open("a") as file:
            file.write(f"\n\ndef ask_edits(*_, **__):\n    raise ServerError({sentence!r})\n")
        with gui.opened(own, tmp_path) as window:
            window.menu(TITLE)
            window.activate(TITLE)
            window.next_note("shown", 0)
            window.calm(2.0)
            window.screenshot(f"overlong-3.{gimp.gimp.version[1]}")
            _left, _top, width, height = window.measure(TITLE)
            assert width <= 1280 and height <= 770  # and the window's own title
            answer(window, "Escape")


# By keyboard

CONTROLS = [
    *("Strength", "Soft edge", "Refine", "Treat parts", "background", "Background strength", "Style:"),
    *("Sharpening", "Contrast", "Tone", "Exposure", "Saturation", "White balance", "Curves"),
    *("Amount of sharpening", "Amount of contrast", "Exposure in EV", "Factor of saturation", "Red", "Blue"),
    *("Picture", "Split", "Before", "Fit", "100 %", "200 %", "Region", "Show mask", "Outline"),
    *("Most realistic", "More styles", "OK", "Cancel", "Reset", "Help"),
]


def test_every_control_is_reached_by_tab(show: Callable[[dict[str, Any]], Window]) -> None:
    window = show({})
    title = open_dialog(window)
    window.keys("alt+b", pause=0)  # so that the background's strength is of use
    window.calm()
    count = len(window.notes("focus"))
    window.keys(*["Tab"] * 60, pause=0.05)

    def reached() -> list[str]:
        return [note["on"] for note in window.notes("focus")[count:]]

    def missed() -> list[str]:
        return [control for control in CONTROLS if not any(control in each for each in reached())]

    with suppress(AssertionError):  # that it took too long says less than what was missed
        wait_for(lambda: not missed(), "a focus on each control", 20)
    assert not missed(), reached()
    answer(window, "Escape", title)


def test_help_shows_the_readme(show: Callable[[dict[str, Any]], Window]) -> None:
    window = show({})
    title = open_dialog(window)
    window.keys("alt+h", pause=0)
    window.activate("Help: Saliency")
    window.screenshot("help")
    text = window.next_note("help", 0)["text"]
    assert text.startswith("Use")
    assert "![" not in text
    answer(window, "Escape", "Help: Saliency")
    answer(window, "Escape", title)
