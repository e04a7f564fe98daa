# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: sample photographs, edited in GIMP with what the networks predict.

It goes the way of a user's own folder: `gimp-saliency batch` with pictures and masks.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from PIL import Image, ImageDraw, ImageFilter

from gimp_saliency.shared.errors import ServerError
from model_server.demo import samples
from model_server.demo.contact_sheet import Entry, Polygon, draw
from model_server.gimp import program

OUTPUT = "gimp-saliency-demo"

_REGIONS = Path(__file__).with_name("regions.json")
_OVERSAMPLE = 4  # the polygon is drawn larger and scaled down, for a smooth edge
_FEATHER = 0.004  # of the picture's longer side: as a user would soften the selection
_TIME_LIMIT = 600.0  # seconds for all pictures of a direction

# Runs in GIMP: the names of the layers that the plug-in made, in the order of application.
_LAYER_NAMES = """
import json
from gi.repository import Gimp, Gio

def names(layers):
    for layer in reversed(layers):
        parasite = layer.get_parasite("saliency-edit")
        if parasite and "edits" in json.loads(bytes(parasite.get_data()).rstrip(b"\\0")):
            yield layer.get_name()
        if layer.is_group():
            yield from names(layer.get_children())

result = []
for path in {paths!r}:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    result.append(list(names(image.get_layers())))
    image.delete()
"""


class DemoError(Exception):
    """The demonstration cannot go on: one sentence that says what to do."""


@dataclass(frozen=True)
class Region:
    """A part of a sample photograph, and what is to be done to it."""

    picture: str  # file name
    region: str  # what it shows, for people
    direction: str
    polygons: Sequence[Polygon]

    @property
    def stem(self) -> str:
        return Path(self.picture).stem


def run(output: Path) -> list[Path]:
    """Edit the samples in GIMP; write before and after PNGs, XCFs and a contact sheet into `output`.

    Returns what was written, the contact sheet first.  Raises DemoError, SamplesError, GimpError or ServerError.
    """
    regions = [Region(**entry) for entry in json.loads(_REGIONS.read_text(encoding="utf-8"))]
    pictures = samples.fetch(dict.fromkeys(region.picture for region in regions))
    found = program.find()
    print(f"Editing {len(pictures)} photographs, {len(regions)} regions, in {found.describe()} …", flush=True)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as temporary:
        work = Path(temporary)
        for direction in sorted({region.direction for region in regions}):
            _prepare([region for region in regions if region.direction == direction], pictures, work / direction)
            for kind in ("png", "xcf"):
                _batch(work / direction, kind, direction)
        made = [work / region.direction / "xcf" / f"{region.stem}.xcf" for region in regions]
        names = program.script(found, _LAYER_NAMES.format(paths=[str(path) for path in made]))
        entries = [
            _entry(region, pictures[region.picture], work / region.direction / "png" / f"{region.stem}.png", edits)
            for region, edits in zip(regions, names)
        ]
        written = [output / "contact-sheet.png"]
        draw(entries, "gimp-saliency: before, region, after").save(written[0])
        for region, entry, xcf in zip(regions, entries, made):
            past = f"{region.stem}-{region.direction}d"
            written += [output / f"{region.stem}-before.png", output / f"{past}.png", output / f"{past}.xcf"]
            entry.before.save(written[-3])
            entry.after.save(written[-2])
            shutil.copyfile(xcf, written[-1])
    return list(dict.fromkeys(written))


def mask(polygons: Sequence[Polygon], size: tuple[int, int]) -> Image.Image:
    """The polygons as a soft mask: 8-bit grey of `size` (width, height), white inside."""
    large = Image.new("L", (size[0] * _OVERSAMPLE, size[1] * _OVERSAMPLE))
    pen = ImageDraw.Draw(large)
    for polygon in polygons:
        pen.polygon([(x * large.width, y * large.height) for x, y in polygon], fill=255)
    return large.resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(_FEATHER * max(size)))


def _prepare(regions: Sequence[Region], pictures: dict[str, Path], folder: Path) -> None:
    (folder / "in").mkdir(parents=True)
    (folder / "masks").mkdir()
    for region in regions:
        shutil.copyfile(pictures[region.picture], folder / "in" / region.picture)
        with Image.open(pictures[region.picture]) as picture:
            mask(region.polygons, picture.size).save(folder / "masks" / f"{region.stem}.png")


def _batch(folder: Path, kind: str, direction: str) -> None:
    command = [sys.executable, "-m", "model_server", "batch", str(folder / "in"), str(folder / kind)]
    command += ["--masks", str(folder / "masks"), "--direction", direction, "--format", kind]
    try:
        done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], timeout=_TIME_LIMIT)
    except subprocess.TimeoutExpired:
        raise DemoError("GIMP took more than ten minutes: run `gimp-saliency check` to see why.") from None
    if done.returncode:
        raise DemoError("The pictures could not be edited, for the reason above: run `gimp-saliency check`.")


def _entry(region: Region, before: Path, after: Path, edits: list[str]) -> Entry:
    title = f"{region.stem}: {region.direction} {region.region}"
    with Image.open(before) as first, Image.open(after) as second:
        pair = (_kept(first), _kept(second))
    return Entry(*pair, region.polygons, region.direction, title, ", ".join(edits) or "no edit was needed")


def _kept(picture: Image.Image) -> Image.Image:
    """The picture in memory with its colour profile, which `save` then writes."""
    picture.load()
    copy = picture.copy()
    copy.info = {name: value for name, value in picture.info.items() if name == "icc_profile"}
    return copy


def main(arguments: Union[Sequence[str], None] = None) -> int:
    """The command line; 0 on success."""
    parser = argparse.ArgumentParser(prog="gimp-saliency demo", description="Edits sample photographs.")
    parser.add_argument(
        "--output", type=Path, default=Path(OUTPUT), help=f"folder for the pictures (default: {OUTPUT})"
    )
    options = parser.parse_args(arguments)
    try:
        written = run(options.output.absolute())
    except (DemoError, samples.SamplesError, program.GimpError, ServerError) as error:
        print(f"gimp-saliency demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gimp-saliency demo: {error.filename}: {error.strerror}: choose another --output.", file=sys.stderr)
        return 1
    print(f"Wrote {len(written)} files to {written[0].parent}; look at {written[0].name} first.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
