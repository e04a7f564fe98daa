# SPDX-License-Identifier: GPL-3.0-or-later
"""GIMP's menus and windows get the plug-in's words in the language that GIMP speaks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import GimpForTests

CODE = """
import ctypes, gi
gi.require_version("Gimp", "3.0")
from gi.repository import Gimp
procedure = Gimp.get_pdb().lookup_procedure("plug-in-saliency-attenuate")
print("«" + procedure.get_menu_label() + "»", "«" + procedure.get_blurb() + "»")
image = Gimp.Image.new(8, 8, Gimp.ImageBaseType.RGB)
print("«" + Gimp.Selection.save(image).get_name() + "»")  # named by GIMP itself
number = ctypes.create_string_buffer(16)
ctypes.CDLL(None).snprintf(number, 16, b"%.1f", ctypes.c_double(0.5))
print("«" + number.value.decode() + "»")
"""


def test_the_menu_follows_gimps_language(gimp: GimpForTests, tmp_path: Path) -> None:
    # In a profile that knows the plug-in in English, the user chooses German in GIMP's preferences.
    profile, said = tmp_path / "profile", tmp_path / "said"
    shutil.copytree(gimp.env["GIMP3_DIRECTORY"], profile)
    with (profile / "gimprc").open("a", encoding="utf-8") as settings:
        settings.write('(language "de")\n')
    text = say(gimp, {**gimp.env, "GIMP3_DIRECTORY": str(profile)}, said)
    assert "«Auswahl _abschwächen …»" in text
    assert "«Den ausgewählten Bereich mit fotografischen Mitteln weniger" in text
    assert "«Auswahlmaske" in text, text
    assert "atalog" not in text and "ocalization" not in text, text


def test_gimp_follows_the_users_language(gimp: GimpForTests, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    shutil.copytree(gimp.env["GIMP3_DIRECTORY"], profile)
    env = {name: value for name, value in gimp.env.items() if name not in ("LANGUAGE", "LC_ALL", "LC_MESSAGES")}
    german = {"LANG": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "GIMP3_DIRECTORY": str(profile)}
    text = say(gimp, {**env, **german}, tmp_path / "said")
    assert "«Auswahl _abschwächen …»" in text
    assert "«Auswahlmaske" in text, text
    assert "«0.5»" in text  # a comma would spoil every number that a filter's text form holds
    assert "ocale not supported" not in text, text


def say(gimp: GimpForTests, env: dict[str, str], said: Path) -> str:
    """What a GIMP says when it runs CODE."""
    arguments = ("-i", "-d", "-f", "--batch-interpreter", "python-fu-eval", "-b", CODE, "--quit")
    with (
        said.open("wb") as log,
        gimp.gimp.start(*arguments, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        process.wait(120)
    return said.read_text(encoding="utf-8")
