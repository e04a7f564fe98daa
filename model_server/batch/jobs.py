# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done and what became of it, as values; and the jobs of a folder, one at a time.

A folder may hold a million pictures, so nothing but their names is kept; the rest is found out for each job as its turn
comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Union

from gimp_saliency.shared.harmony import HarmonyRequest
from gimp_saliency.shared.request import EditRequest
from model_server.batch import listing, series, shots
from model_server.batch.answer import Answer
from model_server.batch.failures import BatchError
from model_server.batch.kept import Kept, name_kept
from model_server.batch.masks import Mask, MaskValues, Regions
from model_server.batch.pictures import FORMATS, is_picture, is_raw, split_masks

LAYERED = ("psd", "ora")  # besides xcf; kept where a layer is harmonized, so that the others stay

Request = Union[EditRequest, HarmonyRequest]  # what is asked of a picture


@dataclass(frozen=True)
class Job:
    """One picture, its masks in the order of editing, and where the result goes.

    shot: the moving picture that it is a frame of, with `regions`, the masks' numbers, or the series that it belongs
    to; moving: it is an animation; is_twin: another picture's result would have the same name; layer: the name of what
    is to be changed, empty: what is visible; is_whole: all of it is, or a layer of it, and there are no masks.  steps:
    what is asked for each mask, None in the place of one for all; empty: what is asked of all pictures.  name: in its
    folder.  lacks: what helps where there are no masks.
    """

    picture: Path
    masks: tuple[Mask, ...]
    output: Path
    shot: Kept | None = None
    regions: tuple[int, ...] = ()
    moving: bool = False
    is_twin: bool = False
    layer: str = ""
    is_whole: bool = False
    steps: tuple[tuple[Mask | None, Request], ...] = ()
    name: str = ""
    lacks: str = ""

    def list_steps(self) -> list[Step]:
        """What is to be done, but for the masks' values."""
        if self.steps:
            return [Step(mask, request=request) for mask, request in self.steps]
        return [Step()] if self.is_whole else [Step(mask) for mask in self.masks]


@dataclass(frozen=True)
class Step:
    """One change of a picture, of what a mask shows, or of all.

    mask: None: there is none; values: of it, None where GIMP reads the file; known: the edits, None: to be predicted;
    request: None: what is asked of all pictures.
    """

    mask: Mask | None = None
    values: MaskValues | None = None
    known: Answer | None = None
    request: Request | None = None

    def to_json(self, request: Request) -> dict[str, Any]:
        """As the plug-in's `batch.order` reads it, together with what is asked of all pictures."""
        return {
            "mask": str(Path(str(self.mask)).absolute()) if self.mask else "",
            "region": self.values.to_json() if self.values else None,
            "edits": self.known.to_json() if self.known else None,
            **(self.request or request).to_job(),
        }


@dataclass(frozen=True)
class Order:
    """What one GIMP is told to do: a job whose masks were read.

    part: where the result grows before it goes to `output`, None: no result is wanted; moving, layer: as a job's.
    """

    picture: Path
    steps: tuple[Step, ...]
    output: Path
    part: Path | None = None
    moving: bool = False
    layer: str = ""

    def to_json(self, request: Request) -> dict[str, Any]:
        """As the plug-in's `batch.order` reads it, together with what is asked of all pictures."""
        return {
            "picture": str(self.picture.absolute()),
            "steps": [step.to_json(request) for step in self.steps],
            "output": str(self.part.absolute()) if self.part else None,
            "format": self.output.suffix[1:],
            "frames": self.moving,
            "layer": self.layer,
        }


@dataclass(frozen=True)
class Done:
    """A job whose result is there, the edits of its regions, and what is to be said of it, in sentences."""

    job: Job
    answers: tuple[Answer, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A job without a result, and why: one sentence."""

    job: Job
    reason: str

    def __str__(self) -> str:
        name = self.job.name or self.job.picture.name
        return f"{name if name.isprintable() else ascii(name)}: {self.reason}"


Result = Union[Done, Failure]


@dataclass(frozen=True)
class Source:
    """What is to be changed of each picture: what masks show, a layer by its name, or all of it.

    masks: None: all of the picture, or of the layer; layer: see `Job`.  frames: numbered pictures are the frames of
    shots, and animations are edited as such.  series: whole pictures that belong together get the same edits.
    recursive: sub-folders count, too.  keeps_layers: of files with layers the results have layers, too.
    """

    masks: Regions | None = None
    layer: str = ""
    frames: bool = False
    series: bool = False
    recursive: bool = False
    keeps_layers: bool = False


class JobList(Protocol):
    """Jobs that are found one at a time, as often as wanted.

    output: the folder of all results; notes: what is to be said of them all, in sentences.
    """

    output: Path
    notes: list[str]

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Job]:
        """Find each as it is needed."""

    def without_finished(self) -> JobList:
        """Those alone whose result is not there yet."""


class Jobs:
    """The jobs of a folder, by their pictures' names, shots after all others.

    Each iteration finds them anew: what is kept of a picture is its name, about 70 bytes, and the names of its masks.
    notes: what is to be said of the folder, in sentences.
    """

    def __init__(self, pictures: Path, source: Source, output: Path, suffix: str | None, names: list[str]) -> None:
        """As for `find_jobs`; names: of the pictures, sorted."""
        self.output = output
        self.notes: list[str] = []
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

    def _find_masks(self, name: str) -> tuple[Mask, ...]:
        """The masks of a picture, but for those that are another picture's with a number of its own."""
        if self._source.masks is None:
            return ()
        folder = name.rpartition("/")[0]
        return tuple(
            mask
            for number, mask in self._source.masks.find(name)
            if not number or not self._has_stem(f"{folder}/{Path(mask.name).stem}".lstrip("/"))
        )

    def _has_stem(self, stem: str) -> bool:
        """Whether a picture has this name without its ending."""
        return any(True for _other in listing.with_stem(self._names, stem))

    def _find_frames(self, key: shots.Key, row: list[str], masks: Regions) -> Iterator[Job]:
        """The jobs of a shot.  No one but they hold the shot, so it goes with the last of them."""
        kept = self.output / name_kept(f"{key[0]}#{self._choose_output(row[0]).suffix}")
        shot = shots.Shot(key, self._pictures, row, masks, kept)
        for place, name in enumerate(row):
            if self._is_wanted(name):
                shown = shot.find_masks(place)
                yield self._make_job(name, tuple(shown.values()), shot, tuple(shown))

    def _find_alike(self, names: list[str], title: str) -> Iterator[Job]:
        """The jobs of whole pictures that get the same edits."""
        alike = series.Series(self._pictures, names, self.output / name_kept(title))
        for name in names:
            if self._is_wanted(name):
                yield self._make_job(name, (), alike)

    def _make_job(
        self, name: str, masks: tuple[Mask, ...], shot: Kept | None = None, regions: tuple[int, ...] = ()
    ) -> Job:
        picture, output = listing.join_path(self._pictures, name), self._choose_output(name)
        alike = listing.with_stem(self._names, listing.split_name(name)[0])
        is_twin = sum(1 for other in alike if self._choose_output(other) == output) > 1
        source = self._source
        moving, lacks = name in self._moving, ""
        if source.masks is not None and not masks:
            lacks = source.masks.advise(name)
        is_whole = source.masks is None
        return Job(
            picture, masks, output, shot, regions, moving, is_twin, source.layer, is_whole, name=name, lacks=lacks
        )

    def _is_frame(self, name: str) -> bool:
        is_numbered = bool(self._rows) and name not in self._moving and shots.is_numbered(name)
        return is_numbered or name in self._grouped

    def _is_wanted(self, name: str) -> bool:
        return not (self._skips_finished and self._choose_output(name).exists())

    def _choose_output(self, name: str) -> Path:
        """Where a picture's result goes."""
        kept = shots.ANIMATIONS if name in self._moving else LAYERED if self._source.keeps_layers else ()
        return choose_output(self.output, name, self._suffix, kept)


def choose_output(output: Path, name: str, suffix: str | None, kept: Sequence[str] = ()) -> Path:
    """Where the result of a picture's name goes.

    suffix: the results' format; None keeps each picture's own, or takes png where that cannot be written.  kept:
    formats that are written, too.
    """
    stem, ending = listing.split_name(name)
    own = FORMATS.get(ending) or (ending if ending in kept else "png")
    return listing.join_path(output, f"{stem}.{suffix or own}")


def find_jobs(pictures: Path, source: Source, output: Path, suffix: str | None) -> Jobs:
    """The jobs for a folder's pictures.  suffix: as for `choose_output`.  Raises BatchError."""
    regions = [] if source.masks is None else list(source.masks.paths)
    check_output(output, [pictures, *regions])
    if source.recursive:
        _check_nesting(output, [pictures, *regions])
    apart = [output, *(path for path in regions if path.resolve() != pictures.resolve())]
    found = listing.list_names(pictures, lambda name: is_picture(name) or is_raw(name), source.recursive, apart)
    names = [name for name in found if is_picture(name)]
    if any(path.resolve() == pictures.resolve() for path in regions):
        names = split_masks(names)[0]
    raw = len(found) - sum(1 for name in found if is_picture(name))
    notes = [_explain_raw(pictures, raw)] if raw else []
    if not source.recursive and listing.has_folders(pictures, apart):
        notes.append(f"The sub-folders of {pictures} were passed over; --recursive takes them, too.")
    if not names:
        if notes:
            raise BatchError(" ".join(notes))
        raise BatchError(f"There are no pictures in {pictures}; name the folder that holds them.")
    jobs = Jobs(pictures, source, output, suffix, names)
    jobs.notes = notes
    return jobs


def check_output(output: Path, inputs: list[Path]) -> None:
    """Raises BatchError where results could replace what they are made from.  inputs: folders and files."""
    where = output.resolve()
    for path in inputs:
        if where == (path if path.is_dir() else path.parent).resolve():
            what = "pictures" if path == inputs[0] else "masks"
            raise BatchError(f"The results would replace the {what}; choose another output folder.")


def _check_nesting(output: Path, inputs: list[Path]) -> None:
    """Raises BatchError where results in sub-folders could replace what they are made from."""
    where = output.resolve()
    for path in inputs:
        what = "pictures" if path == inputs[0] else "masks"
        folder = (path if path.is_dir() else path.parent).resolve()
        if folder in where.parents:
            raise BatchError(f"The results would lie among the {what}; choose another output folder.")
        if where in folder.parents:
            raise BatchError(f"The results could replace the {what}; choose another output folder.")


def _explain_raw(folder: Path, number: int) -> str:
    what = "a raw file, which was" if number == 1 else f"{number} raw files, which were"
    return f"{folder} holds {what} passed over: develop to TIFF or JPEG first, in darktable or RawTherapee."
