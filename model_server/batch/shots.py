# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving pictures for `batch --frames`: numbered pictures as shots, whose frames all get the same numbers."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from model_server.batch.answer import Answer
from model_server.batch.failures import JobError
from model_server.batch.kept import Kept, Predict
from model_server.batch.listing import join_path, split_name
from model_server.batch.masks import Mask, Regions, is_black

ANIMATIONS = ("gif", "webp")

Key = tuple[str, str]  # what the frames of a shot have in common: the name before the number, the ending


class Shot(Kept):
    """Pictures that are shown one after the other, and the edits of each of their regions.  Thread-safe.

    A frame without masks of its own has those of the nearest earlier frame with some, else those of the shot's name:
    of shot_0001.jpg that is shot.png.
    """

    word = "shot"

    def __init__(self, key: Key, pictures: Path, frames: Sequence[str], masks: Regions, kept: Path) -> None:
        """frames: names of pictures in the folder, in order; kept: the file for the numbers, `<shot>.edits.json`."""
        super().__init__(kept)
        self.frames = frames
        self._pictures = pictures
        self._masks = masks
        self._title = f"{key[0].rstrip('_-. ')}.{key[1]}"
        # Of the frames with masks of their own: all that is kept of a million frames besides their names.
        self._masked = array("L", (at for at, name in enumerate(frames) if masks.find(name)))

    def find_masks(self, place: int) -> dict[int, Mask]:
        """The masks that count for a frame, by the region's number."""
        earlier = bisect_right(self._masked, place)
        name = self.frames[self._masked[earlier - 1]] if earlier else self._title
        return dict(self._masks.find(name))

    def _predict(self, predict: Predict) -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        for region in sorted({region for _places, masks in self._stretches() for region in masks}):
            found = self._predict_region(region, answers, predict)
            if found:
                answers[region] = found
        if not answers:
            if any(masks for _places, masks in self._stretches()):
                raise JobError("The masks of its shot are black everywhere: paint the region white in one.")
            name = split_name(self.frames[0])[0]
            raise JobError(f"Its shot has no mask: put {name}.png, or one for all, into the folder of masks.")
        return answers

    def _predict_region(self, region: int, answers: dict[int, Answer], predict: Predict) -> Answer | None:
        """The edits of one region after those that are known; None if no frame shows it."""
        failure: JobError | None = None
        for places, masks in self._stretches():
            if region not in masks or is_black(masks[region]):
                continue
            known = [each for each in sorted(answers) if each in masks and not is_black(masks[each])]
            paths = [masks[each] for each in (*known, region)]
            given = [*(answers[each] for each in known), None]
            for name in self.frames[places.start : places.stop]:
                try:
                    found = predict(join_path(self._pictures, name), paths, given)[-1]
                except JobError as error:
                    failure = failure or error
                    continue
                return replace(found, frame=name)
        if failure:
            raise failure
        return None

    def _stretches(self) -> Iterator[tuple[range, dict[int, Mask]]]:
        """Frames in a row for which the same masks count, and these."""
        begins = list(self._masked)
        if begins[:1] != [0]:
            begins.insert(0, 0)
        for begin, end in zip(begins, [*begins[1:], len(self.frames)]):
            yield range(begin, end), self.find_masks(begin)


def group_frames(names: Iterable[str]) -> dict[Key, list[str]]:
    """The names of pictures with a number before the ending, in its order, by what they have in common."""
    found: dict[Key, list[str]] = {}
    for name in names:
        if numbered := _split_number(name):
            found.setdefault((numbered[0], split_name(name)[1]), []).append(name)
    for row in found.values():
        row.sort(key=_find_place)
    return found


def is_numbered(name: str) -> bool:
    """Whether a picture's name makes it the frame of a shot."""
    return _split_number(name) is not None


def _split_number(name: str) -> tuple[str, int] | None:
    """What stands before the number at the end of a picture's name, and the number; None where there is none."""
    numbered = re.fullmatch(r"(.*?)([0-9]+)", split_name(name)[0], re.DOTALL)
    return (numbered[1], int(numbered[2])) if numbered else None


def _find_place(name: str) -> tuple[int, str]:
    """What puts a shot's frames in order."""
    numbered = _split_number(name)
    return (numbered[1] if numbered else 0), name


def is_animation(folder: Path, name: str) -> bool:
    """Whether a picture is a GIF or WebP with several frames."""
    if split_name(name)[1] not in ANIMATIONS:
        return False
    try:
        with Image.open(join_path(folder, name)) as picture:
            return getattr(picture, "n_frames", 1) > 1
    except (OSError, ValueError, SyntaxError):
        return False
