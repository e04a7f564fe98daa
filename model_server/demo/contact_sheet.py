# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture that shows many edits: before, the region, after, and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Polygon = Sequence[Sequence[float]]  # points (x, y), relative to the picture: 0 to 1

_CELL = (380, 300)  # pixels
_GAP = 12
_CAPTION = 58
_TOP = 64  # for the heading
_COLUMNS = 2
_GROUND, _INK, _FAINT = (32, 32, 32), (240, 240, 240), (170, 170, 170)
_OUTLINES = {"attenuate": (90, 190, 255), "emphasize": (255, 200, 40)}


@dataclass(frozen=True)
class Entry:
    """One edit to show."""

    before: Image.Image
    after: Image.Image
    polygons: Sequence[Polygon]
    direction: str
    title: str
    detail: str


def draw_sheet(entries: Sequence[Entry], heading: str) -> Image.Image:
    """The sheet: two entries a row, each with before, region outlined, after, a title and a line of detail."""
    width = _CELL[0] * 3 + _GAP * 2
    rows = [entries[start : start + _COLUMNS] for start in range(0, len(entries), _COLUMNS)]
    heights = [_CAPTION + max(_fit(entry.before).height for entry in row) + 2 * _GAP for row in rows]
    sheet = Image.new("RGB", (_COLUMNS * (width + 3 * _GAP) + _GAP, _TOP + sum(heights)), _GROUND)
    pen = ImageDraw.Draw(sheet)
    pen.text((2 * _GAP, 20), heading, fill=_INK, font=_load_font(26))
    y = _TOP
    for row, height in zip(rows, heights):
        for index, entry in enumerate(row):
            _draw_entry(sheet, pen, entry, (2 * _GAP + index * (width + 3 * _GAP), y), width)
        y += height
    return sheet


def _draw_entry(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, entry: Entry, corner: tuple[int, int], width: int
) -> None:
    x, y = corner
    pen.text((x, y), entry.title, fill=_OUTLINES[entry.direction], font=_load_font(20))
    _draw_line(pen, (x, y + 28), entry.detail, width)
    for column, picture in enumerate((entry.before, _outline(entry), entry.after)):
        small = _fit(picture)
        left = x + column * (_CELL[0] + _GAP) + (_CELL[0] - small.width) // 2
        sheet.paste(small, (left, y + _CAPTION))


def _fit(picture: Image.Image) -> Image.Image:
    """The picture as large as a cell holds it."""
    scale = min(_CELL[0] / picture.width, _CELL[1] / picture.height)
    return picture.convert("RGB").resize(
        (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
    )


def _outline(entry: Entry) -> Image.Image:
    """The picture before the edit with the region's outline, as large as a cell holds it."""
    picture = _fit(entry.before)
    pen = ImageDraw.Draw(picture)
    for polygon in entry.polygons:
        points = [(x * (picture.width - 1), y * (picture.height - 1)) for x, y in polygon]
        pen.line([*points, points[0]], fill=(0, 0, 0), width=4, joint="curve")
        pen.line([*points, points[0]], fill=_OUTLINES[entry.direction], width=2, joint="curve")
    return picture


def _draw_line(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: int) -> None:
    """Draw one line, cut where it is too long."""
    font = _load_font(16)
    text = text.replace("\N{MINUS SIGN}", "-")  # pillow's own font has no minus sign
    while text and pen.textlength(text, font=font) > width:
        text = text[:-4].rstrip(" ,.") + "..."
    pen.text(place, text, fill=_FAINT, font=font)


def _load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
