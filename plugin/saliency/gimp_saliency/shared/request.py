# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked: one frozen object that dialog, procedures, jobs, server and networks hand on, with its codecs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from . import styles
from .choices import ATTENTION, DIRECTIONS, LOOKS, MOST, RETOUCH, TOOLS, WIDEST, Boldness, Edge, Look, Ranking
from .edits import NAMES, Edit, at_strength, for_gray
from .json_type import Json
from .retouch import MATCH, read_style, weigh_looks

PLAIN: styles.Style = (0.0,) * styles.NUMBERS


class Config(Protocol):
    """What GIMP keeps the arguments of a procedure in, as far as it is needed here."""

    def get_property(self, name: str, /) -> Json:
        """The value of an argument."""


class RequestError(ValueError):
    """Something that cannot be asked: one sentence."""


@dataclass(frozen=True)
class EditRequest:
    """The whole of what is asked of an edit.  Strengths are percent, 0 to 150; raises RequestError on anything else.

    boldness: how far the edits at 100 % go.  kinds: names of the edits to apply.  edge: what becomes of the selection's
    edge; grow: how many px of the image an object that is found may go beyond the selection; feather: width of the soft
    edge in px of the image; refine: let the edge follow the picture.  separate: each separate part of the selection
    gets edits of its own.  frames: the same edits, of the same selection, in all frames.  background: edits of their
    own for all that is not selected, too.  style: name of a saved style, "" the plain one; style_numbers: what it
    stands for where that is known already, empty: look it up.  tool: what makes the edits.  Of a retouch alone: look,
    in whose place a style may be; base_look, look_strength: how far to go from that look to the other one; people:
    whether skin keeps its hue.
    """

    direction: str
    strength: float = 100.0
    ranking: Ranking = Ranking.BEST_REALISM
    kinds: frozenset[str] = frozenset(NAMES)
    feather: float = 0.0
    refine: bool = False
    separate: bool = False
    frames: bool = False
    background: bool = False
    background_strength: float = 100.0
    style: str = ""
    style_numbers: styles.Style = ()
    tool: str = ATTENTION
    edge: Edge = Edge.AUTOMATIC
    grow: float = 0.0
    boldness: Boldness = Boldness.NATURAL
    look: str = Look.NEUTRAL.value
    base_look: str = Look.NEUTRAL.value
    look_strength: float = 100.0
    people: bool = True

    def __post_init__(self) -> None:
        self._check_purpose()
        for name, value, most in (
            ("strength", self.strength, MOST),
            ("background's strength", self.background_strength, MOST),
            ("soft edge", self.feather, WIDEST),
            ("growth", self.grow, WIDEST),
            ("look's strength", self.look_strength, MOST),
        ):
            if not 0 <= value <= most:
                raise RequestError(f"The {name} must be a number from 0 to {most:g}, not {value!r:.40}.")
        unknown = self.kinds - set(NAMES)
        if unknown:
            raise RequestError(f"There is no edit {min(unknown)!r:.40}; choose among {', '.join(NAMES)}.")
        if self.ranking not in list(Ranking):
            names = ", ".join(each.value for each in Ranking)
            raise RequestError(f"The order must be one of {names}, not {self.ranking!r:.40}.")
        if self.edge not in list(Edge):
            raise RequestError(f"The edge must be one of {', '.join(Edge)}, not {self.edge!r:.40}.")
        if self.boldness not in list(Boldness):
            raise RequestError(f"The boldness must be one of {', '.join(Boldness)}, not {self.boldness!r:.40}.")
        object.__setattr__(self, "ranking", Ranking(self.ranking))
        object.__setattr__(self, "boldness", Boldness(self.boldness))
        object.__setattr__(self, "edge", Edge(self.edge))
        object.__setattr__(self, "style_numbers", _check_style(self.style_numbers))

    def _check_purpose(self) -> None:
        """Raises RequestError for a tool, a direction or a look that there is not."""
        if self.tool not in TOOLS:
            raise RequestError(f"The tool must be one of {', '.join(TOOLS)}, not {self.tool!r:.40}.")
        directions = TOOLS[self.tool]
        if self.direction not in directions:
            raise RequestError(f"The direction must be {' or '.join(directions)}, not {self.direction!r:.40}.")
        for name in (self.look, self.base_look):
            if name not in (*LOOKS, MATCH):
                raise RequestError(f"The look must be one of {', '.join(LOOKS)}, not {name!r:.40}.")

    @property
    def sign(self) -> float:
        """-1 if less of the attention is better, +1 if more."""
        return DIRECTIONS[self.direction]

    @property
    def wanted_edge(self) -> Edge:
        """What the selection's edge is to become: feather and refine by themselves mean the selection as it is."""
        if self.refine or (self.edge == Edge.AUTOMATIC and self.feather > 0):
            return Edge.AS_SELECTED
        return self.edge

    @property
    def own_feather(self) -> float:
        """Width in px of the soft edge that GIMP gives the selection: 0 where the edge is found for it."""
        return self.feather if self.wanted_edge == Edge.AS_SELECTED else 0.0

    @property
    def may_fit(self) -> bool:
        """Whether the selection is fitted to an object where there is one."""
        return self.wanted_edge in (Edge.AUTOMATIC, Edge.OBJECT)

    @property
    def own_growth(self) -> float:
        """How many px the selection may grow: 0 where its edge is not to be an object's."""
        return self.grow if self.may_fit else 0.0

    def has_other_edge(self, made: EditRequest) -> bool:
        """Whether the selection's edge is to become another one than by the request that was made."""
        own, other = ((each.wanted_edge, each.feather, each.own_growth) for each in (self, made))
        return own != other

    def without_edge(self) -> EditRequest:
        """The same for a mask that has its edge already."""
        return replace(self, edge=Edge.AS_SELECTED, grow=0.0, feather=0.0, refine=False)

    # What is left of edits

    def scale_edits(self, edits: Iterable[Edit], gray: bool) -> list[Edit]:
        """The edits as they are to be applied: at the strength, without those that are off or impossible in gray."""
        return self._scale(edits, gray, self.strength)

    def scale_background(self, edits: Iterable[Edit], gray: bool) -> list[Edit]:
        """The same for edits of the background, at its own strength; none where the background is off."""
        return self._scale(edits, gray, self.background_strength) if self.background else []

    def _scale(self, edits: Iterable[Edit], gray: bool, strength: float) -> list[Edit]:
        left = [edit for edit in edits if edit.name in self.kinds]
        return at_strength(for_gray(left) if gray else left, strength / 100)

    # A dialog's settings: GIMP's procedure config, whose properties have the names of the arguments

    @classmethod
    def from_config(cls, config: Config, direction: str) -> EditRequest:
        """The values of a procedure's arguments."""
        return cls(
            direction,
            config.get_property("strength"),
            Ranking(config.get_property("order")),
            read_kinds(config),
            config.get_property("feather"),
            config.get_property("refine"),
            config.get_property("separate"),
            config.get_property("frames"),
            config.get_property("background"),
            config.get_property("background-strength"),
            config.get_property("style") or "",
            edge=Edge(config.get_property("edge")),
            grow=config.get_property("grow"),
            boldness=Boldness(config.get_property("boldness")),
        )

    @classmethod
    def retouch_from_config(cls, config: Config) -> EditRequest:
        """The same of a retouch's arguments; an image to match goes before the look."""
        return cls(
            RETOUCH,
            config.get_property("strength"),
            kinds=read_kinds(config),
            frames=config.get_property("frames"),
            style=config.get_property("style") or "",
            tool=RETOUCH,
            edge=Edge.AS_SELECTED,
            look=MATCH if config.get_property("reference") is not None else config.get_property("look"),
            base_look=config.get_property("base-look"),
            look_strength=config.get_property("look-strength"),
            people=config.get_property("people"),
        )

    def find_style(self) -> styles.Style:
        """The style's numbers, none of the plain one.  Raises UserError where there is no such style."""
        saved = styles.RETOUCHES if self.tool == RETOUCH else styles.EDITS
        return self.style_numbers or saved.find_numbers(self.style)

    def find_weights(self) -> dict[str, float]:
        """How much of each look a retouch is to have.  Raises UserError where there is no such style."""
        share = self.look_strength / 100
        style = () if self.look == MATCH else self.find_style()
        if not style:
            return weigh_looks(self.base_look, self.look, share)
        weights = {name: share * weight for name, weight in read_style(style).items()}
        weights[self.base_look] = weights.get(self.base_look, 0.0) + 1 - share
        return weights

    # A query string, with strengths as factors: what is as usual is left out

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> EditRequest:
        """The inverse of `to_query`.  Raises RequestError; what is unknown in the query is not looked at."""
        style = query.get("style")
        return cls(
            _parse_choice("direction", query.get("direction", ""), DIRECTIONS),
            100 * _parse_factor(query, "strength"),
            Ranking(
                _parse_choice("order", query.get("order", Ranking.BEST_REALISM.value), [each.value for each in Ranking])
            ),
            background=_parse_choice("background", query.get("background", "0"), ("0", "1")) == "1",
            background_strength=100 * _parse_factor(query, "background_strength"),
            style_numbers=() if style is None else parse_style(style),
            boldness=Boldness(
                _parse_choice(
                    "boldness", query.get("boldness", Boldness.NATURAL.value), [each.value for each in Boldness]
                )
            ),
        )

    def to_query(self) -> dict[str, Any]:
        """The parameters of a request for edits.  Raises UserError where there is no such style."""
        query: dict[str, Any] = {"direction": self.direction, "strength": self.strength / 100}
        if self.boldness != Boldness.NATURAL:
            query["boldness"] = self.boldness.value
        if self.background:
            query.update(background=1, background_strength=self.background_strength / 100)
        if numbers := self.find_style():
            query["style"] = write_style(numbers)
        return query

    # A job of a folder, or what is kept of one: JSON

    @classmethod
    def from_job(cls, job: Mapping[str, Any]) -> EditRequest:
        """The inverse of `to_job`; what else is in the job is not looked at.  Raises RequestError or KeyError."""
        try:
            if job.get("tool") == RETOUCH:
                return cls._retouch_from_job(job)
            return cls(
                job["direction"],
                float(job["strength"]),
                Ranking(job["order"]),
                frozenset(job.get("kinds", NAMES)),
                frames=bool(job.get("frames")),
                background=bool(job.get("background")),
                background_strength=float(job.get("background_strength", 100)),
                style=job.get("style") or "",
                edge=Edge(job.get("edge", Edge.AUTOMATIC)),
                boldness=Boldness(job.get("boldness", Boldness.NATURAL)),
            )
        except (TypeError, ValueError) as error:
            raise RequestError(str(error)) from error

    @classmethod
    def _retouch_from_job(cls, job: Mapping[str, Any]) -> EditRequest:
        return cls(
            RETOUCH,
            float(job["strength"]),
            kinds=frozenset(job.get("kinds", NAMES)),
            frames=bool(job.get("frames")),
            style=job["style"],
            tool=RETOUCH,
            edge=Edge.AS_SELECTED,
            look=job["look"],
            base_look=job["base_look"],
            look_strength=float(job["look_strength"]),
            people=bool(job["people"]),
        )

    def to_job(self) -> dict[str, Any]:
        """As JSON; all kinds need no word, nor does the tool that moves attention."""
        job: dict[str, Any]
        if self.tool == RETOUCH:
            names = ("tool", "strength", "style", "look", "base_look", "look_strength", "people")
            job = {name: getattr(self, name) for name in names}
        else:
            job = {
                "direction": self.direction,
                "order": self.ranking.value,
                "strength": self.strength,
                "background": self.background,
                "background_strength": self.background_strength,
                "style": self.style,
                "edge": self.edge.value,
                "boldness": self.boldness.value,
            }
        if self.kinds != frozenset(NAMES):
            job["kinds"] = sorted(self.kinds)
        if self.frames:
            job["frames"] = True
        return job


# Of a query, what need not be said.
DEFAULTS = {
    "strength": "1", "boldness": Boldness.NATURAL.value, "background": "0", "background_strength": "1",
    "style": ",".join(f"{n:g}" for n in PLAIN),
}  # fmt: skip


def read_kinds(config: Config) -> frozenset[str]:
    """The names of the edits whose switch is on among a procedure's arguments."""
    return frozenset(name for name in NAMES if config.get_property(name))


def parse_number(text: str) -> float:
    """A number in text, nan if it is none."""
    try:
        # Python's own takes more for a number than others do: 1_6, and the digits of all scripts.
        return float(text) if re.fullmatch(r"[0-9.eE+-]{1,40}", text) else math.nan
    except ValueError:
        return math.nan


def write_style(numbers: styles.Style) -> str:
    """A style's numbers as a query has them."""
    return ",".join(str(number) for number in numbers)


def parse_style(text: str) -> styles.Style:
    """The inverse of `write_style`.  Raises RequestError."""
    values = tuple(parse_number(part) for part in text.split(",")) if len(text) < 1000 else ()
    if len(values) != styles.NUMBERS or not all(abs(value) <= styles.FARTHEST for value in values):
        raise RequestError(
            f"style must be {styles.NUMBERS} numbers from {-styles.FARTHEST:g} to {styles.FARTHEST:g} "
            "with commas between."
        )
    return values


def _parse_choice(name: str, value: str, choices: Iterable[str]) -> str:
    if value not in choices:
        raise RequestError(f"{name} must be one of {', '.join(choices)}.")
    return value


def _parse_factor(query: Mapping[str, str], name: str) -> float:
    value = parse_number(query.get(name, "1"))
    if not 0 <= value <= MOST / 100:
        raise RequestError(f"{name} must be a number from 0 to {MOST / 100:g}.")
    return value


def _check_style(numbers: Sequence[float]) -> styles.Style:
    style = tuple(float(value) for value in numbers)
    if style and (len(style) != styles.NUMBERS or not all(abs(value) <= styles.FARTHEST for value in style)):
        raise RequestError(
            f"The style must be {styles.NUMBERS} numbers from {-styles.FARTHEST:g} to {styles.FARTHEST:g}."
        )
    return style
