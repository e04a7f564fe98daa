# SPDX-License-Identifier: GPL-3.0-or-later
"""The harmonize tool: what makes a cut-out match the photo below it, in one pass of one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from gimp_saliency.shared.harmony import INPUTS, MOST_EV, Harmony, Shading
from gimp_saliency.shared.request import PLAIN
from gimp_saliency.shared.styles import Style
from model_server.predict.canvas import Bytes, Canvas, Floats, check_cut_out, check_picture
from model_server.predict.errors import REINSTALL, NetworkError
from model_server.predict.networks import Networks
from model_server.predict.orders import Measure
from model_server.predict.skin import find_skin, keep_skin
from model_server.predict.styles import choose_different, sample_styles

HARMONIZE = "harmonize.onnx"
SIDE = 64  # px; of the window that the network sees beside the whole picture

_TOOL = "harmonize"  # in the manifest
_FAINT = 1 / 255  # coverage: a feathered edge's last step, which says nothing of where the cut-out is
_INSIDE = 0.5  # coverage of a pixel whose colour is the cut-out's
_COLOURS = 3  # the first of the planes; beyond the picture they go on, the other ones do not

Box = tuple[int, int, int, int]  # left, top, right and bottom in pixels of the canvas, right and bottom excluded


class StyledHarmony(NamedTuple):
    """A harmony to choose, and the style that it has."""

    harmony: Harmony
    style: Style


class _Scene(NamedTuple):
    """A composite as the network sees it.  mask, around: [1, 1, H, W] of the canvas; box: of the mask."""

    canvas: Canvas
    mask: Floats
    around: Floats
    box: Box


class Harmonizer:
    """The tool.  Thread-safe.

    model: name, version and beginning of the sha256 of its network, for people; empty where there is none.
    files: none where the networks are older than the tool, which is told when it is asked for, as it is where the
    network knows no styles yet.

    Both questions take a picture (H, W, 4) uint8, display-encoded sRGB of the composite and the cut-out's coverage,
    sides of at least 16 pixels; a reference (H, W) uint8, which part of the photo to match, 255: all of it, None: the
    whole; and a style of ten numbers.  The shading lies on the cut-out's bounding box: see find_box.  Raise ValueError
    on anything else, where nothing of the cut-out or of the photo to match is seen, and where the network says no
    numbers; NetworkError where it cannot be loaded.
    """

    def __init__(self, networks: Networks) -> None:
        """Raises NetworkError where the file is not intact."""
        self._networks = networks
        self.files = (HARMONIZE,) if networks.has(HARMONIZE) else ()
        self.model = networks.name_model(_TOOL, HARMONIZE) if self.files else ""
        networks.check(self.files)

    def predict_harmony(self, picture: Bytes, reference: Bytes | None = None, style: Style = PLAIN) -> Harmony:
        """Predict the curves, in the style, and the shading, which is the same in all styles."""
        scene = self._make_scene(picture, reference)
        curves, shading = self._predict(scene, [style])
        return _to_harmony(curves[0], shading, scene)

    def propose(self, picture: Bytes, reference: Bytes | None, style: Style, seed: int) -> list[StyledHarmony]:
        """Up to four harmonies to choose among, at least one: the first has the style that is asked for.

        The others have styles that are drawn from the seed, which is not negative.  Each of them is the one with which
        the cut-out looks least like those before; with which it looks the same as before is left out.
        """
        scene = self._make_scene(picture, reference)
        drawn = sample_styles(seed)
        curves, shading = self._predict(scene, [style, *drawn])
        measure = Measure(scene.mask)
        # The shading is the same for all, and tells none from another.
        first, *looks = (measure.cut(_bend(scene.canvas.picture, each)) for each in curves)
        found = choose_different(first, dict(zip(drawn, looks)), measure)
        rows = [(0, style), *((1 + drawn.index(each), each) for each in found)]
        return [StyledHarmony(_to_harmony(curves[row], shading, scene), each) for row, each in rows]

    def _make_scene(self, picture: Bytes, reference: Bytes | None) -> _Scene:
        _check(picture, reference)
        canvas = self._networks.format.place(picture)
        mask = canvas.place_mask(picture[:, :, 3])
        around = (1 - mask) * canvas.valid
        if reference is not None:
            around *= canvas.place_mask(reference)
        return _Scene(canvas, mask, around, find_box(mask))

    def _predict(self, scene: _Scene, styles: Sequence[Style]) -> tuple[Floats, Floats]:
        """The curves in each style [S, 3, 16], which turn no skin, and the shading [32, 32].  Raises NetworkError."""
        curves, shading = self._run_network(scene, styles)
        skin = find_skin(scene.canvas.picture[0][:, scene.mask[0, 0] > _INSIDE].T)
        return np.stack([keep_skin(each, skin) for each in curves]), shading

    def _run_network(self, scene: _Scene, styles: Sequence[Style]) -> tuple[Floats, Floats]:
        """The curves in each style [S, 3, 16] and the shading [32, 32].  Raises NetworkError."""
        older = NetworkError(f"The installed networks are older than Harmonize Layer; {REINSTALL}")
        if not self.files:
            raise older
        session = self._networks.session(HARMONIZE)
        if all(each.name != "style" for each in session.get_inputs()):
            raise older
        picture, mask, around = scene.canvas.picture, scene.mask, scene.around
        inputs = {
            "picture": picture,
            "mask": mask,
            "around": around,
            "cut": cut_window(np.concatenate([picture, mask, around], axis=1), scene.box),
            "style": np.array(styles, np.float32),
        }
        curves, shading = session.run(["curves", "shading"], inputs)
        return curves, shading[0]


def find_box(mask: Floats) -> Box:
    """The bounding box of what a mask [1, 1, H, W], 0..1, holds more than 1/255 of; of all of it where that is nothing.

    The mask must not be empty; the box holds a pixel at least.
    """
    held = mask[0, 0] > _FAINT
    if not held.any():
        held = mask[0, 0] > 0
    rows, columns = np.flatnonzero(held.any(1)), np.flatnonzero(held.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def cut_window(planes: Floats, box: Box) -> Floats:
    """What is seen in and around a box: [1, 5, SIDE, SIDE], of which the box is the middle half of each side.

    planes: [1, 5, H, W] of a canvas: R', G', B', the cut-out's coverage and what counts of the photo, with or without
    the canvas's padding.  Beyond it colours go on as at its edge; nothing there is covered, and nothing counts.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    across, down = -(-width // 2), -(-height // 2)
    x, y = left + across - width / 2, top + down - height / 2  # the window's corner where there is such a margin
    window = (x, y, x + 2 * width, y + 2 * height)
    cut = np.empty((1, planes.shape[1], SIDE, SIDE), np.float32)
    for index, plane in enumerate(planes[0]):
        wide = np.pad(plane, ((down, down), (across, across)), "edge" if index < _COLOURS else "constant")
        seen = Image.fromarray(wide).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=window)
        cut[0, index] = np.asarray(seen)
    return cut


def _check(picture: Bytes, reference: Bytes | None) -> None:
    check_picture(picture, channels=4)
    if reference is not None and (reference.dtype != np.uint8 or reference.shape != picture.shape[:2]):
        raise ValueError("The part to match must be bytes, one for each pixel of the picture.")
    check_cut_out(picture[:, :, 3], reference)


def _to_shares(box: Box, canvas: Canvas) -> tuple[float, float, float, float]:
    """A box of the canvas in shares of the picture on it."""
    left, top, right, bottom = box
    return left / canvas.width, top / canvas.height, right / canvas.width, bottom / canvas.height


def _bend(picture: Floats, curves: Floats) -> Floats:
    """Curves [3, 16] on a picture [1, 3, H, W], display-encoded."""
    bent = [np.interp(plane, INPUTS, curve) for plane, curve in zip(picture[0], curves)]
    return np.stack(bent)[None].astype(np.float32)


def _to_harmony(curves: Floats, shading: Floats, scene: _Scene) -> Harmony:
    """What the network says: curves [3, 16], shading [32, 32].  Raises ValueError where it is no number."""
    rising = np.maximum.accumulate(curves.clip(0, 1), axis=1)  # it rises by design, but for what float32 rounds
    red, green, blue = (tuple(curve) for curve in rising.tolist())
    rows = tuple(tuple(row) for row in shading.clip(-MOST_EV, MOST_EV).tolist())
    return Harmony(red, green, blue, Shading(_to_shares(scene.box, scene.canvas), rows))
