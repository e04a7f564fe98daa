# SPDX-License-Identifier: GPL-3.0-or-later
"""GIMP's menus and windows get the plug-in's words in the language that GIMP speaks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import GimpForTests

CODE = """
import gi
gi.require_version("Gimp", "3.0")
from gi.repository import Gimp
procedure = Gimp.get_pdb().lookup_procedure("plug-in-saliency-attenuate")
print("«" + procedure.get_menu_label() + "»", "«" + procedure.get_blurb() + "»")
"""


def test_the_menu_follows_gimps_language(gimp: GimpForTests, tmp_path: Path) -> None:
    # In a profile that knows the plug-in in English, the user chooses German in GIMP's preferences.
    profile, said = tmp_path / "profile", tmp_path / "said"
    shutil.copytree(gimp.env["GIMP3_DIRECTORY"], profile)
    with (profile / "gimprc").open("a", encoding="utf-8") as settings:
        settings.write('(language "de")\n')
    env = {**gimp.env, "GIMP3_DIRECTORY": str(profile)}
    arguments = ("-i", "-d", "-f", "--batch-interpreter", "python-fu-eval", "-b", CODE, "--quit")
    with (
        said.open("wb") as log,
        gimp.gimp.start(*arguments, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        process.wait(120)
    text = said.read_text(encoding="utf-8")
    assert "«Auswahl _abschwächen …»" in text
    assert "«Den ausgewählten Bereich mit fotografischen Mitteln weniger" in text
    assert "atalog" not in text and "ocalization" not in text, text
