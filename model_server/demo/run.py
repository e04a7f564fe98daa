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

from PIL import Image, ImageDraw, ImageFilter

from gimp_saliency.shared.errors import ServerError
from model_server.demo import samples
from model_server.demo.contact_sheet import Entry, Polygon, draw_sheet
from model_server.gimp.find import find_gimp
from model_server.gimp.plugin_copy import PACKAGE
from model_server.gimp.running import Gimp, GimpError, run_script

OUTPUT = "gimp-saliency-demo"

_REGIONS = Path(__file__).with_name("regions.json")
_OVERSAMPLE = 4  # the polygon is drawn larger and scaled down, for a smooth edge
_FEATHER = 0.004  # of the picture's longer side: as a user would soften the selection
_TIME_LIMIT = 600.0  # seconds for all pictures of a direction

# Runs in GIMP: what the names of the plug-in's layers say of each, in the order of application.
_LAYER_NAMES = """
import sys
from gi.repository import Gimp, Gio
sys.path.append({plugin!r})
from gimp_saliency.layers.record import read_note, read_title

def find_names(layers):
    for layer in reversed(layers):
        if read_note(layer).edits:
            yield layer.get_name().removeprefix(read_title(layer) + ": ")
        if layer.is_group():
            yield from find_names(layer.get_children())

result = []
for path in {paths!r}:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    result.append(list(find_names(image.get_layers())))
    image.delete()
"""


class DemoError(Exception):
    """The demonstration cannot go on: one sentence that says what to do."""


@dataclass(frozen=True)
class Region:
    """A part of a sample photograph, and what is to be done to it.

    picture: file name; subject: what it shows, for people; polygons: its outlines, relative to the picture.
    """

    picture: str
    subject: str
    direction: str
    polygons: Sequence[Polygon]

    @property
    def stem(self) -> str:
        """The picture's name without its ending."""
        return Path(self.picture).stem


def load_regions() -> list[Region]:
    """The regions of all sample photographs."""
    entries = json.loads(_REGIONS.read_text(encoding="utf-8"))
    return [Region(each["picture"], each["region"], each["direction"], each["polygons"]) for each in entries]


def run(output: Path) -> list[Path]:
    """Edit the samples in GIMP; write before and after PNGs, XCFs and a contact sheet into `output`.

    Returns what was written, the contact sheet first.  Raises DemoError, SamplesError, GimpError or ServerError.
    """
    regions = load_regions()
    pictures = samples.fetch(dict.fromkeys(region.picture for region in regions))
    found = find_gimp()
    print(f"Editing {len(pictures)} photographs, {len(regions)} regions, in {found.describe()} …", flush=True)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as temporary:
        work = Path(temporary)
        for direction in sorted({region.direction for region in regions}):
            _prepare([region for region in regions if region.direction == direction], pictures, work / direction)
            for kind in ("png", "xcf"):
                _run_batch(work / direction, kind, direction)
        layered = [work / region.direction / "xcf" / f"{region.stem}.xcf" for region in regions]
        entries = [
            _make_entry(region, pictures[region.picture], work / region.direction / "png" / f"{region.stem}.png", names)
            for region, names in zip(regions, _read_layer_names(found, layered))
        ]
        sheet = output / "contact-sheet.png"
        draw_sheet(entries, "gimp-saliency: before, region, after").save(sheet)
        written = [path for each in zip(regions, entries, layered) for path in _write_results(output, *each)]
    return list(dict.fromkeys([sheet, *written]))


def draw_mask(polygons: Sequence[Polygon], size: tuple[int, int]) -> Image.Image:
    """The polygons as a soft mask: 8-bit grey of `size` (width, height), white inside."""
    large = Image.new("L", (size[0] * _OVERSAMPLE, size[1] * _OVERSAMPLE))
    pen = ImageDraw.Draw(large)
    for polygon in polygons:
        pen.polygon([(x * large.width, y * large.height) for x, y in polygon], fill=255)
    return large.resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(_FEATHER * max(size)))


def _prepare(regions: Sequence[Region], pictures: dict[str, Path], folder: Path) -> None:
    """Lay out the photographs and the masks of their regions as folders for `batch`."""
    (folder / "in").mkdir(parents=True)
    (folder / "masks").mkdir()
    for region in regions:
        shutil.copyfile(pictures[region.picture], folder / "in" / region.picture)
        with Image.open(pictures[region.picture]) as picture:
            draw_mask(region.polygons, picture.size).save(folder / "masks" / f"{region.stem}.png")


def _run_batch(folder: Path, kind: str, direction: str) -> None:
    """Edit a folder that `_prepare` made, with results of one kind.  Raises DemoError."""
    command = [sys.executable, "-m", "model_server", "batch", str(folder / "in"), str(folder / kind)]
    command += ["--masks", str(folder / "masks"), "--direction", direction, "--format", kind]
    try:
        done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], timeout=_TIME_LIMIT)
    except subprocess.TimeoutExpired:
        raise DemoError("GIMP took more than ten minutes: run `gimp-saliency check` to see why.") from None
    if done.returncode:
        raise DemoError("The pictures could not be edited, for the reason above: run `gimp-saliency check`.")


def _read_layer_names(gimp: Gimp, paths: Sequence[Path]) -> list[list[str]]:
    """Of each XCF file the names of the layers that are edits, in the order of application.  Raises GimpError."""
    plugin = str(PACKAGE.parent)
    names: list[list[str]] = run_script(gimp, _LAYER_NAMES.format(plugin=plugin, paths=[str(path) for path in paths]))
    return names


def _make_entry(region: Region, before: Path, after: Path, names: Sequence[str]) -> Entry:
    """What the contact sheet shows of a region.  names: of the layers that the edit made."""
    title = f"{region.stem}: {region.direction} {region.subject}"
    detail = ", ".join(names) or "no edit was needed"
    return Entry(_load_picture(before), _load_picture(after), region.polygons, region.direction, title, detail)


def _load_picture(path: Path) -> Image.Image:
    """A picture in memory with its colour profile, which `save` then writes."""
    with Image.open(path) as picture:
        copy = picture.copy()
        copy.info = {name: value for name, value in picture.info.items() if name == "icc_profile"}
        return copy


def _write_results(output: Path, region: Region, entry: Entry, layered: Path) -> list[Path]:
    """Write a region's pictures before and after the edit, and the XCF file; their paths."""
    done = f"{region.stem}-{region.direction}d"
    paths = [output / f"{region.stem}-before.png", output / f"{done}.png", output / f"{done}.xcf"]
    entry.before.save(paths[0])
    entry.after.save(paths[1])
    shutil.copyfile(layered, paths[2])
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 on success."""
    parser = argparse.ArgumentParser(prog="gimp-saliency demo", description="Edits sample photographs.")
    parser.add_argument(
        "--output", type=Path, default=Path(OUTPUT), help=f"folder for the pictures (default: {OUTPUT})"
    )
    options = parser.parse_args(arguments)
    try:
        written = run(options.output.absolute())
    except (DemoError, samples.SamplesError, GimpError, ServerError) as error:
        print(f"gimp-saliency demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gimp-saliency demo: {error.filename}: {error.strerror}: choose another --output.", file=sys.stderr)
        return 1
    print(f"Wrote {len(written)} files to {written[0].parent}; look at {written[0].name} first.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
