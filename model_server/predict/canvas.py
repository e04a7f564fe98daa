# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture as the networks take it: aspect kept, small, on a canvas whose sides they accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gimp_saliency.shared.words import N_

# Smaller pictures hold nothing to judge.
SMALLEST = 16

# Pictures are shrunk to less than half by averaging whole pixels first, in a fifth of the time.
_GAP = 1.0

_MODES = {3: "RGB", 4: "RGBX"}

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Canvas:
    """A picture, padded to sides that the networks accept."""

    picture: Floats  # [1, 3, H, W] display-encoded 0..1, on the padding its last row and column
    valid: Floats  # [1, 1, H, W], 0 on the padding
    width: int  # of the picture on it, in pixels
    height: int

    def thin(self, step: int) -> Canvas:
        """Every `step`-th row and column of it."""
        picture, valid = (np.ascontiguousarray(each[:, :, ::step, ::step]) for each in (self.picture, self.valid))
        return Canvas(picture, valid, -(-self.width // step), -(-self.height // step))

    def place_mask(self, mask: Bytes) -> Floats:
        """A mask (h, w), 0..255, on this canvas: [1, 1, H, W], 0..1.  Raises ValueError if nothing is selected."""
        # As floats, so that the faintest and smallest mask survives.
        image = Image.fromarray(mask).convert("F")
        area = np.zeros_like(self.valid)
        resized = np.asarray(image.resize((self.width, self.height), Image.Resampling.BILINEAR, reducing_gap=_GAP))
        np.divide(resized, np.float32(255), out=area[0, 0, : self.height, : self.width])
        if not area.any():
            raise ValueError("The mask is empty: select the region to edit.")
        return area

    def restore_map(self, density: Floats, height: int, width: int) -> Bytes:
        """A density of this canvas, [h, w] of any coarser grid, as a grey map (height, width), 255 at its peak."""
        stride = self.valid.shape[3] // density.shape[1]
        box = (0.0, 0.0, self.width / stride, self.height / stride)
        grown = Image.fromarray(density / density.max()).resize((width, height), Image.Resampling.BICUBIC, box=box)
        return np.asarray(np.clip(np.asarray(grown) * 255, 0, 255).round(), np.uint8)


@dataclass(frozen=True)
class Format:
    """How large pictures are on a canvas, in pixels: `long` and `short` at most, their sides padded to `multiple`."""

    long: int
    short: int
    multiple: int

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Format:
        """As the networks' manifest has it.  Raises KeyError, TypeError or ValueError on anything else."""
        return cls(int(content["long"]), int(content["short"]), int(content["multiple"]))

    def place(self, picture: Bytes) -> Canvas:
        """Of (H, W, 3), or (H, W, 4) whose fourth channel counts not; display-encoded sRGB."""
        height, width, channels = picture.shape
        scale = min(self.long / max(width, height), self.short / min(width, height))
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        full_width, full_height = (-(-side // self.multiple) * self.multiple for side in (w, h))
        mode = _MODES[channels]
        image = Image.frombuffer(mode, (width, height), np.ascontiguousarray(picture), "raw", mode, 0, 1)
        bands = np.asarray(image.resize((w, h), Image.Resampling.BILINEAR, reducing_gap=_GAP))[:, :, :3]
        encoded = np.empty((1, 3, full_height, full_width), np.float32)
        np.divide(bands.transpose(2, 0, 1), np.float32(255), out=encoded[0, :, :h, :w])
        pad(encoded, w, h)
        valid = np.zeros((1, 1, full_height, full_width), np.float32)
        valid[:, :, :h, :w] = 1
        return Canvas(encoded, valid, w, h)


def check_picture(picture: Bytes, channels: int) -> None:
    """Raises ValueError unless it is a picture (H, W, channels), uint8, of sides that hold something to judge."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != channels:
        raise ValueError(f"The picture must be bytes of {channels} channels.")
    if min(picture.shape[:2]) < SMALLEST:
        raise ValueError(f"The picture is too small: its sides must be at least {SMALLEST} pixels.")


def check_cut_out(coverage: Bytes, reference: Bytes | None) -> None:
    """Raises ValueError where there is nothing to harmonize, or nothing of the photo to harmonize it with.

    coverage: (H, W) of the cut-out, 0..255.  reference: (H, W), which part of the photo to match, None: all of it.
    """
    if not coverage.any():
        raise ValueError(N_("Nothing of the layer is in the picture; move it onto the photo, or choose another layer."))
    photo = coverage < 255
    if not photo.any():
        raise ValueError(
            N_("The layer covers the whole photo, so that nothing is left to match; erase or mask a part of it.")
        )
    if reference is not None and not reference[photo].any():
        raise ValueError(
            N_("The selection holds nothing of the photo to match; select a part of it beside the layer, or nothing.")
        )


def pad(picture: Floats, width: int, height: int) -> None:
    """Continue a picture [1, 3, H, W] beyond its width and height: with its last column, then with its last row."""
    picture[..., :height, width:] = picture[..., :height, width - 1 : width]
    picture[..., height:, :] = picture[..., height - 1 : height, :]
