# SPDX-License-Identifier: GPL-3.0-or-later
"""Several edits that one filter makes in one go: fewer layers, and less to compose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from ..words import _
from .base import Edit, Slopes
from .contrast import Contrast
from .tone import Tone


@dataclass(frozen=True)
class Joined(Edit):
    """Contrast and, of its result, tone.  `gimp:curves` has a curve for each channel and one for all, the latter last.

    It is no kind of its own and has no name: notes, arguments and networks speak of its parts.
    """

    contrast: Contrast
    tone: Tone

    title = _("Contrast and tone")
    operation = Tone.operation
    is_curved = True

    @property
    def parts(self) -> tuple[Edit, ...]:
        """The edits, in order of application."""
        return self.contrast, self.tone

    @classmethod
    def neutral(cls) -> Joined:
        return cls(Contrast.neutral(), Tone.neutral())

    def at_strength(self, t: float) -> Joined:
        return Joined(self.contrast.at_strength(t), self.tone.at_strength(t))

    def is_identity(self) -> bool:
        return all(part.is_identity() for part in self.parts)

    def label(self) -> str:
        return ", ".join(part.label() for part in self.parts)

    def curves(self, gray: bool = False) -> dict[str, Slopes]:
        (contrast,), (tone,) = (part.curves().values() for part in self.parts)
        return {"red": contrast, "green": contrast, "blue": contrast, "value": tone}

    def to_json(self) -> NoReturn:
        raise TypeError("Its parts have JSON.")


def join_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Names of edits in order of application, together where one filter makes several in a picture with colour."""
    result: list[tuple[str, ...]] = []
    for name in names:
        if name == Tone.name and result and result[-1] == (Contrast.name,):
            result[-1] = Contrast.name, Tone.name
        else:
            result.append((name,))
    return result


def join_edits(edits: Iterable[Edit], gray: bool) -> list[Edit]:
    """Edits in order of application, joined where one filter makes several; not in gray, which has one curve alone."""
    edits = list(edits)
    if gray:
        return edits
    rest = iter(edits)
    return [_join([next(rest) for _name in names]) for names in join_names(edit.name for edit in edits)]


def _join(parts: list[Edit]) -> Edit:
    contrast, tone = parts[0], parts[-1]
    return Joined(contrast, tone) if isinstance(contrast, Contrast) and isinstance(tone, Tone) else contrast


def list_parts(edits: Iterable[Edit]) -> list[Edit]:
    """The inverse of `join_edits`."""
    return [part for edit in edits for part in (edit.parts if isinstance(edit, Joined) else (edit,))]
