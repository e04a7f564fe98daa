# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs that belong together, for `batch --retouch`: they get the same numbers, so that they match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image

from model_server.batch.answer import Answer
from model_server.batch.failures import JobError
from model_server.batch.kept import Kept, Predict
from model_server.batch.listing import join_path

_PAUSE = timedelta(minutes=5)  # longer ones begin another series
WHOLE = 0  # the number of the only region

_MODEL, _DETAILS, _TAKEN, _CHANGED = (
    ExifTags.Base.Model, ExifTags.IFD.Exif, ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTime,
)  # fmt: skip


class Series(Kept):
    """Whole pictures with the same edits: those that suit the one in their middle."""

    word = "series"

    def __init__(self, pictures: Path, names: Sequence[str], kept: Path) -> None:
        """names: of pictures in the folder, in order; kept: the file for the numbers."""
        super().__init__(kept)
        self._pictures, self._names = pictures, names

    def _predict(self, predict: Predict) -> dict[int, Answer]:
        failure: JobError | None = None
        middle = len(self._names) // 2
        for name in [*self._names[middle:], *reversed(self._names[:middle])]:
            try:
                found = predict(join_path(self._pictures, name), (), (None,))[0]
            except JobError as error:
                failure = failure or error
                continue
            return {WHOLE: replace(found, frame=name)}
        assert failure  # there is no series without pictures
        raise failure


class _Shot(NamedTuple):
    """When and by what a picture was taken."""

    model: str
    time: datetime
    name: str


def group_by_time(folder: Path, names: Iterable[str]) -> list[list[str]]:
    """The pictures that one camera took with pauses of a few minutes at most, in the order in which it did.

    What does not say when it was taken, or was taken alone, is in no group.
    """
    taken = sorted(shot for name in names if (shot := _read_shot(folder, name)))
    groups: list[list[str]] = []
    for before, shot in zip([None, *taken], taken):
        if before is None or before.model != shot.model or shot.time - before.time > _PAUSE:
            groups.append([])
        groups[-1].append(shot.name)
    return [group for group in groups if len(group) > 1]


def _read_shot(folder: Path, name: str) -> _Shot | None:
    """What the EXIF data say; None where they do not, or are no good."""
    try:
        with Image.open(join_path(folder, name)) as picture:
            exif = picture.getexif()
            text = exif.get_ifd(_DETAILS).get(_TAKEN) or exif.get(_CHANGED)
            time = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
            return _Shot(str(exif.get(_MODEL, "")), time, name)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
