# SPDX-License-Identifier: GPL-3.0-or-later
"""What all kinds of edit have in common: names, parameters, identity, strength, GIMP's filter, sliders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple

from ..json_type import Json

# Below these an edit changes no 8-bit value, so it is left out.
TOLERANCE = 1e-3

Slopes = tuple[float, ...]  # of a curve's segments, see curve.py


class EditError(ValueError):
    """Parameters that are no edit: the message says which and why."""


class Slider(NamedTuple):
    """A parameter that people set by hand: its field, its label, and what the slider allows."""

    field: str
    label: str
    low: float
    high: float
    step: float


@dataclass(frozen=True)
class Edit(ABC):
    """One photographic edit.  A kind of edit is a frozen dataclass that derives from this one, in a file of its own.

    Its fields are its parameters, by the names that JSON uses; its constructor raises EditError for what is no edit.
    A kind that `gimp:curves` applies gives `curves`, any other one `settings`.
    """

    name: ClassVar[str]  # in JSON, of procedures' arguments and on the command line
    title: ClassVar[str]  # for people
    mnemonic: ClassVar[str]  # the title with an underscore that is unique in the dialog
    help: ClassVar[str]  # what its switch does
    place: ClassVar[int]  # in lists and dialogs: ascending
    operation: ClassVar[str]  # of GIMP's filter
    sliders: ClassVar[tuple[Slider, ...]] = ()  # none: it has a switch alone
    is_curved: ClassVar[bool] = False
    comes_first: ClassVar[bool] = False  # always applied before those that can change places
    has_colour: ClassVar[bool] = False  # means nothing in a gray picture
    size: ClassVar[int] = 0  # of its numbers in a network's vector; 0: no network speaks of it

    @classmethod
    @abstractmethod
    def neutral(cls) -> Edit:
        """The identity."""

    @abstractmethod
    def at_strength(self, t: float) -> Edit:
        """From identity (t = 0) through this edit (1) and beyond, in parameter space."""

    @abstractmethod
    def is_identity(self) -> bool:
        """Whether it changes no 8-bit value."""

    @abstractmethod
    def label(self) -> str:
        """The title with the values, for people."""

    def settings(self, side: float) -> dict[str, float]:
        """The filter's properties that hold the numbers; of curves none.

        side: the longer side of the whole picture in the pixels of the filter's.
        """
        return {}

    @classmethod
    def from_settings(cls, values: Mapping[str, float], changed: set[str]) -> Edit | None:
        """The edit that a filter with these values is, `changed` those that are not as `settings` says; None: none.

        Raises EditError or ZeroDivisionError for values that no edit has.
        """
        return None

    def curves(self, gray: bool = False) -> dict[str, Slopes]:
        """The segment slopes of each curve, by GIMP's name of its channel; empty where it is no curve."""
        return {}

    def gains(self) -> tuple[float, float, float] | None:
        """The factors of linear red, green and blue where the edit is nothing more than these."""
        return None

    def reach(self, side: float) -> int:
        """How many pixels around it a pixel's result depends on; side: as for `settings`."""
        return 0

    def for_gray(self) -> Edit | None:
        """What is left of it in a picture without colour."""
        return None if self.has_colour else self

    def to_vector(self) -> list[float]:
        """The `size` numbers that the networks speak: 0 at the identity, so that strength is a factor on them."""
        return []

    @classmethod
    def from_vector(cls, values: Sequence[float]) -> Edit:
        """The inverse of `to_vector`."""
        return cls.neutral()

    def to_json(self) -> dict[str, Any]:
        """Name and parameters."""
        return {"name": self.name, **asdict(self)}


def check_number(name: str, value: Json, low: float, high: float) -> float:
    """The value as a float.  Raises EditError if it is no number within the range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise EditError(f"{name} must be a number from {low:g} to {high:g}, not {value!r:.40}.")
    return float(value)


def format_signed(value: float, digits: int = 2) -> str:
    """A number with its sign, typographic minus included."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
