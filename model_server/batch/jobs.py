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
from model_server.batch import listing, shots
from model_server.batch.answer import Answer
from model_server.batch.failures import BatchError
from model_server.batch.masks import MaskFolder, MaskValues

FORMATS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "tif": "tif", "tiff": "tif", "xcf": "xcf"}
_LAYERED = ("psd", "ora")  # besides xcf; kept where a layer is harmonized, so that the others stay
# What GIMP reads, beyond FORMATS; other files in the folder are not ours to complain about.
_READ_ONLY = re.compile("avif|bmp|dds|exr|fits|gif|hdr|heic|heif|jp2|jxl|ora|p[bgnp]m|pcx|psb|psd|qoi|tga|webp")

Request = Union[EditRequest, HarmonyRequest]  # what is asked of all pictures of a folder


@dataclass(frozen=True)
class Job:
    """One picture, its masks in the order of editing, and where the result goes.

    shot: the moving picture that it is a frame of, with `regions`, the masks' numbers; moving: it is an animation;
    is_twin: another picture's result would have the same name; layer: where no masks are given, the name of what is to
    be changed, empty: the topmost visible one.
    """

    picture: Path
    masks: tuple[Path, ...]
    output: Path
    shot: shots.Shot | None = None
    regions: tuple[int, ...] = ()
    moving: bool = False
    is_twin: bool = False
    layer: str | None = None


@dataclass(frozen=True)
class Order:
    """What one GIMP is told to do: a job whose masks were read.

    values: of each mask, None where GIMP reads the file; known: the edits of each mask that are given, None for those
    to predict, and empty for all; part: where the result grows before it goes to `output`, None: no result is wanted;
    layer: as a job's.
    """

    picture: Path
    masks: tuple[Path, ...]
    values: tuple[MaskValues | None, ...]
    output: Path
    part: Path | None = None
    known: tuple[Answer | None, ...] = ()
    moving: bool = False
    layer: str | None = None

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
        self,
        pictures: Path,
        source: MaskFolder | str,
        output: Path,
        suffix: str | None,
        frames: bool,
        names: list[str],
    ) -> None:
        """As for `find_jobs`; source: of what is to be changed, masks or a layer; names: of the pictures, sorted."""
        self.output = output
        self._pictures = pictures
        self._source = source
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
                yield self._make_job(name, self._find_masks(name))
        if isinstance(self._source, MaskFolder):
            for key, row in self._rows.items():
                yield from self._find_frames(key, row, self._source)

    def without_finished(self) -> Jobs:
        """Those alone whose result is not there yet."""
        left = copy(self)
        left._skips_finished = True
        left._count = sum(1 for name in self._names if left._is_wanted(name))
        return left

    def _find_masks(self, name: str) -> tuple[Path, ...]:
        if isinstance(self._source, str):
            return ()
        return tuple(path for _number, path in self._source.find(listing.split_name(name)[0]))

    def _find_frames(self, key: shots.Key, row: list[str], masks: MaskFolder) -> Iterator[Job]:
        """The jobs of a shot.  No one but they hold the shot, so it goes with the last of them."""
        kept = f"{key[0]}#{self._choose_output(row[0]).suffix}.edits.json"
        shot = shots.Shot(key, self._pictures, row, masks, self.output / kept)
        for place, name in enumerate(row):
            if self._is_wanted(name):
                shown = shot.find_masks(place)
                yield self._make_job(name, tuple(shown.values()), shot, tuple(shown))

    def _make_job(
        self, name: str, masks: tuple[Path, ...], shot: shots.Shot | None = None, regions: tuple[int, ...] = ()
    ) -> Job:
        picture, output = listing.join_path(self._pictures, name), self._choose_output(name)
        alike = listing.with_stem(self._names, listing.split_name(name)[0])
        is_twin = sum(1 for other in alike if self._choose_output(other) == output) > 1
        layer = self._source if isinstance(self._source, str) else None
        return Job(picture, masks, output, shot, regions, name in self._moving, is_twin, layer)

    def _is_frame(self, name: str) -> bool:
        return bool(self._rows) and name not in self._moving and shots.is_numbered(name)

    def _is_wanted(self, name: str) -> bool:
        return not (self._skips_finished and self._choose_output(name).exists())

    def _choose_output(self, name: str) -> Path:
        """Where a picture's result goes."""
        stem, ending = listing.split_name(name)
        is_kept = name in self._moving or (isinstance(self._source, str) and ending in _LAYERED)
        own = FORMATS.get(ending) or (ending if is_kept else "png")
        return self.output / f"{stem}.{self._suffix or own}"


def find_jobs(
    pictures: Path, masks: Path | None, output: Path, suffix: str | None, frames: bool = False, layer: str = ""
) -> Jobs:
    """The jobs for a folder's pictures.  Raises BatchError.

    Masks are `<name>.png`, and `<name>__<k>.png` in the order of k.  masks: their folder, None: a layer of each picture
    is to be changed, the one with the name `layer`, or the topmost visible one if that is empty.  suffix: the results'
    format; None keeps each picture's own, or takes png where that cannot be written.  frames: numbered pictures are the
    frames of shots, and animations are edited as such.
    """
    names = listing.list_names(pictures, _is_picture)
    if not names:
        raise BatchError(f"There are no pictures in {pictures}; name the folder that holds them.")
    if output.resolve() == pictures.resolve():
        raise BatchError("The results would replace the pictures; choose another output folder.")
    return Jobs(pictures, layer if masks is None else MaskFolder(masks), output, suffix, frames, names)


def _is_picture(name: str) -> bool:
    ending = listing.split_name(name)[1]
    return ending in FORMATS or _READ_ONLY.fullmatch(ending) is not None
