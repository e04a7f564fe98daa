# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that several pictures have in common: predicted once, and kept in a file beside the results.

So nothing flickers, be the work shared between GIMPs, interrupted or resumed.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional

from gimp_saliency.shared.choices import RETOUCH
from gimp_saliency.shared.edits import NAMES, EditError
from gimp_saliency.shared.request import EditRequest
from model_server.batch.answer import Answer
from model_server.batch.failures import JobError
from model_server.batch.masks import Mask

# The edits of a picture's masks, or of all of it where there are none; those that are known are handed in, None stands
# for those to predict.
Predict = Callable[[Path, Sequence[Mask], Sequence[Optional[Answer]]], Sequence[Answer]]
Write = Callable[[Path, str], None]  # a file, all or nothing

_ENDING = ".edits.json"
_LONGEST = 255  # bytes of a file's name
_BEGINNING = 60  # letters that are left of a longer one


def name_kept(title: str) -> str:
    """The name of the file for the numbers of pictures with a common title, shortened where no system takes it."""
    if len(os.fsencode(title.rpartition("/")[2])) + len(_ENDING) > _LONGEST:
        title = f"{title[:_BEGINNING]}…{hashlib.sha256(os.fsencode(title)).hexdigest()[:8]}"
    return f"{title}{_ENDING}"


class Kept(ABC):
    """Pictures with the same edits, of each region or of all of them.  Thread-safe.

    word: what people call them.
    """

    word = ""

    def __init__(self, kept: Path) -> None:
        """kept: the file for the numbers, `<name>.edits.json`."""
        self.kept = kept
        self._name = kept.name.removesuffix(_ENDING)
        self._answers: dict[int, Answer] | None = None
        self._reason = ""  # why there are none
        self._lock = threading.Lock()

    def fetch_answers(self, request: EditRequest, resume: bool, predict: Predict, write: Write) -> dict[int, Answer]:
        """The edits of each region, by its number, asked for once.  Raises JobError.

        resume: take the numbers that an earlier run kept for the same request.  predict: raises JobError where a
        picture is of no use, and the next one's turn comes.
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

    @abstractmethod
    def _predict(self, predict: Predict) -> dict[int, Answer]:
        """Ask for the edits.  Raises JobError."""

    def _format(self, request: EditRequest) -> str:
        regions = {region: answer.to_json() for region, answer in (self._answers or {}).items()}
        return json.dumps({self.word: self._name, **request.to_job(), "regions": regions}, indent=1) + "\n"

    def _read(self, request: EditRequest) -> dict[int, Answer]:
        """The numbers of an earlier run.  Raises JobError."""
        try:
            content = json.loads(self.kept.read_text(encoding="utf-8"))
            answers = {int(region): Answer.from_json(answer) for region, answer in content["regions"].items()}
            before = EditRequest.from_job(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, EditError) as error:
            sentence = f"The {self.word}'s numbers in {self.kept.name} are damaged: run again without --resume."
            raise JobError(sentence) from error
        now = EditRequest.from_job(request.to_job())
        if before != now:
            said = ", ".join(f"{option} {value}" for option, value in _describe(before, now).items())
            raise JobError(f"Its {self.word} was begun with {said}: take these again, or run without --resume.")
        return answers


def _describe(before: EditRequest, now: EditRequest) -> dict[str, str | float]:
    """The options of a request as a person would give them; kinds of edit only where they are now others."""
    options: dict[str, str | float]
    if before.tool == RETOUCH:
        options = {"strength": before.strength, "style": before.style or before.look}
    else:
        options = {
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
