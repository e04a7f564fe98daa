# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving pictures for `batch --frames`: numbered pictures as shots, whose frames all get the same numbers.

The numbers of a shot are predicted once and kept in a file beside the results, so that nothing flickers, be the work
shared between GIMPs, interrupted or resumed.
"""

from __future__ import annotations

import json
import re
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

from PIL import Image

from gimp_saliency.shared.edits import NAMES, EditError
from gimp_saliency.shared.request import EditRequest
from model_server.batch.answer import Answer
from model_server.batch.failures import JobError
from model_server.batch.listing import join_path, split_name
from model_server.batch.masks import MaskFolder, is_black

ANIMATIONS = ("gif", "webp")

# The edits of a picture's masks; those that are known are handed in, None stands for those to predict.
Predict = Callable[[Path, Sequence[Path], Sequence[Optional[Answer]]], Sequence[Answer]]
Write = Callable[[Path, str], None]  # a file, all or nothing
Key = tuple[str, str]  # what the frames of a shot have in common: the name before the number, the ending


class Shot:
    """Pictures that are shown one after the other, and the edits of each of their regions.  Thread-safe.

    A frame without masks of its own has those of the nearest earlier frame with some, else those of the shot's name:
    of shot_0001.jpg that is shot.png.
    """

    def __init__(self, key: Key, pictures: Path, frames: Sequence[str], masks: MaskFolder, kept: Path) -> None:
        """frames: names of pictures in the folder, in order; kept: the file for the numbers, `<shot>.edits.json`."""
        self.frames = frames
        self.kept = kept
        self._name = kept.name[: -len(".edits.json")]
        self._pictures = pictures
        self._masks = masks
        self._title = key[0].rstrip("_-. ")
        # Of the frames with masks of their own: all that is kept of a million frames besides their names.
        self._masked = array("L", (at for at, name in enumerate(frames) if masks.find(split_name(name)[0])))
        self._answers: dict[int, Answer] | None = None
        self._reason = ""  # why there are none
        self._lock = threading.Lock()

    def find_masks(self, place: int) -> dict[int, Path]:
        """The masks that count for a frame, by the region's number."""
        earlier = bisect_right(self._masked, place)
        name = split_name(self.frames[self._masked[earlier - 1]])[0] if earlier else self._title
        return dict(self._masks.find(name))

    def fetch_answers(self, request: EditRequest, resume: bool, predict: Predict, write: Write) -> dict[int, Answer]:
        """The edits of each region, asked for once, on the first frame that shows it.  Raises JobError.

        resume: take the numbers that an earlier run kept for the same request.  predict: raises JobError where a frame
        is of no use, and the next one's turn comes.
        """
        with self._lock:
            if self._reason:
                raise JobError(self._reason)
            if self._answers is None:
                try:
                    if resume and self.kept.exists():
                        self._answers = self._read(request)
                    else:
                        self._answers = self._predict(predict)
                        write(self.kept, self._format(request))
                except JobError as error:
                    self._reason = str(error)
                    raise
            return self._answers

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

    def _stretches(self) -> Iterator[tuple[range, dict[int, Path]]]:
        """Frames in a row for which the same masks count, and these."""
        begins = list(self._masked)
        if begins[:1] != [0]:
            begins.insert(0, 0)
        for begin, end in zip(begins, [*begins[1:], len(self.frames)]):
            yield range(begin, end), self.find_masks(begin)

    def _format(self, request: EditRequest) -> str:
        regions = {region: answer.to_json() for region, answer in (self._answers or {}).items()}
        return json.dumps({"shot": self._name, **request.to_job(), "regions": regions}, indent=1) + "\n"

    def _read(self, request: EditRequest) -> dict[int, Answer]:
        """The numbers of an earlier run.  Raises JobError."""
        try:
            content = json.loads(self.kept.read_text(encoding="utf-8"))
            answers = {int(region): Answer.from_json(answer) for region, answer in content["regions"].items()}
            before = EditRequest.from_job(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, EditError) as error:
            sentence = f"The shot's numbers in {self.kept.name} are damaged: run again without --resume."
            raise JobError(sentence) from error
        now = EditRequest.from_job(request.to_job())
        if before != now:
            said = ", ".join(f"{option} {value}" for option, value in _describe(before, now).items())
            raise JobError(f"Its shot was begun with {said}: take these again, or run without --resume.")
        return answers


def _describe(before: EditRequest, now: EditRequest) -> dict[str, str | float]:
    """The options of a request as a person would give them; kinds of edit only where they are now others."""
    options: dict[str, str | float] = {
        "direction": before.direction,
        "order": before.ranking.value,
        "strength": before.strength,
        "boldness": before.boldness.value,
        "edge": before.edge.value,
        "background": "on" if before.background else "off",
        "background-strength": before.background_strength,
        "style": before.style or "plain",
    }
    if before.kinds != now.kinds:
        some = ",".join(name for name in NAMES if name in before.kinds)
        options["edits"] = some if len(before.kinds) < len(NAMES) else "all"
    return options


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
