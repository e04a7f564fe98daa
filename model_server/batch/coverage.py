# SPDX-License-Identifier: GPL-3.0-or-later
"""What the many kinds of mask mean: how much of each pixel is selected.

Programs write masks as grey values, as numbers of labels, as palettes with a colour for each label, as alpha channels,
as 1, 8, 16 or 32 bits.  None says which of these it is, so it is told by what is in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageOps

Values = np.ndarray[Any, Any]  # height x width, uint8 or uint16; full: selected

_LABELS = 16  # grey values below this one, were they coverage, would show nothing that anybody could see
_DEEP_LABELS = 4096  # the same of 16 bits
_HIGHEST, _HIGHEST_DEEP = 100, 60_000  # of labels' numbers, in 8 and in 16 bits
_FEW_LABELS, _FEW_DEEP_LABELS = 8, 64  # in a mask, beside the ground; soft ones have more values
_COLOURFUL = 32  # between a pixel's highest and lowest channel: by less, compression tints what is gray
_FEW_COLOURS = 256  # of a picture of labels
_NOISE = 32  # what compression with losses makes of black, and of white
_PLAIN = 0.5  # share of black and white in a mask that is painted on a transparent layer; in a cut-out there is less


def read_coverage(mask: Image.Image) -> Values:
    """How much of each pixel a mask selects, as it is seen: turned as its EXIF data say.

    Raises OSError, ValueError or SyntaxError where it is damaged.
    """
    is_lossy = mask.format in ("JPEG", "MPO") or (mask.format == "WEBP" and not _is_lossless(mask))
    upright = ImageOps.exif_transpose(mask)
    return _clean(_read(upright, True)) if is_lossy else _read(upright, False)


def _read(mask: Image.Image, is_lossy: bool) -> Values:
    if mask.mode == "1":
        return np.asarray(mask.convert("L"))
    if mask.mode == "P" and "transparency" not in mask.info:
        return _read_palette(mask)
    if mask.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in mask.info:
        return _read_transparent(np.asarray(mask.convert("RGBA")))
    if mask.mode == "L" or mask.mode.startswith("I"):
        return np.asarray(mask) if is_lossy else _read_numbers(np.asarray(mask))
    if mask.mode == "F":
        return _read_floats(np.asarray(mask))
    return _read_colours(np.asarray(mask.convert("RGB")), is_lossy)


def _read_numbers(numbers: Values) -> Values:
    """Grey values or labels' numbers, of any depth; what is negative is no label."""
    numbers = numbers.clip(0)
    top = int(numbers.max(initial=0))
    if top <= 255:
        return _select(numbers > 0) if _is_labels(numbers, top) else numbers.astype(np.uint8)
    is_labels = top > 65535 or top < _DEEP_LABELS or _is_labels(numbers, top)
    return _select(numbers > 0) if is_labels else numbers.astype(np.uint16)


def _is_labels(numbers: Values, top: int) -> bool:
    """Whether numbers are labels': too low to be seen as coverage, or few different ones, none of which is full."""
    if top < _LABELS:
        return True
    limit, most = (_HIGHEST, _FEW_LABELS) if top <= 255 else (_HIGHEST_DEEP, _FEW_DEEP_LABELS)
    if top >= limit:
        return False
    counts = np.bincount(numbers.reshape(-1).astype(np.int64))
    return bool(counts[0] and np.count_nonzero(counts) <= most + 1)


def _read_floats(numbers: Values) -> Values:
    """From 0 to 1, or as integers are."""
    numbers = np.nan_to_num(numbers, nan=0.0, posinf=1.0, neginf=0.0).clip(0)
    if numbers.max(initial=0) <= 1:
        return np.rint(numbers * 65535).astype(np.uint16)
    return _read_numbers(np.rint(numbers).astype(np.int64))


def _read_palette(mask: Image.Image) -> Values:
    """Grey values, or labels that each have a colour."""
    numbers = np.asarray(mask)
    palette = np.asarray(mask.convert("RGB"))
    if _find_chroma(palette).max(initial=0) == 0:
        return _read_numbers(palette[:, :, 0])
    is_shown = palette.any(-1)
    return _select(np.asarray(numbers != 0 if is_shown.all() else is_shown))


def _read_colours(colours: Values, is_lossy: bool) -> Values:
    """Grey values, or labels that each have a colour."""
    lightest = colours.max(-1)
    if _find_chroma(colours).max(initial=0) <= _COLOURFUL:
        return lightest if is_lossy else _read_numbers(lightest)
    packed = colours.reshape(-1, 3) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    if is_lossy or len(np.unique(packed)) <= _FEW_COLOURS:
        return _select(lightest >= (_NOISE if is_lossy else 1))
    return lightest


def _read_transparent(pixels: Values) -> Values:
    """Grey values on black, or a cut-out, of which the alpha channel is the mask."""
    colours, alpha = pixels[:, :, :3], pixels[:, :, 3]
    if alpha.min(initial=255) == 255:
        return _read_colours(colours, is_lossy=False)
    seen = colours[alpha >= 128]
    lightest = seen.max(-1) if len(seen) else seen
    is_plain = not len(seen) or int(lightest.min()) == int(lightest.max()) or _find_extremes(lightest) >= _PLAIN
    if _find_chroma(seen).max(initial=0) > _COLOURFUL or not is_plain:
        return alpha
    painted = np.rint(colours.max(-1) * (alpha / 255)).astype(np.uint8)
    return _read_numbers(painted) if painted.any() else alpha


def _find_chroma(colours: Values) -> Values:
    return colours.max(-1) - colours.min(-1) if len(colours) else np.zeros(1, np.uint8)


def _find_extremes(values: Values) -> float:
    """The share of black and white."""
    return float(((values <= _NOISE) | (values >= 255 - _NOISE)).mean())


def _select(is_shown: Values) -> Values:
    return np.where(is_shown, np.uint8(255), np.uint8(0))


def _clean(values: Values) -> Values:
    """Black and white again what compression has made nearly so, without a step where it is soft."""
    stretched = (values.astype(float) - _NOISE) * 255 / (255 - 2 * _NOISE)
    return np.rint(stretched).clip(0, 255).astype(np.uint8)


def _is_lossless(mask: Image.Image) -> bool:
    """Of a WebP."""
    name = getattr(mask, "filename", "")
    if not name:
        return False
    with open(name, "rb") as file:  # noqa: PTH123
        return b"VP8L" in file.read(64)
