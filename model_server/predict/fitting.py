# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge tool: from a loose selection to the object that it means, or to a soft edge, or to itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gimp_saliency.shared.choices import Edge
from model_server.predict.canvas import Bytes, Floats, check_picture
from model_server.predict.edge import refine_mask
from model_server.predict.networks import Networks
from model_server.predict.soften import soften_mask

EDGE = "edge.onnx"

_SIDE = 192  # px; of what the network sees
_REACH = 2.0  # of the network's pixels: how far off its mask's edge may be

# The network's mask is unsure about its edge: what it holds less or more likely than these is out or in.
_OUT, _IN = 0.3, 0.7

# The object is taken where its mask is expected to cover what was meant so much better than the selection does, and at
# least so well; the selection is left alone where its edge is likely to be an object's already.
_MARGIN, _LEAST, _TIGHT = 0.03, 0.5, 0.25

_HALF = 128  # of 255: coverage that is in rather than out
_TOO_LITTLE = 0.02  # of the selection: a mask that is no more than that is a mistake


@dataclass(frozen=True)
class FoundEdge:
    """What becomes of a selection's edge.

    edge: how it was found, never AUTOMATIC.  mask: (H, W), 0..255, nowhere more than the selection unless it may grow.
    expected: the intersections over union with what was meant, 0..1, that the network expects of its mask and of the
    selection; None where it was not asked.
    """

    edge: Edge
    mask: Bytes
    expected: tuple[float, float] | None = None


class Fitting:
    """The tool.  Thread-safe."""

    files = (EDGE,)

    def __init__(self, networks: Networks) -> None:
        """Raises NetworkError where the file is not intact."""
        self._networks = networks
        networks.check(self.files)

    def find_edge(self, picture: Bytes, edge: Edge, width: float = 0.0, grow: float = 0.0) -> FoundEdge:
        """Find the edge for the selection in a part of a picture (H, W, 4) uint8, display-encoded sRGB and selection.

        The part is to be that of framing.frame_selection, for what the selection may grow to.  width: of the soft
        edge, in its pixels; 0: as the selection's size suggests where it is to be soft, else none.  grow: how many
        pixels an object that is fitted may go beyond the selection.  Raises ValueError on any other picture and where
        nothing is selected, NetworkError where the network cannot be loaded.
        """
        check_picture(picture, channels=4)
        selection = picture[:, :, 3]
        if not selection.any():
            raise ValueError("The mask is empty: select the region to edit.")
        if edge == Edge.AS_SELECTED:
            return FoundEdge(edge, selection)
        if edge == Edge.SOFT:
            return FoundEdge(edge, soften_mask(selection, width))
        probability, (fitted, selected, tight) = self._run_network(picture, selection)
        if edge == Edge.AUTOMATIC and tight >= _TIGHT:
            return FoundEdge(Edge.AS_SELECTED, selection, (fitted, selected))
        allowed = selection
        if grow >= 1:  # what it finds ends with what is selected: it must be shown all that may be taken
            allowed = _grow(selection, grow)
            probability, (fitted, *_rest) = self._run_network(picture, allowed)
        mask = np.minimum(_refine(picture, probability), allowed)
        is_there = int(mask.sum()) > _TOO_LITTLE * int(selection.sum())
        if is_there and (edge == Edge.OBJECT or (fitted >= _LEAST and fitted > selected + _MARGIN)):
            return FoundEdge(Edge.OBJECT, soften_mask(mask, width) if width else mask, (fitted, selected))
        return FoundEdge(Edge.SOFT, soften_mask(selection, width), (fitted, selected))

    def _run_network(self, picture: Bytes, selection: Bytes) -> tuple[Floats, tuple[float, float, float]]:
        """The object's mask (h, w), 0..1, and what is to be expected of it, of the selection and of its edge."""
        image = Image.fromarray(picture[:, :, :3])
        colours = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2))
        mask = Image.fromarray(selection).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2)
        inputs = {
            "picture": np.ascontiguousarray(colours.transpose(2, 0, 1)[None]).astype(np.float32) / 255,
            "selection": np.asarray(mask)[None, None].astype(np.float32) / 255,
        }
        found, expected = self._networks.session(EDGE).run(["mask", "expected"], inputs)
        fitted, selected, tight = (float(value) for value in expected[0])
        return found[0, 0], (fitted, selected, tight)


def _refine(picture: Bytes, probability: Floats) -> Bytes:
    """The network's mask at the picture's size, its edge moved to the one that the picture shows."""
    height, width = picture.shape[:2]
    grown = np.asarray(Image.fromarray(probability).resize((width, height), Image.Resampling.BILINEAR))
    certain = ((grown - _OUT) / (_IN - _OUT)).clip(0, 1) * 255
    guided = np.dstack([picture[:, :, :3], certain.round().astype(np.uint8)])
    refined = refine_mask(guided, max(1.0, _REACH * max(width, height) / _SIDE))
    result: Bytes = (refined >> 8).astype(np.uint8)
    return result


def _grow(mask: Bytes, reach: float) -> Bytes:
    """A mask with all that is no farther than `reach` px from what it has at least half."""
    marked = mask >= _HALF
    height, width = mask.shape
    far, rows = np.int32(height + width), np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(marked, rows, -far), axis=0)
    below = np.minimum.accumulate(np.where(marked, rows, 2 * far)[::-1], axis=0)[::-1]
    along = np.minimum(rows - above, below - rows) ** 2  # squared distances to what is marked in the same column
    nearest = along.copy()
    for step in range(1, min(int(reach), width - 1) + 1):
        np.minimum(nearest[:, step:], along[:, :-step] + step * step, out=nearest[:, step:])
        np.minimum(nearest[:, :-step], along[:, step:] + step * step, out=nearest[:, :-step])
    return np.where(nearest <= reach * reach, np.uint8(255), mask)
