# SPDX-License-Identifier: GPL-3.0-or-later
"""What viewers and a critic say of a picture: the saliency and the realism network."""

from __future__ import annotations

import numpy as np

from model_server.predict.canvas import Floats
from model_server.predict.networks import Networks

SALIENCY, REALISM = "saliency.onnx", "realism.onnx"
CELL = 8  # px; a side of the cells of the viewers' maps
VIEWERS = (SALIENCY, "saliency-2.onnx")  # the first one alone where many pictures are to be judged


class Judges:
    """Viewers and critic.  Thread-safe.

    All take a picture [1, 3, H, W], display-encoded 0..1, on a canvas whose `valid` [1, 1, H, W] is 1 where the picture
    is, and a region's mask [1, 1, H, W], 0..1.  Raise NetworkError where a network cannot be loaded.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    def measure_share(self, picture: Floats, mask: Floats, valid: Floats) -> float:
        """The share of the viewers' attention that falls into the region, 0..1."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        return float(self._networks.session(SALIENCY).run(["share"], inputs)[0][0])

    def look_first(self, picture: Floats, mask: Floats, valid: Floats) -> tuple[float, Floats]:
        """What the first viewer sees: the region's share, and the share that falls into each cell [1, H/8, W/8]."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        share, density = self._networks.session(SALIENCY).run(["share", "density"], inputs)
        return float(share[0]), density

    def measure_realism(self, picture: Floats, mask: Floats, valid: Floats) -> float:
        """How real the region looks to the critic, 0..1."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        return float(self._networks.session(REALISM).run(None, inputs)[0][0])

    def map_density(self, picture: Floats, valid: Floats) -> Floats:
        """Where viewers look on the mean: [h, w], the share of all attention that falls into each cell of a grid."""
        return self.map_and_share(picture, valid, valid)[0]

    def map_and_share(self, picture: Floats, mask: Floats, valid: Floats) -> tuple[Floats, tuple[float, ...]]:
        """Where viewers look on the mean, and the region's share by each of them."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        shares, densities = zip(*(self._networks.session(name).run(["share", "density"], inputs) for name in VIEWERS))
        return np.mean(densities, 0)[0], tuple(float(share[0]) for share in shares)
