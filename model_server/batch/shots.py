# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving pictures for `batch --frames`: numbered pictures as shots, whose frames all get the same numbers.

The numbers of a shot are predicted once and kept in a file beside the results, so that nothing flickers, be the work
shared between GIMPs, interrupted or resumed.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

from PIL import Image

from gimp_saliency.shared.edits import EditError, from_json
from model_server.batch import masks

ANIMATIONS = (".gif", ".webp")

Masks = dict[int, Path]  # of one picture, by the region's number: 0 for NAME.png, k for NAME__k.png
Answer = dict[str, Any]  # a region's edits, as folder_job answers them
Predict = Callable[[Path, list[Path], list[Union[Answer, None]]], list[Answer]]


class ShotError(Exception):
    """A shot's frames cannot be edited: one sentence."""


@dataclass(frozen=True)
class Frame:
    """A picture of a shot, and the masks that count for it."""

    picture: Path
    masks: Masks

    def present(self, region: int) -> bool:
        """Whether the frame shows the region."""
        return region in self.masks and not masks.is_black(self.masks[region])


@dataclass
class Shot:
    """Pictures that are shown one after the other.  kept: the file of their numbers."""

    name: str
    frames: list[Frame]
    kept: Path
    _answers: dict[int, Answer] | None = None
    _reason: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(
        self, settings: dict[str, Any], resume: bool, predict: Predict, write: Callable[[Path, str], None]
    ) -> dict[int, Answer]:
        """The edits of each region, asked for once, on the first frame that shows it.  Raises ShotError.

        settings: those of the edit, such as direction and strength, which belong to the numbers; resume: take the
        numbers that an earlier run kept.  predict: the edits of a frame by its picture, its masks, and those of their
        edits that are known, None where not; it raises ShotError where the frame is of no use, and the next one's turn
        comes.  write: writes the file, all or nothing.
        """
        with self._lock:
            if self._reason:
                raise ShotError(self._reason)
            if self._answers is None:
                try:
                    if resume and self.kept.exists():
                        self._answers = self._read(settings)
                    else:
                        self._answers = self._predicted(predict)
                        write(self.kept, self._text(settings))
                except ShotError as error:
                    self._reason = str(error)
                    raise
            return self._answers

    def _predicted(self, predict: Predict) -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        for region in sorted({region for frame in self.frames for region in frame.masks}):
            reason = None
            for frame in self.frames:
                if not frame.present(region):
                    continue
                known = [each for each in sorted(answers) if frame.present(each)]
                try:
                    paths = [frame.masks[each] for each in (*known, region)]
                    found = predict(frame.picture, paths, [*(answers[each] for each in known), None])
                except ShotError as error:
                    reason = reason or error
                    continue
                answers[region] = {**found[-1], "frame": frame.picture.name}
                break
            else:
                if reason:
                    raise reason
        if not answers:
            some = any(frame.masks for frame in self.frames)
            name = self.frames[0].picture.stem
            raise ShotError(
                "The masks of its shot are black everywhere: paint the region white in one."
                if some
                else f"Its shot has no mask: put {name}.png, or one for all, into the folder of masks."
            )
        return answers

    def _text(self, settings: dict[str, Any]) -> str:
        return json.dumps({"shot": self.name, **settings, "regions": self._answers}, indent=1) + "\n"

    def _read(self, settings: dict[str, Any]) -> dict[int, Answer]:
        """The numbers of an earlier run.  Raises ShotError."""
        try:
            content = json.loads(self.kept.read_text(encoding="utf-8"))
            answers = {int(region): answer for region, answer in content["regions"].items()}
            for answer in answers.values():
                from_json(answer["edits"])
                from_json(answer.get("background", []))
            before = {name: content[name] for name in settings}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, EditError) as error:
            sentence = f"The shot's numbers in {self.kept.name} are damaged: run again without --resume."
            raise ShotError(sentence) from error
        if before != settings:
            said = ", ".join(f"{name.replace('_', '-')} {_word(value)}" for name, value in before.items())
            raise ShotError(f"Its shot was begun with {said}: take these again, or run without --resume.")
        return answers


def _word(value: Any) -> str:
    """A setting's value, as a person would say it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) or "plain"


def grouped(pictures: Iterable[Path]) -> dict[tuple[str, str], list[Path]]:
    """The pictures with a number at the end of their name, in its order, by what stands before it and the ending."""
    found: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path in pictures:
        if numbered := re.fullmatch(r"(.*?)([0-9]+)", path.stem, re.DOTALL):
            found.setdefault((numbered[1], path.suffix.lower()), []).append((int(numbered[2]), path))
    return {key: [path for _number, path in sorted(shot)] for key, shot in found.items()}


def with_masks(stem: str, pictures: list[Path], found: dict[str, Masks]) -> list[Frame]:
    """The frames of a shot.  found: the masks of each name.

    A frame without masks of its own has those of the nearest earlier frame with some, else those of the shot's name:
    of shot_0001.jpg that is shot.png.
    """
    current = found.get(stem.rstrip("_-. "), {})
    frames = []
    for picture in pictures:
        current = found.get(picture.stem) or current
        frames.append(Frame(picture, current))
    return frames


def is_animation(path: Path) -> bool:
    """Whether a GIF or WebP has several frames."""
    if path.suffix.lower() not in ANIMATIONS:
        return False
    try:
        with Image.open(path) as picture:
            return getattr(picture, "n_frames", 1) > 1
    except (OSError, ValueError, SyntaxError):
        return False
