# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in's texts in the user's language."""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "saliency"
FOLDER = Path(__file__).resolve().parents[1] / "locale"

_texts = gettext.translation(DOMAIN, FOLDER, fallback=True)
_ = _texts.gettext
ngettext = _texts.ngettext


def N_(sentence: str) -> str:
    """The sentence itself, for the catalogues: it is translated where it is shown."""
    return sentence
