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

from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.batch import listing, series, shots
from model_server.batch.answer import Answer
from model_server.batch.failures import BatchError
from model_server.batch.kept import Kept
from model_server.batch.masks import MaskFolder, MaskValues

FORMATS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "tif": "tif", "tiff": "tif", "xcf": "xcf"}
_LAYERED = ("psd", "ora")  # besides xcf; kept where a layer is harmonized, so that the others stay
# What GIMP reads, beyond FORMATS; other files in the folder are not ours to complain about.
_READ_ONLY = re.compile("avif|bmp|dds|exr|fits|gif|hdr|heic|heif|jp2|jxl|ora|p[bgnp]m|pcx|psb|psd|qoi|tga|webp")

Request = Union[EditRequest, HarmonyRequest]  # what is asked of all pictures of a folder


@dataclass(frozen=True)
class Job:
    """One picture, its masks in the order of editing, and where the result goes.

    shot: the moving picture that it is a frame of, with `regions`, the masks' numbers, or the series that it belongs
    to; moving: it is an animation; is_twin: another picture's result would have the same name; layer: where no masks
    are given, the name of what is to be changed, empty: the topmost visible one; is_whole: all of it is.
    """

    picture: Path
    masks: tuple[Path, ...]
    output: Path
    shot: Kept | None = None
    regions: tuple[int, ...] = ()
    moving: bool = False
    is_twin: bool = False
    layer: str | None = None
    is_whole: bool = False


@dataclass(frozen=True)
class Order:
    """What one GIMP is told to do: a job whose masks were read.

    values: of each mask, None where GIMP reads the file; known: the edits of each mask that are given, None for those
    to predict, and empty for all; part: where the result grows before it goes to `output`, None: no result is wanted;
    layer, is_whole: as a job's.
    """

    picture: Path
    masks: tuple[Path, ...]
    values: tuple[MaskValues | None, ...]
    output: Path
    part: Path | None = None
    known: tuple[Answer | None, ...] = ()
    moving: bool = False
    layer: str | None = None
    is_whole: bool = False

    def to_json(self, request: Request) -> dict[str, Any]:
        """As the plug-in's `batch.job` reads it, together with what is asked."""
        return {
            "picture": str(self.picture.absolute()),
            "masks": [str(mask.absolute()) for mask in self.masks],
            "regions": [values.to_json() if values else None for values in self.values],
            "output": str(self.part.absolute()) if self.part else None,
            "format": self.output.suffix[1:],
            "edits": [answer.to_json() if answer else None for answer in self.known] or None,
            "frames": self.moving,
            **({} if self.layer is None else {"layer": self.layer}),
            **({"whole": True} if self.is_whole else {}),
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


@dataclass(frozen=True)
class Source:
    """What is to be changed of each picture: what masks show, a layer by its name, or all of it where both are None.

    frames: numbered pictures are the frames of shots, and animations are edited as such.  series: whole pictures that
    belong together get the same edits.
    """

    masks: MaskFolder | None = None
    layer: str | None = None
    frames: bool = False
    series: bool = False


class Jobs:
    """The jobs of a folder, by their pictures' names, shots after all others.

    Each iteration finds them anew: what is kept of a picture is its name, about 70 bytes, and the names of its masks.
    """

    def __init__(self, pictures: Path, source: Source, output: Path, suffix: str | None, names: list[str]) -> None:
        """As for `find_jobs`; names: of the pictures, sorted."""
        self.output = output
        self._pictures = pictures
        self._source = source
        self._suffix = suffix
        self._names = names
        self._moving = frozenset(name for name in names if source.frames and shots.is_animation(pictures, name))
        still = (name for name in names if name not in self._moving)
        self._rows = shots.group_frames(still) if source.frames else {}
        self._groups = series.group_by_time(pictures, names) if source.series else []
        self._grouped = frozenset(name for group in self._groups for name in group)
        self._skips_finished = False
        self._count = len(names)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Job]:
        """Find each job as it is needed.  One without masks will fail with a sentence."""
        for name in self._names:
            if self._is_wanted(name) and not self._is_frame(name):
                yield self._make_job(name, self._find_masks(name))
        for key, row in self._rows.items():
            if self._source.masks is not None:
                yield from self._find_frames(key, row, self._source.masks)
            else:
                yield from self._find_alike(row, f"{key[0]}#{self._choose_output(row[0]).suffix}")
        for group in self._groups:
            yield from self._find_alike(group, f"{group[0]}#series")

    def without_finished(self) -> Jobs:
        """Those alone whose result is not there yet."""
        left = copy(self)
        left._skips_finished = True
        left._count = sum(1 for name in self._names if left._is_wanted(name))
        return left

    def _find_masks(self, name: str) -> tuple[Path, ...]:
        if self._source.masks is None:
            return ()
        return tuple(path for _number, path in self._source.masks.find(listing.split_name(name)[0]))

    def _find_frames(self, key: shots.Key, row: list[str], masks: MaskFolder) -> Iterator[Job]:
        """The jobs of a shot.  No one but they hold the shot, so it goes with the last of them."""
        kept = f"{key[0]}#{self._choose_output(row[0]).suffix}.edits.json"
        shot = shots.Shot(key, self._pictures, row, masks, self.output / kept)
        for place, name in enumerate(row):
            if self._is_wanted(name):
                shown = shot.find_masks(place)
                yield self._make_job(name, tuple(shown.values()), shot, tuple(shown))

    def _find_alike(self, names: list[str], title: str) -> Iterator[Job]:
        """The jobs of whole pictures that get the same edits."""
        alike = series.Series(self._pictures, names, self.output / f"{title}.edits.json")
        for name in names:
            if self._is_wanted(name):
                yield self._make_job(name, (), alike)

    def _make_job(
        self, name: str, masks: tuple[Path, ...], shot: Kept | None = None, regions: tuple[int, ...] = ()
    ) -> Job:
        picture, output = listing.join_path(self._pictures, name), self._choose_output(name)
        alike = listing.with_stem(self._names, listing.split_name(name)[0])
        is_twin = sum(1 for other in alike if self._choose_output(other) == output) > 1
        source = self._source
        is_whole = source.masks is None and source.layer is None
        return Job(picture, masks, output, shot, regions, name in self._moving, is_twin, source.layer, is_whole)

    def _is_frame(self, name: str) -> bool:
        is_numbered = bool(self._rows) and name not in self._moving and shots.is_numbered(name)
        return is_numbered or name in self._grouped

    def _is_wanted(self, name: str) -> bool:
        return not (self._skips_finished and self._choose_output(name).exists())

    def _choose_output(self, name: str) -> Path:
        """Where a picture's result goes."""
        stem, ending = listing.split_name(name)
        is_kept = name in self._moving or (self._source.layer is not None and ending in _LAYERED)
        own = FORMATS.get(ending) or (ending if is_kept else "png")
        return self.output / f"{stem}.{self._suffix or own}"


def find_jobs(pictures: Path, source: Source, output: Path, suffix: str | None) -> Jobs:
    """The jobs for a folder's pictures.  Raises BatchError.

    suffix: the results' format; None keeps each picture's own, or takes png where that cannot be written.
    """
    names = listing.list_names(pictures, _is_picture)
    if not names:
        raise BatchError(f"There are no pictures in {pictures}; name the folder that holds them.")
    if output.resolve() == pictures.resolve():
        raise BatchError("The results would replace the pictures; choose another output folder.")
    return Jobs(pictures, source, output, suffix, names)


def _is_picture(name: str) -> bool:
    ending = listing.split_name(name)[1]
    return ending in FORMATS or _READ_ONLY.fullmatch(ending) is not None
