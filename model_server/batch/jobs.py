# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done and what became of it, as values; and the jobs of a folder, one at a time.

A folder may hold a million pictures, so nothing but their names is kept; the rest is found out for each job as its turn
comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from gimp_saliency.shared.request import EditRequest
from model_server.batch import listing, shots
from model_server.batch.answer import Answer
from model_server.batch.failures import BatchError
from model_server.batch.masks import MaskFolder, MaskValues

FORMATS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "tif": "tif", "tiff": "tif", "xcf": "xcf"}
# What GIMP reads, beyond FORMATS; other files in the folder are not ours to complain about.
_READ_ONLY = re.compile("avif|bmp|dds|exr|fits|gif|hdr|heic|heif|jp2|jxl|ora|p[bgnp]m|pcx|psb|psd|qoi|tga|webp")


@dataclass(frozen=True)
class Job:
    """One picture, its masks in the order of editing, and where the result goes.

    shot: the moving picture that it is a frame of, with `regions`, the masks' numbers; moving: it is an animation;
    is_twin: another picture's result would have the same name.
    """

    picture: Path
    masks: tuple[Path, ...]
    output: Path
    shot: shots.Shot | None = None
    regions: tuple[int, ...] = ()
    moving: bool = False
    is_twin: bool = False


@dataclass(frozen=True)
class Order:
    """What one GIMP is told to do: a job whose masks were read.

    values: of each mask, None where GIMP reads the file; known: the edits of each mask that are given, None for those
    to predict, and empty for all; part: where the result grows before it goes to `output`, None: no result is wanted.
    """

    picture: Path
    masks: tuple[Path, ...]
    values: tuple[MaskValues | None, ...]
    output: Path
    part: Path | None = None
    known: tuple[Answer | None, ...] = ()
    moving: bool = False

    def to_json(self, request: EditRequest) -> dict[str, Any]:
        """As the plug-in's `batch.job` reads it, together with what is asked."""
        return {
            "picture": str(self.picture.absolute()),
            "masks": [str(mask.absolute()) for mask in self.masks],
            "regions": [values.to_json() if values else None for values in self.values],
            "output": str(self.part.absolute()) if self.part else None,
            "format": self.output.suffix[1:],
            "edits": [answer.to_json() if answer else None for answer in self.known] or None,
            "frames": self.moving,
            **request.to_job(),
        }


@dataclass(frozen=True)
class Done:
    """A job whose result is there, and the edits of its regions."""

    job: Job
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A job without a result, and why: one sentence."""

    job: Job
    reason: str

    def __str__(self) -> str:
        name = self.job.picture.name
        return f"{name if name.isprintable() else ascii(name)}: {self.reason}"


Result = Union[Done, Failure]


class Jobs:
    """The jobs of a folder, by their pictures' names, shots after all others.

    Each iteration finds them anew: what is kept of a picture is its name, about 70 bytes, and the names of its masks.
    """

    def __init__(
        self, pictures: Path, masks: MaskFolder, output: Path, suffix: str | None, frames: bool, names: list[str]
    ) -> None:
        """As for `find_jobs`; names: of the pictures, sorted."""
        self.output = output
        self._pictures = pictures
        self._masks = masks
        self._suffix = suffix
        self._names = names
        self._moving = frozenset(name for name in names if frames and shots.is_animation(pictures, name))
        self._rows = shots.group_frames(name for name in names if name not in self._moving) if frames else {}
        self._skips_finished = False
        self._count = len(names)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Job]:
        """Find each job as it is needed.  One without masks will fail with a sentence."""
        for name in self._names:
            if self._is_wanted(name) and not self._is_frame(name):
                masks = self._masks.find(listing.split_name(name)[0])
                yield self._make_job(name, tuple(path for _number, path in masks))
        for key, row in self._rows.items():
            yield from self._find_frames(key, row)

    def without_finished(self) -> Jobs:
        """Those alone whose result is not there yet."""
        left = copy(self)
        left._skips_finished = True
        left._count = sum(1 for name in self._names if left._is_wanted(name))
        return left

    def _find_frames(self, key: shots.Key, row: list[str]) -> Iterator[Job]:
        """The jobs of a shot.  No one but they hold the shot, so it goes with the last of them."""
        kept = f"{key[0]}#{self._choose_output(row[0]).suffix}.edits.json"
        shot = shots.Shot(key, self._pictures, row, self._masks, self.output / kept)
        for place, name in enumerate(row):
            if self._is_wanted(name):
                masks = shot.find_masks(place)
                yield self._make_job(name, tuple(masks.values()), shot, tuple(masks))

    def _make_job(
        self, name: str, masks: tuple[Path, ...], shot: shots.Shot | None = None, regions: tuple[int, ...] = ()
    ) -> Job:
        picture, output = listing.join_path(self._pictures, name), self._choose_output(name)
        alike = listing.with_stem(self._names, listing.split_name(name)[0])
        is_twin = sum(1 for other in alike if self._choose_output(other) == output) > 1
        return Job(picture, masks, output, shot, regions, name in self._moving, is_twin)

    def _is_frame(self, name: str) -> bool:
        return bool(self._rows) and name not in self._moving and shots.is_numbered(name)

    def _is_wanted(self, name: str) -> bool:
        return not (self._skips_finished and self._choose_output(name).exists())

    def _choose_output(self, name: str) -> Path:
        """Where a picture's result goes."""
        stem, ending = listing.split_name(name)
        own = FORMATS.get(ending) or (ending if name in self._moving else "png")
        return self.output / f"{stem}.{self._suffix or own}"


def find_jobs(pictures: Path, masks: Path, output: Path, suffix: str | None, frames: bool = False) -> Jobs:
    """The jobs for a folder's pictures.  Raises BatchError.

    Masks are `<name>.png`, and `<name>__<k>.png` in the order of k.  suffix: the results' format; None keeps each
    picture's own, or takes png where that cannot be written.  frames: numbered pictures are the frames of shots, and
    animations are edited as such.
    """
    names = listing.list_names(pictures, _is_picture)
    if not names:
        raise BatchError(f"There are no pictures in {pictures}; name the folder that holds them.")
    if output.resolve() == pictures.resolve():
        raise BatchError("The results would replace the pictures; choose another output folder.")
    return Jobs(pictures, MaskFolder(masks), output, suffix, frames, names)


def _is_picture(name: str) -> bool:
    ending = listing.split_name(name)[1]
    return ending in FORMATS or _READ_ONLY.fullmatch(ending) is not None
