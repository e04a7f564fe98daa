# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages with small pictures and what is meant of each, to look at before anything is edited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from model_server.batch.coverage import Values
from model_server.batch.jobs import Job, Step
from model_server.batch.masks import MaskValues

COLUMNS, ROWS = 6, 5
_SIDE, _GAP, _LINE = 260, 12, 18  # px
_LINES = 4  # for why a picture cannot be edited
_DARK = 0.3  # what is left of the light beside regions
_PAPER, _INK, _FAULT = (245, 245, 245), (20, 20, 20), (190, 0, 0)


class ContactSheet:
    """Pages that are written as they fill up, `contact-sheet-001.jpg` and so on."""

    def __init__(self, folder: Path) -> None:
        self.pages: list[Path] = []
        self._folder = folder
        self._cells: list[Image.Image] = []

    def add(self, job: Job, steps: Sequence[Step], fault: str) -> None:
        """Add a picture with its regions.  fault: why it cannot be edited, empty if it can.  Raises OSError."""
        self._cells.append(_draw_cell(job, steps, fault))
        if len(self._cells) == COLUMNS * ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the page that is begun.  Raises OSError."""
        if not self._cells:
            return
        width, height = self._cells[0].size
        rows = -(-len(self._cells) // COLUMNS)
        page = Image.new("RGB", (COLUMNS * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP), _PAPER)
        for number, cell in enumerate(self._cells):
            row, column = divmod(number, COLUMNS)
            page.paste(cell, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
        path = self._folder / f"contact-sheet-{len(self.pages) + 1:03}.jpg"
        page.save(path, quality=90)
        self.pages.append(path)
        self._cells = []


def _draw_cell(job: Job, steps: Sequence[Step], fault: str) -> Image.Image:
    cell = Image.new("RGB", (_SIDE, _SIDE + (1 + _LINES) * _LINE), _PAPER)
    picture = _darken(_load(job.picture), list(_list_regions(steps)))
    cell.paste(picture, ((_SIDE - picture.width) // 2, (_SIDE - picture.height) // 2))
    brush = ImageDraw.Draw(cell)
    font = ImageFont.load_default(13)
    lines = [_shorten(brush, job.name or job.picture.name, font)]
    for folder in {str(step.mask.parent) for step in steps if isinstance(step.mask, Path)}:
        fault = fault.replace(f"{folder}/", "")  # the names say enough
    fault = fault.replace("×", "x")  # Pillow's own font has no other
    lines += [_shorten(brush, line, font) for line in _wrap(brush, fault, font)[:_LINES]]
    for number, line in enumerate(lines):
        brush.text((2, _SIDE + 2 + number * _LINE), line, fill=_FAULT if number else _INK, font=font)
    return cell


def _load(path: Path) -> Image.Image:
    """A picture, small and as it is seen; grey where GIMP alone can read it."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            small = ImageOps.exif_transpose(picture)
            small.thumbnail((_SIDE, _SIDE))
            if small.mode.startswith("I"):
                small = Image.fromarray((np.asarray(small) >> 8).clip(0, 255).astype(np.uint8))
            if "A" in small.getbands() or "transparency" in small.info:
                small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small.convert("RGBA"))
            return small.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Image.new("RGB", (_SIDE, _SIDE * 2 // 3), "grey")


def _list_regions(steps: Iterable[Step]) -> Iterator[Image.Image]:
    for step in steps:
        if step.values is not None:
            yield _enlarge(step.values)


def _enlarge(values: MaskValues) -> Image.Image:
    """A mask as a picture of its own size, 8 bit."""
    x, y, width, height = values.box
    kind = np.uint8 if values.component == "u8" else np.uint16
    part: Values = np.frombuffer(values.inflate(), kind).reshape(height, width)
    canvas = Image.new("L", values.size)
    canvas.paste(Image.fromarray(part if kind is np.uint8 else (part >> 8).astype(np.uint8)), (x, y))
    return canvas


def _darken(picture: Image.Image, regions: list[Image.Image]) -> Image.Image:
    """The picture, dark and without colour beside its regions, if it has any."""
    if not regions:
        return picture
    shown = np.zeros((picture.height, picture.width))
    for region in regions:
        shown = np.maximum(shown, np.asarray(region.resize(picture.size, Image.Resampling.BOX), float) / 255)
    pixels, share = np.asarray(picture, float), shown[..., None]
    grey = np.repeat(np.asarray(picture.convert("L"), float)[..., None], 3, -1) * _DARK
    return Image.fromarray(np.rint(pixels * share + grey * (1 - share)).astype(np.uint8))


def _shorten(brush: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """A text that fits into a cell, its middle left out."""
    text = text if text.isprintable() else ascii(text)
    while brush.textlength(text, font) > _SIDE - 4 and len(text) > 4:
        middle = len(text) // 2
        text = f"{text[: middle - 2]}…{text[middle + 2 :]}"
    return text


def _wrap(brush: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and brush.textlength(f"{lines[-1]} {word}", font) <= _SIDE - 4:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
