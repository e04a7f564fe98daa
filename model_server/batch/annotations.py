# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that labelling tools and detectors write as outlines: COCO's JSON, and YOLO's text files."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from model_server.batch import listing
from model_server.batch.failures import BatchError, JobError
from model_server.batch.pictures import MASKS

_NAMES = ("classes.txt", "obj.names", "labels.names")  # files with the names of YOLO's classes, a line each

Ring = tuple[float, ...]  # x, y, x, y, … of a closed outline


@dataclass(frozen=True)
class Runs:
    """Pixels as COCO counts them: how many are out, in, out, …, down the columns from the left one.

    size: width and height in px.
    """

    size: tuple[int, int]
    counts: tuple[int, ...]

    def draw(self) -> np.ndarray[Any, Any]:
        """Where it is in.  Raises ValueError where the counts are of another size."""
        width, height = self.size
        if sum(self.counts) != width * height or min(self.counts, default=0) < 0:
            raise ValueError("its counts are of another size")
        values = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(values, self.counts).reshape(width, height).T


@dataclass(frozen=True)
class Drawing:
    """What an annotation says of one picture.

    source: the file; rings, runs: of its regions, all of which are meant; size: width and height in px of what they are
    measured in, None: they are shares of the picture's.  fault: why it cannot be drawn, one sentence.
    """

    source: Path
    rings: tuple[Ring, ...]
    runs: tuple[Runs, ...] = ()
    size: tuple[int, int] | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """The file's."""
        return self.source.name

    def __str__(self) -> str:
        return str(self.source)

    def draw(self, picture: tuple[int, int] | None) -> np.ndarray[Any, Any]:
        """How much of each pixel is in it, 0 or 255.  picture: its width and height in px.  Raises JobError."""
        if self.fault:
            raise JobError(self.fault)
        size = self.size or picture
        if size is None:
            raise JobError(f"{self.source} holds shares of a picture of unknown size: give a mask as PNG.")
        canvas = Image.new("L", size)
        brush = ImageDraw.Draw(canvas)
        across, down = (1, 1) if self.size else size
        for ring in self.rings:
            if not all(map(math.isfinite, ring)):
                raise JobError(f"{self.source} is damaged (a point that is nowhere): export it again.")
            points = [(x * across, y * down) for x, y in zip(ring[::2], ring[1::2])]
            if len(points) > 2:
                brush.polygon(points, fill=255)
        values = np.array(canvas)
        try:
            for runs in self.runs:
                values[runs.draw()] = 255
        except (ValueError, IndexError) as error:
            raise JobError(f"{self.source} is damaged ({error}): export it again.") from error
        return values


class CocoFile:
    """The regions of a JSON file in COCO's form.  Raises BatchError."""

    def __init__(self, path: Path, labels: Collection[str] = ()) -> None:
        """labels: names of the categories that are meant, empty: all."""
        self._path = path
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            names = {each["id"]: str(each["name"]) for each in content.get("categories", [])}
            _check_labels(labels, names.values(), path)
            wanted = {number for number, name in names.items() if name in labels}
            self._images = {each["id"]: (int(each["width"]), int(each["height"])) for each in content["images"]}
            self._ids = {listing.normalize(each["file_name"]): each["id"] for each in content["images"]}
            self._found: dict[Any, list[dict[str, Any]]] = {}
            for each in content["annotations"]:
                if not labels or each["category_id"] in wanted:
                    self._found.setdefault(each["image_id"], []).append(each)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BatchError(f"{path} is no COCO file ({error!r:.80}): export the annotations again.") from error
        self._own: dict[str, list[Any]] = {}  # by the names alone, whatever folder they were in
        for name, identity in self._ids.items():
            self._own.setdefault(name.replace("\\", "/").rpartition("/")[2], []).append(identity)

    @property
    def paths(self) -> Collection[Path]:
        """The file."""
        return (self._path,)

    def advise(self, name: str) -> str:
        """What helps a picture of which nothing is said."""
        return f"{self._path} says nothing of it, or nothing with these labels"

    def find(self, name: str) -> list[tuple[int, Drawing]]:
        """What is said of a picture: one region, number 0, or none."""
        name = listing.normalize(name)
        alike = self._own.get(name.rpartition("/")[2], [])
        identity = self._ids.get(name, alike[0] if len(alike) == 1 else None)
        found = self._found.get(identity)
        if not found:
            return []
        rings: list[Ring] = []
        runs: list[Runs] = []
        for each in found:
            try:
                _read_segmentation(each, rings, runs)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                fault = f"Its annotation {each.get('id')} in {self._path} is damaged ({error!r:.60}): export it again."
                return [(0, Drawing(self._path, (), fault=fault))]
        return [(0, Drawing(self._path, tuple(rings), tuple(runs), self._images[identity]))]


class YoloFolder:
    """The regions of a folder of YOLO's text files, one for each picture.  Raises BatchError."""

    def __init__(self, folder: Path, labels: Collection[str] = (), recursive: bool = False) -> None:
        """labels: names of the classes that are meant, or their numbers; empty: all."""
        self._folder = folder
        found = listing.list_names(folder, lambda name: listing.split_name(name)[1] == "txt", recursive)
        self._names = {listing.normalize(listing.split_name(name)[0]): name for name in found}
        names = _read_class_names(folder)
        numbers = [str(number) for number in range(len(names))] or [each for each in labels if each.isdigit()]
        _check_labels(labels, [*names, *numbers], folder)
        self._wanted = {str(names.index(each)) if each in names else each for each in labels}

    @property
    def paths(self) -> Collection[Path]:
        """The folder."""
        return (self._folder,)

    def advise(self, name: str) -> str:
        """What helps a picture of which nothing is said."""
        return f"{listing.split_name(name)[0]}.txt in {self._folder} is missing, or has none of these labels"

    def find(self, name: str) -> list[tuple[int, Drawing]]:
        """What is said of a picture: one region, number 0, or none."""
        own = self._names.get(listing.normalize(listing.split_name(name)[0]))
        if own is None:
            return []
        path = listing.join_path(self._folder, own)
        try:
            rings = tuple(_read_yolo(path.read_text(encoding="utf-8"), self._wanted))
        except (OSError, ValueError) as error:
            return [(0, Drawing(path, (), fault=f"{path} is no YOLO file ({error}): export it again."))]
        return [(0, Drawing(path, rings))] if rings else []


def is_yolo_folder(folder: Path) -> bool:
    """Whether a folder holds YOLO's text files in the place of masks."""
    found = listing.list_names(folder, lambda name: listing.split_name(name)[1] in ("txt", *MASKS), recursive=True)
    own = [name for name in found if name.rpartition("/")[2].lower() not in (*_NAMES, "readme.txt")]
    return bool(own) and all(listing.split_name(name)[1] == "txt" for name in own)


def _check_labels(labels: Iterable[str], names: Collection[str], source: Path) -> None:
    unknown = sorted(set(labels) - set(names))
    if unknown:
        raise BatchError(f"{source} has no label {unknown[0]!r}; choose among {', '.join(sorted(set(names)))}.")


def _read_segmentation(annotation: dict[str, Any], rings: list[Ring], runs: list[Runs]) -> None:
    """Add what an annotation of COCO says: outlines, counted pixels, or where it has neither its box."""
    found = annotation.get("segmentation")
    if isinstance(found, dict):
        height, width = found["size"]
        counts = found["counts"]
        runs.append(Runs((width, height), tuple(_unpack_counts(counts) if isinstance(counts, str) else counts)))
    elif found:
        rings.extend(tuple(map(float, ring)) for ring in found)
    else:
        x, y, width, height = map(float, annotation["bbox"])
        rings.append(_draw_box(x, y, width, height))


def _unpack_counts(text: str) -> Iterator[int]:
    """Counts that are packed to text: each is written in groups of five bits, as the difference from the last but one.

    The highest bit of a group says that another one follows, the highest of the last one that the number is negative.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        group = ord(letter) - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        yield counts[-1]
        value = shift = 0


def _read_yolo(text: str, wanted: Collection[str]) -> Iterator[Ring]:
    """The outlines in a text file: a class and points, or a class and a box by its middle.  Raises ValueError."""
    for line in text.splitlines():
        parts = line.split()
        if not parts or (wanted and parts[0] not in wanted):
            continue
        values = tuple(map(float, parts[1:]))
        if len(values) == 4:
            x, y, width, height = values
            yield _draw_box(x - width / 2, y - height / 2, width, height)
        elif len(values) >= 6 and len(values) % 2 == 0:
            yield values
        else:
            raise ValueError(f"{len(values)} numbers in a line")


def _draw_box(x: float, y: float, width: float, height: float) -> Ring:
    return x, y, x + width, y, x + width, y + height, x, y + height


def _read_class_names(folder: Path) -> Sequence[str]:
    """The names of YOLO's classes, in a list beside the files or the `names` of a `data.yaml`; empty: not found."""
    for place in (folder, folder.parent, folder.parent.parent):
        for name in _NAMES:
            if (place / name).is_file():
                return [line.strip() for line in _read_text(place / name).splitlines() if line.strip()]
        for name in ("data.yaml", "dataset.yaml"):
            if (place / name).is_file():
                return _read_yaml_names(_read_text(place / name))
    return []


def _read_yaml_names(text: str) -> Sequence[str]:
    """The list or numbered lines under `names:`; no more of YAML than such files use."""
    lines = iter(text.splitlines())
    for line in lines:
        if not line.startswith("names:"):
            continue
        row = line.partition(":")[2].strip()
        if row.startswith(("[", "{")):
            return [item.rpartition(":")[2].strip(" '\"") for item in row.strip("[]{}").split(",")]
        names = []
        for item in lines:
            if not item.strip() or item.lstrip().startswith("#"):
                continue
            if not item.startswith((" ", "-")):
                break
            names.append(item.strip().removeprefix("-").rpartition(":")[2].strip(" '\""))
        return names
    return []


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BatchError(f"{path} cannot be read ({error.strerror}): name a file that you can open.") from error
