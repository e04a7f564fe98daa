# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets, charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from torch import Tensor

# Attention from none to most, as in the dialogs of heat-map tools: black, blue, red, yellow, white.
_HEAT = np.array([[0, 0, 0], [40, 0, 120], [200, 30, 40], [255, 200, 0], [255, 255, 255]], np.float32)


def to_image(encoded: Tensor) -> Image.Image:
    """A display-encoded picture [3, H, W], 0..1."""
    return Image.fromarray((encoded.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy())


def draw_outline(image: Image.Image, mask: Tensor) -> Image.Image:
    """The picture with the edge of its region [H, W] drawn in magenta."""
    region = Image.fromarray((mask > 0.5).byte().mul(255).numpy())
    edge = ImageChops.difference(region, region.filter(ImageFilter.MinFilter(3)))
    result = image.copy()
    result.paste((255, 0, 255), mask=edge)
    return result


def draw_heat(values: Tensor, size: tuple[int, int], most: float | None = None) -> Image.Image:
    """Values [h, w] from 0 to `most` (their maximum) in heat colours, scaled to size (width, height)."""
    levels = (values / max(most or float(values.max()), 1e-9)).clamp(0, 1).numpy() * (len(_HEAT) - 1)
    channels = [np.interp(levels, np.arange(len(_HEAT)), _HEAT[:, c]) for c in range(3)]
    return Image.fromarray(np.stack(channels, 2).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def draw_sheet(rows: Sequence[tuple[str, Sequence[Image.Image]]], path: Path, abreast: int, side: int = 200) -> None:
    """Write rows of pictures under their captions, `abreast` rows beside each other, pictures fit into `side`."""
    gap, text = 4, 16
    wide = max(len(pictures) for _, pictures in rows) * (side + gap) + 8
    canvas = Image.new("RGB", (abreast * wide, -(-len(rows) // abreast) * (side + text)), "white")
    draw = ImageDraw.Draw(canvas)
    top = 0
    for start in range(0, len(rows), abreast):
        highest = 0
        for index, (caption, pictures) in enumerate(rows[start : start + abreast]):
            left = index * wide
            for column, picture in enumerate(pictures):
                small = picture.copy()
                small.thumbnail((side, side))
                canvas.paste(small, (left + column * (side + gap), top + text))
                highest = max(highest, small.height)
            draw.text((left, top + 2), caption[: wide // 6], fill="black")
        top += highest + text
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.crop((0, 0, canvas.width, top)).save(path)


def draw_chart(lines: dict[str, Sequence[float]], x: Sequence[float], label: str, size: tuple[int, int]) -> Image.Image:
    """Lines of values 0..1 over x, their names as a legend."""
    colours = ["#c02020", "#2040c0", "#208020", "#806000"]
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    left, right, top, bottom = 24, size[0] - 6, 6, size[1] - 28
    draw.rectangle((left, top, right, bottom), outline="#b0b0b0")
    for level in (0.0, 0.5, 1.0):
        y = bottom - level * (bottom - top)
        draw.line((left, y, right, y), fill="#e0e0e0")
        draw.text((2, y - 6), f"{level:.1f}", fill="black")
    for value in (x[0], 0.0, x[-1]):
        place = left + (value - x[0]) / (x[-1] - x[0]) * (right - left)
        draw.line((place, top, place, bottom), fill="#e0e0e0")
        draw.text((min(place, right - 18), bottom + 1), f"{value:g}", fill="black")
    for (name, values), colour in zip(lines.items(), colours):
        points = [
            (left + (a - x[0]) / (x[-1] - x[0]) * (right - left), bottom - min(1.0, max(0.0, v)) * (bottom - top))
            for a, v in zip(x, values)
        ]
        draw.line(points, fill=colour, width=2)
        draw.text((left + 54 * list(lines).index(name), bottom + 13), name, fill=colour)
    draw.text((right - 6 * len(label), bottom + 13), label, fill="black")
    return image


def write_table(columns: dict[str, dict[str, float]], percent: tuple[str, ...] = ()) -> str:
    """A Markdown table, one column an entry; rows whose names begin as in `percent` are shares."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in names:
        cells = []
        for column in columns.values():
            value = column.get(name)
            if value is None or np.isnan(value):
                cells.append("")
            else:
                share = bool(percent) and name.startswith(percent)
                cells.append(
                    f"{100 * value:.1f} %" if share else f"{value:.0f}" if name == "regions" else f"{value:.3f}"
                )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
